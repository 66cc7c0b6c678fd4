# %% [markdown]
# # Three ways back through a ReLU
#
# *Lesson 03 · 65 minutes · ●●○*
#
# The map of the plain gradient looks like a handful of sand thrown at the right place. In 2014 and 2015 two papers found
# that far sharper pictures come out when the ReLU goes *back* another way. Nothing else changes: the same network, the
# same scores.
#
# You will build both, see the sharp pictures, and then ask the question that took the field three more years: does the
# sharp picture answer what you asked?
#
# **After this lesson you can**
#
# - give a function a backward rule of your own;
# - build DeConvNet and guided backpropagation out of one line each;
# - put a map to the test: does it change when the question does?
# - tell when a method reaches every ReLU of a network, and when it only seems to.

# %%
import warnings
from contextlib import nullcontext

import torch
import torch.nn.functional as F
from torch import nn

from course_lib import beat, check, hint, lesson_end, predict, reveal, solution
from course_lib.attribution.common import BackwardRules, Patch
from course_lib.attribution.deconvnet import deconvnet
from course_lib.attribution.gradient import gradient
from course_lib.attribution.guided_backprop import guided_backprop
from course_lib.figures import lesson_03 as figures
from course_lib.world.examples import (
    example_class_names,
    example_credit,
    example_scene,
    get_example_data,
    to_image,
)
from course_lib.world.networks import build_network
from course_lib.world.scenes import CLASSES, two_object_scenes

# %% [markdown]
# ## 1 · A ReLU decides twice
#
# On the way forward a ReLU lets a number through if it is positive: $y = \max(0, x)$.
#
# On the way back a number $p$ arrives for each $y$: how much the score would change if $y$ did. What does the ReLU hand on
# to $x$? Where the gate was open ($x > 0$), all of $p$. Where it was shut, wiggling $x$ changes nothing, so 0.
#
# Here is a ReLU layer of 5 × 5 units. `x` came in on the way forward, `p` comes in on the way back.

# %%
x = torch.tensor(
    [
        [ 2., -1.,  3.,  0., -2.],
        [-3.,  1.,  2., -1.,  4.],
        [ 1.,  0., -2.,  3., -1.],
        [-1.,  4., -3.,  2.,  1.],
        [ 3., -2.,  1., -4.,  2.],
    ]
)  # fmt: skip
p = torch.tensor(
    [
        [ 3.,  2., -1.,  4., -2.],
        [ 1., -3.,  2., -1., -2.],
        [-1.,  2.,  3.,  1., -4.],
        [ 2.,  1., -2., -3.,  3.],
        [-2., -1.,  4.,  1.,  1.],
    ]
)  # fmt: skip


def way_back(relu, x, p):
    """What `relu` hands back for x when p comes in."""
    leaf = x.clone().requires_grad_()
    return torch.autograd.grad(relu(leaf), leaf, p)[0]


# %% [markdown]
# *Take the top left corner and the unit right of it. What does the ordinary ReLU hand back for each of them?*

# %%
predict("corner_and_neighbour", ["2 and 0", "3 and 0", "3 and 2", "5 and 1"])

# %%
handed_back = way_back(torch.relu, x, p)
corner, neighbour = handed_back[0, :2]
reveal("corner_and_neighbour", f"{corner:.0f} and {neighbour:.0f}")

figures.both_ways(x, torch.relu(x), p, handed_back)

# %% [markdown]
# ### Writing a rule yourself
#
# PyTorch lets you say both ways yourself, in a class. Here is the ordinary ReLU, written out:


