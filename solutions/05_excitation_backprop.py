# %% [markdown]
# # Who contributed how much?
#
# *Lesson 05 · 80 minutes · ●●○*
#
# A gradient asks: *what would change if ...?* This lesson asks another question: *what made it so?* The score of the class starts
# out with one unit of **relevance**. Every unit of the network that has some hands it down to the units that excited it, each its
# fair share, and keeps nothing. What arrives at a layer is a map, and it can be audited: nothing may get lost on the way, and
# nothing may be made up.
#
# **After this lesson you can**
#
# - share relevance among the inputs of any linear operation, by hand and as an autograd function;
# - check on a whole network that it is conserved, and find the place where it isn't;
# - repair a residual sum, which makes relevance out of nothing;
# - build the contrastive pass, and say why it is needed.

# %%
import warnings

import torch
import torch.nn.functional as F

from course_lib import beat, check, hint, lesson_end, predict, reveal, solution
from course_lib.attribution.common import BackwardRules, Probe
from course_lib.attribution.excitation_backprop import (
    contrastive_excitation_backprop,
    excitation_backprop,
    relevance_lost,
)
from course_lib.attribution.grad_cam import grad_cam
from course_lib.attribution.guided_backprop import guided_backprop
from course_lib.explorer import LayerExplorer
from course_lib.figures import lesson_05 as figures
from course_lib.world.examples import (
    example_class_names,
    example_credit,
    example_scene,
    get_example_data,
    to_image,
)
from course_lib.world.networks import load_network
from course_lib.world.scenes import CLASSES, two_object_scenes

# %% [markdown]
# ## 1 · Who made this unit fire?
#
# Here is a whole network: three inputs, three hidden units, one score. The numbers in the circles are activations, those on the links
# are weights.

# %%
x = torch.tensor([3.0, 1.0, 2.0])
W = torch.tensor([[1.0, 2.0, -1.0], [2.0, -3.0, 1.0], [-1.0, 2.0, 2.0]])
V = torch.tensor([[5.0, 3.0, -2.0]])
h = (W @ x).clamp(min=0)
score = V @ h

figures.example_network([x, h, score], [W, V])

# %% [markdown]
# Look at the top. The score is 24 = 5 · 3 + 3 · 5 - 2 · 3. Who made it so large? The first hidden unit contributed 15 and so did the
# second. The third one worked against it, so it deserves no credit. So the first two get a half each, and the third gets 0.
#
# One level down the same game goes on, for each hidden unit on its own. The second one, 5, has a relevance of 0.5 to give. It was
# excited by 2 · 3 = 6 from the left input and by 1 · 2 = 2 from the right one: together 8. So the left one gets 6/8 of 0.5, which is
# 0.375, and the right one gets 2/8 of it.
#
# Now the first hidden unit. Its relevance is 0.5 as well. Work out what it gives to each input, and keep the three numbers: your function will
# find them again at the end of the next section.

# %% [markdown]
# ## 2 · The rule, by hand  *(10 min, ●○○)*
#
# In letters: $W_{ij}$ is the weight from input $j$ to output $i$, and $W^+ = \max(W, 0)$ are the weights that excite. All the
# excitation of output $i$ is $z_i$. Output $i$ has the relevance $p_i$, and input $j$ collects its shares from all outputs:
#
# $$z_i = \sum_j W^+_{ij} \, x_j \qquad\qquad p'_j = \sum_i \frac{W^+_{ij} \, x_j}{z_i} \, p_i$$
#
# One case needs care: an output that *nothing* excited, so that $z_i = 0$. It has nobody to hand its relevance to; its shares are 0.
#
# The activations $x$ are never negative here: they come out of a ReLU, or they are pixels between 0 and 1.
#
# **Write `excitation_by_hand(x, W, p)`**, with loops. `x` has shape (J,), `W` has shape (I, J), and `p` has shape (I,). Return the relevance
# of the inputs, a tensor of shape (J,).


# %%
def excitation_by_hand(x, W, p):
    """Relevance of the inputs x (J,) of a layer W (I, J): (J,).

    p (I,) is the relevance of its outputs.
    """
    ### BEGIN SOLUTION
    shares = torch.zeros_like(x)
    for i in range(len(p)):
        z = sum(max(W[i, j], 0) * x[j] for j in range(len(x)))
        if z == 0:
            continue
        for j in range(len(x)):
            shares[j] += max(W[i, j], 0) * x[j] / z * p[i]
    return shares
    ### END SOLUTION


