"""Smooth masks: the reference numbers, a loop over pixels, and the kernel's edge cases."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from course_lib.attribution.masks.generator import MaskGenerator
from course_lib.attribution.masks.smooth_maximum import smooth_maximum

REFERENCE = torch.load(Path(__file__).parents[1] / "reference" / "extremal.pt", weights_only=True)
CASES = REFERENCE["mask_generator"]
CASE_IDS = [f"step {case['step']} sigma {case['sigma']}" for case in CASES]


def relative_error(value: torch.Tensor, expected: torch.Tensor) -> float:
    return float((value.detach() - expected).abs().max() / expected.abs().max())


def slow_mask(shape: tuple[int, int], step: int, sigma: float, grid: torch.Tensor) -> torch.Tensor:
    """The softmax-weighted mean over all grid points in reach, pixel by pixel, from the paper."""
    rows, columns = grid.shape
    margin = math.ceil(sigma)
    cells = math.ceil(margin / step)
    reach = 1 + math.ceil(sigma / step)
    mask = torch.zeros(shape, dtype=torch.float64)
    for y in range(shape[0]):
        for x in range(shape[1]):
            products = []
            # Cells are counted from the margin's corner; points out of the grid have parameter 0.
            row, column = (y + margin) // step - cells, (x + margin) // step - cells
            for i in range(row - reach, row + reach + 1):
                for j in range(column - reach, column + reach + 1):
                    inside = 0 <= i < rows and 0 <= j < columns
                    z = math.hypot(y - step * i, x - step * j) / sigma
                    kernel = math.exp(-2 * max(0.0, z - 0.5) ** 2)
                    products.append(kernel * float(grid[i, j]) if inside else 0.0)
            powers = [math.exp(20 * p) for p in products]
            mask[y, x] = sum(p * e for p, e in zip(products, powers, strict=True)) / sum(powers)
    return mask


@pytest.mark.parametrize("case", CASES, ids=CASE_IDS)
def test_reference_masks_and_gradient(case: dict) -> None:
    generator = MaskGenerator(case["shape"], case["step"], case["sigma"], **case["kwargs"])
    for name in ("shape_in", "shape_mid", "shape_up", "shape_out"):
        assert list(getattr(generator, name)) == list(case[name])
    for name in ("padding", "radius", "margin", "coldness"):
        assert getattr(generator, name) == case[name]
    parameters = case["mask_in"].clone().requires_grad_()
    cropped, full = generator.generate(parameters)
    assert relative_error(cropped, case["cropped"]) < 1e-5
    assert relative_error(full, case["full"]) < 1e-5
    full.backward(case["upstream"])
    assert relative_error(parameters.grad, case["grad_mask_in"]) < 1e-5


@pytest.mark.parametrize(
    ("shape", "step", "sigma"),
    [((12, 12), 4, 8), ((9, 16), 3, 3), ((5, 7), 2, 5), ((9, 9), 7, 2), ((1, 1), 3, 0.4)],
)
def test_equals_the_loop_over_pixels(shape: tuple[int, int], step: int, sigma: float) -> None:
    generator = MaskGenerator(shape, step, sigma)
    generator.weights = generator._kernel_weights().double()
    grid = torch.rand(generator.shape_in, dtype=torch.float64)
    mask, full = generator.generate(grid[None, None])
    # The kernel is kept in float32.
    assert torch.allclose(mask[0, 0], slow_mask(shape, step, sigma, grid), atol=1e-6)
    assert torch.equal(generator.crop(grid[None, None]), mask)
    margin = generator.margin
    assert torch.equal(mask, full[:, :, margin:, margin:][:, :, : shape[0], : shape[1]])


@pytest.mark.parametrize("side", [96, 97])
@pytest.mark.parametrize("step", [1, 3, 7])
@pytest.mark.parametrize("sigma", [0.4, 7.5, 21])
def test_size_of_the_full_mask(side: int, step: int, sigma: float) -> None:
    generator = MaskGenerator((side, 8), step, sigma)
    margin = math.ceil(sigma)
    rows = math.ceil(side / step)
    assert generator.shape_out[0] == step * (rows + 2 * math.ceil(margin / step) - 1) + 1
    assert (generator.margin, generator.radius) == (margin, 1 + math.ceil(sigma / step))
    assert generator.shape_out[0] > margin + side


def test_one_parameter_makes_a_disc() -> None:
    generator = MaskGenerator((35, 35), 7, 7)
    grid = torch.zeros(1, 1, 5, 5)
    grid[0, 0, 2, 2] = 1
    mask = generator.crop(grid)[0, 0]
    assert mask[14, 14] > 0.99
    assert torch.allclose(mask[14, 7:22], mask[7:22, 14], atol=1e-6)
    assert torch.allclose(mask[14, 7:15], mask[14, 14:22].flip(0), atol=1e-6)
    assert mask[14, 30] < 0.01


def slow_smooth_maximum(
    values: torch.Tensor, weights: torch.Tensor, coldness: float
) -> torch.Tensor:
    products = weights[:, :, None] * values[:, None, :]
    return (products * (coldness * products).softmax(0)).sum(0)


@pytest.mark.parametrize("coldness", [0.0, 1.0, 20.0])
@pytest.mark.parametrize("scale", [1.0, 30.0], ids=["in range", "beyond the exponential's range"])
def test_smooth_maximum_and_its_gradient(coldness: float, scale: float) -> None:
    values = (scale * torch.randn(7, 5, dtype=torch.float64)).requires_grad_()
    weights = torch.rand(7, 3, dtype=torch.float64)
    result = smooth_maximum(values, weights, coldness)
    expected = slow_smooth_maximum(values, weights, coldness)
    assert torch.allclose(result, expected, rtol=1e-10)
    upstream = torch.randn(3, 5, dtype=torch.float64)
    (gradient,) = torch.autograd.grad(result, values, upstream)
    (expected_gradient,) = torch.autograd.grad(expected, values, upstream)
    assert torch.allclose(gradient, expected_gradient, rtol=1e-9, atol=1e-12)


def test_smooth_maximum_in_blocks() -> None:
    values, weights = torch.rand(3, 3000), torch.rand(3, 50)
    expected = slow_smooth_maximum(values, weights, 20.0)
    assert torch.allclose(smooth_maximum(values, weights), expected, rtol=1e-5)


@pytest.mark.parametrize("coldness", [0.0, 20.0])
def test_columns_of_zeros_are_their_own_maximum(coldness: float) -> None:
    values = torch.randn(9, 40, dtype=torch.float64)
    values[:, 10:] = 0
    values[1:, 8:10] = 0
    values.requires_grad_()
    weights, upstream = torch.rand(9, 4, dtype=torch.float64), torch.randn(4, 40)
    result = smooth_maximum(values, weights, coldness)
    expected = slow_smooth_maximum(values, weights, coldness)
    assert torch.allclose(result, expected, rtol=1e-10)
    (gradient,) = torch.autograd.grad(result, values, upstream.double())
    (expected_gradient,) = torch.autograd.grad(expected, values, upstream.double())
    assert torch.allclose(gradient, expected_gradient, rtol=1e-9, atol=1e-12)
    assert bool(gradient[:, 10:].any())


def test_infinite_coldness_is_the_maximum() -> None:
    generator = MaskGenerator((14, 14), 7, 7)
    generator.coldness = float("inf")
    grid = torch.rand(1, 1, 2, 2)
    sharp = generator.crop(grid)
    generator.coldness = 2000.0
    assert torch.allclose(sharp, generator.crop(grid), atol=1e-3)


def test_sum_and_sigmoid_pooling() -> None:
    grid = torch.rand(1, 1, 3, 3)
    total = MaskGenerator((21, 21), 7, 7, clamp=False, pooling_method="sum").crop(grid)
    assert total.max() > 1
    assert MaskGenerator((21, 21), 7, 7, pooling_method="sum").crop(grid).max() == 1
    logistic = MaskGenerator((21, 21), 7, 7, pooling_method="sigmoid").crop(grid)
    assert torch.allclose(logistic, torch.sigmoid(20 * total - 3), atol=1e-6)


def test_does_not_hold_a_mask_per_neighbour() -> None:
    generator = MaskGenerator((224, 224), 7, 21)
    kept = [v for v in vars(generator).values() if isinstance(v, torch.Tensor)]
    assert sum(t.numel() for t in kept) == 81 * 49
    saved = []
    with torch.autograd.graph.saved_tensors_hooks(
        lambda t: saved.append(t.numel()) or t, lambda t: t
    ):
        generator.crop(torch.rand(1, 1, *generator.shape_in).requires_grad_())
    assert max(saved) < 4 * 224 * 224


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((0, 8), 4, 4), "at least 1"),
        (((8,), 4, 4), "height, width"),
        (((8, 8), 0, 4), "step must be"),
        (((8, 8), 2.5, 4), "step must be"),
        (((8, 8), 4, 0), "sigma must be"),
        (((8, 8), 4, float("nan")), "sigma must be"),
        (((8, 8), 4, float("inf")), "sigma must be"),
        (((8, 8), 4, "a"), "sigma must be"),
        (((8, 8), 4, None), "sigma must be"),
        (((8, 8), "a", 4), "step must be"),
        (((8, 8), None, 4), "step must be"),
        (((8, 8), float("nan"), 4), "step must be"),
        (((8, "a"), 4, 4), "height, width"),
        (((8, float("nan")), 4, 4), "height, width"),
        (((8, 8), 4, 4, True, "mean"), "pooling_method must be one of"),
    ],
)
def test_refuses_bad_settings(arguments: tuple, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MaskGenerator(*arguments)


def test_refuses_parameters_of_another_shape() -> None:
    with pytest.raises(ValueError, match=r"needs parameters of shape \(N, 1, 2, 2\)"):
        MaskGenerator((8, 8), 4, 4).generate(torch.rand(1, 1, 3, 2))


def test_smooth_maximum_refuses_unequal_lengths() -> None:
    with pytest.raises(ValueError, match="the same K"):
        smooth_maximum(torch.rand(3, 2), torch.rand(2, 2))
