"""`course benchmark`: measure, keep, and print the table."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer


def benchmark(
    data: Annotated[
        str,
        typer.Option(help="scenes, scene_grids, photo_grids, voc:FOLDER or coco:FOLDER."),
    ] = "scenes",
    arch: Annotated[
        list[str] | None, typer.Option(help="A network; may be repeated. tiny_vgg by default.")
    ] = None,
    method: Annotated[
        list[str] | None,
        typer.Option(help="A method, as grad_cam, or centre; may be repeated. All by default."),
    ] = None,
    protocol: Annotated[
        list[str] | None,
        typer.Option(help="What is asked, as pointing_game; may be repeated. The world's own."),
    ] = None,
    n: Annotated[int | None, typer.Option(min=1, help="How many images.")] = None,
    part: Annotated[
        str, typer.Option(metavar="K/N", help="Only this part of the images, to share the work.")
    ] = "1/1",
    option: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="An argument of the method; may be repeated."),
    ] = None,
    weights: Annotated[str | None, typer.Option(help="A file of the network's weights.")] = None,
    db: Annotated[
        str, typer.Option(help="Where results are kept: sqlite:///FILE or postgresql://...")
    ] = "sqlite:///benchmark.sqlite",
    csv: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the rows of the table, too.")
    ] = None,
    picture: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw the table, as PNG, PDF or SVG.")
    ] = None,
    cluster: Annotated[
        str | None, typer.Option(metavar="tcp://...", help="A Dask scheduler that does the work.")
    ] = None,
    table: Annotated[
        bool, typer.Option("--table", help="Measure nothing; print the table of what is there.")
    ] = False,
) -> None:
    """Measure how good explanations are; what was measured before is not measured again."""
    try:
        from .store import open_store
    except ModuleNotFoundError as error:
        raise ValueError(
            f"The benchmark needs {error.name}: pip install 'course-lib[benchmark]'."
        ) from None
    from tqdm import tqdm

    from . import summary
    from .cluster import run_on_cluster
    from .picture import save_picture
    from .runner import Run, run

    with open_store(db) as store:
        for network in [] if table else arch or ["tiny_vgg"]:
            for name in method or _every_method():
                wanted = Run(
                    data=data,
                    arch=network,
                    method=name,
                    protocols=tuple(protocol or ()),
                    count=n,
                    part=parse_part(part),
                    options=dict(map(parse_option, option or ())),
                    weights=weights,
                )
                shown = partial(tqdm, desc=f"{network} {name}")
                if cluster is not None:
                    run_on_cluster(wanted, store, cluster, partial(shown, unit=" parts"))
                    continue
                total = None if n is None else len(range(wanted.part[0] - 1, n, wanted.part[1]))
                run(wanted, store, partial(shown, total=total, unit=" images"))
        rows = list(store.rows(data=data))
    lines = summary.summarise(rows)
    for line in summary.table(lines):
        print(line)
    if picture is not None:
        save_picture(lines, picture)
    if csv is not None:
        summary.write_csv(rows, csv)


def parse_part(text: str) -> tuple[int, int]:
    """Part k of K from "k/K".

    >>> parse_part("2/3")
    (2, 3)
    """
    number, _, parts = text.partition("/")
    if not (number.isdigit() and parts.isdigit()):
        raise ValueError(f"A part is given as 1/3, not {text!r}.")
    return int(number), int(parts)


def parse_option(text: str) -> tuple[str, Any]:
    """Name and value of "name=value", the value as JSON where it is that.

    >>> parse_option("areas=[0.1]"), parse_option("variant=dual")
    (('areas', [0.1]), ('variant', 'dual'))
    """
    import json

    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise ValueError(f"An option is given as name=value, not {text!r}.")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value


def _every_method() -> list[str]:
    from course_lib.attribution.methods import methods

    from .runner import BASELINES

    return [*BASELINES, *methods()]
