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

from course_lib import check, hint, solution
from course_lib.figures.plotting import Panel, gallery, show, subplots
from course_lib.world.networks import load_network
from course_lib.world.scenes import CLASSES, draw_scene

# %% [markdown]
# ## 1 · A small world, known exactly
#
# With photographs nobody can say for certain where a network *should* look. So this course draws its own pictures. There are eight
# kinds of object. A picture has one to three of them, never two of a kind, at any place, size and angle, in any colours.

# %%
seeds = [3, 14, 15, 20, 24, 35, 8, 4]
scenes = [draw_scene(seed) for seed in seeds]
panels = [Panel("image", scene.image, ", ".join(scene.names)) for scene in scenes]
gallery(
    [panels[:4], panels[4:]],
    caption=(
        "Eight scenes. Colour and texture say nothing about the kind of object; only "
        "the shape does."
    ),
    alt=(
        "Eight small pictures, each with one to three coloured shapes such as a star, "
        "a ring or a heart on a textured ground."
    ),
)

# %% [markdown]
# A scene is made from one whole number, its **seed**. The same number gives the same picture on every computer, so you and a friend
# can talk about "scene 45". Change the seeds in the cell above and run it again.
#
# Because the scene is drawn, the truth comes with it: `scene.masks` holds one mask per class, 1 on the object and 0 elsewhere.
#
# *Before you run the next cell: scene 45 has a star and a crescent, both rather large. What share of the picture does the star
# cover? Write a guess down.*

# %%
scene = draw_scene(45)
star, crescent = CLASSES.index("star"), CLASSES.index("crescent")

print("image", scene.image.shape, "  masks", scene.masks.shape)
for name in scene.names:
    print(
        f"the {name} covers {scene.masks[CLASSES.index(name)].mean():.0%} of the "
        "picture"
    )

gallery(
    [
        [
            Panel("image", scene.image, "scene 45"),
            Panel("image", scene.image, "with outlines", outlines=scene.masks),
            Panel("heat", scene.masks[star], "mask of the star"),
            Panel("heat", scene.masks[crescent], "mask of the crescent"),
        ]
    ],
    caption=(
        "The truth to the pixel. From now on the exact outlines are drawn over every "
        "map."
    ),
    alt=(
        "A star and a crescent on a dark ground, the same with thin outlines, and two "
        "black pictures in which only the star or only the crescent is lit."
    ),
)

# %% [markdown]
# Most people guess far too much. Keep the number in mind: a map that were spread evenly over the picture would have only that much of
# itself on the star.

# %% [markdown]
# ## 2 · A network that answers
#
# The network is a small convolutional one, trained on scenes that you will not meet in the lessons. It takes a batch of pictures,
# shape `(N, 3, 96, 96)` with values from 0 to 1, and gives eight numbers for each, one per class: the **scores**. A score above 0
# means "yes, that is in the picture"; the higher, the surer.
#
# *Before you run it: how many of the eight bars will point to the right?*

# %%
model = load_network("tiny_vgg")
x = scene.x
scores = model(x)[0]

fig, ax = subplots(width=6.4, height=3.2)
colours = ["#0072B2" if score > 0 else "#B8B8B8" for score in scores]
ax.barh(CLASSES, scores, color=colours)
ax.axvline(0, color="#1a1a1a", linewidth=1)
ax.invert_yaxis()
ax.set_xlabel("score")
show(
    fig,
    caption="The scores of scene 45. Above 0 means yes.",
    alt=(
        "Horizontal bars, one per class, each to the left or to the right of a line "
        "at 0."
    ),
)

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
# *Before you run it: what will the score of star do when the crescent is covered?*


# %%
def cover(x, row, column, size=14):
    """The image with a grey square whose upper left corner is at (row, column)."""
    x = x.clone()
    x[:, :, row : row + size, column : column + size] = 0.5
    return x


panels = []
for row, column, place in [(14, 14, "star"), (62, 40, "crescent"), (10, 70, "ground")]:
    covered = cover(x, row, column)
    panels.append(Panel("image", covered, f"{place}: {model(covered)[0, star]:.1f}"))
gallery(
    [[Panel("image", x, f"nothing: {scores[star]:.1f}"), *panels]],
    caption="What is covered, and the score of star.",
    alt=(
        "The scene four times: as it is, and with a grey square on the star, on the "
        "crescent and on the empty ground, each with its score."
    ),
)