# %%
excitation_by_hand = check("excitation_by_hand", excitation_by_hand)

# %% [markdown]
# From the score to the inputs, with your function. It is called for one output at a time, so that the picture can show what flows along
# each link.
#
# *Which of the three inputs ends up with the most relevance?*

# %%
predict("most_credit", ["the left one", "the middle one", "the right one"])


# %%
def flows(x, W, p):
    """What each output sends to each input: (I, J)."""
    return torch.stack(
        [excitation_by_hand(x, W[i : i + 1], p[i : i + 1]) for i in range(len(p))]
    )


def listed(values):
    """The numbers, to three digits, as text."""
    return ", ".join(f"{value:.3g}" for value in values)


to_hidden = flows(h, V, torch.ones(1))
to_inputs = flows(x, W, to_hidden.sum(0))
print("the first hidden unit gives", listed(to_inputs[0]))
print("each input ends up with    ", listed(to_inputs.sum(0)))
most = ("the left one", "the middle one", "the right one")[to_inputs.sum(0).argmax()]
reveal("most_credit", most)

figures.example_flow(
    [to_inputs.sum(0), to_hidden.sum(0), torch.ones(1)], [to_inputs, to_hidden]
)

# %% [markdown]
# The first hidden unit divides its 0.5 as 3 to 2; its negative weight gives nothing. In the end the left input has the most, 0.675. The
# right hidden unit is as active as the left one, but nothing flows through it: it held the score back.
#
# At each level the numbers add up to 1. That is **conservation**, and it is more than tidy: it makes a value in the map mean
# something. 0.675 means "two thirds of the credit".

# %% [markdown]
# ## 3 · The rule as a way back  *(10 min, ●●○)*
#
# In lesson 03 you gave a ReLU another way back. The same door is open here: let PyTorch think that $p$ is a gradient, and have `backward`
# hand on shares. For that the rule must be fast, and work for N images at once. So away with the loops. Pull $x_j$ out of the sum:
#
# $$z = x \, (W^+)^\top \qquad q = p \, / \, z \qquad p' = x \cdot (q \, W^+)$$
#
# Here `x` is (N, J), `W` (I, J), and `z`, `p`, `q` are (N, I). The dot multiplies entry by entry. And q is 0 where z is 0:
# `torch.where(z > 0, p / z, 0)`.
#
# **Write the class `ExcitationLinear`**, an autograd function. `forward(ctx, x, weight, bias)` computes what a linear layer computes,
# `F.linear(x, weight, bias)`; `bias` may be None. `backward` returns the shares of `x`, (N, J), and None for the weight and for the bias,
# which get nothing.


# %%
class ExcitationLinear(torch.autograd.Function):
    """A linear layer; backward: the inputs share the relevance p of the outputs."""

    @staticmethod
    def forward(ctx, x, weight, bias):
        ### BEGIN SOLUTION
        ctx.save_for_backward(x, weight)
        return F.linear(x, weight, bias)
        ### END SOLUTION

    @staticmethod
    def backward(ctx, p):
        ### BEGIN SOLUTION
        x, weight = ctx.saved_tensors
        above = weight.clamp(min=0)
        z = x @ above.T
        q = torch.where(z > 0, p / z, 0)
        return x * (q @ above), None, None
        ### END SOLUTION


# %%
ExcitationLinear = check("excitation_linear", ExcitationLinear)

# %% [markdown]
# The network from above once more, now with a bias of -1 at each hidden unit. A bias is nobody's contribution, so it gets nothing.
#
# *Will the relevance of the inputs change?*

# %%
predict("bias_changes", [True, False])

# %%
found = []
for bias in (0.0, -1.0):
    leaf = x[None].clone().requires_grad_()
    hidden = ExcitationLinear.apply(leaf, W, torch.full((3,), bias))
    (hidden * torch.tensor([[0.5, 0.5, 0.0]])).sum().backward()
    print(f"bias {bias:4}   activations {listed(hidden[0])}   ", end="")
    print(f"relevance of the inputs {listed(leaf.grad[0])}")
    found.append(leaf.grad[0])
reveal("bias_changes", not torch.allclose(*found))

# %% [markdown]
# The activations changed and the shares did not: they depend on who excited the unit, and not on how much of it the bias took away.
#
# (The line with `.sum().backward()` is how a relevance gets in: the gradient of $\sum p\,y$ at $y$ is $p$.)

