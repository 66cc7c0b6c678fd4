from __future__ import annotations

import numpy as np
import pytest
import torch

from course_lib.attribution.inputs.targets import (
    get_backward_gradient,
    get_pointing_gradient,
    parse_target,
)


@pytest.mark.parametrize(
    ("target", "images", "expected"),
    [
        (3, 2, [[3], [3]]),
        (np.int64(3), 2, [[3], [3]]),
        (torch.tensor(3), 2, [[3], [3]]),
        ([3, 1], 2, [[3], [1]]),
        ((3, 1), 2, [[3], [1]]),
        (np.array([3, 1]), 2, [[3], [1]]),
        (torch.tensor([3, 1]), 2, [[3], [1]]),
        (torch.tensor([3, 1], dtype=torch.uint8), 2, [[3], [1]]),
        ([3], 1, [[3]]),
        ([3, 1, 0], 1, [[3, 1, 0]]),
        ([[3, 1, 0], [0, 1, 2]], 2, [[3, 1, 0], [0, 1, 2]]),
        (torch.tensor([[3, 1, 0]]), 1, [[3, 1, 0]]),
    ],
)
@pytest.mark.parametrize("spatial", [(), (2, 3)])
def test_every_form(target, images, expected, spatial):
    parsed = parse_target(target, torch.zeros(images, 5, *spatial))
    assert parsed.dtype == torch.long
    assert parsed.tolist() == expected


def test_integers_that_label_every_class_are_a_gradient():
    labels = torch.tensor([[0, 1, 1], [1, 0, 0]])
    found = parse_target(labels, torch.zeros(2, 3, dtype=torch.float64))
    assert (found.dtype, found.tolist()) == (torch.float64, labels.tolist())
    assert torch.equal(get_backward_gradient(torch.zeros(2, 3), labels), labels.float())
    everywhere = labels[:, :, None, None].expand(2, 3, 4, 5)
    assert torch.equal(parse_target(everywhere, torch.zeros(2, 3, 4, 5)), everywhere.float())


def test_integers_that_may_be_classes_are():
    assert parse_target(torch.tensor([[0, 1, 2]]), torch.zeros(1, 3)).tolist() == [[0, 1, 2]]
    assert parse_target(torch.tensor([[0, 1]]), torch.zeros(1, 2)).tolist() == [[0, 1]]
    assert parse_target(torch.tensor([[0, 1]]), torch.zeros(1, 3)).tolist() == [[0, 1]]


def test_a_gradient_is_taken_as_it_is():
    gradient = torch.randn(2, 5, dtype=torch.float64, requires_grad=True)
    parsed = parse_target(gradient, torch.zeros(2, 5))
    assert parsed.dtype == torch.float32
    assert not parsed.requires_grad
    torch.testing.assert_close(parsed, gradient.detach().float())
    spread = parse_target(gradient, torch.zeros(2, 5, 3, 4))
    assert spread.shape == (2, 5, 3, 4)
    torch.testing.assert_close(spread[..., 2, 3], gradient.detach().float())


@pytest.mark.parametrize(
    ("target", "images", "message"),
    [
        (5, 1, "target 5 is out of range: the network has 5 classes, 0 to 4"),
        (-1, 1, "target -1 is out of range"),
        ([0, 7], 2, "target 7 is out of range"),
        ([0, 1, 2], 2, "input has 2 images, the targets have shape 3"),
        ([], 1, "one target per image at least, but there is none"),
        (torch.zeros(1, 1, 1, dtype=torch.long), 1, "targets have shape 1 x 1 x 1"),
        (torch.zeros(1, 4), 1, "shape of the scores, 1 x 5, but has 1 x 4"),
        (torch.full((1, 5), float("nan")), 1, "must be finite"),
    ],
)
def test_bad_values(target, images, message):
    with pytest.raises((ValueError, TypeError), match=message):
        parse_target(target, torch.zeros(images, 5))


@pytest.mark.parametrize("target", [None, "cat", True, object(), [[0], [1, 2]], [True]])
def test_bad_kinds(target):
    with pytest.raises(TypeError, match="target must"):
        parse_target(target, torch.zeros(1, 5))


def test_backward_gradient_is_one_hot():
    y = torch.randn(3, 4)
    found = get_backward_gradient(y, [2, 0, 2])
    assert found.tolist() == [[0, 0, 1, 0], [1, 0, 0, 0], [0, 0, 1, 0]]
    spatial = get_backward_gradient(torch.randn(2, 4, 2, 2), [2, 0])
    assert spatial.sum((2, 3)).tolist() == [[0, 0, 4, 0], [4, 0, 0, 0]]


def test_backward_gradient_refuses():
    with pytest.raises(ValueError, match="N x C or N x C x H x W, not 3"):
        get_backward_gradient(torch.zeros(3), 0)
    with pytest.raises(ValueError, match="one target per image"):
        get_backward_gradient(torch.zeros(1, 3), [0, 1])


def test_pointing_gradient():
    y = torch.randn(2, 3, 4, 5, dtype=torch.float64)
    found = get_pointing_gradient(y, 1)
    expected = torch.zeros_like(y)
    for n in range(2):
        expected[n, 1] = torch.exp(y[n, 1]) / torch.exp(y[n, 1]).sum()
    torch.testing.assert_close(found, expected)
    raw = get_pointing_gradient(y, [1, 2], normalize=False)
    torch.testing.assert_close(raw[1, 2], torch.exp(y[1, 2]))
    assert raw[1, 1].abs().sum() == 0
    flat = torch.randn(2, 3)
    assert get_pointing_gradient(flat, [1, 0]).tolist() == [[0, 1, 0], [1, 0, 0]]
    assert get_pointing_gradient(flat, [1, 0], normalize=False)[0, 1] == flat[0, 1].exp()
    with pytest.raises(ValueError, match="N x C x H x W, not 1 x 3 x 4"):
        get_pointing_gradient(torch.zeros(1, 3, 4), 0)