# %% [markdown]
# Covering the star costs it most of its score. Covering the *crescent* raises the score of star by far, which few would have guessed.
# Why? Is it the square, is it that the crescent is gone, or is it what the square leaves of the crescent? Try them one by one, by painting
# places over in the ground's mean colour.


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
gallery(
    [
        [
            Panel("image", tried, f"{what}: {model(tried)[0, star]:.1f}")
            for what, tried in tries.items()
        ]
    ],
    caption="Three changes of the picture, and the score of star.",
    alt=(
        "The scene without its crescent, the same with a grey square in its place, "
        "and with a crescent of which a square piece is missing, each with its score."
    ),
)

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
gallery(
    [
        [
            Panel("image", x, "scene 45", outlines=scene.masks),
            Panel("heat", maps["star"], "for star", outlines=scene.masks, focus=star),
            Panel(
                "heat",
                maps["crescent"],
                "for crescent",
                outlines=scene.masks,
                focus=crescent,
            ),
        ]
    ],
    caption=(
        "Occlusion maps for two classes. The outline of the class that was asked for "
        "is solid, the other one dotted."
    ),
    alt=(
        "The scene and two maps: bright on the star when star was asked for, bright on "
        "the crescent when crescent was asked for."
    ),
)

# %% [markdown]
# ## 4 · How good is a map?  *(5 min, ●○○)*
#
# The map of *star* looks right. How right? Think of the map as sand spread over the picture: how much of all the sand lies on the
# object? Here is a map of nine pixels, and a mask:

# %%
small_map = torch.tensor([[0.0, 1.0, 0.0], [2.0, 5.0, 1.0], [0.0, 1.0, 0.0]])
small_mask = torch.tensor([[0.0, 0.0, 0.0], [0.0, 1.0, 1.0], [0.0, 1.0, 1.0]])
gallery(
    [
        [
            Panel("numbers", small_map, "map s"),
            Panel("numbers", small_mask, "mask m"),
            Panel("numbers", small_map * small_mask, "s · m"),
        ]
    ],
    column_width=1.6,
    caption="Of 10 grains in the map, 5 + 1 + 1 = 7 lie on the object: a share of 0.7.",
    alt=(
        "Three grids of three by three numbers: a map with 5 in the middle that sums "
        "to 10, a mask with a square of four ones, and their product, which sums to 7."
    ),
)

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
# *Before you run it: the star covers a few per cent of the picture. How much of its map lies on it? And how much of the star's map
# lies on the crescent?*

# %%
print("share of the map          on the star   on the crescent")
for asked in scene.names:
    shares = [
        share_on_object(maps[asked], torch.from_numpy(scene.masks[i]))
        for i in (star, crescent)
    ]
    print(f"of {asked:<22} {shares[0]:>11.0%}   {shares[1]:>15.0%}")
even = torch.ones(96, 96)
shares = [
    share_on_object(even, torch.from_numpy(scene.masks[i])) for i in (star, crescent)
]
print(f"{'spread evenly':<25} {shares[0]:>11.0%}   {shares[1]:>15.0%}")

# %% [markdown]
# The maps tell the two objects apart, but much of each lies beside its object. A square of 14 pixels changes the score already when its corner
# touches the object, and all of its pixels get a part of the fall.
#
# *Would a smaller square make a better map?*

# %%
print("size of the square   share on the star   largest value of the map")
for size in (14, 10, 7):
    smaller = occlusion(model, x, star, size)
    share = share_on_object(smaller, torch.from_numpy(scene.masks[star]))
    print(f"{size:18} {share:19.0%} {smaller.max():26.1f}")

# %% [markdown]
# A little better. Even so, more than four tenths of the map lie beside the star.
#
# Try it: change `size` and `step` in the call of `occlusion` above, or the number in `draw_scene(45)`, and run the cells again.

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
#
# ## Where to read on
#
# - Zeiler and Fergus, [*Visualizing and Understanding Convolutional Networks*](https://arxiv.org/abs/1311.2901) (ECCV 2014), figure 7: early
#   occlusion maps.
# - Petsiuk, Das and Saenko, [*RISE*](https://arxiv.org/abs/1806.07421) (BMVC 2018): occlusion with random masks, your lesson 06.
#
# **Next:** [lesson 01](01_gradients.ipynb). Each of these maps took about two hundred runs of the network. One backward pass asks about every
# pixel at once.