# %% [markdown]
# ## 4 · Convolutions and pooling  *(12 min, ●●●)*
#
# A convolution is a linear layer too, with a huge W that is mostly zeros. Nobody writes it out. But look at what the rule asks for:
#
# 1. $z = W^+ x$: run the *same convolution* with its positive weights, without the bias;
# 2. $q = p / z$, entry by entry;
# 3. $p' = x \cdot (W^{+\top} q)$. The product with the transposed matrix is new. But PyTorch computes one all day: the **gradient of
#    $\sum_i q_i z_i$ at $x$ is $W^{+\top} q$**, if q is held constant.
#
# So one class will do for every linear operation, if you are given two functions: `layer(x)`, what the network computes, and
# `positive(x)`, which is z. For average pooling the two are the same: an average has positive weights and no bias.
#
# Three things to know about `backward`:
#
# - PyTorch records no graph there. Inside `with torch.enable_grad():` it does.
# - `u = x.detach().requires_grad_()` is a fresh start: the same numbers, and the beginning of a graph of its own.
# - `torch.autograd.grad(s, u)` returns a tuple with the gradient of the number `s` at `u`. `.detach()` makes a tensor a constant.
#
# **Write the class `Excitation`**, an autograd function. `forward(ctx, x, layer, positive)` returns `layer(x)`. `backward` gets `p` of the
# shape of `layer(x)` and returns the shares of `x`, and None for each of the two functions. (A function is kept in `ctx` as an attribute:
# `ctx.positive = positive`.)


# %%
class Excitation(torch.autograd.Function):
    """Any linear operation; backward: the inputs share the outputs' relevance."""

    @staticmethod
    def forward(ctx, x, layer, positive):
        ### BEGIN SOLUTION
        ctx.save_for_backward(x)
        ctx.positive = positive
        return layer(x)
        ### END SOLUTION

    @staticmethod
    def backward(ctx, p):
        ### BEGIN SOLUTION
        (x,) = ctx.saved_tensors
        with torch.enable_grad():
            u = x.detach().requires_grad_()
            z = ctx.positive(u)
            q = torch.where(z > 0, p / z, 0).detach()
            (pulled,) = torch.autograd.grad((z * q).sum(), u)
        return x * pulled, None, None
        ### END SOLUTION


# %%
Excitation = check("excitation", Excitation)

# %% [markdown]
# An image of 4 × 4 numbers, and a filter that looks for "bright on the left, dark on the right". All the relevance is at one output.
#
# *How many of the sixteen cells get a share of it?*

# %%
predict("cells_with_a_share", [1, 2, 4, 8])

# %%
image = torch.tensor([[1.0, 0, 2, 0], [0, 4, 1, 2], [2, 3, 2, 0], [1, 0, 2, 1]])[
    None, None
]
kernel = torch.tensor([[1.0, -1.0], [2.0, -1.0]])[None, None]
p = torch.zeros(1, 1, 3, 3)
p[0, 0, 1, 1] = 1.0

leaf = image.clone().requires_grad_()
y = Excitation.apply(
    leaf, lambda u: F.conv2d(u, kernel), lambda u: F.conv2d(u, kernel.clamp(min=0))
)
(y * p).sum().backward()
by_filter = leaf.grad
reveal("cells_with_a_share", (by_filter > 0).sum())

leaf = image.clone().requires_grad_()
y_pooled = Excitation.apply(
    leaf, lambda u: F.avg_pool2d(u, 2, 1), lambda u: F.avg_pool2d(u, 2, 1)
)
(y_pooled * p).sum().backward()

figures.shares_on_grids(image, kernel, p, by_filter, leaf.grad)

# %% [markdown]
# The output in the middle looks at the two by two window in the middle, so those four cells are all that can have a share. The filter's
# positive weights are on its left: 1 · 4 and 2 · 3 excite the output, and the right column gets nothing. Average pooling has four
# equal weights. There the share of each cell is its part of the sum.

# %% [markdown]
# ## 5 · Through a whole network  *(8 min, ●●○)*
#
# Two kinds of layer remain, and they are easy.
#
# - **ReLU:** one input, one output. Whatever relevance the output has, the input gets: $p' = p$. No gate is needed: a unit that is off
#   contributed nothing to anyone ($x_j = 0$ in the formula), so it has no relevance to begin with.
# - **Max pooling:** the output is a copy of one input, and that one gets it all. The ordinary gradient does exactly that.
#
# `BackwardRules`, from lesson 03, takes a table: *this torch function goes back by this rule*. A rule may be an autograd function, which is
# then called with the operation's own arguments (x, weight, bias, ... for `F.linear`). Or it is a plain function `rule(func, args, kwargs)`
# that gets the operation and its arguments, and returns the result. Here is the table for our network:


