# %% [markdown]
# # Gradients: which pixels would change the answer?
#
# *Lesson 01 · 45 minutes · ●○○*
#
# In lesson 00 you covered parts of a picture and watched the score fall. That took hundreds of runs of the network. In this lesson
# you ask about every pixel at once.
#
# **After this lesson you can**
#
# - compute the gradient of a class score with respect to the image, and say what one number in it means;
# - turn it into a map in three ways, and say what each of them shows;
# - do it for a whole batch with one backward pass, and say why the images don't disturb each other;
# - measure how often the strongest pixel lies on the right object, and explain why the maps are so grainy.

# %%
import torch
import torch.nn.functional as F

from course_lib import beat, check, hint, lesson_end, predict, reveal, solution
from course_lib.figures import lesson_01 as figures
from course_lib.world.examples import (
    example_class_names,
    example_credit,
    get_example_data,
    to_image,
)
from course_lib.world.networks import build_network, load_network
from course_lib.world.scenes import CLASSES, draw_scene, two_object_scenes

# %% [markdown]
# ## 1 · One number, nudged
#
# Scene 0 has two objects, a square and a triangle, and the network sees both.

# %%
model = load_network("tiny_vgg")
scene = draw_scene(0)
x, masks = scene.x, scene.masks
square, triangle = scene.objects

scores = model(x)[0]
print("image", tuple(x.shape), "  scores", tuple(scores.shape))
print(f"score of square {scores[square]:.1f}, score of triangle {scores[triangle]:.1f}")

# %% [markdown]
# An image is 3 x 96 x 96 = 27,648 numbers. Take one of them, the green of one pixel at the edge of the triangle. Turn it from 0 up to 1
# and write down the score of *triangle* each time.

# %%
GREEN, row, column = 1, 55, 32
values = torch.linspace(0, 1, 101)
copies = x.repeat(101, 1, 1, 1)
copies[:, GREEN, row, column] = values
curve = model(copies)[:, triangle]

now = x[0, GREEN, row, column].item()
copies[:2, GREEN, row, column] = torch.tensor([now - 0.001, now + 0.001])
below, above = model(copies[:2])[:, triangle]
slope = ((above - below) / 0.002).item()

here = (now, scores[triangle].item())
figures.nudged_pixel(values, curve, here, slope, triangle)

# %% [markdown]
# The curve says how the score depends on this one number. Near the dot it is almost straight, so one number tells the story: its slope.
# With $\varphi_c$ for the score of class $c$ and $x_u$ for one number of the image,
#
# $$\frac{\partial \varphi_c}{\partial x_u} \approx \frac{\varphi_c(x \text{ with } x_u + \varepsilon) - \varphi_c(x)}{\varepsilon}$$
#
# Nudging every number in turn would take 27,648 runs of the network. Backpropagation finds all the slopes in one backward pass. The whole
# collection of slopes, in the shape of the image, is the **gradient** of the score.

# %% [markdown]
# ## 2 · The gradient of a score  *(10 min, ●○○)*
#
# In training, you take the gradient of a *loss* with respect to the *weights*. Here it is the gradient of a *score* with respect to the
# *image*; the weights stay as they are. In PyTorch, on an example with two numbers:

# %%
a = torch.tensor([3.0, 2.0])
# a copy that collects a gradient; a itself stays as it is
b = a.detach().clone().requires_grad_()
y = b[0] ** 2 * b[1]
(slopes,) = torch.autograd.grad(y, b)
print("slopes", slopes.tolist(), "  the original wants a gradient:", a.requires_grad)

# %% [markdown]
# $y = b_0^2\, b_1$ has slopes $2 b_0 b_1 = 12$ and $b_0^2 = 9$. The copy matters: a tensor on which `requires_grad_()` was called keeps
# collecting gradients for everybody who uses it later.
#
# **Write `score_gradient(model, x, target)`.** `x` is one image, shape `(1, 3, H, W)`; `target` is the number of a class. `model(x)` gives
# scores of shape `(1, classes)`. Return the gradient of the score of `target`, shape `(1, 3, H, W)`, and leave `x` and the network as they are.


# %%
def score_gradient(model, x, target):
    """The gradient of the score of class target at the image x: (1, 3, H, W)."""
    ### BEGIN SOLUTION
    x = x.detach().clone().requires_grad_()
    score = model(x)[0, target]
    return torch.autograd.grad(score, x)[0]
    ### END SOLUTION


