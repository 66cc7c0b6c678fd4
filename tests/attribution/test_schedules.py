"""Each ascent re-derived step by step, and the choice between their masks."""

from __future__ import annotations

import math

import pytest
import torch

from course_lib.attribution.optimisation import Problem, best_masks
from course_lib.attribution.schedules import (
    SCHEDULES,
    AdamSchedule,
    LongStepSchedule,
    PaperSchedule,
    Schedule,
    Stepper,
    planned,
    usual_iterations,
)


def _gradients(count: int, size: int = 5) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(2, size, generator=generator) for _ in range(count)]


def _walk(schedule: Schedule, gradients: list[torch.Tensor]) -> torch.Tensor:
    parameters = torch.zeros_like(gradients[0])
    stepper = schedule.stepper(parameters, len(gradients))
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
    assert torch.allclose(_walk(AdamSchedule(), gradients), theirs.detach(), atol=1e-6)


def test_papers_momentum_is_torchs_with_damping() -> None:
    gradients = _gradients(12)
    theirs = torch.nn.Parameter(torch.zeros_like(gradients[0]))
    optimiser = torch.optim.SGD([theirs], lr=0.01, momentum=0.9, dampening=0.9, maximize=True)
    for gradient in gradients:
        theirs.grad = gradient
        optimiser.step()
    assert torch.allclose(_walk(PaperSchedule(), gradients), theirs.detach(), atol=1e-6)


def test_long_steps_add_up_to_the_papers_ascent() -> None:
    schedule, paper = LongStepSchedule(), PaperSchedule()
    count = schedule.usual_iterations
    sizes = [schedule.step_size(t, count) for t in range(count)]
    weights = [schedule.area_weight(t, count) for t in range(count)]
    lengths = [size / (0.01 * 13.5) for size in sizes]
    assert sum(lengths) == pytest.approx(800, rel=0.03)
    for t in range(count):
        papers = paper.area_weight(round(sum(lengths[:t])), 800)
        assert weights[t] * 13.5 == pytest.approx(papers, rel=0.01)
        assert lengths[t] <= min(3 * 1.06**t, 24, 3700 / weights[t]) + 1e-9


@pytest.mark.parametrize("count", [7, 30, 200])
def test_long_steps_are_longer_where_there_are_fewer(count: int) -> None:
    schedule = LongStepSchedule()
    sizes = [schedule.step_size(t, count) for t in range(count)]
    assert sum(sizes) == pytest.approx(0.01 * 13.5 * 800, rel=0.15)
    assert schedule.area_weight(0, count) == pytest.approx(300 / 13.5)


def test_long_steps_have_momentum() -> None:
    schedule, gradients = LongStepSchedule(), _gradients(9)
    parameters = velocity = torch.zeros_like(gradients[0])
    for t, gradient in enumerate(gradients):
        velocity = 0.7 * velocity + 0.3 * gradient
        parameters = parameters + schedule.step_size(t, 9) * velocity
    assert torch.allclose(_walk(schedule, gradients), parameters, atol=1e-5)


@pytest.mark.parametrize("ascent", [PaperSchedule, LongStepSchedule, AdamSchedule])
def test_masks_that_are_done_keep_out_of_the_steps_of_others(ascent: type[Schedule]) -> None:
    gradients = _gradients(6)
    both = _walk(ascent(), gradients)
    alone = torch.zeros_like(both)
    stepper = ascent().stepper(alone, 6)
    for t, gradient in enumerate(gradients):
        active = torch.tensor([1]) if t >= 2 else torch.tensor([0, 1])
        alone[active] = stepper.step(alone[active], gradient[active], active, t)
    assert torch.allclose(alone[1], both[1])
    assert not torch.allclose(alone[0], both[0])


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("max_iter", [1, 2, 3, 7, 80, 801])
def test_ascents_share_the_iterations(schedule: str, max_iter: int) -> None:
    shares = [share for _, share in planned(schedule, max_iter)]
    assert sum(shares) == max_iter
    assert min(shares) >= 1


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_usual_iterations_are_those_of_the_ascents(schedule: str) -> None:
    plan = planned(schedule, usual_iterations(schedule))
    assert [share for _, share in plan] == [ascent.usual_iterations for ascent, _ in plan]


