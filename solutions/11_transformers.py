# %% [markdown]
# # Is attention an explanation?
#
# *Lesson 11 · 60 minutes · ●●○*
#
# All networks so far were made of convolutions. A transformer has none, or few: it cuts the image into patches, and lets each patch
# read from all others. How much it reads from each is written down in the network, as numbers between 0 and 1, and it is tempting to
# take these for the explanation. Here you build maps from them, and measure what they are worth, on scenes of which you know the truth.
#
# **After this lesson you can**
#
# - say what a token is, and make a map of a number for each token;
# - follow attention through all blocks of a transformer, and say what it can't know;
# - use Grad-CAM where there are tokens, and know at which layer it sees nothing;
# - check whether integrated gradients are complete, and say what that check is blind to.

# %%
import copy

import torch
import torch.nn.functional as F

from course_lib import beat, check, hint, lesson_end, predict, reveal, solution
from course_lib.attribution.grad_cam import grad_cam
from course_lib.attribution.gradient import gradient
from course_lib.attribution.inputs.baselines import baseline_of
from course_lib.benchmark.baselines import centre
from course_lib.benchmark.likeness import rank_likeness
from course_lib.benchmark.pointing_game import pointing_hits
from course_lib.explorer import LayerExplorer
from course_lib.figures import lesson_11 as figures
from course_lib.world.examples import example_scene
from course_lib.world.networks import load_network
from course_lib.world.scenes import CLASSES, two_object_scenes

# %% [markdown]
# ## 1 · One scene, two networks
#
# `tiny_vgg` you know. `tiny_vit` is a vision transformer that has learned from the same scenes. Here is what both say of our example. A score above 0
# means: it is there.

# %%
networks = {name: load_network(name) for name in ("tiny_vgg", "tiny_vit")}
vgg, vit = networks.values()
scene = example_scene()
x = scene.x
category_1, category_2 = scene.objects
name_1, name_2 = CLASSES[category_1], CLASSES[category_2]

for name, network in networks.items():
    scores = network(x)[0].tolist()
    print(
        f"{name:9}",
        "  ".join(f"{CLASSES[c]} {s:+.1f}" for c, s in enumerate(scores)),
    )

# %% [markdown]
# The transformer makes **tokens** of the image: of each patch of 8 x 8 pixels (and a little of what lies around it) a list of 96 numbers. One more token is put in
# front, the **class token**. It stands for no patch, and begins the same for every image. Then come five blocks. In each,
# every token reads from the others, and adds what it has read to what it had. At the end the scores are read off the class token, and off
# no other.
#
# How far does a token see? Make the patch in the upper left corner black, and look at which tokens change in the first block.
#
# *How many of the tokens are different when they leave the first block?*

# %%
predict("tokens_that_change", [1, 9, 45, 145])

# %%
corner = x.clone()
corner[:, :, : vit.PATCH, : vit.PATCH] = 0


def how_many_differ(tokens, others):
    """Of how many tokens at least one number differs."""
    return int(((tokens - others).abs().amax(2) > 1e-6).sum())


before, before_corner = vit.tokens(x), vit.tokens(corner)
after, after_corner = vit.blocks[0](before), vit.blocks[0](before_corner)
images, number_of_tokens, numbers = before.shape
print(f"{number_of_tokens} tokens of {numbers} numbers each")
print(f"before the first block {how_many_differ(before, before_corner)} tokens differ")
print(f"after the first block {how_many_differ(after, after_corner)} tokens differ")
reveal("tokens_that_change", how_many_differ(after, after_corner))
figures.in_patches(scene, vit.PATCH, corner)

# %% [markdown]
# Before the first block only the patch's own token and its neighbours differ. After it all of them do, if only by a little, and the class token is one of
# them. A convolution needs many layers to see so far.
#
# ## 2 · A map over tokens  *(6 min, ●○○)*
#
# Whatever a method finds out about tokens is a number for each of them: 145 numbers. The first is the class token's, and belongs to no place. The
# others come row by row, as one reads. With a grid of 2 x 3 patches:
#
#     c  1  2  3  4  5  6      ->      1  2  3
#                                      4  5  6
#
# To lay such a small map over the image, it is resized: between the middles of the patches its numbers go over smoothly (bilinear).
#
# **Write `token_map(values, grid, size)`.** `values` are the tokens' numbers (N, 1 + h w), the class token's first; `grid` is (h, w), and `size` is
# (H, W), the image's. Return the maps, (N, 1, H, W).