# %%
class PassReLU(torch.autograd.Function):
    """y = max(0, x); backward: p."""

    @staticmethod
    def forward(ctx, x):
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, p):
        return p


def convolution_rule(func, args, kwargs):
    x, weight, bias, *rest = args
    above = weight.clamp(min=0)
    return Excitation.apply(
        x, lambda u: func(u, weight, bias, *rest), lambda u: func(u, above, None, *rest)
    )


def average_rule(func, args, kwargs):
    x, *rest = args
    return Excitation.apply(x, lambda u: func(u, *rest), lambda u: func(u, *rest))


rules = {
    F.relu: PassReLU,
    F.linear: ExcitationLinear,
    F.conv2d: convolution_rule,
    F.avg_pool2d: average_rule,
    F.adaptive_avg_pool2d: average_rule,
}

# %% [markdown]
# The course's own `Probe` does what yours of lesson 04 does. It also works in a `with`, and because a layer may give several tensors,
# its `data` is a list: `probe.data[0]` is what left the layer.
#
#     with Probe(layer, target="output") as probe:
#         ...
#
# **Write `relevance_at(model, x, target, layer, rules)`.** `x` is a batch of images (N, 3, H, W), `target` a class (an int), `layer` the name of
# a layer, `rules` a table as above. The relevance is 1 at the score of `target` of each image. Return what arrives at the layer's output,
# added up over its channels: (N, 1, h, w). The model must be as before.


# %%
def relevance_at(model, x, target, layer, rules):
    """Relevance at a layer's output, summed over its channels: (N, 1, h, w)."""
    ### BEGIN SOLUTION
    with (
        Probe(model.get_submodule(layer), target="output") as probe,
        BackwardRules(rules),
    ):
        scores = model(x)
    (p,) = torch.autograd.grad(scores[:, target].sum(), probe.data[0])
    return p.sum(1, keepdim=True)
    ### END SOLUTION


# %%
relevance_at = check("relevance_at", relevance_at)

# %% [markdown]
# Now audit it. Here are five of the layers of `tiny_vgg`, from high to low. Add the map up at each.
#
# *How much of the relevance is left at the lowest, `features.0`?*

# %%
predict("sum_at_the_bottom", [10, 50, 90, 100], unit="%")

# %%
model, x, category_1, category_2 = get_example_data("tiny_vgg")
scene = example_scene()
name_1, name_2 = CLASSES[category_1], CLASSES[category_2]

for layer in ("features.21", "features.13", "features.8", "features.3", "features.0"):
    relevance = relevance_at(model, x, category_1, layer, rules)
    cells = " x ".join(str(size) for size in relevance.shape[2:])
    print(f"{layer:12} {cells:8} positions   sum of the map {relevance.sum():.3f}")
reveal("sum_at_the_bottom", 100 * relevance.sum())

# %% [markdown]
# One, all the way down. Nothing was lost and nothing made up. Here are the maps, with the part of the relevance that lies on the object
# asked for, and on the other one.


# %%
def at_layers(target):
    return {
        layer: relevance_at(model, x, target, layer, rules)
        for layer in ("features.21", "features.13", "features.8", "features.3")
    }


figures.relevance_at_layers(scene, {c: at_layers(c) for c in scene.objects})

# %% [markdown]
# On the way down the map gets finer, and more of it lies on the object asked for. But the other one gets some too.

# %% [markdown]
# ## 6 · A network that makes relevance  *(8 min, ●●○)*
#
# `tiny_resnet` has residual blocks: each adds what came in to what its convolutions made of it, `out += shortcut`. It also has BatchNorm,
# which scales and shifts each unit by itself: one input, one output, $p' = p$. That makes one more entry in the table. For the `+` there
# is none: it goes back by its ordinary gradient.
#
# *What is the gradient of a + b at a, and at b? There are eight such sums, one after the other. Of one unit of relevance at the top, how much is there
# at the bottom?*

# %%
predict("eight_sums", [1, 8, 16, 256])


# %%
class Pass(torch.autograd.Function):
    """What layer(x) computes; backward: p."""

    @staticmethod
    def forward(ctx, x, layer):
        return layer(x)

    @staticmethod
    def backward(ctx, p):
        return p, None


