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
        "This happens when a tuple is multiplied by a tensor. `torch.autograd.grad`, "
        "`ctx.saved_tensors` and `torch.max(a, 0)` give tuples, even of one tensor: unpack it, "
        "`(a,) = ...`.",
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
