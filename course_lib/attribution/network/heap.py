"""Let one forward pass on a CPU use the memory that the one before it freed."""

from __future__ import annotations

from functools import lru_cache

import torch

# The GNU C library counts blocks of up to 32 MiB, their headers included.
_LARGEST_COUNTED = 31 * 2**20


@lru_cache(maxsize=1)
def keep_freed_memory() -> None:
    """Have the C library keep up to 62 MiB of freed memory, where it would give it back.

    A convolution writes its activations to memory that was just freed by another. The GNU C
    library returns such memory to the system and asks for it anew, page by page, each filled with
    zeros: for RISE on a small network that is up to a fifth of its time. How much it keeps is
    twice the largest block that it saw freed; so it is shown one, once, none of whose pages is
    ever touched. Other C libraries take no notice.

    >>> keep_freed_memory()
    """
    torch.empty(_LARGEST_COUNTED, dtype=torch.uint8, device="cpu")
