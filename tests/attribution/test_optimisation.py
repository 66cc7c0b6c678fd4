"""How searches share the iterations, and which of their masks are kept."""

from __future__ import annotations

import pytest
import torch

from course_lib.attribution.masks.ascents import AdamAscent, GradientAscent, PaperAscent, Stepper
from course_lib.attribution.masks.optimisation import SCHEDULES, best_masks, shared_out, usual_plan
from course_lib.attribution.masks.placement import DiscPlacement
from course_lib.attribution.masks.search import Problem


@pytest.mark.parametrize("usual", [[800], [40, 40], [3, 9, 1]])
@pytest.mark.parametrize("max_iter", [3, 7, 80, 801])
def test_searches_share_the_iterations(usual: list[int], max_iter: int) -> None:
    plan = [(PaperAscent(), iterations) for iterations in usual]
    shares = [share for _, share in shared_out(plan, max_iter)]
    assert sum(shares) == max_iter
    assert min(shares) >= 1
    assert [share for _, share in shared_out(plan, sum(usual))] == usual


def test_too_few_iterations_go_to_the_first_searches() -> None:
    plan = [(PaperAscent(), 40), (AdamAscent(), 40), (AdamAscent(), 40)]
    assert shared_out(plan, 1) == [(plan[0][0], 1)]


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_masks_over_channels_have_searches_without_places(schedule: str) -> None:
    plan = usual_plan(schedule, "channels", _problem([1.0]))
    assert plan
    assert not any(isinstance(search, DiscPlacement) for search, _ in plan)


def test_a_search_that_would_repeat_another_is_left_out() -> None:
    problem = _problem([1.0])
    problem.start = torch.ones(1, 1, 20, 20)
    assert len(usual_plan("fast", "places", problem)) == 2
    problem.start = torch.ones(1, 1, 12, 12)
    assert len(usual_plan("fast", "places", problem)) == 1


class _Goes(GradientAscent):
    """Goes straight to given parameters."""

    relative, usual_iterations = True, 1

    def __init__(self, *goal: list[float]) -> None:
        self.goal = torch.tensor(goal)

    def area_weight(self, t: int, max_iter: int) -> float:
        return 0.0

    def stepper(self, parameters: torch.Tensor) -> Stepper:
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
        groups=torch.zeros(2),
    )


def test_best_of_the_searches_is_kept_for_each_mask() -> None:
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


def test_iterations_are_counted_through_all_searches() -> None:
    seen: list[int] = []
    ones = [1.0, 1.0, 1.0, 1.0]
    plan = [(_Goes(ones, ones), 3), (_Goes(ones, ones), 2)]
    best_masks(_problem([1.0, 0.0, 0.0, 0.0]), plan, None, lambda t, *_: seen.append(t))
    assert seen == [0, 1, 2, 3, 4]
