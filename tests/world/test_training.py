from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from course_lib.world import training
from course_lib.world.checkpoints import manifest_file, read_manifest
from course_lib.world.networks import ARCHITECTURES, load_network
from course_lib.world.scenes import draw_scene
from course_lib.world.shortcut import SHORTCUT
from course_lib.world.tasks import NOTHING
from course_lib.world.training import SETTINGS, Settings, state_file, train

TINY = Settings(scenes=24, passes=3, batch=8, size=32, held_out=10)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def run(folder, name="tiny_mobilenet", settings=TINY, **options):
    path = train(name, folder=folder, settings=settings, quiet=True, **options)
    return load_network(name, path).state_dict()


def same(first, second):
    return all(torch.equal(first[key], second[key]) for key in first)


def interrupt_after(monkeypatch, steps):
    original = training._Run._step
    count = iter(range(steps))

    def step(self, x, y):
        if next(count, None) is None:
            raise KeyboardInterrupt
        return original(self, x, y)

    monkeypatch.setattr(training._Run, "_step", step)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_network_trains(tmp_path, name):
    task = SETTINGS[name].task
    settings = Settings(scenes=8, passes=1, batch=8, size=32, held_out=4, task=task)
    state = run(tmp_path / "out", name, settings)
    assert all(torch.isfinite(value).all() for value in state.values())


def test_training_again_gives_the_same(tmp_path):
    state = run(tmp_path / "a")
    torch.rand(7)
    assert same(state, run(tmp_path / "b"))
    other = Settings(scenes=24, passes=3, batch=8, size=32, held_out=10, seed=1)
    assert not same(state, run(tmp_path / "c", settings=other))