def batch_norm_rule(func, args, kwargs):
    x, *rest = args
    return Pass.apply(x, lambda u: func(u, *rest, **kwargs))


rules_with_plain_sum = {**rules, F.batch_norm: batch_norm_rule}
resnet = load_network("tiny_resnet")
blocks = ["relu"] + [
    f"layer{number}.{block}" for number in (1, 2, 3, 4) for block in (0, 1)
]

plain = {
    layer: relevance_at(resnet, x, category_1, layer, rules_with_plain_sum).sum().item()
    for layer in blocks
}
for layer in reversed(blocks):
    print(f"{layer:9} sum of the map {plain[layer]:6.1f}")
reveal("eight_sums", plain[blocks[0]])

# %% [markdown]
# It doubles at each sum: the gradient of a + b is 1 for both, so each gets *all* of p. At the bottom there is 256 times as much relevance as
# there ever was. Does it matter, when a map is scaled to its own maximum anyway? It does: both terms get the same, whether one of
# them contributed nearly everything or nearly nothing. The map no longer says who contributed.
#
# A sum of two terms has two contributors, a and b. Either may be negative here (there is a ReLU only after the sum), so we measure a
# contribution by its magnitude:
#
# $$p_a = \frac{|a|}{|a| + |b|} \, p \qquad\qquad p_b = \frac{|b|}{|a| + |b|} \, p$$
#
# For a = 3 and b = -1, three quarters go to a. And where both are 0, neither contributed: 0/0 counts as 0.
#
# **Write the class `ExcitationSum`**, an autograd function. `forward(ctx, a, b)` returns a + b, two tensors of the same shape. `backward` returns
# the two shares.


# %%
class ExcitationSum(torch.autograd.Function):
    """a + b; backward: a and b share p by their magnitudes."""

    @staticmethod
    def forward(ctx, a, b):
        ### BEGIN SOLUTION
        ctx.save_for_backward(a, b)
        return a + b
        ### END SOLUTION

    @staticmethod
    def backward(ctx, p):
        ### BEGIN SOLUTION
        a, b = ctx.saved_tensors
        total = a.abs() + b.abs()
        q = torch.where(total > 0, p / total, 0)
        return a.abs() * q, b.abs() * q
        ### END SOLUTION


# %%
ExcitationSum = check("excitation_sum", ExcitationSum)

# %%
rules_with_shares = {**rules_with_plain_sum, torch.add: ExcitationSum}
shared = {
    layer: relevance_at(resnet, x, category_1, layer, rules_with_shares).sum().item()
    for layer in blocks
}

figures.sums_by_block(plain, shared)

# %% [markdown]
# Two questions are left. Is the map another one, or has it the same shape at another scale? And is the sum 1 to the last digit?
#
# *Scale both maps to the sum 1. How much of the relevance at `layer1.0` lies elsewhere than before?*

# %%
predict("credit_moved", [0, 10, 50], unit="%")

# %%
copied, divided = (
    relevance_at(resnet, x, category_1, "layer1.0", table)
    for table in (rules_with_plain_sum, rules_with_shares)
)
elsewhere = (copied / copied.sum() - divided / divided.sum()).abs().sum() / 2
print(f"both scaled to 1, {elsewhere:.0%} of the relevance at layer1.0 lies elsewhere")
reveal("credit_moved", 100 * elsewhere)

for layer in ("layer4.1", "layer2.1", "relu"):
    print(f"{layer:9} sum of the map {shared[layer]:.5f}")

# %% [markdown]
# The plain + has moved an eighth of the credit. And five in a hundred thousand are missing at the bottom, although each rule hands on
# all that it gets. All? There is one exception in them. Keep the books: at each convolution, how much relevance arrives at units that
# nothing excited?

# %%
losses = []


def audited_rule(func, args, kwargs):
    x, weight, _, *rest = args
    z = func(x, weight.clamp(min=0), None, *rest)
    y = convolution_rule(func, args, kwargs)
    y.register_hook(lambda p: losses.append(p[(z == 0) & (p != 0)]))
    return y


audited = {**rules_with_shares, F.conv2d: audited_rule}
total = relevance_at(resnet, x, category_1, "relu", audited).sum()
lost = torch.cat(losses)
print(f"lost at {len(lost)} units: {lost.sum():.5f}   left at the bottom: {total:.5f}")

