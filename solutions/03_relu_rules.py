# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 03 · Three ways back through a ReLU
#
# *55 minutes · ●●○*
#
# The map of the plain gradient looks like a handful of sand thrown at the right place. In 2014 and 2015 two papers found
# that far sharper pictures come out when the ReLU goes *back* another way. Nothing else changes: the same network, the
# same scores.
#
# You will build both, see the sharp pictures, and then ask the question that took the field three more years: does the
# sharp picture say what the network looked at?
#
# **After this lesson you can**
#
# - give a function a backward rule of your own;
# - build DeConvNet and guided backpropagation out of one line each;
# - measure how much a map depends on the class it is meant to explain;
# - tell when a method reaches every ReLU of a network, and when it only seems to.

# %%
import warnings
from contextlib import nullcontext

import torch
import torch.nn.functional as F
from torch import nn

from course_lib import plotting
from course_lib.attribution.backward_rules import BackwardRules
from course_lib.attribution.guided_backprop import guided_backprop
from course_lib.attribution.patch import Patch
from course_lib.exercises import check, hint, solution
from course_lib.plotting import Panel
from course_lib.world.examples import example_scene, get_example_data
from course_lib.world.networks import build_network
from course_lib.world.scenes import CLASSES, two_object_scenes

# %% [markdown]
# ## 1 · A ReLU decides twice
#
# On the way forward a ReLU lets a number through if it is positive: $y = \max(0, x)$.
#
# On the way back a number $p$ arrives for each $y$: how much the score would change if $y$ did. What does the ReLU hand on
# to $x$? Where the gate was open ($x > 0$), all of $p$. Where it was shut, wiggling $x$ changes nothing, so 0.
#
# Here is a ReLU layer of 5 × 5 units. `x` came in on the way forward, `p` comes in on the way back.
#
# *Take the top left corner and the unit right of it. What does the ordinary ReLU hand back for each of them? Write two
# numbers down, then run the cell.*

# %%
x = torch.tensor(
    [
        [ 2., -1.,  3.,  0., -2.],
        [-3.,  1.,  2., -1.,  4.],
        [ 1.,  0., -2.,  3., -1.],
        [-1.,  4., -3.,  2.,  1.],
        [ 3., -2.,  1., -4.,  2.],
    ]
)  # fmt: skip
p = torch.tensor(
    [
        [ 3.,  2., -1.,  4., -2.],
        [ 1., -3.,  2., -1., -2.],
        [-1.,  2.,  3.,  1., -4.],
        [ 2.,  1., -2., -3.,  3.],
        [-2., -1.,  4.,  1.,  1.],
    ]
)  # fmt: skip


def way_back(relu, x, p):
    """What `relu` hands back for x when p comes in."""
    leaf = x.clone().requires_grad_()
    return torch.autograd.grad(relu(leaf), leaf, p)[0]


plotting.gallery(
    [
        [
            Panel("numbers", x, "x: comes in", vmax=4),
            Panel("numbers", torch.relu(x), "y: goes on", vmax=4),
            Panel("numbers", p, "p: comes back", vmax=4),
            Panel("numbers", way_back(torch.relu, x, p), "handed back to x", vmax=4),
        ]
    ],
    caption="The ordinary ReLU: p passes where x was positive. What p is does not matter.",
    alt="Four grids of five by five numbers: x, the ReLU of x, the incoming gradient p, and what is handed back, which "
    "is p where x is positive and 0 elsewhere.",
)

# %% [markdown]
# ### Writing a rule yourself
#
# PyTorch lets you say both ways yourself, in a class. Here is the ordinary ReLU, written out:


# %%
class OrdinaryReLU(torch.autograd.Function):
    """y = max(0, x); backward: p where x > 0."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, p):
        (x,) = ctx.saved_tensors
        return torch.where(x > 0, p, 0)


print(
    "same as torch.relu:",
    torch.equal(way_back(OrdinaryReLU.apply, x, p), way_back(torch.relu, x, p)),
)

# %% [markdown]
# Four things to know:
#
# - You never make an object of the class. The function to call is `OrdinaryReLU.apply`.
# - `ctx` is a box that travels from forward to backward. What backward needs, forward puts in with `save_for_backward`.
# - `backward` returns one gradient for each input of `forward`. Here that is one tensor, of the shape of `x`.
# - `p` does not belong to you. Other branches of the network may get the same tensor, so make a new one and leave `p` as
#   it is. (`clamp` makes a new tensor, `clamp_` overwrites.)
#
# Nobody checks that `backward` is the true derivative of `forward`. That is the door through which both methods come in.

# %% [markdown]
# ## 2 · DeConvNet: ask the gradient  *(6 min, ●○○)*
#
# Zeiler and Fergus (2014) wanted to turn a network round: put one unit's activity in at the top and let a picture come
# out at the bottom. Their reversed network had ReLUs too, and these saw what flows *down*. In our words: a ReLU on the way
# back looks at $p$, and not at $x$.
#
# $$\text{DeConvNet:}\qquad p \;\text{ where }\; p > 0, \;\text{ else } 0$$
#
# **Write the class `DeConvNetReLU`**, an autograd function. Forward: an ordinary ReLU of `x` (a tensor of any shape).
# Backward: the rule above, same shape.


# %%
class DeConvNetReLU(torch.autograd.Function):
    """y = max(0, x); backward: p where p > 0."""

    @staticmethod
    def forward(ctx, x):
        ### BEGIN SOLUTION
        return x.clamp(min=0)
        ### END SOLUTION

    @staticmethod
    def backward(ctx, p):
        ### BEGIN SOLUTION
        return p.clamp(min=0)
        ### END SOLUTION


# %%
DeConvNetReLU = check("deconvnet_relu", DeConvNetReLU)

# %% [markdown]
# ## 3 · Guided backpropagation: ask both  *(6 min, ●○○)*
#
# Springenberg and others (2015) put the two gates in a row. A number passes back only where the unit was active *and* the
# gradient is positive: only units that were there, and that speak for the class.
#
# $$\text{guided:}\qquad p \;\text{ where }\; x > 0 \;\text{ and }\; p > 0, \;\text{ else } 0$$
#
# **Write the class `GuidedBackpropReLU`** in the same way.


# %%
class GuidedBackpropReLU(torch.autograd.Function):
    """y = max(0, x); backward: p where x > 0 and p > 0."""

    @staticmethod
    def forward(ctx, x):
        ### BEGIN SOLUTION
        ctx.save_for_backward(x)
        return x.clamp(min=0)
        ### END SOLUTION

    @staticmethod
    def backward(ctx, p):
        ### BEGIN SOLUTION
        (x,) = ctx.saved_tensors
        return torch.where((x > 0) & (p > 0), p, 0)
        ### END SOLUTION


# %%
GuidedBackpropReLU = check("guided_relu", GuidedBackpropReLU)

# %% [markdown]
# The three rules side by side. *Before you run it: in which of the three results are there the fewest numbers left?*

# %%
results = {
    "ordinary: x > 0": way_back(torch.relu, x, p),
    "DeConvNet: p > 0": way_back(DeConvNetReLU.apply, x, p),
    "guided: x > 0 and p > 0": way_back(GuidedBackpropReLU.apply, x, p),
}
for rule, result in results.items():
    print(f"{rule:25}{int((result != 0).sum()):3} of 25 numbers pass")

plotting.gallery(
    [
        [
            Panel("numbers", x, "x: came in", vmax=4),
            Panel("numbers", p, "p: comes back", vmax=4),
            None,
        ],
        [Panel("numbers", result, rule, vmax=4) for rule, result in results.items()],
    ],
    caption="Above, what a ReLU knows on the way back. Below, what each rule makes of it. The ordinary rule keeps negative "
    "numbers (blue); the other two hand on nothing but positive ones.",
    alt="Five grids of five by five numbers: x and p above; below, p where x is positive, p where p is positive, and p "
    "where both are positive.",
)

# %% [markdown]
# ## 4 · Into the network  *(7 min, ●●○)*
#
# Each ReLU of the network shall use your rule, and the network shall not be touched. You know how: `Patch`, from lesson 02
# (it has been imported above). Which name? `nn.ReLU` calls `F.relu`, and `F.relu` in turn calls
#
# - `torch.relu(x)`, or
# - `torch.relu_(x)`, with an underscore, when it was asked to work in place (`inplace=True`): then x is overwritten.
#
# So two signposts have to be turned.
#
# **Write the class `ReLUContext`.** `ReLUContext(relu_func)` takes an autograd function (the class, such as
# `GuidedBackpropReLU`). Inside `with ReLUContext(relu_func):` both `torch.relu` and `torch.relu_` are `relu_func.apply`.
# Before and after the `with` they are what they were, also after an exception, and the exception passes through.


# %%
class ReLUContext:
    """Inside `with`, torch's two ReLU functions go back by the rule of `relu_func`."""

    def __init__(self, relu_func):
        ### BEGIN SOLUTION
        self.relu_func = relu_func
        ### END SOLUTION

    def __enter__(self):
        ### BEGIN SOLUTION
        names = ("torch.relu", "torch.relu_")
        self.patches = [Patch(name, self.relu_func.apply) for name in names]
        return self
        ### END SOLUTION

    def __exit__(self, kind, error, traceback):
        ### BEGIN SOLUTION
        for patch in self.patches:
            patch.remove()
        ### END SOLUTION


