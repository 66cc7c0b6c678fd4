"""Judge an answer by the hidden cue, and by its counterfactual on scenes that nobody has seen."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from course_lib.attribution.inputs.checks import shape_text
from course_lib.benchmark.results.own_command import load_module
from course_lib.exercises.engine import isolation
from course_lib.exercises.engine.card import Block, Card
from course_lib.exercises.engine.stubs import is_stub
from course_lib.world.networks import load_network
from course_lib.world.scenes import CLASSES, Scene

from .case import ANSWER, NETWORK, SCENES, read_about
from .hidden import ANSWERS, KINDS
from .secret import PUBLIC, Secret, proof_of, same_proof, secret_of
from .training import pairs

HELD_OUT = 9_000_000
"""Scenes to judge by count up from this seed."""

JUDGED = 30
"""How many of them."""

SECONDS = 60.0
"""So long a counterfactual may take for all of them."""

UNTOUCHED = 0.02
"""So much a pixel may change and still count as the same: five steps of 256."""

COVERED = 0.1
"""The cue is where it takes more than so much of a pixel."""

POINTS = {"accused": 2, "kind": 2, "place": 2, "counterfactual": 4}

Counterfactual = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Counted:
    """What a counterfactual did to held-out scenes in which the cue turns the verdict.

    Attributes:
        scenes: how many there are.
        turned: in how many the verdict turned.
        untouched: in how many no object's pixel changed.
        nearer: in how many it came nearer to the scene as it is without the cue, in the mean of
            all pixels. Noise that fools the network does not.
        convincing: in how many all three.
        before, after, bare: the mean score with the cue, after the counterfactual, and of the
            scenes as they are without the cue.
        overlap: of the pixels that changed and those of the cue, the share that is both (mean).
    """

    scenes: int
    turned: int
    untouched: int
    nearer: int
    convincing: int
    before: float
    after: float
    bare: float
    overlap: float


@dataclass(frozen=True)
class Judgement:
    """What an answer is worth; a notebook shows it as a card.

    Attributes:
        name: whose case it is.
        accused, kind, place: whether each is right; None if it was not answered.
        counted: what the counterfactual did; None without one.
        complaint: why there is no `counted`, in one sentence; "" if there is.
    """

    name: str
    accused: bool | None
    kind: bool | None
    place: bool | None
    counted: Counted | None
    complaint: str = ""

    @property
    def points(self) -> int:
        """Of `most`: for each of the three words, and by the share of convincing scenes."""
        words = sum(POINTS[name] for name in ("accused", "kind", "place") if getattr(self, name))
        if self.counted is None:
            return words
        share = self.counted.convincing / self.counted.scenes
        return words + round(POINTS["counterfactual"] * share)

    @property
    def most(self) -> int:
        """All points there are."""
        return sum(POINTS.values())

    @property
    def card(self) -> Card:
        """The judgement as a card of the course."""
        solved = self.points == self.most
        return Card(
            tone="right" if solved else "answer",
            word="solved" if solved else f"{self.points} of {self.most} points",
            title=f"the case of {self.name}",
            blocks=tuple(Block(line) for line in self.lines()),
        )

    def lines(self) -> list[str]:
        """What is said of each part."""
        verdicts = {True: "right", False: "wrong", None: "not answered"}
        words = [
            f"{name}: {verdicts[getattr(self, name)]}" for name in ("accused", "kind", "place")
        ]
        return [", ".join(words) + ".", *self._of_the_counterfactual()]

    def _of_the_counterfactual(self) -> list[str]:
        found = self.counted
        if found is None:
            return [f"counterfactual: {self.complaint}"]
        return [
            f"counterfactual: it convinces in {found.convincing} of {found.scenes} new scenes. The "
            f"verdict turns in {found.turned}, the objects are untouched in {found.untouched}, and "
            f"in {found.nearer} it comes nearer to the scene without the cue.",
            f"The mean score is {found.before:.1f} with the cue, {found.after:.1f} after your "
            f"counterfactual, {found.bare:.1f} in the scenes without the cue. Of what you change "
            f"and what the cue covers, {found.overlap:.0%} is both.",
        ]

    def __str__(self) -> str:
        return str(self.card)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return self.card.html()


def judge(folder: str | Path = ".", *, key: bytes = PUBLIC, scenes: int = JUDGED) -> Judgement:
    """Judge `answer.py` in the folder of a case. It says what is right, never what would be.

    The code of `answer.py` runs in this process, with all that its author may do here.

    Args:
        folder: of the case.
        key: the one that the case was made with.
        scenes: how many new scenes the counterfactual is tried on.

    Raises:
        FileNotFoundError: there is no case, or no answer.
        ValueError: the case has another key or was changed; or the answer holds a word that is
            none of those asked for, or stops with an error.
    """
    folder = Path(folder)
    about = read_about(folder)
    _check_seal(folder, about, key)
    secret = secret_of(about["name"], key)
    answer = load_module(folder / ANSWER)
    counted, complaint = None, ""
    try:
        counted = try_counterfactual(
            load_network("tiny_vgg", folder / NETWORK),
            _function(answer),
            secret,
            scenes,
            about["size"],
        )
    except CannotCount as error:
        complaint = str(error)
    return Judgement(
        name=about["name"],
        accused=_compare(answer, "accused", CLASSES, CLASSES[secret.category]),
        kind=_compare(answer, "kind", tuple(KINDS), secret.cue.kind),
        place=_compare(answer, "place", ANSWERS, secret.cue.where),
        counted=counted,
        complaint=complaint,
    )


def write_points(judgements: Iterable[Judgement], path: Path) -> None:
    """Write a table of judgements: name, points, what is right, how many scenes convince."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["name", "points", *POINTS, "of scenes"])
        for each in judgements:
            counted = (0, 0) if each.counted is None else _share(each.counted)
            writer.writerow([each.name, each.points, each.accused, each.kind, each.place, *counted])


