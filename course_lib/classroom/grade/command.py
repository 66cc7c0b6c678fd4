"""`course grade`: from a folder of submissions to a folder of grades."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from course_lib.classroom.names import match_lesson
from course_lib.classroom.places import make_folder

from .archives import LIMIT, BadArchive
from .gradebook import Student, gradebook
from .key import Key
from .late import read_times
from .pages import feedback_name, feedback_page, report_page
from .records import Record, Records, digest
from .sandbox import require_sandbox
from .submissions import Submission, find_submissions
from .tables import canvas_csv, grades_csv, grades_json, moodle_csv, write_text
from .verdicts import Result, judge_collected
from .workers import Outcome, Task, running

_TABLE_SECONDS = 10.0
_EXPORTS: dict[str, Callable[[Sequence[Student]], dict[str, str]]] = {
    "moodle": moodle_csv,
    "canvas": canvas_csv,
}


@dataclass(frozen=True)
class Options:
    """How a class is graded.

    Attributes:
        due: when it was due; later files get late days.
        times: a CSV that says when each student handed in.
        lessons: those that everybody should have handed in; others are graded as well.
        workers: submissions at once.
        resume: go on with grades that are there.
        sandboxed: whether students' code runs in bubblewrap.
        cluster: address of a Dask scheduler; this machine by default.
        export: `moodle`, `canvas` or nothing.
    """

    due: datetime | None = None
    times: Path | None = None
    lessons: Sequence[str] = ()
    workers: int = 0
    resume: bool = False
    sandboxed: bool = True
    cluster: str | None = None
    export: str | None = None


@dataclass
class Progress:
    """What a progress bar is told: how many there are, and a call for each that is done."""

    total: Callable[[int], None] = lambda count: None
    advance: Callable[[str], None] = lambda student: None
    say: Callable[[str], None] = field(default=lambda sentence: None)


def grade(
    submissions: Path, out: Path, options: Options | None = None, progress: Progress | None = None
) -> list[Student]:
    """Grade all submissions and write grades.csv, grades.json, report.html and feedback pages.

    Args:
        submissions: a folder or a zip file.
        out: the folder for the grades; made when it is missing.
        options: how.
        progress: who is told how far it is.

    Returns:
        The students with their grades.

    Raises:
        ValueError: no submissions, grades that are there already, no sandbox, an unknown lesson,
            a folder that can't be written.
    """
    options = options or Options()
    progress = progress or Progress()
    key = Key()
    lessons = list(key.exercises)
    expected = [match_lesson(lesson, lessons) for lesson in options.lessons]
    if options.export is not None and options.export not in _EXPORTS:
        raise ValueError(f"There is no export {options.export!r}; there are moodle and canvas.")
    times = read_times(options.times) if options.times is not None else {}
    found = find_submissions(submissions, lessons)
    if out.resolve().is_relative_to(submissions.resolve()):
        raise ValueError(f"{out} lies among the submissions; choose a folder elsewhere.")
    if options.sandboxed and options.cluster is None:
        require_sandbox()
    make_folder(out / "feedback")
    records = Records(out, resume=options.resume)
    _say_what_is_odd(found, records, times, progress.say)
    progress.total(len(found))

    def write(names: set[str] | None = None) -> list[Student]:
        students = gradebook(
            records.all(), key.exercises, due=options.due, times=times, expected=expected
        )
        for student in students:
            if names is None or student.name in names:
                page = out / "feedback" / feedback_name(student.name)
                write_text(page, feedback_page(student))
        write_text(out / "grades.csv", grades_csv(students))
        write_text(out / "grades.json", grades_json(students))
        write_text(out / "report.html", report_page(students))
        if options.export is not None:
            for name, text in _EXPORTS[options.export](students).items():
                write_text(out / name, text)
        return students

    def keep(task: Task, result: Result) -> None:
        submission = task.submission
        records.add(
            Record(
                submission.student,
                submission.file,
                task.digest,
                submission.date.isoformat(),
                result,
            )
        )
        progress.advance(submission.student)

    try:
        tasks = _tasks(found, records, keep, progress)
        fresh: set[str] = set()
        written = time.monotonic()
        with _start(tasks, options, key.seeds, progress) as outcomes:
            for task, outcome in outcomes:
                if isinstance(outcome, BaseException):
                    progress.say(
                        f"{task.submission.file} was not graded ({outcome}); run again with "
                        "--resume."
                    )
                    continue
                keep(task, judge_collected(outcome, key))
                fresh.add(task.submission.student)
                if time.monotonic() - written > _TABLE_SECONDS:
                    write(fresh)
                    fresh, written = set(), time.monotonic()
        return write()
    finally:
        records.close()


def _say_what_is_odd(
    found: Sequence[Submission],
    records: Records,
    times: Mapping[str, datetime],
    say: Callable[[str], None],
) -> None:
    files = {(submission.student, submission.file) for submission in found}
    gone = [one for one in records.all() if (one.student, one.file) not in files]
    if gone:
        say(
            f"{_count(len(gone), 'file')} graded earlier, such as {gone[0].file}, "
            f"{'is' if len(gone) == 1 else 'are'} not among these submissions; the grades stay."
        )
    strangers = sorted(set(times) - {submission.student for submission in found})
    if strangers:
        say(
            f"The table of times names {_count(len(strangers), 'student')} who handed nothing in "
            f"here, such as {strangers[0]}; names must be as in grades.csv."
        )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' if number != 1 else ''}"


def _start(
    tasks: Iterable[Task], options: Options, seeds: list[int], progress: Progress
) -> AbstractContextManager[Iterator[Outcome]]:
    if options.cluster is not None:
        from .cluster import running_on

        return running_on(tasks, options.cluster, seeds, sandboxed=options.sandboxed)
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    count = options.workers or processors
    return running(tasks, count, seeds, sandboxed=options.sandboxed)


def _tasks(
    found: list[Submission],
    records: Records,
    keep: Callable[[Task, Result], None],
    progress: Progress,
) -> Iterator[Task]:
    """The submissions that have to be run; those that can't be are settled at once."""
    for submission in found:
        content, fault = b"", submission.fault
        if not fault:
            try:
                content = submission.read()
            except (OSError, BadArchive) as error:
                fault = str(error) if isinstance(error, BadArchive) else "it can't be read"
        if len(content) > LIMIT:
            fault = f"it is larger than {LIMIT >> 20} MB"
        mark = digest(content if not fault else fault.encode())
        if records.has(submission.student, submission.file, mark):
            progress.advance(submission.student)
            continue
        task = Task(submission, content, mark)
        if fault:
            keep(task, Result(notes=(f"This file was not graded: {fault}.",)))
            continue
        yield task
