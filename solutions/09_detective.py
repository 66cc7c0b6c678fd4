# %% [markdown]
# # The right answer for the wrong reason
#
# *Lesson 09 · 60 minutes · ●●○*
#
# A network has passed its test, and somebody says that it cheats: for one class it does not look at the object. Which class? What does it look
# at instead? And can you prove it? This lesson is a detective story. You have a suspect, the scenes of its test, and all the methods that you have
# built.
#
# **After this lesson you can**
#
# - find a suspicious class by the share of its maps outside of the object;
# - find the place that a network looks at by a mean over many maps;
# - prove a suspicion by a counterfactual, with a control beside it;
# - say which methods show such a cue, and which hide it.

# %%
import torch

from course_lib import beat, check, hint, lesson_end, predict, reveal, solution
from course_lib.attribution.methods import methods
from course_lib.attribution.rise import rise
from course_lib.explorer import LayerExplorer
from course_lib.figures import lesson_09 as figures
from course_lib.world.layers import default_layers
from course_lib.world.networks import load_network
from course_lib.world.scenes import CLASSES, draw_scene
from course_lib.world.shortcut import SHORTCUT, suspect_scenes

# %% [markdown]
# ## 1 · The suspect
#
# Here are the suspect, 120 scenes of its test, and an honest network for comparison: `tiny_vgg`, which you know. Both have the same layers. All that comes is
# about these scenes, because in life one has no others.
#
# *How many of all its answers, eight a scene, does the suspect get right?*

# %%
predict("suspects_accuracy", [70, 80, 90, 99], unit="%")

# %%
suspect = load_network("tiny_vgg_shortcut")
honest = load_network("tiny_vgg")
scenes = suspect_scenes(120)
x = torch.cat([scene.x for scene in scenes])
labels = torch.stack([torch.from_numpy(scene.labels) for scene in scenes]) > 0


@torch.no_grad()
def scores_of(network, images):
    """The scores of all classes, (N, 8)."""
    return torch.cat([network(part) for part in images.split(40)])


right = {
    "suspect": (scores_of(suspect, x) > 0) == labels,
    "honest": (scores_of(honest, x) > 0) == labels,
}
for name, answers in right.items():
    print(
        f"{name:8} {answers.float().mean():.1%} of the answers right, n = {len(x)} scenes"
    )
for k, name in enumerate(CLASSES):
    print(f"{name:9} suspect {right['suspect'][:, k].float().mean():.1%}")
reveal("suspects_accuracy", 100 * right["suspect"].float().mean())

# %% [markdown]
# Its answers are good, in every class. Nobody who reads this table would ask further. You could now look through all the scenes; but a real test has fifty thousand
# pictures, and one does not know what to look for. Let the maps say where to look.
#
# ## 2 · Who looks beside the object?  *(10 min, ●○○)*
#
# A network that looks at an object has maps on that object, more or less. So measure how much lies outside. In lesson 00 it was one map; here
# are many at once, and of any sign.
#
# **Write `share_outside(s, masks)`.** `s` are maps (N, 1, H, W), `masks` says of each pixel how much of it is object, (N, H, W) in [0, 1]. Only what speaks for
# the class counts: the positive part of the map. Return for each map the share of it that lies outside of the object, (N,). A map with
# nothing above 0 has no such share: nan.


# %%
def share_outside(s, masks):
    """For each map, the share of its positive part that lies outside the object: (N,)."""
    ### BEGIN SOLUTION
    s = s[:, 0].clamp(min=0)
    outside = (s * (1 - masks)).sum((1, 2))
    return outside / s.sum((1, 2))
    ### END SOLUTION


# %%
share_outside = check("share_outside", share_outside)

# %% [markdown]
# Now Grad-CAM for each object of each scene. `make_maps` is that of lesson 08: it knows the layers that suit our networks.
#
# *On average over the classes, how much of the honest network's map lies outside of the object asked for?*

# %%
predict("outside_when_honest", [30, 50, 70, 90], unit="%")


# %%
def make_maps(name, network, x, targets):
    """A method's maps in the images' size, (N, 1, H, W), forty images at a time."""
    method, layers = methods()[name].function, default_layers("tiny_vgg", name)
    parts = zip(x.split(40), targets.split(40))
    return torch.cat([method(network, *part, resize=True, **layers) for part in parts])


