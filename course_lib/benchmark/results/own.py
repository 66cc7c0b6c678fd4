"""Score a method of somebody's own: any function (network, image, class) -> map."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from statistics import fmean
from typing import Any

import torch
from torch import Tensor, nn

from course_lib.attribution.inputs.checks import check_finite, shape_text
from course_lib.world.networks import load_network

from ..disconnected_grid import disconnected
from ..protocols import protocols
from .worlds import Case, find_world

OwnMethod = Callable[[nn.Module, Tensor, int], Tensor]
"""(network in eval mode, image 1 x 3 x H x W, class) -> map, H x W or 1 x 1 x h x w."""


def own_numbers(
    method: OwnMethod,
    data: str,
    network: str,
    asked: Iterable[str],
    count: int,
    progress: Callable[..., Iterable[Case]] = iter,
) -> dict[str, list[float]]:
    """What protocols say of a method on a world's first images.

    The random state is the same in each run, and is put back.

    Args:
        method: the function; it gets an image of its own to do with as it likes.
        data: a world of drawn images, as "scenes".
        network: one of the course's, by its name. In a grid it sees each cell alone, and its layers
            have the names that they always have.
        asked: names of protocols that need maps alone.
        count: how many images.
        progress: around the cases; `tqdm`, for instance.

    Returns:
        For each protocol a number an image, the mean over the classes asked for in it.

    Raises:
        ValueError: the method stops with an error, gives no finite map, or changes the network.
    """
    values: dict[str, dict[str, list[float]]] = {name: defaultdict(list) for name in asked}
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        model = load_network(network)
        if data == "scene_grids":
            model = disconnected(model)
        before = _State(model)
        for case in progress(list(find_world(data).cases(count, network))):
            saliency = _ask(method, model, case)
            before.check(model)
            for name, of_image in values.items():
                number = protocols()[name].function(
                    model, case.x, case.target, saliency, case.truth
                )
                of_image[case.image].append(float(number))
    return {name: [fmean(v) for v in of_image.values()] for name, of_image in values.items()}


def _ask(method: OwnMethod, model: nn.Module, case: Case) -> Tensor:
    where = f"for class {case.target} of the image {case.image}"
    try:
        with torch.inference_mode(False), torch.enable_grad():
            found = method(model, case.x.clone(), case.target)
    except Exception as error:
        raise ValueError(
            f"Your method stops with {type(error).__name__} {where}: {error}"
        ) from error
    return as_map(found, f"{where[0].upper()}{where[1:]} your method")


def as_map(found: Any, who: str = "Your method") -> Tensor:
    """A map, 1 x 1 x h x w, of what a method gave.

    Raises:
        ValueError: it is no map, or not a finite one.

    >>> as_map(torch.zeros(1, 3, 96, 96))
    Traceback (most recent call last):
    ...
    ValueError: Your method gives the shape 1 x 3 x 96 x 96; a map is H x W or 1 x 1 x H x W.
    """
    if not isinstance(found, Tensor):
        raise ValueError(f"{who} gives a {type(found).__name__}; a map is a torch.Tensor.")
    if found.dim() < 2 or found.numel() == 0 or found.shape[-2:].numel() != found.numel():
        raise ValueError(
            f"{who} gives the shape {shape_text(found)}; a map is H x W or 1 x 1 x H x W."
        )
    try:
        check_finite(found, "it")
    except ValueError as error:
        raise ValueError(f"{who} gives a map that can't be scored: {error}") from None
    return found.detach().reshape(1, 1, *found.shape[-2:])


class _State:
    """What a network was like before a method saw it."""

    def __init__(self, model: nn.Module) -> None:
        self._weights = {name: t.detach().clone() for name, t in model.state_dict().items()}
        self._ways = _ways(model)

    def check(self, model: nn.Module) -> None:
        """ValueError when the network is not what it was."""
        now = model.state_dict()
        ways = _ways(model)
        for name, before in self._weights.items():
            if name not in now or not torch.equal(now[name], before):
                raise ValueError(
                    f"Your method changes the network: {name} is not what it was. Work on a copy "
                    "(copy.deepcopy), or put it back."
                )
        for (name, what), before in self._ways.items():
            if ways.get((name, what)) != before:
                raise ValueError(
                    f"Your method changes the network: {name or 'the whole of it'} has "
                    f"{what} than before. Put it back, also after an error."
                )


def _ways(model: nn.Module) -> dict[tuple[str, str], Any]:
    """How the network's modules run, besides their weights."""
    found: dict[tuple[str, str], Any] = {}
    for name, module in model.named_modules():
        hooks = (module._forward_hooks, module._forward_pre_hooks, module._backward_hooks)
        found[name, "another mode (training or eval)"] = module.training
        found[name, "other hooks"] = [list(of_kind) for of_kind in hooks]
        found[name, "another forward"] = vars(module).get("forward")
        found[name, "other layers"] = [id(child) for child in module.children()]
    for name, weight in model.named_parameters():
        found[name, "another requires_grad"] = weight.requires_grad
    return found