library = excitation_backprop(resnet, x, category_1, saliency_layer="relu")
print(f"left at the bottom in the library: {library.sum():.5f}")

# %% [markdown]
# Nothing excites these units: their $z_i$ is 0, and the shift of a BatchNorm alone turned them on. They have nobody to pay, and their
# relevance ends there. Here the library lets the inputs that held such a unit back share what it has. What it can't hand on
# elsewhere, `relevance_lost(model, x, target, layer)` gives by layer.

# %% [markdown]
# ## 7 · For this class, and against it  *(10 min, ●●○)*
#
# Look at the two rows of maps in section 5 again. You asked for the object with the solid outline, and some of the credit went to the
# other one. Both objects excite units that every class makes use of, and what excites is all that this rule can see. Where does one class
# differ from another? At the very top, in the weights of the classifier.
#
# So ask a second question there: what excites a classifier for **not this class**? That one is cheap to build. Negate the weights: what
# spoke against the class now speaks for its opposite. Take the relevance of the one, subtract that of the other, and send the *difference*
# down:
#
# $$c = p'(W) - p'(-W)$$
#
# A unit that speaks for the class has a positive c, one that speaks against it a negative c. On the way down both spread over the units
# below by the same rules. Where both arrive, in the background and in the parts that all shapes have in common, they cancel. At the end,
# in the map, cut off what is negative.
#
# **Write `contrastive_relevance(x, W, p)`.** `x` are the classifier's inputs, (N, J), `W` its weights, (I, J), and `p` the relevance of the
# scores, (N, I). Return c, (N, J). It is your rule of section 3 twice.


# %%
def contrastive_relevance(x, W, p):
    """Shares of x with the weights W, less those with the weights -W: (N, J)."""

    ### BEGIN SOLUTION
    def shares(weight):
        above = weight.clamp(min=0)
        z = x @ above.T
        return x * (torch.where(z > 0, p / z, 0) @ above)

    return shares(W) - shares(-W)
    ### END SOLUTION


# %%
contrastive_relevance = check("contrastive_relevance", contrastive_relevance)

# %% [markdown]
# *p'(W) adds up to 1, and so does p'(-W). What does their difference c add up to?*

# %%
predict("contrast_sum", [-1, 0, 1, 2])

# %%
with Probe(model.classifier, target="input") as top:
    model(x)
p = F.one_hot(torch.tensor([category_1]), len(CLASSES)).float()
c = contrastive_relevance(top.data[0].detach(), model.classifier.weight, p)
print(f"c: {c[c > 0].sum():.2f} for the {name_1}, {c[c < 0].sum():.2f} against it")
reveal("contrast_sum", round(c.sum().item()))

# %% [markdown]
# As much for the class as against it: c adds up to 0. From there down it is the same network and the same table. The only new thing is
# that the way back starts with c, at the input of the classifier.


# %%
def contrastive_map(model, x, target, layer, rules):
    """What speaks for the class and not against it, at a layer: (N, 1, h, w)."""
    with (
        Probe(model.get_submodule(layer), target="output") as probe,
        Probe(model.classifier, target="input") as top,
        BackwardRules(rules),
    ):
        model(x)
    features = top.data[0]
    p = F.one_hot(torch.full((len(x),), target), len(CLASSES)).float()
    c = contrastive_relevance(features.detach(), model.classifier.weight, p)
    (relevance,) = torch.autograd.grad((features * c).sum(), probe.data[0])
    return relevance.sum(1, keepdim=True).clamp(min=0)


middle = "features.8"
ours = contrastive_map(model, x, category_1, middle, rules)
library = contrastive_excitation_backprop(
    model, x, category_1, saliency_layer=middle, contrast_layer="avgpool"
)
elsewhere = (ours - library).abs().sum() / library.sum() / 2
print(f"sum of the map {ours.sum():.2f}")
print(f"{elsewhere:.2%} of it lies elsewhere than in the library's map")

# %% [markdown]
# Now the payoff: two methods of the earlier lessons and the two of this one, on both objects. The maps of this lesson are taken at
# `features.8`, 48 × 48 cells.
#
# *Which of the four will put the least on the object that was not asked for?*

# %%
predict("least_on_the_other", ["guided", "Grad-CAM", "excitation", "contrastive"])


# %%
def compared(target):
    return {
        "guided": guided_backprop(model, x, target),
        "Grad-CAM": grad_cam(model, x, target, saliency_layer="features.21"),
        "excitation": relevance_at(model, x, target, middle, rules),
        "contrastive": contrastive_map(model, x, target, middle, rules),
    }