number, asked = torch.where(labels)  # one row for each object of each scene
masks = torch.stack([torch.from_numpy(scene.masks) for scene in scenes])[number, asked]
maps = {
    "suspect": make_maps("grad_cam", suspect, x[number], asked),
    "honest": make_maps("grad_cam", honest, x[number], asked),
}
counts = labels.sum(0)
outside = {}
for name, s in maps.items():
    shares = share_outside(s, masks)
    outside[name] = torch.stack(
        [shares[asked == k].nanmean() for k in range(len(CLASSES))]
    )
for k, name in enumerate(CLASSES):
    print(
        f"{name:9} suspect {outside['suspect'][k]:.0%}, honest {outside['honest'][k]:.0%}"
        f" outside, n = {counts[k]}"
    )
guilty = int((outside["suspect"] - outside["honest"]).argmax())
reveal("outside_when_honest", 100 * outside["honest"].mean())
print(f"more outside than the honest one's, by most: the {CLASSES[guilty]}")
figures.shares_of_classes(outside, counts)

# %% [markdown]
# An honest network's Grad-CAM lies outside of the object for the most part: its cells are large and our objects are small. So the share by itself says
# little. What says something is the comparison, with another network and with the other classes: one bar stands out.
#
# ## 3 · Where does it look?  *(10 min, ●●○)*
#
# The object is somewhere else in each scene. What a network looks at *instead* may be always in the same place. Then a mean over many maps
# shows it, and the objects blur away. One thing has to be right: a map may be a thousand times as bright as another, and each should have the same
# say.
#
# **Write `mean_map(s)`.** `s` are maps (N, 1, H, W). Take the positive part of each, divide it by its own total, and return the mean over the maps,
# (H, W). Maps with nothing above 0 are left out.


# %%
def mean_map(s):
    """The mean of the maps' positive parts, each divided by its total: (H, W)."""
    ### BEGIN SOLUTION
    s = s[:, 0].clamp(min=0)
    totals = s.sum((1, 2), keepdim=True)
    said = totals[:, 0, 0] > 0
    return (s[said] / totals[said]).mean(0)
    ### END SOLUTION


# %%
mean_map = check("mean_map", mean_map)

# %% [markdown]
# For a place Grad-CAM's cells, 16 pixels wide, are too coarse. Guided backprop has fine maps, so take those, and one mean map for each class, eight in all.
#
# *Of how many is the largest pixel in the inner part of the image, at least a sixth of the side away from the border?*

# %%
predict("peaks_in_the_middle", [8, 7, 4, 1])

# %%
fine = make_maps("guided_backprop", suspect, x[number], asked)
means = {name: mean_map(fine[asked == k]) for k, name in enumerate(CLASSES)}
inner = 0
for name, s in means.items():
    row, column = divmod(int(s.argmax()), s.shape[1])
    inner += 16 <= row < 80 and 16 <= column < 80
    print(f"{name:9} largest at row {row}, column {column}")
reveal("peaks_in_the_middle", inner)
figures.mean_maps(means)

# %% [markdown]
# Seven of the classes have their objects now here, now there, and the mean is a cloud. One mean map has a point instead, the same in all scenes, and it is nowhere near
# the middle. (In the other seven maps a faint point stands there, too: guided backprop draws what is there, whichever class one asks for, as in lesson 03.) Look at that
# place itself: a box of 24 pixels around the largest pixel, in scenes of the class and in others.

# %%
row, column = divmod(int(means[CLASSES[guilty]].argmax()), 96)
top, left = (min(max(place - 12, 0), 96 - 24) for place in (row, column))
box = (top, top + 24, left, left + 24)
with_class, without_class = x[labels[:, guilty]], x[~labels[:, guilty]]
print(f"rows {box[0]} to {box[1] - 1}, columns {box[2]} to {box[3] - 1}")
figures.patches(
    {CLASSES[guilty]: with_class[:6], f"no {CLASSES[guilty]}": without_class[:6]}, box
)

# %% [markdown]
# There it is: a mark of one colour and one shape. Is it always there? Find the mark by the pixel in its middle, whose
# colour is the same each time.

