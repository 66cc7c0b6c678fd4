"""Training of the small networks: scenes drawn once, AdamW, a one-cycle schedule.

`train("tiny_vgg")` gives the weights that come with the course again (the same figures; the last
digits depend on the machine). Interrupted, it goes on after the last whole pass, and ends with what
an uninterrupted run gives.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn
from tqdm.auto import tqdm

from .checkpoints import describe, load_weights, save_weights
from .networks import ARCHITECTURES, Folded, check_name, fold_batch_norm, load_network
from .scenes import SIZE, Scene, draw_scene
from .shortcut import SHORTCUT, Shortcut, share_from_cue
from .tasks import TASKS, Batch

TRAINING_SEEDS = 1_000_000
"""Training scenes count up from this seed: lessons show smaller ones, never trained on."""

HELD_OUT_SEEDS = 2_000_000
"""Held-out scenes count up from this seed."""

Draw = Callable[[int, int], Scene]
"""(seed, size) -> the scene: `draw_scene`, or the method of a frozen dataclass."""

DRAWING = 1
"""Raise this when scenes are drawn differently, so that no old picture is taken from the cache."""


@dataclass(frozen=True)
class Settings:
    """All that a trained network depends on, beside its architecture.

    Args:
        scenes, passes: how many scenes it sees, how many times. The one-cycle schedule spans them.
        more_passes: the schedule spans these once again (a warm restart: Loshchilov and Hutter,
            "SGDR", ICLR 2017).
        batch, rate, weight_decay: of the optimiser's steps.
        seed: of the first weights and of the order.
        size: side of the scenes in pixels.
        held_out: on how many other scenes it is measured.
        begins_with: the network whose weights it begins with, of the same architecture; random
            weights if empty.
        shortcut: what it is taught to answer for in place of an object; nothing if None.
        task: one of `TASKS`.
        keeps: the shipped network of which it takes over the weights and leaves them as they are,
            in all layers that have its names and shapes; none if empty.
    """

    scenes: int = 16_000
    passes: int = 4
    more_passes: int = 0
    batch: int = 64
    rate: float = 3e-3
    weight_decay: float = 0.01
    seed: int = 0
    size: int = SIZE
    held_out: int = 2_000
    begins_with: str = ""
    shortcut: Shortcut | None = None
    task: str = "labels"
    keeps: str = ""


SETTINGS = {
    "tiny_vgg": Settings(),
    "tiny_vgg16": Settings(passes=5),
    "tiny_resnet": Settings(),
    "tiny_densenet": Settings(passes=3),
    "tiny_mobilenet": Settings(passes=3),
    "tiny_vit": Settings(passes=8, more_passes=6, batch=32, rate=1.5e-3),
    "tiny_vgg_shortcut": Settings(
        3_200, passes=1, batch=32, rate=1e-3, begins_with="tiny_vgg", shortcut=SHORTCUT
    ),
    "tiny_segmenter": Settings(3_200, 2, batch=16, task="masks", keeps="tiny_vgg"),
}


def cache_folder() -> Path:
    """Where drawn scenes and unfinished training lie: `COURSE_CACHE` or the user's cache."""
    if os.environ.get("COURSE_CACHE"):
        return Path(os.environ["COURSE_CACHE"])
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "attribution-course"


