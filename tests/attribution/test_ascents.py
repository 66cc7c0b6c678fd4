"""Each ascent re-derived step by step."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch

from course_lib.attribution.masks.ascents import AdamAscent, GradientAscent, PaperAscent
from course_lib.attribution.masks.search import Found, Problem


def _gradients(count: int, size: int = 5) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(2, size, generator=generator) for _ in range(count)]


def _walk(ascent: GradientAscent, gradients: list[torch.Tensor]) -> torch.Tensor:
    parameters = torch.zeros_like(gradients[0])
    stepper = ascent.stepper(parameters)
    everything = torch.arange(len(parameters))
    for t, gradient in enumerate(gradients):
        parameters = stepper.step(parameters, gradient, everything, t)
    return parameters


def test_adam_is_torchs() -> None:
    gradients = _gradients(12)
    theirs = torch.nn.Parameter(torch.zeros_like(gradients[0]))
    optimiser = torch.optim.Adam([theirs], lr=0.05, maximize=True)
    for gradient in gradients:
        theirs.grad = gradient
        optimiser.step()
    assert torch.allclose(_walk(AdamAscent(), gradients), theirs.detach(), atol=1e-6)


def test_papers_momentum_is_torchs_with_damping() -> None:
    gradients = _gradients(12)
    theirs = torch.nn.Parameter(torch.zeros_like(gradients[0]))
    optimiser = torch.optim.SGD([theirs], lr=0.01, momentum=0.9, dampening=0.9, maximize=True)
    for gradient in gradients:
        theirs.grad = gradient
        optimiser.step()
    assert torch.allclose(_walk(PaperAscent(), gradients), theirs.detach(), atol=1e-6)


@pytest.mark.parametrize("ascent", [PaperAscent, AdamAscent])
def test_masks_that_are_done_keep_out_of_the_steps_of_others(ascent: type[GradientAscent]) -> None:
    gradients = _gradients(6)
    both = _walk(ascent(), gradients)
    alone = torch.zeros_like(both)
    stepper = ascent().stepper(alone)
    for t, gradient in enumerate(gradients):
        active = torch.tensor([1]) if t >= 2 else torch.tensor([0, 1])
        alone[active] = stepper.step(alone[active], gradient[active], active, t)
    assert torch.allclose(alone[1], both[1])
    assert not torch.allclose(alone[0], both[0])


def _problem(reward: Callable[..., torch.Tensor]) -> Problem:
    return Problem(
        start=torch.ones(2, 4),
        areas=torch.tensor([0.25, 0.5], dtype=torch.float64),
        render=lambda parameters: (parameters, parameters),
        reward=reward,
        jitter=False,
        groups=torch.zeros(2),
    )


def _run(ascent: GradientAscent, problem: Problem, iterations: int = 6) -> Found:
    return ascent.run(problem, iterations, None, lambda *_: None, 0)


@pytest.mark.parametrize("ascent", [PaperAscent, AdamAscent])
def test_a_reward_without_a_gradient_is_refused(ascent: type[GradientAscent]) -> None:
    problem = _problem(lambda mask, rows, flipped: mask.detach().sum(1))
    with pytest.raises(
        ValueError,
        match=r"^The reward has no gradient with respect to the mask: use schedule='fast' over "
        r"places, or a network and reward that are differentiable\.$",
    ):
        _run(ascent(), problem)


def test_adam_divides_rewards_by_their_range_and_reports_them_as_they_are() -> None:
    weights = torch.tensor([5.0, -2.0, 3.0, 1.0])
    found, loud = (
        _run(AdamAscent(), _problem(lambda mask, rows, flipped, by=by: by * (mask @ weights)))
        for by in (1.0, 100.0)
    )
    assert torch.allclose(loud.parameters, found.parameters, atol=1e-6)
    assert torch.allclose(loud.history, 100 * found.history, rtol=1e-4)
    # At first the masks are of ones: they earn the whole range of 7, and R_a is the share of zeros.
    assert torch.allclose(found.history[:, 0, 0], torch.tensor([7.0, 7.0]))
    assert torch.allclose(found.history[:, 1, 0], -7 * 13 * torch.tensor([0.75, 0.5]))


@pytest.mark.parametrize("ascent", [PaperAscent, AdamAscent])
def test_area_weights_rise(ascent: type[GradientAscent]) -> None:
    count = ascent.usual_iterations
    weights = [ascent().area_weight(t, count) for t in range(count)]
    assert weights == sorted(weights)
    assert math.isfinite(weights[-1])
