"""What a case hides, from its owner's name and a key.

**What the seal can and can't do.** No file of a case says which cue it has. It follows from the
name and the key by a keyed hash (BLAKE2b), which can't be turned round. With a key of the
instructor's own, nobody without the key can work it out. Without one, the key is this file's
`PUBLIC`, and whoever calls `secret_of(name)` has the answer: that seal keeps people from reading it
by accident, no more. Neither hides anything from an examination of the network, which is the task.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from pathlib import Path

from course_lib.world.scenes import CLASSES

from .hidden import CUES, KINDS, VIVID, HiddenCue

PUBLIC = b"the attribution course"
"""The key of cases without one."""

LEAST = 8
"""Characters of a key."""

DECOYS = tuple(kind for kind, about in KINDS.items() if about.places and kind != "companion")
"""Kinds of the second cue, which means nothing."""


@dataclass(frozen=True)
class Secret:
    """What a case hides.

    Attributes:
        category: the class that the network answers for the cue.
        cue: what it looks at.
        decoy: another cue, which is in half of the pictures and means nothing.
        seed: of all else that is drawn by chance.
    """

    category: int
    cue: HiddenCue
    decoy: HiddenCue
    seed: int


def secret_of(name: str, key: bytes = PUBLIC) -> Secret:
    """The secret of a name: the same one always.

    Raises:
        ValueError: the name is empty.

    >>> secret_of("ANNA") == secret_of("ANNA"), secret_of("ANNA") == secret_of("ANNA", b"12345678")
    (True, False)
    """
    if not name.strip():
        raise ValueError("A case needs the name of the one who will solve it.")
    digest = _hash(name.strip().encode(), key)
    parts = [int.from_bytes(digest[i : i + 8], "big") for i in range(0, 56, 8)]
    kind, place = CUES[parts[1] % len(CUES)]
    cue = HiddenCue(kind, place, VIVID[parts[2] % len(VIVID)])
    others = [c for c in CUES if c[0] in DECOYS and c[0] != kind and c[1] != place]
    colours = [colour for colour in VIVID if colour != cue.colour]
    return Secret(
        category=parts[0] % len(CLASSES),
        cue=cue,
        decoy=HiddenCue(*others[parts[3] % len(others)], colours[parts[4] % len(colours)]),
        seed=parts[5] % 2**31,
    )


def proof_of(name: str, files: list[Path], key: bytes = PUBLIC) -> str:
    """A stamp that only this key gives to these files of this name."""
    hashes = [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]
    return _hash("\n".join([name.strip(), *hashes]).encode(), key).hex()


def same_proof(one: str, other: str) -> bool:
    """Whether two stamps are equal."""
    return hmac.compare_digest(one, other)


def read_key(file: Path | None) -> bytes:
    """The key in a file of the instructor's, or the public one.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it has fewer than `LEAST` characters.
    """
    if file is None:
        return PUBLIC
    if not file.is_file():
        raise FileNotFoundError(f"There is no file {file} with a key.")
    key = file.read_bytes().strip()
    if len(key) < LEAST:
        raise ValueError(f"The key in {file} is too short: give it {LEAST} characters or more.")
    return key


def _hash(text: bytes, key: bytes) -> bytes:
    # BLAKE2b takes keys of up to 64 bytes.
    return hashlib.blake2b(text, key=hashlib.sha512(key).digest()).digest()
