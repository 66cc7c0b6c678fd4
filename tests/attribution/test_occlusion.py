"""Occlusion: a loop over windows, borders, what covers, bad input."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from course_lib.attribution.inputs.baselines import baseline_of
from course_lib.attribution.occlusion import occlusion


@pytest.fixture
def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(6, 8, 3, stride=2),
        nn.Sigmoid(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 5),
    ).double()


def slow(net, x, target, window, stride, cover):
    """Window by window, from the definition."""
    height, width = x.shape[2:]
    total, times = torch.zeros(1, 1, height, width).double(), torch.zeros(1, 1, height, width)
    with torch.no_grad():
        before = net(x)[0, target]
        top = 0
        while top < height - window[0] + stride[0]:
            left = 0
            while left < width - window[1] + stride[1]:
                rows, columns = slice(top, top + window[0]), slice(left, left + window[1])
                covered = x.clone()
                covered[:, :, rows, columns] = cover[:, :, rows, columns]
                total[:, :, rows, columns] += before - net(covered)[0, target]
                times[:, :, rows, columns] += 1
                left += stride[1]
            top += stride[0]
    return total / times


@pytest.mark.parametrize(
    ("window", "stride"),
    [(4, 2), (5, 3), ((3, 4), (1, 2)), ((12, 9), 1), (1, 1), (None, None)],
)
@pytest.mark.parametrize("fill", [0, "mean", "blurred"])
def test_it_is_the_loop(net, window, stride, fill):
    x = torch.rand(2, 3, 12, 9, dtype=torch.float64)
    found = occlusion(net, x, [4, 2], window=window, stride=stride, fill=fill)
    window = (2, 2) if window is None else (window, window) if isinstance(window, int) else window
    stride = (1, 1) if stride is None else (stride, stride) if isinstance(stride, int) else stride
    cover = baseline_of(x, fill)
    for n, target in enumerate([4, 2]):
        expected = slow(net, x[n : n + 1], target, window, stride, cover[n : n + 1])
        torch.testing.assert_close(found[n : n + 1], expected, rtol=1e-9, atol=1e-12)


def test_several_targets_share_the_passes(net):
    x = torch.rand(2, 3, 12, 9, dtype=torch.float64)
    found = occlusion(net, x, [[0, 3], [1, 2]], window=4)
    for k in (0, 1):
        expected = occlusion(net, x, [(0, 3)[k], (1, 2)[k]], window=4)
        torch.testing.assert_close(found[:, k : k + 1], expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"window": 20}, "window must not be larger than the image, of 12 x 9 pixels, but is 20"),
        ({"window": 3, "stride": 4}, "stride must not be larger than the window, of 3 x 3"),
        ({"window": 0}, "window must be a whole number"),
        ({"window": (1, 2, 3)}, r"window must be a number of pixels or \(height, width\)"),
        ({"fill": "grey"}, 'fill must be a number, "mean", "blurred" or images'),
    ],
)
def test_bad_windows_are_refused(net, options, message):
    with pytest.raises(ValueError, match=message):
        occlusion(net, torch.rand(1, 3, 12, 9, dtype=torch.float64), 0, **options)
