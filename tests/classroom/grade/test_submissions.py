"""Who handed in what: every layout that instructors have, and files that mean harm."""

from __future__ import annotations

import io
import os
import stat
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from course_lib.classroom.grade import archives
from course_lib.classroom.grade.archives import BadArchive, members, read_member
from course_lib.classroom.grade.submissions import find_submissions

LESSONS = ["00_start_here", "03_relu_rules"]
NOTEBOOK = b'{"cells": []}'


def write(root: Path, *names: str) -> Path:
    """Write small notebooks."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(NOTEBOOK)
    return root


def zipped(**files: bytes) -> bytes:
    """A zip file with these members."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return data.getvalue()


def found(root: Path) -> list[tuple[str, str, str]]:
    """Student, file and fault of each submission."""
    return [(s.student, s.file, s.fault) for s in find_submissions(root, LESSONS)]


def students(root: Path) -> set[str]:
    """All students who handed in something that can be read."""
    return {s.student for s in find_submissions(root, LESSONS) if not s.fault}


def test_a_folder_for_each_student(tmp_path):
    write(tmp_path, "Ada Lovelace/03_relu_rules.ipynb", "bob/work/00_start_here.ipynb")
    assert found(tmp_path) == [
        ("Ada Lovelace", "Ada Lovelace/03_relu_rules.ipynb", ""),
        ("bob", "bob/work/00_start_here.ipynb", ""),
    ]


@pytest.mark.parametrize(
    ("file", "student"),
    [
        ("ada_03_relu_rules.ipynb", "ada"),
        ("03_relu_rules_ada.ipynb", "ada"),
        ("03_relu_rules - Ada Lovelace.ipynb", "Ada Lovelace"),
        ("03_relu_rules (2)_ada.ipynb", "ada"),
        ("ada.ipynb", "ada"),
        ("loveladaada_31415_92653_03_relu_rules-1.ipynb", "loveladaada_31415"),
        ("loveladaada_LATE_31415_92653_03_relu_rules.ipynb", "loveladaada_31415"),
    ],
)
def test_files_named_by_student(tmp_path, file, student):
    write(tmp_path, file)
    assert students(tmp_path) == {student}


@pytest.mark.parametrize("twin", ["ada\u200b", "a\u202eda", "ada" + "\x01"])
def test_nobody_hands_in_under_a_name_that_only_looks_like_anothers(tmp_path, twin):
    write(tmp_path, "ada/03_relu_rules.ipynb", f"{twin}/03_relu_rules.ipynb")
    names = students(tmp_path)
    assert len(names) == 2
    assert "ada" in names
    assert students(tmp_path) == names


def test_long_names_stay_apart(tmp_path):
    write(tmp_path, *(f"{'x' * 210}{end}/03_relu_rules.ipynb" for end in "ab"))
    assert len(students(tmp_path)) == 2


def test_a_students_folder_zip_and_file_are_one_students(tmp_path):
    write(tmp_path, "ada/03_relu_rules.ipynb", "ada_00_start_here.ipynb")
    (tmp_path / "ada.zip").write_bytes(zipped(**{"03_relu_rules.ipynb": NOTEBOOK}))
    assert students(tmp_path) == {"ada"}


def test_moodles_folders_keep_the_participants_number(tmp_path):
    write(tmp_path, "Ada Lovelace_1234567_assignsubmission_file/03_relu_rules.ipynb")
    assert students(tmp_path) == {"Ada Lovelace_1234567"}


def test_nbgraders_layout_with_its_time_stamps(tmp_path):
    write(tmp_path / "submitted", "ada/03_relu_rules/03_relu_rules.ipynb")
    stamp = tmp_path / "submitted" / "ada" / "03_relu_rules" / "timestamp.txt"
    stamp.write_text("2026-02-02 15:58:23.948203 UTC")
    (submission,) = find_submissions(tmp_path, LESSONS)
    assert submission.student == "ada"
    assert submission.date == datetime(2026, 2, 2, 15, 58, 23, 948203, UTC)


def test_a_zip_file_for_each_student_and_one_for_all(tmp_path):
    inner = zipped(**{"03_relu_rules.ipynb": NOTEBOOK})
    (tmp_path / "class").mkdir()
    (tmp_path / "class" / "ada.zip").write_bytes(inner)
    assert students(tmp_path / "class") == {"ada"}
    whole = zipped(**{"all/ada/03_relu_rules.ipynb": NOTEBOOK, "all/bob.zip": inner})
    (tmp_path / "all.zip").write_bytes(whole)
    assert students(tmp_path / "all.zip") == {"all"} or students(tmp_path / "all.zip") == {
        "ada",
        "bob",
    }
    (tmp_path / "flat.zip").write_bytes(
        zipped(**{"ada/03_relu_rules.ipynb": NOTEBOOK, "bob/03_relu_rules.ipynb": NOTEBOOK})
    )
    assert students(tmp_path / "flat.zip") == {"ada", "bob"}
    (submission, _) = find_submissions(tmp_path / "flat.zip", LESSONS)
    assert submission.read() == NOTEBOOK


def test_what_is_no_submission_is_passed_over(tmp_path):
    write(
        tmp_path,
        "ada/03_relu_rules.ipynb",
        "ada/.ipynb_checkpoints/03_relu_rules-checkpoint.ipynb",
        "__MACOSX/ada/._03_relu_rules.ipynb",
    )
    (tmp_path / "ada" / "notes.txt").write_text("hello")
    assert found(tmp_path) == [("ada", "ada/03_relu_rules.ipynb", "")]


