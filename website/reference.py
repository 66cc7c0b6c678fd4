"""The pages of the reference: what stands on which page."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from course_lib.attribution.methods import Method, methods

# Pages beside that of the methods, and the modules on them.
CHAPTERS = {
    "What methods share": [
        f"course_lib.attribution.{name}"
        for name in (
            *("common", "saliency", "inputs.targets", "inputs.baselines", "network.attention"),
            "methods",
        )
    ],
    "The world to explain": [
        f"course_lib.world.{name}"
        for name in (
            *("scenes", "examples", "networks", "vision_transformer", "photographs", "images"),
            "grids",
        )
    ],
    "Explorers": ["course_lib.explorer"],
    "Image helpers": ["course_lib.utils"],
}


def write_reference(folder: Path) -> None:
    """Write a page for each chapter, and their contents.

    Args:
        folder: made here.
    """
    folder.mkdir()
    benchmark = ["course_lib.benchmark", *_inside("course_lib.benchmark")]
    chapters = {**CHAPTERS, "Benchmark": benchmark}
    pages = {
        "Methods": [_method(method) for method in methods().values()],
        "Beside the methods": [_beside(module) for module in _modules_of_methods()],
        **{title: [_module(name) for name in names] for title, names in chapters.items()},
    }
    for title, sections in pages.items():
        text = "\n\n".join([_heading(title, "="), *sections])
        (folder / f"{_file(title)}.rst").write_text(text + "\n", encoding="utf-8")
    lines = [f"   {_file(title)}" for title in pages]
    index = [_heading("Reference", "="), "", ".. toctree::", "   :maxdepth: 2", "", *lines, ""]
    (folder / "index.rst").write_text("\n".join(index), encoding="utf-8")


def _method(method: Method) -> str:
    """Return a method's part of the page: what it costs, and its function."""
    needs = f" Needs {method.needs}." if method.needs else ""
    same = "" if method.by_class else " The map is the same for every class."
    return (
        f"{_heading(method.title, '-')}\n\nCost: {method.passes}.{needs}{same}\n\n"
        f".. autofunction:: {method.function.__module__}.{method.name}"
    )


def _beside(module: str) -> str:
    """Return what a method's module names besides its methods."""
    of_methods = ", ".join(m.name for m in methods().values() if m.function.__module__ == module)
    return f"{_module(module)}\n   :exclude-members: {of_methods}"


def _module(module: str) -> str:
    """Return a module's part of a page: its own sentences, then its public names."""
    name = module.removeprefix("course_lib.")
    return f"{_heading(f'``{name}``', '-')}\n\n.. automodule:: {module}\n   :members:"


def _modules_of_methods() -> list[str]:
    """Return the modules in which methods are entered, in order."""
    return sorted({method.function.__module__ for method in methods().values()})


def _inside(package: str) -> list[str]:
    """Return the modules of a package."""
    return [m.name for m in iter_modules(import_module(package).__path__, f"{package}.")]


def _file(title: str) -> str:
    """Return the name of a chapter's file."""
    return title.lower().replace(" ", "-")


def _heading(text: str, line: str) -> str:
    """Return a heading of reStructuredText."""
    return f"{text}\n{line * len(text)}"
