# %% [markdown]
# # Which method should one believe?
#
# *Lesson 08 · 65 minutes · ●●○*
#
# You have built nine ways of making a map, and each looked convincing in its own lesson. On one scene they disagree. In this lesson you
# measure them: where do they point, does the network need what they mark, and do they depend on what the network has learned? Then you
# make a table of your own, and put it beside the one that was published.
#
# **After this lesson you can**
#
# - play the pointing game, and say how sure its result is;
# - draw a deletion curve, and say what it is blind to;
# - check whether a map changes when a network's weights are drawn anew;
# - read a league table of methods, and ask what was counted.

# %%
import copy
import math
import warnings

import torch

from course_lib import beat, check, hint, lesson_end, predict, reveal, solution
from course_lib.attribution.extremal_perturbation import extremal_perturbation
from course_lib.attribution.methods import methods
from course_lib.attribution.rise import rise
from course_lib.benchmark.baselines import centre
from course_lib.benchmark.disconnected_grid import DisconnectedGrid
from course_lib.benchmark.grid_pointing_game import grid_pointing_game
from course_lib.benchmark.league import alike_pairs, in_all, league, thirds
from course_lib.benchmark.likeness import rank_likeness
from course_lib.benchmark.pointing_game import near
from course_lib.benchmark.published import published_pointing
from course_lib.benchmark.randomisation import layers_with_weights
from course_lib.benchmark.scene_grids import scene_grids
from course_lib.figures import lesson_08 as figures
from course_lib.world.efficientnet_lite import load_lite
from course_lib.world.grids import photo_grids
from course_lib.world.layers import default_layers
from course_lib.world.names import class_names
from course_lib.world.networks import load_network
from course_lib.world.photographs import photos
from course_lib.world.scenes import CLASSES, two_object_scenes

# %% [markdown]
# ## 1 · One question, six maps
#
# All methods of the last lessons are in the library, by the names of `methods()`. `make_maps` calls one of them with the layers that
# suit the network. It returns maps in the images' size, (N, 1, H, W).
#
# We take sixty scenes with two objects. In every second scene the second object is asked for, so that there is one question a scene.

# %%
SHORT = {
    "gradient": "gradient",
    "deconvnet": "DeConvNet",
    "guided_backprop": "guided backprop",
    "excitation_backprop": "excitation",
    "contrastive_excitation_backprop": "contrastive",
    "grad_cam": "Grad-CAM",
}


def make_maps(name, arch, network, x, targets, *, inside="", resize=True):
    """A method's maps, (N, 1, H, W); `inside` is where the network's layers are found."""
    layers = default_layers(arch, name)
    layers = {role: inside + layer for role, layer in layers.items()}
    return methods()[name].function(network, x, targets, resize=resize, **layers)


model = load_network("tiny_vgg")
scenes = list(two_object_scenes(60, start=500))
x = torch.cat([scene.x for scene in scenes])
targets = torch.tensor([s.objects[i % 2] for i, s in enumerate(scenes)])
masks = torch.stack(
    [torch.as_tensor(s.masks[c]) >= 0.5 for s, c in zip(scenes, targets)]
)

maps = {n: make_maps(n, "tiny_vgg", model, x, targets) for n in SHORT}
figures.maps_and_points(
    scenes[0], targets[0].item(), {SHORT[n]: s[:1] for n, s in maps.items()}
)

# %% [markdown]
# ## 2 · The pointing game  *(10 min, ●●○)*
#
# A map with many shades is hard to call right or wrong. So ask it for one place only: the pixel where it is largest. If that pixel lies on the
# object, it is a **hit**. That is the pointing game, the field's oldest yardstick.
#
# What if several pixels are largest, all alike? The first of them lies in the upper left by nothing but the order of counting. It is fair to count
# the share of them that lie on the object: with three, of which one is on it, a third of a hit.
#
# **Write `pointing_hits(s, masks)`.** `s` are maps (N, 1, H, W), `masks` booleans (N, H, W), true on the object. Return a number for each
# map, (N,): the share of its largest pixels that lie on the object.


