"""What several exercises of lesson 07 share."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

Objective = Callable[[Tensor], Tensor]
