"""`check`, `hint` and `solution` as a notebook calls them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from course_lib.exercises import check, go_on_with, hint, require_right, solution
from course_lib.exercises.engine import checking
from course_lib.exercises.engine.card import Block, Card
from course_lib.exercises.engine.exercise import Exercise
from course_lib.exercises.engine.judging import judge
from course_lib.exercises.engine.progress import read

pytestmark = pytest.mark.usefixtures("registered")


def right(x, p):
    return torch.where(x > 0, p, 0.0)


def ungated(x, p):
    return p


def stub(x, p):
    """Doc."""
    ...  # noqa: PIE790


def test_right_goes_on_with_the_answer(capsys: pytest.CaptureFixture[str]) -> None:
    assert check("gate", right) is right
    assert capsys.readouterr().out == "✓ right · gate · 2 points\n  Next: `doubler`.\n"


def test_wrong_goes_on_with_the_reference(
    capsys: pytest.CaptureFixture[str], gate_exercise: Exercise
) -> None:
    assert check("gate", ungated) is gate_exercise.reference
    out = capsys.readouterr().out
    lines = out.splitlines()
    assert lines[0] == "✗ not yet · gate"
    assert lines[1].startswith("  values differ at [")
    assert lines[2] == "  Nothing is gated."
    assert lines[-1] == (
        '  `hint("gate")` · Until yours is right, the notebook goes on with the course\'s `gate`.'
    )
    check("gate", ungated)
    assert capsys.readouterr().out == out


def test_not_attempted(capsys: pytest.CaptureFixture[str], gate_exercise: Exercise) -> None:
    assert check("gate", stub) is gate_exercise.reference
    assert capsys.readouterr().out.splitlines()[:2] == [
        "○ not attempted · gate",
        "  `gate` is still empty.",
    ]
    assert not read()


def test_error(capsys: pytest.CaptureFixture[str], gate_exercise: Exercise) -> None:
    def gate(x, p):
        return nothing  # noqa: F821

    assert check("gate", gate) is gate_exercise.reference
    out = capsys.readouterr().out
    assert out.startswith("! error · gate\n  Your `gate` stops with an error.\n")
    assert "        return nothing" in out
    assert "NameError: name 'nothing' is not defined" in out


@pytest.mark.parametrize("execution", ["autograde", "validate"])
@pytest.mark.parametrize("answer", [ungated, stub, None])
def test_nbgrader_sees_an_assertion(
    monkeypatch: pytest.MonkeyPatch, execution: str, answer: Any
) -> None:
    monkeypatch.setenv("NBGRADER_EXECUTION", execution)
    with pytest.raises(AssertionError, match="gate"):
        check("gate", answer)
    assert check("gate", right) is right
    assert not read()  # grading is no learner's progress


@pytest.mark.parametrize("answer", [ungated, stub, None])
def test_graded_cells_need_no_variable_of_the_environment(answer: Any, gate_exercise: Any) -> None:
    with pytest.raises(AssertionError, match="gate"):
        require_right("gate", answer)
    assert require_right("gate", right) is None
    assert go_on_with("gate", answer) is gate_exercise.reference
    assert go_on_with("gate", right) is right
    assert not read()


def test_graded_cells_draw_their_inputs_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []

    def judged(exercise: Exercise, answer: Any, seeds: Any) -> Any:
        drawn.append(tuple(seeds))
        return judge(exercise, answer, seeds)

    monkeypatch.setattr(checking, "judge", judged)
    for _ in range(2):
        require_right("gate", right)
    assert drawn[0] != drawn[1]
    assert all(len(seeds) == 3 for seeds in drawn)


def test_nbgrader_calls_it_so() -> None:
    """The name and values of the variable are those that the installed nbgrader sets."""
    converters = pytest.importorskip("nbgrader.converters.autograde")
    validator = pytest.importorskip("nbgrader.validator")
    assert "NBGRADER_EXECUTION='autograde'" in Path(converters.__file__).read_text()
    assert "NBGRADER_EXECUTION='validate'" in Path(validator.__file__).read_text()


def test_unknown_names_name_close_matches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    for function in (hint, solution, lambda name: check(name, right)):
        with pytest.raises(ValueError, match=r"no exercise 'deconvnet_rel'\. Did you mean"):
            function("deconvnet_rel")


def test_hints_come_one_by_one(capsys: pytest.CaptureFixture[str]) -> None:
    shown = []
    for _ in range(5):
        hint("gate")
        shown.append(capsys.readouterr().out)
    assert shown[0].startswith("? hint 1 of 3 · gate\n  Think of `x`.\n")
    assert shown[1].startswith("? hint 2 of 3 · gate\n  Where is x > 0?\n")
    assert "p * (x > 0)" in shown[2]
    assert shown[3].startswith("? no more hints · gate\n  You have seen all 3 hints.")
    assert 'solution("gate")' in shown[3]
    assert shown[4] == shown[3]
    assert read().exercises["gate"].hints == 3


def test_solution_is_the_source(capsys: pytest.CaptureFixture[str]) -> None:
    solution("gate")
    out = capsys.readouterr().out
    assert "def gate(x: torch.Tensor, p: torch.Tensor) -> torch.Tensor:" in out
    assert "return p * (x > 0)" in out
    solution("layers")
    assert "layers = ['conv1', 'conv2']" in capsys.readouterr().out


def test_attempts_are_recorded(progress_file: Path) -> None:
    check("gate", ungated)
    assert read().exercises["gate"].solved is None
    check("gate", right)
    entry = read().exercises["gate"]
    assert entry.attempts == 2
    assert entry.solved is not None
    assert progress_file.exists()


def test_a_progress_that_fails_is_said_and_fails_nothing(
    capsys: pytest.CaptureFixture[str], progress_file: Path
) -> None:
    progress_file.parent.mkdir(parents=True)
    progress_file.write_text("not JSON")
    assert check("gate", right) is right
    assert "was set aside as `progress-set-aside-" in capsys.readouterr().out


def test_html_escapes_what_the_learner_wrote(gate_exercise: Exercise) -> None:
    def gate(x, p):
        print("<script>alert(1)</script>")
        raise ValueError("<img src=x onerror=alert(2)> `<b>` *<i>*")

    verdict = judge(gate_exercise, gate)
    html = checking.verdict_card(gate_exercise, verdict, "`<u>`").html()
    assert not re.search(r"<(script|img|b|i|u)\b", html)
    assert "&lt;script&gt;" in html
    assert "&lt;img src=x" in html


def test_html_tells_the_verdict_in_words() -> None:
    for tone, word in (("right", "right"), ("wrong", "not yet"), ("error", "error")):
        html = Card(tone, word, "gate").html()  # type: ignore[arg-type]
        assert f'aria-label="{word}: gate"' in html
        assert f"</span> {word}</span>" in html


def test_markup() -> None:
    text = "Use `a*b*c < d`, *not* **that** one: 2 * 3 * 4.\n\n    x = 1\n    y = 2"
    html = Card("hint", "hint", "t", blocks=(Block(text),)).html()
    assert "<code>a*b*c &lt; d</code>" in html
    assert "<em>not</em> <strong>that</strong> one: 2 * 3 * 4." in html
    assert html.count("<pre") == 1
    assert re.sub("<[^>]*>", "", html).endswith("x = 1\ny = 2")


def test_in_jupyter_a_card_is_displayed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import IPython
    import IPython.display

    shown: list[Card] = []
    monkeypatch.setattr(IPython, "get_ipython", lambda: object())
    monkeypatch.setattr(IPython.display, "display", shown.append)
    check("gate", right)
    assert capsys.readouterr().out == ""
    bundle = shown[0]._repr_mimebundle_()
    assert bundle["text/plain"] == "✓ right · gate · 2 points\n  Next: `doubler`."
    assert bundle["text/html"].startswith("<div")


def test_import_is_light() -> None:
    code = (
        "import sys, course_lib.exercises, course_lib.exercises.engine.registry as r; r.lessons();"
        "print([m for m in ('torch', 'matplotlib', 'IPython', 'rich') if m in sys.modules]);"
        "course_lib.exercises.check;"
        "print([m for m in ('matplotlib', 'IPython', 'rich') if m in sys.modules]);"
        "r.find_exercise('guided_map'); print(*[m for m in sys.modules if 'lesson_' in m])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy, heavy_for_check, imported = done.stdout.splitlines()
    assert (heavy, heavy_for_check) == ("[]", "[]")
    exercises = {name.rpartition(".")[2] for name in imported.split() if name.count(".") == 3}
    assert exercises == {"guided_map", "relu_context", "shared"}


def test_progress_file_is_the_tests_own(progress_file: Path) -> None:
    hint("gate")
    assert json.loads(progress_file.read_text())["exercises"]["gate"]["hints"] == 1