# %%
def pointing_hits(s, masks):
    """For each map, the share of its largest pixels that lie on the object: (N,)."""
    ### BEGIN SOLUTION
    s, masks = s.flatten(1), masks.flatten(1)
    largest = s == s.amax(1, keepdim=True)
    return (largest & masks).sum(1) / largest.sum(1)
    ### END SOLUTION


# %%
pointing_hits = check("pointing_hits", pointing_hits)

# %% [markdown]
# A map may also say nothing at all, and be the same everywhere.
#
# *How often does such a map hit, on our sixty scenes?*

# %%
predict("flat_map_hits", [0, 5, 50, 100], unit="%")

# %%
flat = pointing_hits(torch.ones_like(x[:, :1]), masks)
print(f"a map that says nothing: {flat.mean():.1%} of a hit")
print(f"what the objects cover:  {masks.float().mean():.1%} of the image")
reveal("flat_map_hits", 100 * flat.mean())

for name, s in maps.items():
    print(f"{SHORT[name]:16} {pointing_hits(s, masks).mean():.0%} hits")

# %% [markdown]
# Chance is what the objects cover. A method that reaches no more has found nothing.
#
# ## 3 · How sure is that?  *(12 min, ●●○)*
#
# Sixty scenes are a sample. With other scenes the numbers would be a little different, and with the seven or eight scenes of one class a
# lot. A number without its uncertainty can't be compared with another.
#
# For an accuracy $a$ out of $n$ images, Wilson's interval holds the true value in about 95 of 100 samples, with $z = 1.96$:
#
# $$\frac{a + z^2 / 2n \;\pm\; z \sqrt{a (1 - a) / n + z^2 / 4 n^2}}{1 + z^2 / n}$$
#
# **Write `accuracies(hits, targets, classes)`.** `hits` are numbers from 0 to 1 (N,), `targets` the class of each (N,), `classes` how many
# classes there are. Return a table (classes, 3), a row for each class: accuracy, low end, high end. A class that no image has gets the
# row nan, 0, 1 (`math.nan`): nothing is known of it.


# %%
def accuracies(hits, targets, classes):
    """For each class its accuracy, and the ends of the 95 % interval: (classes, 3)."""
    ### BEGIN SOLUTION
    z = 1.96
    rows = []
    for c in range(classes):
        of_class = hits[targets == c]
        n = len(of_class)
        if n == 0:
            rows.append(torch.tensor([math.nan, 0, 1]))
            continue
        a = of_class.mean()
        middle = (a + z**2 / (2 * n)) / (1 + z**2 / n)
        half = z / (1 + z**2 / n) * (a * (1 - a) / n + z**2 / (4 * n**2)).sqrt()
        rows.append(torch.stack([a, middle - half, middle + half]))
    return torch.stack(rows)
    ### END SOLUTION


# %%
accuracies = check("accuracies", accuracies)

# %% [markdown]
# A method hits on fifteen scenes of fifteen.
#
# *How low may its true accuracy be, by the interval?*

# %%
predict("all_of_fifteen", [60, 80, 95, 100], unit="%")

# %%
one_class = torch.zeros(15, dtype=torch.long)
a, low, high = accuracies(torch.ones(15), one_class, 1)[0]
print(f"15 of 15: {a:.0%}, interval {low:.1%} to {high:.1%}")
reveal("all_of_fifteen", 100 * low)

# %% [markdown]
# There is one more thing to know before a number means anything: what one gets without looking. Point at the middle of each image, whatever
# is in it. On the photographs of the published table the **centre** hits 69.6 % of the time.
#
# *How often will the centre hit an object on our scenes?*

# %%
predict("centre_hits", [10, 30, 50, 70], unit="%")


# %%
def overall(hits):
    """Accuracy, low and high end of all hits together, as numbers."""
    everything = torch.zeros(len(hits), dtype=torch.long)
    return accuracies(hits.float(), everything, 1)[0].tolist()


middle = centre(model, x)
a, low, high = overall(pointing_hits(middle, masks))
print(f"the centre: {a:.0%} hits, interval {low:.0%} to {high:.0%}, n = {len(x)}")
published = published_pointing()["voc2007_vgg16_all"]
print(f"the centre on VOC 2007, as published: {published['centre']} %")
reveal("centre_hits", 100 * a)