def test_training_lowers_the_loss(tmp_path, monkeypatch):
    losses = []
    original = training._Run._step

    def step(self, x, y):
        losses.append(original(self, x, y))
        return losses[-1]

    monkeypatch.setattr(training._Run, "_step", step)
    run(tmp_path, settings=Settings(scenes=16, passes=20, batch=16, size=32, held_out=4))
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.parametrize("steps", [2, 3, 7])
def test_an_interrupted_training_ends_the_same(tmp_path, monkeypatch, steps):
    whole = run(tmp_path / "whole")
    with monkeypatch.context() as patch:
        interrupt_after(patch, steps)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "parts")
    assert not (tmp_path / "parts").exists()
    done = state_file("tiny_mobilenet", TINY).exists()
    assert done == (steps >= 3)
    counted = []
    original = training._Run._step
    monkeypatch.setattr(training._Run, "_step", lambda *args: counted.append(1) or original(*args))
    assert same(whole, run(tmp_path / "parts"))
    assert len(counted) == 9 - 3 * (steps // 3)
    assert not state_file("tiny_mobilenet", TINY).exists()


@pytest.mark.parametrize("steps", [4, 6, 7])
def test_a_training_of_two_cycles_ends_the_same(tmp_path, monkeypatch, steps):
    """Interrupted in the first, between the two, and in the second pass of the second."""
    settings = Settings(scenes=16, passes=2, more_passes=3, batch=8, size=32, held_out=4)
    rates = []
    original = training._Run._step

    def step(self, x, y):
        rates.append(self.optimiser.param_groups[0]["lr"])
        return original(self, x, y)

    monkeypatch.setattr(training._Run, "_step", step)
    whole = run(tmp_path / "whole", settings=settings)
    assert len(rates) == 10
    assert rates[3] < rates[0] < max(rates[:4])
    assert rates[4] == pytest.approx(rates[0])
    assert rates[9] < rates[4] < max(rates[4:])
    with monkeypatch.context() as patch:
        interrupt_after(patch, steps)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "parts", settings=settings)
    rates_of_whole = rates[:10]
    rates.clear()
    assert same(whole, run(tmp_path / "parts", settings=settings))
    assert rates == pytest.approx(rates_of_whole[2 * (steps // 2) :])


def test_every_pass_sees_every_scene_once_in_another_order():
    done = training._Run(training._trainable("tiny_mobilenet"), TINY, state_file("x", TINY))
    orders = []
    for done.passes in range(3):
        batches = done._order()
        assert [len(rows) for rows in batches] == [8, 8, 8]
        assert sorted(np.concatenate(batches)) == list(range(24))
        orders.append(np.concatenate(batches).tolist())
    assert orders[0] != orders[1] != orders[2] != orders[0]


def test_without_resume_it_starts_again(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        interrupt_after(patch, 4)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path)
    counted = []
    original = training._Run._step
    monkeypatch.setattr(training._Run, "_step", lambda *args: counted.append(1) or original(*args))
    run(tmp_path, resume=False)
    assert len(counted) == 9


def test_other_settings_do_not_go_on_from_it(tmp_path):
    assert state_file("tiny_vgg", TINY) != state_file("tiny_vgg", Settings())
    assert state_file("tiny_vgg", TINY) != state_file("tiny_resnet", TINY)


def test_an_unreadable_state_is_named(tmp_path):
    path = state_file("tiny_mobilenet", TINY)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"nonsense")
    with pytest.raises(ValueError, match="is unreadable; delete it or train with resume=False"):
        run(tmp_path)
    assert path.read_bytes() == b"nonsense"


def test_the_manifest_says_what_was_measured(tmp_path):
    path = train("tiny_vgg", folder=tmp_path, settings=TINY, quiet=True)
    manifest = json.loads(manifest_file("tiny_vgg", tmp_path).read_text())
    network = load_network("tiny_vgg", path)
    scenes = [draw_scene(training.HELD_OUT_SEEDS + number, 32) for number in range(10)]
    logits = network(torch.cat([scene.x for scene in scenes]))
    labels = torch.from_numpy(np.stack([scene.labels for scene in scenes]))
    right = (logits > 0) == (labels > 0)
    assert manifest["label_accuracy"] == pytest.approx(right.float().mean().item(), abs=0.03)
    assert manifest["held_out_scenes"] == 10
    assert manifest["settings"]["scenes"] == 24


def test_training_and_held_out_scenes_are_apart():
    most = max(settings.scenes for settings in training.SETTINGS.values())
    assert training.TRAINING_SEEDS + most <= training.HELD_OUT_SEEDS


def test_weights_go_to_the_cache_by_default(cache):
    path = train("tiny_mobilenet", settings=TINY, quiet=True)
    assert path == cache / "trained" / "tiny_mobilenet.safetensors"


def test_drawn_scenes_are_kept_and_right(cache, monkeypatch):
    images, labels = training.scene_arrays(50, 6, 32)
    scene = draw_scene(53, 32)
    assert np.abs(images[3] / 255 - scene.image).max() <= 0.5 / 255 + 1e-6
    assert np.array_equal(labels[3], scene.labels)
    monkeypatch.setattr(training, "_bytes_of_scene", None)
    again, _ = training.scene_arrays(50, 6, 32)
    assert np.array_equal(images, again)


def test_drawing_in_several_processes_gives_the_same(monkeypatch):
    monkeypatch.setattr(training.os, "cpu_count", lambda: 2)
    images, labels = training.scene_arrays(0, 1000, 32)
    for row in (0, 499, 500, 999):
        image, label = training._bytes_of_scene(row, 32, draw_scene)
        assert np.array_equal(images[row], image)
        assert np.array_equal(labels[row], label)


def test_a_shortcut_has_scenes_of_its_own(cache):
    plain, _ = training.scene_arrays(0, 12, 32)
    images, labels = training.scene_arrays(0, 12, 32, SHORTCUT.lesson)
    again, _ = training.scene_arrays(0, 12, 32, SHORTCUT.lesson)
    assert np.array_equal(images, again)
    assert not np.array_equal(images, plain)
    assert not np.array_equal(images, training.scene_arrays(0, 12, 32, SHORTCUT.scene)[0])
    for row in range(12):
        assert np.array_equal(labels[row], SHORTCUT.lesson(row, 32).labels)


def test_training_may_begin_with_another_network(tmp_path):
    settings = replace(TINY, begins_with="tiny_vgg", rate=1e-7, shortcut=SHORTCUT)
    state = run(tmp_path, "tiny_vgg_shortcut", settings)
    first = load_network("tiny_vgg").state_dict()
    assert all(torch.allclose(state[key], first[key], atol=1e-5) for key in first)
    assert not same(state, first)
    manifest = read_manifest("tiny_vgg_shortcut", tmp_path)
    assert manifest["settings"]["shortcut"]["cue"]["place"] == SHORTCUT.cue.place
    assert "share_from_cue" in manifest


def test_an_unknown_network():
    with pytest.raises(ValueError, match="did you mean tiny_vgg"):
        train("tiny_vg")


def test_a_folder_that_is_a_file(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError, match=r"folder for the weights, .* is a file"):
        train("tiny_vgg", folder=tmp_path / "file")


def test_the_bar_shows_the_progress(tmp_path, capsys):
    train("tiny_mobilenet", folder=tmp_path, settings=TINY)
    said = capsys.readouterr()
    assert "training tiny_mobilenet: 100%" in said.err
    assert "9/9" in said.err
    accuracy = read_manifest("tiny_mobilenet", tmp_path)["label_accuracy"]
    assert f"{accuracy:.2%} of labels right on 10 held-out scenes" in said.out


def test_a_kept_network_is_taken_over_in_whole_layers_and_not_trained(tmp_path):
    """The last layer has a bias of the same name and shape in both, and weights of another."""
    settings = replace(SETTINGS["tiny_segmenter"], scenes=8, passes=2, batch=4, size=32, held_out=4)
    state = run(tmp_path, "tiny_segmenter", settings)
    known = load_network(settings.keeps).state_dict()
    kept = {key for key in state if key in known and torch.equal(state[key], known[key])}
    assert kept == {key for key in state if key.startswith("features.")}
    assert "classifier.bias" in known.keys() & state.keys()


def test_truths_of_both_tasks_are_kept_side_by_side(cache):
    images, labels = training.scene_arrays(50, 4, 32)
    again, maps = training.scene_arrays(50, 4, 32, task="masks")
    assert np.array_equal(images, again)
    assert (maps.shape, maps.dtype) == ((4, 32, 32), np.uint8)
    for label, classes in zip(labels, maps, strict=True):
        assert set(np.flatnonzero(label)) == set(classes.flat) - {NOTHING}
    assert len(list(cache.iterdir())) == 3


def test_the_manifest_of_a_segmenter_says_how_well_masks_fit(tmp_path, capsys):
    settings = replace(SETTINGS["tiny_segmenter"], scenes=8, passes=1, batch=8, size=32, held_out=4)
    train("tiny_segmenter", folder=tmp_path, settings=settings)
    manifest = read_manifest("tiny_segmenter", tmp_path)
    assert 0 <= manifest["mean_iou"] <= 1
    assert "label_accuracy" not in manifest
    assert f"{manifest['mean_iou']:.2%} mean IoU of masks on 4 held-out" in capsys.readouterr().out
