"""The process that computes for `InProcess`: reads jobs, writes what they tell and return.

It ends with the process that started it: then there is nothing more to read, or nobody to write to.
"""

from __future__ import annotations

import os
import pickle
import sys
from contextlib import suppress
from functools import lru_cache
from typing import Any, BinaryIO

import torch
from torch import nn


def main() -> None:
    """Work until nobody asks any more."""
    asked = sys.stdin.buffer
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # What a network prints must not stand among the answers.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    if hasattr(os, "nice"):
        os.nice(5)
    torch.set_num_threads(max(1, torch.get_num_threads() - 1))
    with suppress(EOFError, BrokenPipeError):
        while True:
            arch, job, arguments = pickle.load(asked)
            work(answers, arch, job, arguments)
    with suppress(BrokenPipeError):
        answers.close()


def work(answers: BinaryIO, arch: str, job: Any, arguments: dict[str, Any]) -> None:
    """Do one job: write ("told", ...) as often as it tells, then ("returned", ...) or ("raised").

    Raises:
        BrokenPipeError: nobody reads the answers.
    """

    def write(kind: str, value: Any) -> None:
        answers.write(pickle.dumps((kind, value)))
        answers.flush()

    try:
        write("returned", job(network(arch), lambda *news: write("told", news), **arguments))
    except BrokenPipeError:
        raise
    except Exception as error:
        write("raised", ValueError(str(error)) if not _travels(error) else error)


@lru_cache(maxsize=1)
def network(arch: str) -> nn.Module:
    """A network by its name."""
    from course_lib.world.examples import get_example_data

    return get_example_data(arch)[0]


def _travels(error: Exception) -> bool:
    """Whether an error can be sent to another process."""
    try:
        return isinstance(pickle.loads(pickle.dumps(error)), type(error))
    except Exception:
        return False


if __name__ == "__main__":
    main()
