# %% [markdown]
# # Beyond classification
#
# *Lesson 10 · 45 minutes · ●●○*
#
# All networks so far gave one score for each class of an image. Many networks answer for each *pixel*, or for a box. Is there anything new in explaining
# them? Little in the code: a wrapper of five lines, and every method that you know works unchanged. But some of what a map shows is then true without
# looking, and it takes other questions to learn something.
#
# **After this lesson you can**
#
# - make a score of a region out of a network that answers for each pixel, and explain it by any method;
# - say which part of a map is there by construction, by asking a network that has learned nothing;
# - measure what the surroundings contribute, by swapping them;
# - say what a box's score adds.

# %%
import torch
import torch.nn.functional as F
from torch import nn

from course_lib import beat, check, hint, lesson_end, predict, reveal, solution
from course_lib.attribution.excitation_backprop import excitation_backprop
from course_lib.attribution.extremal_perturbation import extremal_perturbation
from course_lib.attribution.grad_cam import grad_cam
from course_lib.attribution.gradient import gradient
from course_lib.attribution.guided_backprop import guided_backprop
from course_lib.attribution.linear_approx import linear_approx
from course_lib.attribution.rise import rise
from course_lib.benchmark.likeness import rank_likeness
from course_lib.explorer import LayerExplorer
from course_lib.figures import lesson_10 as figures
from course_lib.world.boxes import box_around
from course_lib.world.networks import build_network, load_network
from course_lib.world.scenes import CLASSES, two_object_scenes

# %% [markdown]
# ## 1 · A network that answers for each pixel
#
# `tiny_segmenter` sees the same scenes. It gives one logit for each class *and pixel*, (N, 8, H, W): above 0, it says that the class covers the pixel. Its
# first layers, `features`, are those of `tiny_vgg`, weights and all. `bottom` sees the image at an eighth of its side, and `decoder` goes up
# again to all of its pixels.

# %%
model = load_network("tiny_segmenter")
scenes = list(two_object_scenes(12, start=500))
x = torch.cat([scene.x for scene in scenes])
truth = torch.stack([torch.as_tensor(scene.masks) >= 0.5 for scene in scenes])
targets = [scene.objects[i % 2] for i, scene in enumerate(scenes)]
regions = torch.stack([truth[i, c] for i, c in enumerate(targets)])

with torch.no_grad():
    logits = model(x)
print("logits:", tuple(logits.shape))
found = logits > 0
both, either = (found & truth).sum((0, 2, 3)), (found | truth).sum((0, 2, 3))
there = either > 0
iou = (both[there] / either[there]).mean()
print(f"intersection over union, mean of classes: {iou:.0%}, n = {len(x)} scenes")
figures.masks_found(scenes[0], logits[:1].sigmoid())

# %% [markdown]
# The library's gradient takes a tensor in the shape of the scores as its target: the gradient to start from. A 1 at one class and one pixel asks why *that pixel* got its
# logit. Take a pixel deep inside an object, the one that is farthest from its edge.
#
# *How much of its gradient's map lies within three pixels of it?*

# %%
predict("middle_pixel", [5, 25, 50, 90], unit="%")


# %%
def deepest(region):
    """Row and column of the pixel that survives the most erosions."""
    left = region[None, None].float()
    while True:
        smaller = 1 - F.max_pool2d(1 - left, 3, stride=1, padding=1)
        if not smaller.any():
            return tuple(left[0, 0].nonzero()[0].tolist())
        left = smaller


def map_of_pixel(i, place):
    """The gradient's map of one pixel's logit, (1, 1, H, W)."""
    start = torch.zeros_like(logits[:1])
    start[0, targets[i], place[0], place[1]] = 1
    return gradient(model, x[i : i + 1], start)


