from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from course_lib.attribution.inputs.checks import check_finite, check_image
from course_lib.attribution.maps.imaging import imsmooth, resize_saliency


def slow_smooth(x, sigma):
    """The Gaussian of every pixel, one weight at a time, zero outside."""
    width = math.ceil(4 * sigma)
    weights = [math.exp(-(i**2) / (2 * sigma**2)) for i in range(-width, width + 1)]
    total = sum(weights)
    result = torch.zeros_like(x)
    height, breadth = x.shape[2:]
    for i in range(height):
        for j in range(breadth):
            for a in range(-width, width + 1):
                for b in range(-width, width + 1):
                    if 0 <= i + a < height and 0 <= j + b < breadth:
                        w = weights[a + width] * weights[b + width] / total**2
                        result[:, :, i, j] += w * x[:, :, i + a, j + b]
    return result


def test_smoothing_number_by_number():
    x = torch.randn(2, 2, 5, 6, dtype=torch.float64)
    torch.testing.assert_close(imsmooth(x, 0.7), slow_smooth(x, 0.7))


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
@pytest.mark.parametrize("size", [(1, 1), (3, 2), (9, 7)])
def test_a_constant_stays_constant_also_when_smaller_than_the_kernel(mode, size):
    x = torch.full((1, 2, *size), 0.25)
    torch.testing.assert_close(imsmooth(x, 2.5, padding_mode=mode), x)


@pytest.mark.parametrize(
    ("mode", "numpy_mode"), [("reflect", "reflect"), ("replicate", "edge"), ("circular", "wrap")]
)
@pytest.mark.parametrize("sigma", [0, 1, 8])
@pytest.mark.parametrize("size", [(10, 12), (3, 17), (1, 5)])
def test_each_axis_goes_on_by_itself(mode, numpy_mode, sigma, size):
    x = torch.randn(1, 2, *size, dtype=torch.float64)
    margin = math.ceil(4 * sigma)
    extended = np.pad(x.numpy(), ((0, 0), (0, 0), *((margin + 3, margin + 3),) * 2), numpy_mode)
    blurred = imsmooth(torch.from_numpy(extended), sigma)
    inside = [slice(margin, side - margin, 2) for side in blurred.shape[2:]]
    found = imsmooth(x, sigma, stride=2, padding=3, padding_mode=mode)
    torch.testing.assert_close(found, blurred[:, :, inside[0], inside[1]])


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_padding_stride_and_dtype(dtype):
    x = torch.randn(1, 3, 8, 6).to(dtype)
    found = imsmooth(x, 1.0, stride=2, padding=3)
    assert (found.shape, found.dtype) == ((1, 3, 7, 6), dtype)
    torch.testing.assert_close(imsmooth(x, 1.0, padding=2)[..., 2:-2, 2:-2], imsmooth(x, 1.0))
    torch.testing.assert_close(imsmooth(x, 0), x)
    border = imsmooth(torch.zeros(1, 1, 3, 3, dtype=dtype), 1.0, padding=9, padding_value=1.0)
    assert border[0, 0, 0, 0] > 0.99


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_smoothing_in_half_precision_is_rounded_once(dtype):
    # torch's own convolution of float16 did not come to its end on a CPU here.
    x = torch.randn(1, 3, 32, 32).to(dtype)
    assert torch.equal(imsmooth(x, 2.0), imsmooth(x.float(), 2.0).to(dtype))


def test_smoothing_refuses():
    with pytest.raises(ValueError, match="at least 0"):
        imsmooth(torch.zeros(1, 1, 3, 3), -1)
    with pytest.raises(ValueError, match="N x C x H x W"):
        imsmooth(torch.zeros(3, 3), 1)
    with pytest.raises(ValueError, match="maps with pixels"):
        imsmooth(torch.zeros(1, 1, 0, 3), 1)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64, torch.bool])
def test_smoothing_refuses_other_than_floating_dtypes(dtype):
    with pytest.raises(ValueError, match=f"a floating dtype, not {dtype}"):
        imsmooth(torch.ones(1, 1, 3, 3, dtype=dtype), 1)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sigma": math.inf}, "sigma must be a finite number, at least 0, not inf"),
        ({"sigma": math.nan}, "sigma must be a finite number, at least 0, not nan"),
        ({"sigma": "a"}, "sigma must be a finite number, at least 0, not 'a'"),
        ({"stride": 0}, "stride must be a whole number, at least 1, not 0"),
        ({"stride": 1.5}, "stride must be a whole number"),
        ({"padding": -1}, "padding must be a whole number, at least 0, not -1"),
        ({"padding": None}, "padding must be a whole number"),
        ({"padding_mode": "zeros"}, "padding_mode must be one of constant, .* not 'zeros'"),
    ],
)
def test_smoothing_refuses_bad_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        imsmooth(torch.zeros(1, 1, 3, 3), **{"sigma": 1, **settings})


@pytest.mark.parametrize(
    "size", ["big", (3,), (0, 4), 5, ("a", 3), (math.nan, 3), (math.inf, 3), (2.5, 3), (None, 3)]
)
def test_resize_refuses(size):
    with pytest.raises(ValueError, match=r"True, False or \(width, height\)"):
        resize_saliency(torch.zeros(1, 3, 4, 4), torch.zeros(1, 1, 2, 2), size)


def test_resize_modes():
    x, s = torch.zeros(1, 3, 4, 4), torch.tensor([[[[1.0, 2.0]]]])
    assert resize_saliency(x, s, True, "nearest")[0, 0, 0].tolist() == [1, 1, 2, 2]
    assert resize_saliency(x, s, (1, 1), "area").item() == 1.5
    assert resize_saliency(x, s, False) is s
    assert resize_saliency(x, s, None) is s
    assert resize_saliency(x, s, (np.int64(3), 5.0)).shape == (1, 1, 5, 3)
    with pytest.raises(ValueError, match="resize_mode"):
        resize_saliency(x, s, True, "best")


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (torch.zeros(3, 4, 4), "has 3 dimensions"),
        (torch.zeros(0, 3, 4, 4), "at least one image"),
        (torch.zeros(1, 3, 0, 4), "at least one image"),
        (torch.zeros(1, 3, 4, 4, dtype=torch.uint8), "floating dtype, not torch.uint8"),
        (torch.tensor([[[[float("nan")]]]]), r"holds NaN at \[0, 0, 0, 0\]"),
        (torch.tensor([[[[0.0, float("-inf")]]]]), r"holds infinity at \[0, 0, 0, 1\]"),
        (torch.tensor([[[[float("inf"), float("-inf")]]]]), "holds infinity"),
    ],
)
def test_images_that_are_none(x, message):
    with pytest.raises(ValueError, match=message):
        check_image(x)


def test_a_list_is_no_image():
    with pytest.raises(TypeError, match=r"torch\.Tensor, not list"):
        check_image([[1.0]])


def test_large_finite_values_are_finite():
    x = torch.full((4,), 3e38)
    assert check_finite(x, "x") is x
    y = torch.full((4,), 60000.0, dtype=torch.float16)
    assert check_finite(y, "y") is y