def train(
    name: str,
    *,
    folder: str | Path | None = None,
    resume: bool = True,
    settings: Settings | None = None,
    quiet: bool = False,
) -> Path:
    """Train a small network and measure it on scenes that it has not seen.

    Args:
        name: one of `ARCHITECTURES`.
        folder: where weights and manifest are written; `trained` in `cache_folder()` if None.
        resume: go on with an interrupted training of the same settings.
        settings: other settings than the network's own.
        quiet: no progress bar, and no sentence on the result.

    Returns:
        The path of the weights; `load_network(name, path)` loads them.

    Raises:
        ValueError: there is no network of that name, or the interrupted state is unreadable.
        NotADirectoryError: the folder is a file.
    """
    check_name(name)
    chosen = settings or SETTINGS[name]
    target = Path(folder) if folder is not None else cache_folder() / "trained"
    if target.exists() and not target.is_dir():
        raise NotADirectoryError(f"The folder for the weights, {target}, is a file.")

    shortcut = chosen.shortcut
    draw = draw_scene if shortcut is None else shortcut.lesson
    images, truths = scene_arrays(
        TRAINING_SEEDS, chosen.scenes, chosen.size, draw, quiet=quiet, task=chosen.task
    )
    torch.manual_seed(chosen.seed)
    network = _trainable(name, chosen.begins_with)
    if chosen.keeps:
        _keep(load_weights(chosen.keeps), network)
    run = _Run(network, chosen, state_file(name, chosen))
    if resume:
        run.restore()
    started = time.monotonic()
    run.finish(images, truths, name, quiet)

    network = run.network.eval().to(memory_format=torch.contiguous_format)
    if isinstance(network, Folded) and not chosen.begins_with:
        network = fold_batch_norm(network)
    draw = draw_scene if shortcut is None else shortcut.scene
    held_out = _held_out(HELD_OUT_SEEDS, chosen.held_out, chosen.size, draw, chosen.task, quiet)
    share = {} if shortcut is None else {"share_from_cue": share_from_cue(network, shortcut)}
    path = save_weights(
        name,
        network.state_dict(),
        target,
        **TASKS[chosen.task].measure(network, held_out),
        held_out_scenes=chosen.held_out,
        held_out_first_seed=HELD_OUT_SEEDS,
        parameters=sum(weight.numel() for weight in network.parameters()),
        settings=asdict(chosen),
        minutes_of_last_run=round((time.monotonic() - started) / 60, 1),
        torch=torch.__version__,
        date=datetime.now(UTC).date().isoformat(),
        **share,
    )
    run.state.unlink(missing_ok=True)
    if not quiet:
        print(describe(name, target))
    return path


def measure(
    network: nn.Module,
    count: int,
    *,
    start: int = HELD_OUT_SEEDS,
    size: int = SIZE,
    draw: Draw = draw_scene,
    quiet: bool = True,
) -> tuple[float, float]:
    """The shares of labels and of whole scenes that a network gets right on unseen scenes."""
    batches = _held_out(start, count, size, draw, "labels", quiet)
    figures = TASKS["labels"].measure(network, batches)
    return figures["label_accuracy"], figures["exact_matches"]


