"""Peak memory of a fresh process."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest


def printed(code: str) -> float:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout)


def test_the_peak_goes_up_with_what_is_held() -> None:
    code = (
        "import numpy as np; from speed.memory import peak_mb; before = peak_mb(); "
        "held = np.ones(2**26); print(peak_mb() - before)"
    )
    assert printed(code) == pytest.approx(512, rel=0.05)


@pytest.mark.skipif(sys.platform != "linux", reason="another way of counting elsewhere")
def test_a_new_process_does_not_inherit_the_peak() -> None:
    held = np.ones(2**27)
    peak = printed("from speed.memory import peak_mb; print(peak_mb())")
    assert peak < held.nbytes / 2**20
