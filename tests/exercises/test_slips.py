"""The commonest slips are explained in the learner's words."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.autograd import Function

from course_lib.exercises.engine.exercise import Exercise, Outcome
from course_lib.exercises.engine.judging import judge
from course_lib.exercises.engine.probes import call, rand
from course_lib.exercises.engine.slips import meaning


class Rule(Function):
    """A ReLU whose gradient is that of a guided one."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x)
        return x.relu()

    @staticmethod
    def backward(ctx: Any, p: torch.Tensor) -> Any:
        (x,) = ctx.saved_tensors
        return p * ((x > 0) & (p > 0))


def probe_rule(answer: type[Function], rng: torch.Generator) -> Outcome:
    x, p = rand(rng, 2, 3).requires_grad_(), rand(rng, 2, 3)
    y = call(answer.apply, x)
    return {"the output": y, "the gradient": torch.autograd.grad((y * p).sum(), x)[0]}


def rule(forward: Any = Rule.forward, backward: Any = Rule.backward) -> type[Function]:
    return type(
        "Rule",
        (Function,),
        {"forward": staticmethod(forward), "backward": staticmethod(backward)},
    )


RULE = Exercise(
    name="rule",
    lesson="99_fake",
    points=1,
    answer="Rule",
    reference=Rule,
    probe=probe_rule,
    mistakes={f"{n} times.": rule(backward=lambda ctx, p, n=n: n * p) for n in range(4)},
    hints=["a", "b", "c"],
)


def saved(ctx: Any) -> torch.Tensor:
    return ctx.saved_tensors[0]


def no_ctx_forward(x):
    return x.relu()


def no_ctx_backward(p):
    return p


no_ctx_forward.__qualname__ = "Rule.forward"
no_ctx_backward.__qualname__ = "Rule.backward"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (rule(backward=lambda ctx, p: p * (saved(ctx) > 0 and p > 0)), "`(x > 0) & (p > 0)`"),
        (rule(backward=lambda ctx, p: p * (saved(ctx) > 0 & p > 0)), "binds more tightly"),
        (rule(backward=no_ctx_backward), "PyTorch calls `backward` with `ctx` first"),
        (rule(forward=no_ctx_forward), "PyTorch calls `forward` with `ctx` first"),
        (rule(backward=lambda ctx, p: print()), "a `backward` without a `return`"),
        (rule(backward=lambda ctx, p: p * max(saved(ctx), 0)), "what Python's `max` can't"),
        (rule(backward=lambda ctx, p: torch.max(saved(ctx), 0) @ p), "write `a.clamp(min=0)`"),
        (rule(backward=lambda ctx, p: p * ctx.saved_tensors), "give tuples, even of one tensor"),
        (rule(backward=lambda ctx, p: p @ saved(ctx)), "be transposed, `.T`?"),
        (
            rule(backward=lambda ctx, p: torch.autograd.grad(p.requires_grad_(), p)),
            "with `.sum()`",
        ),
    ],
    ids=[
        "and",
        "brackets",
        "backward without ctx",
        "forward without ctx",
        "no return",
        "Python's max",
        "torch.max",
        "a tuple",
        "not transposed",
        "not summed",
    ],
)
def test_slips_in_an_autograd_function(answer: Any, words: str) -> None:
    verdict = judge(RULE, answer)
    assert verdict.kind == "error"
    assert words in verdict.explanation


def test_a_forward_that_returns_nothing() -> None:
    finding = judge(RULE, rule(forward=lambda ctx, x: print())).finding
    assert finding == (
        "The `forward` of your `Rule` should return a tensor of shape (2, 3); it returns None. "
        "Is a `return` missing?"
    )


def test_an_input_that_forward_changes_is_called_as_forward_calls_it() -> None:
    def forward(ctx, x):
        x.data.clamp_(min=0)
        return x * 1

    finding = judge(RULE, rule(forward=forward)).finding
    assert finding.startswith("The `forward` of your `Rule` changes its input `x` in place.")


def test_apply_is_not_the_class() -> None:
    finding = judge(RULE, rule().apply).finding
    assert finding == "`Rule` should be the class itself, without `.apply`."


def test_an_autograd_function_is_not_called_itself(gate_exercise: Exercise) -> None:
    verdict = judge(gate_exercise, lambda x, p: torch.relu(Rule(x)))
    assert verdict.kind == "error"
    assert "through its `apply`" in verdict.explanation


def test_a_forgotten_nonlocal(gate_exercise: Exercise) -> None:
    def gate(x, p):
        count = 0

        def inner():
            count += 1  # noqa: F823, F841

        inner()
        return p * (x > 0)

    assert "write `nonlocal count`" in judge(gate_exercise, gate).explanation


def test_a_short_name_in_a_string(gate_exercise: Exercise) -> None:
    def gate(x, p):
        return __import__("F").relu(x)

    assert "By its full name it is `torch.nn.functional`." in judge(gate_exercise, gate).explanation


def test_a_mean_for_a_sum(gate_exercise: Exercise) -> None:
    verdict = judge(gate_exercise, lambda x, p: p * (x > 0) / 6)
    assert verdict.explanation.startswith("Each value is 1/6 of the expected one, as `.mean()`")


def test_nothing_is_said_of_other_errors(gate_exercise: Exercise) -> None:
    def gate(x, p):
        raise ValueError("none of them")

    assert judge(gate_exercise, gate).explanation == ""


def _raised(code: str) -> str:
    """The last line of the error that a line of a learner's raises today."""
    one, several = torch.ones(1, requires_grad=True), torch.ones(2, 3)
    names = {"torch": torch, "one": one, "several": several, "net": torch.nn.Sequential()}
    with pytest.raises(Exception, match=r"\S") as caught:
        exec(code, names)
    return f"{caught.type.__name__}: {caught.value}"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("several * torch.ones(2)", "from the *last* dimension back"),
        ("several[:, :, None] @ torch.ones(2, 4, 4)", "from the *last* dimension back"),
        ("torch.stack([several, several[:1]])", "tensors of one shape"),
        ("several[2]", "Dimension 0 has fewer entries"),
        ("with torch.no_grad: pass", "The brackets make it"),
        ("several[: 3 / 2]", "divide with `//`"),
        ("several[torch.rand(2)]", "`argsort` and `argmax` give places"),
        ("several[: torch.tensor(1.5)]", "made whole by `int(...)`"),
        ("several.sort()[torch.tensor([0, 1])]", "`.sort()`"),
        ("torch.sqrt(2)", "a number of Python's"),
        ("several[0] = 1, 2, 3", "`torch.tensor([...])`"),
        ("torch.tensor([several, several])", "joined by `torch.cat`"),
        ("int(several)", "not by `int`"),
        ("y = (one**2).sum(); y.backward(); y.backward()", "A way back is gone once"),
        ("sum([]) / len([])", "You divide by 0"),
        ("getattr(net, 'block.conv')", "`model.get_submodule(name)` follows them"),
    ],
)
def test_an_error_of_today_has_its_sentence(code: str, words: str) -> None:
    assert words in meaning(_raised(code))