def part_on(s, category):
    """The part of a map that lies on an object."""
    fine = F.interpolate(s, x.shape[2:], mode="nearest")[0, 0]
    return ((fine * torch.as_tensor(scene.masks[category])).sum() / fine.sum()).item()


found_1, found_2 = compared(category_1), compared(category_2)
on_the_other = {
    name: (part_on(found_1[name], category_2) + part_on(found_2[name], category_1)) / 2
    for name in found_1
}
for name, part in on_the_other.items():
    print(f"{name:12} {part:6.2%} on the other object")
reveal("least_on_the_other", min(on_the_other, key=on_the_other.get))

figures.methods_compared(scene, {category_1: found_1, category_2: found_2})

# %% [markdown]
# Guided backprop and excitation backprop mark the other object too. The contrastive map doesn't. Grad-CAM hardly does, but it has only
# 6 × 6 cells, and most of it lies beside both.

# %% [markdown]
# One scene is an anecdote. Forty scenes with two objects each: of what a map puts on the two objects, how much is on the one that was asked
# for? A map that can't tell them apart gets about a half, such as one that is 1 everywhere. (These run on the library's functions, which
# take one class for each image.)

# %%
scenes = list(two_object_scenes(40))
images = torch.cat([scene.x for scene in scenes])
asked = [scene.objects[0] for scene in scenes]
on_asked = torch.stack(
    [torch.as_tensor(scene.masks[scene.objects[0]]) for scene in scenes]
)
on_other = torch.stack(
    [torch.as_tensor(scene.masks[scene.objects[1]]) for scene in scenes]
)


def share_of_asked(maps):
    """Of what maps put on the two objects, the part on the one asked for.

    Its mean, and the number of maps that put nothing on either.
    """
    maps = F.interpolate(maps, on_asked.shape[1:], mode="nearest")[:, 0]
    first, second = (maps * on_asked).sum((1, 2)), (maps * on_other).sum((1, 2))
    total = first + second
    return (first[total > 0] / total[total > 0]).mean(), int((total == 0).sum())


results = {
    "1 everywhere": torch.ones(len(images), 1, 1, 1),
    "guided": guided_backprop(model, images, asked),
    "Grad-CAM at features.21": grad_cam(
        model, images, asked, saliency_layer="features.21"
    ),
    "Grad-CAM at features.8": grad_cam(model, images, asked, saliency_layer=middle),
    "excitation at features.8": excitation_backprop(
        model, images, asked, saliency_layer=middle
    ),
    "contrastive at features.8": contrastive_excitation_backprop(
        model, images, asked, saliency_layer=middle, contrast_layer="avgpool"
    ),
}
for name, maps in results.items():
    share, empty = share_of_asked(maps)
    print(f"{name:26} {share:.2f}   empty maps: {empty}")

# %% [markdown]
# Excitation backprop alone is no better here than guided backprop: being exact about *who contributed* does not make it about *this class*.
# With the contrast it is. And Grad-CAM, taken this far down, is a coin toss, and a third of its maps show nothing
# on either object.

# %% [markdown]
# ## 8 · Down the network, step by step
#
# The same slider as in lesson 04, with excitation backprop on it, plain and contrastive.
#
# *Try this: start at the top and go down one layer at a time, first with Grad-CAM, then with both kinds of excitation backprop. Which of them
# keeps its object? Then choose a class that is not in the picture.*

# %%
LayerExplorer(
    model,
    x,
    category_1,
    masks=scene.masks,
    methods=[
        "Excitation backprop",
        "Contrastive excitation backprop",
        "Grad-CAM",
        "Linear approximation",
    ],
)

# %% [markdown]
# ## 9 · On a photo
#
# EfficientNet-Lite0 has learned a thousand classes from photographs, and takes this one for a tripod. It is built of *linear bottlenecks*:
# widen the channels, filter each one on its own (a *depthwise* convolution), narrow them again, and add what came in. The library has rules for
# all of that, and `relevance_lost` keeps the books: layer by layer, the share of the relevance that no unit below takes.
#
# *All the relevance that starts at the tripod comes down to `features.3`, or is lost on the way. How much is lost?*

# %%
predict("lost_on_a_photo", [0, 5, 25, 60], unit="%")

# %%
lite, photo, tripod, _ = get_example_data("efficientnet_lite0", image="photographer")
class_name = example_class_names(photo[0])[tripod]