# %%
def token_map(values, grid, size):
    """The patches' numbers as maps in the image's size, (N, 1, H, W)."""
    ### BEGIN SOLUTION
    patches = values[:, 1:].unflatten(1, grid)[:, None]
    return F.interpolate(patches, size, mode="bilinear")
    ### END SOLUTION


# %%
token_map = check("token_map", token_map)

# %% [markdown]
# With it you can draw where in the network the ring is. Paint the ring over with the scene's mean colour, and measure for each token by how much that changes it: the length of the
# difference. Do so for the tokens that go into the first block, and for those that leave each block.
#
# *Of all that changes in the patches' tokens when they leave the first block: how much is in the patches that the ring touches?*

# %%
predict("change_at_its_place", [95, 65, 35, 5], unit="%")

# %%
GRID, SIZE = (12, 12), (96, 96)

ring = torch.as_tensor(scene.masks[category_1])[None, None] > 0
painted = torch.where(ring, x.mean((2, 3), keepdim=True), x)
touched = F.max_pool2d(ring.float(), kernel_size=15, stride=8, padding=7).flatten(1)


@torch.no_grad()
def tokens_at_each_stage(images):
    """Tokens that go into the first block, and those that leave each: a list of (N, T, D)."""
    stages = [vit.tokens(images)]
    for block in vit.blocks:
        stages.append(block(stages[-1]))
    return stages


names = ["before block 0"] + [f"after block {k}" for k in range(len(vit.blocks))]
changes, at_its_place = {}, {}
for name, now, without in zip(
    names, tokens_at_each_stage(x), tokens_at_each_stage(painted)
):
    length = (now - without).norm(dim=2)
    changes[name] = token_map(length, GRID, SIZE)
    patches = length[:, 1:]
    at_its_place[name] = ((patches * touched).sum() / patches.sum()).item()
    print(f"{name:15} {at_its_place[name]:.0%} of the change is where the {name_1} is")
print(f"the {name_1} touches {touched.mean():.0%} of the patches")
reveal("change_at_its_place", 100 * at_its_place["after block 0"])
figures.maps_of_tokens(
    scene, changes, f"by how much tokens change when the {name_1} is painted over"
)

# %% [markdown]
# Before the first block the ring is where it is. After one block most of what changes with it is in tokens that began elsewhere, each of which changes less. So keep in mind what a place means here: a token's
# place says where it *began*, not where its content is from.
#
# ## 3 · Attention, rolled out  *(14 min, ●●●)*
#
# In a block each token hands out its attention: how much it reads from each token, the shares adding up to 1. A row for each reader, a column for each that is read from:
# a matrix of 145 x 145. `tiny_vit` has three of them side by side in each block, its **heads**.


# %%
def attentions_of(model, x):
    """For each block its attention, (N, heads, T, T): row by row, who reads from whom."""
    tokens, found = model.tokens(x), []
    for block in model.blocks:
        found.append(block.attention.weights(block.norm1(tokens)))
        tokens = block(tokens)
    return found


with torch.no_grad():
    attentions = attentions_of(vit, x)
print("a block's attention:", tuple(attentions[-1].shape))
print(f"a row adds up to {attentions[-1][0, 0, 0].sum():.3f}")
heads = {
    f"head {number}": token_map(attentions[-1][:, number, 0], GRID, SIZE)
    for number in range(attentions[-1].shape[1])
}
figures.maps_of_tokens(
    scene, heads, "what the class token reads from in the last block"
)