# %%
score_gradient = check("score_gradient", score_gradient)

# %% [markdown]
# Does it agree with the nudge? Here is the slope of the curve above, once by nudging and once from your gradient; and the gradient itself,
# one picture per colour channel.

# %%
g = score_gradient(model, x, triangle)
print(f"slope by nudging {slope:.1f}, from the gradient {g[0, GREEN, row, column]:.1f}")
figures.gradient_by_channel(scene, g, triangle, (row, column))

# %% [markdown]
# ## 3 · From three numbers per pixel to one  *(5 min, ●○○)*
#
# The gradient has three numbers per pixel. A map has one. What should it be? Think of the three numbers as an arrow. If you may change
# *one channel* of the pixel by a given amount, the best you can do is the largest magnitude. If you may change the *colour in any direction*
# by a given amount, it is the length of the arrow.
#
# $$s^{\max}_u = \max_c |g_{cu}| \qquad\qquad s^{\text{length}}_u = \sqrt{\textstyle\sum_c g_{cu}^2}$$
#
# A pixel with the gradient (2, 1, −2), for instance, gets 2 from the first and 3 from the second.
#
# **Write `saliency_by_maximum(g)`.** `g` is a gradient of shape `(N, C, H, W)`. Return a map of shape `(N, 1, H, W)`: for each pixel the
# largest magnitude among its channels.


# %%
def saliency_by_maximum(g):
    """For each pixel the largest magnitude among the channels.

    (N, C, H, W) to (N, 1, H, W).
    """
    ### BEGIN SOLUTION
    return g.abs().amax(dim=1, keepdim=True)
    ### END SOLUTION


# %%
saliency_by_maximum = check("saliency_by_maximum", saliency_by_maximum)

# %% [markdown]
# **Write `saliency_by_length(g)`.** The same shapes; for each pixel the length of its gradient.


# %%
def saliency_by_length(g):
    """For each pixel the length of its gradient: (N, C, H, W) to (N, 1, H, W)."""
    ### BEGIN SOLUTION
    return g.square().sum(dim=1, keepdim=True).sqrt()
    ### END SOLUTION


# %%
saliency_by_length = check("saliency_by_length", saliency_by_length)

# %% [markdown]
# Will the two maps differ much? Their **correlation** says how alike they are: 1 for the same picture, 0 for unrelated ones.
#
# *By how much do the two maps of this gradient correlate?*

# %%
predict("ways_alike", [0.3, 0.6, 0.99])

# %%
largest, length = saliency_by_maximum(g), saliency_by_length(g)
added_first = g.sum(dim=1, keepdim=True).abs()


def correlation(a, b):
    """How alike two maps are: 1 for the same picture, 0 for unrelated ones."""
    return torch.corrcoef(torch.stack([a.flatten(), b.flatten()]))[0, 1].item()


print("largest magnitude correlates")
print(f"  with length               by {correlation(largest, length):.2f}")
print(f"  with channels added first by {correlation(largest, added_first):.2f}")

reveal("ways_alike", correlation(largest, length))

ways = {
    "largest magnitude": largest,
    "length": length,
    "channels added first": added_first,
}
figures.ways_to_a_map(scene, ways, triangle)

# %% [markdown]
# Triangle was asked for, and yet two corners of the square light up. Section 6 looks into that.
#
# Which of the first two ways you take hardly matters: the maps correlate by 0.99. With the channels added before the magnitude is taken, it is
# 0.79: a pixel that counts for red and against green by as much is gone. The first way is the one of the first
# paper on such maps (Simonyan and others, 2013), so this course calls it *the gradient method*.

# %% [markdown]
# ## 4 · For or against?  *(5 min, ●○○)*
#
# The maps so far say how much a pixel *could* change the score. They don't say what the pixel contributes as it is: a black pixel has
# nothing to give, however steep its slope. Price times amount, that is gradient times input, gives each pixel its share of the score:
#
# $$s_u = \sum_c x_{cu}\, g_{cu}$$
#
# It has a sign: positive speaks for the class, negative against it. In a linear model $\varphi(x) = \sum_u w_u x_u$ the gradient is $w$ itself,
# and the map adds up to the score exactly.
#
# **Write `gradient_times_input(g, x)`.** Both have the shape `(N, C, H, W)`. Return a map of shape `(N, 1, H, W)`, with its signs.


