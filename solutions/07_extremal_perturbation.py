# %% [markdown]
# # How little is enough: extremal perturbation
#
# *Lesson 07 · 60 minutes · ●●●*
#
# "The network looks at the star." What would prove it? Take everything else away, and see whether the network still says *star*. And if
# it does, take away more. What is the smallest part of the image that is enough?
#
# RISE asked with thousands of random masks. Here you ask with one good mask, and find it by climbing: the mask of a given area under which
# the score is highest. Its area means something that can be checked: *these five per cent of the image are enough*.
#
# **After this lesson you can**
#
# - take parts of an image away by degrees, so that there is a slope to climb;
# - make masks that can't help being smooth, and say what happens when they can;
# - hold a mask to an area, and optimise several areas at once;
# - read off the smallest area that is enough, and tell *enough* from *needed*.

# %%
import torch
import torch.nn.functional as F

from course_lib import check, hint, solution
from course_lib.attribution.common import imsmooth
from course_lib.attribution.extremal_perturbation import MaskGenerator
from course_lib.explorer import AreaExplorer
from course_lib.figures.plotting import Panel, gallery, show, subplots
from course_lib.world.examples import example_scene, get_example_data
from course_lib.world.scenes import CLASSES

model, x, category_1, category_2 = get_example_data("tiny_vgg")
# the same numbers in an order that convolutions on a processor like better
model.to(memory_format=torch.channels_last)
outlines = example_scene().masks
name_1, name_2 = CLASSES[category_1], CLASSES[category_2]

# %% [markdown]
# ## 1 · Taking away by degrees  *(10 min, ●●○)*
#
# To climb you need a slope, so a part of the image must be able to go *gradually*. Darkening it gradually would do, but a dark patch is
# a shape of its own. Blur it instead, more and more: what is blurred enough says nothing any more, and has no edges.
#
# Blurring anew in each step is slow. So do it once, for eight strengths, and keep the results in a **pyramid**: level 0 is the strongest
# blur, level 7 the image itself. Beyond its edge the image goes on with the colours that it has there (`replicate`): with black, the fog would get
# a dark frame, and a frame is something to see.

# %%
LEVELS, STRONGEST = 8, 20


def blur_pyramid(image):
    """The image (1, 3, H, W) at eight blurs, strongest first: (8, 3, H, W)."""
    strengths = [STRONGEST * (1 - k / (LEVELS - 1)) for k in range(LEVELS)]
    return torch.cat(
        [imsmooth(image, sigma, padding_mode="replicate") for sigma in strengths]
    )


pyramid = blur_pyramid(x)
gallery(
    [
        [
            Panel("image", pyramid[k], f"level {k}", outlines=outlines)
            for k in (0, 2, 4, 6, 7)
        ]
    ],
    column_width=5 / 3,
    caption="Five of the eight levels. At level 0 nothing is left to recognise; level "
    "7 is the image.",
    alt="The scene at five strengths of blur, from a grey fog to the sharp image.",
)

# %% [markdown]
# A mask has a value from 0 to 1 for each pixel, and says at which level the pixel is shown: 0 means level 0, 1 means level 7. In between,
# the two neighbouring levels are mixed. An example with four levels (so the last one is level 3): a mask of 0.75 lies at 0.75 · 3 = 2.25, a
# quarter of the way from level 2 to level 3. The pixel is 0.75 times that of level 2 plus 0.25 times that of level 3.
#
# **Write `perturb(pyramid, masks)`.** `pyramid` has shape (L, 3, H, W), `masks` (N, 1, H, W). Return the N images, (N, 3, H, W). They must be
# differentiable in the masks, with a slope that leads on also where a mask is exactly 0 or 1: the climb begins there.


# %%
def perturb(pyramid, masks):
    """Images between the levels of the pyramid: (N, 3, H, W).

    A mask of 0 shows the first level, 1 the last.
    """
    ### BEGIN SOLUTION
    place = masks * (len(pyramid) - 1)
    lower = place.floor().clamp(max=len(pyramid) - 2)
    share = place - lower
    images = 0
    for k in range(len(pyramid) - 1):
        between = (1 - share) * pyramid[k] + share * pyramid[k + 1]
        images = images + (lower == k) * between
    return images
    ### END SOLUTION