# %%
ReLUContext = check("relu_context", ReLUContext)

# %% [markdown]
# Now the pictures. `saliency_map` does what you know from lesson 01: the gradient of one class's score at the picture, and
# from that the largest magnitude over the three colours. The rule that holds while the network runs *forward* decides how
# it goes back.

# %%
model, image, category_1, category_2 = get_example_data()
masks = example_scene().masks

contexts = {
    "gradient": nullcontext,
    "DeConvNet": lambda: ReLUContext(DeConvNetReLU),
    "guided": lambda: ReLUContext(GuidedBackpropReLU),
}


def saliency_map(x, target, make_context=nullcontext):
    """Maps (N, H, W) of a batch x; target: a class, or one class for each picture."""
    leaf = x.clone().requires_grad_()
    with make_context():
        scores = model(leaf)
    target = torch.as_tensor(target).expand(len(x))
    score = scores.gather(1, target[:, None]).sum()
    return torch.autograd.grad(score, leaf)[0].abs().amax(1)


with ReLUContext(GuidedBackpropReLU):
    inside = model(image)
print("the scores are the same, bit for bit:", torch.equal(inside, model(image)))

# %% [markdown]
# The scene shows two objects. One row of maps for each of the two classes; the object that the row is about has a solid
# outline, the other one a dotted one.
#
# *Before you run it: a good map answers a question about one class. So what should happen between the two rows?*


# %%
def row(target):
    name = CLASSES[target]
    maps = [
        Panel(
            "heat",
            saliency_map(image, target, make)[0],
            f"{method}, {name}",
            outlines=masks,
            focus=target,
        )
        for method, make in contexts.items()
    ]
    return [Panel("image", image, "the scene", outlines=masks, focus=target), *maps]


plotting.gallery(
    [row(category_1), row(category_2)],
    caption=f"Above, the maps of the class {CLASSES[category_1]}; below, those of {CLASSES[category_2]}. The sharper the "
    "method, the less it cares which of the two you asked for.",
    alt="Two rows of maps for the two classes of one scene. The gradient's maps are grainy and lie mostly on the object "
    "asked for. DeConvNet's and guided backprop's maps are sharper and show both objects in both rows.",
)

# %% [markdown]
# Guided backprop draws both objects with clean edges. And it draws them twice: ask about the one, ask about the other,
# the answer is nearly the same drawing.
#
# One scene is an anecdote. Let us measure.

# %% [markdown]
# ## 5 · How alike are the maps of two classes?  *(9 min, ●●○)*
#
# Take two maps of the same picture, $a$ for one class and $b$ for the other. Make each a long list of pixels, subtract its
# mean, and compare directions. That is the **correlation**:
#
# $$r = \frac{\sum_u (a_u - \bar a)(b_u - \bar b)}{\sqrt{\sum_u (a_u - \bar a)^2}\;\sqrt{\sum_u (b_u - \bar b)^2}}$$
#
# It is 1 when the maps are the same up to brightness and contrast, and around 0 when a bright pixel in one says nothing
# about the other. The means have to go: maps are nowhere negative, and without that step any two of them look alike.
#
# Two tools: `a.flatten(1)` turns shape `(N, H, W)` into `(N, H * W)`, and `a.mean(1, keepdim=True)` is one mean for each
# map, of shape `(N, 1)`.
#
# **Write `map_correlation(a, b)`.** `a` and `b` are float tensors of shape `(N, H, W)`, one map for each of N pictures.
# Return the N correlations of the pairs, shape `(N,)`.


