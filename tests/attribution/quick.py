"""Settings with which methods of many passes are quick, for tests that hold for every method."""

from __future__ import annotations

from typing import Any

import torch


def quick(method: str, x: torch.Tensor) -> dict[str, Any]:
    """Options for images like x; none for a method of few passes."""
    half = max(1, min(x.shape[2:]) // 2)
    return {
        "extremal_perturbation": {"areas": [0.3], "max_iter": 2},
        "integrated_gradients": {"steps": 4},
        "occlusion": {"window": half, "stride": half},
        "rise": {"num_masks": 8},
        "smooth_grad": {"samples": 2},
    }.get(method, {})


# So few steps leave a gap.
FEW = "ignore:Integrated gradients"
