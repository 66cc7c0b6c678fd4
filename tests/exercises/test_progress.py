"""The one file in which progress is kept."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from course_lib.exercises.engine import progress
from course_lib.exercises.engine.registry import exercises, lessons, open_task_of
from course_lib.exercises.engine.report import following, list_exercises, report

SCREEN = 24
"""Lines of a small terminal."""


def printed(write: Callable[[Console], None], width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width)
    write(console)
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_what_is_recorded_is_read() -> None:
    assert progress.record_attempt("a", right=False) == ""
    progress.record_hint("a", 2)
    progress.record_hint("a", 1)
    first = progress.read().exercises["a"]
    assert (first.attempts, first.hints, first.solved) == (1, 2, None)
    assert first.first is not None
    progress.record_attempt("a", right=True)
    solved = progress.read().exercises["a"].solved
    assert solved is not None
    progress.record_attempt("a", right=False)
    assert progress.read().exercises["a"].solved == solved
    progress.record_attempt("b", right=True)
    assert set(progress.read().exercises) == {"a", "b"}


def test_deleting_the_file_begins_anew(progress_file: Path) -> None:
    progress.record_attempt("a", right=True)
    progress_file.unlink()
    assert progress.read().exercises == {}
    assert progress.record_attempt("b", right=True) == ""
    assert set(progress.read().exercises) == {"b"}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe\x00",
        b"[]",
        b'{"format": "something else", "exercises": {}}',
        b'{"format": "attribution course: progress"}',
        b'{"format": "attribution course: progress", "exercises": {"a": {"attempts": "many"}}}',
        b'{"format": "attribution course: progress", "exercises": {"a": {"unknown": 1}}}',
        b'{"format": "attribution course: progress", "exercises": {"a": 3}}',
        b'{"format": "attribution course: progress", "exercises": {}, "predictions": 3}',
        b'{"format": "attribution course: progress", "exercises": {}, "predictions":'
        b' {"a": {"right": "yes"}}}',
        b'{"format": "attribution course: progress", "exercises": {}, "open_tasks":'
        b' {"a": {"score": "high", "to_beat": 1}}}',
        b"[" * 100_000,
    ],
    ids=range(13),
)
def test_a_damaged_or_foreign_file_is_set_aside(progress_file: Path, content: bytes) -> None:
    progress_file.parent.mkdir(parents=True)
    progress_file.write_bytes(content)
    assert progress.read().exercises == {}
    note = progress.record_attempt("a", right=True)
    (aside,) = progress_file.parent.glob("progress-set-aside-20*.json")
    assert aside.read_bytes() == content
    assert note == (
        f"The progress file could not be understood; it was set aside as `{aside.name}`, and a "
        "new one begun."
    )
    assert set(progress.read().exercises) == {"a"}
    progress_file.write_bytes(content)
    progress.record_attempt("a", right=True)
    assert len(list(progress_file.parent.glob("progress-set-aside-*"))) == 2


def test_an_unwritable_place_is_said_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "a file"
    blocked.write_text("")
    monkeypatch.setenv("COURSE_PROGRESS", str(blocked / "progress.json"))
    note = progress.record_attempt("a", right=True)
    assert note.startswith("Your progress is not kept: `")
    assert note.endswith("can't be written (File exists).")
    assert progress.record_attempt("a", right=True) == ""
    assert progress.read().exercises == {}


def test_off_keeps_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COURSE_PROGRESS", "off")
    assert progress.record_attempt("a", right=True) == ""
    assert progress.progress_file() is None
    assert "No progress is kept" in printed(report)


def test_place_without_the_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("COURSE_PROGRESS")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert progress.progress_file() == tmp_path / "attribution-course" / "progress.json"
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    assert progress.progress_file() == tmp_path / "local" / "attribution-course" / "progress.json"


def test_a_failed_write_leaves_the_old_file(
    progress_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    progress.record_attempt("a", right=True)
    before = progress_file.read_bytes()

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(progress.os, "fsync", fail)
    assert "No space left" in progress.record_attempt("b", right=True)
    assert progress_file.read_bytes() == before
    assert not list(progress_file.parent.glob(".progress.json.?*[!k]"))


def test_kernels_do_not_lose_each_others_entries(progress_file: Path) -> None:
    code = (
        "import sys; from course_lib.exercises.engine import progress\n"
        "for i in range(20): progress.record_attempt(f'{sys.argv[1]}-{i}', right=True);"
        " progress.record_attempt('shared', right=False)"
    )
    kernels = [subprocess.Popen([sys.executable, "-c", code, str(n)]) for n in range(4)]
    assert [kernel.wait(60) for kernel in kernels] == [0] * 4
    entries = progress.read().exercises
    assert len(entries) == 81
    assert entries["shared"].attempts == 80


def test_report_of_a_fresh_learner() -> None:
    text = printed(report)
    total = sum(exercise.points for exercise in exercises())
    assert text.startswith(f"0 of {len(exercises())} exercises solved, 0 of {total} points.")
    assert f"Next: {exercises()[0].name}, in lesson 00, Start here" in text
    assert "Nothing attempted yet" in text
    listed = printed(list_exercises)
    for exercise in exercises():
        assert exercise.name in listed


def test_report_of_a_learner_on_the_way(progress_file: Path) -> None:
    one, two = exercises()[:2]
    progress.record_attempt(one.name, right=True)
    progress.record_hint(one.name, 2)
    progress.record_attempt(two.name, right=False)
    progress.record_attempt("of another version", right=True)
    text = printed(list_exercises)
    (row,) = [line for line in text.splitlines() if f" {one.name} " in line]
    assert "✓ solved" in row
    assert f"{one.points} / {one.points}" in row
    assert f"2 / {len(one.hints)}" in row
    assert "✗ 1 try" in text
    text = printed(report)
    assert f"{one.points} of {sum(e.points for e in exercises())} points." in text
    assert str(progress_file) in text.replace("\n", "")
    assert len(text.splitlines()) <= SCREEN
    assert json.loads(progress_file.read_text())["exercises"]["of another version"]["attempts"] == 1


def test_a_file_of_an_older_version_is_read(progress_file: Path) -> None:
    progress_file.parent.mkdir(parents=True)
    progress_file.write_text(
        '{"format": "attribution course: progress", "exercises": {"a": {"attempts": 2}}}'
    )
    progress.record_guess("bars", "2")
    assert progress.read().exercises["a"].attempts == 2
    assert progress.read().predictions["bars"].guess == "2"


def test_report_of_predictions_and_open_tasks() -> None:
    lesson = lessons()[0]
    task = open_task_of(lesson.id)
    assert task is not None
    first, second = lesson.predictions[:2]
    progress.record_guess(first, "1")
    progress.record_answer(first, True)
    progress.record_guess(second, "1")
    progress.record_answer(second, False)
    progress.record_score(task.name, 2.0, 1.0, higher_is_better=True)
    text = printed(list_exercises)
    assert "Predicted 1 of 2 rightly." in text
    assert f"Open task: best {task.shown.format(2)}, {task.shown.format(1)} to beat." in text
    summary = printed(report)
    assert "Predicted 1 of 2 rightly." in summary
    assert "Nothing attempted yet" not in summary


def test_next_is_what_is_left_of_the_lesson_that_was_touched_last() -> None:
    skipped, *others = [e for e in exercises() if e.lesson == "03_relu_rules"]
    later = exercises("05_excitation_backprop")
    progress.record_attempt(later[0].name, right=True)
    assert f"Next: {later[1].name}, in lesson 05" in printed(report)
    for exercise in (*later, *others):
        progress.record_attempt(exercise.name, right=True)
    with_times = {
        name: replace(entry, last="2026-01-02" if name == later[0].name else "2026-01-01")
        for name, entry in progress.read().exercises.items()
    }
    assert following([*others, skipped, *later], with_times) is skipped


def test_when_all_is_solved_nothing_is_next() -> None:
    for exercise in exercises():
        progress.record_attempt(exercise.name, right=True)
    text = printed(report)
    assert f"{len(exercises())} of {len(exercises())} exercises solved" in text
    assert "Nothing is left to solve." in text