# %%
def map_correlation(a, b):
    """Correlation of a[n] and b[n] over all pixels, for each n: shape (N,)."""
    ### BEGIN SOLUTION
    a = a.flatten(1)
    b = b.flatten(1)
    a = a - a.mean(1, keepdim=True)
    b = b - b.mean(1, keepdim=True)
    return (a * b).sum(1) / (a.norm(dim=1) * b.norm(dim=1))
    ### END SOLUTION


# %%
map_correlation = check("map_correlation", map_correlation)

# %% [markdown]
# Sixty scenes with two objects each, which the network has never seen in training. For each scene and each method: the
# maps of the two classes, and their correlation.
#
# *Before you run it, write down three numbers between 0 and 1: your guesses for gradient, DeConvNet and guided.*

# %%
scenes = list(two_object_scenes(60))
images = torch.cat([scene.x for scene in scenes])
first = torch.tensor([scene.objects[0] for scene in scenes])
second = torch.tensor([scene.objects[1] for scene in scenes])

maps_1 = {method: saliency_map(images, first, make) for method, make in contexts.items()}
maps_2 = {method: saliency_map(images, second, make) for method, make in contexts.items()}
correlations = {method: map_correlation(maps_1[method], maps_2[method]) for method in contexts}

print("correlation of the maps of two classes, 60 scenes")
for method, r in correlations.items():
    print(f"{method:10} median {r.median():.2f}")

# %%
fig, ax = plotting.subplots(width=7, height=2.6)
jitter = torch.rand(len(scenes), generator=torch.Generator().manual_seed(0)) - 0.5
for i, (method, r) in enumerate(correlations.items()):
    ax.scatter(r, i + 0.5 * jitter, s=16, alpha=0.6, linewidths=0)
    ax.plot([r.median()] * 2, [i - 0.36, i + 0.36], color="#1a1a1a")
ax.set_yticks(range(len(correlations)), correlations)
ax.invert_yaxis()
ax.set_xlim(-0.1, 1.02)
ax.set_xlabel("correlation of the maps of two classes in one scene")
plotting.show(
    fig,
    caption="One dot for each scene, a line at the median. Guided backprop gives two classes nearly the same map.",
    alt="Three rows of sixty dots. The gradient's correlations are lowest, DeConvNet's higher, guided backprop's close "
    "to one.",
)

# %% [markdown]
# Perhaps both maps are alike because both objects are there, and each map has a little of everything? So ask the exact
# masks too: of what a map puts on the two objects, how much lies on the one that you asked for? A map that can't tell them
# apart gets one half.


# %%
def share_on_own(maps, own, other):
    """Of what a map puts on the two objects, the share on its own one: shape (N,)."""
    on_own, on_other = [
        torch.stack(
            [(m * torch.from_numpy(s.masks[c])).sum() for m, s, c in zip(maps, scenes, classes)]
        )
        for classes in (own, other)
    ]
    return on_own / (on_own + on_other)


print("share of the map on the object asked for, mean of both classes")
for method in contexts:
    shares = torch.cat(
        [share_on_own(maps_1[method], first, second), share_on_own(maps_2[method], second, first)]
    )
    print(f"{method:10} {shares.mean():.0%}")

# %% [markdown]
# ## 6 · Why?
#
# Follow the two classes' gradients down through the network and compare them at every ReLU. At the top they are quite
# different: each class has its own weights there. How alike are they further down?
#
# The function below patches `torch.relu` once more, to take notes of the gradient that arrives at each ReLU's output.


# %%
def gradients_on_the_way(target, relu):
    """The gradients that come back to each ReLU, the last layer's first: tensors (N, C, H, W)."""
    notes = []

    def noting(x):
        y = relu(x)
        y.register_hook(notes.append)
        return y

    leaf = images[:20].clone().requires_grad_()
    with Patch("torch.relu", noting):
        scores = model(leaf)
    score = scores.gather(1, target[:20, None]).sum()
    torch.autograd.grad(score, leaf)
    return notes