# %%
perturb = check("perturb", perturb)

# %%
ramp = torch.linspace(0, 1, 96).expand(1, 1, 96, 96)
gallery(
    [
        [
            Panel("heat", ramp, "a mask", vmax=1),
            Panel("image", perturb(pyramid, ramp), "what it shows"),
        ]
    ],
    caption="A mask that rises from left to right, and the image that it shows: from "
    "fog to sharp.",
    alt="A map going from dark to bright, and the scene, blurred at the left and "
    "sharp at the right.",
)

# %% [markdown]
# ## 2 · Masks that can't help being smooth  *(6 min, ●●○)*
#
# A mask with 96 x 96 free pixels could become anything, dust included. So give it few parameters, one for every 4 x 4 pixels, and let each of
# them light up a soft disc around itself. Where discs overlap, which value counts?
#
# Their *sum* would be brightest where parameters stand close together, whether they are large or not. Their *maximum* is what one means: a
# pixel is as bright as its brightest disc. But only the winner of a maximum gets a gradient. So take a **smooth maximum**: a mean, in which
# large values weigh far more than small ones,
#
# $$\mathrm{smax}(v) = \sum_i w_i v_i, \qquad w = \mathrm{softmax}(T \cdot v)$$
#
# The *coldness* T says how far it is from a mean. For the values 0.2 and 0.8 the maximum is 0.8 and the mean 0.5; with T = 20 the weights are
# nearly 0 and 1, and the smooth maximum is almost exactly 0.8.
#
# **Write `smooth_maximum(values, coldness=20.0)`.** `values` has any shape; the values that compete stand in the last dimension. Return the
# smooth maximum over that dimension, so for (..., n) the shape (...).


# %%
def smooth_maximum(values, coldness=20.0):
    """Mean over the last dimension with weights softmax(coldness * values)."""
    ### BEGIN SOLUTION
    weights = (coldness * values).softmax(-1)
    return (weights * values).sum(-1)
    ### END SOLUTION


# %%
smooth_maximum = check("smooth_maximum", smooth_maximum)

# %% [markdown]
# In one dimension one can see it. Seven parameters, each with its soft bump; and what becomes of them.

# %%
centres = torch.arange(7) * 7.0
values = torch.tensor([0.0, 0.5, 0.6, 0.5, 0.0, 1.0, 0.0])
places = torch.linspace(-7, 49, 200)
distance = (places[:, None] - centres).abs() / 8
bumps = values * torch.exp(-2 * (distance - 0.5).clamp(min=0) ** 2)

fig, ax = subplots(width=7, height=3.2)
ax.plot(places, bumps, color="#bdbdbd", linewidth=1)
ax.plot(places, bumps.sum(1), "--", color="#D55E00", label="sum")
ax.plot(places, smooth_maximum(bumps), color="#0072B2", label="smooth maximum")
ax.plot(centres, values, "o", color="#1a1a1a", label="parameters")
ax.set_xlabel("pixel")
ax.set_ylabel("mask")
ax.legend(loc="upper left")
show(
    fig,
    caption="Grey: the bumps. The sum rises above 1 where three middling parameters "
    "stand together; the smooth maximum stays with the largest.",
    alt="Grey bumps, a dashed curve of their sum that rises well above one, and a "
    "solid curve that follows the highest bump.",
)

# %% [markdown]
# In two dimensions there is much bookkeeping and no new idea, so the course's `MaskGenerator` does it: parameters in, one for every 4 x 4
# pixels, masks of 96 x 96 pixels out.

# %%
generator = MaskGenerator((96, 96), step=4, sigma=9)
print("parameters of a mask:", *generator.shape_in)
one = torch.zeros(1, 1, *generator.shape_in)
one[0, 0, 8, 11] = 1
random = torch.rand(
    1, 1, *generator.shape_in, generator=torch.Generator().manual_seed(1)
).round()
gallery(
    [
        [
            Panel("heat", generator.crop(one), "one parameter is 1", vmax=1),
            Panel("heat", generator.crop(random), "every other one, at random", vmax=1),
        ]
    ],
    caption="One parameter makes a soft disc. With parameters all over the place the "
    "mask is full: something as fine as dust can't be expressed.",
    alt="A single soft disc on black, and a mask that is bright nearly everywhere.",
)