# %%
class OrdinaryReLU(torch.autograd.Function):
    """y = max(0, x); backward: p where x > 0."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, p):
        (x,) = ctx.saved_tensors
        return torch.where(x > 0, p, 0)


same = way_back(OrdinaryReLU.apply, x, p) == way_back(torch.relu, x, p)
print(f"{int(same.sum())} of {same.numel()} numbers are those of torch.relu")

# %% [markdown]
# Four things to know:
#
# - You never make an object of the class. The function to call is `OrdinaryReLU.apply`.
# - `ctx` is a box that travels from forward to backward. What backward needs, forward puts in with `save_for_backward`.
# - `backward` returns one gradient for each input of `forward`. Here that is one tensor, of the shape of `x`.
# - `p` does not belong to you. Other branches of the network may get the same tensor, so make a new one and leave `p` as
#   it is. (`clamp` makes a new tensor, `clamp_` overwrites.)
#
# Nobody checks that `backward` is the true derivative of `forward`. That is the door through which both methods come in.

# %% [markdown]
# ## 2 · DeConvNet: ask the gradient  *(6 min, ●○○)*
#
# Zeiler and Fergus (2014) wanted to turn a network round: put one unit's activity in at the top and let a picture come
# out at the bottom. Their reversed network had ReLUs too, and these saw what flows *down*. In our words: a ReLU on the way
# back looks at $p$, and not at $x$.
#
# $$\text{DeConvNet:}\qquad p \;\text{ where }\; p > 0, \;\text{ else } 0$$
#
# **Write the class `DeConvNetReLU`**, an autograd function. Forward: an ordinary ReLU of `x` (a tensor of any shape), written
# with `clamp` as above. (Not with `torch.relu`: in section 4 that name will stand for your own function.) Backward: the rule
# above, same shape.


# %%
class DeConvNetReLU(torch.autograd.Function):
    """y = max(0, x); backward: p where p > 0."""

    @staticmethod
    def forward(ctx, x):
        ### BEGIN SOLUTION
        return x.clamp(min=0)
        ### END SOLUTION

    @staticmethod
    def backward(ctx, p):
        ### BEGIN SOLUTION
        return p.clamp(min=0)
        ### END SOLUTION


# %%
DeConvNetReLU = check("deconvnet_relu", DeConvNetReLU)

# %% [markdown]
# ## 3 · Guided backpropagation: ask both  *(6 min, ●○○)*
#
# Springenberg and others (2015) put the two gates in a row. A number passes back only where the unit was active *and* the
# gradient is positive: only units that were there, and that speak for the class.
#
# $$\text{guided:}\qquad p \;\text{ where }\; x > 0 \;\text{ and }\; p > 0, \;\text{ else } 0$$
#
# **Write the class `GuidedBackpropReLU`** in the same way.


# %%
class GuidedBackpropReLU(torch.autograd.Function):
    """y = max(0, x); backward: p where x > 0 and p > 0."""

    @staticmethod
    def forward(ctx, x):
        ### BEGIN SOLUTION
        ctx.save_for_backward(x)
        return x.clamp(min=0)
        ### END SOLUTION

    @staticmethod
    def backward(ctx, p):
        ### BEGIN SOLUTION
        (x,) = ctx.saved_tensors
        return torch.where((x > 0) & (p > 0), p, 0)
        ### END SOLUTION


# %%
GuidedBackpropReLU = check("guided_relu", GuidedBackpropReLU)

# %% [markdown]
# Next, the three rules side by side.
#
# *Which rule lets the fewest of the 25 numbers pass?*

# %%
predict("fewest_pass", ["ordinary", "DeConvNet", "guided"])

# %%
results = {
    "ordinary: x > 0": way_back(torch.relu, x, p),
    "DeConvNet: p > 0": way_back(DeConvNetReLU.apply, x, p),
    "guided: x > 0 and p > 0": way_back(GuidedBackpropReLU.apply, x, p),
}
passed = {rule: int((result != 0).sum()) for rule, result in results.items()}
for rule, count in passed.items():
    print(f"{rule:25}{count:3} of 25 numbers pass")
reveal("fewest_pass", min(passed, key=passed.get).split(":")[0])

figures.three_rules(x, p, results)

# %% [markdown]
# ## 4 · Into the network  *(7 min, ●●○)*
#
# Each ReLU of the network shall use your rule, and the network shall not be touched. You know how: `Patch`, from lesson 02
# (it has been imported above). Which name? `nn.ReLU` calls `F.relu`, and `F.relu` in turn calls
#
# - `torch.relu(x)`, or
# - `torch.relu_(x)`, with an underscore, when it was asked to work in place (`inplace=True`): then x is overwritten.
#
# So two signposts have to be turned.
#
# **Write the class `ReLUContext`.** `ReLUContext(relu_func)` takes an autograd function (the class, such as
# `GuidedBackpropReLU`). Inside `with ReLUContext(relu_func):` both `torch.relu` and `torch.relu_` are `relu_func.apply`.
# Before and after the `with` they are what they were, also after an exception (Ctrl-C is one, too), and the exception passes
# through. Contexts may nest.


# %%
class ReLUContext:
    """Inside `with`, torch's two ReLU functions go back by the rule of `relu_func`."""

    def __init__(self, relu_func):
        ### BEGIN SOLUTION
        self.relu_func = relu_func
        ### END SOLUTION

    def __enter__(self):
        ### BEGIN SOLUTION
        names = ("torch.relu", "torch.relu_")
        self.patches = [Patch(name, self.relu_func.apply) for name in names]
        return self
        ### END SOLUTION

    def __exit__(self, kind, error, traceback):
        ### BEGIN SOLUTION
        for patch in self.patches:
            patch.remove()
        ### END SOLUTION