# %% [markdown]
# But what the class token reads in the last block is no longer that of the patches alone. The tokens have read from each other four times before. **Attention rollout** (Abnar
# and Zuidema, 2020) follows the content all the way. Two rules:
#
# - *In a block* a token keeps what it had and adds what it has read. Say both have the same weight: half of the identity, half of the attention,
#   where the attention is the mean over the heads: $\bar A = \tfrac12 (A + I)$.
# - *From block to block* the shares are multiplied. Three tokens c, a, b: in block 2, c holds 0.6 of itself, 0.3 of a and 0.1 of b. But a had in block 1 taken half of its
#   content from b. So 0.15 of what c holds came from b by way of a. All ways together, that is the product of the matrices:
#
# $$R = \bar A_5 \, \bar A_4 \, \bar A_3 \, \bar A_2 \, \bar A_1$$
#
# The first block stands on the right. The row of the class token in $R$ says how much of each token has come to it.
#
# **Write `rollout(attentions)`.** `attentions` is a list with the attention of each block, the first block first, (N, heads, T, T) each. Return the class token's row
# of R, (N, T), its own number included.


# %%
def rollout(attentions):
    """How much of each token has come to the class token through all blocks: (N, T)."""
    ### BEGIN SOLUTION
    total = torch.eye(attentions[0].shape[-1]).to(attentions[0])
    for attention in attentions:
        mixed = (attention.mean(1) + torch.eye(attention.shape[-1]).to(attention)) / 2
        total = mixed @ total
    return total[:, 0]
    ### END SOLUTION


# %%
rollout = check("rollout", rollout)

# %% [markdown]
# The network has two objects to find in this scene, and finds both.
#
# *Of all that rollout gives to the patches, how much lies on the two objects together?*

# %%
predict("rollout_on_objects", [15, 35, 60, 90], unit="%")

# %%
both = torch.as_tensor(scene.masks.sum(0)) > 0.5


def share_on(maps, masks):
    """Of what is positive in maps, (N, 1, H, W), the share on the masks, (N, H, W)."""
    positive = maps[:, 0].clamp(min=0)
    return (positive * masks).sum((1, 2)) / positive.sum((1, 2)).clamp(min=1e-9)


rolled = token_map(rollout(attentions), GRID, SIZE)
on_both = share_on(rolled, both[None]).item()
print(f"the row adds up to {rollout(attentions).sum():.3f}")
print(f"the class token's own share: {rollout(attentions)[0, 0]:.2f}")
print(f"of the rest, on the two objects: {on_both:.0%}")
print(f"what the objects cover:          {both.float().mean():.0%} of the image")
reveal("rollout_on_objects", 100 * on_both)

stages = {
    f"blocks 0 to {last}": token_map(rollout(attentions[: last + 1]), GRID, SIZE)
    for last in range(len(attentions))
}
figures.maps_of_tokens(scene, stages, "rollout through more and more blocks")

# %% [markdown]
# ### What rollout can't know
#
# Your function gets the attentions and nothing else. The scores are made by the last layer, `head`, of the class token. Draw its weights anew, so that the network's answers mean
# nothing any more.
#
# *How alike is rollout's map to the one before? (The correlation of the ranks, as in lesson 08.)*

# %%
predict("rollout_without_classifier", [0, 0.5, 1])

# %%
guessing = copy.deepcopy(vit)
torch.manual_seed(0)
guessing.head.reset_parameters()
with torch.no_grad():
    rolled_guessing = token_map(rollout(attentions_of(guessing, x)), GRID, SIZE)
alike = rank_likeness(rolled, rolled_guessing).item()
scores, guesses = vit(x)[0], guessing(x)[0]
for c in scene.objects:
    print(f"score of {CLASSES[c]:8} {scores[c]:+.2f}, by a new head {guesses[c]:+.2f}")
print(f"how alike the maps are: {alike:.2f}")
reveal("rollout_without_classifier", alike)

# %% [markdown]
# It is the same map. Rollout says what has been *read*, not what was made of it. For the same reason there is one map for all classes: asked
# for the one object or for the other, it can't but answer alike.
#
# ## 4 · Grad-CAM on tokens  *(8 min, ●●○)*
#
# Grad-CAM does ask for a class: it weighs what a layer holds by the gradient of the class's score. Where are the layers of a transformer? What leaves a block are tokens, (N, T, D).
# `tokens_and_gradient` gives these and the gradient of a class's score, of the same shape.