def _share(counted: Counted) -> tuple[int, int]:
    return counted.convincing, counted.scenes


class CannotCount(ValueError):
    """A counterfactual that gives nothing to count; the message is one plain sentence."""


def try_counterfactual(
    network: nn.Module, function: Counterfactual, secret: Secret, scenes: int, size: int
) -> Counted:
    """Try a counterfactual on the first held-out scenes in which the cue turns the verdict.

    Raises:
        CannotCount: it stops with an error, or gives no scene.
    """
    tried = list(islice(_turning(network, secret, size), scenes))
    if not tried:
        raise CannotCount("the network of this case does not answer for its cue; make another.")
    rows = []
    with isolation.isolated(secret.seed), isolation.captured():
        try:
            with isolation.time_limit(SECONDS):
                changed = [_change(function, marked) for _, marked in tried]
        except isolation.TimeUp:
            raise CannotCount(f"it ran for more than {SECONDS:g} seconds.") from None
    for (bare, marked), after in zip(tried, changed, strict=True):
        difference = (after - marked.x).abs()
        objects = torch.from_numpy(marked.masks.sum(0)) >= 0.5
        cue = torch.from_numpy(secret.cue.cover(bare)) > COVERED
        moved = difference.amax(1)[0] > UNTOUCHED
        rows.append(
            (
                _score(network, marked.x, secret),
                _score(network, after, secret),
                _score(network, bare.x, secret),
                not bool((moved & objects).any()),
                bool((after - bare.x).abs().mean() < (marked.x - bare.x).abs().mean()),
                int((moved & cue).sum()) / max(1, int((moved | cue).sum())),
            )
        )
    return Counted(
        scenes=len(rows),
        turned=sum(after < 0 for _, after, *_ in rows),
        untouched=sum(row[3] for row in rows),
        nearer=sum(row[4] for row in rows),
        convincing=sum(row[1] < 0 and row[3] and row[4] for row in rows),
        before=_mean([row[0] for row in rows]),
        after=_mean([row[1] for row in rows]),
        bare=_mean([row[2] for row in rows]),
        overlap=_mean([row[5] for row in rows]),
    )


def _turning(network: nn.Module, secret: Secret, size: int) -> Any:
    """Pairs of scenes, bare and with the cue, of which the network accuses the second alone."""
    for bare, marked in islice(pairs(secret, HELD_OUT, size), 10 * JUDGED):
        if _score(network, bare.x, secret) < 0 < _score(network, marked.x, secret):
            yield bare, marked


def _score(network: nn.Module, x: Tensor, secret: Secret) -> float:
    with torch.inference_mode():
        return float(network(x)[0, secret.category])


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _change(function: Counterfactual, scene: Scene) -> Tensor:
    x = scene.x
    try:
        found = function(x.clone(), torch.from_numpy(scene.masks.copy()))
    except Exception as error:
        raise CannotCount(f"it stops with {type(error).__name__}: {error}") from error
    if not isinstance(found, Tensor):
        raise CannotCount(f"it gives a {type(found).__name__}, not a scene as a torch.Tensor.")
    if found.shape != x.shape:
        raise CannotCount(f"it gives the shape {shape_text(found)}, not {shape_text(x)}.")
    found = found.detach().to(x)
    if not bool(found.isfinite().all()) or found.min() < -1e-4 or found.max() > 1 + 1e-4:
        raise CannotCount("it gives a scene with values that are not from 0 to 1.")
    return found.clamp(0, 1)


def _function(answer: ModuleType) -> Counterfactual:
    function = getattr(answer, "counterfactual", None)
    if function is None or is_stub(function):
        raise CannotCount("not answered.")
    if not callable(function):
        raise CannotCount("it is no function (x, masks) -> changed scene.")
    return function


def _compare(answer: ModuleType, name: str, choices: tuple[str, ...], truth: str) -> bool | None:
    """Whether the word is right; None where there is none.

    Raises:
        ValueError: it is none of the words.
    """
    given = getattr(answer, name, None)
    if given is None:
        return None
    if given not in choices:
        near = get_close_matches(str(given), choices)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(choices)}."
        raise ValueError(f"{name} = {given!r} is none of the answers; {hint}")
    return given == truth


def _check_seal(folder: Path, about: dict[str, Any], key: bytes) -> None:
    proof = proof_of(about["name"], [folder / NETWORK, folder / SCENES], key)
    if same_proof(proof, str(about["proof"])):
        return
    if about["sealed"] != "public" and key == PUBLIC:
        raise ValueError(f"The case in {folder} was made with a key; judge it with --key FILE.")
    raise ValueError(
        f"The case in {folder} was made with another key, or its files are not what they were."
    )
