# %% [markdown]
# # Asking from the outside: RISE
#
# *Lesson 06 · 45 minutes · ●●○*
#
# Every method so far has reached into the network: gradients, layers, rules. Suppose you can't. The network runs on someone else's
# computer, and all you get is an answer to each image that you send. Can you still find out where it looks?
#
# You have done it once, in lesson 00: you covered parts of the image and watched the score. RISE does it with hundreds or thousands of random
# covers at once, and makes of it an estimate whose error one can state.
#
# **After this lesson you can**
#
# - make the random masks of RISE, and say why they are smooth and shifted;
# - turn the scores under the masks into a map;
# - predict the error of that map from one run, and how many masks a smaller error costs;
# - explain a classifier that has no gradient at all.

# %%
import copy
import math

import torch
import torch.nn.functional as F
from torch import nn

from course_lib import beat, check, hint, lesson_end, predict, reveal, solution
from course_lib.attribution.gradient import gradient
from course_lib.attribution.rise import RiseMasks, rise
from course_lib.figures import lesson_06 as figures
from course_lib.figures.photograph import photograph
from course_lib.world.examples import example_scene, get_example_data, to_image
from course_lib.world.names import class_names
from course_lib.world.photographs import photos
from course_lib.world.scenes import CLASSES, two_object_scenes

model, x, category_1, category_2 = get_example_data("tiny_vgg")
# the same numbers in an order that convolutions on a processor like better
model.to(memory_format=torch.channels_last)
objects = example_scene().masks
name_1, name_2 = CLASSES[category_1], CLASSES[category_2]

# %% [markdown]
# ## 1 · The idea, with four masks
#
# Keep a random half of the image and turn the rest black. Do it four times.

# %%
few = RiseMasks((96, 96), num_masks=4, seed=5)[:4]
print("the solid outline is the", name_1)
figures.masked_images(x * few, category_1, objects)

# %% [markdown]
# Now ask the network for the probability of the object with the solid outline. *In which of the four images is it highest?*

# %%
predict("four_masks", [1, 2, 3, 4])

# %%
with torch.no_grad():
    probabilities = torch.sigmoid(model(x * few))[:, category_1]
reveal("four_masks", 1 + probabilities.argmax())
figures.masked_images(x * few, category_1, objects, probabilities)

# %% [markdown]
# When enough of the object shows, the probability is high. So give each mask as much weight as the probability it got, and average
# the masks: a pixel that the object needs is kept in the masks with a high weight, and missing from those with a low one.

# %% [markdown]
# ## 2 · A mask  *(12 min, ●●○)*
#
# A mask that decides for each pixel by itself says little: through so fine a sieve each object still shows. So decide for
# *cells*. Draw a small grid, 7 x 7 say, of zeros and ones, and enlarge it to the size of the image.
#
# Two details. The enlarging is *bilinear*, so that the masks have soft edges: a hard edge could be taken for a shape. And each mask is
# *shifted* by a random part of a cell, for otherwise the borders of the cells lie at the same place in all of them.
#
# Here is how, for an image of `size` pixels and grids of `cells` x `cells`:
#
# 1. masks are shifted by less than `math.ceil(size / cells)` pixels, and the cells must cover the image also then: a cell is
#    `cell = math.ceil((size + math.ceil(size / cells)) / cells)` pixels wide;
# 2. put a rim of one cell around the grids, their mirror image: `F.pad(grids, (1, 1, 1, 1), mode="reflect")`;
# 3. enlarge to `cell * (cells + 2)` pixels a side: `F.interpolate(..., size=..., mode="bilinear", align_corners=False)`;
# 4. from mask n, cut out `size` x `size` pixels, beginning at row `cell + rows[n]` and column `cell + columns[n]`.

# %%
grid = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 1.0], [0.0, 0.0, 1.0]])[None, None]
rim = F.pad(grid, (1, 1, 1, 1), mode="reflect")
large = F.interpolate(rim, size=40, mode="bilinear", align_corners=False)
figures.from_grid_to_mask(grid, rim, large)

# %% [markdown]
# **Write `rise_masks(grids, rows, columns, size)`.** `grids` is a float tensor (N, 1, cells, cells) of zeros and ones, `rows` and `columns`
# are integer tensors (N,), each shift at least 0 and less than `math.ceil(size / cells)`; `size` is the side of the image in pixels. Return the masks,
# (N, 1, size, size).


