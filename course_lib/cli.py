"""The `course` command: each subcommand calls one function and is imported when it is used."""

from __future__ import annotations

import sys
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated

import typer

from course_lib import __version__
from course_lib.benchmark.results.command import benchmark
from course_lib.benchmark.results.own_command import leaderboard
from course_lib.challenge.command import challenge

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="The attribution course: where does a neural network look?",
)


def main() -> None:
    """Run the command; what a user did wrong is one plain sentence and exit code 1."""
    for stream in (sys.stdout, sys.stderr):
        # A sign that the console can't write, in a path say, is no reason to stop.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        app()
    except (ValueError, FileNotFoundError) as error:
        print(error, file=sys.stderr)
        sys.exit(1)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in {"jupytext", "nbclient", "nbformat", "nbgrader"}:
            raise
        print(
            f"This needs {error.name}, one of the teaching tools: pip install 'course-lib[teach]'.",
            file=sys.stderr,
        )
        sys.exit(1)


def _version(wanted: bool) -> None:
    """Print the version and stop."""
    if wanted:
        print(f"course_lib {__version__}")
        raise typer.Exit


@app.callback()
def course(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """The attribution course: where does a neural network look?"""


@app.command()
def start(
    folder: Annotated[Path, typer.Argument(help="Your working folder.")] = Path("work"),
    fresh: Annotated[
        str | None,
        typer.Option(metavar="LESSON", help="Begin a lesson anew, as 03; yours is set aside."),
    ] = None,
    browser: Annotated[bool, typer.Option(help="Open a browser.")] = True,
    port: Annotated[int | None, typer.Option(help="Where JupyterLab listens.")] = None,
) -> None:
    """Copy the lessons that you do not have yet and open JupyterLab; never overwrites one."""
    from course_lib.classroom.start import start as run

    run(folder, fresh=fresh, browser=browser, port=port)


@app.command()
def doctor(
    folder: Annotated[Path, typer.Argument(help="Your working folder.")] = Path("work"),
) -> None:
    """Say whether this environment is complete, and what to do where it is not."""
    from course_lib.doctor import examine

    if not examine(folder):
        raise typer.Exit(1)


@app.command()
def progress(
    every: Annotated[bool, typer.Option("--all", help="List every exercise as well.")] = False,
) -> None:
    """Show what you have solved so far, what is next, and where that is kept."""
    from course_lib.exercises.engine.report import list_exercises, report

    if every:
        list_exercises()
    report()


@app.command()
def train(
    network: Annotated[str, typer.Argument(help="One of the course's networks, as tiny_vgg.")],
    folder: Annotated[
        Path | None, typer.Option(help="Where the weights go; the user's cache by default.")
    ] = None,
    resume: Annotated[bool, typer.Option(help="Go on where training was interrupted.")] = True,
) -> None:
    """Train one of the course's networks from the beginning."""
    from course_lib.world.training import train as run

    print(run(network, folder=folder, resume=resume))


@app.command()
def explore(
    arch: Annotated[
        str, typer.Option(help="The network: one of the course's, or torchvision's by name.")
    ] = "tiny_vgg",
    image: Annotated[
        str | None, typer.Option(metavar="PATH", help="An image of your own; a scene by default.")
    ] = None,
    port: Annotated[int | None, typer.Option(help="Where the page is served.")] = None,
    browser: Annotated[bool, typer.Option(help="Open a browser.")] = True,
) -> None:
    """Play with layers and areas on a page of their own."""
    from course_lib.explorer.serve import serve

    serve(arch, image, port=port, browser=browser)


@app.command()
def grade(
    submissions: Annotated[Path, typer.Argument(help="A folder or zip file of submissions.")],
    out: Annotated[Path, typer.Option(help="The folder that the grades go to.")],
    due: Annotated[
        str | None, typer.Option(metavar="DATE", help="When it was due, as 2026-11-30T18:00.")
    ] = None,
    times: Annotated[
        Path | None,
        typer.Option(
            metavar="CSV", help="Columns student and submitted; by default the files' dates."
        ),
    ] = None,
    lesson: Annotated[
        list[str] | None,
        typer.Option(help="Everybody should have handed this in, as 03; may be repeated."),
    ] = None,
    workers: Annotated[
        int, typer.Option(min=0, help="Submissions at once; one for each processor by default.")
    ] = 0,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the grades that are there.")
    ] = False,
    cluster: Annotated[
        str | None, typer.Option(metavar="tcp://...", help="A Dask scheduler that does the work.")
    ] = None,
    export: Annotated[
        str | None, typer.Option(metavar="moodle|canvas", help="Write what they import, too.")
    ] = None,
    sandbox: Annotated[
        bool, typer.Option("--sandbox/--no-sandbox", help="Run students' code in bubblewrap.")
    ] = True,
) -> None:
    """Grade a class: grades.csv, grades.json, a page of feedback for each student, a report."""
    from course_lib.classroom.grade.command import Options
    from course_lib.classroom.grade.late import parse_due
    from course_lib.classroom.grade.shown import grade_and_show

    options = Options(
        due=parse_due(due) if due is not None else None,
        times=times,
        lessons=lesson or (),
        workers=workers,
        resume=resume,
        sandboxed=sandbox,
        cluster=cluster,
        export=export,
    )
    grade_and_show(submissions, out, options)


