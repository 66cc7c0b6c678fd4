"""Making a case, opening it, and judging answers to it."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable
from itertools import count, islice
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from course_lib import cli
from course_lib.challenge import judge, new_case, open_case, training
from course_lib.challenge.case import ABOUT, ANSWER, NETWORK, NOTEBOOK
from course_lib.challenge.hidden import KINDS, HiddenCue
from course_lib.challenge.judging import CannotCount, Counted, try_counterfactual
from course_lib.challenge.secret import Secret, secret_of
from course_lib.challenge.training import Settings, pairs, teach, turned_share
from course_lib.world.cues import COLOURS
from course_lib.world.networks import load_network
from course_lib.world.scenes import CLASSES, draw_scene

SIZE = 48
KEY = b"the key of the tests"
CUE = HiddenCue("mark", "upper left", "red")
SECRET = Secret(3, CUE, HiddenCue("edge", "lower middle", "blue"), seed=5)
WHERE = torch.from_numpy(KINDS["mark"].cover(draw_scene(0, SIZE), "upper left")) > 0.5


class AnswersForTheMark(nn.Module):
    """Says the class of `SECRET` where enough of the corner is nearly red."""

    def forward(self, x: Tensor) -> Tensor:
        red = torch.tensor(COLOURS["red"])[:, None]
        near = (x[:, :, WHERE] - red).abs().amax(1) < 0.15
        scores = torch.full((len(x), 8), -1.0)
        scores[:, SECRET.category] = near.float().mean(1) - 0.3
        return scores


class NeverSure(nn.Module):
    """Says no class, whatever it sees."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.full((len(x), 8), -1.0)


def tried(function: Callable[[Tensor, Tensor], Any], scenes: int = 8) -> Counted:
    return try_counterfactual(AnswersForTheMark(), function, SECRET, scenes, SIZE)


def without_the_mark(x: Tensor, masks: Tensor) -> Tensor:
    fill = x[0].flatten(1).median(1).values[:, None, None]
    return torch.where(WHERE & (masks.sum(0) < 0.02), fill, x)


def test_taking_the_mark_out_convinces() -> None:
    found = tried(without_the_mark)
    assert found.scenes == found.turned == found.untouched == found.nearer == found.convincing == 8
    assert found.overlap > 0.6
    assert found.after < 0 < found.before


def test_what_changes_nothing_turns_nothing() -> None:
    found = tried(lambda x, masks: x)
    assert (found.turned, found.convincing) == (0, 0)
    assert (found.untouched, found.overlap) == (8, 0)


def test_who_touches_an_object_does_not_convince() -> None:
    def careless(x: Tensor, masks: Tensor) -> Tensor:
        return torch.where(masks.sum(0) > 0.9, 0.0, without_the_mark(x, masks))

    found = tried(careless)
    assert (found.turned, found.untouched, found.convincing) == (8, 0, 0)


def test_noise_that_fools_the_network_does_not_convince() -> None:
    def noise(x: Tensor, masks: Tensor) -> Tensor:
        shift = 0.16 * (2 * torch.rand(x.shape).round() - 1)
        return torch.where(masks.sum(0) > 0, x, (x + shift).clamp(0, 1))

    found = tried(noise)
    assert found.turned > 0
    assert (found.nearer, found.convincing) == (0, 0)


def test_a_network_that_does_not_cheat_gives_nothing_to_count() -> None:
    with pytest.raises(CannotCount, match="does not answer for its cue; make another"):
        try_counterfactual(NeverSure(), without_the_mark, SECRET, 1, SIZE)


def _stops(x: Tensor, masks: Tensor) -> Tensor:
    return x / 0 + x[9]


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (_stops, "it stops with IndexError: index 9 is out of bounds"),
        (lambda x, masks: None, "it gives a NoneType, not a scene as a torch.Tensor"),
        (lambda x, masks: x[0], "it gives the shape 3 x 48 x 48, not 1 x 3 x 48 x 48"),
        (lambda x, masks: x + 1, "values that are not from 0 to 1"),
        (lambda x, masks: x * float("nan"), "values that are not from 0 to 1"),
    ],
)
def test_what_is_no_scene_is_one_sentence(function: Any, sentence: str) -> None:
    with pytest.raises(CannotCount, match=sentence):
        tried(function, scenes=1)