# %% [markdown]
# ## 3 · Holding a mask to its area  *(8 min, ●●○)*
#
# Without a limit the best mask shows everything. So it gets an area, say a tenth of the image, and pays for not keeping to it.
#
# The mean of the mask would be a poor measure: a mask that is 0.1 everywhere has that mean, and shows fog. We want a tenth of the pixels at 1
# and all the others at 0, *wherever they are*. Now comes the trick: sort the pixels by their values. Then "wherever" is gone, and the sorted values can
# be compared with what is wanted: zeros, then ones.
#
# An example with five pixels and an area of 0.4. The mask has the values 0.9, 0.0, 0.2, 1.0, 0.1. Sorted: 0.0, 0.1, 0.2, 0.9, 1.0. Wanted: three
# zeros and two ones. The differences, squared: 0, 0.01, 0.04, 0.01, 0. Their mean is 0.012.
#
# $$R_a(m) = \frac{1}{P} \sum_{i=1}^{P} \bigl(\mathrm{sort}(m)_i - r_i\bigr)^2, \qquad r = 0, \dots, 0, 1, \dots, 1 \ \text{ with } \lfloor (1 - a) P \rfloor \text{ zeros}$$
#
# **Write `area_term(masks, areas)`.** `masks` is (N, 1, H, W), `areas` a tensor (N,) with the area of each mask. Return the N terms, (N,).


# %%
def area_term(masks, areas):
    """Mean squared distance of sorted values to zeros, then ones: (N,)."""
    ### BEGIN SOLUTION
    values = masks.flatten(1).sort(1).values
    size = values.shape[1]
    zeros = ((1 - areas) * size).long()
    wanted = torch.arange(size) >= zeros[:, None]
    return (values - wanted.to(values)).square().mean(1)
    ### END SOLUTION


# %%
area_term = check("area_term", area_term)

# %% [markdown]
# *Three masks, all asked for an area of a quarter. Which of them pays most?*

# %%
parameters = torch.zeros(1, 1, *generator.shape_in)
parameters[..., 8:16, 8:16] = 1
sharp = torch.zeros(1, 1, 96, 96)
sharp[..., :48, :48] = 1
three = {
    "0.25 everywhere": torch.full((1, 1, 96, 96), 0.25),
    "a soft patch": generator.crop(parameters),
    "a corner cut out sharply": sharp,
}
terms = area_term(torch.cat([*three.values()]), torch.full((3,), 0.25))
for (what, mask), term in zip(three.items(), terms):
    print(f"{what:25} mean {mask.mean():.2f}   area term {term:.2f}")

# %% [markdown]
# The grey one has exactly the right mean, and pays most. The corner pays nothing, and would pay nothing anywhere else in the image.

# %% [markdown]
# ## 4 · One step up  *(7 min, ●●○)*
#
# Score high, area right: together they are what we climb on, the **objective** of each mask, its score minus the weighted area term. PyTorch's optimisers go
# *down*, so hand them minus the objective. Two things are special here:
#
# - Several masks climb side by side, one for each area. With the *sum* of their objectives each mask gets the gradient of its own and no other.
# - A parameter is a brightness and must stay between 0 and 1. After the step, cut it: `parameters.clamp_(0, 1)`, inside `torch.no_grad()` so that PyTorch
#   doesn't record it.
#
# **Write `one_step(parameters, objective, optimiser)`.** `objective` is a function from `parameters` (N, 1, h, w) to N values; `optimiser` is an optimiser from
# `torch.optim` that holds `parameters`. Make one step uphill, cut the parameters to [0, 1], and return the values that the objective had before the step, (N,),
# without a graph.


# %%
def one_step(parameters, objective, optimiser):
    """One step up for N objectives; returns their values before it: (N,)."""
    ### BEGIN SOLUTION
    optimiser.zero_grad()
    values = objective(parameters)
    (-values.sum()).backward()
    optimiser.step()
    with torch.no_grad():
        parameters.clamp_(0, 1)
    return values.detach()
    ### END SOLUTION


