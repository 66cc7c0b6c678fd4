"""How good are the fast schedule's masks beside the paper's, and at what time?

    python -m speed.extremal_schedule --scenes 50 --store build/extremal_schedule.jsonl

Each scene and schedule is one line of the store, so that an interrupted measurement goes on where
it stopped. Where TorchRay can be imported (it is no dependency), its own iterations are timed on
the same scenes.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import types
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import nn

from course_lib.attribution.extremal_perturbation import extremal_perturbation
from course_lib.attribution.masks.ascents import PaperAscent
from course_lib.attribution.masks.optimisation import SCHEDULES
from course_lib.attribution.masks.perturbation import Perturbation
from course_lib.world.networks import load_network
from course_lib.world.scenes import draw_scene

# The scenes before it chose the fast schedule's settings, but for how many discs are tried at once,
# which two of these 50 decided, and the rule for faint discs, which scenes from 610000 on did.
FIRST_SEED = 600_200
AREAS = (0.05, 0.1, 0.2, 0.4)
ALLOWED_LOSS = 0.05
TORCHRAY_ITERATIONS = 20


def measure(
    model: nn.Module, seed: int, schedule: str, areas: Sequence[float] = AREAS
) -> dict[str, Any]:
    """One schedule's masks for one object of a scene, and what they cost.

    Rewards are shares of the score's range on this scene: 0 with everything blurred, 1 for the
    image itself. `level_reward` is that of the masks after those which are larger than `areas` were
    brought down to them, so that no mask gains by being larger than that which it is compared with;
    `exact_reward` that of the pixels which the mask ranks highest, as many as `AREAS` says.
    """
    x, target = _scene(seed)
    begin, begin_cpu = time.perf_counter(), time.process_time()
    result = extremal_perturbation(model, x, target, areas, schedule=schedule)
    seconds, cpu = time.perf_counter() - begin, time.process_time() - begin_cpu
    pyramid = Perturbation(x)
    ranked = torch.zeros_like(result.masks).flatten(1)
    for row, mask, area in zip(ranked, result.masks.flatten(1), AREAS, strict=True):
        row[mask.topk(int(mask.numel() * area)).indices] = 1
    allowed = [min(pair) for pair in zip(result.area.tolist(), areas, strict=True)]
    with torch.no_grad():
        ends = torch.ones(2, *result.masks.shape[1:])
        ends[0] = 0
        blank, whole = model(pyramid.apply(ends))[:, target]
        levelled = model(pyramid.apply(at_area(result.masks, allowed)))[:, target]
        exact = model(pyramid.apply(ranked.view_as(result.masks)))[:, target]
    return {
        "seed": seed,
        "schedule": schedule,
        "settings": _settings(schedule),
        "reward": ((result.reward - blank) / (whole - blank)).tolist(),
        "level_reward": ((levelled - blank) / (whole - blank)).tolist(),
        "exact_reward": ((exact - blank) / (whole - blank)).tolist(),
        "area": result.area.tolist(),
        "iterations": result.iterations.tolist(),
        "seconds": seconds,
        "cpu_seconds": cpu,
    }


def at_area(masks: torch.Tensor, areas: list[float]) -> torch.Tensor:
    """Masks to the power that gives each the mean value of `areas`; ranks and shapes stay.

    >>> at_area(torch.tensor([[[[0.5, 1.0, 0.0, 0.5]]]]), [0.375])
    tensor([[[[0.2500, 1.0000, 0.0000, 0.2500]]]])
    """
    wanted = torch.tensor(areas, dtype=torch.float64)
    low, high = torch.full_like(wanted, -5), torch.full_like(wanted, 5)
    values = masks.double()

    def raised(exponent: torch.Tensor) -> torch.Tensor:
        return values ** exponent.exp()[:, None, None, None]

    for _ in range(50):
        middle = (low + high) / 2
        too_large = raised(middle).flatten(1).mean(1) > wanted
        low, high = torch.where(too_large, middle, low), torch.where(too_large, high, middle)
    return raised((low + high) / 2).to(masks.dtype)


def _scene(seed: int) -> tuple[torch.Tensor, int]:
    scene = draw_scene(seed)
    present = [c for c, label in enumerate(scene.labels) if label > 0]
    return torch.as_tensor(scene.image)[None], present[seed % len(present)]


def _settings(schedule: str) -> str:
    """What decides a schedule's masks, so that results of other settings are not reused."""
    settings = [
        {
            f"{type(search).__name__}.{name}": value
            for name, value in (vars(type(search)) | vars(search)).items()
            if isinstance(value, int | float)
        }
        for search in SCHEDULES[schedule]["places"]
    ]
    return json.dumps(settings, sort_keys=True)


