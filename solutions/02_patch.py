# %% [markdown]
# # Change a function without touching its users
#
# *Lesson 02 · 60 minutes · ●●○*
#
# In the next lesson you will change what a ReLU does on the way *back* through a network. The first picture below shows
# why anybody would want to. The network calls its ReLU somewhere deep inside, in code that you did not write: a module,
# inside a module, inside a library.
#
# You could rewrite the network. Here you learn to leave it as it is and to change, for a moment, what the name
# `torch.relu` stands for. That is easy to do. The art is to leave nothing behind.
#
# **After this lesson you can**
#
# - find the object behind a dotted name such as `"torch.nn.functional.relu"`;
# - replace a function and put it back, whatever happens in between;
# - look into a network without changing a line of it;
# - say who else sees the replacement, and use a way in which nobody else does.

# %%
import importlib
import threading
from types import SimpleNamespace

import torch
import torch.nn.functional as F
from torch import nn

from course_lib import beat, check, hint, lesson_end, predict, reveal, solution
from course_lib.attribution.common import BackwardRules
from course_lib.attribution.gradient import gradient as gradient_map
from course_lib.attribution.guided_backprop import guided_backprop
from course_lib.figures import lesson_02
from course_lib.world.examples import get_example_data
from course_lib.world.scenes import CLASSES

# %%
model, x, category_1, category_2 = get_example_data("tiny_vgg")

usual = gradient_map(model, x, category_1)
other = guided_backprop(model, x, category_1)
lesson_02.what_it_is_for(x, category_1, usual, other)

# %% [markdown]
# How is that done? Step by step.
#
# ## 1 · A name is a signpost
#
# `torch` is an object, a module. In it stands a signpost with the name `relu`, and it points to a function. Whoever
# writes `torch.relu(x)` goes to `torch`, reads the signpost **at that moment**, and calls what it points to.
#
# A signpost can be turned. The next cell turns it, from the ReLU to `torch.neg`, the function that changes the sign.
# It does so after the layer has been made.
#
# Before and in between it prints what the layer makes of five numbers. What will the second line say: the same as the first, as the layer
# was there before; the numbers with their signs changed; or is it an error?

# %%
predict("turned", ["the same", "signs changed", "an error"])

# %%
x = torch.tensor([-3.0, -2.0, -1.0, 1.0, 2.0])
layer = nn.ReLU()
early = torch.relu

print("before        ", layer(x).tolist())
torch.relu = torch.neg
turned = layer(x)
print("turned        ", turned.tolist())
print("turned, early ", early(x).tolist())
torch.relu = early
print("turned back   ", layer(x).tolist())

reveal("turned", "signs changed" if turned.equal(-x) else "the same")

# %% [markdown]
# `nn.ReLU` holds no function. Each time it runs, it calls `F.relu`, and that reads the signpost `torch.relu`.
#
# `early` is another signpost. It was set when `torch.relu` still pointed to the ReLU, and nobody has turned it since.

# %%
lesson_02.signposts()

# %% [markdown]
# ## 2 · From a name to its owner  *(8 min, ●●○)*
#
# To turn a signpost you need two things: the object on which it stands, its **owner**, and the name written on it. In
#
#     torch.nn.functional.relu
#
# the owner is the module `torch.nn.functional`, and the name is `relu`. With both in hand,
# `getattr(owner, "relu")` reads the signpost and `setattr(owner, "relu", other)` turns it.
#
# How to get from the text to the owner? Start at the first part and walk. Two tools do it:
#
# - `importlib.import_module("a.b")` imports a module and returns it;
# - `getattr(owner, "b")` takes one step down from an object.
#
# Neither does it alone, as the next cell shows.

# %%
# 1. The owner may be a class. A class can't be imported by its path, only reached.
try:
    importlib.import_module("torch.Tensor")
except ModuleNotFoundError as error:
    print("import_module('torch.Tensor'):", error)
part = "Tensor"
print("getattr(torch, 'Tensor'):     ", getattr(torch, part))

# 2. A submodule that nobody has imported yet is no attribute of its package.
import wsgiref  # a small package of Python's standard library

print("wsgiref.headers is there:     ", hasattr(wsgiref, "headers"))
importlib.import_module("wsgiref.headers")
print("after importing its path:     ", hasattr(wsgiref, "headers"))

# %% [markdown]
# So: import the first part, then walk down with `getattr`, and where a part is missing, import the path up to there
# before you take the step.
#
# **Write `resolve(name)`.** `name` is a text with at least one dot, such as `"torch.nn.functional.relu"`. Return a pair:
# the owner (an object) and the last part of the name (a text).


