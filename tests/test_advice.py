"""Commands and options that the course's own words name are there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from course_lib.cli import app

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "course_lib"
COURSE = typer.main.get_command(app)
COMMANDS = {"": COURSE, **COURSE.commands}
COMMANDS |= {
    f"{name} {below}": command
    for name, group in COURSE.commands.items()
    for below, command in getattr(group, "commands", {}).items()
}
OPTIONS = {
    name: {option for p in command.params for option in (*p.opts, *p.secondary_opts)}
    for name, command in COMMANDS.items()
}
"""Each command's options; those of `course` itself by an empty name."""
TEXTS = [
    *PACKAGE.rglob("*.py"),
    *PACKAGE.rglob("*.j2"),
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *(ROOT / "docs").glob("*.md"),
    *(ROOT / "solutions").glob("*.py"),
]
OPTION = re.compile(r"(?<![\w'(-])--[a-z][a-z-]*(?![\w-]*:)")
"""An option; what a colon follows is a property of a style sheet."""


def commands_named(text: str) -> Iterator[tuple[str, list[str]]]:
    """Each command between backticks, as (name, options)."""
    for words in re.findall(r"`course\s([^`]*)`", text):
        name = words.split()[0]
        below = " ".join(words.split()[:2])
        name = below if below in OPTIONS else name
        yield "" if name.startswith("-") else name, OPTION.findall(words)


def sentences(path: Path) -> Iterator[str]:
    """The texts in a module's code, without those that begin with an option: program arguments."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.JoinedStr):
            parts = [p.value if isinstance(p, ast.Constant) else "..." for p in node.values]
            yield "".join(map(str, parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_every_command_that_is_named_is_there() -> None:
    named = [(path, *found) for path in TEXTS for found in commands_named(path.read_text("utf-8"))]
    assert {"start", "progress", "grade", "build"} <= {name for _, name, _ in named}
    for path, name, options in named:
        assert name in OPTIONS, f"{path.name}: there is no `course {name}`"
        for option in options:
            assert option in OPTIONS[name], f"{path.name}: `course {name}` has no {option}"


def test_every_option_that_a_message_names_is_there() -> None:
    known = set().union(*OPTIONS.values())
    named = {
        (path.name, option)
        for path in PACKAGE.rglob("*.py")
        for text in sentences(path)
        if not text.startswith("-")
        for option in OPTION.findall(re.sub("`[^`]*`", "", text))
    }
    assert {"--resume", "--port"} <= {option for _, option in named}
    assert {(name, option) for name, option in named if option not in known} == set()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("run `course grade x --resume`", [("grade", ["--resume"])]),
        ("`course\nbuild 03`", [("build", [])]),
        ("`course --version`", [("", ["--version"])]),
        ("of course --not", []),
    ],
)
def test_commands_are_found_in_text(text: str, found: list[tuple[str, list[str]]]) -> None:
    assert list(commands_named(text)) == found