def torchray_iteration(model: nn.Module, seeds: list[int]) -> float | None:
    """Median CPU seconds of an iteration of TorchRay's own, or None where it is not installed."""
    for name in ("pymongo", "importlib_resources"):
        # They serve its benchmarks, which are not used here.
        sys.modules.setdefault(name, types.ModuleType(name))
    try:
        from torchray.attribution.extremal_perturbation import extremal_perturbation as theirs
    except ImportError:
        return None
    times = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for seed in seeds:
            x, target = _scene(seed)
            for iterations in (1, 1 + TORCHRAY_ITERATIONS):
                begin = time.process_time()
                theirs(model, x, target, list(AREAS), max_iter=iterations)
                times.append(time.process_time() - begin)
    # The difference leaves out what is done once: masks' kernel and pyramid.
    pairs = zip(times[::2], times[1::2], strict=True)
    return median((long - short) / TORCHRAY_ITERATIONS for short, long in pairs)


def _read(store: Path) -> dict[tuple[int, str], dict[str, Any]]:
    rows = map(json.loads, store.read_text().splitlines()) if store.exists() else ()
    current = {name: _settings(name) for name in SCHEDULES}
    return {
        (row["seed"], row["schedule"]): row
        for row in rows
        if row["settings"] == current[row["schedule"]]
    }


def table(rows: dict[tuple[int, str], dict[str, Any]], torchray: float | None) -> Iterator[str]:
    """The lines to print, from the scenes that both schedules have done."""
    seeds = sorted({seed for seed, _ in rows if all((seed, s) in rows for s in SCHEDULES)})
    if not seeds:
        yield "No scene has been done by both schedules yet."
        return

    def column(schedule: str, key: str) -> torch.Tensor:
        return torch.tensor([rows[seed, schedule][key] for seed in seeds])

    yield f"{len(seeds)} scenes x {len(AREAS)} areas; rewards as shares of the score's range,"
    yield "the fast schedule is asked for the areas that the paper's masks have"
    yield f"{'area':>6} {'reward':>16} {'exact reward':>16} {'covered':>16} {'worse > 5 %':>14}"
    yield f"{'':>6} {'fast    paper':>16} {'fast    paper':>16} {'fast    paper':>16}"
    fast, paper = column("fast", "level_reward"), column("paper", "reward")
    exact = [column(s, "exact_reward") for s in ("fast", "paper")]
    covered = [column(s, "area") for s in ("fast", "paper")]
    worse = (fast - paper) < -ALLOWED_LOSS
    for i, area in enumerate(AREAS):
        pairs = [(fast, paper), tuple(exact), tuple(covered)]
        means = "".join(f"{a[:, i].mean():>10.3f} {b[:, i].mean():.3f} " for a, b in pairs)
        yield f"{area:>6} {means}{int(worse[:, i].sum()):>9} of {len(seeds)}"
    difference = fast - paper
    yield (
        f"fast - paper: mean {difference.mean():+.3f}, median {difference.median():+.3f}, "
        f"worst {difference.min():+.3f}; "
        f"worse by more than 5 %: {int(worse.sum())} of {worse.numel()}"
    )
    exact_difference = exact[0] - exact[1]
    exact_worse = int((exact_difference < -ALLOWED_LOSS).sum())
    yield (
        f"at the exact area:  mean {exact_difference.mean():+.3f}, worst "
        f"{exact_difference.min():+.3f}; worse by more than 5 %: {exact_worse} of {worse.numel()}"
    )
    seconds = {s: float(column(s, "cpu_seconds").median()) for s in ("fast", "paper")}
    yield (
        f"CPU seconds a scene: fast {seconds['fast']:.2f}, paper {seconds['paper']:.2f}: "
        f"{seconds['paper'] / seconds['fast']:.1f} times as long"
    )
    if torchray is not None:
        total = torchray * PaperAscent.usual_iterations
        times = total / seconds["fast"]
        yield f"TorchRay: {total:.1f} CPU seconds a scene, {times:.1f} times as long as fast"


def main(arguments: list[str] | None = None, out: Callable[[str], object] = print) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--scenes", type=int, default=50)
    parser.add_argument("--store", type=Path, default=Path("build/extremal_schedule.jsonl"))
    parser.add_argument("--network", default="tiny_vgg")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only-table", action="store_true", help="measure nothing more")
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(chosen.threads)
    model = load_network(chosen.network)
    rows = _read(chosen.store)
    seeds = [FIRST_SEED + n for n in range(chosen.scenes)]
    if not chosen.only_table:
        chosen.store.parent.mkdir(parents=True, exist_ok=True)
        for seed in seeds:
            for schedule in ("paper", "fast"):
                if (seed, schedule) not in rows:
                    areas = AREAS if schedule == "paper" else rows[seed, "paper"]["area"]
                    rows[seed, schedule] = measure(model, seed, schedule, areas)
                    with chosen.store.open("a") as file:
                        file.write(json.dumps(rows[seed, schedule]) + "\n")
    torchray = None if chosen.only_table else torchray_iteration(model, seeds[:3])
    wanted = {key: row for key, row in rows.items() if key[0] in seeds}
    for line in table(wanted, torchray):
        out(line)


if __name__ == "__main__":
    main()
