"""Trained weights: a safetensors file per network, and beside it a JSON manifest.

The manifest carries the file's SHA-256, so that a damaged or exchanged file is noticed before it is
used.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from torch import Tensor

FIGURES = {"label_accuracy": "of labels right", "mean_iou": "mean IoU of masks"}
"""The figure that a network is judged by, of which its manifest has one, and what to call it."""

FOLDER = Path(__file__).parent / "checkpoints"
"""Where the weights that come with the course lie."""


def weights_file(name: str, folder: Path | None = None) -> Path:
    """Where the weights of a network lie."""
    return (folder or FOLDER) / f"{name}.safetensors"


def manifest_file(name: str, folder: Path | None = None) -> Path:
    """Where the manifest of a network lies."""
    return (folder or FOLDER) / f"{name}.json"


def sha256(path: Path) -> str:
    """The SHA-256 of a file, as 64 hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_manifest(name: str, folder: Path | None = None) -> dict[str, Any]:
    """What the manifest of a network says: `sha256`, one of `FIGURES`, `settings` and more.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is no manifest.
    """
    path = manifest_file(name, folder)
    if not path.is_file():
        raise FileNotFoundError(f"The manifest {path} is not there; reinstall the course.")
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        if {"name", "sha256", "held_out_scenes"} <= set(manifest) and FIGURES.keys() & manifest:
            return manifest
    except (ValueError, TypeError):
        pass
    raise ValueError(f"{path} is not a manifest of weights; reinstall the course.")


def load_weights(name: str, weights: str | Path | None = None) -> dict[str, Tensor]:
    """The weights of a network by layer, from a file of your own or the shipped one (None).

    Raises:
        FileNotFoundError: the file is not there.
        ValueError: the shipped file's SHA-256 is not the manifest's, or the file holds no weights.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = weights_file(name) if weights is None else Path(weights)
    if not path.is_file():
        hint = "reinstall the course" if weights is None else "give the path of a safetensors file"
        raise FileNotFoundError(f"The weights {path} are not there; {hint}.")
    if weights is None:
        expected, found = read_manifest(name)["sha256"], sha256(path)
        if expected != found:
            raise ValueError(
                f"The weights {path} are damaged: SHA-256 {expected} was expected, {found} found; "
                "reinstall the course."
            )
    try:
        return load_file(path)
    except SafetensorError:
        raise ValueError(f"{path} is not a safetensors file of weights.") from None


def save_weights(name: str, state: dict[str, Tensor], folder: Path, **facts: Any) -> Path:
    """Write weights and manifest, each whole or not at all, and return where the weights lie."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    path, manifest = weights_file(name, folder), manifest_file(name, folder)
    unfinished = path.with_name(path.name + ".part")
    save_file({key: value.contiguous() for key, value in state.items()}, unfinished)
    # safetensors writes for the owner alone, which would hide shipped weights from other users.
    unfinished.chmod(0o644)
    text = json.dumps({"name": name, "sha256": sha256(unfinished), **facts}, indent=2) + "\n"
    unfinished_manifest = manifest.with_name(manifest.name + ".part")
    unfinished_manifest.write_text(text, encoding="utf-8")
    unfinished.replace(path)
    unfinished_manifest.replace(manifest)
    return path


def describe(name: str, folder: Path | None = None) -> str:
    """One sentence on how good a trained network is and on how many scenes that was measured."""
    manifest = read_manifest(name, folder)
    figure, words = next((manifest[key], FIGURES[key]) for key in FIGURES if key in manifest)
    return (
        f"{name}: SHA-256 {manifest['sha256'][:12]}…, {figure:.2%} {words} on "
        f"{manifest['held_out_scenes']} held-out scenes."
    )
