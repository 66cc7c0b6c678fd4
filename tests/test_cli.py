"""The `course` command: what it calls, and one plain sentence for what a user gets wrong."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
import types

import pytest

from course_lib import __version__, cli


def course(monkeypatch, *arguments: str) -> int:
    """Run the command in this process and return its exit code."""
    monkeypatch.setattr(sys, "argv", ["course", *arguments])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    return stopped.value.code or 0


def stand_in(monkeypatch, module: str, **functions) -> None:
    """Put functions in the place of a module's, which is then not imported."""
    monkeypatch.setitem(sys.modules, module, types.SimpleNamespace(**functions))


def test_version(monkeypatch, capsys):
    assert course(monkeypatch, "--version") == 0
    assert capsys.readouterr().out == f"course_lib {__version__}\n"


def test_the_installed_command_is_this_one():
    run = subprocess.run(
        [sys.executable, "-m", "course_lib.cli", "--help"], capture_output=True, text=True
    )
    assert run.returncode == 0
    for name in ("start", "doctor", "progress", "train", "build", "leaderboard", "challenge"):
        assert f" {name} " in run.stdout


def test_start_passes_on_what_was_asked(monkeypatch, tmp_path):
    calls = []
    stand_in(
        monkeypatch,
        "course_lib.classroom.start",
        start=lambda folder, **how: calls.append((folder, how)),
    )
    assert course(monkeypatch, "start", str(tmp_path), "--fresh", "03", "--no-browser") == 0
    assert calls == [(tmp_path, {"fresh": "03", "browser": False, "port": None})]


def test_doctor_tells_by_its_exit_code(monkeypatch):
    for well, code in ((True, 0), (False, 1)):
        stand_in(monkeypatch, "course_lib.doctor", examine=lambda _, well=well: well)
        assert course(monkeypatch, "doctor") == code


def test_train_passes_on_what_was_asked(monkeypatch, tmp_path, capsys):
    def train(name, *, folder, resume):
        return f"{name} {folder == tmp_path} {resume}"

    stand_in(monkeypatch, "course_lib.world.training", train=train)
    command = ("train", "tiny_vgg", "--folder", str(tmp_path), "--no-resume")
    assert course(monkeypatch, *command) == 0
    assert capsys.readouterr().out == "tiny_vgg True False\n"


def test_progress_reports(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress.json"))
    assert course(monkeypatch, "progress") == 0
    summary = capsys.readouterr().out
    assert "00" in summary
    assert course(monkeypatch, "progress", "--all") == 0
    assert capsys.readouterr().out.endswith(summary)


def test_the_package_is_the_command(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["course_lib", "--version"])
    with pytest.raises(SystemExit) as stopped:
        runpy.run_module("course_lib", run_name="__main__")
    assert stopped.value.code == 0
    assert capsys.readouterr().out == f"course_lib {__version__}\n"


def test_the_shell_can_complete_commands():
    run = subprocess.run(
        [sys.executable, "-c", "import sys; sys.argv = ['course']; import course_lib.__main__"],
        env={
            **os.environ,
            "_COURSE_COMPLETE": "complete_bash",
            "COMP_WORDS": "course pro",
            "COMP_CWORD": "1",
        },
        capture_output=True,
        text=True,
    )
    assert run.stdout.split() == ["progress"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["train", "tiny_vg"], "tiny_vgg"),
        (["build", "03_relu_rule"], "did you mean 03_relu_rules"),
        (["start", "{tmp}", "--fresh", "03_relu_rule"], "did you mean 03_relu_rules"),
        (["start", "{tmp}/file"], "is a file"),
    ],
)
def test_a_users_mistake_is_one_sentence(monkeypatch, capsys, tmp_path, arguments, sentence):
    (tmp_path / "file").touch()
    arguments = [argument.format(tmp=tmp_path) for argument in arguments]
    assert course(monkeypatch, *arguments) == 1
    said = capsys.readouterr().err
    assert sentence in said
    assert said.count("\n") == 1
    assert "Traceback" not in said


def test_a_mistake_of_ours_keeps_its_traceback(monkeypatch):
    def broken():
        raise KeyError("ours")

    stand_in(monkeypatch, "course_lib.doctor", examine=lambda folder: broken())
    monkeypatch.setattr(sys, "argv", ["course", "doctor"])
    with pytest.raises(KeyError):
        cli.main()


def test_build_without_the_teaching_tools(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "jupytext", None)
    assert course(monkeypatch, "build", "00") == 1
    assert "pip install 'course-lib[teach]'" in capsys.readouterr().err


def test_build_check_tells_by_its_exit_code(monkeypatch, capsys):
    from course_lib.classroom import build

    for sentences, code in (([], 0), (["03 is not what its source builds."], 1)):
        monkeypatch.setattr(build, "outdated", lambda _, found=sentences: found)
        assert course(monkeypatch, "build", "--check") == code
    assert "03 is not what its source builds." in capsys.readouterr().err


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
def test_progress_on_a_console_that_cannot_write_every_sign(encoding, tmp_path):
    kept = tmp_path / "fortschritt-Ω.json"
    environment = {
        **os.environ,
        "PYTHONIOENCODING": encoding,
        "COURSE_PROGRESS": str(kept),
        "COLUMNS": "100",
    }
    code = "from course_lib.exercises.engine import progress as p; from course_lib import cli; "
    code += "from course_lib.exercises.engine.registry import exercises; "
    code += "p.record_attempt(exercises()[0].name, right=False); cli.main()"
    run = subprocess.run(
        [sys.executable, "-c", code, "progress", "--all"], env=environment, capture_output=True
    )
    assert run.returncode == 0, run.stderr.decode()
    shown = run.stdout.decode(encoding)
    assert "1 try" in shown
    assert "not attempted" in shown
    assert ("✗ 1 try" in shown) == (encoding == "utf-8")
    assert ("fortschritt-Ω.json" in shown) == (encoding == "utf-8")
