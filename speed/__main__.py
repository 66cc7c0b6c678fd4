"""`make bench`: the table of all methods on all networks, and a bar chart.

python -m speed [--networks tiny_vgg resnet18] [--threads 1 2] [--seconds 6] [--no-peers]
                     [--no-memory] [--out FOLDER]
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from datetime import date
from pathlib import Path
from typing import Any

import torch

from .cases import EXTREMAL, METHODS
from .memory import HEAVY, measure
from .networks import NETWORKS
from .rows import PROCESSES, timed_row

PEERS = ("captum", "pytorch-grad-cam", "zennit")


def main(arguments: list[str] | None = None) -> None:
    """Run what the command line asks for, print the table and write it to files."""
    parser = argparse.ArgumentParser(prog="python -m speed", description=__doc__)
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--seconds", type=float, default=6, help="per row of the table")
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--no-memory", action="store_true")
    parser.add_argument("--out", type=Path, help="folder for speed.json, .md and .png")
    options = parser.parse_args(arguments)

    rows: list[dict[str, Any]] = []
    print(*heading(), sep="\n", flush=True)
    # The whole takes most of an hour: what was measured is shown and kept, whatever comes after.
    for threads in options.threads:
        for network in options.networks:
            for method in (*METHODS, EXTREMAL):
                rows.append(
                    timed_row(network, threads, method, options.seconds, peers=not options.no_peers)
                )
                print(line_of(rows[-1]), flush=True)
            if options.out:
                write(options.out, rows, [])
    if not options.no_memory:
        memory = [m for network in options.networks for m in memory_rows(network)]
        print(*memory_lines(memory), sep="\n")
        if options.out:
            write(options.out, rows, memory)


def memory_rows(network: str) -> list[dict[str, Any]]:
    """What the heavy methods and their floors add to a process's peak memory."""
    return [
        {
            "network": network,
            "method": method,
            "floor_mb": measure(floor, network),
            "ours_mb": measure(method, network),
        }
        for method, floor in HEAVY.items()
    ]


def heading() -> list[str]:
    """What stands above the lines of the table."""
    versions = f"torch {torch.__version__}, Python {platform.python_version()}"
    return [
        f"{date.today().isoformat()}, {platform.processor() or platform.machine()}, {versions}. "
        f"Medians of {PROCESSES} processes, in each of which a row's contenders took turns; ratios "
        "to the floor: smaller is faster.",
        "",
        f"| network | threads | method | floor, ms | ours | goal | {' | '.join(PEERS)} |",
        "|---|---|---|---|---|---|" + "---|" * len(PEERS),
    ]


def line_of(row: dict[str, Any]) -> str:
    """A line of the table, as Markdown."""
    goal = "" if row["goal"] is None else f"{row['goal']:.2f}"
    missed = row["goal"] is not None and row["ours"] > row["goal"]
    ours = f"{row['ours']:.2f}{' (missed)' if missed else ''}"
    peers = " | ".join(f"{row[peer]:.2f}" if peer in row else "" for peer in PEERS)
    return (
        f"| {row['network']} | {row['threads']} | {row['method']} | {row['floor_ms']:.1f} "
        f"| {ours} | {goal} | {peers} |"
    )


def memory_lines(memory: list[dict[str, Any]]) -> list[str]:
    """The table of memory, as Markdown."""
    return [
        "",
        "Rise of the peak memory in a fresh process, one thread:",
        "",
        "| network | method | floor, MB | ours, MB |",
        "|---|---|---|---|",
        *(
            f"| {m['network']} | {m['method']} | {m['floor_mb']:.0f} | {m['ours_mb']:.0f} |"
            for m in memory
        ),
    ]


def write(folder: Path, rows: list[dict[str, Any]], memory: list[dict[str, Any]]) -> None:
    """speed.json, speed.md and speed.png in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    data = {"rows": rows, "memory": memory}
    lines = [*heading(), *map(line_of, rows), *(memory_lines(memory) if memory else [])]
    (folder / "speed.json").write_text(json.dumps(data, indent=1) + "\n")
    (folder / "speed.md").write_text(
        "# How fast the methods are\n\n"
        "![Bars of each method's time as a multiple of its floor, for each network](speed.png)"
        "\n\n" + "\n".join(lines) + "\n"
    )
    chart(rows, folder / "speed.png")


def chart(rows: list[dict[str, Any]], path: Path) -> None:
    """Bars of the ratios to the floor, a panel per network, at the smallest number of threads."""
    import numpy as np

    from course_lib.figures.plotting import show, subplots

    threads = min(r["threads"] for r in rows)
    networks = list(dict.fromkeys(r["network"] for r in rows))
    who = ["ours", *PEERS]
    figure, axes = subplots(1, len(networks), width=4.4 * len(networks), height=5.2, squeeze=False)
    for ax, network in zip(axes[0], networks, strict=True):
        chosen = [r for r in rows if r["network"] == network and r["threads"] == threads][::-1]
        height = 0.8 / len(who)
        for k, name in enumerate(who):
            places = [i + 0.4 - (k + 0.5) * height for i, r in enumerate(chosen) if name in r]
            ax.barh(places, [r[name] for r in chosen if name in r], height, label=name)
        ax.axvline(1, color="#1a1a1a", linewidth=1)
        ax.set_yticks(
            np.arange(len(chosen)),
            [r["method"].replace("_", " ").replace(", ", ",\n") for r in chosen],
        )
        ax.set_xlabel("time / floor")
        ax.set_title(network)
    handles = axes[0][0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=len(who), frameon=False)
    show(
        figure,
        caption="Time of each method as a multiple of its floor",
        alt="Bar charts of time divided by the floor, one panel per network.",
    ).save(path)


if __name__ == "__main__":
    main(sys.argv[1:])