# %%
def gradient_times_input(g, x):
    """For each pixel the sum over the channels of gradient times input.

    (N, C, H, W) to (N, 1, H, W).
    """
    ### BEGIN SOLUTION
    return (g * x).sum(dim=1, keepdim=True)
    ### END SOLUTION


# %%
gradient_times_input = check("gradient_times_input", gradient_times_input)

# %% [markdown]
# *The network is not linear. Will the map still add up to the score, to within a tenth?*

# %%
predict("adds_up", [True, False])

# %%
product = gradient_times_input(g, x)
print(f"score of triangle {scores[triangle]:.1f}, sum of the map {product.sum():.1f}")

missing = (scores[triangle] - product.sum()).abs()
added = f"The score is {scores[triangle]:.1f}, the map adds up to {product.sum():.1f}."
reveal("adds_up", missing < 0.1 * scores[triangle], added)

figures.for_and_against(scene, largest, product, triangle)

# %% [markdown]
# It does not add up, by far. The biases of the network take their part, and the slopes here and now are not the slopes on the way from
# a black picture to this one. Section 8 comes back to this.

# %% [markdown]
# ## 5 · A whole batch at once  *(8 min, ●●○)*
#
# You will want maps for many pictures. A backward pass starts from *one* number, but four pictures have four target scores. Choose them by
# a **one-hot** matrix, 1 at each picture's target and 0 elsewhere, and add up what is left:

# %%
four = list(two_object_scenes(4))
batch = torch.cat([one.x for one in four])
targets = torch.tensor([one.objects[0] for one in four])
one_hot = F.one_hot(targets, len(CLASSES))
batch_scores = model(batch)

figures.one_hot_product(batch_scores, one_hot)

# %% [markdown]
# **Write `batch_gradient(model, x, targets)`.** `x` is a batch, shape `(N, 3, H, W)`; `targets` a tensor of `N` class numbers. Return the
# gradient of each image's own target score, shape `(N, 3, H, W)`. Run the network once, and leave `x` and the network as they are.


# %%
def batch_gradient(model, x, targets):
    """The gradient of each image's own target score.

    x is (N, 3, H, W), targets (N,), the result like x.
    """
    ### BEGIN SOLUTION
    x = x.detach().clone().requires_grad_()
    scores = model(x)
    one_hot = F.one_hot(targets, scores.shape[1])
    return torch.autograd.grad((scores * one_hot).sum(), x)[0]
    ### END SOLUTION


# %%
batch_gradient = check("batch_gradient", batch_gradient)

# %% [markdown]
# The sum has a part from each picture, and you took the gradient of all of it. The next cell compares: all four at once, against one by one.
#
# *Is the gradient at a picture disturbed by the scores of the other three?*

# %%
predict("batch_disturbs", [True, False])

# %%
together = batch_gradient(model, batch, targets)
alone = torch.cat([score_gradient(model, one.x, one.objects[0]) for one in four])
apart = (together - alone).abs().max() / alone.abs().max()
print(f"together and alone differ by {apart:.3%} of the largest slope")

reveal("batch_disturbs", apart > 0.001)

figures.maps_of_a_batch(four, saliency_by_maximum(together))

# %% [markdown]
# No picture's score depends on another picture, so in the gradient of the sum each picture finds only its own. That is a property of the
# *network*, and it can fail. Batch normalisation in training mode uses the mean of the whole batch, and then the pictures do see each
# other. The next cell asks how the score of picture 0 depends on picture 1.


# %%
def leak(network):
    """The largest slope of picture 0's score with respect to picture 1."""
    pair = batch[:2].clone().requires_grad_()
    score = network(pair)[0, square]
    return torch.autograd.grad(score, pair)[0][1].abs().max().item()


torch.manual_seed(0)
# this one has batch normalisation; untrained weights will do here
resnet = build_network("tiny_resnet")
print(f"in eval mode     the largest slope is {leak(resnet.eval()):.2f}")
print(f"in training mode the largest slope is {leak(resnet.train()):.2f}")

# %% [markdown]
# So before you explain a network, put it into eval mode. `load_network` has done that for you.

# %% [markdown]
# ## 6 · Does the strongest pixel lie on the object?
#
# Look at the first of the four: asked for the square, the map lights up the corners of the *triangle* as well. Is that an exception? Take 100
# scenes with two objects, ask for each of the two, and see where the strongest pixel of the map is. This is called the **pointing game**.

