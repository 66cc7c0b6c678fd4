"""`course leaderboard`: score a function of a file of yours, and print the table."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import typer


def leaderboard(
    method: Annotated[
        str | None,
        typer.Argument(
            metavar="FILE.py:FUNCTION",
            help="Your method: (network, image 1 x 3 x H x W, class) -> map, H x W.",
        ),
    ] = None,
    network: Annotated[str, typer.Option(help="One of the course's networks.")] = "tiny_vgg",
    n: Annotated[
        int | None,
        typer.Option(min=1, help="How many images; all there are numbers of."),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="What it is called in the table; the function's name.")
    ] = None,
    picture: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="Draw the table, too.")
    ] = None,
    renew: Annotated[
        str | None,
        typer.Option(
            metavar="sqlite:///FILE",
            help="For those who work on the library: take its methods' numbers, of --n images, "
            "from a store of course benchmark.",
        ),
    ] = None,
) -> None:
    """Score a method of your own on the benchmark, and place it among the library's."""
    if renew is not None:
        _renew(renew, n)
        return
    if method is None:
        raise ValueError("Name your method: course leaderboard FILE.py:FUNCTION.")
    from .leaderboard import leaderboard as score

    board = score(load_function(method), name=name, network=network, n=n)
    print(board)
    if picture is not None:
        board.picture.save(picture)


def load_function(address: str) -> Callable[..., Any]:
    """The function of "FILE.py:FUNCTION".

    Raises:
        ValueError: it is no such address, the file stops with an error, or has no such function.
        FileNotFoundError: the file is not there.
    """
    file, colon, function = address.rpartition(":")
    if not colon or not file.endswith(".py") or not function.isidentifier():
        raise ValueError(f"A method is given as FILE.py:FUNCTION, not {address!r}.")
    module = load_module(Path(file))
    found = getattr(module, function, None)
    if not callable(found):
        here = [name for name, value in vars(module).items() if _is_own(value, module.__name__)]
        hint = f"it has {', '.join(here)}." if here else "it has none."
        raise ValueError(f"{file} has no function {function!r}; {hint}")
    return found


def load_module(file: Path) -> ModuleType:
    """Run a Python file of somebody's and give what it defines; it may import what lies beside it.

    Raises:
        FileNotFoundError: the file is not there.
        ValueError: it stops with an error.
    """
    if not file.is_file():
        raise FileNotFoundError(f"There is no file {file}.")
    path = file.resolve()
    module = ModuleType(path.stem)
    module.__file__ = str(path)
    sys.path.insert(0, str(path.parent))
    try:
        # Not by an import, which may take what the file was a second ago from its cache.
        exec(compile(path.read_bytes(), str(path), "exec"), vars(module))
    except Exception as error:
        raise ValueError(f"{file} stops with {type(error).__name__}: {error}") from error
    finally:
        sys.path.remove(str(path.parent))
    return module


def _is_own(value: Any, module: str) -> bool:
    return callable(value) and getattr(value, "__module__", "") == module


def _renew(url: str, n: int | None) -> None:
    from .store import open_store
    from .stored import FILE, read_stored, stored_of, write_stored

    if n is None:
        raise ValueError("Say of how many images, as --n 50.")
    with open_store(url) as store:
        lines = stored_of(store.rows(), n)
    # What is there of other methods and networks stays.
    write_stored({line.key: line for line in (*read_stored(), *lines)}.values())
    for line in lines:
        print(f"{line.network}  {line.protocol}  {line.method}  n = {len(line.values)}")
    print(f"Written to {FILE}.")
