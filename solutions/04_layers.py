# %% [markdown]
# # The same image, seen from every layer
#
# *Lesson 04 · 55 minutes · ●●○*
#
# So far every map was made of pixels. But a pixel is a poor witness: the network never decides by one of them. Further up, a
# single number may stand for "a corner, about here". In this lesson you stop the network half-way, look at what it has in its
# hands there, and make the map from that.
#
# **After this lesson you can**
#
# - see the data that pass any layer, and their gradient, also when the next layer overwrites them;
# - pick the layers of a network by what they are, on a network that you have never seen;
# - build linear approximation and Grad-CAM, and say when the two agree;
# - say what one gains and what one loses on the way up.

# %%
import torch
import torch.nn.functional as F
from torch import nn

from course_lib import beat, check, hint, lesson_end, predict, reveal, solution
from course_lib.attribution.gradient import gradient
from course_lib.attribution.guided_backprop import guided_backprop
from course_lib.explorer import LayerExplorer
from course_lib.figures import lesson_04 as figures
from course_lib.world.examples import (
    example_class_names,
    example_credit,
    example_scene,
    get_example_data,
    to_image,
)
from course_lib.world.networks import load_network
from course_lib.world.scenes import CLASSES, draw_scene, two_object_scenes

# %% [markdown]
# ## 1 · What a layer has in its hands
#
# A convolution with 16 filters turns an image into 16 new ones, one per filter. The next layer turns those into others, and a
# pooling layer halves their sides. You will see four of the images that each of four layers of our network makes of the example. The highest
# of these layers, `features.21`, comes after four pooling layers.
#
# *How many pixels of the scene will one cell of its images be wide?*

# %%
predict("cell_width", [4, 8, 16, 32], unit="pixels")

# %%
model, x, category_1, category_2 = get_example_data("tiny_vgg")
scene = example_scene()
name_1, name_2 = CLASSES[category_1], CLASSES[category_2]


def images_of(layer_number):
    """The four strongest of the images that leave model.features[layer_number]."""
    channels = model.features[: layer_number + 1](x)[0]
    strongest = channels.amax((1, 2)).argsort(descending=True)[:4]
    return channels[strongest].clamp(min=0)


