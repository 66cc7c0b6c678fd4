"""The pyramid, the area term and the rewards."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from course_lib.attribution.maps.imaging import imsmooth
from course_lib.attribution.masks.area import area_penalty, fit_area
from course_lib.attribution.masks.generator import MaskGenerator
from course_lib.attribution.masks.perturbation import (
    BLUR_PERTURBATION,
    FADE_PERTURBATION,
    Perturbation,
)
from course_lib.attribution.masks.rewards import contrastive_reward, simple_reward

REFERENCE = torch.load(Path(__file__).parents[1] / "reference" / "extremal.pt", weights_only=True)


def relative_error(value: torch.Tensor, expected: torch.Tensor) -> float:
    return float((value.detach() - expected).abs().max() / expected.abs().max())


@pytest.mark.parametrize("case", REFERENCE["perturbation"], ids=["blur", "fade"])
def test_reference_pyramids_images_and_gradients(case: dict) -> None:
    perturbation = Perturbation(REFERENCE["x"], border="zeros", **case["kwargs"])
    assert relative_error(perturbation.pyramid, case["pyramid"]) < 1e-5
    assert str(perturbation) == case["str"]
    mask = case["mask"].clone().requires_grad_()
    output = perturbation.apply(mask)
    assert relative_error(output, case["output"]) < 1e-5
    output.backward(case["upstream"])
    assert relative_error(mask.grad, case["grad_mask"]) < 1e-5


@pytest.mark.parametrize("kind", [BLUR_PERTURBATION, FADE_PERTURBATION])
@pytest.mark.parametrize("num_levels", [2, 5])
@pytest.mark.parametrize(("border", "padding"), [("edge", "replicate"), ("zeros", "constant")])
def test_equals_the_loop_over_pixels(kind: str, num_levels: int, border: str, padding: str) -> None:
    x = torch.rand(1, 2, 6, 5, dtype=torch.float64)
    perturbation = Perturbation(x, num_levels, max_blur=3, type=kind, border=border)
    mask = torch.rand(2, 1, 6, 5, dtype=torch.float64)
    mask[0, 0, 0, 0], mask[0, 0, 0, 1] = 0, 1
    output = perturbation.apply(mask)
    for n in range(2):
        for i in range(6):
            for j in range(5):
                place = float(mask[n, 0, i, j]) * (num_levels - 1)
                below = min(int(place), num_levels - 2)
                images = []
                for level in (below, below + 1):
                    share = level / (num_levels - 1)
                    if kind == FADE_PERTURBATION:
                        images.append(x[0] * share)
                    else:
                        images.append(imsmooth(x, 3 * (1 - share), padding_mode=padding)[0])
                w = place - below
                expected = (1 - w) * images[0][:, i, j] + w * images[1][:, i, j]
                assert torch.allclose(output[n, :, i, j], expected, atol=1e-6)


def test_each_image_has_its_own_pyramid() -> None:
    x = torch.rand(3, 3, 8, 6)
    together = Perturbation(x)
    mask = torch.rand(6, 1, 8, 6)
    output = together.apply(mask)
    for n in range(3):
        alone = Perturbation(x[n : n + 1]).apply(mask[2 * n : 2 * n + 2])
        assert torch.allclose(output[2 * n : 2 * n + 2], alone, atol=1e-6)
    chosen = together.apply(mask[:2], images=torch.tensor([2, 0]))
    assert torch.allclose(chosen[0], Perturbation(x[2:]).apply(mask[:1])[0], atol=1e-6)
    assert torch.allclose(chosen[1], Perturbation(x[:1]).apply(mask[1:2])[0], atol=1e-6)


@pytest.mark.parametrize("border", ["edge", "zeros"])
def test_the_blur_of_a_bright_image_is_dark_at_the_border_only_with_zeros(border: str) -> None:
    gone = Perturbation(torch.ones(1, 3, 32, 32), border=border).apply(torch.zeros(1, 1, 32, 32))
    corner = float(gone[0, 0, 0, 0])
    assert corner == pytest.approx(1) if border == "edge" else corner < 0.5


def test_extreme_masks_give_the_ends_of_the_pyramid() -> None:
    x = torch.rand(1, 3, 16, 16)
    perturbation = Perturbation(x)
    assert torch.equal(perturbation.apply(torch.ones(1, 1, 16, 16)), x)
    gone = perturbation.apply(torch.zeros(1, 1, 16, 16))
    assert torch.equal(gone[0], perturbation.pyramid[0])


def test_the_image_may_change_afterwards() -> None:
    x = torch.rand(1, 3, 4, 4)
    before = x.clone()
    perturbation = Perturbation(x)
    x.zero_()
    assert torch.equal(perturbation.apply(torch.ones(1, 1, 4, 4)), before)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"input": torch.rand(3, 4, 4)}, "shape"),
        ({"num_levels": 1}, "num_levels must be"),
        ({"input": torch.ones(1, 3, 4, 4, dtype=torch.uint8)}, "floating dtype"),
        ({"num_levels": "a"}, "num_levels must be"),
        ({"num_levels": None}, "num_levels must be"),
        ({"num_levels": float("nan")}, "num_levels must be"),
        ({"num_levels": 2.5}, "num_levels must be"),
        ({"max_blur": 0}, "max_blur must be"),
        ({"max_blur": float("nan")}, "max_blur must be"),
        ({"max_blur": float("inf")}, "max_blur must be"),
        ({"max_blur": "a"}, "max_blur must be"),
        ({"type": "noise"}, "perturbation must be one of"),
        ({"border": "reflect"}, "border must be one of edge, zeros, not 'reflect'"),
    ],
)
def test_refuses_bad_settings(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Perturbation(**{"input": torch.rand(1, 3, 4, 4), **arguments})


def test_refuses_masks_that_do_not_fit() -> None:
    perturbation = Perturbation(torch.rand(2, 3, 4, 4))
    with pytest.raises(ValueError, match="must have shape"):
        perturbation.apply(torch.rand(2, 1, 4, 5))
    with pytest.raises(ValueError, match="must have shape"):
        perturbation.apply(torch.rand(2, 3, 1, 1))
    with pytest.raises(ValueError, match="multiple of the number of images"):
        perturbation.apply(torch.rand(3, 1, 4, 4))


@pytest.mark.parametrize("case", REFERENCE["rewards"], ids=lambda case: case["variant"])
def test_reference_rewards(case: dict) -> None:
    reward = simple_reward(case["activation"], case["target"], case["variant"])
    assert relative_error(reward, case["output"]) < 1e-5


@pytest.mark.parametrize("variant", ["preserve", "delete", "dual"])
@pytest.mark.parametrize("spatial", [False, True])
def test_contrastive_reward_is_one_number_per_mask(variant: str, spatial: bool) -> None:
    scores = torch.randn(4, 5)
    activation = scores[:, :, None, None] + torch.zeros(4, 5, 2, 3) if spatial else scores
    lead = []
    for row in scores.tolist():
        others = [score for c, score in enumerate(row) if c != 3]
        lead.append(row[3] - max(others))
    expected = {
        "preserve": lead,
        "delete": [-s for s in lead],
        "dual": [lead[0] - lead[2], lead[1] - lead[3]],
    }[variant]
    reward = contrastive_reward(activation, 3, variant)
    assert torch.allclose(reward, torch.tensor(expected), atol=1e-6)


def test_one_target_per_mask() -> None:
    activation = torch.randn(4, 5)
    targets = torch.tensor([4, 0])
    reward = simple_reward(activation, targets, "dual")
    expected = activation[[0, 1], [4, 0]] - activation[[2, 3], [4, 0]]
    assert torch.equal(reward, expected)


def test_weights_as_a_target() -> None:
    activation, weights = torch.randn(2, 3, 2, 2), torch.randn(2, 3, 2, 2)
    reward = simple_reward(activation, weights, "preserve")
    assert torch.allclose(reward, (activation * weights).sum((1, 2, 3)))


@pytest.mark.parametrize("variant", ["preserve", "delete", "dual"])
def test_weights_of_classes_hold_at_each_position(variant: str) -> None:
    activation = torch.randn(4, 3, 2, 5)
    weights = torch.randn(2 if variant == "dual" else 4, 3)
    spread = weights[:, :, None, None].expand(-1, -1, 2, 5)
    reward = simple_reward(activation, weights, variant)
    assert torch.allclose(reward, simple_reward(activation, spread, variant), atol=1e-6)
    if variant == "preserve":
        assert torch.allclose(reward, (activation * spread).sum((1, 2, 3)), atol=1e-6)


@pytest.mark.parametrize("reward", [simple_reward, contrastive_reward])
@pytest.mark.parametrize("spatial", [False, True])
@pytest.mark.parametrize(
    ("target", "message"),
    [
        (3, "The target 3 is out of range: the network has 3 classes, 0 to 2"),
        (-1, "The target -1 is out of range"),
        (torch.tensor([0, 1, 2, 3]), "The target 3 is out of range"),
        (torch.tensor([0, 1, 2]), "one class, or one for each of the 4 rewards, but got 3"),
        (1.5, "must be a class, not 1.5"),
        (True, "must be a class, not True"),
    ],
)
def test_rewards_refuse_other_classes(reward, spatial: bool, target, message: str) -> None:
    activation = torch.rand(4, 3, 2, 2) if spatial else torch.rand(4, 3)
    with pytest.raises(ValueError, match=message):
        reward(activation, target, "preserve")


@pytest.mark.parametrize(
    ("outputs", "weights"),
    [((4, 3), (2, 3)), ((4, 3), (4, 3, 2, 2)), ((4, 3, 2, 2), (4, 2)), ((4, 3), (3,))],
)
def test_simple_reward_refuses_weights_of_another_shape(outputs: tuple, weights: tuple) -> None:
    with pytest.raises(ValueError, match=r"The weights must have shape \(4, 3"):
        simple_reward(torch.rand(outputs), torch.rand(weights), "preserve")


@pytest.mark.parametrize("reward", [simple_reward, contrastive_reward])
def test_rewards_refuse_what_they_cannot_use(reward) -> None:
    with pytest.raises(ValueError, match="variant must be one of"):
        reward(torch.rand(2, 3), 0, "keep")
    with pytest.raises(ValueError, match="even number"):
        reward(torch.rand(3, 3), 0, "dual")
    with pytest.raises(ValueError, match="network outputs of shape"):
        reward(torch.rand(3), 0, "preserve")


def test_contrastive_reward_needs_a_rival() -> None:
    with pytest.raises(ValueError, match="at least two classes"):
        contrastive_reward(torch.rand(2, 1), 0, "preserve")
    with pytest.raises(ValueError, match="not a gradient"):
        contrastive_reward(torch.rand(2, 3), torch.rand(2, 3), "preserve")


def slow_penalty(values: torch.Tensor, area: float) -> torch.Tensor:
    ordered = values.flatten().sort().values
    wanted = torch.ones_like(ordered)
    wanted[: int(len(wanted) * (1 - area))] = 0
    return ((ordered - wanted) ** 2).mean()


@pytest.mark.parametrize("ties", [False, True])
def test_area_penalty_equals_the_sort(ties: bool) -> None:
    mask = torch.rand(4, 1, 11, 9, dtype=torch.float64)
    if ties:
        mask = (mask * 4).round() / 4
    areas = [0.05, 0.3, 0.3, 0.999]
    expected = [slow_penalty(m, a) for m, a in zip(mask, areas, strict=True)]
    assert torch.allclose(area_penalty(mask, areas), torch.stack(expected), rtol=1e-6)


def test_area_penalty_gradient() -> None:
    mask = torch.rand(2, 1, 5, 5, dtype=torch.float64, requires_grad=True)
    penalty = area_penalty(mask, [0.2, 0.7])
    expected = torch.stack([slow_penalty(mask[0], 0.2), slow_penalty(mask[1], 0.7)])
    weights = torch.tensor([2.0, -3.0], dtype=torch.float64)
    (gradient,) = torch.autograd.grad(penalty, mask, weights)
    (expected_gradient,) = torch.autograd.grad(expected, mask, weights)
    assert torch.allclose(gradient, expected_gradient, atol=1e-12)


def test_tied_values_share_the_area() -> None:
    mask = torch.ones(1, 1, 4, 4, requires_grad=True)
    area_penalty(mask, [0.25]).sum().backward()
    assert len(mask.grad.unique()) == 1


def test_a_flat_mask_of_the_area_costs_nothing() -> None:
    mask = torch.zeros(1, 1, 10, 10)
    mask[..., :3, :] = 1
    assert float(area_penalty(mask, [0.3])) == 0
    assert float(area_penalty(mask, [0.1])) == pytest.approx(0.2)


def test_area_penalty_needs_an_area_per_mask() -> None:
    with pytest.raises(ValueError, match="one area per mask"):
        area_penalty(torch.rand(2, 1, 3, 3), [0.1])


def test_pixels_of_the_image_count_and_not_those_of_the_margin() -> None:
    """A quarter of 16 pixels, in a mask of 36."""
    mask = torch.zeros(1, 1, 6, 6)
    mask[..., :2, :2] = 1
    assert float(area_penalty(mask, [0.25], pixels=16)) == 0
    mask[0, 0, 5, 5] = 0.5
    assert float(area_penalty(mask, [0.25], pixels=16)) == pytest.approx(0.25 / 16)
    assert float(area_penalty(mask, [0.5], pixels=16)) == pytest.approx((0.25 + 3) / 16)


def test_rims_are_fitted_to_the_area() -> None:
    generator = MaskGenerator((48, 48), 3, 9)
    parameters = torch.zeros(3, 1, *generator.shape_in)
    parameters[..., 4:9, 5:10] = 1
    parameters[2, 0, 0, 0] = 1
    _, full = generator.generate(parameters)
    before = float(full[0].sum()) / 48**2
    areas = [0.8 * before, 1.2 * before, 1.3 * before]
    fitted = fit_area(full, areas, 48**2)
    assert (fitted.sum((1, 2, 3)) / 48**2).tolist() == pytest.approx(areas, rel=1e-3)
    for mask, was in zip(fitted.flatten(1), full.flatten(1), strict=True):
        assert bool((mask[was.argsort()].diff() >= 0).all())
        assert bool(((mask >= 0) & (mask <= 1)).all())


@pytest.mark.parametrize(("area", "power"), [(0.999, 1 / 4), (0.001, 4)])
def test_no_rim_becomes_more_than_twice_as_steep_or_flat(area: float, power: float) -> None:
    mask = torch.rand(1, 1, 8, 8)
    assert torch.allclose(fit_area(mask, [area], 64), mask**power, atol=1e-5)