# %%
ReLUContext = check("relu_context", ReLUContext)

# %% [markdown]
# Now the pictures. `saliency_map` does what you know from lesson 01: the gradient of one class's score at the picture, and
# from that the largest magnitude over the three colours. The rule that holds while the network runs *forward* decides how
# it goes back.

# %%
model, image, category_1, category_2 = get_example_data("tiny_vgg")
scene = example_scene()

contexts = {
    "gradient": nullcontext,
    "DeConvNet": lambda: ReLUContext(DeConvNetReLU),
    "guided": lambda: ReLUContext(GuidedBackpropReLU),
}


def saliency_map(x, target, make_context=nullcontext):
    """Maps (N, H, W) of a batch x; target: a class, or one class for each picture."""
    leaf = x.clone().requires_grad_()
    with make_context():
        scores = model(leaf)
    target = torch.as_tensor(target).expand(len(x))
    score = scores.gather(1, target[:, None]).sum()
    return torch.autograd.grad(score, leaf)[0].abs().amax(1)


with ReLUContext(GuidedBackpropReLU):
    inside = model(image)
difference = (inside - model(image)).abs().max()
print(f"largest difference between the scores, inside and outside: {difference}")

# %% [markdown]
# The scene shows two objects. One row of maps for each of the two classes; the object that the row asks for has a solid
# outline, the other one a dotted one.
#
# A good map answers a question about one class. So its brightest pixel should move when the question does.
#
# *In how many of the six maps does the brightest pixel lie on the object that the row asks for?*

# %%
predict("peak_moves", [0, 2, 4, 6], unit="of 6")


# %%
def maps_of(target):
    """The map of each method for one class."""
    return {
        method: saliency_map(image, target, make)[0]
        for method, make in contexts.items()
    }


both = {category: maps_of(category) for category in (category_1, category_2)}
on_own = [
    scene.masks[category].flatten()[s.argmax()] > 0.5
    for category, maps in both.items()
    for s in maps.values()
]
reveal("peak_moves", sum(on_own))

figures.maps_of_two_classes(scene, both)

# %% [markdown]
# The gradient's maps are grain, DeConvNet's are spread over the whole picture. Guided backprop draws sharp lines on a black
# background (the last column has the same map without the outlines, which are sharp lines, too). And all six have their brightest
# pixel where it should be. It is easy to see why people liked guided backprop. Would you trust it? Two questions before you answer.

# %% [markdown]
# ## 5 · Ask for something that is not there  *(3 min, ●○○)*
#
# Ask the three methods about the class that the network is most sure *not* to see.
#
# The two objects that are there cover 16 % of the picture.
#
# *How much of guided backprop's map will lie on them, when you ask for something that is not there?*

# %%
predict("absent_on_objects", [5, 16, 50, 80], unit="%")

# %%
scores = model(image)[0]
absent = scores.argmin().item()
for category in (category_1, category_2, absent):
    print(f"score of {CLASSES[category]:9} {scores[category]:5.1f}")

absent_maps = maps_of(absent)
there = torch.from_numpy(scene.masks[scene.objects]).sum(0)
print(f"the two objects that are there cover {there.mean():.0%} of the picture")
drawn = absent_maps["guided"]
reveal("absent_on_objects", 100 * (drawn * there).sum() / drawn.sum())

figures.maps_of_absent_class(scene, absent, absent_maps)

