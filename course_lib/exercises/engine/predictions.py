"""Guesses before an answer is shown: `predict`, `reveal`, and their count at a lesson's end."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from . import progress
from .beating import best_of
from .card import Block, Card, shell, show
from .graded import is_graded
from .registry import UnknownName, find_lesson, lesson_of_prediction, open_task_of

Choice = str | float


class NoSuchChoice(UnknownName):
    """A guess that is none of the choices."""


@dataclass
class Question:
    """What was asked in this kernel.

    Attributes:
        name: of the prediction.
        choices: texts, numbers, or True and False.
        unit: what stands behind a number.
        kept: the guess, and whether the answer was shown.
    """

    name: str
    choices: tuple[Choice, ...]
    unit: str
    kept: progress.Prediction

    @property
    def labels(self) -> list[str]:
        """The choices as they are shown."""
        return [label(choice, self.unit) for choice in self.choices]

    def guess(self, shown: str) -> str:
        """Note a guess. Returns what there is to say about it."""
        if self.kept.answered is not None:
            return "The answer was shown before; only a guess before it counts."
        self.kept = progress.Prediction(guess=shown)
        note = "" if is_graded() else progress.record_guess(self.name, shown)
        return note or f"You say {shown}. The next cell shows the answer."

    def nearest(self, value: Choice) -> str:
        """The choice that is right, as it is shown, when this is the answer.

        Raises:
            ValueError: it is none of the choices.
        """
        shown = label(value, self.unit)
        if shown in self.labels:
            return shown
        if not _are_numbers([*self.choices, value]) or not math.isfinite(float(value)):
            raise ValueError(
                f"The answer {value!r} to {self.name!r} is none of its choices, "
                f"{', '.join(map(repr, self.choices))}."
            )
        closest = min(self.choices, key=lambda choice: abs(float(choice) - float(value)))
        return label(closest, self.unit)


_asked: dict[str, Question] = {}


def predict(name: str, choices: Sequence[Choice], *, unit: str = "", guess: Any = None) -> None:
    """Let the learner guess what the next cell shows; nothing waits for the guess.

    In a notebook there are buttons; elsewhere a guess is given as `guess=`. It is kept with the
    progress, and counts when it comes before the answer.

    Args:
        name: of the prediction; the lesson's `LESSON.predictions` has it.
        choices: two or more texts, numbers, or True and False (shown as yes and no).
        unit: what stands behind a number, such as `"%"`.
        guess: one of the choices, where there are no buttons.

    Raises:
        UnknownName: no lesson names this prediction.
        NoSuchChoice: the guess is none of the choices.
        ValueError: there are fewer than two choices, or two that are alike.
    """
    lesson_of_prediction(name)
    question = Question(name, tuple(choices), unit, _kept(name))
    labels = question.labels
    if len(set(labels)) < max(2, len(labels)):
        raise ValueError(f"The prediction {name!r} needs two or more choices, all different.")
    _asked[name] = question
    if guess is not None:
        if guess not in question.choices:
            raise NoSuchChoice(f"{guess!r} is none of the choices: {', '.join(labels)}.")
        said = question.guess(label(guess, unit))
        show(Card("question", "your guess", name, blocks=(Block(said),)))
        return
    if getattr(shell(), "kernel", None) is None or is_graded():
        show(_question_card(question))
        return
    from IPython.display import display

    from .buttons import Buttons

    display(Buttons(question, _question_card(question)))


def reveal(name: str, value: Choice, because: str = "") -> None:
    """Show the answer to a prediction beside the guess, once the cell has run.

    The right choice is the one that equals `value`; among numbers it is the nearest one, so the
    choices should lie well apart.

    Args:
        name: of the prediction.
        value: the answer, as computed: one of the choices, or a number where they are numbers.
        because: a sentence more, such as a measured value.

    Raises:
        UnknownName: no lesson names this prediction.
        ValueError: the value is none of the choices.
    """
    lesson_of_prediction(name)
    value = _plain(value)
    question = _asked.get(name)
    right = question.nearest(value) if question is not None else ""

    def answer() -> None:
        kept = question.kept if question is not None else _kept(name)
        unit = question.unit if question is not None else ""
        guessed_right = None if question is None or not kept.guess else kept.guess == right
        note = ""
        if question is not None and kept.answered is None:
            question.kept = progress.Prediction(kept.guess, guessed_right, "in this kernel")
            note = "" if is_graded() else progress.record_answer(name, guessed_right)
        show(_answer_card(name, kept.guess, value, right, unit, because, note))

    _after_this_cell(answer)


def lesson_end(lesson: str) -> None:
    """Show how many of a lesson's predictions were right, and the best of its open task.

    Args:
        lesson: its number, such as `"00"`.

    Raises:
        UnknownName: no lesson is called so.
    """
    found = find_lesson(lesson)
    sentences = [count_of(found.predictions)]
    task = open_task_of(found.id)
    best = None if task is None else best_of(task)
    if task is not None and best is not None:
        sentences.append(
            f"In the open task your best is {task.shown.format(best.score)}; "
            f"{task.shown.format(best.to_beat)} was to beat."
        )
    text = " ".join(filter(None, sentences)) or "You are through."
    show(Card("answer", f"lesson {found.id[:2]}", found.title, blocks=(Block(text),)))


def count_of(names: Sequence[str]) -> str:
    """How many of these predictions were right, in a sentence; empty when there are none."""
    if not names:
        return ""
    kept = [_asked[name].kept if name in _asked else _kept(name) for name in names]
    judged = [prediction.right for prediction in kept if prediction.right is not None]
    if not judged:
        return f"You guessed at none of the {len(names)} predictions."
    rest = len(names) - len(judged)
    without = f" {rest} more you left without a guess." if rest else ""
    return f"You predicted {sum(judged)} of {len(judged)} rightly.{without}"


def label(choice: Choice, unit: str = "") -> str:
    """A choice as learners read it: yes and no, a number with its unit, a text as it is."""
    if isinstance(choice, bool):
        return "yes" if choice else "no"
    if isinstance(choice, str):
        return choice
    number = f"{choice:d}" if isinstance(choice, int) else f"{choice:.3g}"
    return f"{number} {unit}".strip()


def _plain(value: Any) -> Choice:
    """A text, number or truth value of Python; tensors and NumPy's numbers become one."""
    if hasattr(value, "item"):
        value = value.item()
    if not isinstance(value, str | int | float):
        raise ValueError(f"An answer is a text, a number or a truth value, not {value!r}.")
    return value


