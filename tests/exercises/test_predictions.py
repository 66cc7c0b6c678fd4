"""Guesses: kept, shown beside the answer, counted; by buttons in a notebook, by text elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from course_lib.exercises.engine import predictions, progress
from course_lib.exercises.engine.buttons import Buttons
from course_lib.exercises.engine.card import Card
from course_lib.exercises.engine.exercise import Lesson
from course_lib.exercises.engine.predictions import lesson_end, predict, reveal
from course_lib.exercises.engine.registry import UnknownName, lessons

LESSON = Lesson("99_fake", "A lesson", 5, 1, "nothing", predictions=("bars", "covers", "rises"))


@pytest.fixture(autouse=True)
def made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predictions, "lesson_of_prediction", lambda name: LESSON)
    monkeypatch.setattr(predictions, "find_lesson", lambda name: LESSON)
    monkeypatch.setattr(predictions, "open_task_of", lambda name: None)


@pytest.fixture
def new_kernel(monkeypatch: pytest.MonkeyPatch) -> Any:
    return lambda: monkeypatch.setattr(predictions, "_asked", {})


def test_without_buttons_the_choices_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    predict("bars", [1, 2, 3])
    assert capsys.readouterr().out == (
        "? your guess · bars\n"
        "  1 · 2 · 3\n"
        "  Without buttons: `predict('bars', [1, 2, 3], guess=...)`\n"
    )


@pytest.mark.parametrize(
    ("choices", "unit", "guess", "value", "shown"),
    [
        ([1, 2, 3], "", 2, 3, "✗ not as predicted · bars\n  You said 2; it is 3.\n"),
        ([1, 2, 3], "", 2, 2, "✓ you predicted it · bars\n  It is 2, as you said.\n"),
        (
            [1, 2, 3],
            "",
            2,
            torch.tensor(2.0),
            "✓ you predicted it · bars\n  It is 2, as you said.\n",
        ),
        (
            [5, 20, 40],
            "%",
            5,
            np.float32(8.125),
            "✓ you predicted it · bars\n"
            "  You said 5 %; it is 8.12 %. Of the choices, 5 % is nearest.\n",
        ),
        (
            [True, False],
            "",
            True,
            False,
            "✗ not as predicted · bars\n  You said yes; the answer is no.\n",
        ),
        (
            [True, False],
            "",
            True,
            True,
            "✓ you predicted it · bars\n  The answer is yes, as you said.\n",
        ),
        ([0, 1], "", 1, True, "none of its choices, 0, 1"),
        ([0, 1], "", 1, float("nan"), "none of its choices, 0, 1"),
        (
            ["it falls", "it rises"],
            "",
            "it falls",
            "it rises",
            "✗ not as predicted · bars\n  You said “it falls”; it is “it rises”.\n",
        ),
        (["it falls", "it rises"], "", "it falls", "it stays", "none of its choices, 'it falls'"),
        (["it falls", "it rises"], "", "it falls", 3, "none of its choices, 'it falls'"),
        (["it falls", "it rises"], "", "it falls", None, "a text, a number or a truth value"),
    ],
)
def test_the_answer_beside_the_guess(
    choices: list[Any],
    unit: str,
    guess: Any,
    value: Any,
    shown: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    predict("bars", choices, unit=unit, guess=guess)
    capsys.readouterr()
    if shown.endswith("\n"):
        reveal("bars", value)
        assert capsys.readouterr().out == shown
    else:
        with pytest.raises(ValueError, match=shown):
            reveal("bars", value)
        assert progress.read().predictions["bars"].answered is None


def test_without_a_guess_the_answer_alone(capsys: pytest.CaptureFixture[str]) -> None:
    reveal("bars", 2)
    assert capsys.readouterr().out == "→ the answer · bars\n  It is 2.\n"
    predict("covers", [5, 20])
    capsys.readouterr()
    reveal("covers", 6.0, because="A twentieth of the picture.")
    assert capsys.readouterr().out == (
        "→ the answer · covers\n"
        "  It is 6. Of the choices, 5 is nearest.\n"
        "  A twentieth of the picture.\n"
    )


def test_the_guess_before_the_answer_counts(capsys: pytest.CaptureFixture[str]) -> None:
    predict("bars", [1, 2, 3], guess=1)
    predict("bars", [1, 2, 3], guess=2)
    reveal("bars", 3)
    predict("bars", [1, 2, 3], guess=3)
    assert "only a guess before it counts" in capsys.readouterr().out
    reveal("bars", 3)
    assert "You said 2; it is 3." in capsys.readouterr().out
    kept = progress.read().predictions["bars"]
    assert (kept.guess, kept.right) == ("2", False)


def test_a_guess_outlives_the_kernel(capsys: pytest.CaptureFixture[str], new_kernel: Any) -> None:
    predict("bars", [1, 2, 3], guess=2)
    new_kernel()
    predict("bars", [1, 2, 3])
    reveal("bars", 2)
    assert "It is 2, as you said." in capsys.readouterr().out
    new_kernel()
    lesson_end("99")
    assert "You predicted 1 of 1 rightly. 2 more you left without a guess." in (
        capsys.readouterr().out
    )


def test_the_count_without_a_progress_file(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COURSE_PROGRESS", "off")
    lesson_end("99")
    assert "You guessed at none of the 3 predictions." in capsys.readouterr().out
    for name, guess in (("bars", 1), ("covers", 2), ("rises", 1)):
        predict(name, [1, 2], guess=guess)
        reveal(name, 1)
    capsys.readouterr()
    lesson_end("99")
    assert capsys.readouterr().out == ("→ lesson 99 · A lesson\n  You predicted 2 of 3 rightly.\n")


def test_who_grades_or_builds_sees_and_keeps_no_guesses(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, new_kernel: Any
) -> None:
    predict("bars", [1, 2], guess=2)
    before = progress.read()
    new_kernel()
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    capsys.readouterr()
    predict("bars", [1, 2])
    reveal("bars", 2)
    assert "You said" not in capsys.readouterr().out
    assert progress.read() == before


def test_what_cannot_be_asked() -> None:
    for choices in ([], [1], [1, 1], [0.5, 0.5001], ["1", 1]):
        with pytest.raises(ValueError, match="two or more choices, all different"):
            predict("bars", choices)
    with pytest.raises(UnknownName, match="7 is none of the choices: 1, 2") as raised:
        predict("bars", [1, 2], guess=7)
    assert raised.value._render_traceback_() == ["7 is none of the choices: 1, 2."]


def test_an_unlisted_prediction(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    with pytest.raises(UnknownName, match="There is no prediction 'baars'"):
        predict("baars", [1, 2])


def test_names_are_unique_in_the_course() -> None:
    names = [name for lesson in lessons() for name in lesson.predictions]
    assert len(names) == len(set(names))


def question(*choices: Any, name: str = "bars") -> predictions.Question:
    return predictions.Question(name, choices, "", progress.Prediction())


def test_buttons_bear_the_choices_and_a_tick() -> None:
    asked = question(1, 2, 3)
    shown = Buttons(asked, Card("question", "your guess", "bars"))
    assert [button.description for button in shown.buttons] == ["1", "2", "3"]
    shown.buttons[1].click()
    assert [button.description for button in shown.buttons] == ["1", "✓ 2", "3"]
    assert progress.read().predictions["bars"].guess == "2"
    shown.buttons[2].click()
    assert [button.description for button in shown.buttons] == ["1", "2", "✓ 3"]
    asked.kept = progress.Prediction("3", False, "now")
    shown.buttons[0].click()
    assert [button.description for button in shown.buttons] == ["1", "2", "✓ 3"]
    assert progress.read().predictions["bars"].guess == "3"


def test_buttons_stand_for_a_card_where_there_is_no_kernel() -> None:
    card = Card("question", "your guess", "bars")
    bundle = Buttons(question("a", "b"), card)._repr_mimebundle_()
    assert bundle["text/plain"] == str(card)
    assert bundle["text/html"] == card.html()
    assert "application/vnd.jupyter.widget-view+json" in bundle


def test_in_a_notebook_the_answer_stands_below_the_figure() -> None:
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.utils.capture import capture_output

    shell = InteractiveShell.instance()
    try:
        shell.user_ns.update(reveal=reveal, predict=predict)
        shell.run_cell("predict('bars', [1, 2], guess=1)", silent=True)
        with capture_output() as shown:
            shell.run_cell("reveal('bars', 2); print('the figure')")
        assert shown.stdout.startswith("the figure")
        assert "You said 1; it is 2." in shown.stdout + "".join(
            output.data["text/plain"] for output in shown.outputs
        )
        with capture_output() as shown:
            shell.run_cell("reveal('bars', 2); 1 / 0")
        assert "You said" not in shown.stdout
        assert not shown.outputs
    finally:
        InteractiveShell.clear_instance()