# %%
one_step = check("one_step", one_step)

# %% [markdown]
# ## 5 · The climb  *(9 min, ●●●)*
#
# In the beginning a mask should be free to look around, in the end it must keep to its area. So the weight of the area term starts at 100 and grows by 6 %
# with each step: in step $t$, counted from 0, it is $100 \cdot 1.06^t$.
#
# **Write `extremal_masks(score, render, parameters, areas, steps)`.**
#
# - `score` is a function from masks (N, 1, H, W) to N scores, `render` one from parameters to masks;
# - `parameters` (N, 1, h, w) is where to start (work on a copy), `areas` is (N,), `steps` the number of steps;
# - in each step the objective of the parameters is `score(masks) - weight * area_term(masks, areas)` with `masks = render(parameters)`;
# - the optimiser is `torch.optim.Adam` with a rate (`lr`) of 0.05.
#
# Return the masks after the last step, without a graph.


# %%
def extremal_masks(score, render, parameters, areas, steps):
    """Masks of the given areas under which the score is high: (N, 1, H, W)."""
    ### BEGIN SOLUTION
    parameters = parameters.detach().clone().requires_grad_()
    optimiser = torch.optim.Adam([parameters], lr=0.05)
    for t in range(steps):
        weight = 100 * 1.06**t

        def objective(p):
            masks = render(p)
            return score(masks) - weight * area_term(masks, areas)

        one_step(parameters, objective, optimiser)
    return render(parameters).detach()
    ### END SOLUTION


# %%
extremal_masks = check("extremal_masks", extremal_masks)

# %% [markdown]
# Four areas for one class and then for the other, beginning with masks that show everything.
#
# *Each object covers about 8 % of the image. Which areas will be enough for the network?*

# %%
areas = torch.tensor([0.02, 0.05, 0.1, 0.2])
start = torch.ones(4, 1, *generator.shape_in)


def score_of(category):
    return lambda masks: model(perturb(pyramid, masks))[:, category]


def rows_of(category, masks):
    """The masks, and below each what it leaves of the image, with the score."""
    shown = perturb(pyramid, masks)
    where = {"outlines": outlines, "focus": category, "vmax": 1}
    return [
        [
            Panel("heat", m, f"{CLASSES[category]}: {100 * a:.0f} %", **where)
            for m, a in zip(masks, areas)
        ],
        [
            Panel("image", image, f"score {score:.0f}")
            for image, score in zip(shown, model(shown)[:, category])
        ],
    ]


found = {}
found[category_1] = extremal_masks(
    score_of(category_1), generator.crop, start, areas, 60
)
gallery(
    rows_of(category_1, found[category_1]),
    caption=f"Masks of four areas for {name_1}, and below each what it leaves of the "
    "image.",
    alt=f"Four masks for {name_1}, from the smallest to the largest area, and below "
    "each the image that it leaves, with its score.",
)

# %%
found[category_2] = extremal_masks(
    score_of(category_2), generator.crop, start, areas, 60
)
gallery(
    rows_of(category_2, found[category_2]),
    caption=f"The same for {name_2}.",
    alt=f"Four masks for {name_2}, from the smallest to the largest area, and below "
    "each the image that it leaves, with its score.",
)

# %% [markdown]
# Each mask is a claim that anyone can check: blur all the rest, and see what the network says. But how much does a mask really cover, and where does it lie?
# It *covers* the mean of its values, soft rim included.

# %%
# NBVAL_IGNORE_OUTPUT
whole = model(x)[0]
print("          asked for  covers   on the object   score, of the whole image's")
for c, masks in found.items():
    truth = torch.as_tensor(outlines[c])
    for area, mask, score in zip(areas, masks, score_of(c)(masks)):
        on_object = (mask * truth).sum() / mask.sum()
        print(
            f"{CLASSES[c]:9} {area:9.0%} {mask.mean():7.0%} {on_object:15.0%} "
            f"{score / whole[c]:15.0%}"
        )

# %% [markdown]
# Look at what a mask covers before you quote an area: the soft rim counts too. And look at where the masks lie. What they have of room to spare they spend off the
# object, also on the *other* one. A mask looks for whatever raises the score, and not for what we would call the object. Keep that in mind until section 8.