# %% [markdown]
# Asked about something that is not there, guided backprop draws both objects that are there, as clean as before, and little else. (Each
# map is scaled to its own maximum, so nothing in the picture warns you.)
#
# So perhaps the drawing is always the same, and the class only turns the brightness of its parts up and down? That can be
# measured.

# %% [markdown]
# ## 6 · How alike are the drawings?  *(10 min, ●●○)*
#
# Take two maps of the same picture, $a$ for one class and $b$ for the other, and look at the pixels of **one object** only.
# Does $a$ draw the object in the same way as $b$?
#
# The **correlation** compares two drawings and does not care for their brightness. With $w_u = 1$ for a pixel $u$ that
# counts, and 0 for one that does not:
#
# $$\bar a = \frac{\sum_u w_u a_u}{\sum_u w_u} \qquad a'_u = w_u\,(a_u - \bar a) \qquad
# r = \frac{\sum_u a'_u b'_u}{\sqrt{\sum_u a_u'^2}\;\sqrt{\sum_u b_u'^2}}$$
#
# It is 1 when both show the same drawing, and around 0 when a bright pixel in one says nothing about the other.
#
# Two tools: `a.flatten(1)` turns shape `(N, H, W)` into `(N, H * W)`, one row for each map. `a.sum(1, keepdim=True)` sums
# each row and keeps the shape `(N, 1)`, so that the result can be subtracted from the rows.
#
# **Write `map_correlation(a, b, where)`.** `a` and `b` are float tensors of shape `(N, H, W)`, one map for each of N
# pictures. `where` has the same shape and is 1.0 for the pixels that count, else 0.0. Return the N correlations,
# shape `(N,)`.


# %%
def map_correlation(a, b, where):
    """Correlation of a[n] and b[n] where `where` is 1, for each n: (N,)."""
    ### BEGIN SOLUTION
    a, b, where = a.flatten(1), b.flatten(1), where.flatten(1)
    count = where.sum(1, keepdim=True)
    a = (a - (a * where).sum(1, keepdim=True) / count) * where
    b = (b - (b * where).sum(1, keepdim=True) / count) * where
    return (a * b).sum(1) / (a.norm(dim=1) * b.norm(dim=1))
    ### END SOLUTION


# %%
map_correlation = check("map_correlation", map_correlation)

# %% [markdown]
# Forty scenes with two objects each, which the network has never seen in training. For each scene and each method: the maps
# of its two classes, and how alike they draw the first object, and the second.
#
# *How alike are guided backprop's maps of the two classes, on one object?*

# %%
predict("guided_alike", [0.1, 0.4, 0.7, 0.95])

# %%
scenes = list(two_object_scenes(40))
images = torch.cat([scene.x for scene in scenes])
first = torch.tensor([scene.objects[0] for scene in scenes])
second = torch.tensor([scene.objects[1] for scene in scenes])


def pixels_of(classes):
    """1.0 on the object of the given class of each scene, else 0.0: shape (N, H, W)."""
    covered = [scene.masks[c] > 0.5 for scene, c in zip(scenes, classes, strict=True)]
    return torch.stack([torch.from_numpy(mask).float() for mask in covered])


on_first, on_second = pixels_of(first), pixels_of(second)
maps = {
    method: (saliency_map(images, first, make), saliency_map(images, second, make))
    for method, make in contexts.items()
}
alike = {
    method: torch.cat(
        [map_correlation(a, b, on_first), map_correlation(a, b, on_second)]
    )
    for method, (a, b) in maps.items()
}

print("correlation of two classes' maps on the same object, median")
for method, r in alike.items():
    print(f"{method:10} {r.median():.2f}")
reveal("guided_alike", alike["guided"].median())

figures.dots_of_correlation(alike)

# %% [markdown]
# On one object, guided backprop's maps of two classes are all but the same drawing. What about the brightness? The exact
# masks tell: of what a map puts on the two objects, how much lies on the one asked for? Half of it would mean that the map
# can't tell them apart.


# %%
def share_on_own(s, own, other):
    """Of what the maps s put on two objects, the share on their own: (N,)."""
    on_own, on_other = (s * own).sum((1, 2)), (s * other).sum((1, 2))
    return on_own / (on_own + on_other)


