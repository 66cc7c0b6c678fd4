"""How many steps integrated gradients needs, by which rule of integration: prints a table.

python -m speed.integral [--scenes 12]

The gap of completeness as a share of what the score rises by, median and largest over scenes.
"""

from __future__ import annotations

import argparse
from unittest.mock import patch

import numpy as np
import torch

from course_lib.attribution import integrated_gradients as ours
from course_lib.world.networks import NETWORKS, load_network
from course_lib.world.scenes import draw_scene

STEPS = (8, 16, 32, 64)


def gauss_legendre(steps: int, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The points and weights that are exact for polynomials of degree 2 steps - 1."""
    points, weights = np.polynomial.legendre.leggauss(steps)
    both = torch.from_numpy(np.stack([(points + 1) / 2, weights / 2])).to(x)
    points, weights = both.view(2, -1, 1, 1, 1, 1)
    return points, weights


RULES = {"midpoint": ours._midpoints, "Gauss-Legendre": gauss_legendre}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m speed.integral", description=__doc__)
    parser.add_argument("--scenes", type=int, default=12)
    scenes = [draw_scene(910_000 + n) for n in range(parser.parse_args().scenes)]
    print("| network | rule |", " | ".join(f"{steps} steps" for steps in STEPS), "|")
    print("|---|---|" + "---|" * len(STEPS))
    for name in NETWORKS:
        network = load_network(name)
        for title, rule in RULES.items():
            cells = []
            for steps in STEPS:
                with patch.object(ours, "_midpoints", rule):
                    found = [
                        ours.path_integral(network, s.x, s.objects[0], steps=steps) for s in scenes
                    ]
                gaps = torch.cat([(f.gap / f.rise).abs().flatten() for f in found])
                cells.append(f"{float(gaps.median()):.1%}, {float(gaps.max()):.1%}")
            print(f"| {name} | {title} |", " | ".join(cells), "|", flush=True)


if __name__ == "__main__":
    main()
