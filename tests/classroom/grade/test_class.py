"""A class of strangers: each gets its due, whatever the others do."""

from __future__ import annotations

import json
import re

import pytest

from course_lib.classroom.grade import slot
from course_lib.classroom.grade.pages import feedback_name
from course_lib.classroom.rehearsal import broken, hostile
from course_lib.classroom.rehearsal.notebooks import as_bytes, blank, solved, with_mistakes
from course_lib.exercises.engine.registry import exercises

from .conftest import LESSON, slug

pytestmark = pytest.mark.slow

ASKED = exercises(LESSON)
FIRST = ASKED[0]
MOST = max(len(exercise.mistakes) for exercise in ASKED)


@pytest.fixture(scope="module")
def hostile_class(grade_class, tmp_path_factory):
    """All hostile submissions, graded in one run among good ones."""
    root = tmp_path_factory.mktemp("hostile")
    good = as_bytes(solved(LESSON))
    files = {slug(case.name): case.make(LESSON, FIRST) for case in hostile.ALL}
    files |= {"0 good": good, "mm good": good, "zz good": good}
    with pytest.MonkeyPatch.context() as patch:
        # less patience than a real class gets: an answer's own limit is ten seconds
        patch.setattr(slot, "STEP_SECONDS", 16.0)
        return root, grade_class(root, files)


@pytest.fixture(scope="module")
def broken_class(grade_class, tmp_path_factory):
    """All broken submissions, and every known mistake, graded in one run."""
    root = tmp_path_factory.mktemp("broken")
    files = {slug(case.name): case.make(LESSON, FIRST) for case in broken.ALL}
    for number in range(MOST):
        notebook = with_mistakes(solved(LESSON), ASKED, number)
        files[f"mistake {number}"] = as_bytes(notebook)
    files["blank"] = as_bytes(blank(LESSON))
    return root, grade_class(root, files)


# a lesson whose answers are functions, classes, autograd functions; each with other hostile kinds
ODD = {
    "02_patch": ("a file that fills the disk", "settings of all kinds", "SystemExit"),
    "03_relu_rules": ("nothing finite", "replaced functions of torch and NumPy"),
    "04_layers": ("os._exit", "import and trace of its own"),
    "05_excitation_backprop": ("the library's own object", "a tensor without values"),
    "06_rise": ("__eq__ that is always true",),
    "07_extremal_perturbation": ("a list in itself", "a wrapper of the library's"),
}


@pytest.fixture(scope="module")
def mixed_class(grade_class, tmp_path_factory):
    """A few submissions of each later lesson, graded in one run, with what each should get."""
    root = tmp_path_factory.mktemp("mixed")
    files, lessons, expected = {}, {}, {}
    for lesson, names in ODD.items():
        asked = exercises(lesson)
        cases = {case.name: case for case in hostile.suited(asked[0])}
        files[f"{lesson} mistaken"] = as_bytes(with_mistakes(solved(lesson), asked, 0))
        expected[f"{lesson} mistaken"] = None
        for name in names:
            student = f"{lesson} {slug(name)}"
            files[student] = cases[name].make(lesson, asked[0])
            expected[student] = [
                cases[name].due(asked[0]),
                *[cases[name].others] * (len(asked) - 1),
            ]
        lessons |= {student: lesson for student in files if student.startswith(lesson)}
    return lessons, expected, grade_class(root, files, lessons)


def verdicts(student, wanted=LESSON):
    """The verdicts of a student's only lesson."""
    assert [lesson.lesson for lesson in student.lessons] == [wanted]
    return [grade.verdict for grade in student.lessons[0].grades]


def page(root, student):
    """A student's page of feedback."""
    return (root / "grades" / "feedback" / feedback_name(student)).read_text()


@pytest.mark.parametrize("case", hostile.ALL, ids=lambda case: slug(case.name))
def test_a_hostile_submission_gets_its_due(hostile_class, case):
    _, students = hostile_class
    student = students[slug(case.name)]
    first, *others = verdicts(student)
    assert first in case.target.split(" or ")
    assert others == [case.others] * (len(ASKED) - 1)
    assert student.lessons[0].grades[0].looks_like_reference == case.alike


@pytest.mark.parametrize("name", ["0 good", "mm good", "zz good"])
def test_the_others_are_graded_right(hostile_class, name):
    _, students = hostile_class
    assert verdicts(students[name]) == ["right"] * len(ASKED)
    assert not any(grade.looks_like_reference for grade in students[name].lessons[0].grades)


