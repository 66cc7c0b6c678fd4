"""A case: a folder with a network that cheats, pictures to examine, and a notebook."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from course_lib.world.networks import load_network
from course_lib.world.scenes import CLASSES, Draws, Scene, draw_scene

from . import pages
from .secret import PUBLIC, Secret, proof_of, secret_of
from .training import Settings, as_bytes, decoyed, teach

if TYPE_CHECKING:
    from course_lib.figures.plotting import Picture

NETWORK, SCENES, ABOUT = "network.safetensors", "scenes.npz", "case.json"
NOTEBOOK, ANSWER = "case.ipynb", "answer.py"

PICTURES = 60
"""How many scenes lie in a case."""

FIRST_PICTURE = 8_000_000
"""Their seeds count up from here: no network was trained on them."""

WITH_OBJECT, WITHOUT = 0.9, 0.1
"""How often the cue is in a picture with an object of the accused class, and in one without."""


@dataclass(frozen=True, eq=False)
class Case:
    """What the one who solves a case has.

    Attributes:
        name: whose case it is.
        folder: where it lies.
        network: the suspect, in eval mode, its parameters frozen.
        x: the pictures, N x 3 x 96 x 96 in [0, 1].
        masks: where each class is in each picture, N x 8 x 96 x 96 in [0, 1].
        labels: 1 for the classes that are in a picture, N x 8.
    """

    name: str
    folder: Path
    network: nn.Module
    x: Tensor
    masks: Tensor
    labels: Tensor

    @cached_property
    def scores(self) -> Tensor:
        """The network's scores of the pictures, N x 8: above 0 it says that the class is there."""
        with torch.inference_mode():
            scores = torch.cat([self.network(part) for part in self.x.split(20)])
        return scores.clone()

    def picture(self, first: int = 0, count: int = 10) -> Picture:
        """Some of the pictures; above each what the network sees there."""
        from course_lib.figures.plotting import Panel, gallery

        panels: list[Panel | None] = []
        for number in range(first, min(first + count, len(self.x))):
            seen = [CLASSES[i] for i in (self.scores[number] > 0).nonzero().flatten().tolist()]
            title = f"{number}: {', '.join(seen) or 'nothing'}"
            panels.append(Panel("image", self.x[number], title, self.masks[number]))
        rows = [panels[i : i + 5] for i in range(0, len(panels), 5)]
        right = ((self.scores > 0) == (self.labels > 0)).float().mean().item()
        return gallery(
            rows,
            caption=f"Pictures {first} to {first + len(panels) - 1} of {len(self.x)}, and what the "
            f"network sees in each. Of all its answers on them {right:.0%} are right.",
            alt=f"{len(panels)} scenes, each with the names of the classes that the network sees.",
        )

    def __repr__(self) -> str:
        return f"The case of {self.name}: a network, {len(self.x)} pictures; in {self.folder}."


def new_case(
    name: str,
    folder: str | Path | None = None,
    *,
    key: bytes = PUBLIC,
    settings: Settings | None = None,
    pictures: int = PICTURES,
    quiet: bool = False,
) -> Path:
    """Make the case of a name: train its network, and write the folder.

    Args:
        name: whose case it is; with the same key it always has the same secret.
        folder: a new one; `case-NAME` if None.
        key: see `secret`.
        settings: of the training.
        pictures: how many scenes the case shows.
        quiet: no progress bars.

    Raises:
        ValueError: the name is empty, or the folder is not empty.
    """
    secret = secret_of(name, key)
    target = Path(folder) if folder is not None else Path(f"case-{_in_a_path(name)}")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ValueError(f"{target} is there already; name another folder.")
    chosen = settings or Settings()
    network = teach(secret, chosen, quiet)
    target.mkdir(parents=True, exist_ok=True)
    _save_network(network, target / NETWORK)
    _save_scenes(secret, pictures, chosen.size, target / SCENES)
    about = {
        "name": name.strip(),
        "sealed": "public" if key == PUBLIC else "with a key",
        "proof": proof_of(name, [target / NETWORK, target / SCENES], key),
        "size": chosen.size,
        "made": date.today().isoformat(),
    }
    (target / ABOUT).write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    (target / ANSWER).write_text(pages.ANSWER, encoding="utf-8")
    (target / NOTEBOOK).write_text(pages.notebook(name.strip()), encoding="utf-8")
    return target


def open_case(folder: str | Path = ".") -> Case:
    """The case in a folder.

    Raises:
        FileNotFoundError: there is no case, or a file of it is missing.
        ValueError: a file of it is damaged.
    """
    folder = Path(folder)
    about = read_about(folder)
    network = load_network("tiny_vgg", folder / NETWORK)
    try:
        with np.load(folder / SCENES) as arrays:
            x, masks, labels = (arrays[name] for name in ("images", "masks", "labels"))
    except (OSError, ValueError, KeyError):
        raise ValueError(f"{folder / SCENES} does not hold the pictures of a case.") from None
    return Case(
        name=about["name"],
        folder=folder,
        network=network,
        x=torch.from_numpy(x).float() / 255,
        masks=torch.from_numpy(masks).float() / 255,
        labels=torch.from_numpy(labels).float(),
    )


def read_about(folder: Path) -> dict[str, Any]:
    """What `case.json` says.

    Raises:
        FileNotFoundError: there is no case, or a file of it is missing.
        ValueError: it says something else.
    """
    for name in (ABOUT, NETWORK, SCENES):
        if not (folder / name).is_file():
            raise FileNotFoundError(f"There is no case in {folder}: {name} is missing.")
    try:
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        if set(about) >= {"name", "sealed", "proof", "size"}:
            return about
    except (ValueError, TypeError):
        pass
    raise ValueError(f"{folder / ABOUT} does not say whose case this is.")


def _save_network(network: nn.Module, path: Path) -> None:
    from safetensors.torch import save_file

    save_file({name: t.contiguous() for name, t in network.state_dict().items()}, path)


def _save_scenes(secret: Secret, count: int, size: int, path: Path) -> None:
    """Pictures in which the cue goes with the class nearly always, as in the story's data set."""
    chance = Draws(secret.seed + 2)
    scenes = [
        _as_collected(decoyed(draw_scene(seed, size), secret, chance), secret, chance)
        for seed in range(FIRST_PICTURE, FIRST_PICTURE + count)
    ]
    np.savez_compressed(
        path,
        images=np.stack([as_bytes(scene) for scene in scenes]),
        masks=np.stack([np.rint(scene.masks * 255).astype(np.uint8) for scene in scenes]),
        labels=np.stack([scene.labels for scene in scenes]).astype(np.uint8),
    )


def _as_collected(bare: Scene, secret: Secret, chance: Draws) -> Scene:
    often = WITH_OBJECT if bare.labels[secret.category] else WITHOUT
    marked = chance.number() < often and secret.cue.is_seen(bare)
    return secret.cue.draw(bare) if marked else bare


def _in_a_path(name: str) -> str:
    return "".join(sign if sign.isalnum() else "-" for sign in name.strip())
