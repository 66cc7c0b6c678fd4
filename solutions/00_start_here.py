# %% [markdown]
# # Start here
#
# *Lesson 00 · 15 minutes · ●○○*
#
# A neural network looks at a picture and says: *there is a star*. Where in the picture did it see one? This course builds the
# methods that answer such questions, one after another, from a few lines of code each.
#
# **After this lesson you can**
#
# - draw scenes of the small world that this course lives in, and say to the pixel what is where;
# - ask the network what it sees;
# - make a first map of where it looks, and put a number on how good that map is;
# - write an answer, have it checked, and get help.

# %% [markdown]
# ## How to work with a lesson
#
# A lesson is a notebook: text, and cells with code. Click on a cell and press **Shift + Enter** to run it; go from top to bottom.
# Cells that contain `...  # your code here` are yours to write. All the others are there to be read, run, and changed if you are
# curious.
#
# | when | do this |
# |:--|:--|
# | a cell asks what you expect | click on a guess, then go on; right or wrong, the next cell shows it beside the answer |
# | you have written an answer | run its cell, then the `check` cell under it |
# | you are stuck | run `hint("name of the exercise")`, in any cell; again for the next hint |
# | you want to see it done | run `solution("name of the exercise")` |
# | something behaves oddly | menu *Kernel*, then *Restart Kernel and Run All Cells* |
# | you want to begin again | in a terminal: `course start --fresh 00_start_here`; your old notebook is set aside, not deleted |
# | you wonder how far you are | in a terminal: `course progress` |
#
# Nothing can break. As long as an answer of yours is not right, `check` hands the course's own version on to the cells below, so
# that the pictures are always the real ones and you can read on and come back later.
#
# Run the next cell; it fetches what this lesson needs.

# %%
import torch

from course_lib import beat, check, hint, lesson_end, predict, reveal, solution
from course_lib.figures import lesson_00
from course_lib.world.networks import load_network
from course_lib.world.scenes import CLASSES, draw_scene

# %% [markdown]
# ## 1 · A small world, known exactly
#
# With photographs nobody can say for certain where a network *should* look. So this course draws its own pictures. There are eight
# kinds of object. A picture has one to three of them, never two of a kind, at any place, size and angle, in any colours.

# %%
seeds = [3, 14, 15, 20, 24, 35, 8, 4]
lesson_00.scenes([draw_scene(seed) for seed in seeds])

# %% [markdown]
# A scene is made from one whole number, its **seed**. The same number gives the same picture on every computer, so you and a friend
# can talk about "scene 45". Change the seeds in the cell above and run it again.
#
# Because the scene is drawn, the truth comes with it: `scene.masks` holds one mask per class, 1 on the object and 0 elsewhere.
#
# Scene 45 has a star and a crescent, both rather large. What share of the picture does the star cover?

# %%
predict("star_covers", [4, 10, 20, 30], unit="%")

# %%
scene = draw_scene(45)
star, crescent = CLASSES.index("star"), CLASSES.index("crescent")

print("image", scene.image.shape, "  masks", scene.masks.shape)
for index in scene.objects:
    print(f"the {CLASSES[index]} covers {scene.masks[index].mean():.1%} of the picture")

reveal("star_covers", 100 * scene.masks[star].mean())
lesson_00.scene_and_masks(scene)

# %% [markdown]
# Objects take up less of a picture than they seem to. Keep the number in mind: a map that were spread evenly over the picture would have
# only that much of itself on the star.

# %% [markdown]
# ## 2 · A network that answers
#
# The network is a small convolutional one, trained on scenes that you will not meet in the lessons. It takes a batch of pictures,
# shape `(N, 3, 96, 96)` with values from 0 to 1, and gives eight numbers for each, one per class: the **scores**. A score above 0
# means "yes, that is in the picture"; the higher, the surer.
#
# The next cell asks for the scores of scene 45 and draws them as bars, to the right where they are above 0. How many of the eight bars will
# point to the right?

# %%
predict("bars", [1, 2, 3, 8])

# %%
model = load_network("tiny_vgg")
x = scene.x
scores = model(x)[0]

reveal("bars", (scores > 0).sum())
lesson_00.bars(scores)

# %% [markdown]
# Each class is asked for on its own, so two objects get two times yes. And not only here:

# %%
many = [draw_scene(seed) for seed in range(200)]
with torch.no_grad():
    answers = torch.cat([model(one.x) for one in many]) > 0