@app.command("simulate-class")
def simulate_class(
    folder: Annotated[Path, typer.Argument(help="A new folder for the class.")],
    students: Annotated[int, typer.Option(min=1, help="How many hand in.")] = 300,
    lesson: Annotated[str, typer.Option(help="What they hand in, as 03.")] = "01",
) -> None:
    """Make up a class to rehearse grading with: right, wrong, blank, broken and hostile."""
    from course_lib.classroom.rehearsal.class_ import simulate_class as run

    run(folder, students, lesson)


@app.command()
def assignment(
    folder: Annotated[Path, typer.Argument(help="nbgrader's course folder; made when missing.")],
    lesson: Annotated[
        list[str] | None, typer.Option(help="A lesson, as 03; all by default; may be repeated.")
    ] = None,
    solutions: Annotated[
        bool, typer.Option("--solutions/--no-solutions", help="Let solution() show solutions.")
    ] = True,
) -> None:
    """Write the lessons and a configuration for nbgrader, which hands them out and grades them."""
    from course_lib.classroom.assignment import write_assignments

    write_assignments(folder, lesson or (), solutions=solutions)


@app.command()
def mend(
    submission: Annotated[Path, typer.Argument(help="A notebook, or a folder of them.")],
) -> None:
    """Give copied cells of submissions ids of their own, which nbgrader insists on."""
    from course_lib.classroom.mend import mend as run

    run(submission)


@app.command()
def build(
    lessons: Annotated[
        list[str] | None, typer.Argument(help="Lessons, as 03 or 03_relu_rules; all by default.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Only say which notebooks are not current.")
    ] = False,
    figures: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Write the figures of the built lessons into this folder."
        ),
    ] = None,
) -> None:
    """Build the notebooks from their sources (for those who write lessons)."""
    from course_lib.classroom import build as builder

    if figures is not None:
        for path in builder.write_figures(lessons or (), figures):
            print(path)
        return
    if not check:
        builder.build(lessons or ())
        return
    sentences = builder.outdated(lessons or ())
    for sentence in sentences:
        print(sentence, file=sys.stderr)
    if sentences:
        raise typer.Exit(1)
    print("Every notebook is what its source builds.")


@app.command()
def try_exercise(
    name: Annotated[str, typer.Argument(help="The exercise, as excitation_sum.")],
) -> None:
    """Judge an exercise's reference, its mistakes and the collections' answers to it."""
    from course_lib.classroom.places import repository
    from course_lib.exercises.engine.registry import find_exercise
    from course_lib.exercises.engine.trying import report

    root = repository()
    collections = None if root is None else root / "tests" / "exercises" / "answers"
    if report(find_exercise(name), collections):
        raise typer.Exit(1)


app.command()(benchmark)
app.command()(leaderboard)
app.add_typer(challenge, name="challenge")


if __name__ == "__main__":
    main()