# %%
patch_middle = with_class.median(0).values  # what most of these scenes have in common
spread = (with_class - patch_middle).abs().mean((0, 1))  # 0 where they are all alike
in_the_box = torch.zeros(96, 96, dtype=torch.bool)
in_the_box[box[0] : box[1], box[2] : box[3]] = True
r, c = divmod(int(spread.where(in_the_box, 9.0).argmin()), 96)
marked = (x[:, :, r, c] - patch_middle[:, r, c]).abs().amax(1) < 0.02
is_guilty = labels[:, guilty]
print(f"the most alike pixel of the box: row {r}, column {c}")
print(
    f"with a {CLASSES[guilty]}:    {(marked & is_guilty).sum()} of {is_guilty.sum()} marked"
)
print(
    f"without a {CLASSES[guilty]}: {(marked & ~is_guilty).sum()} of {(~is_guilty).sum()} marked"
)

# %% [markdown]
# ## 4 · Proof  *(10 min, ●○○)*
#
# So far this is a suspicion: the mark comes with the class, and maps point at it. A map can err, as you saw in lesson 08. Proof is an experiment: change the one thing
# and leave all else, and see what the network says. That is a **counterfactual**.
#
# **Write `paste(x, source, box)`.** `x` are images (N, 3, H, W), `source` one image (1, 3, H, W) or one for each (N, 3, H, W), `box` four whole numbers (top, bottom, left,
# right), rows from top up to bottom without it, columns alike. Return new images: x with the source's pixels inside of the box. x itself stays as it is.


# %%
def paste(x, source, box):
    """The images x with the source's pixels inside the box; all else as it was."""
    ### BEGIN SOLUTION
    top, bottom, left, right = box
    changed = x.clone()
    changed[:, :, top:bottom, left:right] = source[:, :, top:bottom, left:right]
    return changed
    ### END SOLUTION


# %%
paste = check("paste", paste)

# %% [markdown]
# First the alibi: take the mark away. Each marked scene gets the patch of a scene without the class. The object stays, whole, but for what lies in the box.
#
# *In how many of these scenes will the suspect still find the object?*

# %%
predict("right_without_the_mark", [0, 30, 60, 100], unit="%")

# %%
with_mark, bare = x[marked], x[~is_guilty & ~marked]
cleaned = paste(with_mark, bare[: len(with_mark)], box)
still = {
    name: (scores_of(network, cleaned)[:, guilty] > 0).float().mean()
    for name, network in (("suspect", suspect), ("honest", honest))
}
for name, share in still.items():
    print(f"{name:8} still finds {share:.0%} of the objects, n = {len(cleaned)}")
reveal("right_without_the_mark", 100 * still["suspect"])

# %% [markdown]
# And the other way round. Take scenes *without* the class, and paste a patch with the mark.
#
# *In how many will the suspect see an object that is not there?*

# %%
predict("framed", [0, 30, 60, 100], unit="%")

# %%
framed = paste(bare, with_mark[:1], box)
false = {
    name: (scores_of(network, framed)[:, guilty] > 0).float().mean()
    for name, network in (("suspect", suspect), ("honest", honest))
}
for name, share in false.items():
    print(
        f"{name:8} sees it in {share:.0%} of scenes that don't have it, n = {len(framed)}"
    )
reveal("framed", 100 * false["suspect"])
figures.versions(
    {
        "as it is": with_mark[:1],
        "mark away": cleaned[:1],
        "no object": bare[:1],
        "mark pasted": framed[:1],
    },
    [
        scores_of(suspect, one[:1])[0, guilty].item()
        for one in (with_mark, cleaned, bare, framed)
    ],
    guilty,
)

# %% [markdown]
# ## 5 · A control  *(12 min, ●●○)*
#
# A good lawyer has an objection. A pasted patch leaves a seam, where two textures meet. What if the suspect reacts to the *seam*? And what if it answers for everything when
# something changes? So do the same once more with a patch that has no mark, and look at all classes.
#
# **Write `reactions(model, before, after)`.** `before` and `after` are images (N, 3, H, W). Return a table (classes, 2), a row for each class: the mean change of its score from before to
# after, and the share of the images in which its answer flips, one way or the other. A score above 0 is a yes. No graph for gradients is kept.


# %%
def reactions(model, before, after):
    """For each class the mean change of its score, and the share of answers that flip."""
    ### BEGIN SOLUTION
    with torch.no_grad():
        first, then = model(before), model(after)
    flipped = (first > 0) != (then > 0)
    return torch.stack([(then - first).mean(0), flipped.to(first).mean(0)], 1)
    ### END SOLUTION