near, across = [], []
for i in range(len(scenes)):
    row, column = deepest(regions[i])
    s = map_of_pixel(i, (row, column))[0, 0]
    window = s[max(0, row - 3) : row + 4, max(0, column - 3) : column + 4]
    near.append((window.sum() / s.sum()).item())
    rows = (s > 0).any(1).nonzero()
    across.append(int(rows[-1] - rows[0]) + 1)
near = sum(near) / len(near)
print(f"within three pixels: {near:.0%} of the map, mean of {len(scenes)} scenes")
print(f"the gradient is not zero over {max(across)} of {x.shape[2]} rows at most")
reveal("middle_pixel", 100 * near)
place = deepest(regions[0])
figures.map_of_a_pixel(scenes[0], targets[0], place, map_of_pixel(0, place))

# %% [markdown]
# To know what covers a pixel the network looks at much more than the pixel. What it may look at at all is its *receptive field*, outside of which the gradient is
# exactly zero.
#
# ## 2 · A score for a region  *(10 min, ●●○)*
#
# One pixel is rarely the question. We ask for an object: for all the pixels of a region at once. The score of class c for a region r is the mean of
# its logits there:
#
# $$\phi_c(x) = \frac{\sum_u r_u \, f_c(x)_u}{\sum_u r_u}$$
#
# Wrap the network so that it gives *these* scores, (N, classes), and every method of the course takes it for a classifier.
#
# **Write `RegionScore(model, region)`.** `model` maps images (N, 3, H, W) to logits (N, classes, H, W). `region` is (H, W): booleans, or numbers from 0 to 1 where its
# edges are soft; one region for all images. `forward(x)` returns the scores (N, classes).


# %%
class RegionScore(nn.Module):
    """The mean of each class's logits over a region, (N, classes)."""

    ### BEGIN SOLUTION
    def __init__(self, model, region):
        super().__init__()
        self.model = model
        self.region = region

    def forward(self, x):
        logits = self.model(x)
        return (logits * self.region).sum((2, 3)) / self.region.sum()

    ### END SOLUTION


# %%
RegionScore = check("region_score", RegionScore)

# %% [markdown]
# Which region? You may take the object's true pixels, or those that the network found. We take the true ones: so the question is the same for
# every network, also for one that finds nothing.
#
# Layers have their old names with `model.` before them. RISE and extremal masks show the network hundreds of covered images; the region stays where it is.

# %%
LAYER = "model.bottom.3"


def quick_maps(network, i, region):
    """Four methods' maps of a region's score, (1, 1, h, w), none negative."""
    score, image, c = RegionScore(network, region), x[i : i + 1], targets[i]
    at_layer = {"saliency_layer": LAYER, "resize": True}
    return {
        "gradient": gradient(score, image, c),
        "guided backprop": guided_backprop(score, image, c),
        "Grad-CAM": grad_cam(score, image, c, **at_layer),
        "excitation": excitation_backprop(
            score, image, c, saliency_layer="model.features.8", resize=True
        ),
    }


# %%
# NBVAL_IGNORE_OUTPUT
maps = quick_maps(model, 0, regions[0])
score = RegionScore(model, regions[0])
maps["RISE"] = rise(score, x[:1], targets[0], num_masks=150, seed=0, resize=True)
maps["extremal mask"] = extremal_perturbation(
    score, x[:1], targets[0], 0.1, max_iter=30, resize=True
).masks
figures.maps_of_a_region(scenes[0], targets[0], regions[0], maps)

# %% [markdown]
# They look well. Every map is brightest on the object or next to it. But look twice: the question itself had said where the object is.
#
# ## 3 · What is true without looking  *(10 min, ●●○)*
#
# How much of a map lies in the region, how much in a ring around it, how much elsewhere? A pixel is in the ring if it is not in the region, but in a square of
# `width` pixels to each side around one of the region's pixels.
#
# **Write `three_shares(s, regions, width)`.** `s` are maps (N, 1, H, W), none negative, each with something in it; `regions` booleans (N, H, W). Return (N, 3): the shares of each
# map in its region, in the ring, and elsewhere.