truth = torch.stack([torch.from_numpy(one.labels) for one in many]) > 0
print(f"{(answers == truth).sum()} of {truth.numel()} answers are right")

# %% [markdown]
# ## 3 · Where did it look? A first, crude answer
#
# Cover a part of the picture with a grey square and see what happens to the score. If the score of *star* falls, the network needed
# what is under the square.
#
# What will the score of *star* do when the *crescent* is covered?

# %%
predict("crescent_covered", ["it falls", "it hardly changes", "it rises"])


# %%
def cover(x, row, column, size=14):
    """The image with a grey square whose upper left corner is at (row, column)."""
    x = x.clone()
    x[:, :, row : row + size, column : column + size] = 0.5
    return x


covered = {
    "nothing": x,
    "the star": cover(x, 14, 14),
    "the crescent": cover(x, 62, 40),
    "the ground": cover(x, 10, 70),
}
of_star = {what: model(picture)[0, star].item() for what, picture in covered.items()}

rise = of_star["the crescent"] - of_star["nothing"]
reveal(
    "crescent_covered",
    "it rises" if rise > 1 else "it falls" if rise < -1 else "it hardly changes",
)
lesson_00.covered(covered, of_star)

# %% [markdown]
# Covering the star costs it most of its score. Covering the *crescent* raises the score of star by far.
#
# Why? Is it that the crescent is gone? Is it the square, wherever it lies? Or is it what the square leaves of the crescent? The next cell tries
# each of the three alone, by painting places over in the ground's mean colour. Which of them raises the score of star most?

# %%
predict("what_raises", ["no crescent", "only the square", "a cut crescent"])


# %%
def paint_over(x, where):
    """The image with the mean colour of the ground where a (96, 96) mask is 1."""
    ground = 1 - torch.from_numpy(scene.masks).amax(0)
    colour = (x * ground).sum((2, 3), keepdim=True) / ground.sum()
    return x * (1 - where) + colour * where


# two pixels more on each side, so that no rim stays
whole_crescent = torch.nn.functional.max_pool2d(
    torch.from_numpy(scene.masks[crescent])[None], 5, 1, 2
)[0]
square = torch.zeros(96, 96)
square[62:76, 40:54] = 1
without = paint_over(x, whole_crescent)
tries = {
    "no crescent": without,
    "only the square": cover(without, 62, 40),
    "a cut crescent": paint_over(x, square),
}
of_star = {what: model(picture)[0, star].item() for what, picture in tries.items()}

reveal("what_raises", max(of_star, key=of_star.get))
lesson_00.three_changes(tries, of_star)

# %% [markdown]
# Taking the crescent away changes nothing, and the square alone does little. What raises the score are the pointed *pieces of crescent* that the
# square leaves. Covering takes something away, and makes a new picture at the same time. Keep that in mind when you read such maps.
#
# Now cover every place. Each pixel gets the average fall of the score over all the squares that covered it, or 0 if it rose. The result
# is a **map**: high where the network looked. This way of making one is called *occlusion*.


# %%
@torch.no_grad()
def occlusion(model, x, target, size=14, step=6):
    """How much the score falls when the surroundings of a pixel are covered.

    A (96, 96) map, 0 or more.
    """
    places = range(0, x.shape[-1] - size + 1, step)
    corners = [(row, column) for row in places for column in places]
    covered = torch.cat([cover(x, row, column, size) for row, column in corners])
    falls = model(x)[0, target] - torch.cat(
        [model(part)[:, target] for part in covered.split(16)]
    )
    total, times = torch.zeros(2, *x.shape[-2:])
    for (row, column), fall in zip(corners, falls):
        total[row : row + size, column : column + size] += fall
        times[row : row + size, column : column + size] += 1
    return (total / times.clamp(min=1)).clamp(min=0)


maps = {name: occlusion(model, x, CLASSES.index(name)) for name in scene.names}
lesson_00.occlusion_maps(scene, maps)

# %% [markdown]
# ## 4 · How good is a map?  *(5 min, ●○○)*
#
# The map of *star* looks right. How right? Think of the map as sand spread over the picture: how much of all the sand lies on the
# object? Here is a map of nine pixels, and a mask:

# %%
small_map = torch.tensor([[0.0, 1.0, 0.0], [2.0, 5.0, 1.0], [0.0, 1.0, 0.0]])
small_mask = torch.tensor([[0.0, 0.0, 0.0], [0.0, 1.0, 1.0], [0.0, 1.0, 1.0]])
lesson_00.share_of_nine(small_map, small_mask)