# %%
def resolve(name):
    """Owner of the last part of a dotted name, and that last part: (object, str)."""
    ### BEGIN SOLUTION
    first, *rest, attribute = name.split(".")
    path = first
    owner = importlib.import_module(first)
    for part in rest:
        path = path + "." + part
        if not hasattr(owner, part):
            importlib.import_module(path)
        owner = getattr(owner, part)
    return owner, attribute
    ### END SOLUTION


# %%
resolve = check("resolve", resolve)

# %% [markdown]
# Stuck? `hint("resolve")` in a cell of its own gives a hint, and another one each time you run it. `solution("resolve")`
# shows an answer.
#
# With it you can ask where the ReLU has its signposts. It has several:

# %%
for name in (
    "torch.relu",
    "torch.relu_",
    "torch.nn.functional.relu",
    "torch.Tensor.relu",
):
    owner, attribute = resolve(name)
    print(f"{name:26} owner: {owner.__name__:20} name: {attribute}")

# %% [markdown]
# Three owners, four signposts. Keep that in mind: to turn one of them is not to turn them all.

# %% [markdown]
# ## 3 · Put it back, whatever happens  *(7 min, ●○○)*
#
# Turn, work, turn back: three steps. What if the work in the middle fails? Here `layer` gets a text, which no ReLU can
# digest. The last line gives the layer numbers again: -3, -2, -1, 1 and 2. What does it print?

# %%
predict(
    "after_the_failure", ["0, 0, 0, 1, 2", "3, 2, 1, -1, -2", "nothing: it is an error"]
)

# %%
layer = nn.ReLU()
numbers = torch.tensor([-3.0, -2.0, -1.0, 1.0, 2.0])


def work(replacement, argument):
    original = torch.relu
    torch.relu = replacement
    result = layer(argument)
    torch.relu = original
    return result


try:
    work(torch.neg, "a text, not a tensor")
except TypeError:
    print("The work failed. So we go on with something else:")

print("layer(numbers):", layer(numbers).tolist())
reveal("after_the_failure", ", ".join(f"{number:g}" for number in layer(numbers)))

# %% [markdown]
# From now on every ReLU in this notebook changes signs, and no message says so. The exception left `work` at the line
# where it happened, and the line that turns back never ran.
#
# Python has a word for "on every way out":
#
#     try:
#         return something()
#     finally:
#         clean_up()          # runs after a return as after an exception, which then goes on
#
# First put the ReLU back (`early` still knows it):

# %%
torch.relu = early
print("layer(numbers):", layer(numbers).tolist())

# %% [markdown]
# **Write `run_with(owner, attribute, replacement, function)`.** While `function()` runs, `owner.attribute` is
# `replacement`. Return what `function()` returns. Afterwards the attribute is as it was, also when `function()` raises,
# whatever it raises (a `KeyboardInterrupt`, too, if you press *stop*); the exception must reach the caller.


# %%
def run_with(owner, attribute, replacement, function):
    """What function() returns while owner.attribute is replacement.

    Puts the original back.
    """
    ### BEGIN SOLUTION
    original = getattr(owner, attribute)
    setattr(owner, attribute, replacement)
    try:
        return function()
    finally:
        setattr(owner, attribute, original)
    ### END SOLUTION


# %%
run_with = check("run_with", run_with)

# %% [markdown]
# Now use it on a real network. `get_example_data` gives you the course's small VGG and a scene with two objects. What
# does the network say about the scene when its ReLUs let a tenth of the negative numbers through (a *leaky* ReLU)? And when
# they let everything through? Not a line of the network is changed for it.
#
# With its ReLUs the network says yes to two of the eight classes, those that are there. To how many will it say yes when the ReLUs let
# everything through?

# %%
predict("without_relus", [0, 2, 4, 6, 8])

# %%
model, x, category_1, category_2 = get_example_data("tiny_vgg")


def leaky(x):
    return F.leaky_relu(x, 0.1)


def identity(x):
    return x


replacements = {"ReLU": torch.relu, "leaky ReLU (0.1)": leaky, "identity": identity}
probabilities = {
    name: run_with(torch, "relu", function, lambda: model(x).sigmoid()[0])
    for name, function in replacements.items()
}

for name, p in probabilities.items():
    print(f"{name:16} says yes to:", *[c for c, y in zip(CLASSES, p > 0.5) if y])

reveal("without_relus", (probabilities["identity"] > 0.5).sum())
lesson_02.probabilities(x, probabilities)