def test_who_handed_in_something_else_is_told(tmp_path):
    write(tmp_path, "ada/03_relu_rules.ipynb")
    (tmp_path / "bob").mkdir()
    (tmp_path / "bob" / "03_relu_rules.pdf").write_text("hello")
    assert ("bob", "bob/03_relu_rules.pdf", "it is no notebook (.ipynb)") in found(tmp_path)


def test_links_are_not_followed(tmp_path):
    write(tmp_path, "class/ada/03_relu_rules.ipynb")
    secret = tmp_path / "secret.ipynb"
    secret.write_bytes(NOTEBOOK)
    (tmp_path / "class" / "bob").mkdir()
    (tmp_path / "class" / "bob" / "03_relu_rules.ipynb").symlink_to(secret)
    (tmp_path / "class" / "cem").symlink_to(tmp_path / "class" / "ada")
    assert students(tmp_path / "class") == {"ada"}
    assert {fault for *_, fault in found(tmp_path / "class")} == {"", "it is a link"}


def test_a_file_that_becomes_a_link_later_is_not_followed(tmp_path):
    write(tmp_path, "class/ada/03_relu_rules.ipynb", "secret.ipynb")
    (submission,) = find_submissions(tmp_path / "class", LESSONS)
    path = tmp_path / "class" / "ada" / "03_relu_rules.ipynb"
    path.unlink()
    path.symlink_to(tmp_path / "secret.ipynb")
    with pytest.raises(OSError, match="symbolic link"):
        submission.read()


def test_no_pipe_is_waited_for(tmp_path):
    write(tmp_path, "ada/00_start_here.ipynb")
    os.mkfifo(tmp_path / "ada" / "03_relu_rules.ipynb")
    assert ("ada", "ada/03_relu_rules.ipynb", "it is no ordinary file") in found(tmp_path)


def test_a_notebook_of_200_mb_is_not_read(tmp_path):
    write(tmp_path, "ada/03_relu_rules.ipynb")
    os.truncate(tmp_path / "ada" / "03_relu_rules.ipynb", 200 << 20)
    assert found(tmp_path) == [("ada", "ada/03_relu_rules.ipynb", "it is larger than 64 MB")]


def test_names_lead_nowhere(tmp_path):
    names = ["../../evil.ipynb", "/etc/evil.ipynb", "C:\\evil.ipynb", "a/../../evil.ipynb"]
    (tmp_path / "ada.zip").write_bytes(zipped(**dict.fromkeys(names, NOTEBOOK)))
    faults = {fault for *_, fault in found(tmp_path)}
    assert faults == {"its name leads out of the archive"}
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["ada.zip"]


def test_links_in_archives_are_not_followed(tmp_path):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        link = zipfile.ZipInfo("03_relu_rules.ipynb")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    (tmp_path / "ada.zip").write_bytes(data.getvalue())
    assert found(tmp_path) == [("ada", "ada/03_relu_rules.ipynb", "it is a link")]


def test_a_bomb_is_not_unpacked(tmp_path):
    bomb = zipped(**{"03_relu_rules.ipynb": bytes(70 << 20)})
    (tmp_path / "ada.zip").write_bytes(bomb)
    assert found(tmp_path) == [("ada", "ada/03_relu_rules.ipynb", "it is larger than 64 MB")]


def test_a_bomb_that_lies_about_its_size_is_stopped(monkeypatch):
    monkeypatch.setattr(archives, "LIMIT", 1000)
    content = zipped(**{"a.ipynb": bytes(2000)})
    (member,) = members(content)
    assert member.fault == "it is larger than 0 MB"
    with pytest.raises(BadArchive, match="larger than"):
        read_member(content, member)


def test_an_archive_of_very_many_files_is_not_listed(tmp_path):
    many = zipped(**{f"{number}.ipynb": b"" for number in range(archives.MEMBERS + 1)})
    (tmp_path / "ada.zip").write_bytes(many)
    assert found(tmp_path) == [("ada", "ada.zip", "it holds more than 20,000 files")]


def test_archives_in_archives_end(tmp_path):
    content = zipped(**{"03_relu_rules.ipynb": NOTEBOOK})
    for _ in range(6):
        content = zipped(**{"inner.zip": content})
    (tmp_path / "ada.zip").write_bytes(content)
    assert [fault for *_, fault in found(tmp_path)] == ["it is no notebook (.ipynb)"]


@pytest.mark.parametrize("content", [b"", b"PK", b"PK\x05\x06" + bytes(18), b"x" * 1000])
def test_a_damaged_archive_costs_its_own_student(tmp_path, content):
    write(tmp_path, "ada/03_relu_rules.ipynb")
    (tmp_path / "bob.zip").write_bytes(content)
    assert students(tmp_path) == {"ada"}


@pytest.mark.parametrize(
    "name", ["=cmd|' C'!A0", "a b", "élève 😀", "x" * 200, "'; drop table", "-rf", "..."]
)
def test_odd_names_stay_apart(tmp_path, name):
    write(tmp_path, f"{name}/03_relu_rules.ipynb", "ada/03_relu_rules.ipynb")
    assert len(students(tmp_path)) == 2


def test_a_name_cannot_turn_the_page_about(tmp_path):
    write(tmp_path, "ada\u202egnp.\x1b[31m/03_relu_rules.ipynb")
    assert students(tmp_path) == {"adagnp.[31m"}


def test_an_empty_folder_and_a_missing_one_are_told(tmp_path):
    with pytest.raises(ValueError, match="There is no notebook in"):
        find_submissions(tmp_path, LESSONS)
    with pytest.raises(ValueError, match="There is no folder or zip file"):
        find_submissions(tmp_path / "none", LESSONS)
