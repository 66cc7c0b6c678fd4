"""Memory of the heavy methods: how far each raises a fresh process's peak.

    python -m speed.memory METHOD NETWORK

prints the rise in MB; `measure` runs that in a process of its own.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import torch

from course_lib.attribution.extremal_perturbation import extremal_perturbation
from course_lib.attribution.rise import rise

from .cases import AREAS, RISE_BATCH, RISE_MASKS, TARGET, forward_passes, to_input
from .networks import NETWORKS

# Of each method, its floor.
HEAVY = {
    "rise": "rise floor",
    "extremal_perturbation": "extremal_perturbation floor",
}


def peak_mb() -> float:
    """The most memory that this process has held, in MB."""
    status = Path("/proc/self/status")
    if status.exists():
        # Linux hands ru_maxrss of the process that starts another down to it.
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


def rise_in_peak(method: str, network: str) -> float:
    """MB by which a run of the method raises the peak, beyond the loaded network."""
    where = NETWORKS[network]
    model = where.make()
    x = torch.rand(1, 3, where.size, where.size)
    with torch.no_grad():
        model(x)
    before = peak_mb()
    if method == "rise":
        rise(model, x, TARGET, num_masks=RISE_MASKS, batch_size=RISE_BATCH)
    elif method == "rise floor":
        forward_passes(model, x, RISE_MASKS, RISE_BATCH)()
    elif method == "extremal_perturbation":
        extremal_perturbation(model, x, TARGET, areas=AREAS, max_iter=2)
    else:
        to_input(model, x.expand(len(AREAS), -1, -1, -1).contiguous())()
    return peak_mb() - before


def measure(method: str, network: str) -> float:
    """`rise_in_peak` in a fresh process, since a peak never goes down."""
    done = subprocess.run(
        [sys.executable, "-m", "speed.memory", method, network],
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout)


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(rise_in_peak(sys.argv[1], sys.argv[2]))