# %% [markdown]
# ## 6 · The smallest area that is enough  *(5 min, ●○○)*
#
# Score against area gives a curve, and a question with a number for an answer: how little is enough? Say that it is enough when the score reaches 90 % of the whole
# image's.
#
# **Write `smallest_area(areas, scores, whole, share=0.9)`.** `areas` and `scores` are lists of numbers, in any order of the areas; `whole` is the score of the
# whole image. Return the smallest of the areas whose score is at least `share` times `whole`, or None if there is none.


# %%
def smallest_area(areas, scores, whole, share=0.9):
    """The smallest area whose score reaches share * whole; None if none does."""
    ### BEGIN SOLUTION
    enough = [area for area, score in zip(areas, scores) if score >= share * whole]
    return min(enough) if enough else None
    ### END SOLUTION


# %%
smallest_area = check("smallest_area", smallest_area)

# %% [markdown]
# *A prediction: will the curve keep rising up to the whole image?*

# %%
# NBVAL_IGNORE_OUTPUT
fig, ax = subplots(width=7, height=3.6)
for c, colour in ((category_1, "#0072B2"), (category_2, "#D55E00")):
    curve = score_of(c)(found[c]).tolist()
    covered = found[c].mean((1, 2, 3))
    enough = smallest_area(covered.tolist(), curve, whole[c].item())
    size = (outlines[c] > 0.5).mean()
    print(
        f"the {CLASSES[c]} covers {size:.0%}; the smallest mask that is enough covers "
        f"{'more than these' if enough is None else f'{enough:.0%}'}"
    )
    ax.plot(
        [*(100 * covered), 100],
        [*curve, whole[c].item()],
        marker="o",
        color=colour,
        label=CLASSES[c],
    )
    ax.axhline(0.9 * whole[c].item(), color=colour, linestyle=":", linewidth=1.2)
    ax.axvline(100 * size, color=colour, linewidth=0.8, alpha=0.5)
ax.set_xscale("log")
ax.set_xticks([2, 5, 10, 20, 50, 100], ["2", "5", "10", "20", "50", "100"])
ax.minorticks_off()
ax.set_xlabel("covered by the mask, % of the image")
ax.set_ylabel("score")
ax.legend(loc="lower right")
show(
    fig,
    caption="Score against what each mask covers; the last point is the whole image. "
    "Dotted: nine tenths of its score. Thin upright lines: the true area of each "
    "object.",
    alt="Two curves of score against area, with dotted lines at nine tenths of the "
    "whole image's scores and thin lines at the objects' true areas.",
)

# %% [markdown]
# A mask may even do better than the whole image. That is no proof that it shows more of the object: section 8 shows how high a score can be driven.

# %% [markdown]
# ## 7 · Enough, or needed?
#
# So far a mask had to *preserve* the score. One can also ask for the opposite, a mask that *deletes*: blur only the mask, and bring the score as far down as
# possible. Or for both at once, *dual*. Your `extremal_masks` can do all three. Only the score that it climbs on is another one.
#
# *Preserve asks what is enough, delete asks what is needed. Will the two masks be the same?*

# %%
# NBVAL_IGNORE_OUTPUT
preserve = score_of(category_2)
questions = {
    "preserve": preserve,
    "delete": lambda masks: -preserve(1 - masks),
    "dual": lambda masks: preserve(masks) - preserve(1 - masks),
}
twelve = torch.tensor([0.12])
answers = {
    name: extremal_masks(score, generator.crop, start[:1], twelve, 60)
    for name, score in questions.items()
}


def titled(mask):
    return Panel("image", perturb(pyramid, mask), f"score {preserve(mask).item():.0f}")


for one, other in (("preserve", "delete"), ("preserve", "dual"), ("delete", "dual")):
    both = torch.minimum(answers[one], answers[other]).sum() / answers[one].sum()
    print(f"{one} and {other}: {both:.0%} of the first mask lies in the second, too")
