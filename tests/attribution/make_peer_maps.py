"""Writes tests/reference/peer_maps.pt: what captum itself computes on the course's networks.

    python -m tests.attribution.make_peer_maps     # needs the extra "peers"

Every third pixel, in float64. tests/attribution/test_peer_maps.py compares with our own.
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from unittest.mock import patch

import torch
from torch import nn

from course_lib.world.networks import load_network
from course_lib.world.scenes import draw_scene

FILE = Path(__file__).parents[1] / "reference" / "peer_maps.pt"
SCENE, EVERY = 920_000, 3
NETWORKS = ("tiny_vgg", "tiny_vgg16", "tiny_resnet", "tiny_densenet", "tiny_mobilenet")
STEPS, WINDOW, STRIDE, SAMPLES, NOISE, SEED = 8, (30, 20), (17, 15), 3, 0.1, 3


def example(name: str) -> tuple[nn.Module, torch.Tensor, int]:
    """A network in float64, a scene, one of its objects."""
    scene = draw_scene(SCENE)
    return load_network(name).double(), scene.x.double(), int(scene.objects[0])


def thinned(map: torch.Tensor) -> torch.Tensor:
    """What is stored of a map."""
    return map[..., ::EVERY, ::EVERY].clone()


def captums(name: str) -> dict[str, torch.Tensor]:
    """The three methods as captum computes them, summed over channels."""
    from captum.attr import InputXGradient, IntegratedGradients, NoiseTunnel, Occlusion

    model, x, target = example(name)
    random = torch.Generator().manual_seed(SEED)

    def same_noise(mean: float, std: torch.Tensor) -> torch.Tensor:
        # captum draws all copies at once, as rows.
        drawn = [torch.randn(x.shape[1:], generator=random) for _ in range(len(std))]
        return mean + std * torch.stack(drawn).to(std)

    spread = float(NOISE * (x.max() - x.min()))
    with patch("torch.normal", same_noise):
        smooth = NoiseTunnel(InputXGradient(model)).attribute(
            x, nt_samples=SAMPLES, stdevs=spread, nt_type="smoothgrad", target=target
        )
    found = {
        "integrated_gradients": IntegratedGradients(model).attribute(
            x, baselines=0, target=target, n_steps=STEPS, method="riemann_middle"
        ),
        "occlusion": Occlusion(model).attribute(
            x, (3, *WINDOW), strides=(3, *STRIDE), target=target, baselines=0
        )[:, :1],
        "smooth_grad": smooth,
    }
    return {method: thinned(map.detach().sum(1, keepdim=True)) for method, map in found.items()}


if __name__ == "__main__":
    versions = {package: version(package) for package in ("captum", "torch")}
    torch.save({**versions, "maps": {name: captums(name) for name in NETWORKS}}, FILE)
    print(f"{FILE}: {FILE.stat().st_size} bytes")
