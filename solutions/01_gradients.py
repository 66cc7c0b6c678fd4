# %% [markdown]
# # Gradients: which pixels would change the answer?
#
# *Lesson 01 · 35 minutes · ●○○*
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

from course_lib import check, hint, solution
from course_lib.plotting import Panel, gallery, show, subplots
from course_lib.world.examples import example_scene, get_example_data
from course_lib.world.networks import build_network
from course_lib.world.scenes import CLASSES, two_object_scenes

# %% [markdown]
# ## 1 · One number, nudged
#
# The example has two objects. `get_example_data` gives the network, the image, and the two classes.

# %%
model, x, square, triangle = get_example_data()
scene = example_scene()
masks = scene.masks
names = {square: CLASSES[square], triangle: CLASSES[triangle]}

scores = model(x)[0]
print("image", tuple(x.shape), "  scores", tuple(scores.shape))
print({name: round(scores[c].item(), 1) for c, name in names.items()})

# %% [markdown]
# An image is 3 x 96 x 96 = 27,648 numbers. Take one of them, the red of one pixel on the rim of the triangle, turn it from 0 up to 1,
# and write down the score of *triangle* each time.

# %%
RED, row, column = 0, 60, 30
values = torch.linspace(0, 1, 101)
copies = x.repeat(101, 1, 1, 1)
copies[:, RED, row, column] = values
curve = model(copies)[:, triangle]

now = x[0, RED, row, column].item()
at = (values - now).abs().argmin().item()
slope = ((curve[at + 1] - curve[at - 1]) / (values[at + 1] - values[at - 1])).item()

fig, ax = subplots(width=6.4, height=3.4)
ax.plot(values, curve, label="score of triangle")
ax.plot(values, scores[triangle] + slope * (values - now), "--", color="#D55E00", label="slope, here and now")
ax.plot([now], [scores[triangle]], "o", color="#1a1a1a", markersize=7)
ax.set_xlabel("red value of one pixel")
ax.set_ylabel("score")
ax.legend()
show(
    fig,
    caption="One of 27,648 numbers changes, all others stay. The dot is the picture as it is; the dashed line is the slope there.",
    alt="A curve of the score against the red value of one pixel, and a straight dashed line that touches it at the pixel's present value.",
)

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
b = a.detach().clone().requires_grad_()  # a copy that collects a gradient; a itself stays as it is
y = b[0] ** 2 * b[1]
(slopes,) = torch.autograd.grad(y, b)
print("slopes", slopes.tolist(), "  the original wants a gradient:", a.requires_grad)

# %% [markdown]
# $y = b_0^2\, b_1$ has slopes $2 b_0 b_1 = 12$ and $b_0^2 = 9$. The copy matters: a tensor on which `requires_grad_()` was called keeps
# collecting gradients for everybody who uses it later.
#
# **Write `score_gradient(model, x, target)`.** `x` is one image, shape `(1, 3, H, W)`; `target` is the number of a class. `model(x)` gives
# scores of shape `(1, classes)`. Return the gradient of the score of `target`, shape `(1, 3, H, W)`, and leave `x` as it is.

# %%
def score_gradient(model, x, target):
    """The gradient of the score of class target with respect to the image x, shape (1, 3, H, W)."""
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
print(f"slope by nudging {slope:.2f}, from the gradient {g[0, RED, row, column]:.2f}")

gallery(
    [
        [
            Panel("image", x, "the picture", outlines=masks, mark=(row, column)),
            *[
                Panel("signed", g[0, c], colour, outlines=masks, focus=triangle, vmax=g.abs().max().item())
                for c, colour in enumerate(["red", "green", "blue"])
            ],
        ]
    ],
    caption="The gradient of the score of triangle. Red: a brighter pixel raises the score; blue: it lowers it. The cross marks the nudged pixel.",
    alt="The picture with the pixel marked, and three maps of red and blue dots, strongest on and around the triangle.",
)

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
    """For each pixel the largest magnitude among the channels: (N, C, H, W) to (N, 1, H, W)."""
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
# *Before you run the next cell: will the two maps differ much?*

# %%
largest, length = saliency_by_maximum(g), saliency_by_length(g)
alike = torch.corrcoef(torch.stack([largest.flatten(), length.flatten()]))[0, 1]
print(f"correlation of the two maps: {alike:.2f}")

gallery(
    [
        [
            Panel("image", x, "the picture", outlines=masks),
            Panel("heat", largest, "largest magnitude", outlines=masks, focus=triangle),
            Panel("heat", length, "length", outlines=masks, focus=triangle),
            Panel("heat", g.sum(dim=1).abs(), "channels added first", outlines=masks, focus=triangle),
        ]
    ],
    caption="The gradient of triangle as a map. The first two ways agree; adding the channels before taking the magnitude lets them cancel.",
    alt="The picture and three maps with bright dots along the triangle; the first two look the same, the third is different in its details.",
)

# %% [markdown]
# Which of the two you take hardly matters. That you take magnitudes *before* you mix channels does. The first way is the one of the first
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
    """For each pixel the sum over the channels of gradient times input: (N, C, H, W) to (N, 1, H, W)."""
    ### BEGIN SOLUTION
    return (g * x).sum(dim=1, keepdim=True)
    ### END SOLUTION

# %%
gradient_times_input = check("gradient_times_input", gradient_times_input)

# %% [markdown]
# *Before you run it: the network is not linear. Will the map still add up to the score?*

# %%
product = gradient_times_input(g, x)
print(f"score of triangle {scores[triangle]:.1f}, sum of the map {product.sum():.1f}")

gallery(
    [
        [
            Panel("image", x, "the picture", outlines=masks),
            Panel("heat", largest, "largest magnitude", outlines=masks, focus=triangle),
            Panel("signed", product, "gradient times input", outlines=masks, focus=triangle),
        ]
    ],
    caption="Gradient times input for triangle: red speaks for the class, blue against it.",
    alt="The picture, the magnitude map, and a map of red and blue dots on the triangle.",
)