print(
    "share on the object asked for (mean), correlation over the whole picture (median)"
)
for method, (a, b) in maps.items():
    shares = torch.cat(
        [share_on_own(a, on_first, on_second), share_on_own(b, on_second, on_first)]
    )
    whole = map_correlation(a, b, torch.ones_like(a))
    print(f"{method:10} {shares.mean():.0%}   {whole.median():.2f}")

# %% [markdown]
# The brightness does know the class. In this network guided backprop puts more of it on the right object than the gradient
# does, and over the whole picture its two maps differ about as much.
#
# So be exact about what such a map can say. *Which object* is bright: that depends on the class, here. *How the object is
# drawn*, each line in it: that does not. Whoever looks at the lines to see which edges made the network
# say yes looks at something that would be there for any class. And in large networks even the brightness may hardly change with the class:
# section 9 looks at one.

# %% [markdown]
# ## 7 · Why?  *(6 min, ●●○)*
#
# Follow the gradients of the two classes down through the network. At each ReLU a list of numbers comes back to every place
# of the picture, one for each channel. Compare the two lists of the two classes: do they point the same way (cosine 1), are
# they unrelated (0), or opposed (−1)?
#
# The function below patches `torch.relu` once more, to take notes of what comes back to each ReLU.


# %%
def gradients_on_the_way(target, relu):
    """What comes back to each ReLU, the last one's first: tensors (N, C, H, W)."""
    notes = []

    def noting(x):
        y = relu(x)
        y.register_hook(notes.append)
        return y

    leaf = images[:20].clone().requires_grad_()
    with Patch("torch.relu", noting):
        scores = model(leaf)
    score = scores.gather(1, target[:20, None]).sum()
    torch.autograd.grad(score, leaf)
    return notes


def direction(a, b):
    """Cosine between the channels of a and b at each place, averaged.

    Strong places count more.
    """
    return ((a * b).sum() / (a.norm(dim=1) * b.norm(dim=1)).sum()).item()


rules = {
    "gradient": torch.relu,
    "DeConvNet": DeConvNetReLU.apply,
    "guided": GuidedBackpropReLU.apply,
}
cosines = {}
for method, relu in rules.items():
    pairs = zip(
        gradients_on_the_way(first, relu),
        gradients_on_the_way(second, relu),
        strict=True,
    )
    cosines[method] = [direction(a, b) for a, b in pairs]

print("cosine of what comes back for two classes")
for method, values in cosines.items():
    print(
        f"{method:10} at the last ReLU {values[0]:5.2f}, at the first {values[-1]:5.2f}"
    )

# %%
figures.cosines_on_the_way(cosines)

# %% [markdown]
# At the top, two classes send back unrelated lists. On the way down the ordinary gradient sets them against each other: what
# speaks for one class speaks against the other. DeConvNet and guided backprop turn
# them into nearly the same direction.
#
# Against each other? In section 6 the gradient's maps of two classes were rather alike. But those were maps of *magnitudes*.
# Keep the sign, and see.


# %%
def signed_map(x, target):
    """The plain gradient with its sign, summed over the colours: maps (N, H, W)."""
    leaf = x.clone().requires_grad_()
    score = model(leaf).gather(1, target[:, None]).sum()
    return torch.autograd.grad(score, leaf)[0].sum(1)


a, b = signed_map(images, first), signed_map(images, second)
signed = torch.cat([map_correlation(a, b, on_first), map_correlation(a, b, on_second)])
print("the gradient's maps of two classes on the same object, median correlation")
print(f"magnitudes {alike['gradient'].median():5.2f}")
print(f"signed     {signed.median():5.2f}")

# %% [markdown]
# The same edges matter for both classes, with opposite signs. A map of magnitudes hides that, and so looks more alike than the
# gradients are.
#
# Why does the difference between two classes die in guided backprop? Look at what comes back to each ReLU, and at what the
# rule leaves of it.

# %%
notes = [gradients_on_the_way(c, GuidedBackpropReLU.apply) for c in (first, second)]
print("guided: at ReLU | negative | cosine of two classes | of their positive parts")
for number, a, b in zip(range(len(notes[0]), 0, -1), *notes, strict=True):
    negative = (a < 0).sum() / (a != 0).sum()
    kept = direction(a.clamp(min=0), b.clamp(min=0))
    print(f"{number:15} {negative:10.0%} {direction(a, b):18.2f} {kept:22.2f}")