# %%
scenes = list(two_object_scenes(100))
images = torch.cat([one.x for one in scenes])
truth = torch.stack([torch.from_numpy(one.masks) for one in scenes])
# (100, 2): the two classes of each scene
questions = torch.tensor([one.objects for one in scenes])


def all_gradients(pictures):
    """A gradient for each question: one batch for the first classes, one for the second."""
    return [
        torch.cat(
            [
                batch_gradient(model, a, b)
                for a, b in zip(pictures.split(20), asked.split(20))
            ]
        )
        for asked in questions.T
    ]


gradients = all_gradients(images)
answers = model(images).gather(1, questions) > 0
covered = truth[torch.arange(100)[:, None], questions].mean()
print("gradients for", len(gradients) * len(images), "questions")
print(f"the network says yes, it is there, to {answers.float().mean():.0%} of them")
print(f"an object covers {covered:.0%} of a picture")

# %% [markdown]
# The network's answers are right almost without exception. An object covers a twentieth of a picture, so a blind guess hits in 5 of 100.
#
# *In how many of the 200 maps of largest magnitude is the strongest pixel on the right object?*

# %%
predict("peak_on_object", [10, 40, 70, 95], unit="%")

# %%
# the masks, grown by 3 pixels
near = F.max_pool2d(truth, kernel_size=7, stride=1, padding=3)


def place_of_peak(make_map, gradients):
    """How often the peak of a map is on the object, near it, on the other one.

    On the object asked for; within 3 pixels of it; on the other object.
    """
    found = torch.zeros(3)
    every = torch.arange(len(scenes))
    for asked, other, g in zip(questions.T, questions.T.flip(0), gradients):
        peak = make_map(g, images).flatten(1).argmax(dim=1)
        for i, mask in enumerate(
            [truth[every, asked], near[every, asked], truth[every, other]]
        ):
            found[i] += (mask.flatten(1)[every, peak] > 0.5).sum()
    return found / (2 * len(scenes))


found = {
    "largest magnitude": place_of_peak(lambda g, x: saliency_by_maximum(g), gradients),
    "length": place_of_peak(lambda g, x: saliency_by_length(g), gradients),
    "gradient times input": place_of_peak(gradient_times_input, gradients),
}
print(
    "the strongest pixel is    on the object   there or within 3 pixels   on the "
    "other object"
)
for name, (on, close, wrong) in found.items():
    print(f"{name:<25} {on:>13.0%}   {close:>24.0%}   {wrong:>19.0%}")
reveal("peak_on_object", 100 * found["largest magnitude"][0])

# %% [markdown]
# Far better than a guess, and far from always. The network is right nearly every time, so the misses are not the network's: they are
# the method's. Most lie close beside the object: a pixel there, changed, would make a corner or spoil an edge. Some lie on the *other* object:
# change this one, and my belief in that one changes too. A steep slope is not the same as evidence.

# %% [markdown]
# ## 7 · Why so grainy?
#
# Add a little noise to the picture, so little that it can hardly be seen, and compute the map of largest magnitude. Do it again, with other
# noise. The score hardly changes.
#
# *By how much do the two maps correlate?*

# %%
predict("noisy_maps_alike", [0.25, 0.75, 0.99])

# %%
torch.manual_seed(0)
noisy = x + 0.03 * torch.randn(40, *x.shape[1:])
noisy_gradients = batch_gradient(model, noisy, torch.full((40,), triangle))
first, second = saliency_by_maximum(noisy_gradients[:2])
average = saliency_by_maximum(noisy_gradients[:20].mean(dim=0, keepdim=True))
another = saliency_by_maximum(noisy_gradients[20:].mean(dim=0, keepdim=True))

noisy_scores = model(noisy[:2])[:, triangle]
print(
    f"score of triangle: {scores[triangle]:.1f}, with noise {noisy_scores[0]:.1f} and "
    f"{noisy_scores[1]:.1f}"
)
print(
    "two gradients, signs and all, correlate by "
    f"{correlation(noisy_gradients[0], noisy_gradients[1]):.2f}"
)
print(f"their maps of magnitudes by                {correlation(first, second):.2f}")
print(f"two averages of 20 gradients by            {correlation(average, another):.2f}")

reveal("noisy_maps_alike", correlation(first, second))

maps = {"its map": first, "other noise": second, "average of 20": average}
figures.maps_under_noise(scene, noisy[0], maps, triangle)

