"""What `course progress` prints: lessons and exercises, predictions and open tasks."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from .exercise import Lesson
from .progress import Entry, Prediction, Record, progress_file, read
from .registry import exercises, lessons, open_task_of


def report(console: Console | None = None) -> None:
    """Print a table of all lessons and exercises: state, points, hints taken, and what else.

    Below a lesson's exercises stand how many of its predictions were right, and the best of its
    open task, once there are any.
    """
    console = console or Console()
    # A console that can't write every sign, such as Windows's, gets the words alone.
    signs = not console.options.ascii_only
    record = read()
    entries = record.exercises
    earned_of_all = points_of_all = 0
    for lesson in lessons():
        own = exercises(lesson.id)
        earned = sum(e.points for e in own if entries.get(e.name, Entry()).solved)
        points = sum(e.points for e in own)
        earned_of_all += earned
        points_of_all += points
        dot = "·" if signs else "-"
        table = Table(
            title=f"{lesson.id[:2]} {dot} {lesson.title}  ({earned} of {points} points)",
            title_justify="left",
            title_style="bold",
            width=min(76, console.width),
        )
        table.add_column("exercise", ratio=1)
        table.add_column("state", width=15)
        table.add_column("points", justify="right", width=6)
        table.add_column("hints", justify="right", width=6)
        for exercise in own:
            entry = entries.get(exercise.name, Entry())
            table.add_row(
                exercise.name,
                _state(entry, signs),
                f"{exercise.points if entry.solved else 0} / {exercise.points}",
                f"{min(entry.hints, len(exercise.hints))} / {len(exercise.hints)}",
            )
        console.print(table)
        for line in _beside_the_exercises(lesson, record):
            console.print(line)
        console.print()
    console.print(f"{earned_of_all} of {points_of_all} points.")
    place = progress_file()
    if place is not None and record:
        console.print(f"Kept in {place}; delete it to begin anew.", soft_wrap=True)
    elif place is not None:
        console.print("Nothing attempted yet: `course start` opens the lessons.")
    else:
        console.print("No progress is kept (COURSE_PROGRESS=off).")


def _state(entry: Entry, signs: bool) -> str:
    if entry.solved:
        sign, colour, words = "✓", "green", "solved"
    elif entry.attempts:
        tries = "try" if entry.attempts == 1 else "tries"
        sign, colour, words = "✗", "yellow", f"{entry.attempts} {tries}"
    else:
        sign, colour, words = "○", "dim", "not attempted"
    return f"[{colour}]{sign} {words}[/{colour}]" if signs else words


def _beside_the_exercises(lesson: Lesson, record: Record) -> list[str]:
    """A line on a lesson's predictions and one on its open task, once there are any."""
    judged = [
        right
        for name in lesson.predictions
        if (right := record.predictions.get(name, Prediction()).right) is not None
    ]
    lines = [f"Predicted {sum(judged)} of {len(judged)} rightly."] if judged else []
    task = open_task_of(lesson.id)
    best = record.open_tasks.get(task.name) if task is not None else None
    if task is not None and best is not None:
        lines.append(
            f"Open task: best {task.shown.format(best.score)}, "
            f"{task.shown.format(best.to_beat)} to beat."
        )
    return lines
