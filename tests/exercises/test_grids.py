"""Small tensors as grids of numbers."""

from __future__ import annotations

import torch

from course_lib.exercises.engine.comparing import wrong_places
from course_lib.exercises.engine.grids import Grid, grids, html_of, text_of


def shown(expected: torch.Tensor, got: torch.Tensor, **inputs: object) -> dict[str, Grid]:
    found = grids(inputs, expected, got, wrong=wrong_places(expected, got))
    return {grid.label: grid for grid in found}


def test_a_matrix_is_shown_with_the_places_that_differ() -> None:
    expected = torch.tensor([[1.0, 2.0], [3.0, 4.5]])
    got = expected + torch.tensor([[0.0, 0.0], [0.0, -0.25]])
    found = shown(expected, got, x=expected * 0, scale=2.0)
    assert list(found) == ["x", "expected", "got", "difference"]
    assert found["expected"].rows == (("1", "2"), ("3", "4.5"))
    assert found["difference"].rows == (("0", "0"), ("0", "-0.25"))
    assert found["got"].marked == {(1, 1)}
    assert str(found["got"]) == "got\n       1      2\n       3   4.25*"


def test_of_a_batch_of_maps_the_worst_is_shown() -> None:
    expected = torch.zeros(2, 3, 4, 5)
    got = expected.clone()
    got[1, 2, 0, 3], got[0, 0, 0, 0] = 7, 1
    found = shown(expected, got, x=expected, other=torch.arange(3))
    assert list(found) == [
        "x at [1, 2]",
        "other",
        "expected at [1, 2]",
        "got at [1, 2]",
        "difference",
    ]
    assert found["difference"].marked == {(0, 3)}
    assert found["other"].rows == (("0", "1", "2"),)


def test_nothing_is_shown_of_what_is_large_or_of_another_shape() -> None:
    assert shown(torch.zeros(9, 2), torch.ones(9, 2)) == {}
    assert shown(torch.zeros(3), torch.zeros(2)) == {}
    assert shown(torch.tensor(1.0), torch.tensor(2.0)) == {}


def test_values_that_are_not_finite_are_marked() -> None:
    found = shown(torch.zeros(3), torch.tensor([0.0, torch.nan, 0.0]))
    assert found["got"].rows == (("0", "nan", "0"),)
    assert found["got"].marked == {(0, 1)}


def test_html_marks_with_more_than_colour_and_escapes() -> None:
    grid = Grid("<x>", (("1", "2"),), frozenset({(0, 1)}))
    page = html_of([grid, grid])
    assert page.count("<table") == 2
    assert "&lt;x&gt;" in page
    assert page.count("font-weight:700") == 2
    assert text_of([grid, grid]).count("2*") == 2
