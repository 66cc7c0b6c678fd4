"""`course challenge`: make cases, and judge answers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

challenge = typer.Typer(
    no_args_is_help=True,
    help="Solve a case of your own: a network that looks at the wrong thing. Prove what it is.",
)

Key = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="For instructors: a file with a secret text; only with it can a case be judged.",
    ),
]


@challenge.command()
def new(
    name: Annotated[str, typer.Option(help="Whose case it is; another name is another case.")],
    folder: Annotated[
        Path | None, typer.Argument(help="A new folder; case-NAME by default.")
    ] = None,
    key: Key = None,
) -> None:
    """Make a case: trains its network, for about two minutes."""
    from .case import NOTEBOOK, new_case
    from .secret import read_key

    made = new_case(name, folder, key=read_key(key))
    print(f"The case of {name.strip()} lies in {made}: open {made / NOTEBOOK} in JupyterLab.")


@challenge.command()
def judge(
    folders: Annotated[
        list[Path] | None, typer.Argument(help="Folders of cases; this one by default.")
    ] = None,
    key: Key = None,
    csv: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write name and points of each, too.")
    ] = None,
) -> None:
    """Judge answer.py in a case's folder. It runs the code in there."""
    from .judging import judge as run
    from .judging import write_points
    from .secret import read_key

    secret = read_key(key)
    judgements = []
    for folder in folders or [Path()]:
        judgement = run(folder, key=secret)
        print(judgement)
        judgements.append(judgement)
    if csv is not None:
        write_points(judgements, csv)