# %%
def tokens_and_gradient(model, x, target, layer):
    """Tokens that leave a layer, and the gradient of the class's score: (N, T, D) each."""
    kept = []
    handle = model.get_submodule(layer).register_forward_hook(
        lambda module, inputs, output: kept.append(output)
    )
    image = x.clone().requires_grad_()
    score = model(image).gather(1, torch.as_tensor(target).expand(len(x))[:, None])
    handle.remove()
    (g,) = torch.autograd.grad(score.sum(), kept[0])
    return kept[0].detach(), g


# %% [markdown]
# Lesson 04 found that high layers know best *what* is there. The highest is the last block, `blocks.4`.
#
# *At the 144 patches' tokens that leave the last block: what will the gradient of a score look like?*

# %%
predict(
    "last_block_gradient",
    ["largest on the object", "alike on both objects", "zero everywhere"],
)

# %%
lengths = {}
for layer in ("blocks.4", "blocks.3"):
    _, g = tokens_and_gradient(vit, x, category_1, layer)
    lengths[layer] = g.norm(dim=2)
    print(
        f"{layer}: class token {lengths[layer][0, 0]:.3f}, "
        f"largest of the patches {lengths[layer][0, 1:].max():.3f}"
    )

seen = token_map(lengths["blocks.4"], GRID, SIZE)
on_1, on_2 = (
    share_on(seen, torch.as_tensor(scene.masks[c])[None]) for c in scene.objects
)
if seen.max() == 0:
    reveal("last_block_gradient", "zero everywhere")
elif on_1 > 2 * on_2:
    reveal("last_block_gradient", "largest on the object")
else:
    reveal("last_block_gradient", "alike on both objects")

# %% [markdown]
# Nobody reads the patches' tokens any more after the last block: the scores come from the class token. So there is no gradient. The last layer at which patches have a say is the one
# before, `blocks.3`, from which the class token reads in the last block.
#
# Now Grad-CAM, as in lesson 04. The positions are the patches; the class token is none. Channel d of token t is $x_{td}$, its gradient $g_{td}$, and P is the number of patches:
#
# $$w_d = \frac{1}{P} \sum_{\text{patches } t} g_{td} \qquad\qquad s_t = \max\Bigl(0, \sum_d w_d \, x_{td}\Bigr)$$
#
# **Write `token_grad_cam(x, g)`.** `x` are the tokens and `g` their gradients, (N, T, D), the class token first. Return one number for each token, (N, T), the class token
# included, so that `token_map` can draw it.


# %%
def token_grad_cam(x, g):
    """Positive part of the channels' sum, weighted by the patches' mean gradient: (N, T)."""
    ### BEGIN SOLUTION
    weights = g[:, 1:].mean(1, keepdim=True)
    return (x * weights).sum(2).clamp(min=0)
    ### END SOLUTION


# %%
token_grad_cam = check("token_grad_cam", token_grad_cam)

# %% [markdown]
# Both networks, both objects. For the convolutions it is Grad-CAM at `features.21`, the gradient is that of lesson 01.


# %%
def cam_on(name, x, target):
    """Grad-CAM at the last layer at which there are places, (N, 1, H, W)."""
    if name == "tiny_vgg":
        return grad_cam(vgg, x, target, saliency_layer="features.21", resize=True)
    held, g = tokens_and_gradient(vit, x, target, "blocks.3")
    return token_map(token_grad_cam(held, g), GRID, SIZE)


side_by_side = {
    name: {
        c: {
            "gradient": gradient(network, x, c),
            "Grad-CAM": cam_on(name, x, c),
        }
        for c in scene.objects
    }
    for name, network in networks.items()
}
for c in scene.objects:
    side_by_side["tiny_vit"][c]["rollout"] = rolled
figures.both_networks(scene, side_by_side)

# %% [markdown]
# A number for what you see: of what a map puts on the two objects of this scene, the share on the one asked for.


