"""The README tells the truth: its table, its example, its picture and its links."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from course_lib.exercises.engine.registry import lessons

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def rows() -> list[str]:
    """The rows of the table of lessons, as the registry would have them."""
    return [
        f"| [{lesson.id[:2]} · {lesson.title}](notebooks/{lesson.id}.ipynb) "
        f"| {lesson.minutes} | {lesson.dots} | {lesson.summary} |"
        for lesson in lessons()
        if (ROOT / "notebooks" / f"{lesson.id}.ipynb").is_file()
    ]


def test_the_table_lists_every_lesson_that_is_built() -> None:
    listed = [line for line in README.splitlines() if re.match(r"\| \[\d\d", line)]
    expected = rows()
    assert listed == expected, "The table should be:\n" + "\n".join(expected)


def test_the_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import matplotlib

    monkeypatch.chdir(tmp_path)
    (example,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    with matplotlib.rc_context({"backend": "agg"}):
        exec(compile(example, "README.md", "exec"), {})
        matplotlib.pyplot.close("all")
    assert (tmp_path / "example.png").stat().st_size > 10_000


def test_every_link_leads_somewhere() -> None:
    targets = re.findall(r"\]\(([^)]+)\)", README)
    assert targets
    assert [target for target in targets if not (ROOT / target).is_file()] == []


def test_every_make_target_that_is_named_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"make ([a-z]+)", README))
    assert {"lab", "test"} <= named
    assert [name for name in sorted(named) if not re.search(rf"^{name}:", makefile, re.M)] == []