class _Goes(Schedule):
    """Goes straight to given parameters."""

    relative, usual_iterations = True, 1

    def __init__(self, *goal: list[float]) -> None:
        self.goal = torch.tensor(goal)

    def area_weight(self, t: int, max_iter: int) -> float:
        return 0.0

    def stepper(self, parameters: torch.Tensor, max_iter: int) -> Stepper:
        goal = self.goal

        class There(Stepper):
            def step(self, parameters, gradient, active, t):  # type: ignore[no-untyped-def]
                return goal[active].clone()

        return There()


def _problem(worth: list[float]) -> Problem:
    weights = torch.tensor(worth)
    return Problem(
        start=torch.ones(2, len(worth)),
        areas=torch.tensor([0.25, 0.25], dtype=torch.float64),
        render=lambda parameters: (parameters, parameters),
        reward=lambda mask, active, flipped: (mask * weights).sum(1),
        jitter=False,
    )


def test_best_of_the_ascents_is_kept_for_each_mask() -> None:
    good, bad = [1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]
    plan = [(_Goes(good, bad), 1), (_Goes(bad, good), 1)]
    best = best_masks(_problem([3.0, 0.0, 1.0, 0.0]), plan, None, lambda *_: None)
    assert best.parameters.tolist() == [good, good]
    assert best.history.shape == (2, 2, 2)
    assert best.iterations.tolist() == [2, 2]


@pytest.mark.parametrize("extra", [0.4, 0.6])
def test_larger_masks_must_earn_more(extra: float) -> None:
    """The range is 4; twice the area must earn half of it more."""
    worth = [4.0 * (1 - extra), 4.0 * extra, 0.0, 0.0]
    asked, larger = [1.0, 0.0, 0.0, 0.0], [1.0, 1.0, 0.0, 0.0]
    plan = [(_Goes(asked, asked), 1), (_Goes(larger, larger), 1)]
    best = best_masks(_problem(worth), plan, None, lambda *_: None)
    assert best.parameters[0].tolist() == (larger if extra > 0.5 else asked)


def test_of_two_empty_handed_masks_the_one_that_knows_where_is_kept() -> None:
    """A score that only a full pixel earns; both masks are too faint for it, one ranks it first."""
    problem = _problem([0.0] * 4)
    problem.reward = lambda mask, active, flipped: 4 * (mask[:, 2] > 0.9) + 0 * mask.sum(1)
    knows, does_not = [0.1, 0.1, 0.2, 0.1], [0.2, 0.1, 0.1, 0.1]
    plan = [(_Goes(knows, does_not), 1), (_Goes(does_not, knows), 1)]
    best = best_masks(problem, plan, None, lambda *_: None)
    assert torch.allclose(best.parameters, torch.tensor([knows, knows]))


def test_iterations_are_counted_through_all_ascents() -> None:
    seen: list[int] = []
    ones = [1.0, 1.0, 1.0, 1.0]
    plan = [(_Goes(ones, ones), 3), (_Goes(ones, ones), 2)]
    best_masks(_problem([1.0, 0.0, 0.0, 0.0]), plan, None, lambda t, *_: seen.append(t))
    assert seen == [0, 1, 2, 3, 4]


def test_area_weights_rise() -> None:
    for ascents in SCHEDULES.values():
        for ascent in ascents:
            schedule = ascent()
            count = schedule.usual_iterations
            weights = [schedule.area_weight(t, count) for t in range(count)]
            assert weights == sorted(weights)
            assert math.isfinite(weights[-1])