# %%
def rise_masks(grids, rows, columns, size):
    """Smooth, shifted masks from grids (N, 1, cells, cells): (N, 1, size, size)."""
    ### BEGIN SOLUTION
    cells = grids.shape[-1]
    cell = math.ceil((size + math.ceil(size / cells)) / cells)
    padded = F.pad(grids, (1, 1, 1, 1), mode="reflect")
    large = F.interpolate(
        padded, size=cell * (cells + 2), mode="bilinear", align_corners=False
    )
    masks = []
    for n in range(len(grids)):
        top, left = cell + rows[n], cell + columns[n]
        masks.append(large[n, :, top : top + size, left : left + size])
    return torch.stack(masks)
    ### END SOLUTION


# %%
rise_masks = check("rise_masks", rise_masks)

# %% [markdown]
# Eight hundred of them, with each cell kept with probability one half.
#
# *What does the average of all of these masks look like?*

# %%
predict("average_mask", ["bright in the middle", "dark in the middle", "grey all over"])


# %%
def draw_masks(number, cells=7, size=96, p=0.5, seed=0):
    random = torch.Generator().manual_seed(seed)
    shifts = math.ceil(size / cells)
    grids = (torch.rand(number, 1, cells, cells, generator=random) < p).float()
    rows = torch.randint(0, shifts, (number,), generator=random)
    columns = torch.randint(0, shifts, (number,), generator=random)
    return rise_masks(grids, rows, columns, size)


masks = draw_masks(800)
average = masks.mean(0)
print(f"the average mask lies between {average.min():.2f} and {average.max():.2f}")
tilt = average[:, 24:72, 24:72].mean() - average.mean()
looks = "bright in the middle" if tilt > 0 else "dark in the middle"
reveal("average_mask", "grey all over" if tilt.abs() < 0.1 else looks)
figures.some_masks(masks[:5])

# %% [markdown]
# ## 3 · The map  *(4 min, ●○○)*
#
# With K masks $m_k$ and the score $f_k$ of the image under each, the map is
#
# $$s(u) = \frac{1}{K} \sum_{k=1}^{K} f_k \, m_k(u)$$
#
# An example with two masks and one pixel: under the first the score is 0.9 and the pixel is kept (1.0); under the second the score is 0.1 and
# the pixel is half dark (0.5). Its value is (0.9 · 1.0 + 0.1 · 0.5) / 2 = 0.475.
#
# **Write `rise_map(scores, masks)`.** `scores` has shape (K,), `masks` (K, 1, H, W). Return the map, (1, H, W).


# %%
def rise_map(scores, masks):
    """Mean over the masks of score times mask: (1, H, W)."""
    ### BEGIN SOLUTION
    return (scores.view(-1, 1, 1, 1) * masks).mean(0)
    ### END SOLUTION


# %%
rise_map = check("rise_map", rise_map)

# %% [markdown]
# *A riddle before the real thing. Suppose a classifier answers 1 to every image, whatever it shows. What value does its map have?*

# %%
predict("constant_classifier", [0, 0.5, 1])

# %%
constant = rise_map(torch.ones(len(masks)), masks)
reveal("constant_classifier", constant.mean())
print(
    f"the map of a classifier that always says 1: {constant.min():.2f} to "
    f"{constant.max():.2f} everywhere"
)

# %% [markdown]
# Not 0, but about 0.5: the average mask. Every RISE map stands on such a floor, the mean score times the average mask, and only what rises
# above it means something. So the figures below show the map *minus its floor*: red where keeping the pixel raises the score, blue where it
# lowers it.

# %% [markdown]
# ## 4 · The scores  *(7 min, ●●○)*
#
# Eight hundred masked images of 96 x 96 pixels are 90 MB, and the activations of the network many times that. So they go through it in batches.
# And since no gradient is asked for, PyTorch need not prepare for one: inside `with torch.no_grad():` it keeps nothing.
#
# **Write `masked_scores(score, x, masks, batch_size)`.** `score` is a function that takes images (b, 3, H, W) and returns their scores (b,); `x` is
# the image (1, 3, H, W) and `masks` are (K, 1, H, W). Return the K scores of `x` times each mask, shape (K,). Never give `score` more than
# `batch_size` images at once.


