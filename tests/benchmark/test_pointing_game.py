"""The pointing game: TorchRay's conventions, against a version that looks at pixel after pixel."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from course_lib.benchmark.baselines import centre
from course_lib.benchmark.pointing_game import (
    PointingGame,
    near,
    pointing_game,
    pointing_game_15,
    pointing_hits,
)
from course_lib.world.scenes import two_object_scenes


def slow_hit(mask: torch.Tensor, column: float, row: float, tolerance: float) -> bool:
    """Whether some pixel of the object is less than so many pixels away."""
    return any(
        math.hypot(r - row, c - column) < tolerance
        for r in range(mask.shape[0])
        for c in range(mask.shape[1])
        if mask[r, c]
    )


def slow_hits(saliency: torch.Tensor, mask: torch.Tensor, tolerance: float) -> float:
    """The share of the largest pixels that hit."""
    top = max(float(v) for v in saliency.flatten())
    hits = [
        slow_hit(mask, column, row, max(tolerance, 1))
        for row in range(mask.shape[0])
        for column in range(mask.shape[1])
        if float(saliency[row, column]) == top
    ]
    return sum(hits) / len(hits)


def blob(height: int = 21, width: int = 30) -> torch.Tensor:
    """A mask that is neither convex nor connected."""
    mask = torch.zeros(height, width, dtype=torch.bool)
    mask[3:6, 4:11] = True
    mask[5:12, 4:6] = True
    mask[15, 22] = True
    return mask


@pytest.mark.parametrize("tolerance", [0, 1, 1.5, 4, 15])
def test_points_hit_as_pixel_by_pixel(tolerance: float) -> None:
    mask, game = blob(), PointingGame(1, tolerance)
    for row in range(mask.shape[0]):
        for column in range(mask.shape[1]):
            expected = 1 if slow_hit(mask, column, row, max(tolerance, 1)) else -1
            assert game.evaluate(mask, (column, row)) == expected


@pytest.mark.parametrize("tolerance", [0, 1, 1.5, 4])
def test_maps_hit_as_pixel_by_pixel(tolerance: float) -> None:
    mask = blob()
    plain = torch.rand(3, 1, *mask.shape)
    tied = torch.randint(0, 4, (3, 1, *mask.shape)).float()
    for maps in (plain, tied):
        expected = [slow_hits(one, mask, tolerance) for one in maps[:, 0]]
        assert pointing_hits(maps, mask, tolerance).tolist() == pytest.approx(expected)


def test_the_tolerance_is_strict() -> None:
    mask = torch.zeros(40, 40)
    mask[0, 0] = 1
    game = PointingGame(1)
    assert game.evaluate(mask, (14, 0)) == 1
    assert game.evaluate(mask, (15, 0)) == -1
    assert game.evaluate(mask, (9, 12)) == -1
    assert game.evaluate(mask, (9, 11)) == 1


def test_points_are_column_and_row() -> None:
    mask = torch.zeros(10, 50)
    mask[2, 40] = 1
    assert PointingGame(1, tolerance=1).evaluate(mask, (40, 2)) == 1
    assert PointingGame(1, tolerance=1).evaluate(mask, torch.tensor([40, 2])) == 1


def test_a_class_counts_as_much_as_another() -> None:
    game = PointingGame(3)
    for hit in (1, 1, 1, -1):
        game.accumulate(hit, 0)
    game.aggregate(-1, 2)
    game.aggregate(0, 2)
    assert game.hits.tolist() == [3, 0, 0]
    assert game.misses.tolist() == [1, 0, 1]
    assert game.class_accuracies[[0, 2]].tolist() == [0.75, 0]
    assert bool(game.class_accuracies[1].isnan())
    assert float(game.accuracy) == 0.375
    assert str(game) == "pointing game, tolerance 15: 37.5 % over 2 classes, 5 points"
    game.reset()
    assert float(game.hits.sum() + game.misses.sum()) == 0


def test_parts_of_a_hit_count() -> None:
    game = PointingGame(1)
    game.count(torch.tensor(0.25), 0)
    assert (game.hits.item(), game.misses.item()) == (0.25, 0.75)


@pytest.mark.parametrize("function", [pointing_game, pointing_game_15])
def test_oracle_negative_and_constant(function: Any) -> None:
    for scene in two_object_scenes(3, start=500):
        truth = torch.from_numpy(scene.masks[scene.objects])
        where = truth >= 0.5
        reach = near(where, 15 if function is pointing_game_15 else 0)
        maps = where[:, None].float()
        away = (~reach)[:, None].float()
        assert function(None, None, None, maps, truth).tolist() == [1, 1]
        assert function(None, None, None, away, truth).tolist() == [0, 0]
        constant = torch.full_like(maps, -2.0)
        share = reach.flatten(1).double().mean(1)
        assert torch.equal(function(None, None, None, constant, truth), share)


def test_a_tolerance_beyond_the_image_reaches_all_of_it() -> None:
    mask = torch.zeros(1, 3, 5, dtype=torch.bool)
    mask[0, 2, 0] = True
    assert bool(near(mask, 9).all())


def test_the_negative_of_the_truth_misses() -> None:
    mask = blob()
    assert pointing_hits(-mask[None, None].float(), mask).item() == 0


def test_small_maps_are_resized_to_the_truth() -> None:
    mask = torch.zeros(32, 32)
    mask[:16, 16:] = 1
    small = torch.tensor([[[[0.0, 1.0], [0.0, 0.0]]]])
    assert pointing_hits(small, mask).item() == 1
    assert pointing_hits(small.flip(3), mask).item() == 0


def test_the_centre_points_at_the_middle() -> None:
    maps = centre(None, torch.zeros(2, 3, 41, 61))
    mask = torch.zeros(41, 61)
    mask[20, 30] = 1
    assert pointing_hits(maps, mask).tolist() == [1, 1]
    # Of an even number of pixels, the four in the middle tie.
    corner = torch.zeros(4, 4)
    corner[:2, :2] = 1
    assert pointing_hits(centre(None, torch.zeros(1, 3, 4, 4)), corner).item() == 0.25


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pointing_hits(torch.full((1, 1, 2, 2), math.nan), torch.ones(2, 2)), "holds NaN"),
        (lambda: pointing_hits(torch.ones(1, 1, 2, 2), torch.zeros(2, 2)), "mask is empty"),
        (lambda: pointing_hits(torch.ones(1, 3, 2, 2), torch.ones(2, 2)), "N x 1 x H x W"),
        (lambda: pointing_hits(torch.ones(2, 1, 2, 2), torch.ones(3, 2, 2)), "2 maps and 3 masks"),
        (lambda: pointing_hits(torch.ones(1, 1, 2, 2), torch.ones(2, 2), -1), "tolerance must"),
        (lambda: PointingGame(2).evaluate(torch.zeros(4, 4), (0, 0)), "mask is empty"),
        (lambda: PointingGame(2).evaluate(torch.ones(4, 4), (4, 0)), "must lie in the image"),
        (lambda: PointingGame(2).evaluate(torch.ones(4, 4), (0, math.nan)), "must lie in"),
        (lambda: PointingGame(2).evaluate(torch.ones(4, 4), (0, 0, 0)), "column, row"),
        (lambda: PointingGame(2).aggregate(2, 0), "hit .1., a miss"),
        (lambda: PointingGame(2).count(1.5, 0), "from 0 to 1"),
        (lambda: PointingGame(2).count(1, 2), "no class 2: they are 0 to 1"),
        (lambda: PointingGame(0), "num_classes must"),
    ],
)
def test_what_can_not_be_judged_is_refused_in_one_sentence(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)
