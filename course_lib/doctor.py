"""Say in plain words whether this environment is complete, and what to do where it is not."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import perf_counter

INSTALL = "install the course again (`make lab` in a clone, or `pip install` of the wheel)"
KERNEL_SECONDS = 60


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: whether it is well, what was seen, and what to do if not."""

    well: bool
    seen: str
    advice: str = ""

    def __str__(self) -> str:
        """Return the line that is printed."""
        if self.well:
            return f"ok       {self.seen}"
        return f"MISSING  {self.seen}{': ' if self.advice else ''}{self.advice}"


def examine(folder: Path = Path("work"), say: Callable[[str], None] = print) -> bool:
    """Look at everything that the course needs, say a line for each, and tell if all is well.

    Args:
        folder: the working folder to look for.
        say: where the lines go.
    """
    well = True
    for look in (
        python,
        torch_pair,
        kernel,
        widgets,
        checkpoints,
        progress,
        lambda: working_folder(folder),
        smoke_run,
    ):
        for finding in _safely(look):
            say(str(finding))
            well &= finding.well
    say(
        "All is well: `course start` opens the course."
        if well
        else "Something is missing; the lines above say what to do."
    )
    return well


def python() -> Iterator[Finding]:
    """Python is new enough, and it is this one."""
    found = ".".join(map(str, sys.version_info[:3]))
    yield Finding(
        sys.version_info >= (3, 11),
        f"Python {found} at {sys.executable}",
        "the course needs Python 3.11 or newer",
    )
    from course_lib import __file__, __version__

    yield Finding(True, f"course_lib {__version__} from {Path(__file__).parent}")


def torch_pair() -> Iterator[Finding]:
    """Torch and torchvision are there and fit together."""
    try:
        seen = f"torch {version('torch')}, torchvision {version('torchvision')}"
    except PackageNotFoundError as error:
        yield Finding(False, f"{error.name} is not installed", INSTALL)
        return
    try:
        import torch
        import torchvision

        torchvision.ops.nms(torch.tensor([[0.0, 0.0, 1.0, 1.0]]), torch.ones(1), 0.5)
    except (ImportError, OSError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        yield Finding(False, f"{seen} do not work together ({reason})", INSTALL)
        return
    yield Finding(True, f"{seen}, which work together")


def kernel() -> Iterator[Finding]:
    """The notebook kernel is registered, starts, and runs in this same environment."""
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
    from jupyter_client.manager import KernelManager

    from course_lib.classroom.kernels import kernel_config

    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"
    try:
        spec = KernelSpecManager().get_kernel_spec("python3")
    except NoSuchKernel:
        yield Finding(False, "no kernel python3 is registered", INSTALL)
        return
    manager = KernelManager(kernel_name="python3", config=kernel_config())
    told: list[str] = []
    manager.start_kernel()
    client = manager.blocking_client()
    try:
        client.start_channels()
        client.wait_for_ready(timeout=KERNEL_SECONDS)
        client.execute_interactive(
            "import sys, course_lib; print(sys.prefix); print(sys.executable)",
            timeout=KERNEL_SECONDS,
            output_hook=lambda message: told.append(message["content"].get("text", "")),
        )
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    prefix, _, executable = "".join(told).strip().partition("\n")
    yield Finding(
        prefix == sys.prefix,
        f"kernel {spec.display_name!r} runs {executable or 'without course_lib'}",
        f"it should run {sys.executable}; remove {spec.resource_dir}, then {INSTALL}",
    )


def widgets() -> Iterator[Finding]:
    """Widgets are there on both sides: in Python and in JupyterLab."""
    from jupyter_core.paths import jupyter_path

    try:
        versions = ", ".join(
            f"{name} {version(name)}" for name in ("jupyterlab", "ipywidgets", "jupyterlab_widgets")
        )
    except PackageNotFoundError as error:
        yield Finding(False, f"{error.name} is not installed", INSTALL)
        return
    places = [
        Path(place) / "@jupyter-widgets" / "jupyterlab-manager" / "package.json"
        for place in jupyter_path("labextensions")
    ]
    yield Finding(
        any(place.is_file() for place in places),
        f"{versions}, with JupyterLab's part of the widgets",
        f"JupyterLab does not find its part of the widgets; {INSTALL}",
    )


def checkpoints() -> Iterator[Finding]:
    """The trained networks are those that were shipped."""
    from course_lib.world.networks import verify

    for _, well, sentence in verify():
        yield Finding(well, sentence.rstrip("."))


def progress() -> Iterator[Finding]:
    """The progress file can be read and written."""
    from course_lib.exercises.engine.progress import progress_file

    path = progress_file()
    if path is None:
        yield Finding(True, "progress is not kept, as COURSE_PROGRESS=off asks")
        return
    if not path.exists():
        yield Finding(True, f"no progress yet; it will be kept in {path}")
        return
    try:
        json.loads(path.read_text(encoding="utf-8"))
        readable = os.access(path, os.W_OK)
    except (OSError, ValueError):
        readable = False
    yield Finding(
        readable,
        f"progress file {path}",
        "it cannot be read and written; move it away and a new one is begun",
    )


def working_folder(folder: Path) -> Iterator[Finding]:
    """The learner's lessons, where there are any."""
    lessons = sorted(folder.glob("[0-9][0-9]_*.ipynb"))
    if lessons:
        yield Finding(True, f"{len(lessons)} of your notebooks are in {folder.resolve()}")
    else:
        yield Finding(
            True, f"no lessons in {folder.resolve()} yet; `course start` copies them there"
        )


def smoke_run() -> Iterator[Finding]:
    """A network looks at a scene, and guided backpropagation says where."""
    from course_lib.attribution.guided_backprop import guided_backprop
    from course_lib.benchmark import get_example_data

    begin = perf_counter()
    model, x, category, _ = get_example_data("tiny_vgg")
    saliency = guided_backprop(model, x, category)
    seconds = perf_counter() - begin
    shape = "x".join(map(str, saliency.shape[-2:]))
    yield Finding(
        bool(saliency.isfinite().all() and saliency.abs().sum() > 0),
        f"guided backpropagation on tiny_vgg: a {shape} map in {seconds:.1f} s",
        f"the map is empty; {INSTALL}",
    )


def _safely(look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """Turn an error while looking into a finding, so that the rest is looked at too."""
    try:
        yield from look()
    except Exception as error:
        name = getattr(look, "__name__", "check").replace("_", " ")
        reason = (str(error).splitlines() or [""])[0]
        yield Finding(False, f"{name} failed ({type(error).__name__}: {reason})", INSTALL)
