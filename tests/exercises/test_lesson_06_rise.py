"""What lesson 06 teaches is what the library does."""

from __future__ import annotations

import pytest
import torch

from course_lib.attribution.rise import RiseMasks
from course_lib.exercises.lesson_06.rise_masks import rise_masks


@pytest.mark.parametrize(("size", "cells"), [(96, 7), (20, 3), (18, 5)])
def test_the_lessons_masks_are_the_librarys(size: int, cells: int) -> None:
    library = RiseMasks((size, size), num_masks=40, num_cells=cells, seed=3)
    own = rise_masks(library._grids[:, None].float(), library._rows, library._columns, size)
    torch.testing.assert_close(own, library[:], rtol=0, atol=1e-5)