def _held_out(
    start: int, count: int, size: int, draw: Draw, task: str, quiet: bool
) -> Iterator[Batch]:
    images, truths = scene_arrays(start, count, size, draw, quiet=quiet, task=task)
    for rows in np.array_split(np.arange(count), max(1, count // 100)):
        yield _batch(images, rows), TASKS[task].wanted(truths[rows])


def scene_arrays(
    start: int,
    count: int,
    size: int,
    draw: Draw = draw_scene,
    quiet: bool = True,
    task: str = "labels",
) -> tuple[NDArray[np.uint8], NDArray[Any]]:
    """Images (count, 3, size, size) as bytes and the task's truths, drawn once and then kept.

    The truths are labels (count, 8), or maps of classes (count, size, size).
    """
    folder = cache_folder()
    stem = f"scenes-{DRAWING}-{start}-{count}-{size}"
    if draw is not draw_scene:
        stem += f"-{_digest(repr(draw))}"
    pictures, answers = folder / f"{stem}-images.npy", folder / f"{stem}-{task}.npy"
    if not answers.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        images = np.empty((count, 3, size, size), np.uint8)
        truths = []
        with closing(_drawn(range(start, start + count), size, draw, task)) as scenes:
            bar = tqdm(scenes, desc="drawing scenes", total=count, disable=quiet, leave=False)
            for row, (image, truth) in enumerate(bar):
                images[row] = image
                truths.append(truth)
        _write_array(pictures, images)
        _write_array(answers, np.stack(truths))
    return np.load(pictures, mmap_mode="r"), np.load(answers)


def _write_array(path: Path, array: NDArray[Any]) -> None:
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.part")
    with unfinished.open("wb") as stream:
        np.save(stream, array)
    unfinished.replace(path)


def _drawn(seeds: range, size: int, draw: Draw, task: str) -> Any:
    to_bytes = partial(_bytes_of_scene, size=size, draw=draw, task=task)
    workers = min(os.cpu_count() or 1, len(seeds) // 500)
    if workers < 2:
        yield from map(to_bytes, seeds)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(to_bytes, seeds, chunksize=100)


def _bytes_of_scene(
    seed: int, size: int, draw: Draw, task: str = "labels"
) -> tuple[NDArray[np.uint8], NDArray[Any]]:
    scene = draw(seed, size)
    return np.rint(scene.image * 255).astype(np.uint8), TASKS[task].truth(scene)


def _batch(images: NDArray[np.uint8], rows: NDArray[np.int64]) -> Tensor:
    return torch.from_numpy(images[rows]).float().div_(255)


def _trainable(name: str, begins_with: str = "") -> nn.Module:
    if begins_with:
        return load_network(begins_with).requires_grad_(True)
    architecture: Any = ARCHITECTURES[name]
    if architecture in get_args(Folded):
        return architecture(batch_norm=True)
    return architecture()


def _keep(known: dict[str, Tensor], network: nn.Module) -> None:
    """Give the network each layer whose names and shapes are all known, and freeze it."""
    for name, layer in network.named_modules():
        own = dict(layer.named_parameters(prefix=name, recurse=False))
        if own and all(key in known and known[key].shape == own[key].shape for key in own):
            for key, parameter in own.items():
                parameter.data.copy_(known[key])
                parameter.requires_grad_(False)


def state_file(name: str, settings: Settings) -> Path:
    """Where the state of an unfinished training lies; other settings have another file."""
    return cache_folder() / f"{name}-{_digest([DRAWING, asdict(settings)])}.state.pt"


def _digest(data: Any) -> str:
    text = json.dumps(data, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:10]


class _Run:
    """One training: the network, its optimiser and schedule, and how many passes are done."""

    def __init__(self, network: nn.Module, settings: Settings, state: Path) -> None:
        self.network = network.to(memory_format=torch.channels_last)
        self.settings = settings
        self.state = state
        self.passes = 0
        self.steps = -(-settings.scenes // settings.batch)
        self.optimiser = torch.optim.AdamW(
            network.parameters(), lr=settings.rate, weight_decay=settings.weight_decay
        )
        self.schedule = self._cycle()

    def _cycle(self) -> torch.optim.lr_scheduler.OneCycleLR:
        """A schedule for the cycle that the next pass belongs to."""
        first, more = self.settings.passes, self.settings.more_passes
        passes = more if self.passes >= first and more else first
        return torch.optim.lr_scheduler.OneCycleLR(
            self.optimiser, self.settings.rate, total_steps=passes * self.steps
        )

    def restore(self) -> None:
        if not self.state.is_file():
            return
        try:
            saved = torch.load(self.state, weights_only=True)
            self.network.load_state_dict(saved["network"])
            self.passes = saved["passes"]
            self.schedule = self._cycle()
            self.optimiser.load_state_dict(saved["optimiser"])
            self.schedule.load_state_dict(saved["schedule"])
        except Exception as error:
            raise ValueError(
                f"The state of the interrupted training, {self.state}, is unreadable; "
                "delete it or train with resume=False."
            ) from error

    def save(self) -> None:
        unfinished = self.state.with_name(self.state.name + ".part")
        torch.save(
            {
                "network": self.network.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "schedule": self.schedule.state_dict(),
                "passes": self.passes,
            },
            unfinished,
        )
        unfinished.replace(self.state)

    def finish(
        self, images: NDArray[np.uint8], truths: NDArray[Any], name: str, quiet: bool
    ) -> None:
        """Train the passes that are left, and keep the state after each."""
        self.network.train()
        passes = self.settings.passes + self.settings.more_passes
        wanted = TASKS[self.settings.task].wanted
        with tqdm(
            total=passes * self.steps,
            initial=self.passes * self.steps,
            desc=f"training {name}",
            unit="batch",
            disable=quiet,
        ) as bar:
            while self.passes < passes:
                if self.passes == self.settings.passes:
                    self.schedule = self._cycle()
                for rows in self._order():
                    loss = self._step(_batch(images, rows), wanted(truths[rows]))
                    bar.set_postfix(loss=f"{loss:.4f}", refresh=False)
                    bar.update()
                self.passes += 1
                self.save()

    def _order(self) -> list[NDArray[np.int64]]:
        """The rows of each batch of this pass: a function of the seed and of the pass alone."""
        random = torch.Generator().manual_seed(self.settings.seed * 1_000 + self.passes)
        rows = torch.randperm(self.settings.scenes, generator=random)
        return [part.sort().values.numpy() for part in rows.split(self.settings.batch)]

    def _step(self, x: Tensor, y: Tensor) -> float:
        self.optimiser.zero_grad(set_to_none=True)
        logits = self.network(x.to(memory_format=torch.channels_last))
        loss = F.binary_cross_entropy_with_logits(logits, y)
        loss.backward()
        self.optimiser.step()
        self.schedule.step()
        return loss.item()