# %% [markdown]
# The leaky ReLUs do no harm here. Without ReLUs the network says yes to six of the eight classes, and no to one of the two
# that are there.
#
# ## 4 · A patch that you can hold  *(13 min, ●●●)*
#
# `run_with` wants all your work packed into one function. More comfortable is an object that is a replacement: it comes
# into being, and until you remove it, the signpost is turned. Such a thing is called a **patch**.
#
#     patch = Patch("torch.relu", torch.neg)     # turned from here on
#     ...
#     patch.remove()                             # turned back
#
#     with Patch("torch.relu", torch.neg):       # turned inside
#         ...                                    # turned back afterwards, also after an exception
#
# For the second form Python calls two methods of the object: `__enter__(self)` at the beginning (what it returns is what
# `with ... as name` binds), and `__exit__(self, kind, error, traceback)` on every way out. After an exception the three
# arguments describe it, else they are None. If `__exit__` returns something true, Python takes the exception as dealt
# with and forgets it.
#
# One question is left, and it is where most such classes go wrong. What if two patches stand on the same signpost?

# %%
desk = SimpleNamespace(tool="the original")

remembered_by_1 = desk.tool  # patch 1 remembers the original ...
desk.tool = "the tool of patch 1"
remembered_by_2 = desk.tool  # ... and patch 2 remembers what it finds
desk.tool = "the tool of patch 2"

# %% [markdown]
# Patch 1 is removed first, then patch 2. What lies on the desk when both are gone?

# %%
predict("desk", ["the original", "the tool of patch 1", "the tool of patch 2"])

# %%
desk.tool = remembered_by_1
print("patch 1 is removed:", desk.tool)
desk.tool = remembered_by_2
print("patch 2 is removed:", desk.tool)
reveal("desk", desk.tool)

# %% [markdown]
# First the working patch 2 is wiped out without being asked, and then patch 1 rises again, for good. Patches have to come
# off like clothes: the last one on is the first one off. A good patch looks before it acts: does the signpost still point
# to *my* replacement? If not, removing me is **stale**, and I refuse.
#
# **Write the class `Patch`.**
#
# - `Patch(target, new_callable)`: `target` is a dotted name (text); from now on the name stands for `new_callable`.
# - `remove()` puts the original back. Called again, it does nothing, whatever the name stands for by then. If the patch is
#   still on and the name stands for something else than `new_callable`, it raises a `ValueError` and changes nothing.
# - `with Patch(...) as patch:` gives the patch itself, and removes it on every way out. Exceptions pass through.


# %%
class Patch:
    """`target` stands for `new_callable` until remove() or the end of `with`."""

    def __init__(self, target, new_callable):
        ### BEGIN SOLUTION
        self.owner, self.attribute = resolve(target)
        self.original = getattr(self.owner, self.attribute)
        self.replacement = new_callable
        setattr(self.owner, self.attribute, new_callable)
        self.active = True
        ### END SOLUTION

    def remove(self):
        """Put the original back; ValueError if somebody has replaced the name since."""
        ### BEGIN SOLUTION
        if not self.active:
            return
        if getattr(self.owner, self.attribute) is not self.replacement:
            raise ValueError(
                f"{self.attribute} has been replaced since: remove that patch first."
            )
        setattr(self.owner, self.attribute, self.original)
        self.active = False
        ### END SOLUTION

    def __enter__(self):
        ### BEGIN SOLUTION
        return self
        ### END SOLUTION

    def __exit__(self, kind, error, traceback):
        ### BEGIN SOLUTION
        self.remove()
        ### END SOLUTION


# %%
Patch = check("patch", Patch)

# %% [markdown]
# Two patches, taken off in the wrong order:

# %%
first = Patch("torch.relu", torch.neg)
second = Patch("torch.relu", torch.abs)
try:
    first.remove()
except ValueError:
    print("refused; the layer still gives", layer(numbers).tolist())

second.remove()
first.remove()
print("both are off; the layer gives ", layer(numbers).tolist())

# %% [markdown]
# ## 5 · Look into a network  *(8 min, ●●○)*
#
# A replacement need not change anything. It may do what the original does, and take notes.
#
# It has to call the original for that. Which one is that? Inside the patch, the name `torch.relu` stands for the
# replacement itself: a replacement that calls `torch.relu` calls itself, without end. So get hold of the original
# **before** you patch:
#
#     owner, attribute = resolve(name)
#     original = getattr(owner, attribute)
#
# And it has to pass on whatever it gets, as others may call it with keywords: `def counting(*args, **kwargs)` takes all
# arguments, and `original(*args, **kwargs)` hands them on.
#
# **Write `count_calls(name, function)`.** `name` is a dotted name, `function` takes no argument. Run `function()` once and
# return how often `name` was called meanwhile (an int). Nobody may notice: the calls return what they always return, and
# afterwards the name is as before.