def _are_numbers(choices: Sequence[Choice]) -> bool:
    return not any(isinstance(choice, str | bool) for choice in choices)


def _kept(name: str) -> progress.Prediction:
    """What happened with a prediction before, in this kernel or an earlier one."""
    if name in _asked:
        return _asked[name].kept
    if is_graded():
        return progress.Prediction()
    return progress.read().predictions.get(name, progress.Prediction())


def _question_card(question: Question) -> Card:
    choices = ", ".join(map(repr, question.choices))
    unit = f', unit="{question.unit}"' if question.unit else ""
    return Card(
        "question",
        "your guess",
        question.name,
        blocks=(Block(" · ".join(question.labels)),),
        foot=f"Without buttons: `predict({question.name!r}, [{choices}]{unit}, guess=...)`",
    )


def _answer_card(
    name: str, guess: str | None, value: Choice, right: str, unit: str, because: str, note: str
) -> Card:
    shown = label(value, unit)
    # "it is no" doesn't read well as an answer to a question
    it_is = f"{'the answer' if isinstance(value, bool) else 'it'} is {_quoted(shown, value)}"
    if guess is None:
        text = f"{it_is[0].upper()}{it_is[1:]}."
    elif guess == shown:
        text = f"{it_is[0].upper()}{it_is[1:]}, as you said."
    else:
        text = f"You said {_quoted(guess, value)}; {it_is}."
    if right and right != shown:
        text += f" Of the choices, {right} is nearest."
    blocks = tuple(Block(part) for part in (text, because, note) if part)
    if guess is None or not right:
        return Card("answer", "the answer", name, blocks=blocks)
    if guess == right:
        return Card("right", "you predicted it", name, blocks=blocks)
    return Card("wrong", "not as predicted", name, blocks=blocks)


def _quoted(shown: str, value: Choice) -> str:
    return f"“{shown}”" if isinstance(value, str) else shown


def _after_this_cell(action: Callable[[], None]) -> None:
    """Do something when the cell that runs has come to its end: below all else that it shows."""
    ipython = shell()
    if ipython is None:
        action()
        return

    def once(result: Any) -> None:
        ipython.events.unregister("post_run_cell", once)
        if result.success:
            action()

    ipython.events.register("post_run_cell", once)
