"""The hidden cues: where they are, and what they leave alone; and the secret of a name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from course_lib.challenge.hidden import ANSWERS, CUES, KINDS, VIVID, HiddenCue
from course_lib.challenge.secret import PUBLIC, proof_of, read_key, secret_of
from course_lib.world.scenes import draw_scene

EVERY = [HiddenCue(kind, place, "red") for kind, place in CUES]
SEEDS = range(200, 224)


def test_there_are_twenty() -> None:
    assert len(set(CUES)) == 20
    assert {cue.where for cue in EVERY} == set(ANSWERS)


@pytest.mark.parametrize("cue", EVERY, ids=lambda cue: f"{cue.kind} {cue.place}")
def test_a_cue_is_seen_and_touches_no_object(cue: HiddenCue) -> None:
    scenes = [draw_scene(seed) for seed in SEEDS]
    seen = [scene for scene in scenes if cue.is_seen(scene)]
    assert len(seen) > len(scenes) / 3
    for scene in seen[:4]:
        before = scene.image.copy()
        drawn = cue.draw(scene)
        changed = np.abs(drawn.image - scene.image).max(0)
        assert changed.max() > 0.1
        assert not (changed > 1e-3)[scene.masks.sum(0) >= 0.999].any()
        assert not changed[cue.cover(scene) == 0].any()
        assert drawn.image.dtype == np.float32
        assert 0 <= drawn.image.min() <= drawn.image.max() <= 1
        assert np.array_equal(scene.image, before)
        assert drawn.masks is scene.masks


@pytest.mark.parametrize("place", KINDS["edge"].places)
@pytest.mark.parametrize("kind", ["edge", "stripe"])
def test_bands_lie_on_their_side(kind: str, place: str) -> None:
    scene = draw_scene(3, (64, 96))
    rows, columns = np.nonzero(KINDS[kind].cover(scene, place))
    across, down = columns.mean() / 96 - 0.5, rows.mean() / 64 - 0.5
    expected = {
        "upper middle": (down < -0.2, abs(across) < 0.02),
        "lower middle": (down > 0.2, abs(across) < 0.02),
        "middle left": (across < -0.2, abs(down) < 0.02),
        "middle right": (across > 0.2, abs(down) < 0.02),
    }
    assert all(expected[place])
    assert (np.ptp(rows) + 1 == 64) or (np.ptp(columns) + 1 == 96)


def test_what_an_object_hides_is_not_seen() -> None:
    cue, scene = HiddenCue("mark", "upper left", "red"), draw_scene(3)
    masks = np.zeros_like(scene.masks)
    masks[2, :7, :20] = 1
    half_hidden = replace(scene, masks=masks)
    assert cue.is_seen(scene)
    assert not cue.is_seen(half_hidden)
    assert np.array_equal(cue.draw(half_hidden).image[:, :7], scene.image[:, :7])


def test_a_companion_beyond_the_border_is_not_seen() -> None:
    cue = HiddenCue("companion", "upper middle", "red")
    for scene in map(draw_scene, range(40)):
        largest = scene.masks[scene.masks.sum((1, 2)).argmax()]
        if np.nonzero(largest >= 0.5)[0].min() < 5:
            assert not cue.is_seen(scene)


def test_a_secret_follows_from_name_and_key() -> None:
    assert secret_of("ANNA") == secret_of(" ANNA ", PUBLIC)
    secrets = [secret_of(f"learner {i}", b"a key of ours") for i in range(200)]
    assert secret_of("learner 0") != secrets[0]
    assert {(s.cue.kind, s.cue.place) for s in secrets} == set(CUES)
    assert {s.category for s in secrets} == set(range(8))
    for secret in secrets:
        assert secret.decoy.kind != secret.cue.kind
        assert secret.decoy.place != secret.cue.place
        assert secret.decoy.colour != secret.cue.colour
        assert {secret.decoy.colour, secret.cue.colour} <= set(VIVID)
    with pytest.raises(ValueError, match="needs the name"):
        secret_of("  ")


def test_a_stamp_is_of_the_files_and_the_key(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("as it was")
    stamp = proof_of("ANNA", [file])
    assert stamp == proof_of("ANNA", [file])
    assert stamp != proof_of("BEA", [file])
    assert stamp != proof_of("ANNA", [file], b"a key of ours")
    file.write_text("as it is")
    assert stamp != proof_of("ANNA", [file])


def test_a_key_is_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    assert read_key(None) == PUBLIC
    with pytest.raises(FileNotFoundError, match="There is no file"):
        read_key(file)
    file.write_text("short\n")
    with pytest.raises(ValueError, match="too short: give it 8 characters or more"):
        read_key(file)
    file.write_text("long enough\n")
    assert read_key(file) == b"long enough"
