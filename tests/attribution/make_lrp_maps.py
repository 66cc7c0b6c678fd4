"""Writes tests/reference/lrp_maps.pt: what zennit itself computes, by each of its composites.

    python -m tests.attribution.make_lrp_maps     # needs the extra "peers"

Every third pixel, computed in float64. tests/attribution/test_lrp_maps.py compares with our own.
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tests.attribution import make_peer_maps
from tests.attribution.make_peer_maps import thinned

FILE = Path(__file__).parents[1] / "reference" / "lrp_maps.pt"
NETWORKS = ("tiny_vgg", "tiny_vgg16", "vgg16", "resnet18")
COMPOSITES = {
    "epsilon_plus": "EpsilonPlus",
    "epsilon_plus_flat": "EpsilonPlusFlat",
    "epsilon_alpha2_beta1": "EpsilonAlpha2Beta1",
    "epsilon_alpha2_beta1_flat": "EpsilonAlpha2Beta1Flat",
    "epsilon_gamma_box": "EpsilonGammaBox",
}
TARGET, SIDE = 7, 64


def example(name: str) -> tuple[nn.Module, torch.Tensor, int]:
    """A network in float64, an image, a class; torchvision's networks with random weights."""
    if name.startswith("tiny"):
        return make_peer_maps.example(name)
    import torchvision

    with torch.device("meta"):
        model = torchvision.models.get_model(name, weights=None).double().eval()
    model.to_empty(device="cpu")
    random = torch.Generator().manual_seed(0)
    for key, t in model.state_dict().items():
        if t.dim() > 1:
            t.normal_(0, (2 / t[0].numel()) ** 0.5, generator=random)
        elif key.endswith(("var", "weight")):
            t.uniform_(0.5, 1.5, generator=random)
        elif t.is_floating_point():
            t.normal_(0, 0.1, generator=random)
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            # zennit merges a BatchNorm and leaves its epsilon behind, which changes the scores.
            layer.eps = 0.0
    x = torch.rand(1, 3, SIDE, SIDE, dtype=torch.float64, generator=random)
    return model, x, TARGET


def zennits(name: str) -> dict[str, torch.Tensor]:
    """Relevance at the image, summed over channels, that starts from the score."""
    import zennit.composites
    from zennit.attribution import Gradient
    from zennit.torchvision import ResNetCanonizer

    model, x, target = example(name)
    found = {}
    for ours, theirs in COMPOSITES.items():
        box: dict[str, Any] = {}
        if theirs.endswith("Box"):
            box = {"low": torch.zeros_like(x), "high": torch.ones_like(x)}
        canonizers = [ResNetCanonizer()] if "resnet" in name else []
        composite = getattr(zennit.composites, theirs)(canonizers=canonizers, **box)

        def score(y: torch.Tensor) -> torch.Tensor:
            return torch.eye(y.shape[1]).to(y)[[target]] * y.detach()

        with Gradient(model, composite) as attributor:
            _, relevance = attributor(x.clone(), score)
        found[ours] = thinned(relevance.detach().sum(1, keepdim=True)).float()
    return found


if __name__ == "__main__":
    versions = {package: version(package) for package in ("zennit", "torch", "torchvision")}
    torch.save({**versions, "maps": {name: zennits(name) for name in NETWORKS}}, FILE)
    print(f"{FILE}: {FILE.stat().st_size} bytes")