# %%
def three_shares(s, regions, width):
    """Of each map the share inside, in the ring around, and elsewhere: (N, 3)."""
    ### BEGIN SOLUTION
    inside = regions[:, None].to(s.dtype)
    wide = F.max_pool2d(inside, 2 * width + 1, stride=1, padding=width)
    parts = torch.stack([s * inside, s * (wide - inside), s * (1 - wide)], 1)
    return parts.sum((2, 3, 4)) / s.sum((1, 2, 3))[:, None]
    ### END SOLUTION


# %%
three_shares = check("three_shares", three_shares)

# %% [markdown]
# Now the question of lesson 08: what would have scored high without looking? Take a network of the same build whose weights are random. It has never seen a scene, and it finds nothing.
#
# *How much of its gradient's map for an object's region lies in the region or in the ring (8 pixels wide)?*

# %%
predict("forgot_everything", [10, 40, 70, 100], unit="%")


# %%
def mean_shares(network):
    """Method -> its three shares, the mean over the scenes."""
    rows = {}
    for i, region in enumerate(regions):
        for name, s in quick_maps(network, i, region).items():
            if s.sum() > 0:
                rows.setdefault(name, []).append(three_shares(s, region[None], 8)[0])
    return {name: torch.stack(shares).mean(0).tolist() for name, shares in rows.items()}


torch.manual_seed(0)
blank = build_network("tiny_segmenter").eval().requires_grad_(False)
tables = {"trained": mean_shares(model), "random weights": mean_shares(blank)}
for network, table in tables.items():
    print(network)
    for name, (inside, ring, rest) in table.items():
        print(f"  {name:16} inside {inside:.0%}, ring {ring:.0%}, elsewhere {rest:.0%}")
area = three_shares(torch.ones_like(x[:, :1]), regions, 8).mean(0)
print(
    f"of the image: inside {area[0]:.0%}, ring {area[1]:.0%}, elsewhere {area[2]:.0%}"
)
reveal("forgot_everything", 100 * sum(tables["random weights"]["gradient"][:2]))
figures.shares_of_methods(tables, len(scenes))

# %% [markdown]
# The gradient of a network that knows nothing lies *closer* to the region than that of the trained one: what was learned reaches farther.
# The shares of guided backprop and of excitation are much the same with and without training. A map of a region's score lies near the region because
# nothing else can reach it. "The map is on the object" was good evidence for a classifier, which was not told where to look. Here it is none.
#
# One method is different. Grad-CAM's map of the random network lies elsewhere. Why?
#
# ## 4 · Which half?
#
# A map of a region should at least depend on the region. Ask for the left half of an object, then for its right half.
#
# *How alike are the two maps of Grad-CAM, by the correlation of the ranks?*

# %%
predict("half_an_object", [-0.5, 0, 0.5, 1])


# %%
def halves_of(region):
    """The region's left and right halves, by its middle column."""
    columns = region.any(0).nonzero()[:, 0]
    left = torch.arange(region.shape[1]) < columns.float().mean()
    return region & left, region & ~left


def at_bottom(method, i, region):
    """A method's map at the last layer of the encoder, without its negative part."""
    score = RegionScore(model, region)
    s = method(score, x[i : i + 1], targets[i], saliency_layer=LAYER)
    return s.clamp(min=0)


both_halves = {
    "Grad-CAM": grad_cam,
    "linear approximation": linear_approx,
}
alike = {}
for name, method in both_halves.items():
    found = []
    for i, region in enumerate(regions):
        one, other = (at_bottom(method, i, half) for half in halves_of(region))
        found.append(rank_likeness(one, other).item())
    alike[name] = sum(found) / len(found)
    print(f"{name:20} {alike[name]:+.2f}, mean of {len(scenes)} scenes")
