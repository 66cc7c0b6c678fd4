"""How fast a class is graded: `course grade` beside `nbgrader autograde`, on one lesson.

python -m speed.grading [--lesson 01] [--students 60] [--nbgrader 4] [--workers 2]

Prints submissions a minute of both, the time for 300 submissions (extrapolated when fewer were
graded, and said so), and the grading process's peak memory after a third of the class and after
all of it. Half of the class is right, the others are wrong, blank, broken or hostile; nbgrader
gets right ones alone, since a broken one may stop it.
"""

from __future__ import annotations

import argparse
import csv
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from course_lib.classroom.assignment import write_assignments
from course_lib.classroom.grade.command import Options, Progress, grade
from course_lib.classroom.names import match_lesson
from course_lib.classroom.rehearsal.class_ import simulate_class
from course_lib.classroom.rehearsal.notebooks import as_bytes, solved
from course_lib.exercises.engine.registry import lessons

CLASS = 300


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m speed.grading", description=__doc__)
    parser.add_argument("--lesson", default="01")
    parser.add_argument("--students", type=int, default=CLASS)
    parser.add_argument("--nbgrader", type=int, default=4, help="submissions that nbgrader gets")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args(arguments)
    lesson = match_lesson(options.lesson, [one.id for one in lessons()])
    with tempfile.TemporaryDirectory() as folder:
        theirs = by_nbgrader(Path(folder) / "nbgrader", lesson, options.nbgrader)
        print(f"nbgrader autograde: {60 * theirs:.1f} submissions a minute", flush=True)
        ours = by_us(Path(folder) / "class", lesson, options.students, options.workers)
    print(f"ten times nbgrader's or more: {'yes' if ours >= 10 * theirs else 'no'}")
    print(f"ratio: {ours / theirs:.1f}")


def by_nbgrader(folder: Path, lesson: str, count: int) -> float:
    """Submissions a second of `nbgrader autograde`, its own start included."""
    folder.mkdir(parents=True)
    write_assignments(folder, [lesson], say=lambda line: None)
    content = as_bytes(solved(lesson))
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "COURSE_PROGRESS": str(folder / "progress.json")}

    def nbgrader(*arguments: str) -> None:
        command = [sys.executable, "-m", "nbgrader", *arguments]
        subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)

    nbgrader("generate_assignment", lesson)
    for number in range(count):
        home = folder / "submitted" / f"student{number}" / lesson
        home.mkdir(parents=True)
        (home / f"{lesson}.ipynb").write_bytes(content)
    begin = time.perf_counter()
    nbgrader("autograde", lesson)
    return count / (time.perf_counter() - begin)


def by_us(folder: Path, lesson: str, count: int, workers: int) -> float:
    """Submissions a second of `course grade`, its own start included; prints what else matters."""
    simulate_class(folder, count, lesson, say=lambda line: None)
    peaks: list[int] = []

    def advance(_: str) -> None:
        peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)

    begin = time.perf_counter()
    students = grade(
        folder / "submissions",
        folder / "grades",
        Options(workers=workers),
        Progress(advance=advance),
    )
    seconds = time.perf_counter() - begin
    rate = count / seconds
    how = "measured" if count >= CLASS else f"extrapolated from {count}"
    print(f"course grade, {workers} workers: {60 * rate:.1f} submissions a minute")
    print(f"{CLASS} submissions: {CLASS / rate / 60:.1f} minutes ({how})")
    third, all_ = peaks[len(peaks) // 3] / 1024, peaks[-1] / 1024
    print(f"peak memory here: {third:.0f} MB after a third of them, {all_:.0f} MB at the end")
    with (folder / "expected.csv").open() as file:
        wanted = {(row["student"], row["exercise"]): row["verdict"] for row in csv.DictReader(file)}
    got = {
        (student.name, one.exercise): one.verdict
        for student in students
        for grades in student.lessons
        for one in grades.grades
    }
    wrong = [key for key, verdict in wanted.items() if verdict and got[key] not in verdict]
    print(f"verdicts that are not as expected: {len(wrong)} of {len(wanted)}")
    return rate


if __name__ == "__main__":
    main()