# %%
def share_of_both(maps, asked, others):
    """Of what is positive in maps on two objects, the share on the first: (N,)."""
    on_asked, on_other = share_on(maps, asked), share_on(maps, others)
    # a map with nothing on either object can't tell them apart
    found = on_asked / (on_asked + on_other).clamp(min=1e-9)
    return torch.where(on_asked + on_other > 0, found, 0.5)


masks = [torch.as_tensor(scene.masks[c])[None] for c in scene.objects]
for name in networks:
    for c, mask, other in zip(scene.objects, masks, masks[::-1]):
        share = share_of_both(cam_on(name, x, c), mask, other).item()
        print(f"{name}, Grad-CAM asked for {CLASSES[c]}: {share:.0%} on it")

# %% [markdown]
# The maps of `tiny_vgg` lie on the right object. Look where the strongest cells of the transformer's maps lie, too. A network may well keep what it knows of the ring in a token that began in the
# background: nothing asks it to keep the place. One scene is an anecdote; section 6 counts.
#
# One more thing to see: the transformer's gradient has a lattice in it. Each of the three convolutions that make its tokens moves on by two pixels at a time.
#
# ## 5 · Does it add up?  *(12 min, ●●○)*
#
# Lesson 01 left a curve: the score on the way from a black image to the scene, steep at first, then flat. Its slope at the end said little. **Integrated gradients** (Sundararajan and others,
# 2017) walk the whole way from a baseline $x_0$ to the image, and take the gradient's mean on it:
#
# $$s = (x - x_0) \cdot \frac1n \sum_{k=0}^{n-1} \nabla\phi\Bigl(x_0 + \tfrac{k + 0.5}{n} (x - x_0)\Bigr)$$
#
# They need no layer and no convolution: images go in, a score comes out. And they have a property by which one can check them. All numbers together are what the score has *risen* by on the way,
# $\phi(x) - \phi(x_0)$: they are **complete**. With n steps that is nearly so, and the **gap** says how nearly.
#
# **Write `integrate_gradients(model, x, baseline, target, steps)`.** `x` and `baseline` are images (N, 3, H, W), `target` a class (an int). Return two things: the attributions, (N, 3, H, W), and the gap of
# each image, (N,): what its attributions add up to, less what its score rises by. Leave the model as it was.


# %%
def integrate_gradients(model, x, baseline, target, steps):
    """Each number's share in the rise of the score, (N, 3, H, W), and the gap, (N,)."""
    ### BEGIN SOLUTION
    total = torch.zeros_like(x)
    for k in range(steps):
        on_the_way = baseline + (k + 0.5) / steps * (x - baseline)
        on_the_way = on_the_way.detach().requires_grad_()
        score = model(on_the_way)[:, target].sum()
        total = total + torch.autograd.grad(score, on_the_way)[0]
    attributions = (x - baseline) * total / steps
    with torch.no_grad():
        rise = (model(x) - model(baseline))[:, target]
    return attributions, attributions.sum((1, 2, 3)) - rise
    ### END SOLUTION


# %%
integrate_gradients = check("integrate_gradients", integrate_gradients)

# %% [markdown]
# Eight scenes that have one class in common are asked for it, and the way begins at black.
#
# *With a single step, half-way, by how much do the attributions of `tiny_vit` miss the rise? (The median over eight scenes.)*

# %%
predict("one_step_gap", [1, 10, 50, 300], unit="%")

# %%
scenes = list(two_object_scenes(30, start=700))
found = [c for s in scenes for c in s.objects]
often = max(set(found), key=found.count)
images = torch.cat([s.x for s in scenes if often in s.objects][:8])
black = torch.zeros_like(images)
steps = [1, 2, 4, 8, 16, 32]


def relative_gap(network, n):
    """The median over the images of the gap's magnitude, in parts of the rise."""
    _, gap = integrate_gradients(network, images, black, often, n)
    with torch.no_grad():
        rise = (network(images) - network(black))[:, often]
    return (gap / rise).abs().median().item()


missed = {name: [relative_gap(n, k) for k in steps] for name, n in networks.items()}
for name, values in missed.items():
    print(f"{name:9}", "  ".join(f"{k}: {v:.1%}" for k, v in zip(steps, values)))