reveal("half_an_object", alike["Grad-CAM"])
halves = halves_of(regions[0])
figures.two_halves(
    scenes[0],
    targets[0],
    halves,
    {
        name: [at_bottom(method, 0, half) for half in halves]
        for name, method in both_halves.items()
    },
)

# %% [markdown]
# Grad-CAM weighs each channel by the *mean* of its gradient over all positions. The mean has forgotten where the gradient was, and with it which region was asked for. The linear approximation multiplies
# position by position, and keeps more of it.
#
# ## 5 · What do the surroundings contribute?  *(10 min, ●●○)*
#
# Maps say where a score could come from. Whether the surroundings *matter* can be tried: draw a box around the object, and put the box into other images. And the other
# way round: leave the surroundings, and put other content into the box.
#
# **Write `swapped_scores(model, x, box, others, target)`.** `model` gives scores (N, classes), `x` is one image (1, 3, H, W), `box` is `(top, left, bottom, right)`, where `bottom` and `right` are
# the first row and column that are no longer in it. `others` are K images (K, 3, H, W), `target` is a class. Return (K, 2), for each of the other images two scores: of the image with the box of `x` and the *surroundings* of the other;
# then of the image with the surroundings of `x` and the *content* of the other. All of them stay as they are.


# %%
def swapped_scores(model, x, box, others, target):
    """For each other image: the score with its surroundings, and with its content: (K, 2)."""
    ### BEGIN SOLUTION
    top, left, bottom, right = box
    rows, columns = slice(top, bottom), slice(left, right)
    surroundings, content = others.clone(), x.repeat(len(others), 1, 1, 1)
    surroundings[:, :, rows, columns] = x[:, :, rows, columns]
    content[:, :, rows, columns] = others[:, :, rows, columns]
    with torch.no_grad():
        return torch.stack(
            [model(surroundings)[:, target], model(content)[:, target]], 1
        )
    ### END SOLUTION


# %%
swapped_scores = check("swapped_scores", swapped_scores)

# %% [markdown]
# The box reaches three pixels beyond the object. The other images are the other eleven scenes. An object counts as found if its region's score is above 0.
#
# *In how many of a hundred such swaps is the object found in its new surroundings?*

# %%
predict("other_surroundings", [10, 35, 60, 90])


# %%
def all_but(i):
    """The images of the other scenes."""
    return torch.cat([x[:i], x[i + 1 :]])


before, swaps, outside = [], [], []
for i, region in enumerate(regions):
    score, box = RegionScore(model, region), box_around(region, 3)
    before.append(score(x[i : i + 1])[0, targets[i]])
    swaps.append(swapped_scores(score, x[i : i + 1], box, all_but(i), targets[i]))
    s = gradient(score, x[i : i + 1], targets[i])
    top, left, bottom, right = box
    outside.append(1 - (s[..., top:bottom, left:right].sum() / s.sum()).item())
before, swaps = torch.stack(before), torch.cat(swaps)
print(f"score of the region as it is: {before.mean():.1f}")
for name, scores in zip(["other surroundings", "other content"], swaps.T):
    kept = (scores > 0).float().mean()
    print(f"{name:20} score {scores.mean():.1f}, found {kept:.0%}, n = {len(scores)}")
outside = sum(outside) / len(outside)
print(f"of the gradient's map outside of the box: {outside:.0%}")
reveal("other_surroundings", 100 * (swaps[:, 0] > 0).float().mean())

worst = int(swaps[:11, 0].argmin())
top, left, bottom, right = box = box_around(regions[0], 3)
moved, refilled = all_but(0)[worst : worst + 1].clone(), x[:1].clone()
moved[..., top:bottom, left:right] = x[:1, :, top:bottom, left:right]
refilled[..., top:bottom, left:right] = all_but(0)[worst, :, top:bottom, left:right]
figures.other_surroundings(
    scenes[0],
    targets[0],
    box,
    {
        "as it is": (x[:1], before[0].item()),
        "surroundings": (moved, swaps[worst, 0].item()),
        "content": (refilled, swaps[worst, 1].item()),
    },
)

