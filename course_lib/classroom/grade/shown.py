"""What somebody at a terminal sees of grading: a bar with an estimate, and a summary."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bar

from .command import Options, Progress, grade


def grade_and_show(submissions: Path, out: Path, options: Options) -> None:
    """Grade a class as `grade` does, with a progress bar, and say where the grades are."""
    console = Console()
    if not options.sandboxed:
        console.print(
            "Without a sandbox: students' code runs as you, sees your files and your network."
        )
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
    )
    bar = Bar(*columns, console=console)
    task = bar.add_task("starting", total=None)
    with ExitStack() as stack:

        def begin(count: int) -> None:
            # not before: what is wrong with the command line is said without a bar above it
            stack.enter_context(bar)
            bar.update(task, total=count)

        def advance(student: str) -> None:
            bar.update(task, advance=1, description=escape(student[:40]))

        students = grade(
            submissions,
            out,
            options,
            Progress(
                total=begin,
                advance=advance,
                say=lambda sentence: bar.console.print(escape(sentence)),
            ),
        )
        bar.update(task, description="")
    count = len(students)
    print(f"{count} student{'s' if count != 1 else ''} graded: {out / 'grades.csv'}")
    print(f"Report: {out / 'report.html'}; feedback: {out / 'feedback'}")