# %%
def masked_scores(score, x, masks, batch_size):
    """Score of the image under each mask, in batches: (K,)."""
    ### BEGIN SOLUTION
    with torch.no_grad():
        return torch.cat([score(x * some) for some in masks.split(batch_size)])
    ### END SOLUTION


# %%
masked_scores = check("masked_scores", masked_scores)

# %% [markdown]
# All together. The score is the probability of the class, a sigmoid of the network's output.


# %%
def probability(network, category):
    """The function from images to the probability of one class."""
    return lambda images: torch.sigmoid(network(images))[:, category]


def above_floor(scores, masks):
    return rise_map(scores, masks) - scores.mean() * masks.mean(0)


scores_1 = masked_scores(probability(model, category_1), x, masks, 40)
map_1, above_1 = rise_map(scores_1, masks), above_floor(scores_1, masks)
figures.map_and_floor(x, map_1, above_1, category_1, objects)

# %% [markdown]
# Now the other object, with the same masks. *How will its map, above the floor, correlate with this one? (1: the same drawing; 0: nothing in
# common; below 0: one is high where the other is low.)*

# %%
predict("two_classes", [1, 0.5, 0, -0.5])

# %%
scores_2 = masked_scores(probability(model, category_2), x, masks, 40)
map_2, above_2 = rise_map(scores_2, masks), above_floor(scores_2, masks)
correlation = torch.corrcoef(torch.stack([above_1.flatten(), above_2.flatten()]))[0, 1]
reveal("two_classes", correlation)
figures.map_and_floor(x, map_2, above_2, category_2, objects)

# %% [markdown]
# Same image, same masks: the scores, so the weights of the masks, are all that has changed.
#
# Next, the library's `rise`, which draws masks of its own.

# %%
library = rise(model, x, category_1, num_masks=400)
correlation = torch.corrcoef(torch.stack([library.flatten(), map_1.flatten()]))[0, 1]
print(f"correlation with the library's map, from other random masks: {correlation:.1f}")

# %% [markdown]
# Other random masks, nearly the same map. Nearly: how nearly?

# %% [markdown]
# ## 5 · How sure is the map?  *(8 min, ●●○)*
#
# The map is a mean over random masks, like an opinion poll over random people. With other masks it would have come out a little differently. By how
# much, is the **standard error**:
#
# $$\mathrm{SE}(u) = \frac{\text{standard deviation of } f_k \, m_k(u) \text{ over the masks}}{\sqrt{K}}$$
#
# All that it takes is in the run that you have made already.
#
# **Write `standard_error(scores, masks)`.** Arguments as in `rise_map`: (K,) and (K, 1, H, W). Return the standard error of each pixel of the map,
# (1, H, W). For the standard deviation over dimension 0 there is `.std(0)`.


# %%
def standard_error(scores, masks):
    """Standard error of each pixel of the RISE map: (1, H, W)."""
    ### BEGIN SOLUTION
    contributions = scores.view(-1, 1, 1, 1) * masks
    return contributions.std(0) / math.sqrt(len(masks))
    ### END SOLUTION


# %%
standard_error = check("standard_error", standard_error)

# %% [markdown]
# A prediction is there to be tested. From the first 200 masks alone, predict the error of a map from K masks, for several K. Then measure: split the 800
# masks into groups of K, make a map from each group, and see how much the maps differ.
#
# *How many times as many masks do you need for half the error?*

# %%
predict("half_the_error", [2, 4, 8], unit="times as many")

# %%
sizes = [10, 20, 40, 80]
at_200 = standard_error(scores_1[:200], masks[:200]).mean()
predicted = [at_200 * math.sqrt(200 / size) for size in sizes]

measured = []
for size in sizes:
    maps = [rise_map(s, m) for s, m in zip(scores_1.split(size), masks.split(size))]
    measured.append(torch.stack(maps).std(0).mean())

for size, p, m in zip(sizes, predicted, measured):
    print(
        f"{size:4} masks: error predicted {p:.3f}, measured {m:.3f}, "
        f"{(m - p).abs() / p:.0%} away"
    )