@pytest.mark.parametrize(
    ("case", "sentence"),
    [
        ("an endless loop", "ran for more than 10 seconds"),
        ("a loop that ignores signals", "took too long and was stopped"),
        # which limit is met first is a matter of the machine's speed
        ("memory in many processes", "used more than 3 GB of memory|ran for more than 10 seconds"),
        ("os._exit", "ended before the notebook did"),
        ("the library's own object", "the course's own object"),
        ("SystemExit in a cell", "SystemExit"),
        ("os._exit in a cell", "In cell 1: The process ended before the notebook did"),
        ("HTML in what it says", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("__eq__ that is always true", "a Yes"),
    ],
)
def test_what_was_the_matter_is_named_in_the_feedback(hostile_class, case, sentence):
    root, _ = hostile_class
    assert any(part in page(root, slug(case)) for part in sentence.split("|"))


def test_no_page_runs_anything_or_shows_a_probe(hostile_class, broken_class):
    for root, students in (hostile_class, broken_class):
        for name in students:
            text = page(root, name)
            assert not re.search(r"<(script|img|iframe|object|link)\b", text)
            assert "probe" not in text
            assert "default-src 'none'" in text
            others = [other for other in students if other not in (name, "blank")]
            shown = re.sub(r"<style>.*</style>", "", text, flags=re.DOTALL)
            assert not [other for other in others if f">{other}<" in shown]


def test_nothing_was_written_outside_the_grades_folder(hostile_class):
    root, _ = hostile_class
    assert sorted(path.name for path in root.iterdir()) == ["grades", "submissions"]
    found = {path.name for path in (root / "grades").iterdir()}
    assert found == {"feedback", "grades.csv", "grades.json", "report.html", "results.jsonl"}
    assert {path.name for path in (root / "submissions").rglob("*.*")} == {f"{LESSON}.ipynb"}


@pytest.mark.parametrize("case", broken.ALL, ids=lambda case: slug(case.name))
def test_a_broken_submission_gets_its_due(broken_class, case):
    root, students = broken_class
    student = students[slug(case.name)]
    if not case.target:
        # the file is called after the lesson, so that it is known what is missing
        assert verdicts(student) == ["not attempted"] * len(ASKED)
        assert len(student.notes) == 1
        assert student.notes[0].split(": ", 1)[1] in page(root, student.name).replace("&#39;", "'")
    else:
        assert verdicts(student) == [case.target, *[case.others] * (len(ASKED) - 1)]


def test_the_last_of_several_copies_counts_and_is_told(broken_class):
    root, _ = broken_class
    assert "is there 2 times; the last answer counts" in page(root, "an-answer-twice")


@pytest.mark.parametrize("number", range(MOST))
def test_known_mistakes_are_rejected_and_named(broken_class, number):
    _, students = broken_class
    for exercise, grade in zip(ASKED, students[f"mistake {number}"].lessons[0].grades, strict=True):
        assert grade.points == 0
        explanations = list(exercise.mistakes)
        assert grade.explanation == explanations[number % len(explanations)]


def test_each_lesson_gives_everybody_their_due(mixed_class):
    lessons, expected, students = mixed_class
    assert students.keys() == expected.keys()
    for name, wanted in expected.items():
        got = verdicts(students[name], lessons[name])
        if wanted is None:
            assert set(got) <= {"wrong", "error"}, name
        else:
            assert all(g in w.split(" or ") for g, w in zip(got, wanted, strict=True)), name


@pytest.mark.parametrize("lesson", ODD)
def test_a_lessons_known_mistakes_are_named(mixed_class, lesson):
    _, _, students = mixed_class
    grades = students[f"{lesson} mistaken"].lessons[0].grades
    for exercise, grade in zip(exercises(lesson), grades, strict=True):
        assert grade.explanation == next(iter(exercise.mistakes)), exercise.name


def test_a_blank_notebook_is_not_attempted(broken_class):
    _, students = broken_class
    assert verdicts(students["blank"]) == ["not attempted"] * len(ASKED)


def test_grades_json_says_what_grades_csv_says(broken_class):
    root, _ = broken_class
    data = json.loads((root / "grades" / "grades.json").read_text())
    lines = (root / "grades" / "grades.csv").read_text().splitlines()[1:]
    told = [
        (student["student"], exercise["exercise"], str(exercise["points"]))
        for student in data
        for lesson in student["lessons"]
        for exercise in lesson["exercises"]
    ]
    rows = [line.split(",") for line in lines if '"' not in line]
    assert [(row[0], row[2], row[3]) for row in rows] == [one for one in told if "," not in one[0]]


def test_the_report_counts_verdicts_and_mistakes(broken_class):
    root, students = broken_class
    report = (root / "grades" / "report.html").read_text()
    right = sum(verdicts(student)[0] == "right" for student in students.values())
    name = FIRST.name.replace("_", "_<wbr>")
    row = re.search(rf"<td class=\"name\">{name}</td><td class=\"number\">(\d+)</td>", report)
    assert row is not None
    assert int(row[1]) == right
    assert "1 ×" in report
