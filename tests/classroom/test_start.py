"""The working folder: copies what is missing, overwrites nothing."""

from __future__ import annotations

import os
import socket
from datetime import datetime
from pathlib import Path

import pytest

from course_lib.classroom import lab as lab_module
from course_lib.classroom import places
from course_lib.classroom import start as start_module
from course_lib.classroom.here import here
from course_lib.classroom.lab import SETTINGS, has_browser, lab_arguments
from course_lib.classroom.names import match_lesson
from course_lib.classroom.start import copy_lessons, set_aside, start


@pytest.fixture
def clean(tmp_path):
    """A folder of clean copies."""
    folder = tmp_path / "clean"
    folder.mkdir()
    for name in ("00_start_here", "01_gradients"):
        (folder / f"{name}.ipynb").write_text(f"clean {name}")
    return folder


def test_copies_all_lessons_into_a_new_folder(clean, tmp_path):
    result = copy_lessons(tmp_path / "a" / "work", clean)
    assert result.copied == ("00_start_here", "01_gradients")
    assert str(result) == "2 lessons copied."
    assert (tmp_path / "a/work/01_gradients.ipynb").read_text() == "clean 01_gradients"


def test_never_overwrites_what_a_learner_wrote(clean, tmp_path):
    work = tmp_path / "work"
    work.mkdir()
    (work / "00_start_here.ipynb").write_text("mine")
    result = copy_lessons(work, clean)
    assert (work / "00_start_here.ipynb").read_text() == "mine"
    assert (result.copied, result.kept) == (("01_gradients",), ("00_start_here",))
    assert str(result) == "1 lesson copied, 1 already there and left as you wrote them."
    assert str(copy_lessons(work, clean)).startswith("no lesson copied, 2 already there")


def test_an_empty_file_of_the_learner_is_kept_too(clean, tmp_path):
    work = tmp_path / "work"
    work.mkdir()
    (work / "00_start_here.ipynb").touch()
    copy_lessons(work, clean)
    assert (work / "00_start_here.ipynb").read_bytes() == b""


def test_fresh_sets_the_old_file_aside(clean, tmp_path):
    work = tmp_path / "work"
    copy_lessons(work, clean)
    (work / "01_gradients.ipynb").write_text("mine")
    now = datetime(2026, 11, 21, 9, 30)
    aside = set_aside(work, "01", clean, now)
    assert aside.name == "01_gradients_2026-11-21_093000.ipynb"
    assert aside.read_text() == "mine"
    assert copy_lessons(work, clean).copied == ("01_gradients",)


@pytest.mark.parametrize("lesson", ["0", "00", "00_start_here", "00_start_here.ipynb"])
def test_a_lesson_is_known_by_its_number_and_its_name(clean, tmp_path, lesson):
    copy_lessons(tmp_path / "work", clean)
    assert set_aside(tmp_path / "work", lesson, clean).name.startswith("00_start_here_2")
    assert match_lesson("3", ["03_relu_rules", "13_more"]) == "03_relu_rules"


def test_two_fresh_starts_in_one_second_keep_both(clean, tmp_path):
    work = tmp_path / "work"
    now = datetime(2026, 11, 21, 9, 30)
    for text in ("first", "second"):
        copy_lessons(work, clean)
        (work / "01_gradients.ipynb").write_text(text)
        set_aside(work, "01_gradients", clean, now)
    kept = sorted(path.read_text() for path in work.glob("01_gradients_*.ipynb"))
    assert kept == ["first", "second"]


def test_fresh_with_nothing_to_set_aside(clean, tmp_path):
    assert set_aside(tmp_path / "work", "01", clean) is None


def test_an_unknown_lesson_changes_nothing(clean, tmp_path):
    work = tmp_path / "work"
    copy_lessons(work, clean)
    with pytest.raises(ValueError, match="did you mean 01_gradients"):
        set_aside(work, "01_gradient", clean)
    assert len(list(work.iterdir())) == 2


@pytest.mark.parametrize("kind", ["file", "clean", "below a file"])
def test_a_folder_that_cannot_be_one(clean, tmp_path, kind):
    target = {
        "file": clean / "00_start_here.ipynb",
        "clean": clean,
        "below a file": clean / "00_start_here.ipynb" / "work",
    }[kind]
    with pytest.raises(ValueError, match=r"is a file|holds the clean copies|cannot be written"):
        copy_lessons(target, clean)
    assert (clean / "00_start_here.ipynb").read_text() == "clean 00_start_here"


def test_start_opens_the_first_new_lesson(clean, tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr(start_module, "lesson_folder", lambda: clean)
    monkeypatch.setattr(start_module, "open_lab", lambda folder, **how: opened.append(how))
    said = []
    start(tmp_path / "work", say=said.append)
    start(tmp_path / "work", say=said.append)
    start(tmp_path / "work", fresh="01", browser=False, say=said.append)
    assert [how["lesson"] for how in opened] == ["00_start_here", None, "01_gradients"]
    assert [how["browser"] for how in opened] == [True, True, False]
    assert said[0] == f"{tmp_path / 'work'}: 2 lessons copied."
    assert said[2].startswith("What you wrote is kept as 01_gradients_2")


def test_the_lessons_are_those_of_the_clone_or_of_the_wheel(tmp_path, monkeypatch):
    assert places.lesson_folder() == places.repository() / "notebooks"
    monkeypatch.setattr(places, "PACKAGE", tmp_path / "course_lib")
    monkeypatch.setattr(places, "CARRIED", tmp_path / "carried")
    assert places.repository() is None
    with pytest.raises(ValueError, match="no lessons in"):
        places.lesson_folder()
    (tmp_path / "carried").mkdir()
    assert places.lesson_folder() == tmp_path / "carried"


def test_a_lesson_opened_among_the_clean_copies_is_told(clean, monkeypatch, capsys):
    monkeypatch.setattr("course_lib.classroom.here.lesson_folder", lambda: clean)
    monkeypatch.chdir(clean)
    here()
    assert str(clean) in capsys.readouterr().out
    monkeypatch.chdir(clean.parent)
    here()
    assert capsys.readouterr().out == ""


def test_jupyterlab_does_not_look_for_the_internet(tmp_path):
    arguments = lab_arguments(tmp_path, page="/lab", browser=False, port=None)
    assert "--LabApp.extension_manager=readonly" in arguments
    assert "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate" in arguments
    assert f"--LabApp.app_settings_dir={SETTINGS}" in arguments
    assert "announcements" in (SETTINGS / "page_config.json").read_text()


def test_a_port_that_was_asked_for_is_that_port(tmp_path):
    arguments = lab_arguments(tmp_path, page="/lab", browser=False, port=9999)
    assert "--ServerApp.port=9999" in arguments
    assert "--ServerApp.port_retries=0" in arguments


def test_a_busy_port_is_said_before_anything_is_copied(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ValueError, match=f"Port {port} can't be used"):
            start(tmp_path / "work", port=port)
    assert not (tmp_path / "work").exists()


@pytest.mark.skipif(os.name != "posix", reason="displays are named so on Linux only")
def test_without_a_display_no_browser_is_opened(monkeypatch):
    monkeypatch.setattr(lab_module.sys, "platform", "linux")
    monkeypatch.setattr(lab_module.webbrowser, "get", lambda: None)
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert not has_browser()
    monkeypatch.setenv("DISPLAY", ":0")
    assert has_browser()


def test_settings_are_part_of_the_package():
    assert SETTINGS.is_relative_to(Path(places.PACKAGE))