# in the measured errors: how fast they fall
slope = math.log(measured[0] / measured[-1]) / math.log(sizes[-1] / sizes[0])
reveal("half_the_error", 2 ** (1 / slope))
figures.error_by_number(sizes, predicted, measured)

# %% [markdown]
# The error falls with the square root of the number of masks, and half the error costs four times as many. (The points keep to the line only roughly: a spread that is measured from ten maps, as the last one is, is itself
# uncertain.) That is the price of asking from the outside: a gradient costs one run forward and one back, a RISE map hundreds or
# thousands of runs.

# %% [markdown]
# ## 6 · How large should a cell be?
#
# Few large cells, or many small ones? Here are maps with the same number of masks and grids of three sizes.
#
# *In which of them will the object stand out most from the noise?*

# %%
predict("cells", ["3 x 3", "7 x 7", "14 x 14"])

# %%
number = 400
maps = {}
for cells in (3, 7, 14):
    some = draw_masks(number, cells=cells)
    scores = masked_scores(probability(model, category_1), x, some, 40)
    maps[cells] = above_floor(scores, some)

on_object = torch.as_tensor(objects[category_1])[None] > 0.5
stands_out = {n: s[on_object].mean() / s.std() for n, s in maps.items()}
for n, height in stands_out.items():
    print(
        f"{n:2} x {n:2} cells: on the object the map is {height:.1f} of its standard "
        "deviations above the floor"
    )
best = max(stands_out, key=stands_out.get)
reveal("cells", f"{best} x {best}")
figures.by_cells(maps, category_1, objects)

# %% [markdown]
# Large cells can't say more exactly where. With small cells the pieces are finer, but each mask says less: with this number of masks, the smaller the cells
# are, the less the object stands out of the noise.

# %% [markdown]
# ## 7 · A classifier without a gradient
#
# On a cheap chip, numbers have 8 bits: 256 values, and nothing in between. Here is our network with every layer's output rounded to so few.

# %%


class Rounded(nn.Module):
    """A network whose layers put out numbers of 8 bits."""

    def __init__(self, network):
        super().__init__()
        self.network = copy.deepcopy(network)

    def forward(self, x):
        for layer in self.network.features:
            x = layer(x)
            largest = x.detach().abs().amax((1, 2, 3), keepdim=True)
            step = largest.clamp(min=1e-9) / 127
            x = (x / step).round() * step
        return self.network.classifier(x.mean((2, 3)))


rounded = Rounded(model)
with torch.no_grad():
    print(
        f"score of {name_1}: {model(x)[0, category_1]:.0f}, rounded "
        f"{rounded(x)[0, category_1]:.0f}"
    )

# %% [markdown]
# It answers as before. *And what does its gradient map look like?*

# %%
predict("rounded_gradient", ["as before", "as before, with noise", "0 everywhere"])

# %%
slope, flat = gradient(model, x, category_1), gradient(rounded, x, category_1)
print("largest value of the rounded network's gradient map:", flat.max().item())
reveal("rounded_gradient", "as before, with noise" if flat.any() else "0 everywhere")

some = masks[:300]
rounded_scores = masked_scores(probability(rounded, category_1), x, some, 40)
rounded_map = above_floor(rounded_scores, some)
figures.with_rounding(slope, flat, rounded_map, category_1, objects)

# %% [markdown]
# Nothing: a staircase is flat on every step. The methods of lessons 01 to 05 all go back through the network, and a slope of 0 stops them at the first
# rounding. RISE has only ever asked for scores, and finds the object as before. A decision tree or a service on the internet could be asked in the same way.

# %% [markdown]
# One scene is an anecdote, once more. Eight scenes with two objects, 120 masks each: *in how many of them does the highest point of the map lie on the
# object that was asked for?*

# %%
predict("eight_scenes", [2, 4, 6, 8])

# %%
hits = 0
scenes = list(two_object_scenes(8))
some = masks[:120]
for scene in scenes:
    asked = scene.objects[0]
    s = masked_scores(probability(model, asked), scene.x, some, 40)
    best = above_floor(s, some).flatten().argmax().item()
    hits += scene.masks[asked].flatten()[best] > 0.5
