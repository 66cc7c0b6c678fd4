"""How exact the float types are, for comparisons between any two of them."""

from __future__ import annotations

import torch

_RELATIVE = {torch.float16: 1e-2, torch.bfloat16: 3e-2, torch.float32: 1e-4, torch.complex64: 1e-4}
_FLOOR = {torch.float16: 1e-3, torch.bfloat16: 1e-2, torch.float32: 1e-6, torch.complex64: 1e-6}


def tolerance(*dtypes: torch.dtype) -> tuple[float, float]:
    """How far apart values of these types may be: relative to them, and at least."""
    inexact = [dtype for dtype in dtypes if dtype.is_floating_point or dtype.is_complex]
    if not inexact:
        return 0.0, 0.0
    return (
        max(_RELATIVE.get(dtype, 1e-6) for dtype in inexact),
        max(_FLOOR.get(dtype, 1e-12) for dtype in inexact),
    )