# %% [markdown]
# More than half of what arrives at each ReLU is negative: the weights have both signs, so it comes up anew at every layer. And
# each time the rule deletes it. Two lists of positive numbers can't oppose each other; their cosine is at least 0. The layer
# below mixes both lists by the same weights, and the next ReLU cuts both at the same side, behind the same gates $x > 0$. So
# from ReLU to ReLU they become more alike, until there is one direction left at each place, whatever the class. All that the
# class can still choose is the length of the list: the brightness.
#
# So a sharp map is no sign of a good explanation. It shows what is in the picture, sharply.

# %% [markdown]
# ## 8 · Does your rule hold in every ReLU?  *(10 min, ●●●)*
#
# There is one more trap, a quieter one. `ReLUContext` puts your function in the place of two names. A network that calls its ReLU by another
# name runs on as ever: no error, the same scores, and on the way back the ordinary rule instead of yours.
#
# Here is one small network, in six versions that differ in how they call their ReLU. All compute the same scores.

# %%
relu_imported_by_name = torch.relu  # what `from torch import relu` does

spellings = {
    "nn.ReLU()": nn.ReLU(),
    "nn.ReLU(inplace=True)": nn.ReLU(inplace=True),
    "F.relu(x)": lambda x: F.relu(x),
    "relu(x), imported by name": lambda x: relu_imported_by_name(x),
    "x.relu()": lambda x: x.relu(),
    "nn.ReLU6()": nn.ReLU6(),
}


class SmallNet(nn.Module):
    """Two convolutions and a linear layer, always with the same weights."""

    def __init__(self, relu):
        super().__init__()
        torch.manual_seed(0)
        self.conv1, self.conv2 = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3)
        self.fc = nn.Linear(8, 4)
        self.relu = relu

    def forward(self, x):
        x = self.relu(self.conv1(x))
        x = self.relu(self.conv2(x))
        return self.fc(x.mean((2, 3)))


networks = {spelling: SmallNet(relu).eval() for spelling, relu in spellings.items()}
expected = networks["nn.ReLU()"](image)
for spelling, network in networks.items():
    difference = (network(image) - expected).abs().max()
    print(f"{spelling:27} largest difference of the scores: {difference:.5f}")

# %% [markdown]
# If the gradient inside the context is the ordinary one to the last bit, your rule was not used. Lesson 02 should let you predict this one:
#
# *In how many of the six networks does the guided rule hold inside `ReLUContext`?*

# %%
predict("networks_with_the_rule", [1, 3, 5, 6], unit="of 6")


# %%
def gradient_in(network, make_context):
    leaf = image.clone().requires_grad_()
    with make_context():
        score = network(leaf)[0, 0]
    return torch.autograd.grad(score, leaf)[0]


def rule_holds(network, make_context):
    """Whether the gradient inside the context is another than the ordinary one."""
    return not torch.equal(
        gradient_in(network, make_context), gradient_in(network, nullcontext)
    )


holds = {
    spelling: rule_holds(network, contexts["guided"])
    for spelling, network in networks.items()
}
print("how the ReLU is called       the gradient inside ReLUContext")
for spelling, changed in holds.items():
    print(f"{spelling:27}  {'guided' if changed else 'still the ordinary one'}")
reveal("networks_with_the_rule", sum(holds.values()))

# %% [markdown]
# In three networks your function never ran, each time for another reason: a copy of the signpost (imported by name), another owner
# (`torch.Tensor`), another function (ReLU6, a ReLU with a ceiling at 6, is a `hardtanh` inside). You get a map, it looks
# like one, and it is the plain gradient. This has happened in well-known libraries.
#
# `BackwardRules` from lesson 02 takes a table from a torch function to an autograd function, and stays in its thread.
# `BackwardRules({F.relu: SomeReLU})` covers the ReLU in every spelling. As before, the context has to be active while the
# network runs forward.
#
# **Write `guided_map(model, x, target)`.** `x` is a batch of pictures `(N, 3, H, W)`, `target` a class (an int). Return guided
# backprop's maps, the largest magnitude over the colours, of shape `(N, 1, H, W)`. Leave no trace: `x` still needs no
# gradient afterwards, the model's parameters have received none, and all else about the model is as you found it.