print(f"the highest point lies on the object in {hits} of {len(scenes)} scenes")
reveal("eight_scenes", hits)

# %% [markdown]
# ## 8 · And on a photo?
#
# The scenes are drawn. Here is a photo, and a network that was trained on more than a million photos of 1,000 classes: EfficientNet-Lite0. Two things change:
#
# - Its classes exclude each other, so a score becomes a probability by a softmax over all classes, and not by a sigmoid. (A sigmoid makes nearly 1 of a score of 10,
#   and of one of 8, too. The library's `rise` warns when that happens.)
# - It takes images from which the mean was subtracted. So 0 is not black but grey, and what is covered turns grey.

# %%
network, photo, category, _ = get_example_data("efficientnet_lite0", image="coffee")
network.to(memory_format=torch.channels_last)


def share_of_class(images):
    return network(images).softmax(1)[:, category]


name = class_names(1000)[category]
credit = photos()["coffee"].credit
picture_of_photo = to_image("efficientnet_lite0", photo)[0]
photograph(picture_of_photo, f"{name}: {share_of_class(photo).item():.0%}", credit)

# %% [markdown]
# *A map has a lowest point, too: what shows there makes the network less sure. In which quarter of the photo will it be?*

# %%
predict("espresso", ["top left", "top right", "bottom left", "bottom right"])

# %%
some = draw_masks(500, size=224)
above = above_floor(masked_scores(share_of_class, photo, some, 25), some)
row, column = divmod(above.flatten().argmin().item(), 224)
quarter = f"{'top' if row < 112 else 'bottom'} {'left' if column < 112 else 'right'}"
reveal("espresso", quarter)
figures.photo_map(picture_of_photo, above, name, credit, len(some))

# %% [markdown]
# Red lies on the cup and the coffee in it. The lowest point lies on the spoon: where it shows, the network is less sure of its espresso. But there is no exact truth for a photo,
# and 500 masks leave noise; one has to take care not to find in a map what one expects.

# %% [markdown]
# ## Open task: find it with a hundred questions
#
# Suppose each answer costs money. You may ask about 100 images, and then you must say where the object is. Write any function that returns a map of the image, (H, W), and
# is given `ask` (a function from images, (N, 3, H, W), to N probabilities of the class) and the image `x`, (1, 3, H, W).
#
# It is scored on scenes that you have not seen, two objects in each: from your map the highest pixels are taken, as many as the object has, and the score is the share of
# them that lies on the object. The number to beat is that of RISE with 100 masks.
#
# Ideas: other cells, other masks, asking in two rounds, and looking at the image yourself, which costs nothing.


# %%
def my_map(ask, x):
    """Where is the class? A map (H, W), from at most 100 images given to `ask`."""
    ...  # your code here


# %%
beat("few_questions", my_map)

# %% [markdown]
# ## What you learned
#
# - Random masks and the scores under them are enough for a map: the mean of the masks, weighted by their scores.
# - A map stands on a floor, the mean score times the average mask. Only what rises above it counts.
# - The error of a map can be read off the run that made it, and falls with the square root of the number of masks.
# - What asks only for scores works where there is no gradient.
#
# **To keep:** if you can't look inside, ask often, and say how sure you are.

# %%
lesson_end("06")

# %% [markdown]
# ## Where to read on
#
# - V. Petsiuk, A. Das and K. Saenko, [*RISE: randomized input sampling for explanation of black-box models*](https://arxiv.org/abs/1806.07421), BMVC 2018.
# - M. Zeiler and R. Fergus, [*Visualizing and understanding convolutional networks*](https://arxiv.org/abs/1311.2901), ECCV 2014: the grey square that is slid
#   over the image.
# - M. Ribeiro, S. Singh and C. Guestrin, [*"Why should I trust you?"*](https://arxiv.org/abs/1602.04938), KDD 2016: LIME, which fits a linear model to such answers.
# - S. Lundberg and S.-I. Lee, [*A unified approach to interpreting model predictions*](https://arxiv.org/abs/1705.07874), NeurIPS 2017: how the credit for a
#   score should be shared among parts that are kept or left out.
#
# **Next:** [lesson 07](07_extremal_perturbation.ipynb). Random masks ask everywhere. What if the masks were chosen well?