# %% [markdown]
# A ReLU network is a patchwork of linear pieces. Inside a piece the gradient is constant; at each border it jumps, because a ReLU switches
# on or off or a max pooling changes its mind. The pieces are tiny, and a trace of noise carries the picture into another one. The graininess
# is not an error of yours: it is what the slope of such a network looks like.
#
# Averaging gives a calmer map. Is it also a better one, or only a prettier one? The next cell plays the pointing game again, with averages
# of four.
#
# *One gradient hits the right object in 69 of 100 maps. In how many does the average of four hit it?*

# %%
predict("average_on_object", [55, 70, 85, 98], unit="%")

# %%
four_times = [all_gradients(images + 0.03 * torch.randn_like(images)) for _ in range(4)]
averages = [sum(samples) / 4 for samples in zip(*four_times)]

print("the strongest pixel is     on the object   on the other object")
for name, some in {"one gradient": gradients, "average of four": averages}.items():
    on, close, wrong = place_of_peak(lambda g, x: saliency_by_maximum(g), some)
    print(f"{name:<26} {on:>13.0%}   {wrong:>19.0%}")
reveal("average_on_object", 100 * on)

# %% [markdown]
# Prettier, then. The average hits the object in 68 of 100 maps, one gradient alone in 69, and the other object is hit more often, in 9
# of 100. What is calm need not be right.

# %% [markdown]
# ## 8 · A sure network is flat
#
# Take all contrast out of the picture, then bring it back step by step. At 0 it is one flat colour, at 1 it is the picture.
#
# Draw with your finger how the score of triangle goes from left to right.
#
# *At which contrast does the score rise above 0, so that the network says yes?*

# %%
predict("says_yes_at", [0.1, 0.4, 0.7, 0.95])

# %%
flat = x.mean(dim=(2, 3), keepdim=True).expand_as(x)
contrast = torch.linspace(0, 1, 41)
faded = flat + contrast.reshape(-1, 1, 1, 1) * (x - flat)
with torch.no_grad():
    score_at = model(faded)[:, triangle]
slope_at = (batch_gradient(model, faded, torch.full((41,), triangle)) * (x - flat)).sum(
    dim=(1, 2, 3)
)

reveal("says_yes_at", contrast[score_at > 0].min())

figures.fading_in(contrast, score_at, slope_at, triangle, at=[12, 40])

# %%
print(
    f"without contrast the score is {score_at[0]:.0f}, with all of it "
    f"{score_at[-1]:.0f}: contrast decides everything"
)
print(
    f"the slope at full contrast is {slope_at[-1]:.1f}; on the climb it reaches "
    f"{slope_at.max():.0f}"
)

# %% [markdown]
# The whole answer hangs on the contrast, and yet the gradient at the picture says that a little more or less of it would change nearly
# nothing. Both are true. The gradient answers the question *what would change the score from here?* The question in people's heads is often
# another one: *what made the score what it is?* Once the network is sure, it is flat, and the two part. This is called **saturation**.
# (One way out: walk along the whole curve and add up the slopes. That is *integrated gradients*,
# [Sundararajan, Taly and Yan, 2017](https://arxiv.org/abs/1703.01365); the library has it as `integrated_gradients`.)
#
# A probability saturates even more than a score: a sigmoid is flat wherever the network is sure. That is why this course takes gradients
# of scores.

# %%
probability = torch.nn.Sequential(model, torch.nn.Sigmoid())
ratio = score_gradient(probability, x, triangle).abs().max() / g.abs().max()
print(
    f"the gradient of the probability is about {round(1 / ratio.item(), -3):,.0f} times smaller than "
    "that of the score"
)

# %% [markdown]
# ## 9 · On a photograph
#
# Now a real network, EfficientNet-Lite0, which was trained on more than a million photographs of 1,000 classes. You installed it with the
# course. It takes a picture of 224 x 224 pixels as numbers from −1 to 1. Your functions know nothing of that, and work as they are.
#
# In the photo, a man looks through a camera on a tripod, and *tripod* is the network's first answer. You make three maps of it: one gradient,
# the average over ten copies with a little noise, and the average over ten copies with strong noise.
#
# *In how many of those last ten copies is* tripod *still the network's first answer?*

# %%
predict("tripod_in_noise", [0, 5, 10], unit="of 10")

# %%
network, photo, tripod, _ = get_example_data("efficientnet_lite0", image="photographer")
names = example_class_names(photo[0])
target = torch.tensor([tripod])
maps = {"one gradient": saliency_by_maximum(batch_gradient(network, photo, target))}