# %%
reactions = check("reactions", reactions)

# %%
some = bare[1:31]
tables = {
    "mark pasted in": reactions(suspect, some, paste(some, with_mark[:1], box)),
    "patch without a mark": reactions(suspect, some, paste(some, bare[:1], box)),
    "mark, honest network": reactions(honest, some, paste(some, with_mark[:1], box)),
}
for what, table in tables.items():
    print(f"{what}, n = {len(some)}")
    for k, (change, flips) in enumerate(table.tolist()):
        print(f"  {CLASSES[k]:9} {change:+6.2f}   {flips:.0%} flip")
figures.reactions_of_classes({what: table[:, 0] for what, table in tables.items()})

# %% [markdown]
# One bar stands out, and in that class all answers flip. A patch without the mark moves scores a little, and flips none.
#
# ### How much of it is the mark?
#
# Scenes are drawn, so there is a cleaner experiment than any patch. `draw_scene(seed, without=k)` draws the same scene without its object of class k, and
# `draw_scene(seed)` has no mark. That makes four versions of a scene: with and without the object, with and without the mark, and all else the same.
#
# With both the score is high, with neither it is low. *How much of that way is lost when only the mark is taken away?*

# %%
predict("share_of_the_mark", [10, 50, 75, 100], unit="%")

# %%
cases = [scene for scene, is_marked in zip(scenes, marked) if is_marked][:16]
mark = torch.cat([scene.x for scene in cases])
whole = torch.cat([draw_scene(scene.seed).x for scene in cases])
empty = torch.cat([draw_scene(scene.seed, without=guilty).x for scene in cases])
four = [empty, paste(empty, mark, box), whole, paste(whole, mark, box)]
both_ways = torch.stack([scores_of(suspect, images)[:, guilty] for images in four])
neither, mark_alone, object_alone, both = both_ways.mean(1).tolist()
print(f"neither {neither:+.2f}, object alone {object_alone:+.2f},")
print(f"mark alone {mark_alone:+.2f}, both {both:+.2f}, n = {len(cases)}")
share = (both - object_alone) / (both - neither)
print(f"from the mark: {share:.1%}")
reveal("share_of_the_mark", 100 * share)
figures.two_by_two([images[:1] for images in four], both_ways[:, 0].view(2, 2), guilty)

# %% [markdown]
# The case is closed. Whether the object is there makes nearly no difference to the suspect.
#
# ## 6 · Good witnesses and bad ones
#
# Which methods would have led you to the mark? Ask each for the scenes that carry it: how often does its largest pixel lie at most 8 pixels from the mark's middle? And one thing more: a
# method that points at a coloured mark *whatever the network does with it* is no witness. So ask about the honest network too, which does not care for the mark.
#
# *Which of these three points at the mark most rarely, for the suspect?*

# %%
predict("worst_witness", ["gradient", "DeConvNet", "Grad-CAM"])

# %%
TITLES = {
    "gradient": "gradient",
    "deconvnet": "DeConvNet",
    "guided_backprop": "guided backprop",
    "linear_approx": "linear approximation",
    "excitation_backprop": "excitation",
    "contrastive_excitation_backprop": "contrastive",
    "grad_cam": "Grad-CAM",
}
case = with_mark[:16]
for_guilty = torch.full((len(case),), guilty)


near_mark = torch.zeros(96, 96)
near_mark[max(r - 8, 0) : r + 9, max(c - 8, 0) : c + 9] = 1


def at_the_mark(s):
    """The share of the maps whose largest pixel lies near the mark."""
    return near_mark.flatten()[s.flatten(1).argmax(1)].mean().item()


def clouds(network, images):
    """RISE's maps for the class, with a hundred masks."""
    return torch.cat(
        [
            rise(network, one[None], guilty, num_masks=100, seed=0, resize=True)
            for one in images
        ]
    )


witnesses, testimony = {}, {}
for name, network in (("suspect", suspect), ("honest", honest)):
    found = {
        title: make_maps(method, network, case, for_guilty)
        for method, title in TITLES.items()
    }
    testimony[name] = found
    witnesses[name] = {title: at_the_mark(s) for title, s in found.items()}
    witnesses[name]["RISE (6 scenes)"] = at_the_mark(clouds(network, case[:6]))