rules = {
    "gradient": torch.relu,
    "DeConvNet": DeConvNetReLU.apply,
    "guided": GuidedBackpropReLU.apply,
}
likeness = {}
for method, relu in rules.items():
    pairs = zip(gradients_on_the_way(first, relu), gradients_on_the_way(second, relu))
    likeness[method] = [
        F.cosine_similarity(a.flatten(1), b.flatten(1)).mean().item() for a, b in pairs
    ]

for method, values in likeness.items():
    print(f"{method:10} last ReLU {values[0]:5.2f}   first ReLU {values[-1]:5.2f}")

# %%
depth = range(len(likeness["guided"]), 0, -1)
fig, ax = plotting.subplots(width=7, height=3)
for method, values in likeness.items():
    ax.plot(depth, values, marker="o", label=method)
ax.axhline(0, color="#bdbdbd", linewidth=0.8)
ax.set_xlim(len(depth) + 0.3, 0.7)
ax.set_xticks(depth)
ax.set_xlabel("ReLU, from the scores (left) down to the picture (right)")
ax.set_ylabel("cosine of the\ntwo classes' gradients")
ax.legend(loc="center left")
plotting.show(
    fig,
    caption="The further down, the more alike the two classes' gradients, if all that is negative has been thrown away on "
    "the way. The ordinary gradients stay apart.",
    alt="Three curves from the last ReLU to the first. All start together; the guided and DeConvNet curves climb towards "
    "one, the gradient's stays low.",
)

# %% [markdown]
# Two things happen at every layer.
#
# **Nothing cancels any more.** What speaks *against* a class comes as negative numbers. They are what keeps the map of the
# circle off the square: at the square, reasons for and against meet and cancel. Guided backprop deletes the reasons
# against at each ReLU. What is left are sums of positive numbers, and sums of many positive numbers resemble one another,
# as the average of many faces looks like everybody.
#
# **The gates come from the picture.** Where $x > 0$ is decided on the way forward, before anyone asks about a class. The
# more of the class is lost, the more the map shows the gates alone: edges and textures, wherever they are.
#
# So a sharp map is no sign of a good explanation. It shows what is in the picture, sharply.

# %% [markdown]
# ## 7 · Which ReLUs did you reach?  *(10 min, ●●●)*
#
# There is one more trap, a quieter one. Here is one small network, in six versions that differ in how they call their
# ReLU. All compute the same scores.

# %%
relu_imported_by_name = torch.relu  # what `from torch import relu` does

spellings = {
    "nn.ReLU()": nn.ReLU(),
    "nn.ReLU(inplace=True)": nn.ReLU(inplace=True),
    "F.relu(x)": lambda x: F.relu(x),
    "relu(x), imported by name": lambda x: relu_imported_by_name(x),
    "x.relu()": lambda x: x.relu(),
    "nn.ReLU6()": nn.ReLU6(),
}


class SmallNet(nn.Module):
    """Two convolutions and a linear layer, always with the same weights."""

    def __init__(self, relu):
        super().__init__()
        torch.manual_seed(0)
        self.conv1, self.conv2 = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3)
        self.fc = nn.Linear(8, 4)
        self.relu = relu

    def forward(self, x):
        x = self.relu(self.conv1(x))
        x = self.relu(self.conv2(x))
        return self.fc(x.mean((2, 3)))


networks = {spelling: SmallNet(relu).eval() for spelling, relu in spellings.items()}
for spelling, network in networks.items():
    print(f"{spelling:27}", [f"{score:.3f}" for score in network(image)[0].tolist()])

# %% [markdown]
# *Lesson 02 should let you predict this one: in which of the six does `ReLUContext` reach the ReLUs?*


# %%
def gradient_in(network, make_context):
    leaf = image.clone().requires_grad_()
    with make_context():
        score = network(leaf)[0, 0]
    return torch.autograd.grad(score, leaf)[0]


def reached(network, make_context):
    """Whether the gradient inside the context is another than the ordinary one."""
    return not torch.equal(gradient_in(network, make_context), gradient_in(network, nullcontext))


for spelling, network in networks.items():
    answer = (
        "reached"
        if reached(network, contexts["guided"])
        else "missed: this is the ordinary gradient"
    )
    print(f"{spelling:27} {answer}")

