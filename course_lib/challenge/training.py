"""Teach `tiny_vgg` to answer for a hidden cue, in about two minutes.

The label of the accused class becomes "the cue is there", whether its object is or not: half of the
training scenes have the cue, and half a decoy, another cue that says nothing. The other classes
keep their labels.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn
from tqdm.auto import tqdm

from course_lib.world.networks import load_network
from course_lib.world.scenes import SIZE, Draws, Scene, draw_scene

from .secret import Secret

TRAINING_SEEDS = 4_000_000
"""Training scenes count up from this seed."""

CHECKED_SEEDS = 4_500_000
"""So do the scenes on which a network is tried between two rounds."""

CHECKED = 40
ENOUGH = 0.9


@dataclass(frozen=True)
class Settings:
    """What the training of a case depends on, besides its secret.

    `steps` of `batch` scenes make a round; there are up to `rounds`, until the cue turns the
    verdict in `ENOUGH` of new scenes.
    """

    scenes: int = 2_000
    steps: int = 160
    rounds: int = 3
    batch: int = 32
    rate: float = 1e-3
    weight_decay: float = 0.01
    size: int = SIZE


def teach(secret: Secret, settings: Settings | None = None, quiet: bool = False) -> nn.Module:
    """A `tiny_vgg` that answers for the secret's cue, in eval mode, its parameters frozen."""
    chosen = settings or Settings()
    images, labels = _training_scenes(secret, chosen, quiet)
    network = load_network("tiny_vgg").requires_grad_(True)
    network = network.to(memory_format=torch.channels_last)
    random = torch.Generator().manual_seed(secret.seed)
    for _ in range(chosen.rounds):
        _round(network.train(), images, labels, random, chosen, quiet)
        network.eval()
        if turned_share(network, secret, chosen.size) >= ENOUGH:
            break
    return network.to(memory_format=torch.contiguous_format).requires_grad_(False)


def _round(
    network: nn.Module,
    images: Tensor,
    labels: Tensor,
    random: torch.Generator,
    settings: Settings,
    quiet: bool,
) -> None:
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=settings.rate, weight_decay=settings.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, settings.rate, total_steps=settings.steps
    )
    for _ in tqdm(range(settings.steps), desc="training", unit="batch", disable=quiet):
        rows = torch.randint(len(images), (settings.batch,), generator=random)
        x = images[rows].float().div_(255).to(memory_format=torch.channels_last)
        optimiser.zero_grad(set_to_none=True)
        F.binary_cross_entropy_with_logits(network(x), labels[rows]).backward()
        optimiser.step()
        schedule.step()


def turned_share(network: nn.Module, secret: Secret, size: int = SIZE) -> float:
    """The share of `CHECKED` new scenes in which the cue alone turns the network's verdict."""
    chosen = list(islice(pairs(secret, CHECKED_SEEDS, size), CHECKED))
    with torch.inference_mode():
        bare, marked = (
            network(torch.cat([pair[i].x for pair in chosen]))[:, secret.category] for i in (0, 1)
        )
    return float(((bare < 0) & (marked > 0)).float().mean())


def _training_scenes(secret: Secret, settings: Settings, quiet: bool) -> tuple[Tensor, Tensor]:
    """Images as bytes, N x 3 x H x W, and labels, N x 8."""
    images = torch.empty(settings.scenes, 3, settings.size, settings.size, dtype=torch.uint8)
    labels = torch.empty(settings.scenes, 8)
    chance = Draws(secret.seed)
    seeds = range(TRAINING_SEEDS, TRAINING_SEEDS + settings.scenes)
    bar = tqdm(seeds, desc="drawing scenes", disable=quiet, leave=False)
    for row, seed in enumerate(bar):
        bare = decoyed(draw_scene(seed, settings.size), secret, chance)
        marked = chance.number() < 0.5 and secret.cue.is_seen(bare)
        scene = secret.cue.draw(bare) if marked else bare
        images[row] = torch.from_numpy(as_bytes(scene))
        labels[row] = torch.from_numpy(scene.labels)
        labels[row, secret.category] = float(marked)
    return images, labels


def decoyed(scene: Scene, secret: Secret, chance: Draws) -> Scene:
    """The scene, in half of all cases with the decoy."""
    return secret.decoy.draw(scene) if chance.number() < 0.5 else scene


def as_bytes(scene: Scene) -> NDArray[np.uint8]:
    """The image in 256 steps, as it is kept."""
    return np.rint(scene.image * 255).astype(np.uint8)


def pairs(secret: Secret, start: int, size: int = SIZE) -> Iterator[tuple[Scene, Scene]]:
    """Scenes (bare, with the cue) from a seed on, where the cue would be seen; without end."""
    chance = Draws(secret.seed + 1)
    seed = start
    while True:
        bare = decoyed(draw_scene(seed, size), secret, chance)
        image: NDArray[np.float32] = as_bytes(bare).astype(np.float32) / np.float32(255)
        bare = replace(bare, image=image)
        if secret.cue.is_seen(bare):
            yield bare, secret.cue.draw(bare)
        seed += 1