# %%
def count_calls(name, function):
    """How often the dotted name `name` is called while function() runs."""
    ### BEGIN SOLUTION
    owner, attribute = resolve(name)
    original = getattr(owner, attribute)
    calls = 0

    def counting(*args, **kwargs):
        nonlocal calls
        calls += 1
        return original(*args, **kwargs)

    with Patch(name, counting):
        function()
    return calls
    ### END SOLUTION


# %%
count_calls = check("count_calls", count_calls)

# %% [markdown]
# The layers of the network's first part:

# %%
print(" → ".join(type(module).__name__ for module in model.features))

# %% [markdown]
# How often does the network call `torch.relu` for one picture?

# %%
predict("relu_calls", [1, 5, 9, 18])

# %%
calls = count_calls("torch.relu", lambda: model(x))
print("torch.relu:", calls)
reveal("relu_calls", calls)

# %% [markdown]
# There are as many convolutions. `nn.Conv2d` calls `F.conv2d`, and that is the very same function object as
# `torch.conv2d`:

# %%
print("F.conv2d is torch.conv2d:", F.conv2d is torch.conv2d)

# %% [markdown]
# So what does the next cell count, for the one name and for the other?

# %%
predict("two_names", ["the same for both", "0 for torch.conv2d", "0 for F.conv2d"])

# %%
of_functional = count_calls("torch.nn.functional.conv2d", lambda: model(x))
of_torch = count_calls("torch.conv2d", lambda: model(x))
print("torch.nn.functional.conv2d:", of_functional)
print("torch.conv2d:              ", of_torch)

if of_functional == of_torch:
    reveal("two_names", "the same for both")
else:
    reveal("two_names", f"0 for {'F' if of_torch else 'torch'}.conv2d")

# %% [markdown]
# One function, two signposts, like `early` at the beginning. The network reads the one on `torch.nn.functional`; turning
# the other changes nothing for it, and no error tells you. Keep this in mind whenever a patch seems to have no effect.
#
# The same trick, with more to write down than a count: how large a share of its units does a ReLU let through, on average?

# %%
predict("open_units", [5, 25, 45, 65, 85], unit="%")

# %%
shares = []
relu = torch.relu


def recording(x):
    y = relu(x)
    shares.append((y > 0).float().mean().item())
    return y


with Patch("torch.relu", recording):
    model(x)

print(f"from {min(shares):.0%} to {max(shares):.0%}")
reveal("open_units", 100 * sum(shares) / len(shares))
lesson_02.open_units(shares)

# %% [markdown]
# At every depth, four or five units in ten are above zero.
#
# ## 6 · Who else sees it?  *(8 min, ●●○)*
#
# Imagine a web page that explains pictures. It serves two visitors at once, in two **threads** of one program: they run
# side by side and share everything, also the module `torch`, and the signposts on it.
#
# Visitor A asks for a map with a changed ReLU, so thread A holds a patch for a while. Visitor B asks for the ordinary
# gradient, at the same time.

# %%
lesson_02.two_threads()

# %% [markdown]
# Such a meeting happens by chance. To study it we arrange it: two *events* make each thread wait for the other, so that it
# happens every time. (This cell is plumbing. Read on below it.)


# %%
def gradient():
    """Gradient of the score of category_1 at the picture."""
    leaf = x.clone().requires_grad_()
    return torch.autograd.grad(model(leaf)[0, category_1], leaf)[0]