# %% [markdown]
# In other surroundings nearly all objects are found, and with other content hardly any. (The picture shows the new surroundings in which this object does worst.) A good part of the gradient's map lies outside of the box all the same. A gradient says where a small
# change would move the score. It does not say what has brought the score about.
#
# How far do the surroundings reach? Let the box grow, and swap only what lies beyond it.
#
# *A box reaches 12 pixels beyond the object. How much does the score change by what lies farther away, in per cent of what other content changes?*

# %%
predict("far_pixels", [1, 10, 30, 60], unit="%")

# %%
distances = [0, 3, 6, 12, 18, 24]
by_swap, by_gradient = dict.fromkeys(distances, 0.0), dict.fromkeys(distances, 0.0)
content_changes = (before.repeat_interleave(len(x) - 1) - swaps[:, 1]).abs().mean()
for i, region in enumerate(regions):
    score = RegionScore(model, region)
    s = gradient(score, x[i : i + 1], targets[i])
    for distance in distances:
        box = top, left, bottom, right = box_around(region, distance)
        scores = swapped_scores(score, x[i : i + 1], box, all_but(i)[:6], targets[i])
        change = (scores[:, 0] - before[i]).abs().mean() / content_changes
        by_swap[distance] += change.item() / len(x)
        share = 1 - s[..., top:bottom, left:right].sum() / s.sum()
        by_gradient[distance] += share.item() / len(x)
for distance in distances:
    print(
        f"beyond {distance:2} pixels: swapping changes {by_swap[distance]:.1%}, "
        f"the gradient's map has {by_gradient[distance]:.1%}"
    )
reveal("far_pixels", 100 * by_swap[12])
figures.reach(
    {
        "change of the score by swapping": by_swap,
        "share of the gradient's map": by_gradient,
    },
    len(scenes),
)

# %% [markdown]
# At every distance the gradient's map promises more than the swaps find. What matters outside of the object is next to it, where its outline is.
#
# ## 6 · A score for a box
#
# A detector answers with boxes. What is the score of a box? The mean over its pixels is a `RegionScore` as well. But a box is filled only in part, and a mean over a smaller box
# inside the object is higher. A box *fits* when the class is inside and not around it: the mean inside, less the mean in a ring around the box.
#
# *By which score is the box best where it fits the object?*

# %%
predict("box_score", ["mean inside", "inside less ring"])


# %%
def as_region(box):
    """The pixels of a box, (H, W) of booleans."""
    top, left, bottom, right = box
    region = torch.zeros(x.shape[2:], dtype=torch.bool)
    region[max(0, top) : bottom, max(0, left) : right] = True
    return region


class BoxScore(nn.Module):
    """The mean over a box, less the mean over a ring of some pixels around it."""

    def __init__(self, model, box, width):
        super().__init__()
        top, left, bottom, right = box
        inside = as_region(box)
        around = as_region((top - width, left - width, bottom + width, right + width))
        self.inside = RegionScore(model, inside)
        self.ring = RegionScore(model, around & ~inside)

    def forward(self, x):
        return self.inside(x) - self.ring(x)


sizes = [-6, -4, -2, 0, 2, 4, 6]
curves = {"mean inside": [], "inside less ring": []}
for grown in sizes:
    values = []
    for i, region in enumerate(regions):
        top, left, bottom, right = box_around(region)
        box = top - grown, left - grown, bottom + grown, right + grown
        both = BoxScore(model, box, 4)
        with torch.no_grad():
            image, c = x[i : i + 1], targets[i]
            values.append([both.inside(image)[0, c], both(image)[0, c]])
    for name, mean in zip(curves, torch.tensor(values).mean(0).tolist()):
        curves[name].append(mean)
for name, values in curves.items():
    best = sizes[values.index(max(values))]
    print(f"{name:18} is largest for boxes {best:+} pixels larger to each side")
