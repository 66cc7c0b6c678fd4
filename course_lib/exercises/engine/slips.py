"""Says in the learner's words what the commonest raw errors of Python and PyTorch mean."""

from __future__ import annotations

import re
from collections.abc import Sequence

_FORM = "Combine masks with `&`, and put each comparison in brackets: `(x > 0) & (p > 0)`."

_MEANINGS: tuple[tuple[str, str], ...] = (
    (
        r"Boolean value of Tensor with more than one value is ambiguous",
        "`and`, `or`, `not` and `if` want a single yes or no, and a comparison of tensors has one "
        f"for each entry. {_FORM} Entry by entry, `torch.where` chooses between two values, and "
        "`clamp(min=0)` does what Python's `max` can't.",
    ),
    (
        r'"bitwise_(?:and|or)\w*" not implemented for',
        "`&` binds more tightly than `>`: Python reads `x > 0 & p > 0` as `x > (0 & p) > 0`. "
        f"{_FORM}",
    ),
    (
        r"'torch\.return_types\.max'",
        "`torch.max(a, 0)` looks for the largest entry along dimension 0, and gives two "
        "things: the values, and where they are. To cut each entry off at 0, write "
        "`a.clamp(min=0)`.",
    ),
    (
        r"only integer tensors of a single element can be converted to an index",
        "Here one whole number is wanted, and this is another tensor. An end of a slice is made "
        "whole by `int(...)` or `.long()`. If it is a tuple that you index or multiply, unpack it "
        "first, `(a,) = ...`: `torch.autograd.grad`, `ctx.saved_tensors`, `.sort()` and "
        "`torch.max(a, 0)` give tuples, even of one tensor.",
    ),
    (
        r"must match the size of tensor b|must match the existing size|"
        r"Expected size for first two dimensions of batch2",
        "The shapes don't fit. PyTorch lays them side by side from the *last* dimension back, and "
        "each pair must be equal, or one of the two a 1. `.view(-1, 1, 1, 1)` and `[:, None]` make "
        "dimensions of size 1 where they are missing.",
    ),
    (
        r"stack expects each tensor to be equal size",
        "`torch.stack` wants tensors of one shape, and these differ. Print their shapes: a slice "
        "that reaches beyond the end gives less, without a word.",
    ),
    (
        r"index -?\d+ is out of bounds for dimension (\d+) with size",
        "Dimension {0} has fewer entries than that. Perhaps the index belongs to the dimension "
        "after it, as where the first one counts the images of a batch: `scores[0, c]`.",
    ),
    (
        r"'type' object does not support the context manager protocol",
        "After `with` stands something that was made, and this is what it is made from. The "
        "brackets make it: `with torch.no_grad():`.",
    ),
    (
        r"slice indices must be integers",
        "A slice counts in whole numbers, and `/` gives others: divide with `//`, or round with "
        "`int(...)`.",
    ),
    (
        r"tensors used as indices must be long",
        "An index says *where*, in whole numbers or yes and no, and these are values. `argsort` "
        "and `argmax` give places.",
    ),
    (
        r"argument '\w+' \(position \d+\) must be Tensor, not (?:int|float)",
        "This function of `torch` takes a tensor, and this is a number of Python's. `math` has the "
        "same for numbers, and `** 0.5` takes a root of both.",
    ),
    (
        r"can't assign a \w+ to a torch\.",
        "Make a tensor of it first: `torch.tensor([...])`.",
    ),
    (
        r"only one element tensors can be converted to Python scalars",
        "A single number is wanted here, and this tensor holds several. Tensors are joined by "
        "`torch.cat` or `torch.stack`, not by `torch.tensor`; and a whole tensor is rounded by "
        "`.floor()` or `.long()`, not by `int`.",
    ),
    (
        r"Trying to backward through the graph a second time",
        "A way back is gone once: `backward` frees what it needed. Add up first what you want the "
        "gradient of, with `.sum()`, and go back from the sum.",
    ),
    (
        r"ZeroDivisionError",
        "You divide by 0: there may be none of what you count. Look for that first.",
    ),
    (
        r"has no attribute '\w+\.[\w.]+'",
        "`getattr` finds one name, and this is several, with dots between them. "
        "`model.get_submodule(name)` follows them.",
    ),
    (
        r"grad can be implicitly created only for scalar outputs",
        "A gradient is taken of one number, and this is a tensor of several. Add them up first, "
        "with `.sum()`.",
    ),
    (
        r"mat1 and mat2 shapes cannot be multiplied",
        "In `A @ B`, A needs as many columns as B has rows. Does one of the two have to be "
        "transposed, `.T`?",
    ),
    (
        r"cannot access local variable '(\w+)'",
        "`{0}` is given a value somewhere in this function, so Python takes it for a name of the "
        "function's own, and here it has no value yet. If the one outside is meant, write "
        "`nonlocal {0}` as the function's first line.",
    ),
    (
        r"No module named '(F|nn)'",
        "`{0}` is a short name that holds in your notebook only. By its full name it is "
        "`torch.nn{functional}`.",
    ),
    (
        r"'builtin_function_or_method' object has no attribute '(?:apply|forward|backward)'",
        "This is already the `apply` of an autograd function. The class itself is asked for, "
        "without `.apply`.",
    ),
    (
        r"\b(forward|backward)\(\) takes (\d+) positional arguments? but",
        "PyTorch calls `{0}` with `ctx` first, and then with one thing for each {counterpart}.",
    ),
    (
        r"appears to not have been used in the graph|does not require grad and does not have a "
        r"grad_fn",
        "Nothing leads back from the result to the tensor whose gradient is asked for. `detach`, "
        "`.data` and `torch.no_grad()` cut the way; so does a `backward` without a `return`.",
    ),
)

_CALLED_ITSELF = "should not be instantiated"


def meaning(error_line: str, warned: Sequence[str] = ()) -> str:
    """What an error means, or nothing where it is none of the common ones.

    Args:
        error_line: the error's last line, `"RuntimeError: Boolean value of ..."`; may be empty.
        warned: what Python warned of meanwhile.
    """
    if any(_CALLED_ITSELF in warning for warning in warned):
        return (
            "An autograd function is not called itself but through its `apply`, so what is called, "
            "handed on or patched in is `Name.apply`."
        )
    for pattern, sentence in _MEANINGS:
        found = re.search(pattern, error_line)
        if found:
            name = found.group(1) if found.groups() else ""
            return sentence.format(
                name,
                functional=".functional" if name == "F" else "",
                counterpart="result of `forward`" if name == "backward" else "argument of `apply`",
            )
    return ""