def meet(make_context):
    """Gradients of thread A, in its context, and of thread B at the same time."""
    gradients = {}
    a_is_inside, b_is_done = threading.Event(), threading.Event()

    def a():
        with make_context():
            gradients["A"] = gradient()
            a_is_inside.set()
            b_is_done.wait(timeout=10)

    def b():
        a_is_inside.wait(timeout=10)
        gradients["B"] = gradient()
        b_is_done.set()

    threads = [threading.Thread(target=a), threading.Thread(target=b)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return gradients


def difference(g, other):
    """How far g is from another gradient, as a share of that one's size."""
    return ((g - other).norm() / other.norm()).item()


ordinary = gradient()

# %% [markdown]
# How far will B's gradient be from the ordinary one?

# %%
predict("b_differs", [0, 5, 20, 100], unit="%")

# %%
with_patch = meet(lambda: Patch("torch.relu", leaky))

print(
    "A asked for leaky ReLUs, its gradient differs by "
    f"{difference(with_patch['A'], ordinary):4.0%}"
)
print(
    "B asked for nothing,     its gradient differs by "
    f"{difference(with_patch['B'], ordinary):4.0%}"
)
print(
    "from each other, the two differ by          "
    f"{difference(with_patch['B'], with_patch['A']):4.0%}"
)
reveal("b_differs", 100 * difference(with_patch["B"], ordinary))

# %% [markdown]
# B got A's answer. No error, no warning, and when B looks again a second later, all is well. That is the worst kind of
# bug, and no care inside `Patch` can help: a signpost has one direction at a time, and all threads read the same one.
#
# ### A way that stays in its thread
#
# PyTorch offers another place to step in. Before it carries out a torch function, it looks at a pile of **modes**, and
# lets the topmost handle the call. Every thread has a pile of its own. The course's `BackwardRules` is such a mode. It
# holds a table, from a torch function to what shall be done in its place:


# %%
def leaky_rule(func, args, kwargs):
    """What to do in the place of func(*args, **kwargs)."""
    return leaky(args[0])


with_rules = meet(lambda: BackwardRules({F.relu: leaky_rule}))

print(
    "A asked for leaky ReLUs, its gradient differs by "
    f"{difference(with_rules['A'], ordinary):4.0%}"
)
print(
    "B asked for nothing,     its gradient differs by "
    f"{difference(with_rules['B'], ordinary):4.0%}"
)
print(
    "A's gradient, from the one with the patch:  "
    f"{difference(with_rules['A'], with_patch['A']):4.0%}"
)

# %%
lesson_02.gradients_of_threads(
    {"Patch": with_patch, "BackwardRules": with_rules}, usual=ordinary
)

# %% [markdown]
# The table is keyed by the *function*, not by one of its signposts: the entry `F.relu` stands for `torch.relu`,
# `x.relu()`, `early` and the in-place spellings as well. And as nothing is turned, there is nothing to turn back: the mode
# leaves the pile at the end of `with`, and no exception can leave it there.
#
# So when do you take which? A patch for a quick look, in a script or a test with one thread, and for functions that are
# not PyTorch's. A mode for everything that others will use. The course's own library changes ReLUs with modes only; in
# the next lesson you will use both.

# %% [markdown]
# ## Open task: another ReLU for a better map
#
# You can put any function in the place of `torch.relu`, and so you can change a map. Here is the plainest one of the score of an object: the
# gradient's size at each pixel, the largest of the three colours. How much of it lies on the object that was asked for?
#
# **Write `my_relu(x)`**, so that with it, in the place of `torch.relu`, as much of the gradient as possible lies there. It gets a tensor of any
# shape and returns one of the same shape. The network stays as it is; it may even say nonsense, since the map alone counts. It is scored on
# twelve scenes that no lesson shows, and what there is to beat is the ReLU itself. There are no points; `beat` keeps your best.
#
# Inside `my_relu` the name `torch.relu` stands for `my_relu` itself. The original is in `relu`, since section 5.


# %%
def my_relu(x):
    """What stands in the place of torch.relu."""
    ...  # your code here


# %%
beat("better_relu", my_relu)

# %% [markdown]
# ## What you learned
#
# - A name is a signpost, read each time it is used. Turn it, and all who read it afterwards go elsewhere; copies of the
#   signpost are not turned.
# - What you change you put back in a `finally`, or in an `__exit__`, because the way out is not always the end of the
#   function.
# - Patches come off in the reverse order. One that looks before it acts can refuse; one that does not loses other
#   people's work.
# - A patch is seen by the whole program. Where two things happen at once, B gets A's answer, and nothing tells it.
#
# **To keep:** a patch changes the world for a moment; a mode changes it for you alone.

# %%
lesson_end("02")

# %% [markdown]
# ## Where to read on
#
# - Python documentation, `unittest.mock.patch`, above all the section
#   [Where to patch](https://docs.python.org/3/library/unittest.mock.html#where-to-patch): patches for tests, by people who
#   have met all these traps.
# - Python documentation, [contextlib](https://docs.python.org/3/library/contextlib.html): `ExitStack`, for several contexts
#   at once.
# - PyTorch documentation, [torch.overrides](https://docs.pytorch.org/docs/stable/torch.overrides.html):
#   `TorchFunctionMode`, the piles of modes.
#
# **Next:** [lesson 03](03_relu_rules.ipynb). What happens to a map when the ReLU goes back another way?