# %% [markdown]
# Photographers put what they photograph into the middle, and it fills much of the picture. Our scenes have no photographer. So a number of
# the one world says little in the other, unless the centre's stands beside it.
#
# Now class by class, for Grad-CAM.
#
# *On which of these four shapes does Grad-CAM's largest pixel hit most often?*

# %%
predict("easiest_shape", ["circle", "ring", "cross", "crescent"])

# %%
both = {"Grad-CAM": maps["grad_cam"], "centre": middle}
tables = {
    name: accuracies(pointing_hits(s, masks).float(), targets, len(CLASSES))
    for name, s in both.items()
}
four = ["circle", "ring", "cross", "crescent"]
for name in four:
    a, low, high = tables["Grad-CAM"][CLASSES.index(name)]
    n = (targets == CLASSES.index(name)).sum()
    print(f"{name:9} {a:.0%}, interval {low:.0%} to {high:.0%}, n = {n}")
reveal(
    "easiest_shape",
    max(four, key=lambda name: tables["Grad-CAM"][CLASSES.index(name), 0]),
)
figures.accuracies_of_classes(tables, len(scenes))

# %% [markdown]
# Look at the bars before you believe the points: with so few scenes of a class most of them overlap.
#
# ## 4 · Take away what it marks  *(12 min, ●●●)*
#
# The pointing game needs to know where the object is. The **deletion curve** does not: take the pixels away, the most relevant first, and watch
# the class's probability. If the map has marked what the network needs, the curve falls early, and the area under it is small.
#
# "Away" means here: the pixel becomes the image's mean colour, the mean over all positions of each of the three channels. The networks of this course
# answer for each class by itself, so the probability is the sigmoid of the score.
#
# **Write `deletion_curve(model, x, target, s, steps)`.** `x` is one image (1, 3, H, W), `target` a class (an int), `s` its map (1, 1, H, W). After step
# k, of 0 to `steps`, the k / `steps` most relevant of the H W pixels are gone (H W is a multiple of `steps`). Return two things: the curve of
# probabilities, (steps + 1,), and the area under it by the trapezium rule, a step being 1 / `steps` wide.