reveal("one_step_gap", 100 * missed["tiny_vit"][0])
figures.gaps(steps, missed, len(images))

# %% [markdown]
# The gap is a check of the *sum*: are there steps enough? A map with a large gap is not the one that the formula means. Is a map with a small gap right?
#
# Take the attributions of the example and shuffle them: each number to a pixel drawn at random.
#
# *Does the check notice? (True: the gap becomes larger.)*

# %%
predict("shuffled_is_complete", [True, False])

# %%
torch.manual_seed(0)
pixels = torch.randperm(SIZE[0] * SIZE[1])
s, gap = integrate_gradients(vit, x, torch.zeros_like(x), category_1, 32)
shuffled = s.flatten(2)[:, :, pixels].view_as(s)
with torch.no_grad():
    rise = (vit(x) - vit(torch.zeros_like(x)))[0, category_1]
gap_shuffled = shuffled.sum() - rise
print(f"the score rises by {rise:.3f}")
print(f"gap of the map {gap.item():+.4f}, shuffled {gap_shuffled:+.4f}")
reveal("shuffled_is_complete", bool(gap_shuffled.abs() > 1.5 * gap.abs() + 1e-3))

blurred, _ = integrate_gradients(vit, x, baseline_of(x, "blurred"), category_1, 32)
figures.signed_maps(
    scene,
    category_1,
    {
        "from black": s.sum(1, keepdim=True),
        "shuffled": shuffled.sum(1, keepdim=True),
        "from the blurred scene": blurred.sum(1, keepdim=True),
    },
)

# %% [markdown]
# A sum says nothing about *where*. Completeness is worth having, as an account book that balances is, and like an account book it may balance and be wrong in every line. And what it adds up to
# depends on where the way begins: from another baseline the score rises by another amount, and the map is another one.
#
# ## 6 · How far is attention an explanation?
#
# Now the measurement, on thirty scenes with two objects, each asked for both in turn. Two questions to a map:
#
# - *Does it find an object?* Its largest pixel lies on one of the two: the pointing game of lesson 08, in which either object counts.
# - *Does it answer?* Of what it puts on the two objects, the share on the one asked for, as in lesson 04. A map that can't tell them apart has one half.
#
# Integrated gradients get eight steps here, to save time; the figure above says what that costs.
#
# *Which of these maps of `tiny_vit` finds an object most often?*

# %%
predict(
    "finds_an_object",
    ["rollout", "Grad-CAM on tokens", "integrated gradients"],
)

# %%
pairs = [(s, c, other) for s in scenes for c, other in (s.objects, s.objects[::-1])]
images = torch.cat([s.x for s, c, other in pairs])
targets = torch.tensor([c for s, c, other in pairs])
asked = torch.stack([torch.as_tensor(s.masks[c]) >= 0.5 for s, c, other in pairs])
others = torch.stack([torch.as_tensor(s.masks[o]) >= 0.5 for s, c, o in pairs])


def integrated(network, steps=8):
    """Integrated gradients from black, channels added: (N, 1, H, W)."""
    maps = []
    for image, c in zip(images.split(1), targets.tolist()):
        black = torch.zeros_like(image)
        s, _ = integrate_gradients(network, image, black, c, steps)
        maps.append(s.sum(1, keepdim=True))
    return torch.cat(maps)


with torch.no_grad():
    attentions = attentions_of(vit, images)
maps = {
    "the centre": centre(None, images),
    "last attention": token_map(attentions[-1].mean(1)[:, 0], GRID, SIZE),
    "rollout": token_map(rollout(attentions), GRID, SIZE),
    "gradient": gradient(vit, images, targets),
    "Grad-CAM on tokens": cam_on("tiny_vit", images, targets),
    "integrated gradients": integrated(vit),
    "tiny_vgg: Grad-CAM": cam_on("tiny_vgg", images, targets),
    "tiny_vgg: integrated": integrated(vgg),
}

finds, answers = {}, {}
for name, s in maps.items():
    finds[name] = pointing_hits(s, asked | others).float()
    answers[name] = share_of_both(s, asked, others)
    print(
        f"{name:21} finds an object {finds[name].mean():.0%},  "
        f"of both on the one asked for {answers[name].mean():.0%}"
    )
