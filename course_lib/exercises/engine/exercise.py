"""What an exercise and a lesson are: plain data, from which checks, hints and tables are made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import torch

Outcome = dict[str, Any]
"""What a probe gives: quantities by the names that learners read."""

ProbeFunction = Callable[[Any, "torch.Generator"], Mapping[str, Any]]

LEAST_MISTAKES = 4
FEWEST_HINTS, MOST_HINTS = 3, 5

Wrong = TypeVar("Wrong")


class Mistakes(dict[str, Any]):
    """Wrong answers by their explanations; used as a decorator, so that the two stand together.

    mistake = Mistakes()

    @mistake("You divide by the number of pixels, not by the map's own total.")
    def mean(s, mask):
        return (s * mask).mean()
    """

    def __call__(self, explanation: str) -> Callable[[Wrong], Wrong]:
        """Take the decorated function or class as the wrong answer that is explained so.

        Raises:
            ValueError: another mistake has the same explanation.
        """
        if explanation in self:
            raise ValueError(f"Two mistakes have the explanation {explanation!r}.")

        def keep(wrong: Wrong) -> Wrong:
            self[explanation] = wrong
            return wrong

        return keep


@dataclass(frozen=True)
class Exercise:
    """One thing that a learner builds, with all that is needed to judge and to help.

    Each stands in a file of its own, `lesson_NN/name.py`, as `EXERCISE = Exercise(...)` at its end.

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
        after: the exercise of the lesson that comes right before this one; empty for the first.
        given: for a class, the names of the methods that its stub already has complete.
        exact_dtype: whether the text of the exercise names a dtype, so that another one is wrong.
        then: what the lesson does with the answer next, in small: a second probe, run once when
            the answer has passed the first.

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

    Quantities are compared in this order: type, shape, device, finite or not, values. Values count
    with the tolerance of the coarser of the two float types; the dtype only with `exact_dtype`. An
    answer that equals a mistake in all quantities, or raises the same error, is shown that
    mistake's explanation.

    In explanations and hints, `code` in backticks, *emphasis* and **strong** are drawn as such; a
    paragraph of which each line is indented by four spaces is shown as code.

    Raises:
        ValueError: a field that can't be right, such as fewer than four mistakes.
    """

    name: str
    lesson: str
    points: int
    answer: str
    reference: Any
    probe: ProbeFunction
    mistakes: Mapping[str, Any]
    hints: Sequence[str]
    after: str = ""
    given: tuple[str, ...] = ()
    exact_dtype: bool = False
    then: ProbeFunction | None = None

    def __post_init__(self) -> None:
        """Refuse an exercise that is not complete."""
        for sentence in self._faults():
            raise ValueError(f"Exercise {self.name!r}: {sentence}")

    def _faults(self) -> Iterator[str]:
        if not self.answer.isidentifier():
            yield f"{self.answer!r} is no name that a learner could define."
        if type(self.points) is not int or self.points < 1:
            yield f"points should be a positive whole number, not {self.points!r}."
        if not FEWEST_HINTS <= len(self.hints) <= MOST_HINTS:
            yield (
                f"it has {len(self.hints)} hints; there should be {FEWEST_HINTS} to {MOST_HINTS}."
            )
        if len(self.mistakes) < LEAST_MISTAKES:
            yield (
                f"it has {len(self.mistakes)} of the mistakes that people make; there should be "
                f"at least {LEAST_MISTAKES}."
            )
        if len(set(self.hints)) < len(self.hints):
            yield "two of its hints are the same."
        if not all(text.strip() for text in (*self.hints, *self.mistakes)):
            yield "a hint or an explanation is empty."
        for explanation, wrong in self.mistakes.items():
            if wrong is self.reference:
                yield f"the mistake {explanation!r} is the reference itself."
        for name in self.given:
            if not hasattr(self.reference, name):
                yield f"the reference has no method {name!r}, which `given` names."


@dataclass(frozen=True)
class Lesson:
    """What the README, `course start` and `course progress` say about a lesson.

    `lesson_NN/__init__.py` defines `LESSON = Lesson(...)`. Title, minutes and difficulty stand in
    the first cell of the lesson's source as well, and `course build` compares the two.

    Args:
        id: `"NN_name"`, as in the name of the notebook's file.
        title: heading of the lesson.
        minutes: how long a learner needs.
        difficulty: 1 (easy), 2 or 3.
        summary: what the learner builds, in one line.
        predictions: the names of its predictions, in order; each is unique in the course, and
            `course build` compares them with the lesson's cells.
    """

    id: str
    title: str
    minutes: int
    difficulty: int
    summary: str
    predictions: tuple[str, ...] = ()

    @property
    def dots(self) -> str:
        """Difficulty as it is drawn: `●●○`."""
        return "●" * self.difficulty + "○" * (3 - self.difficulty)