channels = {f"features.{number}": images_of(number) for number in (1, 6, 13, 21)}
reveal("cell_width", x.shape[3] // channels["features.21"].shape[2])
figures.channels_of_layers(x, channels)

# %% [markdown]
# In the first two rows you still see outlines, in the last one a block of bright cells where the heart is. At `features.21` the scene is 6 x 6
# cells, with 128 numbers in each. No edge is left to see. But some of these numbers know what shape is there: everything that the network says
# afterwards, it says from them.
#
# To make a map from a layer we need two things there: the **activations** $x$, what the layer puts out; and their **gradient**
# $g = \partial \phi / \partial x$, how much the score would change with each of them. Both have the shape (N, channels, height,
# width).

# %% [markdown]
# ## 2 · A probe  *(12 min, ●●○)*
#
# PyTorch lets you listen at a layer. A function that you register as a *forward hook* is called each time when the layer has run.
# If it returns something, the network goes on with that instead of the layer's output.
#
# Here is a first try: keep the output, and look at it later.

# %%
network = nn.Sequential(nn.Conv2d(1, 1, 1, bias=False), nn.ReLU(inplace=True))
with torch.no_grad():
    network[0].weight.fill_(1.0)

kept = []
handle = network[0].register_forward_hook(
    lambda layer, inputs, output: kept.append(output)
)
numbers = torch.tensor([[[[3.0, -2.0], [-1.0, 4.0]]]])
with torch.no_grad():
    network(numbers)
handle.remove()

# %% [markdown]
# The convolution multiplies by 1, so it puts out the four numbers that came in: 3, -2, -1, 4.
#
# *What is in `kept` now?*

# %%
predict("kept_output", ["3, -2, -1, 4", "3, 0, 0, 4"])

# %%
print(kept[0][0, 0])
reveal("kept_output", ", ".join(f"{number:g}" for number in kept[0].flatten().tolist()))

# %% [markdown]
# The negative numbers are gone. You have kept the tensor itself, not a photograph of it, and the ReLU behind the convolution wrote
# its own result over it. Most networks of torchvision do this at every ReLU, to save memory.
#
# The remedy: keep the tensor, and send a *copy* on. What happens to the copy doesn't touch yours. And because the copy is computed
# from it, the gradient finds its way back.
#
# Two things about gradients in the middle of a network:
#
# - PyTorch drops them as soon as it has used them. `output.retain_grad()` asks it to keep this one; after a backward pass it is in
#   `output.grad`.
# - If neither the image nor a weight needs a gradient (`output.requires_grad` is false), there is no graph at this point, and you
#   start one: `output.detach().requires_grad_()` has the same numbers and is the beginning of a graph.
#
# **Write `look` and `gradient` of the class `Probe`.** `look` gets the layer, its inputs (a tuple), and its `output` (N, C, H, W). It
# puts the output into `self.data`, sees to it that its gradient will be kept, and returns what the network is to go on with. `gradient`
# returns the gradient at `self.data`, or None before a backward pass. Two probes on two layers of the same network must both work.


# %%
class Probe:
    """Sees what leaves a layer, `data`, and its gradient, both (N, C, H, W)."""

    def __init__(self, layer):
        self.data = None
        self.handle = layer.register_forward_hook(self.look)

    def look(self, layer, inputs, output):
        ### BEGIN SOLUTION
        if not output.requires_grad:
            output = output.detach().requires_grad_()
        output.retain_grad()
        self.data = output
        return output.clone()
        ### END SOLUTION

    @property
    def gradient(self):
        ### BEGIN SOLUTION
        return self.data.grad
        ### END SOLUTION

    def remove(self):
        self.handle.remove()


# %%
Probe = check("probe", Probe)

# %% [markdown]
# The same two layers again, with your probe on the convolution.

# %%
probe = Probe(network[0])
network(numbers).sum().backward()
probe.remove()
print("what the convolution put out:", probe.data[0, 0].tolist())
print("the gradient there:          ", probe.gradient[0, 0].tolist())

# %% [markdown]
# The gradient is 0 where the ReLU was shut, as in lesson 03. The data are what they were.

# %% [markdown]
# ## 3 · Which layers are there?  *(5 min, ●○○)*
#
# `features.21` is the last layer of our network that has an image in its hands. On another network it is called `layer4`, or
# `features.norm5`. Numbers that are right for one network are wrong for the next, so ask each layer what it *is*.
#
# A model is a tree. `model.named_modules()` walks through it and gives (name, layer) for every node: `features` is one, and so is each
# layer in it. The layers that do the work are the leaves, those without children: `list(layer.children())` is empty.
#
# A ReLU only cuts off what the layer before it made. Leave it out, and every map shows something new. (`features.21` is one: it
# cuts what `features.20` has made.) There are two kinds here, `nn.ReLU` and `nn.ReLU6`.
#
# **Write `non_relu_layers(model)`.** Return the list of the names of the model's leaves that are neither an `nn.ReLU` nor an `nn.ReLU6`,
# in the order of `named_modules()`.


# %%
def non_relu_layers(model):
    """Names of the leaves that are neither nn.ReLU nor nn.ReLU6: a list."""
    ### BEGIN SOLUTION
    return [
        name
        for name, layer in model.named_modules()
        if not list(layer.children()) and not isinstance(layer, (nn.ReLU, nn.ReLU6))
    ]
    ### END SOLUTION


# %%
non_relu_layers = check("non_relu_layers", non_relu_layers)

# %% [markdown]
# Your two tools together: a probe on each of these layers, one run, and the shapes. Layers whose output has no positions left (the
# pooled features and the scores) can't give a map.


# %%
def layers_with_positions(model, x):
    """Name -> (channels, height, width).

    For the layers of non_relu_layers with more than one position.
    """
    probes = {name: Probe(model.get_submodule(name)) for name in non_relu_layers(model)}
    model(x)
    for probe in probes.values():
        probe.remove()
    shapes = {
        name: tuple(p.data.shape[1:])
        for name, p in probes.items()
        if p.data is not None
    }
    return {name: s for name, s in shapes.items() if len(s) == 3 and s[1] * s[2] > 1}


for name, (channels, height, width) in layers_with_positions(model, x).items():
    kind = type(model.get_submodule(name)).__name__
    print(f"{name:12} {kind:10} {channels:4} channels of {height:2} x {width:2}")

# %% [markdown]
# ## 4 · Linear approximation  *(6 min, ●○○)*
#
# Take one cell of one channel, and one example in numbers. Its activation is 2.0, and the gradient there is 1.5: each unit of it
# raises the score by 1.5. So it contributes 2.0 · 1.5 = 3.0 to the score. A neighbour with activation 2.0 and gradient -0.5 takes 1.0
# away. A channel that is 0 contributes nothing, whatever its gradient.
#
# Add up the channels at each position $u$, and you have a map:
#
# $$s_u = \sum_c x_{cu} \, g_{cu}$$
#
# It treats the rest of the network as if it were linear, hence the name. Positive values speak for the class, negative ones against
# it.
#
# **Write `linear_approximation(x, g)`.** `x` are the activations and `g` the gradients, both (N, C, H, W). Return the maps, (N, 1, H, W).


# %%
def linear_approximation(x, g):
    """Activation times gradient, summed over the channels: (N, 1, H, W)."""
    ### BEGIN SOLUTION
    return (x * g).sum(1, keepdim=True)
    ### END SOLUTION


# %%
linear_approximation = check("linear_approximation", linear_approximation)

# %% [markdown]
# ## 5 · Grad-CAM  *(7 min, ●●○)*
#
# The gradient wobbles from cell to cell. Selvaraju and others (2017) make it calmer: one weight per *channel*, the mean of its gradient
# over all positions. That asks: does this channel, wherever it fires, speak for the class?
#
# $$w_c = \frac{1}{H W} \sum_u g_{cu} \qquad\qquad s_u = \max\Bigl(0, \sum_c w_c \, x_{cu}\Bigr)$$
#
# The channels are added up with their weights, and at the very end all that speaks against the class is cut off.
#
# **Write `grad_cam_map(x, g)`.** `x` and `g` as before, (N, C, H, W). Return the maps, (N, 1, H, W).


# %%
def grad_cam_map(x, g):
    """Positive part of the channels' sum, weighted by mean gradient: (N, 1, H, W)."""
    ### BEGIN SOLUTION
    weights = g.mean((2, 3), keepdim=True)
    return (weights * x).sum(1, keepdim=True).clamp(min=0)
    ### END SOLUTION


# %%
grad_cam_map = check("grad_cam_map", grad_cam_map)

# %% [markdown]
# ## 6 · From a layer's name to a map  *(8 min, ●●○)*
#
# Now put the pieces together. One tool is new: `torch.autograd.grad(score, tensor)` returns a tuple with the gradient of `score` at
# `tensor`, and fills no weight's `.grad`. `score.backward()` would fill that of every weight, and the model is not yours.
#
# **Write `map_at_layer(model, x, target, layer, rule)`.** `x` is a batch of images (N, 3, H, W), `target` a class (an int), `layer` the name
# of a layer (`model.get_submodule(layer)` finds it), and `rule` a function of activations and gradients, such as `grad_cam_map`. Return what
# the rule makes of that layer. Use your `Probe`, and leave the model as it was.


# %%
def map_at_layer(model, x, target, layer, rule):
    """What rule(activations, gradients) gives at a layer for a class: (N, 1, h, w)."""
    ### BEGIN SOLUTION
    probe = Probe(model.get_submodule(layer))
    scores = model(x)
    probe.remove()
    (g,) = torch.autograd.grad(scores[:, target].sum(), probe.data)
    return rule(probe.data.detach(), g)
    ### END SOLUTION


# %%
map_at_layer = check("map_at_layer", map_at_layer)

# %% [markdown]
# Both classes of the scene, both methods, at the last layer that has a map.
#
# *Behind that layer there is only a mean over the positions and a linear layer. Will a channel's gradient differ from cell to cell, as the
# channel itself does?*

# %%
predict("top_gradient", [True, False])

# %%
last = "features.21"


def two_maps(target, layer):
    """Linear approximation and Grad-CAM of the example at a layer."""
    rules = (linear_approximation, grad_cam_map)
    return [map_at_layer(model, x, target, layer, rule) for rule in rules]


g = map_at_layer(model, x, category_1, last, lambda x, g: g)
spread = (g.amax((2, 3)) - g.amin((2, 3))).max()
print(f"a channel's gradient differs between cells by at most {spread:.4f}")
reveal("top_gradient", spread > 1e-6)

maps = {target: two_maps(target, last) for target in scene.objects}
filled = sum(weight.grad is not None for weight in model.parameters())
print(f"weights in which a gradient was left: {filled}")

figures.both_classes(scene, last, maps)

# %% [markdown]
# Compare with the guided maps of lesson 03: on one object they drew the same lines, whichever class you asked for. These maps are
# coarse, 36 cells in all. But in each row the strong cells lie on the object that the row asks for.

# %%
linear, cam = two_maps(category_1, last)
difference = (cam - linear.clamp(min=0)).abs().max()
print(f"largest value of Grad-CAM: {cam.max():.2f}")
print(f"largest difference from linear approximation's positive part: {difference:.4f}")

score = model(x)[0, category_1]
bias = model.classifier.bias[category_1]
print(f"score of {name_1}: {score:.2f}")
print(f"sum of the map, plus the classifier's bias: {linear.sum() + bias:.2f}")

# %% [markdown]
# A mean gives each position the same say, so the gradient of a channel is the same number everywhere. There is nothing left to average:
# Grad-CAM *is* the positive part of linear approximation here. And because the rest of the network is linear, the contributions add up to
# the score. It is one of the few places where a map can be checked by adding up.
#
# Further down neither of the two is true. How much does a map there know of the class? Of all that is positive in it and lies on the two
# objects, take the share on the object asked for: a map that can't tell the two apart gets about a half.
#
# *At `features.10`, asked for the ring: which of the two maps has the larger share on it?*

# %%
predict("lower_maps", ["linear approximation", "Grad-CAM"])


# %%
def share_on_object(maps, asked, other):
    """Of what is positive in maps on two objects, the share on the first: (N,).

    maps are (N, 1, h, w), asked and other the objects' masks, (N, H, W).
    """
    positive = F.interpolate(maps.clamp(min=0), asked.shape[1:], mode="nearest")[:, 0]
    on_asked, on_other = (positive * asked).sum((1, 2)), (positive * other).sum((1, 2))
    # a map with nothing on either object can't tell them apart
    return torch.where(on_asked + on_other > 0, on_asked / (on_asked + on_other), 0.5)


lower = "features.10"
mask_1, mask_2 = torch.as_tensor(scene.masks[scene.objects])[:, None]
maps = dict(zip(("linear approximation", "Grad-CAM"), two_maps(category_1, lower)))
on_ring = {m: share_on_object(s, mask_1, mask_2).item() for m, s in maps.items()}
for method, share in on_ring.items():
    print(f"{method:21} at {lower}: {share:.0%} on the {name_1}")
reveal("lower_maps", max(on_ring, key=on_ring.get))

figures.both_classes(scene, lower, {c: two_maps(c, lower) for c in scene.objects})

# %% [markdown]
# Linear approximation still has its strong cells, red and blue, on the object that it was asked for: two thirds of what is positive on the two.
# Grad-CAM lights up around both, and along the edge of the picture.
#
# Down here a channel is an edge or a colour, and it fires on everything. One weight per channel can't say "this edge, but not that one":
# it says "edges". The gradient at each position can, and linear approximation listens to it.

# %% [markdown]
# ## 7 · The whole way up
#
# One image, every layer. Move the slider (click it, then use the arrow keys), and choose the method and the class.
#
# *Try this: put the slider on the far left with Grad-CAM, then go up one step at a time. At which layer does the object that you asked
# for take over? Is it the same layer for the gradient?*

# %%
LayerExplorer(
    model,
    x,
    category_1,
    masks=scene.masks,
    layers=list(layers_with_positions(model, x)),
)

# %% [markdown]
# One scene is an anecdote, so measure it: the same share for 60 scenes with two objects each, at every layer.
#
# *Of what Grad-CAM puts on the two objects at the very lowest layer, how much will lie on the one asked for?*

# %%
predict("lowest_layer", [50, 65, 80, 95], unit="%")

# %%
scenes = list(two_object_scenes(60))
images = torch.cat([scene.x for scene in scenes])
wanted = torch.tensor([scene.objects[0] for scene in scenes])
first, second = (
    torch.stack([torch.as_tensor(s.masks[s.objects[i]]) for s in scenes])
    for i in (0, 1)
)

# one pass for all layers: the probes work side by side. At the top, the ReLU of
# section 6, which non_relu_layers leaves out.
layers = [*layers_with_positions(model, x), last]
probes = [Probe(model.get_submodule(layer)) for layer in layers]
scores = model(images)
for probe in probes:
    probe.remove()
score_of_each = scores.gather(1, wanted[:, None]).sum()
gradients = torch.autograd.grad(score_of_each, [probe.data for probe in probes])

rules = {"linear approximation": linear_approximation, "Grad-CAM": grad_cam_map}
shares = {method: [] for method in rules}
for probe, g in zip(probes, gradients):
    for method, rule in rules.items():
        maps = rule(probe.data.detach(), g)
        shares[method].append(share_on_object(maps, first, second).mean().item())

for method, values in shares.items():
    lowest, highest = values[0], values[-1]
    print(f"{method:21} lowest layer {lowest:.2f}   highest layer {highest:.2f}")
    best = values.index(max(values))
    print(f"{'':21} best at {layers[best]}, {values[best]:.2f}")
reveal("lowest_layer", 100 * shares["Grad-CAM"][0])

figures.shares_by_layer(layers, shares, len(scenes))

# %% [markdown]
# For more than half of the way Grad-CAM can't tell the objects apart: its curve runs along the dotted line. Then channels begin to mean
# something, and it catches up. Linear approximation is ahead until there. At the very top both give a little away again: a cell there sees
# most of the image, and the two objects begin to share cells.
#
# What one loses on the way up is detail. A cell of the last layer is 16 pixels wide, and the map can't be finer than that: drawn smoothly
# over the image, it looks more exact than it is.

# %% [markdown]
# ## 8 · Other networks, same tools
#
# You picked layers by type, so nothing here depends on our network. Here are four networks of four families: plain (VGG), with residual
# sums (ResNet), with concatenation (DenseNet), and with ReLU6 (MobileNet). Each has been trained on the same scenes. The fifth is a real one:
# EfficientNet-Lite0 (Lite0 in the picture) has learned a thousand classes from the photographs of ImageNet, and gets a photograph. The layer is the last one with
# a map, found by your `non_relu_layers`.
#
# *Of what Grad-CAM puts on the two objects of the scene, more than nine tenths lie on the ring: on how many of the four tiny networks?*

# %%
predict("four_families", [1, 2, 3, 4])


# %%
def four_maps(model, x, target):
    """Four methods' maps for a class, at the last layer that has a map."""
    layer = list(layers_with_positions(model, x))[-1]
    return {
        "gradient": gradient(model, x, target),
        "guided": guided_backprop(model, x, target),
        "linear approx.": map_at_layer(model, x, target, layer, linear_approximation),
        "Grad-CAM": map_at_layer(model, x, target, layer, grad_cam_map),
    }


families = ["tiny_vgg", "tiny_resnet", "tiny_densenet", "tiny_mobilenet"]
networks = {name: load_network(name) for name in families}
on_scene = {name: four_maps(networks[name], x, category_1) for name in families}
on_ring = {
    name: share_on_object(maps["Grad-CAM"], mask_1, mask_2).item()
    for name, maps in on_scene.items()
}
for name, share in on_ring.items():
    print(f"{name:15} Grad-CAM on the {name_1}: {share:.0%}")
reveal("four_families", sum(share > 0.9 for share in on_ring.values()))

lite, coffee, likeliest, _ = get_example_data("efficientnet_lite0", image="coffee")
figures.methods_and_networks(
    scene,
    category_1,
    on_scene,
    to_image("efficientnet_lite0", coffee),
    example_class_names(coffee[0])[likeliest],
    {"Lite0": four_maps(lite, coffee, likeliest)},
    example_credit(coffee[0]),
)

# %% [markdown]
# The gradient and guided backprop look different on each. Grad-CAM puts nearly all that lies on an object on the one asked for, in each
# of the four: the numbers above the picture.

# %% [markdown]
# ## 9 · A photo of your own
#
# Put the path of a picture on this computer in the place of `"photographer"`, in quotes. It is cut to a square, and nothing leaves the computer.
# EfficientNet-Lite0 says what it takes the picture for, and Grad-CAM where it sees that, for its first three guesses.
#
# *The first guess for the photographer is a tripod. In which third of the picture will the strongest cell of its map lie?*

# %%
predict("tripod", ["at the top", "in the middle", "at the bottom"])

# %%
arch, picture = "efficientnet_lite0", "photographer"

try:
    found = get_example_data(arch, image=picture)
except (OSError, TypeError, ValueError) as problem:
    print(problem, "Here is the photographer.")
    arch = "efficientnet_lite0"
    found = get_example_data(arch, image="photographer")
large, photo, likeliest, _ = found
names, credit = example_class_names(photo[0]), example_credit(photo[0])

top = list(layers_with_positions(large, photo))[-1]
chances, guesses = large(photo)[0].softmax(0).topk(3)
cams = {}
for chance, guess in zip(chances.tolist(), guesses.tolist()):
    title = f"{names[guess]} ({chance:.0%})"
    cams[title] = map_at_layer(large, photo, guess, top, grad_cam_map)

first = next(iter(cams))
rows = cams[first][0, 0].amax(1)
row = int(rows.argmax())
third = ("at the top", "in the middle", "at the bottom")[3 * row // len(rows)]
print(f"{first}: the strongest cell is {third}, in row {row + 1} of {len(rows)}")
reveal("tripod", third)

figures.guesses_on_photo(to_image(arch, photo), cams, credit)

# %% [markdown]
# A network of a thousand classes gives a map for each of them, also for those that it hardly believes in. The photographer's tripod stands on its legs;
# what might be a harmonica or binoculars is in front of his face. Nobody measured that: without a mask, a map that looks right is all you have.
#
# In the place of `"efficientnet_lite0"` you may write the name of any classification network of torchvision, such as `"resnet50"`. Its weights are
# downloaded once (98 MB).
#
# The explorer takes the photo too, here at the last layer of each stage of the network.

# %%
print(credit or "Your own photo.")
stages = {
    ".".join(name.split(".")[:2]): name for name in layers_with_positions(large, photo)
}
LayerExplorer(
    large,
    photo,
    likeliest,
    image=to_image(arch, photo)[0],
    names=names,
    layers=list(stages.values()),
)

# %% [markdown]
# ## Open task: find a scene where Grad-CAM points at the wrong object
#
# In section 7, Grad-CAM at `features.21` had its share on the right object *on the average*. On some of the 60 scenes it had less, and the
# worst of them is to beat. Find one on which it does worse still.
#
# The answer is the seed of a scene, `draw_scene(seed)`, with two objects (`scene.objects`). The first of them is asked for, and the network has to find
# it. Your score: of what Grad-CAM at `features.21` puts on the two objects, the share on the *other* one. You have the tools, `map_at_layer` and
# `share_on_object`. When you have found some, look at them: what have they in common?

# %%
my_scene = None  # your code here

# %%
beat("wrong_object", my_scene)

# %% [markdown]
# ## What you learned
#
# - A probe keeps a layer's output and sends a copy on. Without the copy, an in-place ReLU rewrites your evidence.
# - Linear approximation: activation times gradient, summed over channels. Grad-CAM: one weight per channel, and the positive part.
# - Before a mean and a linear layer the two are the same up to the cut at zero, and the map adds up to the score.
# - High layers know *what*, low layers know *where*. A map from a high layer answers the question, coarsely.
#
# **To keep:** *ask high up, where the network has made up its mind, and don't believe a map to be finer than its layer.*

# %%
lesson_end("04")

# %% [markdown]
# ## Where to read on
#
# - B. Zhou and others, [*Learning deep features for discriminative localization*](https://arxiv.org/abs/1512.04150), CVPR 2016: CAM, the case where the map adds up to the score.
# - R. Selvaraju and others, [*Grad-CAM: visual explanations from deep networks via gradient-based localization*](https://arxiv.org/abs/1610.02391), ICCV 2017.
# - S. Rebuffi, R. Fong, X. Ji and A. Vedaldi, [*There and back again: revisiting backpropagation saliency methods*](https://arxiv.org/abs/2004.02866), CVPR 2020: linear
#   approximation, and which layer to choose.
# - M. Aubry and B. Russell, [*Understanding deep features with computer-generated imagery*](https://arxiv.org/abs/1506.01151), ICCV 2015: what layers know, measured on scenes
#   with exact truth.
#
# **Next:** [lesson 05](05_excitation_backprop.ipynb). Can one get detail and still have the right object?