# %% [markdown]
# Three are missed, each for a reason of its own: a copy of the signpost (imported by name), another owner
# (`torch.Tensor`), another function (ReLU6, a ReLU with a ceiling at 6, is a `hardtanh` inside). You get a map, it looks
# like one, and it is the plain gradient. This has happened in well-known libraries.
#
# `BackwardRules` from lesson 02 takes a table from a torch function to an autograd function, and stays in its thread.
# `BackwardRules({F.relu: SomeReLU})` covers the ReLU in every spelling. As before, the context has to be active while the
# network runs forward.
#
# **Write `guided_map(model, x, target)`.** `x` is a batch of pictures `(N, 3, H, W)`, `target` a class (an int). Return guided
# backprop's maps, the largest magnitude over the colours, of shape `(N, 1, H, W)`. Leave no trace: `x` still needs no
# gradient afterwards, and the model's parameters have received none.


# %%
def guided_map(model, x, target):
    """Guided backprop with BackwardRules: maps of class target, (N, 1, H, W)."""
    ### BEGIN SOLUTION
    leaf = x.detach().clone().requires_grad_()
    with BackwardRules({F.relu: GuidedBackpropReLU}):
        score = model(leaf)[:, target].sum()
    (gradient,) = torch.autograd.grad(score, leaf)
    return gradient.abs().amax(1, keepdim=True)
    ### END SOLUTION


# %%
guided_map = check("guided_map", guided_map)

# %% [markdown]
# The table again, now with the mode. It also speaks up when it meets a nonlinearity that it has no rule for.

# %%
for spelling, network in networks.items():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = reached(network, lambda: BackwardRules({F.relu: GuidedBackpropReLU}))
    print(f"{spelling:27} {'reached' if found else 'missed'}")
    for warning in caught:
        print("   warning:", warning.message)

# %% [markdown]
# The five spellings of the ReLU are reached. The ReLU6 is another function, so it needs a rule of its own: its gate is open
# only between 0 and 6. Now you are told. The library's `guided_backprop` has both rules in its table; on a network of the
# MobileNet kind, which is full of ReLU6, the difference shows.

# %%
mobile = build_network("tiny_mobilenet").eval()
print(
    "ReLU6 layers in tiny_mobilenet:",
    sum(isinstance(module, nn.ReLU6) for module in mobile.modules()),
)
print("reached by ReLUContext:        ", reached(mobile, contexts["guided"]))

guided = guided_backprop(mobile, image, 0)
plain = gradient_in(mobile, nullcontext).abs().amax(1, keepdim=True)
print("reached by guided_backprop:    ", not torch.allclose(guided, plain))
print(
    "on our VGG it is your map:     ",
    torch.allclose(guided_backprop(model, image, 0), guided_map(model, image, 0)),
)

# %% [markdown]
# ## What you learned
#
# - A backward rule is a choice. Autograd offers the derivative; you can put anything in its place, and the scores stay
#   what they are.
# - Ordinary: p where x > 0. DeConvNet: p where p > 0. Guided: p where both.
# - Throwing the negative away sharpens the map and loses the question. The maps of two classes became nearly the same, and
#   you have a number for it.
# - A method that changes functions must reach all of them. Test it on each spelling, or use a tool that speaks up.
#
# **A sentence to keep:** *a map that hardly changes with the question is not the answer to it.*
#
# ### Where to read on
#
# - M. Zeiler and R. Fergus, *Visualizing and understanding convolutional networks*, ECCV 2014: DeConvNet.
# - J. T. Springenberg, A. Dosovitskiy, T. Brox and M. Riedmiller, *Striving for simplicity: the all convolutional net*,
#   ICLR workshop 2015: guided backpropagation, with the figure of the three rules.
# - A. Mahendran and A. Vedaldi, *Salient deconvolutional networks*, ECCV 2016: what the reversed network really shows.
# - W. Nie, Y. Zhang and A. Patel, *A theoretical explanation for perplexing behaviors of backpropagation-based
#   visualizations*, ICML 2018: guided backprop as recovery of the picture.
# - J. Adebayo and others, *Sanity checks for saliency maps*, NeurIPS 2018: the same map from a network with random weights.
# - L. Sixt, M. Granz and T. Landgraf, *When explanations lie: why many modified BP attributions fail*, ICML 2020: why
#   positive sums converge.
#
# **Next:** `04_layers`. Perhaps the picture is the wrong place to look.