# %%
def guided_map(model, x, target):
    """Guided backprop with BackwardRules: maps of class target, (N, 1, H, W)."""
    ### BEGIN SOLUTION
    leaf = x.detach().clone().requires_grad_()
    with BackwardRules({F.relu: GuidedBackpropReLU}):
        score = model(leaf)[:, target].sum()
    (gradient,) = torch.autograd.grad(score, leaf)
    return gradient.abs().amax(1, keepdim=True)
    ### END SOLUTION


# %%
guided_map = check("guided_map", guided_map)

# %% [markdown]
# The table again, now with the mode. It also speaks up when it meets a nonlinearity that it has no rule for.

# %%
print("how the ReLU is called       the gradient inside BackwardRules")
for spelling, network in networks.items():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = rule_holds(network, lambda: BackwardRules({F.relu: GuidedBackpropReLU}))
    print(f"{spelling:27}  {'guided' if found else 'still the ordinary one'}")
    for warning in caught:
        print("   warning:", warning.message)

# %% [markdown]
# The rule holds in all five spellings of the ReLU. The ReLU6 is another function, so it needs a rule of its own: its gate is open
# only between 0 and 6. Now you are told. The library's `guided_backprop` has both rules in its table; on a network of the
# MobileNet kind, which is full of ReLU6, the difference shows.

# %%
mobile = build_network("tiny_mobilenet").eval()
print(
    "ReLU6 layers in tiny_mobilenet:",
    sum(isinstance(module, nn.ReLU6) for module in mobile.modules()),
)


def alike_on_mobile(s):
    """Correlation of a map (1, H, W) with that of the plain gradient."""
    plain = gradient_in(mobile, nullcontext).abs().amax(1)
    return map_correlation(s, plain, torch.ones_like(s)).item()


by_context = gradient_in(mobile, contexts["guided"]).abs().amax(1)
by_library = guided_backprop(mobile, image, 0)[0]
print("correlation with the map of the plain gradient (1 is that map itself)")
print(f"ReLUContext      {alike_on_mobile(by_context):.2f}")
print(f"guided_backprop  {alike_on_mobile(by_library):.2f}")

difference = guided_backprop(model, image, 0) - guided_map(model, image, 0)
print(f"on our VGG, largest difference from your map: {difference.abs().max():.5f}")

# %% [markdown]
# ## 9 · On photographs
#
# EfficientNet-Lite0 is of the MobileNet kind, too, and was trained on more than a million photographs of 1,000 classes. Its nonlinearities are all ReLU6, and it has
# no max pooling: where it makes the picture smaller, a convolution skips every other place. You ask it three questions: where is the *tiger cat*
# in the photo of a cat; where is the *espresso* in that same photo; and where is the *tiger cat* in the photo of a cup of coffee.
#
# *Which method draws the same map for the cat and for the cup?*

# %%
predict("same_for_cat_and_cup", ["gradient", "DeConvNet", "guided", "none of them"])

# %%
network, cat, tiger_cat, _ = get_example_data("efficientnet_lite0", image="cat")
_, cup, espresso, _ = get_example_data("efficientnet_lite0", image="coffee")
questions = [(cat, tiger_cat), (cat, espresso), (cup, tiger_cat)]
methods = {"gradient": gradient, "DeConvNet": deconvnet, "guided": guided_backprop}

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    answers = {
        method: [explain(network, *question)[0] for question in questions]
        for method, explain in methods.items()
    }


def alike_everywhere(a, b):
    """Correlation of two maps (1, H, W) over the whole picture."""
    return map_correlation(a, b, torch.ones_like(a)).item()


same = []
print("correlation of two maps   espresso for tiger cat   the cup for the cat")
for method, (one, of_espresso, of_cup) in answers.items():
    by_class, by_photo = (
        alike_everywhere(one, of_espresso),
        alike_everywhere(one, of_cup),
    )
    print(f"{method:25} {by_class:22.2f}   {by_photo:19.2f}")
    if by_photo > 0.999:
        same.append(method)
for message in {str(warning.message) for warning in caught}:
    print("warning:", message)