three = ["rollout", "Grad-CAM on tokens", "integrated gradients"]
reveal("finds_an_object", max(three, key=lambda name: finds[name].mean()))
figures.finds_and_answers(finds, answers)

# %% [markdown]
# - **Rollout** finds an object in most scenes, and its share is one half, as it must be: there is one map for both questions. It says where something is, and nothing more.
# - **Grad-CAM on tokens** asks, and gives each class a map of its own. Yet on the average it can't tell the two apart either: what a token holds is no longer what lies at its place. On
#   `tiny_vgg`, where a cell stays at its place, the same formula puts nearly all on the right one. (That its largest pixel is often beside the object there is the size of its cells: lesson 08.)
# - **Integrated gradients** ask the pixels themselves, which can't move. On `tiny_vit` they answer more often right than wrong, and on `tiny_vgg` they do better again.
#
# So attention explains one thing: what was read. What counts for a class it doesn't say. And a method that asks the tokens needs places that mean something.
#
# ## 7 · Every block
#
# Three methods at each block but the last, whose patches nobody reads. Move the slider from `blocks.0` up.
#
# *Try this: compare Grad-CAM at `blocks.3` with the gradient at `blocks.0`, for both classes. Is there a block at which you would believe either?*

# %%
LayerExplorer(
    vit,
    x,
    category_1,
    masks=scene.masks,
    layers=[f"blocks.{number}" for number in range(len(vit.blocks) - 1)],
    methods=["Grad-CAM", "Linear approximation", "Gradient"],
)

# %% [markdown]
# ## Open task: make attention answer the question
#
# Rollout can't know which object is asked for. The gradient can: each number of an attention has one, too. Make a map on `tiny_vit` whose largest pixel lies on the object asked for
# more often than that of Grad-CAM on tokens. Whatever you like: weigh each attention by its gradient before you roll it out, combine maps, smooth them.
#
# Your function gets the network, an image `x` (1, 3, H, W) and the class `target`, and returns a map, (H, W) or (1, 1, H, W). Your score: the share of hits over two
# objects in each of twenty scenes that no lesson shows.


# %%
def my_attention(model, x, target):
    """A map for the class, (1, 1, H, W)."""
    ...  # your code here


# %%
beat("attention_that_answers", my_attention)

# %% [markdown]
# ## What you learned
#
# - A token is a list of numbers that began at a patch. From the first block on it holds something of everywhere.
# - Rollout multiplies the blocks' attentions, half of the identity added in each. It says what was read, and is one map for all classes.
# - Grad-CAM works on tokens: leave the class token out of the mean, and take the last layer whose patches are still read.
# - Integrated gradients add up to what the score rises by. That checks the number of steps, not the map.
#
# **To keep:** *attention says where a network has looked. What it made of that is another question.*

# %%
lesson_end("11")

# %% [markdown]
# ## Where to read on
#
# - A. Dosovitskiy and others, [*An image is worth 16x16 words: transformers for image recognition at scale*](https://arxiv.org/abs/2010.11929), ICLR 2021: the vision transformer.
# - S. Abnar and W. Zuidema, [*Quantifying attention flow in transformers*](https://arxiv.org/abs/2005.00928), ACL 2020: rollout.
# - S. Jain and B. Wallace, [*Attention is not explanation*](https://arxiv.org/abs/1902.10186), NAACL 2019; and the answer, S. Wiegreffe and Y. Pinter, [*Attention is not not
#   explanation*](https://arxiv.org/abs/1908.04626), EMNLP 2019.
# - H. Chefer, S. Gur and L. Wolf, [*Transformer interpretability beyond attention visualization*](https://arxiv.org/abs/2012.09838), CVPR 2021: attention, weighed by gradients and relevance.
# - M. Sundararajan, A. Taly and Q. Yan, [*Axiomatic attribution for deep networks*](https://arxiv.org/abs/1703.01365), ICML 2017: integrated gradients and completeness.
#
# **Next:** this is the last lesson. What you have built is in the library, by the names of `methods()`, and all of it runs on networks and images of your own.