reveal(
    "box_score", min(curves, key=lambda n: abs(sizes[curves[n].index(max(curves[n]))]))
)
figures.along_a_size(sizes, curves, len(scenes))

# %% [markdown]
# The mean inside is largest for the smallest box: it has nothing to gain from the outline. Less the ring, the box that fits is the best.
#
# *What does the ring do to the map?*

# %%
moved_out = []
for i, region in enumerate(regions):
    box = box_around(region)
    both = BoxScore(model, box, 4)
    shares = [
        three_shares(gradient(m, x[i : i + 1], targets[i]), as_region(box)[None], 8)[0]
        for m in (both.inside, both)
    ]
    moved_out.append(torch.stack(shares))
for name, row in zip(curves, torch.stack(moved_out).mean(0).tolist()):
    inside, ring, rest = row
    print(f"{name:18} in the box {inside:.0%}, ring {ring:.0%}, elsewhere {rest:.0%}")

# %% [markdown]
# The ring moves a little of the map outwards, and that is all. That one of the scores finds the box that fits, and the other does not, no map says. It took the scores of other boxes.
#
# ## 7 · Look for yourself
#
# The explorer takes a region's score like any network. Choose a method and a layer: see how the map changes from the first layers to `bottom`.

# %%
LayerExplorer(
    RegionScore(model, regions[0]),
    x[:1],
    targets[0],
    masks=scenes[0].masks,
    layers=["model.features.3", "model.features.8", "model.features.13", LAYER],
    methods=["Grad-CAM", "Linear approximation", "Gradient", "Excitation backprop"],
)

# %% [markdown]
# ## Open task: make an object unseen without touching it
#
# The surroundings do have a say, if one chooses them well. Change the pixels *outside* of a box so that the network no longer finds the object that is in it.
#
# Your function gets the network, an image `x` (1, 3, H, W), a box three pixels wider than the object, and the class `target`. It returns an image of the same shape,
# its values between 0 and 1, whose pixels in the box are those of `x`. Your score is the share of the objects' pixels that the network still finds, over eight scenes that no lesson
# shows: the lower, the better.


# %%
def my_surroundings(model, x, box, target):
    """The image with other surroundings, (1, 3, H, W)."""
    ...  # your code here


# %%
beat("unseen", my_surroundings)

# %% [markdown]
# ## What you learned
#
# - A dense output becomes a classifier's when you average it over a region: every method works on it unchanged.
# - A map of a region's score lies near the region by construction. A network with random weights shows how much of it that is.
# - Grad-CAM forgets which part of the image was asked for; a method that multiplies position by position keeps more of it.
# - What the surroundings contribute is measured by swapping them, not by looking at a map.
# - A box's score needs its ring: without it nothing says where the object ends.
#
# **To keep:** *what the question has already said, a map can't tell you.*

# %%
lesson_end("10")

# %% [markdown]
# ## Where to read on
#
# - O. Ronneberger, P. Fischer and T. Brox, [*U-Net: convolutional networks for biomedical image segmentation*](https://arxiv.org/abs/1505.04597), MICCAI 2015: the network's build.
# - K. Vinogradova, A. Dibrov and G. Myers, [*Towards interpretable semantic segmentation via gradient-weighted class activation mapping*](https://arxiv.org/abs/2002.11434), AAAI 2020: Grad-CAM of a
#   region's score.
# - R. L. Draelos and L. Carin, [*Use HiResCAM instead of Grad-CAM for faithful explanations of convolutional neural networks*](https://arxiv.org/abs/2011.08891), 2020: why position by position.
# - V. Petsiuk and others, [*Black-box explanation of object detectors via saliency maps*](https://arxiv.org/abs/2006.03204), CVPR 2021: RISE for boxes.
#
# **Next:** [lesson 11](11_transformers.ipynb). A network that reads a picture as a list of tokens: is its attention an explanation?