def test_the_held_out_pairs_differ_by_the_cue_alone() -> None:
    for bare, marked in islice(pairs(SECRET, 100, SIZE), 5):
        changed = (bare.image != marked.image).any(0)
        assert changed.any()
        assert not changed[CUE.cover(bare) == 0].any()


@pytest.fixture(scope="module")
def name() -> str:
    """Of one whose case has a mark."""
    return next(n for n in map(str, count()) if secret_of(n, KEY).cue.kind == "mark")


@pytest.fixture(scope="module")
def case(name: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small case, of few and small scenes."""
    settings = Settings(scenes=160, steps=100, batch=16, rounds=1, size=SIZE)
    folder = tmp_path_factory.mktemp("cases") / "case"
    return new_case(name, folder, key=KEY, settings=settings, pictures=6, quiet=True)


def test_training_makes_it_answer_for_the_cue(case: Path, name: str) -> None:
    secret = secret_of(name, KEY)
    assert turned_share(load_network("tiny_vgg", case / NETWORK), secret, SIZE) > 0.5
    assert turned_share(load_network("tiny_vgg"), secret, SIZE) < 0.2


def test_training_goes_on_until_the_cue_is_enough(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shares = [0.5, 0.95, 1.0]
    rounds: list[int] = []
    monkeypatch.setattr(training, "_round", lambda *_: rounds.append(len(rounds)))
    monkeypatch.setattr(training, "turned_share", lambda *_: shares[len(rounds) - 1])
    teach(secret_of(name, KEY), Settings(scenes=2, size=32), quiet=True)
    assert rounds == [0, 1]


def test_training_is_the_same_twice(name: str) -> None:
    settings = Settings(scenes=8, steps=2, batch=4, rounds=1, size=32)
    first, second = (teach(secret_of(name, KEY), settings, quiet=True) for _ in range(2))
    for one, other in zip(first.parameters(), second.parameters(), strict=True):
        torch.testing.assert_close(one, other)
    assert not first.training


def test_a_case_holds_what_it_takes(case: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = open_case(case)
    assert opened.x.shape == (6, 3, SIZE, SIZE)
    assert opened.masks.shape == (6, 8, SIZE, SIZE)
    assert opened.labels.shape == opened.scores.shape == (6, 8)
    assert opened.picture().png.startswith(b"\x89PNG")
    assert opened.name == name
    notebook = nbformat.read(case / NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    assert f"The case of {name}" in notebook.cells[0].source
    monkeypatch.chdir(case)
    there: dict[str, Any] = {}
    exec(notebook.cells[1].source, there)
    assert torch.equal(there["x"], opened.x)
    written = [c.source for c in notebook.cells if c.source.startswith("%%writefile")]
    assert written == ["%%writefile answer.py\n" + (case / ANSWER).read_text()]


def test_no_file_tells_the_secret(case: Path, name: str) -> None:
    secret = secret_of(name, KEY)
    about = json.loads((case / ABOUT).read_text())
    assert set(about) == {"name", "sealed", "proof", "size", "made"}
    for word in (secret.cue.kind, secret.cue.colour, secret.cue.where, str(secret.seed)):
        assert word not in (case / ABOUT).read_text()


def write(case: Path, source: str) -> Path:
    (case / ANSWER).write_text(source)
    return case


def test_the_page_as_it_is_handed_out_is_not_answered(case: Path) -> None:
    found = judge(case, key=KEY)
    assert found.points == 0
    assert (found.accused, found.kind, found.place, found.counted) == (None, None, None, None)
    assert "accused: not answered" in str(found)


RIGHT = """
import numpy as np
import torch
from course_lib.challenge.hidden import KINDS
from course_lib.world.scenes import draw_scene

accused, kind, place = {words}
WHERE = torch.from_numpy(KINDS["mark"].cover(draw_scene(0, {size}), place)) > 0

def counterfactual(x, masks):
    fill = x[0].flatten(1).median(1).values[:, None, None]
    return torch.where(WHERE & (masks.sum(0) < 0.02), fill, x)
"""


def right(name: str) -> str:
    secret = secret_of(name, KEY)
    words = (CLASSES[secret.category], secret.cue.kind, secret.cue.where)
    return RIGHT.format(words=words, size=SIZE)


def test_a_right_answer_gets_its_points(case: Path, name: str) -> None:
    found = judge(write(case, right(name)), key=KEY, scenes=10)
    assert (found.accused, found.kind, found.place) == (True, True, True)
    assert found.counted is not None
    assert found.counted.untouched == found.counted.nearer == found.counted.scenes
    assert found.points >= 8
    assert f"{found.counted.convincing} of {found.counted.scenes} new scenes" in str(found)
    assert 'role="status"' in found._repr_html_()


def test_a_wrong_word_is_wrong_and_not_corrected(case: Path, name: str) -> None:
    secret = secret_of(name, KEY)
    other = CLASSES[(secret.category + 1) % len(CLASSES)]
    found = judge(write(case, f"accused, kind, place = {other!r}, 'tint', None"), key=KEY)
    assert (found.accused, found.kind, found.place, found.points) == (False, False, None, 0)
    text = str(found)
    assert CLASSES[secret.category] not in text
    assert secret.cue.kind not in text
    assert "kind: wrong, place: not answered" in text


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("accused = 'hart'", "accused = 'hart' is none of the answers; did you mean 'heart'"),
        ("kind = 7", "kind = 7 is none of the answers; there are mark, edge"),
        ("1 / 0", "answer.py stops with ZeroDivisionError"),
    ],
)
def test_an_answer_that_can_not_be_read_is_one_sentence(
    case: Path, source: str, sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        judge(write(case, source), key=KEY)


def test_the_seal(case: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="was made with a key; judge it with --key FILE"):
        judge(case)
    with pytest.raises(ValueError, match="another key, or its files are not what they were"):
        judge(case, key=b"some other key")
    for file in case.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    weights = bytearray((tmp_path / NETWORK).read_bytes())
    weights[-1] ^= 1
    (tmp_path / NETWORK).write_bytes(weights)
    with pytest.raises(ValueError, match="its files are not what they were"):
        judge(tmp_path, key=KEY)


def test_where_there_is_no_case(case: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no case in .*: case.json is missing"):
        open_case(tmp_path)
    with pytest.raises(ValueError, match="is there already; name another folder"):
        new_case("ANNA", case)
    for file in case.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / ABOUT).write_text("{}")
    with pytest.raises(ValueError, match="does not say whose case this is"):
        open_case(tmp_path)
    np.savez(tmp_path / "scenes.npz", images=np.zeros(1))
    (tmp_path / ABOUT).write_bytes((case / ABOUT).read_bytes())
    with pytest.raises(ValueError, match="does not hold the pictures of a case"):
        open_case(tmp_path)


def course(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["course", "challenge", *arguments])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    return int(stopped.value.code or 0)


def test_the_commands(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    case: Path,
    name: str,
    tmp_path: Path,
) -> None:
    key, points, made = tmp_path / "key", tmp_path / "points.csv", tmp_path / "made"
    key.write_bytes(KEY)
    small = Settings(scenes=8, steps=2, batch=4, rounds=1, size=32)
    monkeypatch.setattr("course_lib.challenge.case.Settings", lambda: small)
    assert course(monkeypatch, "new", "--name", name, "--key", str(key), str(made)) == 0
    assert f"The case of {name} lies in" in capsys.readouterr().out
    write(case, right(name))
    write(made, "")
    asked = (str(case), str(made), "--key", str(key), "--csv", str(points))
    assert course(monkeypatch, "judge", *asked) == 0
    assert "counterfactual: not answered" in capsys.readouterr().out
    first, second = csv.DictReader(points.read_text().splitlines())
    assert (first["name"], first["place"], first["of scenes"]) == (name, "True", "30")
    assert int(first["points"]) >= 8
    assert (second["points"], second["place"]) == ("0", "")
    assert course(monkeypatch, "judge", str(case)) == 1
    assert "made with a key" in capsys.readouterr().err