torch.manual_seed(1)
for noise, size in {"a little noise": 0.3, "strong noise": 1.0}.items():
    copies = photo + size * torch.randn(10, *photo.shape[1:])
    average = batch_gradient(network, copies, target.expand(10)).mean(0, keepdim=True)
    maps[noise] = saliency_by_maximum(average)
    with torch.no_grad():
        first = network(copies).argmax(dim=1)
    still = (first == tripod).sum()
    print(f"{noise:<14}  first answer {names[tripod]} in {still} of 10 copies")
reveal("tripod_in_noise", still)

pictures = to_image("efficientnet_lite0", torch.cat([photo, copies[:1]]))
figures.maps_of_a_photo(pictures, maps, names[tripod], example_credit(photo[0]))

# %% [markdown]
# The map that you would hang on a wall is the last one: it draws the legs of the tripod. And it is an average over ten pictures in none of
# which *tripod* is the network's first answer. It says what would change the score of *tripod* where the network already sees something
# else. How much noise to take is your choice, each choice gives another map, and on a photo no mask tells which one is right. It is
# tempting to take the one that looks best.

# %% [markdown]
# ## Open task: a better peak
#
# The strongest pixel of a gradient map misses the object in about every third map. Can you do better? Anything goes: one gradient or
# many, at this picture or at others, and whatever you like to do with the map afterwards. Ideas: average over more noise, or less.
# Look for the strongest *region*, not the strongest pixel (`F.avg_pool2d`). Take price times amount, but what is the amount:
# the distance from black, or from the mean colour of the picture? Walk up the curve of section 8.
#
# Write `my_map(model, x, target)`: `x` is one picture, shape `(1, 3, H, W)`, `target` a class number; return a map, shape `(1, 1, H, W)`. It
# is scored on 20 scenes with two objects or more that no lesson shows: in how many of its 40 maps does the largest number lie on the
# object that was asked for? The number to beat is that of one gradient, made into a map by the largest magnitude. Nothing is graded, and your best is kept.


# %%
def my_map(model, x, target):
    """A map whose largest number lies on the object of class target."""
    ...  # your code here


# %%
beat("better_peak", my_map)

# %% [markdown]
# ## What you learned
#
# - The gradient of a class score has one number per number of the image: how much the score would change with it, here and now.
# - Largest magnitude and length give nearly the same map. Take magnitudes before you mix channels, or they cancel.
# - Gradient times input has a sign, for or against; it adds up to the score in a linear model, and not in this one.
# - One-hot targets give the maps of a whole batch in one backward pass, provided that the pictures don't see each other: eval mode.
# - The peak lies on the right object in about two thirds of the maps. They are grainy because the network is a patchwork; averages over noise
#   are calmer, and here no better. Where the network is sure, its slope is nearly flat.
# - On a photo it is the same, and no mask is there to warn you of the prettiest map.
#
# **To keep:** the gradient says what would change the answer, not what made it.

# %%
lesson_end("01")

# %% [markdown]
# ## Where to read on
#
# - Simonyan, Vedaldi and Zisserman, [Deep Inside Convolutional Networks](https://arxiv.org/abs/1312.6034) (2013): the gradient map.
# - Baehrens and others, [How to Explain Individual Classification Decisions](https://www.jmlr.org/papers/v11/baehrens10a.html) (JMLR 2010): the same idea before deep networks.
# - Shrikumar, Greenside and Kundaje, [Learning Important Features Through Propagating Activation Differences](https://arxiv.org/abs/1704.02685) (ICML 2017): gradient times input,
#   saturation, and a way round it.
# - Smilkov and others, [SmoothGrad](https://arxiv.org/abs/1706.03825) (2017): averaging over noise.
# - Sundararajan, Taly and Yan, [Axiomatic Attribution for Deep Networks](https://arxiv.org/abs/1703.01365) (ICML 2017): walk up the curve of section 8 and
#   add up the slopes. That is *integrated gradients*; [lesson 11](11_transformers.ipynb) builds them.
# - Balduzzi and others, [The Shattered Gradients Problem](https://arxiv.org/abs/1702.08591) (ICML 2017): why the grain.
#
# **Next:** [lesson 02](02_patch.ipynb). The next methods change what happens on the way back. To do that without touching the network, you first build a tool
# that replaces a function and puts it back.
