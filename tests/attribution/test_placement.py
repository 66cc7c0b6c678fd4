"""Discs are placed where a slow search would place them, and cover the area asked for."""

from __future__ import annotations

import math
import traceback
from dataclasses import replace
from typing import Any

import pytest
import torch

from course_lib.attribution.masks.ascents import PaperAscent
from course_lib.attribution.masks.generator import MaskGenerator
from course_lib.attribution.masks.placement import DiscPlacement, _Field, _Placing
from course_lib.attribution.masks.search import Found, Problem

SHAPE = (24, 32)


class Landscape:
    """Rewards for a mask: the weights of the pixels that it keeps; counts what it was asked."""

    def __init__(self, areas: list[float], seed: int = 0, step: int = 4, sigma: float = 6) -> None:
        generator = torch.Generator().manual_seed(seed)
        coarse = torch.randn(1, 1, 6, 8, generator=generator)
        self.weights = torch.nn.functional.interpolate(coarse, SHAPE, mode="bilinear")
        self.masks = MaskGenerator(SHAPE, step, sigma)
        self.asked: list[int] = []
        self.problem = Problem(
            start=torch.ones(len(areas), 1, *self.masks.shape_in),
            areas=torch.tensor(areas, dtype=torch.float64),
            render=self.render,
            reward=self.reward,
            jitter=True,
            groups=torch.zeros(len(areas)),
        )

    def render(self, parameters: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        mask = self.masks.crop(parameters)
        return mask, mask

    def reward(self, mask: torch.Tensor, rows: torch.Tensor, flipped: bool) -> torch.Tensor:
        assert not flipped
        assert len(mask) == len(rows)
        self.asked.append(len(mask))
        return (mask * self.weights).mean((1, 2, 3))

    def found(self, max_iter: int = 200, closer: int = 0, **settings: float) -> Found:
        search = DiscPlacement(closer)
        for name, value in settings.items():
            setattr(search, name, value)
        return search.run(self.problem, max_iter, None, lambda *_: None, 0)

    def ones(self) -> torch.Tensor:
        """All parameters of which one is 1, HW x 1 x H x W."""
        height, width = self.masks.shape_in
        return torch.eye(height * width).view(-1, 1, height, width)

    def largest(self, mask: torch.Tensor, area: float) -> torch.Tensor:
        """The numbers of at most 1 with which these single parameters leave a mask in its area."""
        candidates = torch.linspace(1, 0, 129)
        largest = torch.zeros(len(self.ones()))
        for number in candidates.flip(0).tolist():
            fits = mask.maximum(self.masks.crop(self.ones() * number)).mean((1, 2, 3)) <= area
            largest[fits] = number
        return largest

    def earned(self, mask: torch.Tensor) -> torch.Tensor:
        return (mask * self.weights).mean((1, 2, 3))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("area", [0.01, 0.05])
def test_where_one_disc_is_enough_it_is_the_best_of_all(seed: int, area: float) -> None:
    landscape = Landscape([area], seed)
    found = landscape.found()
    nothing = torch.zeros(1, 1, *SHAPE)
    largest = landscape.largest(nothing, area)
    assert largest.max() < 1
    alone = landscape.masks.crop(landscape.ones() * largest.view(-1, 1, 1, 1))
    mask = landscape.masks.crop(found.parameters)
    assert int((found.parameters > 0).sum()) == 1
    assert float(mask.mean()) == pytest.approx(area, rel=0.1)
    assert float(landscape.earned(mask)) >= 0.97 * float(landscape.earned(alone).max())


@pytest.mark.parametrize("seed", range(4))
def test_discs_are_added_as_by_a_slow_search(seed: int) -> None:
    """All discs tried for each addition, none moved: the greedy search written out."""
    area = 0.35
    landscape = Landscape([area], seed)
    count = math.prod(landscape.masks.shape_in)
    found = landscape.found(most_promising=count, negligible_gain=math.inf)
    chosen, mask = torch.zeros(found.parameters.shape), torch.zeros(1, 1, *SHAPE)
    while area - mask.mean() >= 0.01 * area:
        largest = landscape.largest(mask, area).view(-1, 1, 1, 1)
        joined = mask.maximum(landscape.masks.crop(landscape.ones() * largest))
        best = int(landscape.earned(joined).argmax())
        if largest[best] == 0:
            break
        chosen, mask = chosen.maximum(landscape.ones()[[best]] * largest[best]), joined[[best]]
    # each disc is moved once more where it gains, so that this one may earn more
    reward, slow = (landscape.earned(landscape.masks.crop(p)) for p in (found.parameters, chosen))
    assert float(reward) >= 0.98 * float(slow)


def test_moving_discs_finds_what_adding_alone_misses() -> None:
    """The disc that is best alone is the wrong one where two others are worth more together."""
    landscape = Landscape([0.2])
    disc = landscape.masks.crop(landscape.ones())[28]
    landscape.problem.areas = torch.tensor([float(disc.mean()) * 2], dtype=torch.float64)

    def reward(mask: torch.Tensor, rows: torch.Tensor, flipped: bool) -> torch.Tensor:
        left, right, top = mask[:, 0, 12, 8], mask[:, 0, 12, 24], mask[:, 0, 0, 16]
        return 0.3 * top + 0.1 * (left + right) + left.minimum(right)

    landscape.problem.reward = reward
    assert landscape.found(5).parameters[0, 0, 0, 4] == 1
    mask = landscape.masks.crop(landscape.found(most_promising=48).parameters)
    assert float(reward(mask, torch.arange(1), False)) > 1.15


def test_the_best_place_may_lie_between_those_tried_at_first() -> None:
    landscape = Landscape([0.01], step=2, sigma=2)
    landscape.weights = torch.zeros(1, 1, *SHAPE)
    landscape.weights[..., 10, 14] = 1.0
    parameters = landscape.found().parameters
    assert parameters[0, 0].nonzero().tolist() == [[5, 7]]


def test_a_disc_too_faint_to_show_anything_is_where_the_whole_disc_would() -> None:
    """What little a faint disc earns is chance, here a slope towards a corner."""
    landscape = Landscape([0.01])
    slope = torch.linspace(0.01, 0, SHAPE[1]).expand(1, 1, *SHAPE)

    def reward(mask: torch.Tensor, rows: torch.Tensor, flipped: bool) -> torch.Tensor:
        seen = (mask[:, 0, 12, 20] - 0.5).relu()
        return seen + (mask * slope).mean((1, 2, 3))

    landscape.problem.reward = reward
    found = landscape.found().parameters[0, 0]
    assert 0 < float(found.max()) < 0.5
    assert found.nonzero().tolist() == [[3, 5]]
    assert landscape.found(promise=0).parameters[0, 0].nonzero()[0, 1] == 0


@pytest.mark.parametrize("seed", range(4))
def test_what_a_disc_would_earn_whole_counts_for_the_only_disc_alone(seed: int) -> None:
    """Here the first disc is whole, and so only one beside others is too large for the area."""
    area = 0.35
    landscape = Landscape([area], seed)
    discs = landscape.masks.crop(landscape.ones()).mean((1, 2, 3))
    assert float(discs.max()) < area
    expected = landscape.found(promise=0)
    assert int((expected.parameters > 0).sum()) > 1
    assert torch.equal(landscape.found(promise=1000).parameters, expected.parameters)


@pytest.mark.parametrize(("area", "asked"), [(0.01, [48, 48, 1, 1]), (0.5, [48, 1])])
def test_whole_discs_are_asked_for_only_where_they_are_too_large(
    area: float, asked: list[int]
) -> None:
    landscape = Landscape([area])
    landscape.found(max_iter=2)
    assert landscape.asked == asked


def test_all_discs_have_their_turn() -> None:
    landscape = Landscape([0.5])
    search = DiscPlacement()
    search.most_promising, search.longest_untried = 1, 4
    field = _Field(landscape.problem, search.spacing(landscape.problem))
    placing = _Placing(search, field, 0, 10, 0)
    possible = torch.ones(len(field.places), dtype=torch.bool)
    tried = [placing._worth_trying(possible) for _ in range(12)]
    assert {len(some) for some in tried} == {5}
    assert {n for some in tried for n in some} == set(range(48))


@pytest.mark.parametrize("seed", range(3))
def test_gains_are_counted_in_each_mask_s_own_range(seed: int) -> None:
    landscape = Landscape([0.3, 0.3], seed)
    landscape.problem.groups = torch.arange(2)
    answer, scale = landscape.reward, torch.tensor([1000.0, 1.0])
    landscape.problem.reward = lambda mask, rows, flipped: answer(mask, rows, flipped) * scale[rows]
    found = landscape.found(negligible_gain=0.001)
    assert found.iterations[0] == found.iterations[1]
    assert torch.equal(found.parameters[0], found.parameters[1])


@pytest.mark.parametrize("area", [0.02, 0.1, 0.3, 0.6, 0.9])
@pytest.mark.parametrize("max_iter", [20, 40])
def test_the_mask_covers_the_area_asked_for(area: float, max_iter: int) -> None:
    landscape = Landscape([area])
    # Where there is nothing to earn, a mask may stay smaller.
    landscape.weights = landscape.weights.exp()
    found = landscape.found(max_iter)
    assert float(landscape.render(found.parameters)[0].mean()) == pytest.approx(area, rel=0.08)
    assert 0 <= found.parameters.min() <= found.parameters.max() <= 1


@pytest.mark.parametrize("area", [0.1, 0.3])
def test_the_area_is_that_of_the_part_that_counts(area: float) -> None:
    landscape = Landscape([area])
    landscape.problem.render = landscape.masks.generate
    mask, counted = landscape.masks.generate(landscape.found().parameters)
    assert float(counted.mean()) == pytest.approx(area, rel=0.08)
    assert abs(float(mask.mean()) - area) > 0.1 * area


@pytest.mark.parametrize("max_iter", [1, 2, 3, 7])
def test_few_iterations_are_kept_to(max_iter: int) -> None:
    landscape = Landscape([0.05, 0.5])
    told: list[int] = []
    found = DiscPlacement().run(
        landscape.problem, max_iter, None, lambda t, *_: told.append(t), done=100
    )
    assert found.iterations.max() <= max_iter
    assert told == list(range(100, 100 + int(found.iterations.max())))
    assert found.history.shape == (2, 2, max_iter)
    assert torch.isfinite(found.history).all()


def test_each_mask_is_found_as_if_alone() -> None:
    areas = [0.05, 0.2, 0.4]
    together = Landscape(areas).found()
    for i, area in enumerate(areas):
        alone = Landscape([area]).found()
        assert torch.equal(alone.parameters[0], together.parameters[i])
        assert alone.iterations[0] == together.iterations[i]


def test_masks_that_differ_in_area_share_what_single_discs_earn() -> None:
    areas = [0.3, 0.4, 0.5]
    landscape = Landscape(areas)
    landscape.found(max_iter=4)
    shared = sum(landscape.asked)
    landscape = Landscape(areas)
    landscape.problem.groups = torch.arange(3)
    landscape.found(max_iter=4)
    places = math.prod(landscape.masks.shape_in)
    assert sum(landscape.asked) - shared == 2 * places


def test_history_holds_the_rewards_and_no_area_term() -> None:
    landscape = Landscape([0.1, 0.4])
    found = landscape.found(max_iter=200)
    assert found.history.shape == (2, 2, 200)
    assert found.iterations.max() < 200
    assert torch.equal(found.history[:, 1], torch.zeros_like(found.history[:, 1]))
    mask, _ = landscape.render(found.parameters)
    reward = landscape.reward(mask, torch.arange(2), False)
    # while they are placed, the plain maximum of discs stands in for the smooth one
    assert torch.allclose(found.history[:, 0, -1], reward, rtol=0.05, atol=0.005)


@pytest.mark.parametrize(
    ("sides", "spacing"),
    [((12, 12), 1), ((14, 14), 2), ((32, 32), 3), ((1, 200), 2), ((13, 12), 2)],
)
def test_there_are_no_more_than_144_places(sides: tuple[int, int], spacing: int) -> None:
    landscape = Landscape([0.5])
    landscape.masks = MaskGenerator(sides, 1, 1)
    landscape.weights = torch.zeros(1, 1, *sides)
    landscape.problem.start = torch.ones(1, 1, *sides)
    landscape.found(max_iter=1)
    places = math.ceil(sides[0] / spacing) * math.ceil(sides[1] / spacing)
    assert places <= 144
    assert landscape.asked == [places]


@pytest.mark.parametrize(("sides", "spacing"), [((14, 14), 1), ((32, 32), 2), ((12, 12), 1)])
def test_places_may_be_closer(sides: tuple[int, int], spacing: int) -> None:
    problem = Landscape([0.5]).problem
    problem.start = torch.ones(1, 1, *sides)
    search = DiscPlacement(closer=1)
    assert search.spacing(problem) == spacing
    assert search.repeats(DiscPlacement(), problem) is (sides == (12, 12))
    assert search.repeats(DiscPlacement(closer=1), problem)
    assert not search.repeats(PaperAscent(), problem)


def test_a_second_search_does_not_ask_again_for_what_the_first_knows() -> None:
    landscape = Landscape([0.5], step=2)
    rows, columns = landscape.masks.shape_in
    landscape.found(max_iter=1)
    far_apart = landscape.asked.copy()
    landscape.found(max_iter=1, closer=1)
    assert sum(far_apart) == math.ceil(rows / 2) * math.ceil(columns / 2)
    assert sum(landscape.asked) == rows * columns


def test_a_reward_that_is_no_number_is_said_with_its_iteration() -> None:
    landscape = Landscape([0.5])
    answers = iter([0.0] * 3 + [math.nan] * 99)
    landscape.problem.reward = lambda mask, rows, flipped: torch.full((len(mask),), next(answers))
    with pytest.raises(
        ValueError, match=r"^The reward was infinite or not a number in iteration 4\.$"
    ):
        landscape.found()


def test_a_stop_iteration_of_the_reward_comes_out_as_it_is() -> None:
    """Raised from within a generator, it would become a RuntimeError."""
    landscape = Landscape([0.5])
    answer = landscape.reward
    landscape.found()
    for calls in range(len(landscape.asked)):
        left = iter(range(calls))

        def reward(*arguments: Any, left: Any = left) -> torch.Tensor:
            next(left)
            return answer(*arguments)

        landscape.problem = replace(landscape.problem, reward=reward, known={})
        with pytest.raises(StopIteration) as raised:
            landscape.found()
        shown = "".join(traceback.format_exception(raised.value))
        assert shown.count("Traceback") == 1


def test_a_stop_iteration_keeps_its_cause() -> None:
    landscape, reason = Landscape([0.5]), KeyError("the reason")

    def reward(*arguments: Any) -> torch.Tensor:
        raise StopIteration from reason

    landscape.problem.reward = reward
    with pytest.raises(StopIteration) as raised:
        landscape.found()
    assert raised.value.__cause__ is reason


def test_no_gradient_is_asked_for() -> None:
    landscape = Landscape([0.3])
    seen: set[bool] = set()
    answer = landscape.reward

    def reward(mask: torch.Tensor, rows: torch.Tensor, flipped: bool) -> torch.Tensor:
        seen.add(torch.is_grad_enabled())
        return answer(mask, rows, flipped)

    landscape.problem.reward = reward
    assert not landscape.found().parameters.requires_grad
    assert seen == {False}