lost = relevance_lost(lite, photo, tripod, saliency_layer="features.3")
total = sum(lost.values()).item()
depthwise = sum(s for name, s in lost.items() if lite.get_submodule(name).groups > 1)
worst = max(lost, key=lost.get)
filters = lite.get_submodule(worst).weight
cannot = (filters.amax((1, 2, 3)) <= 0).float().mean()
reveal("lost_on_a_photo", 100 * total)
print(f"lost on the way to features.3: {total:.0%} of the relevance")
print(f"of that, at depthwise convolutions: {depthwise.item() / total:.0%}")
print(f"{worst} alone loses {lost[worst].item():.0%} of the relevance")
print(f"{cannot:.0%} of its filters have no positive weight")

at = {"saliency_layer": "features.3"}
with warnings.catch_warnings(action="ignore"):  # of the loss, which is printed above
    excitation = excitation_backprop(lite, photo, tripod, **at)
    contrastive = contrastive_excitation_backprop(
        lite, photo, tripod, contrast_layer="features.8", **at
    )
figures.relevance_on_photo(
    to_image("efficientnet_lite0", photo),
    class_name,
    {
        "excitation": excitation,
        "contrastive": contrastive,
        "Grad-CAM": grad_cam(lite, photo, tripod, saliency_layer="features.8"),
    },
    example_credit(photo[0]),
)

# %% [markdown]
# The map of excitation backprop speaks for less than half of the credit. All that is missing ended at depthwise convolutions. Such a filter sees
# one channel, through a small window. Where that channel is 0, nothing excites the filter's unit, and nothing holds it back: BatchNorm's
# shift alone has turned it on, and the score counts on it. A quarter of the filters in the worst layer have no positive weight. All that they
# can say is that something is *absent*, and absence has no pixel to be paid to. In section 6 it was five in a hundred thousand; here it is the
# larger part.
#
# So read such a map as what it is: *how the part of the score that was excited is divided*. Its sum tells you how large that part is, and no picture
# does. The contrast helps here too: what is left of it stands on the tripod's legs, in cells four times as fine as those of Grad-CAM.

# %% [markdown]
# ## Open task: a region that fits the object better than the contrast's
#
# The contrastive map at `features.8` is the one to beat, with anything you like: another layer, a rule of your own for sums or for the contrast,
# two maps multiplied, a blur, a method of an earlier lesson.
#
# How it is scored: on scenes that no lesson shows, for each object in turn. As many pixels are taken as the object has, those where your map is
# largest; your score is the part of them that lies on the object. So only the order of the pixels counts: to square a map gains nothing.


# %%
def better_map(model, x, target):
    """A map for one class of one image, (h, w) or (1, 1, h, w): the image's size, or a layer's."""
    ...  # your code here


# %%
beat("better_region", better_map)

# %% [markdown]
# ## What you learned
#
# - Excitation backprop shares the relevance of each unit among those that excited it: weight times activation, positive weights alone.
# - The product with a transposed matrix that you don't have is a gradient: so one autograd function serves convolution and pooling.
# - Conservation is an audit. On `tiny_vgg` it balances; on `tiny_resnet` it showed at once that a plain + copies relevance, 256 times over;
#   on a photo, that more than half of the credit goes to units that nothing excites.
# - What excites is not yet what distinguishes. The contrast asks "this class and not the others", and the map answers.
#
# **To keep:** *follow the credit down, see that it adds up, and ask what speaks against.*

# %%
lesson_end("05")

# %% [markdown]
# ## Where to read on
#
# - J. Zhang and others, [*Top-down neural attention by excitation backprop*](https://arxiv.org/abs/1608.00507), ECCV 2016: the rule, and
#   the contrast.
# - S. Bach and others, [*On pixel-wise explanations for non-linear classifier decisions by layer-wise relevance
#   propagation*](https://doi.org/10.1371/journal.pone.0130140), PLOS ONE 2015: other ways of sharing relevance, negative weights among them.
# - G. Montavon and others, [*Explaining nonlinear classification decisions with deep Taylor
#   decomposition*](https://arxiv.org/abs/1512.02479), Pattern Recognition 2017: where such rules come from.
# - K. He and others, [*Deep residual learning for image recognition*](https://arxiv.org/abs/1512.03385), CVPR 2016: the networks with the
#   sums.
#
# **Next:** [lesson 06](06_rise.ipynb). A method that asks for neither weights nor gradients.