reveal("same_for_cat_and_cup", " and ".join(same) or "none of them")

names = example_class_names(cat[0])
figures.maps_of_photos(
    [to_image("efficientnet_lite0", photo) for photo, _ in questions],
    [names[target] for _, target in questions],
    answers,
    [example_credit(cat[0]), example_credit(cup[0])],
)

# %% [markdown]
# DeConvNet never looked at the photo. Its ReLU does not ask for $x$, and convolutions are the same for every picture. In your VGG, the max
# pooling remembers which place was the largest, and all that DeConvNet showed of the picture came from there. Here is none, and what is
# left is a picture of the weights. The library says so, in a warning.
#
# Guided backprop shows the photo and has no ear for the question: for *espresso* it draws the eyes of the cat, as for *tiger cat*. In this network
# even the brightness hardly differs.

# %% [markdown]
# ## Open task: a rule of your own
#
# You know three rules for the way back. There are as many as you can think of: let a part of the negative through, look at how *large* x
# and p are, take one rule near the picture and another one near the scores (count the ReLUs as they run), subtract from a class's map
# that of another class. Find one whose maps lie more on the object than guided backprop's.
#
# Write `my_map(model, x, target)`: `x` is one picture, shape `(1, 3, H, W)`, `target` a class number; return a map, shape `(1, 1, H, W)`. Your
# `guided_map` is a good place to begin. The map is scored on 20 scenes that no lesson shows. If the object covers 400 pixels, take the 400
# brightest pixels of the map: how many of them lie on the object? (So only their order counts. To square a map changes nothing.) The
# number to beat is guided backprop's. Nothing is graded, and your best is kept.


# %%
def my_map(model, x, target):
    """A map whose brightest pixels lie on the object of class target."""
    ...  # your code here


# %%
beat("own_relu_rule", my_map)

# %% [markdown]
# ## What you learned
#
# - A backward rule is a choice. Autograd offers the derivative; you can put anything in its place, and the scores stay
#   what they are.
# - Ordinary: p where x > 0. DeConvNet: p where p > 0. Guided: p where both.
# - Throwing the negative away sharpens the lines and takes the class out of them. What is left of the class is brightness,
#   and for a class that is not there you get a drawing all the same.
# - A method that changes functions must reach all of them. Test it on each spelling, or use a tool that speaks up.
# - On a network without max pooling, DeConvNet draws the same map for every photo; guided backprop draws the photo for every class.
#
# **To keep:** a sharp drawing of what is there is not yet an answer to what you asked.

# %%
lesson_end("03")

# %% [markdown]
# ## Where to read on
#
# - Zeiler and Fergus, [*Visualizing and Understanding Convolutional Networks*](https://arxiv.org/abs/1311.2901) (ECCV 2014): DeConvNet.
# - Springenberg, Dosovitskiy, Brox and Riedmiller, [*Striving for Simplicity: The All Convolutional Net*](https://arxiv.org/abs/1412.6806) (ICLR workshop 2015):
#   guided backpropagation, with a figure of the three rules like yours.
# - Mahendran and Vedaldi, [*Salient Deconvolutional Networks*](https://doi.org/10.1007/978-3-319-46466-4_8) (ECCV 2016): what the reversed network really shows.
# - Selvaraju and others, [*Grad-CAM*](https://arxiv.org/abs/1610.02391) (ICCV 2017), figure 1: guided backprop for a cat and for a dog in the same picture.
# - Nie, Zhang and Patel, [*A Theoretical Explanation for Perplexing Behaviors of Backpropagation-Based Visualizations*](https://arxiv.org/abs/1805.07039)
#   (ICML 2018): guided backprop as recovery of the picture.
# - Adebayo and others, [*Sanity Checks for Saliency Maps*](https://arxiv.org/abs/1810.03292) (NeurIPS 2018): the same drawing from a network with random weights.
# - Sixt, Granz and Landgraf, [*When Explanations Lie: Why Many Modified BP Attributions Fail*](https://arxiv.org/abs/1912.09818) (ICML 2020): why positive sums
#   end in one direction.
#
# **Next:** [lesson 04](04_layers.ipynb). Perhaps the picture is the wrong place to look. Stop on the way back, at a layer in the middle.