# %% [markdown]
# With $s_u$ for the value of the map at pixel $u$, and $m_u$ for the mask:
#
# $$\text{share} = \frac{\sum_u s_u\, m_u}{\sum_u s_u}$$
#
# **Write `share_on_object(s, mask)`.** Both are tensors of shape `(H, W)`; `s` is 0 or more, `mask` is between 0 and 1. Return one
# number between 0 and 1.
#
# To see what a check looks like when an answer is not right, leave the division out in your first try.


# %%
def share_on_object(s, mask):
    """The share of the map s that lies on the object: a number from 0 to 1.

    The map s and the mask have shape (H, W).
    """
    ### BEGIN SOLUTION
    return (s * mask).sum() / s.sum()
    ### END SOLUTION


# %%
share_on_object = check("share_on_object", share_on_object)

# %% [markdown]
# The card says what is right or wrong, and where. If you are stuck, this cell gives a hint; run it again for the next one.

# %%
hint("share_on_object")

# %% [markdown]
# Now use your function on the occlusion maps.
#
# The star covers a few per cent of the picture. How much of its map lies on it?

# %%
predict("star_share", [10, 30, 50, 70, 90], unit="%")

# %%
masks = {name: torch.from_numpy(scene.masks[CLASSES.index(name)]) for name in maps}

print("share of the map   on the star   on the crescent")
for what, s in {**maps, "spread evenly": torch.ones(96, 96)}.items():
    on_star, on_crescent = (share_on_object(s, masks[name]) for name in masks)
    print(f"{what:<18} {on_star:>11.0%}   {on_crescent:>15.0%}")

reveal("star_share", 100 * share_on_object(maps["star"], masks["star"]))

# %% [markdown]
# The maps tell the two objects apart, but much of each lies beside its object. A square of 14 pixels changes the score already when its corner
# touches the object, and all of its pixels get a part of the fall.
#
# Which size of square, 14, 10 or 7 pixels, makes the map with the largest share on the star?

# %%
predict("square_size", [14, 10, 7], unit="pixels")

# %%
print("size of the square   share on the star   largest value of the map")
shares = {}
for size in (14, 10, 7):
    smaller = occlusion(model, x, star, size)
    shares[size] = share_on_object(smaller, masks["star"])
    print(f"{size:18} {shares[size]:19.0%} {smaller.max():26.1f}")
reveal("square_size", max(shares, key=shares.get))

# %% [markdown]
# A little better. Even so, more than four tenths of the map lie beside the star.

# %% [markdown]
# ## Open task: make the network see what is not there
#
# In 200 scenes the network made not one mistake. But a grey square makes a new picture, and a cut crescent looked to it like more of a star.
# How far can you get with that?
#
# **Choose a scene and a place for one square of 14 pixels**, such that the network says *yes* to a class that is not in the scene. Your score is
# the highest score of an absent class. The number to beat is the highest that the square reaches in scene 45, at the 196 places of the occlusion
# map. There are no points, and no right answer; `beat` keeps your best.
#
# To look for a good place, change the next cell as you like. `cover(draw_scene(seed).x, row, column)` makes the picture, and `scene.labels` is 1
# for the classes that are there. Inside `with torch.no_grad():` the network is faster.

# %%
false_alarm = None  # (seed, row, column): your answer here

# %%
beat("false_alarm", false_alarm)

# %% [markdown]
# ## What you learned
#
# - A scene comes from a seed, and its masks say to the pixel what is where.
# - The network gives one score per class; above 0 means yes.
# - A map says where the network looked, for *one class*. Occlusion makes one by covering: it needs one run of the network for each
#   place of the square, and it depends on the size and the colour of the square.
# - "It looks right" can be a number: the share of the map that lies on the object.
#
# **To keep:** if you want to know what matters, take it away and see what changes.

# %%
lesson_end("00")

# %% [markdown]
# ## Where to read on
#
# - Zeiler and Fergus, [*Visualizing and Understanding Convolutional Networks*](https://arxiv.org/abs/1311.2901) (ECCV 2014), figure 7: early
#   occlusion maps.
# - Petsiuk, Das and Saenko, [*RISE*](https://arxiv.org/abs/1806.07421) (BMVC 2018): occlusion with random masks, your lesson 06.
#
# **Next:** [lesson 01](01_gradients.ipynb). Each of these maps took about two hundred runs of the network. One backward pass asks about every
# pixel at once.