gallery(
    [
        [
            Panel("heat", m, name, outlines=outlines, focus=category_2, vmax=1)
            for name, m in answers.items()
        ],
        [titled(m) for m in answers.values()],
        [titled(1 - m) for m in answers.values()],
    ],
    row_labels=["mask", "mask kept", "mask deleted"],
    caption=f"Three questions about {name_2}, each with 12 % of the image. Read the "
    "scores along a row.",
    alt=f"Three masks for the {name_2}; below each, the image with only the mask "
    "kept, and with the mask blurred, with the scores.",
)

# %% [markdown]
# What is enough need not be what is needed.

# %% [markdown]
# ## 8 · What happens without smoothness
#
# Why all the effort with discs? Let each of the 96 x 96 pixels have a parameter of its own, and ask for an area of 8 %.
#
# *Where will the mask go?*

# %%
# NBVAL_IGNORE_OUTPUT
free_start = torch.ones(1, 1, 96, 96)
eight = torch.tensor([0.08])

smooth = extremal_masks(score_of(category_1), generator.crop, start[:1], eight, 60)
free = extremal_masks(score_of(category_1), lambda p: p, free_start, eight, 60)
truth = torch.as_tensor(outlines[category_1])[None, None]

panels, inside = [], {}
for what, mask in (("smooth", smooth), ("free", free)):
    inside[what] = (mask * truth).sum() / mask.sum()
    score = score_of(category_1)(mask).item()
    panels += [
        Panel(
            "heat", mask, f"{what} mask", outlines=outlines, focus=category_1, vmax=1
        ),
        Panel(
            "image",
            perturb(pyramid, mask),
            f"score {score:.0f}, whole image {whole[category_1]:.0f}",
        ),
    ]
for what, share in inside.items():
    print(f"{share:.0%} of the {what} mask lies on the {name_1}")
gallery(
    [panels],
    caption="A smooth mask and what it shows; then a mask with a parameter for each "
    "pixel and what that shows.",
    alt="Two masks, and beside each the image that it shows, with its score and that "
    "of the whole image.",
)

# %% [markdown]
# The free mask becomes dust, chosen pixel by pixel to please this network: its score is far above that of the whole image. This is an *adversarial example*. A
# high score proves nothing if the mask was free to make it up. A smooth mask is less free: compare the two scores.

# %% [markdown]
# ## 9 · The area slider
#
# Choose a class and a variant. The masks for all areas are optimised together (you can cancel), and then the slider goes through them. Click the slider and use the
# arrow keys.
#
# *Try this: at which area does the score of each class come up to the dashed line? Then set the variant to delete.*

# %%
explorer = AreaExplorer(model, x, category_1, masks=outlines)
explorer

# %% [markdown]
# The same as one picture, for paper and for pages without a running kernel:

# %%
# NBVAL_IGNORE_OUTPUT
explorer.contact_sheet()

# %% [markdown]
# ## What you learned
#
# - A blur pyramid makes taking away gradual, so that one can climb; a smooth maximum over discs makes masks that can't be dust.
# - Sorting turns "this many ones, wherever" into something with a gradient.
# - Score against area gives a number with a meaning: the smallest area that is enough, as this search found it.
# - What is enough need not be what is needed, and a mask that is free to be anything explains nothing.
#
# **A sentence to keep:** *an explanation that can be checked by covering the rest is worth more than one that can only be looked at.*
#
# ### Where to read on
#
# - R. Fong and A. Vedaldi, [*Interpretable explanations of black boxes by meaningful perturbation*](https://arxiv.org/abs/1704.03296), ICCV 2017: masks that
#   are found by gradient descent, one image at a time.
# - R. Fong, M. Patrick and A. Vedaldi, [*Understanding deep networks via extremal perturbations and smooth masks*](https://arxiv.org/abs/1910.08485), ICCV
#   2019: this lesson.
# - P. Dabkowski and Y. Gal, [*Real time image saliency for black box classifiers*](https://arxiv.org/abs/1705.07857), NeurIPS 2017: smallest sufficient and
#   smallest destroying regions.
# - C. Szegedy and others, [*Intriguing properties of neural networks*](https://arxiv.org/abs/1312.6199), ICLR 2014: patterns that only a network can see.
#
# **Next:** You have nine methods now. Which one should you believe? Lesson 08 will ask that; it is not written yet.
