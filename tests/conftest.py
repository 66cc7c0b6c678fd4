"""Fixtures that several parts of the tests share."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
import torch


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def fill_in() -> Callable[[Any, Any], Any]:
    """A function (student notebook, solution notebook) -> the student's with the right answers."""

    def fill(student: Any, solution: Any) -> Any:
        answers = {c.id: c.source for c in solution.cells if c.id.startswith("answer-")}
        filled = deepcopy(student)
        for cell in filled.cells:
            cell.source = answers.get(cell.id, cell.source)
        return filled

    return fill
