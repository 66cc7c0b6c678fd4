"""The smallest sufficient area."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from course_lib.attribution.masks.extremal_area import extremal_area
from course_lib.attribution.masks.perturbation import Perturbation

OPTIONS = {"perturbation": "fade", "step": 4, "sigma": 4, "jitter": False}


class Corner(nn.Module):
    """The class scores are means of channels over a corner of the given side."""

    def __init__(self, side: int = 8) -> None:
        super().__init__()
        self.side = side

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, :, : self.side, : self.side].mean((2, 3))


def test_smallest_area_that_is_enough() -> None:
    x = torch.ones(1, 3, 32, 32)
    areas = [0.02, 0.25, 0.9, 0.5]
    small = extremal_area(Corner(6), x, 0, 0.8, areas, **OPTIONS)
    large = extremal_area(Corner(20), x, 0, 0.8, areas, **OPTIONS)
    assert small.areas == (0.02, 0.25, 0.5, 0.9)
    assert float(small.area) == pytest.approx(0.25)
    assert float(large.area) in (pytest.approx(0.5), pytest.approx(0.9))
    assert float(large.area) > float(small.area)
    chosen = small.areas.index(0.25)
    assert torch.equal(small.mask, small.masks[:, chosen])
    assert float(small.scores[0, chosen]) >= float(small.threshold) == pytest.approx(0.8)
    assert float(small.scores[0, 0]) < 0.8


def test_scores_are_those_of_the_masks_returned() -> None:
    x = torch.rand(2, 3, 24, 24)
    model = Corner()
    found = extremal_area(
        model, x, [0, 2], 0.5, [0.2, 0.4], max_iter=10, activation=torch.sigmoid, **OPTIONS
    )
    pyramid = Perturbation(x, type="fade")
    scores = torch.sigmoid(model(pyramid.apply(found.masks.flatten(0, 1)))).unflatten(0, (2, 2))
    expected = torch.stack((scores[0, :, 0], scores[1, :, 2]))
    assert torch.allclose(found.scores, expected, atol=1e-6)
    whole = torch.sigmoid(model(x))[[0, 1], [0, 2]]
    assert torch.allclose(found.threshold, 0.5 * whole)


def test_one_where_no_mask_is_enough() -> None:
    found = extremal_area(Corner(32), torch.ones(1, 3, 32, 32), 1, 1.0, [0.05], **OPTIONS)
    assert float(found.area) == 1
    assert torch.equal(found.mask, torch.ones(1, 1, 32, 32))


def test_each_image_has_its_own_area() -> None:
    class Sides(nn.Module):
        """Image 0 counts in a small corner, a brighter image in a large one."""

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            corners = [x[:, :, :side, :side].mean((2, 3)) for side in (6, 20)]
            return torch.cat((corners[0][:, :1], corners[1][:, :1]), 1)

    x = torch.ones(2, 3, 32, 32)
    found = extremal_area(Sides(), x, [0, 1], 0.8, [0.25, 0.9], **OPTIONS)
    assert found.area.tolist() == pytest.approx([0.25, 0.9])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"share": 0}, "share must be in"),
        ({"share": 1.1}, "share must be in"),
        ({"share": "a"}, "share must be in"),
        ({"share": None}, "share must be in"),
        ({"areas": []}, "at least one area"),
        ({"areas": [0.5, 2]}, "share between 0 and 1"),
        ({"input": -torch.ones(1, 3, 8, 8)}, "give an activation"),
        ({"target": [0, 1]}, "one class per image"),
        ({"target": torch.rand(1, 3)}, "one class per image"),
        *[
            ({name: None}, f"has no argument '{name}'")
            for name in ("variant", "reward_func", "layer", "over", "resize", "smooth")
        ],
        ({"input": torch.ones(0, 3, 8, 8)}, "at least one image"),
    ],
)
def test_refuses_bad_input_in_one_sentence(arguments: dict, message: str) -> None:
    given = {"model": Corner(), "input": torch.ones(1, 3, 8, 8), "target": 0, **arguments}
    with pytest.raises(ValueError, match=message):
        extremal_area(**given)


@pytest.mark.parametrize("areas", [[0.1, "a"], "0.1", None])
def test_areas_must_be_numbers(areas: Any) -> None:
    with pytest.raises(TypeError, match="areas must be numbers"):
        extremal_area(Corner(), torch.ones(1, 3, 8, 8), 0, areas=areas)


@pytest.mark.parametrize(
    "areas",
    [0.25, np.float32(0.25), torch.tensor(0.25), torch.tensor([0.25, 0.25]), np.array([0.25] * 2)],
)
def test_areas_may_be_numbers_of_any_kind_and_count_once(areas: Any) -> None:
    found = extremal_area(Corner(), torch.ones(1, 3, 8, 8), 0, areas=areas, max_iter=1, **OPTIONS)
    assert found.areas == (0.25,)
    assert type(found.areas[0]) is float
    assert found.masks.shape == (1, 1, 1, 8, 8)


@pytest.mark.parametrize(
    ("activation", "message"),
    [
        (lambda s: s[:, 0], r"one number per score, a tensor of shape \(1, 3\), but gave \(1,\)"),
        (lambda s: s.sum(), r"one number per score, .* gave \(\)"),
        (lambda s: s.tolist(), "one number per score, .* gave a list"),
        (lambda s: s * float("nan"), "activation's output must be finite, but holds NaN"),
    ],
)
def test_an_activation_gives_one_finite_number_per_score(
    activation: Callable[[torch.Tensor], Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        extremal_area(Corner(), torch.ones(1, 3, 8, 8), 0, activation=activation)


def test_an_activation_must_be_a_function() -> None:
    with pytest.raises(TypeError, match="activation must be a function, not 'sigmoid'"):
        extremal_area(Corner(), torch.ones(1, 3, 8, 8), 0, activation="sigmoid")  # type: ignore[arg-type]


def test_the_model_is_as_before_also_after_an_error() -> None:
    model = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2)).train()

    def interrupt(scores: torch.Tensor) -> torch.Tensor:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        extremal_area(model, torch.rand(1, 3, 8, 8), 0, activation=interrupt)
    assert all(m.training for m in model.modules())
    assert all(p.requires_grad for p in model.parameters())
