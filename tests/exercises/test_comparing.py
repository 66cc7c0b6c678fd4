"""Differences in words."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from course_lib.exercises.engine.comparing import (
    Foreign,
    difference,
    first_difference,
    pattern,
    plain,
    plain_outputs,
)
from course_lib.exercises.engine.tolerances import tolerance

DOUBLE = torch.float64


def tensor(values: Any, dtype: torch.dtype = DOUBLE) -> torch.Tensor:
    return torch.tensor(values, dtype=dtype)


@pytest.mark.parametrize(
    ("expected", "got", "words"),
    [
        (
            tensor([[0.0, 5.0]]),
            tensor([[0.0, 1.25]]),
            "values differ at [0, 1]: expected 5.0, got 1.25",
        ),
        (tensor([1.0, 1.0]), tensor([2.0, 4.0]), "values differ at [1]: expected 1.0, got 4.0"),
        ("nothing", "the hooks on `conv`", "expected nothing, got the hooks on `conv`"),
        ("a pair", "ValueError, raised", "expected a pair, got ValueError, raised"),
        ("relu", "nothing", "expected 'relu', got 'nothing'"),
        (tensor(5.0), tensor(1.25), "values differ: expected 5.0, got 1.25"),
        (tensor(1.0), tensor(1.00001), "values differ: expected 1.0, got 1.00001"),
        (tensor([0.0]), tensor([-1.0]), "values differ at [0]: expected 0.0, got -1.0"),
        (tensor([-0.0]), tensor([1.0]), "values differ at [0]: expected 0.0, got 1.0"),
        (
            tensor([1, 2], torch.int64),
            tensor([1, 3], torch.int64),
            "values differ at [1]: expected 2, got 3",
        ),
        (
            tensor([True], torch.bool),
            tensor([False], torch.bool),
            "values differ at [0]: expected True, got False",
        ),
        (tensor([np.inf]), tensor([1.0]), "values differ at [0]: expected inf, got 1.0"),
        (tensor([np.nan]), tensor([1.0]), "values differ at [0]: expected nan, got 1.0"),
        (tensor([1.0]), tensor([np.nan]), "values are not finite at [0]: expected 1.0, got nan"),
        (math.nan, 1.0, "expected nan, got 1.0"),
        (torch.zeros(0, 2), torch.zeros(2, 0), "the shape differs: expected (0, 2), got (2, 0)"),
        (1, tensor(1.0), "expected 1, got a tensor of shape ()"),
        (tensor(1.0), 1.0, "expected a tensor of shape (), got 1.0"),
        (1.0, 2, "expected 1.0, got 2"),
        (1, True, "expected 1, got True"),
        (True, False, "expected True, got False"),
        ("ValueError", "no error", "expected 'ValueError', got 'no error'"),
        (None, 1, "expected None, got 1"),
        ([1, 2], [1, 3], "item 1: expected 2, got 3"),
        ([1, 2], [1], "expected [1, 2], got [1]"),
        ([1], 1, "expected 1 values, got 1"),
        (None, Foreign("a Thing"), "expected None, got a Thing"),
        (Foreign("a Thing"), Foreign("a Thing"), "expected a Thing, got a Thing"),
    ],
)
def test_words(expected: Any, got: Any, words: str) -> None:
    assert difference(expected, got) == words


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        (tensor([1.0, -2.0]), tensor([1.0 + 1e-12, -2.0])),
        (tensor([1.0], torch.float32), tensor([1.00001], torch.float32)),
        (tensor([np.inf, 1.0]), tensor([np.inf, 1.0])),
        (torch.zeros(0, 2), torch.zeros(0, 2)),
        (1.0, 1),
        (0.1 + 0.2, 0.3),
        ([1, [tensor(2.0)]], [1, [tensor(2.0)]]),
        ("a", "a"),
        (None, None),
        (tensor([1.0, -0.3]), tensor([1.0, -0.3], torch.float32)),
        (tensor([1.0, 0.0]), tensor([True, False], torch.bool)),
        (tensor([2], torch.int64), tensor([2.00001], torch.float32)),
        (0.3, float(tensor(0.3, torch.float32))),
        (tensor([np.nan, 1.0]), tensor([np.nan, 1.0])),
        (math.nan, math.nan),
    ],
)
def test_equal_enough(expected: Any, got: Any) -> None:
    assert difference(expected, got) is None


def test_the_dtype_counts_where_it_is_asked_for() -> None:
    expected, got = tensor([1.0]), tensor([1.0], torch.float32)
    words = "the dtype differs: expected float64, got float32"
    assert difference(expected, got, exact_dtype=True) == words
    assert difference([expected], [got], exact_dtype=True) == f"item 0: {words}"
    found = first_difference({"a": expected}, {"a": got}, exact_dtype=True)
    assert found == ("a", words)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16])
def test_the_tolerance_is_that_of_the_coarser_type(dtype: torch.dtype) -> None:
    relative, _ = tolerance(dtype)
    near, far = tensor([1 + relative / 2], dtype), tensor([1 + 4 * relative], dtype)
    for one, other in ((tensor([1.0]), near), (near, tensor([1.0]))):
        assert difference(one, other) is None
    for one, other in ((tensor([1.0]), far), (far, tensor([1.0]))):
        assert difference(one, other) is not None


def test_whole_numbers_are_exact() -> None:
    assert difference(1_000_000, 1_000_001) is not None
    assert difference(tensor([1_000_000], torch.int64), tensor([1_000_001], torch.int64))


@pytest.mark.parametrize(
    ("expected", "got", "words"),
    [
        (
            tensor([3.0, -6.0, 0.0]),
            tensor([1.0, -2.0, 0.0]),
            "Each value is 1/3 of the expected one, as `.mean()` makes it in place of `.sum()`.",
        ),
        (6.0, 0.5, "It is 1/12 of the expected one, as `.mean()` makes it in place of `.sum()`."),
        (tensor([3.0, -6.0]), tensor([-3.0, 6.0]), "Each value is minus the expected one."),
        (tensor([2.0, -4.0]), tensor([3.0, -6.0]), "Each value is 1.5 times the expected one."),
        (tensor(2.0), tensor(3.0), ""),
        (tensor([2.0, 0.0]), tensor([3.0, 1.0]), ""),
        (tensor([2.0, 4.0]), tensor([1.0, 3.0]), ""),
        (tensor([2.0, 4.0]), tensor([1.0, np.nan]), ""),
        (tensor([0.0]), tensor([1.0]), ""),
        (tensor([2.0]), tensor([[1.0]]), ""),
        ("a", 1.0, ""),
    ],
)
def test_what_all_values_have_in_common(expected: Any, got: Any, words: str) -> None:
    assert pattern(expected, got) == words


def test_small_values_beside_large_ones_count() -> None:
    expected = tensor([1000.0, 1e-3])
    assert difference(expected, tensor([1000.0, 2e-3])) is not None


def test_the_first_quantity_is_reported() -> None:
    expected = plain_outputs({"a": 1, "b": 2, "c": 3})
    assert first_difference(expected, {"a": 1, "b": 5, "c": 6}) == ("b", "expected 2, got 5")
    assert first_difference(expected, {"a": 1, "b": 2}) == ("c", "is missing")
    assert first_difference({}, {"a": 1}) == ("a", "should not be there")
    assert first_difference(expected, dict(expected)) is None


def test_plain_copies_are_detached() -> None:
    x = torch.ones(2, requires_grad=True)
    copy = plain(x * 1)
    assert not copy.requires_grad
    value = plain(y := torch.ones(2))
    y.zero_()
    assert value.sum() == 2


def test_plain_numbers_and_containers() -> None:
    assert plain(np.float64(1.5)) == 1.5
    assert type(plain(np.float32(1.5))) is float
    assert type(plain(np.bool_(True))) is bool
    assert plain((1, [2.0], None)) == [1, [2.0], None]
    assert plain(torch.Size([2, 3])) == [2, 3]
    assert plain({1: 2}) == Foreign("a dict of 1")
    assert plain(np.zeros(2)) == Foreign("a NumPy array")