# %%
def deletion_curve(model, x, target, s, steps):
    """The class's probability at each step, (steps + 1,), and the area under it."""
    ### BEGIN SOLUTION
    order = s.flatten().argsort(descending=True)
    mean = x.mean((2, 3), keepdim=True)
    probabilities = []
    for step in range(steps + 1):
        gone = torch.zeros(s.numel(), dtype=torch.bool)
        gone[order[: step * s.numel() // steps]] = True
        image = torch.where(gone.view(1, 1, *s.shape[2:]), mean, x)
        with torch.no_grad():
            probabilities.append(model(image)[0, target].sigmoid())
    curve = torch.stack(probabilities)
    return curve, torch.trapezoid(curve, dx=1 / steps)
    ### END SOLUTION


# %%
deletion_curve = check("deletion_curve", deletion_curve)

# %% [markdown]
# The mean curve over ten scenes, for three methods, and for one that ranks the pixels at random.
#
# *Which has the smallest area?*

# %%
predict("smallest_area", ["gradient", "guided backprop", "Grad-CAM"])

# %%
few = torch.arange(10)


def mean_deletion(network, s):
    """Mean curve of the first ten scenes, and the mean area."""
    found = [
        deletion_curve(network, x[i : i + 1], int(targets[i]), s[i : i + 1], 16)
        for i in few
    ]
    curves, areas = zip(*found)
    return torch.stack(curves).mean(0), torch.stack(areas).mean().item()


torch.manual_seed(0)
compared = {SHORT[n]: maps[n] for n in ("gradient", "guided_backprop", "grad_cam")} | {
    "at random": torch.rand(len(few), 1, *x.shape[2:])
}
deleted = {name: mean_deletion(model, s) for name, s in compared.items()}
for name, (_, area) in deleted.items():
    print(f"{name:16} area {area:.3f}")
del deleted["at random"], compared["at random"]
reveal("smallest_area", min(deleted, key=lambda name: deleted[name][1]))
figures.curves_of_deletion({name: curve for name, (curve, _) in deleted.items()})

# %% [markdown]
# The curve has a weakness: the images on the way are like none that the network has seen. Here is how much that matters. Leave every object
# whole, and make single points of the *background* black, one in sixteen. Nobody would have trouble to see the shapes.
#
# *Of the sixty objects, how many does the network still find (probability above one half)?*

# %%
predict("black_points", [60, 45, 30, 10])

# %%
dots = torch.zeros(x.shape[2:], dtype=torch.bool)
dots[::4, ::4] = True
objects = torch.stack([torch.as_tensor(scene.masks.sum(0)) > 0 for scene in scenes])
points = (dots & ~objects)[:, None]
dotted = {
    "as it is": x,
    "mean colour": torch.where(points, x.mean((2, 3), keepdim=True), x),
    "black": torch.where(points, 0.0, x),
}


@torch.no_grad()
def probabilities(images):
    """The probability of the class asked for, (N,)."""
    return model(images).sigmoid().gather(1, targets[:, None])[:, 0]


seen = {what: probabilities(images) for what, images in dotted.items()}
found = {what: int((p > 0.5).sum()) for what, p in seen.items()}
for what, number in found.items():
    print(f"{what:12} {number} of {len(x)} found")
reveal("black_points", found["black"])

worst = int(seen["black"].argmin())
figures.with_points(
    scenes[worst],
    int(targets[worst]),
    {
        what: (dotted[what][worst : worst + 1], p[worst].item())
        for what, p in seen.items()
    },
)

# %% [markdown]
# No evidence was taken away, and black points make the network blind to many of the objects; points in the mean colour do not. What a deletion curve says depends on
# what "away" means. A number that comes from one should name what the pixels became.
#
# ## 5 · A network that has forgotten everything  *(12 min, ●●○)*
#
# A map that explains what a network has learned must change when the network forgets it. So draw its weights anew, layer by layer, from the
# scores down to the input, and make the map again each time. A layer that was drawn anew stays random while the next one is drawn.
#
# How alike are two maps? Compare the *order* of their pixels: `rank_likeness(a, b)` is the correlation of the ranks, 1 for the same order, -1 for
# the reverse, 0 for orders that have nothing to do with each other.
#
# **Write `likeness_curve(model, x, target, method, likeness, layers)`.** `method(model, x, target)` makes maps; `likeness(first, now)` compares them, a number for each
# image (N,); `layers` are the names of the layers in the order in which their weights are drawn anew: `model.get_submodule(name)` finds one, and its `reset_parameters()`
# draws. After each layer compare the maps with those of the network as it was. Return (N, number of layers). The model stays as it
# is: work on a copy, `copy.deepcopy(model)`.


# %%
def likeness_curve(model, x, target, method, likeness, layers):
    """How alike the maps stay to the first ones, after each layer: (N, layers)."""
    ### BEGIN SOLUTION
    first = method(model, x, target)
    damaged = copy.deepcopy(model)
    stages = []
    for name in layers:
        damaged.get_submodule(name).reset_parameters()
        stages.append(likeness(first, method(damaged, x, target)))
    return torch.stack(stages, 1)
    ### END SOLUTION


# %%
likeness_curve = check("likeness_curve", likeness_curve)

# %% [markdown]
# Our network has ten layers with weights. Draw the upper three anew, those nearest to the scores.
#
# *How alike to the first one is guided backprop's map then?*

# %%
predict("alike_without_weights", [0, 0.3, 0.6, 0.9])


# %%
# NBVAL_IGNORE_OUTPUT
def method_of(name):
    """The method as a function of network, images and targets."""
    return lambda network, x, target: make_maps(name, "tiny_vgg", network, x, target)


layers = layers_with_weights(model)
chosen = ("gradient", "guided_backprop", "contrastive_excitation_backprop", "grad_cam")
alike = {}
for name in chosen:
    torch.manual_seed(1)
    curves = likeness_curve(
        model, x[:8], targets[:8], method_of(name), rank_likeness, layers
    )
    alike[SHORT[name]] = curves.mean(0)
    print(f"{SHORT[name]:16} after three layers {curves.mean(0)[2]:+.2f}")
reveal("alike_without_weights", alike["guided backprop"][2])
figures.likeness_by_layer(layers, alike, 8)

# %% [markdown]
# And as pictures, for the first scene. How much does the network still know at each stage? Count the scenes in which its highest score is that of one of the two
# objects; of eight classes, two would be found by chance in a quarter of the scenes.

# %%
pairs = torch.tensor([scene.objects for scene in scenes])


def knows(network):
    """In how many scenes the highest score is that of an object that is there."""
    with torch.no_grad():
        best = network(x).argmax(1, keepdim=True)
    return int((best == pairs).any(1).sum())


stages = {}
print(f"as learned: {knows(model)} of {len(x)} scenes")
for name in ("guided_backprop", "grad_cam"):
    torch.manual_seed(1)
    damaged = copy.deepcopy(model)
    row = {"as learned": make_maps(name, "tiny_vgg", damaged, x[:1], targets[:1])}
    for number, layer in enumerate(layers, start=1):
        damaged.get_submodule(layer).reset_parameters()
        if number in (1, 3, 6, len(layers)):
            now = make_maps(name, "tiny_vgg", damaged, x[:1], targets[:1])
            row[f"{number} drawn anew"] = now
            if name == "grad_cam":
                print(f"{number} drawn anew: {knows(damaged)} of {len(x)} scenes")
    stages[SHORT[name]] = row
figures.maps_without_weights(scenes[0], int(targets[0]), stages)

# %% [markdown]
# Guided backprop hits on all of the sixty scenes, and most of the order of its pixels is still there when the network guesses. Grad-CAM misses
# most of the time, and little of its map is left then. Which of the two is the better method? It depends on what one asks. (These are eight scenes and one draw of
# weights: other draws give other curves.)
#
# ## 6 · A league table
#
# Now all of them on two networks. A method that does well because of one network's habits will show it.
#
# *Guided backprop hits on every scene with `tiny_vgg`. How often with `tiny_densenet`?*

# %%
predict("guided_on_densenet", [40, 60, 80, 100], unit="%")

# %%
networks = {name: load_network(name) for name in ("tiny_vgg", "tiny_densenet")}
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    on_densenet = {
        n: make_maps(n, "tiny_densenet", networks["tiny_densenet"], x, targets)
        for n in SHORT
    }
for notice in said:
    print(f"The library says: {notice.message}")
maps_of = {"tiny_vgg": maps, "tiny_densenet": on_densenet}
table = {}
for arch, of_method in maps_of.items():
    hits = {SHORT[n]: pointing_hits(s, masks) for n, s in of_method.items()}
    hits["centre"] = pointing_hits(middle, masks)
    table[arch] = {name: (*overall(h), len(h)) for name, h in hits.items()}
reveal("guided_on_densenet", 100 * table["tiny_densenet"]["guided backprop"][0])

# %% [markdown]
# RISE and the masks of lesson 07 need hundreds of passes for each map, so they get ten scenes only, and wide intervals. A mask has no largest pixel, it is
# near 1 on all of its area. As in the published table it is smoothed first, so that it points somewhere.

# %%
slow = {arch: {} for arch in networks}
for arch, network in networks.items():
    clouds = [
        rise(network, x[i : i + 1], int(targets[i]), num_masks=100, seed=0, resize=True)
        for i in few
    ]
    slow[arch]["RISE"] = torch.cat(clouds)

# %%
# NBVAL_IGNORE_OUTPUT
for arch, network in networks.items():
    found = extremal_perturbation(
        network, x[few], targets[few], 0.1, max_iter=30, resize=True, smooth=0.09
    )
    slow[arch]["extremal masks"] = found.masks
    for name, s in slow[arch].items():
        hits = pointing_hits(s, masks[few])
        table[arch][name] = (*overall(hits), len(hits))

for arch, rows in table.items():
    print(arch)
    for name, (a, low, high, n) in sorted(rows.items(), key=lambda row: -row[1][0]):
        print(f"  {name:16} {a:.0%}   [{low:.0%}, {high:.0%}]   n = {n}")
figures.league(table)

# %% [markdown]
# Where two bars overlap much, the table does not say who is better. It is the large gaps that count, and whether they are there in both networks.
#
# ### What is a hit?
#
# On photographs the outlines are drawn by hand, as boxes. So a point there may miss by less than 15 pixels. `near(masks, 15)` are the masks widened by
# that.
#
# *Which of these gains most when such near misses count?*

# %%
predict("tolerance_helps", ["gradient", "guided backprop", "Grad-CAM"])

# %%
wide = near(masks, 15)
strict, lenient = (
    {SHORT[n]: pointing_hits(s, m).mean().item() for n, s in maps.items()}
    | {"centre": pointing_hits(middle, m).mean().item()}
    for m in (masks, wide)
)
for name in strict:
    print(f"{name:16} {strict[name]:.0%} on the object, {lenient[name]:.0%} near it")
gained = {
    name: lenient[name] - strict[name]
    for name in ("gradient", "guided backprop", "Grad-CAM")
}
reveal("tolerance_helps", max(gained, key=gained.get))

# %% [markdown]
# A cell of Grad-CAM's map is 16 pixels wide, and our objects are small. It finds the object and misses its pixels.
#
# ### Judged by what it was searched for
#
# One line of lesson 07 comes back here: a mask is searched for so that the score is high. How does it do by the deletion curve, which is also about the score?

# %%
# NBVAL_IGNORE_OUTPUT
for arch, network in networks.items():
    print(arch)
    ranked = {"guided backprop": maps_of[arch]["guided_backprop"]} | slow[arch]
    for name, s in ranked.items():
        _, area = mean_deletion(network, s)
        a = pointing_hits(s[few], masks[few]).mean()
        print(f"  {name:16} deletion {area:.3f}, hits {a:.0%}, n = {len(few)}")

# %% [markdown]
# On both networks the masks have the smallest area: they were searched for by the score, and this curve is read off the score. And on `tiny_densenet` guided backprop's
# area is nearly as small, though it misses half of these objects. What the score needs and where the object lies are different questions.
#
# ## 7 · A place where nothing can be
#
# There is a second exact truth, and it needs no outlines. Put four scenes into a grid, and let the network see *each cell by itself*
# (`DisconnectedGrid`). Then ask for the object in one cell. The other three can't have any say in that score: whatever a map puts there is the
# method's own invention. The share of the positive relevance inside the cell is the **grid pointing game**, and chance is a quarter.
#
# *How much of its map does RISE put into the cell asked for?*

# %%
predict("impossible_places", [25, 50, 75, 100], unit="%")

# %%
grids = list(scene_grids(12, seed=500))
gx = torch.cat([grid.x for grid in grids])
truths = torch.stack([grid.truth for grid in grids])
asked = torch.tensor([grid.target for grid in grids])
cells = torch.tensor([grid.asked for grid in grids])
alone = DisconnectedGrid(model)  # class c in cell k is number 8 k + c


def game(s):
    """The mean share in the cell asked for, of maps of the first grids."""
    return grid_pointing_game(None, None, None, s, truths[: len(s)]).mean().item()


in_cell = {
    SHORT[n]: make_maps(
        n, "tiny_vgg", alone, gx, 8 * cells + asked, inside="model.", resize=False
    )
    for n in ("gradient", "guided_backprop", "grad_cam")
}
clouds = torch.cat(
    [
        rise(alone, gx[i : i + 1], int(8 * cells[i] + asked[i]), num_masks=100, seed=0)
        for i in range(3)
    ]
)
for name, s in in_cell.items():
    print(f"{name:16} {game(s):.1%} in the cell, n = {len(s)}")
print(f"{'RISE':16} {game(clouds):.1%} in the cell, n = {len(clouds)}")
least = clouds - clouds.amin((2, 3), keepdim=True)
print(f"{'RISE, less its smallest value':30} {game(least):.1%}")
reveal("impossible_places", 100 * game(clouds))

shown = {name: s[:1] for name, s in in_cell.items()} | {"RISE": clouds[:1]}
figures.grid_and_maps(
    grids[0],
    CLASSES[grids[0].target],
    shown,
    {name: game(s) for name, s in shown.items()},
)

# %% [markdown]
# RISE adds up masks, and each of them covers the whole image, so there is something everywhere: its map says *more here than there*. Even
# less its smallest value most of it lies where nothing can be. In the pointing game, which asks for one place only, RISE did well.
#
# If the network sees the grid as one picture instead, the other cells may have a say. Does the map still find the cell?

# %%
for name in SHORT:
    s = make_maps(name, "tiny_vgg", model, gx, asked, resize=False)
    print(f"{SHORT[name]:16} {game(s):.0%} in the cell, n = {len(s)}")

# %% [markdown]
# ### And on photos?
#
# EfficientNet-Lite0, which was trained on photos, sees two grids of four photos, each as one picture. The class asked for is in one cell.
#
# *Which of these puts the largest share into it?*

# %%
predict("photo_cell", ["gradient", "contrastive", "Grad-CAM"])

# %%
# NBVAL_IGNORE_OUTPUT
lite = load_lite("efficientnet_lite0")
photographed = list(photo_grids(2))
truth = torch.stack([grid.truth for grid in photographed])
in_photos, shares = {}, {}
for name in ("gradient", "contrastive_excitation_backprop", "grad_cam"):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        s = [
            make_maps(name, "efficientnet_lite0", lite, g.x, g.target, resize=False)
            for g in photographed
        ]
    for notice in said:
        print(f"The library says: {notice.message}")
    in_photos[SHORT[name]] = torch.cat(s)
    share = grid_pointing_game(None, None, None, torch.cat(s), truth)
    print(f"{SHORT[name]:16} {' and '.join(f'{v:.0%}' for v in share)} in the cell")
    shares[SHORT[name]] = share
reveal("photo_cell", max(shares, key=lambda name: shares[name].mean()))
for name in photographed[0].pictures:
    print(photos()[name].credit)
figures.grid_and_maps(
    photographed[0],
    class_names(1000)[photographed[0].target],
    {name: s[:1] for name, s in in_photos.items()},
    {name: share[0].item() for name, share in shares.items()},
)

# %% [markdown]
# Two grids are two questions, and few. `course benchmark --data photo_grids` asks more of them, but all are made of the same five photos.
#
# ## 8 · Beside the published table
#
# In 2019 the authors of TorchRay published such a table for photographs (VOC 2007, VGG-16, 15 pixels of tolerance). Here are the methods that both
# tables have, in the order of their hits.
#
# *How much are the two orders alike? (The correlation of the ranks: 1 for the same order, -1 for the opposite.)*

# %%
predict("orders_agree", [-0.9, -0.5, 0, 0.5, 0.9])

# %%
theirs = {SHORT.get(name, name): published[name] for name in [*SHORT, "centre"]}
ours = {name: 100 * table["tiny_vgg"][name][0] for name in theirs}
for name in sorted(theirs, key=theirs.get, reverse=True):
    print(f"{name:16} published {theirs[name]:.1f} %, here {ours[name]:.0f} %")


def order_of(numbers):
    """A league table as a map of one row, for rank_likeness."""
    return torch.tensor([numbers[name] for name in theirs]).view(1, 1, 1, -1)


agreement = rank_likeness(order_of(theirs), order_of(ours)).item()
print(f"correlation of the ranks: {agreement:+.2f}")
reveal("orders_agree", agreement)
figures.two_orders({"VOC 2007, VGG-16 (published)": theirs, "scenes, tiny_vgg": ours})

# %% [markdown]
# The two orders have little in common, and neither is wrong. Is it chance, the network, or the photographs? Sixty scenes and two networks can't say.
#
# ### The whole league
#
# The command `course benchmark` plays the pointing game with the library's methods on five networks, on scenes that no lesson shows. It goes on where it stopped; what it
# has measured so far comes with the course. Each number has its n: few images for the methods that need hundreds of passes.
#
# Does it hold, what the table says? Take the methods that have enough scenes on each network, and look at pairs of them: is A above B? First in three thirds of one network's scenes,
# then on all five networks.
#
# *Of all pairs of methods, how many stand in one order on all five networks?*

# %%
predict("order_on_networks", [10, 45, 70, 95], unit="%")

# %%
# NBVAL_IGNORE_OUTPUT
whole = league("scenes", "pointing_game")
names = in_all(whole)
for network, lines in whole.items():
    same, pairs = alike_pairs(thirds({name: lines[name] for name in names}))
    print(f"{network:15} {same} of {pairs} pairs in one order in all thirds")
scores = {
    network: {name: lines[name].mean for name in names}
    for network, lines in whole.items()
}
same, pairs = alike_pairs(list(scores.values()))
print(f"{'all networks':15} {same} of {pairs} pairs in one order")

photographs = published_pointing()["voc2007_resnet50_all"]
there = [name for name in names if name in photographs]
print("\nBeside the photographs (VOC 2007, ResNet-50):")
for network, of_method in scores.items():
    same, of = alike_pairs(
        [{n: photographs[n] for n in there}, {n: of_method[n] for n in there}]
    )
    print(f"{network:15} {same} of {of} pairs in the published order")
reveal("order_on_networks", 100 * alike_pairs(list(scores.values()))[0] / pairs)
figures.whole_league(whole, published_pointing())

# %% [markdown]
# Other scenes of the same kind change few pairs. (By chance three orders would agree on one pair in four.) Other networks change many, though not all: by chance five would agree
# on one in sixteen. And it is not the drawings that keep us from the published order:
# `tiny_densenet` has nearly all pairs as they are there, and `tiny_vgg16` about as many as a coin would. So what differs, as far as this lesson has shown it:
#
# - **The network**, more than anything else. Guided backprop and DeConvNet go up and down with it. One network is an anecdote.
# - **What counts as a hit.** Grad-CAM is near the top of the published table, where 15 pixels of tolerance are allowed; here it needs the pixel, and its cells are
#   wide. With that tolerance it was near the object nearly always.
# - **How large the objects are.** Pointing at the centre is right most of the time on those photographs, and rarely on our scenes. A coarse map loses
#   little on a large object.
# - **How many methods.** Seven methods are few: one that changes its place moves the correlation a lot.
#
# One thing holds in both: contrastive excitation is among the better half. A method that does well in two so different worlds has some claim to be tried first in a third one.

# %% [markdown]
# ## Open task: a method of your own against the best one
#
# On `tiny_densenet`, make a map whose largest pixel lies on the object more often than that of contrastive excitation backprop. Whatever you like: combine
# maps, smooth them, ask several layers.
#
# Your function gets the network, an image `x` (1, 3, H, W) and the class `target`, and returns a map, (H, W) or (1, 1, H, W). Your score: the
# share of hits over two objects in each of twenty scenes that no lesson shows. `make_maps(name, "tiny_densenet", model, x, target)` gives you every
# method of this lesson.


# %%
def my_method(model, x, target):
    """A map for the class, (1, 1, H, W)."""
    ...  # your code here


# %%
beat("own_method", my_method)

# %% [markdown]
# ## What you learned
#
# - A hit is one pixel on the object. Ties count as their mean, so that a map which says nothing scores what chance does.
# - An accuracy needs n, an interval, and the centre's beside it.
# - A deletion curve needs no truth, and depends on what the deleted pixels become.
# - A map that stays the same when the network has forgotten everything is no explanation of what it learned, however well it points.
# - The order of methods depends on what is counted, on the images, and on the network.
#
# **To keep:** *ask of each number what would have scored high without looking.*

# %%
lesson_end("08")

# %% [markdown]
# ## Where to read on
#
# - J. Zhang and others, [*Top-down neural attention by excitation backprop*](https://arxiv.org/abs/1608.00507), ECCV 2016: the pointing game.
# - V. Petsiuk, A. Das and K. Saenko, [*RISE: randomized input sampling for explanation of black-box models*](https://arxiv.org/abs/1806.07421), BMVC 2018: insertion and
#   deletion.
# - J. Adebayo and others, [*Sanity checks for saliency maps*](https://arxiv.org/abs/1810.03292), NeurIPS 2018: weights drawn anew.
# - S. Rao, M. Böhle and B. Schiele, [*Towards better understanding attribution methods*](https://arxiv.org/abs/2205.10435), CVPR 2022: grids in which attribution is impossible.
# - R. Fong, M. Patrick and A. Vedaldi, [*Understanding deep networks via extremal perturbations and smooth masks*](https://arxiv.org/abs/1910.08485), ICCV 2019: the published
#   table.
#
# **Next:** [lesson 09](09_detective.ipynb). A network that gets the right answer for the wrong reason: what does it look at?