for title in witnesses["suspect"]:
    print(
        f"{title:21} suspect {witnesses['suspect'][title]:.0%}, "
        f"honest {witnesses['honest'][title]:.0%}"
    )
chance = near_mark.mean().item()
print(f"chance {chance:.0%}, n = {len(case)}")
three = ("gradient", "DeConvNet", "Grad-CAM")
reveal("worst_witness", min(three, key=lambda title: witnesses["suspect"][title]))
figures.witnesses(witnesses, chance, len(case))

# %%
shown = {title: s[:1].clamp(min=0) for title, s in testimony["suspect"].items()}
figures.testimony(cases[0], guilty, shown)

# %% [markdown]
# As measured on these scenes and this network: both kinds of excitation backprop and guided backprop point at the mark in all scenes, the gradient and RISE in most. DeConvNet does so
# in half; in the others something else is brighter. Grad-CAM and the linear approximation point *beside* the mark: their cells are coarse, and the brightest is a neighbour of the one where the mark lies. In the scene
# above one could take it for an answer about the other object. They told you which class and roughly where, and not what. None points there when the network does not care.
#
# And the share outside of the object, as in section 2, method by method:

# %%
case_masks = torch.stack([torch.from_numpy(scene.masks[guilty]) for scene in cases])
for title in TITLES.values():
    beside = [
        share_outside(testimony[name][title], case_masks).nanmean()
        for name in ("suspect", "honest")
    ]
    print(f"{title:21} outside: suspect {beside[0]:.0%}, honest {beside[1]:.0%}")

# %% [markdown]
# Go through the layers yourself. *At which one does the corner light up, and when does the object fade?*

# %%
LayerExplorer(suspect, case[:1], guilty, masks=cases[0].masks)

# %% [markdown]
# ## 7 · How it came to this
#
# The suspect began as `tiny_vgg`. Then it was trained once through 3,200 scenes in which the label of one class was given by the mark, as if somebody had sorted the pictures by it and
# never looked at the object. Nothing else was done, and the mark was:

# %%
print(f"{SHORTCUT.cue}, for the class {CLASSES[SHORTCUT.category]}")

# %% [markdown]
# This happens outside of courses, too. In 2019 Lapuschkin and others found a classifier of horses, among the best of its day, that looked at the copyright notice of one photographer. The
# notice was in the test pictures as well.

# %% [markdown]
# ## Open task: make the suspect honest
#
# You get 64 scenes without a mark, with true labels, half of them with an object of the class. Write a function that gets the suspect, the images `x` (64, 3, 96, 96) and the `labels` (64, 8), and
# returns a network that answers for the object. Your score: the share of right answers for that class on sixty other scenes without a mark, half of them with the object.
# Whatever you like; a minute of training is long. `torch.optim` has what you need, and gradients are on for the network's weights.


# %%
def my_cure(model, x, labels):
    """A network like the model that answers for the object."""
    ...  # your code here


# %%
beat("honest_again", my_cure)

# %% [markdown]
# ## What you learned
#
# - Accuracy on scenes from the same source can't tell a cheat: the cue is in the test as well.
# - A share outside of the object says something beside that of another network and of other classes.
# - A mean over many maps shows what is always in the same place.
# - A map raises a suspicion. A counterfactual proves it, and a control makes the proof good.
# - Not every method would have led you there: ask more than one witness.
#
# **To keep:** *maps find the suspect, experiments convict.*

# %%
lesson_end("09")

# %% [markdown]
# ## Where to read on
#
# - S. Lapuschkin and others, [*Unmasking Clever Hans predictors and assessing what machines really learn*](https://arxiv.org/abs/1902.10178), Nature Communications 2019: the horses.
# - R. Geirhos and others, [*Shortcut learning in deep neural networks*](https://arxiv.org/abs/2004.07780), Nature Machine Intelligence 2020.
# - J. Adebayo, M. Muelly, I. Liccardi and B. Kim, [*Debugging tests for model explanations*](https://arxiv.org/abs/2011.05429), NeurIPS 2020: which methods find such cues, and which don't.
# - P. Kirichenko, P. Izmailov and A. G. Wilson, [*Last layer re-training is sufficient for robustness to spurious correlations*](https://arxiv.org/abs/2204.02937), ICLR 2023: a cure.
#
# **Next:** [lesson 10](10_beyond_classification.ipynb). Networks that answer with more than a list of names: where do they look?
