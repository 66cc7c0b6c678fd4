"""The open task of lesson 07: regions that are evidence to networks which were never asked."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from course_lib.attribution.excitation_backprop import contrastive_excitation_backprop
from course_lib.attribution.grad_cam import grad_cam
from course_lib.benchmark.regions import best_region, shown, soft_rim
from course_lib.world.layers import LAYERS
from course_lib.world.networks import load_network

from ..engine.hidden_scenes import MakeMap, as_map, hidden_scenes
from ..engine.open_task import OpenTask
from . import LESSON

SCENES, AREA = 3, 0.1
NETWORK = "tiny_resnet"
JUDGES = ("tiny_vgg", "tiny_densenet")
TESTS = ("own blur", "black", "fade")


def evidence(make_map: MakeMap) -> float:
    """What the judges see in the regions of a map: the mean score of the class, in all tests.

    Each map is made with `NETWORK`. Its highest tenth becomes a region with a soft rim, and the
    `JUDGES` are shown the region under each of `TESTS`.

    Args:
        make_map: gets the network, the image 1 x 3 x H x W and the class, returns a map H x W.

    Raises:
        CannotScore: what comes back is no map.
    """
    model = load_network(NETWORK)
    judges = [load_network(name) for name in JUDGES]
    scores = []
    for scene in hidden_scenes(SCENES):
        for target in scene.objects[:2]:
            truth = torch.from_numpy(scene.masks[target])
            s = as_map(make_map(model, scene.x, target), truth)
            scores.append(_verdict(judges, scene.x, s[None, None], target))
    return float(torch.stack(scores).mean())


@torch.no_grad()
def _verdict(judges: Sequence[nn.Module], x: Tensor, s: Tensor, target: int) -> Tensor:
    """The mean score of a class that the judges give to a map's region, over the tests."""
    region = soft_rim(best_region(s, AREA))
    images = torch.cat([shown(x, region, test) for test in TESTS])
    return torch.stack([judge(images)[:, target] for judge in judges]).mean()


def _grad_cam(model: nn.Module, x: Tensor, target: int) -> Tensor:
    return grad_cam(model, x, target, LAYERS[NETWORK].last, resize=True)


def _contrastive(model: nn.Module, x: Tensor, target: int) -> Tensor:
    layers = LAYERS[NETWORK]
    return contrastive_excitation_backprop(
        model,
        x,
        target,
        layers.middle,
        contrast_layer=layers.last,
        classifier_layer=layers.classifier,
        resize=True,
    )


TASK = OpenTask(
    name="other_judges",
    lesson=LESSON.id,
    title="evidence for other judges",
    score=evidence,
    to_beat=lambda: evidence(_grad_cam),
    whose="the regions of Grad-CAM",
    measured="is the mean score that the other networks give",
    example=_contrastive,
    shown="{:.1f}",
)
