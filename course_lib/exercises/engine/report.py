"""What `course progress` prints: lessons and exercises, predictions and open tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

from .exercise import Exercise, Lesson
from .progress import Entry, Prediction, Record, progress_file, read
from .registry import exercises, find_lesson, lessons, open_task_of


def report(console: Console | None = None) -> None:
    """Print, on one screen, what is solved, which exercise is next, and a line for each lesson."""
    console = console or Console()
    record, of_all = read(), exercises()
    done = [e for e in of_all if record.exercises.get(e.name, Entry()).solved]
    console.print(
        f"{len(done)} of {len(of_all)} exercises solved, "
        f"{sum(e.points for e in done)} of {sum(e.points for e in of_all)} points.",
        style="bold",
    )
    for line in _predicted(lessons(), record):
        console.print(line)
    exercise = following(of_all, record.exercises)
    if exercise is None:
        console.print("Nothing is left to solve.")
    else:
        lesson = find_lesson(exercise.lesson)
        console.print(f"Next: {exercise.name}, in lesson {lesson.id[:2]}, {lesson.title}")
    table = Table(width=min(76, console.width), box=None, pad_edge=False)
    table.add_column("lesson", ratio=1, no_wrap=True, overflow="ellipsis")
    table.add_column("solved", justify="right")
    table.add_column("points", justify="right")
    for lesson in lessons():
        own = [e for e in of_all if e.lesson == lesson.id]
        right = [e for e in own if e in done]
        table.add_row(
            f"{lesson.id[:2]} {lesson.title}",
            f"{len(right)} / {len(own)}",
            f"{sum(e.points for e in right)} / {sum(e.points for e in own)}",
            style="green" if len(right) == len(own) else "",
        )
    console.print(table)
    place = progress_file()
    if place is not None and record:
        console.print("`course progress --all` lists the exercises one by one.")
        console.print(f"Kept in {place}; delete it to begin anew.", soft_wrap=True)
    elif place is not None:
        console.print("Nothing attempted yet: `course start` opens the lessons.")
    else:
        console.print("No progress is kept (COURSE_PROGRESS=off).")


def list_exercises(console: Console | None = None) -> None:
    """Print a table a lesson of its exercises: state, points, hints taken, and what else.

    Below a lesson's exercises stand how many of its predictions were right, and the best of its
    open task, once there are any.
    """
    console = console or Console()
    # A console that can't write every sign, such as Windows's, gets the words alone.
    signs = not console.options.ascii_only
    dot = "·" if signs else "-"
    record = read()
    for lesson in lessons():
        table = Table(
            title=f"{lesson.id[:2]} {dot} {lesson.title}",
            title_justify="left",
            title_style="bold",
            width=min(76, console.width),
        )
        table.add_column("exercise", ratio=1)
        table.add_column("state", width=15)
        table.add_column("points", justify="right", width=6)
        table.add_column("hints", justify="right", width=6)
        for exercise in exercises(lesson.id):
            entry = record.exercises.get(exercise.name, Entry())
            table.add_row(
                exercise.name,
                _state(entry, signs),
                f"{exercise.points if entry.solved else 0} / {exercise.points}",
                f"{min(entry.hints, len(exercise.hints))} / {len(exercise.hints)}",
            )
        console.print(table)
        for line in (*_predicted([lesson], record), *_open_task(lesson, record)):
            console.print(line)
        console.print()


def following(of_all: Sequence[Exercise], entries: Mapping[str, Entry]) -> Exercise | None:
    """The first exercise without a right answer in the lesson that was touched last, or of all.

    Args:
        of_all: all exercises, in order.
        entries: what happened with them, by name.
    """
    left = [e for e in of_all if not entries.get(e.name, Entry()).solved]
    latest = max(of_all, key=lambda e: entries.get(e.name, Entry()).last or "", default=None)
    own = [e for e in left if latest is not None and e.lesson == latest.lesson]
    return next(iter([*own, *left]), None)


def _state(entry: Entry, signs: bool) -> str:
    if entry.solved:
        sign, colour, words = "✓", "green", "solved"
    elif entry.attempts:
        tries = "try" if entry.attempts == 1 else "tries"
        sign, colour, words = "✗", "yellow", f"{entry.attempts} {tries}"
    else:
        sign, colour, words = "○", "dim", "not attempted"
    return f"[{colour}]{sign} {words}[/{colour}]" if signs else words


def _predicted(of: Sequence[Lesson], record: Record) -> list[str]:
    """A line on the predictions of some lessons, once there are any."""
    judged = [
        right
        for lesson in of
        for name in lesson.predictions
        if (right := record.predictions.get(name, Prediction()).right) is not None
    ]
    return [f"Predicted {sum(judged)} of {len(judged)} rightly."] if judged else []


def _open_task(lesson: Lesson, record: Record) -> list[str]:
    """A line on a lesson's open task, once there is a best."""
    task = open_task_of(lesson.id)
    best = record.open_tasks.get(task.name) if task is not None else None
    if task is None or best is None:
        return []
    return [
        f"Open task: best {task.shown.format(best.score)}, "
        f"{task.shown.format(best.to_beat)} to beat."
    ]
