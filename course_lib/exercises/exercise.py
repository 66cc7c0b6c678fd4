"""What an exercise and a lesson are: plain data, from which checks, hints and tables are made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

Probe = Callable[[Any, "torch.Generator"], Mapping[str, Any]]


@dataclass(frozen=True)
class Exercise:
    """One thing that a learner builds, with all that is needed to judge and to help.

    Args:
        name: what `check("name", ...)`, `hint("name")` and `solution("name")` are called with.
            Unique in the course.
        lesson: id of the lesson, such as `"03_relu_rules"`.
        points: what a right answer is worth, a positive whole number.
        answer: the name that the learner defines in the notebook, such as `"DeConvNetReLU"`.
        reference: the right answer: a function, a class, or (for an answer that is not called,
            such as a list of layer names) the value itself. `solution` shows its source.
        probe: `probe(answer, rng) -> {quantity: value}`; see below.
        mistakes: `{explanation: wrong answer}`. The explanation is what the learner reads, in a
            sentence or two: what was done, and why it is not what was asked. The wrong answer is
            one that people really give, of the same kind as the reference.
        hints: three to five, from the idea to almost the code, shown one at a time.
        given: for a class, the names of the methods that its stub already has complete.

    The **probe** says what the answer does. It is called with several seeds, for each with the
    reference and with the answer (and, when that is wrong, with the mistakes), the same random
    inputs for all:

    - draw every input from `rng` (`probes.rand(rng, 2, 3)` is float64, in [-1, 1)); the global
      random generators are seeded alike too, so an answer may call `torch.rand` itself;
    - call the answer through `probes.call(answer, x, ...)`: it notices inputs that are changed in
      place, wrong numbers of arguments and a forgotten `return`; each gets its own sentence;
    - return a dictionary of tensors, numbers, booleans, strings, None, or lists and tuples of such.
      The keys are read by learners, before "values differ at ...", when there is more than one:
      write `"gradient at x"`, not `"g"`. The first quantity that differs is the one reported: order
      them from the plainest to the subtlest;
    - a property of the theory is a boolean whose key states it: `{"relevance is conserved": True}`;
    - use the answer as an ordinary user would: what it raises is reported to the learner;
    - a few milliseconds are enough (the gradient of `(y * p).sum()` is quicker to have than
      `torch.autograd.grad(y, x, p)`, which imports sympy at its first use: two seconds). Choose
      inputs that tell all the mistakes apart: negative numbers, more than one image, sizes that
      all differ.

    Quantities are compared in this order: type, shape, dtype, device, finite or not, values. An
    answer that equals a mistake in all quantities, or raises the same error, is shown that
    mistake's explanation; so is one that equals a single mistake in the first tensor that differs.

    In explanations and hints, `code` in backticks, *emphasis* and **strong** are drawn as such; a
    paragraph of which each line is indented by four spaces is shown as code.
    """

    name: str
    lesson: str
    points: int
    answer: str
    reference: Any
    probe: Probe
    mistakes: Mapping[str, Any]
    hints: Sequence[str]
    given: tuple[str, ...] = ()


@dataclass(frozen=True)
class Lesson:
    """What the README, `course start` and `course progress` say about a lesson.

    Each module `lesson_NN_name.py` defines `LESSON = Lesson(...)` with literal arguments by keyword
    (they are read without importing the module) and `EXERCISES = [Exercise(...), ...]` in the
    order of the lesson.

    Args:
        id: `"NN_name"`, as in the module's and the notebook's file name.
        title: heading of the lesson.
        minutes: how long a learner needs.
        difficulty: 1 (easy), 2 or 3.
        summary: what the learner builds, in one line.
    """

    id: str
    title: str
    minutes: int
    difficulty: int
    summary: str

    @property
    def dots(self) -> str:
        """Difficulty as it is drawn: `●●○`."""
        return "●" * self.difficulty + "○" * (3 - self.difficulty)
