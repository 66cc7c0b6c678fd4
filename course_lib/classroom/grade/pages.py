"""The pages: one of feedback for each student, and a report on the class."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from course_lib.exercises.engine import markup

from .gradebook import Student

_BINS = 10


def feedback_name(student: str) -> str:
    """A file name for a student's page: legible, safe anywhere, and no two students' the same."""
    ascii_name = unicodedata.normalize("NFKD", student).encode("ascii", "ignore").decode()
    legible = re.sub(r"[^a-z0-9]+", "-", ascii_name.lower()).strip("-")[:40]
    mark = hashlib.sha256(student.encode("utf-8", "replace")).hexdigest()[:8]
    return f"{legible or 'student'}-{mark}.html"


def feedback_page(student: Student) -> str:
    """What a student reads: verdicts, what differed, the mistake that it looks like."""
    return _template("feedback.html.j2").render(student=student)


@dataclass(frozen=True)
class _Row:
    """An exercise on the report: how many answers of each kind, and the commonest mistakes."""

    name: str
    counts: dict[str, int]
    share: float
    mistakes: list[tuple[str, int]]


def report_page(students: Sequence[Student]) -> str:
    """What an instructor reads: scores by exercise, commonest mistakes, a histogram."""
    lessons: dict[str, list[_Row]] = {}
    order: dict[tuple[str, str], list[str]] = {}
    explained: dict[tuple[str, str], Counter[str]] = {}
    for student in students:
        for lesson in student.lessons:
            for grade in lesson.grades:
                key = (lesson.lesson, grade.exercise)
                order.setdefault(key, []).append(grade.verdict)
                if grade.explanation:
                    explained.setdefault(key, Counter())[grade.explanation] += 1
    for (name, exercise), verdicts in sorted(order.items(), key=lambda item: item[0][0]):
        counts = Counter(verdicts)
        row = _Row(
            exercise,
            {kind: counts[kind] for kind in ("right", "wrong", "error", "not attempted")},
            counts["right"] / len(verdicts),
            explained.get((name, exercise), Counter()).most_common(3),
        )
        lessons.setdefault(name, []).append(row)
    shares = [student.points / student.max for student in students if student.max]
    bins = [0] * _BINS
    for share in shares:
        bins[min(int(share * _BINS), _BINS - 1)] += 1
    troubled = [student for student in students if student.notes or not student.lessons]
    alike: dict[str, list[str]] = {}
    for student in students:
        for lesson in student.lessons:
            for grade in lesson.grades:
                if grade.looks_like_reference:
                    alike.setdefault(student.name, []).append(grade.exercise)
    return _template("report.html.j2").render(
        students=students,
        lessons=lessons,
        bins=bins,
        highest=max(bins),
        mean=sum(shares) / len(shares) if shares else 0.0,
        troubled=troubled,
        alike=alike,
        link=_link,
    )


def _said(text: str) -> Markup:
    """A sentence with the course's markup; all else in it is escaped."""
    return Markup(markup.paragraphs(text))


def _link(student: str) -> Markup:
    """A student's name, which leads to the page of feedback."""
    return Markup('<a href="feedback/{}"><bdi>{}</bdi></a>').format(feedback_name(student), student)


def _breakable(name: str) -> Markup:
    """A name that a narrow column breaks where words end in it, not within them."""
    return Markup("_<wbr>").join(name.split("_"))


@cache
def _template(name: str):  # type: ignore[no-untyped-def]
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "page_templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"said": _said, "breakable": _breakable}
    return environment.get_template(name)
