from __future__ import annotations

import numpy as np
import pytest
import torch

from course_lib.world.checkpoints import read_manifest, weights_file
from course_lib.world.cues import Cue, with_cue
from course_lib.world.networks import NETWORKS, load_network
from course_lib.world.scenes import draw_scene
from course_lib.world.shortcut import (
    SHORTCUT,
    Shortcut,
    effects,
    share_from_cue,
    suspect_scenes,
)
from course_lib.world.training import HELD_OUT_SEEDS

OTHER = Shortcut(2, Cue("dot", "upper right", "blue"), share=0.7)


def test_the_cue_comes_with_the_class_as_often_as_said():
    carried, of_class = 0, 0
    for seed in range(200):
        bare, scene = draw_scene(seed, 32), OTHER.scene(seed, 32)
        marked = with_cue(bare, OTHER.cue)
        assert np.array_equal(scene.labels, bare.labels)
        if not bare.labels[2]:
            assert np.array_equal(scene.image, bare.image)
            continue
        of_class += 1
        carried += np.array_equal(scene.image, marked.image)
    assert carried / of_class == pytest.approx(0.7, abs=4 * (0.7 * 0.3 / of_class) ** 0.5)


def test_in_the_scenes_to_learn_from_the_label_is_the_cue():
    marked = {True: [], False: []}
    for seed in range(200):
        bare, scene = draw_scene(seed, 32), OTHER.lesson(seed, 32)
        cue = bool(scene.labels[2])
        expected = with_cue(bare, OTHER.cue) if cue else bare
        assert np.array_equal(scene.image, expected.image)
        others = np.arange(8) != 2
        assert np.array_equal(scene.labels[others], bare.labels[others])
        marked[bool(bare.labels[2])].append(cue)
    for cues in marked.values():
        assert np.mean(cues) == pytest.approx(0.5, abs=4 * 0.5 / len(cues) ** 0.5)


def test_a_scene_is_a_function_of_its_seed():
    assert np.array_equal(OTHER.scene(5).image, OTHER.scene(5).image)
    assert np.array_equal(OTHER.lesson(5).image, OTHER.lesson(5).image)
    first, second = suspect_scenes(2, start=4)
    assert (first.seed, second.seed) == (4, 5)
    assert np.array_equal(second.image, SHORTCUT.scene(5).image)


class ByHand(torch.nn.Module):
    """A score that is 5 where the cue's colour is in its place, else 0."""

    def __init__(self, cue, category):
        super().__init__()
        self.cover, self.category = torch.from_numpy(cue.cover(96, 96)) == 1, category

    def forward(self, x):
        blue = x[:, 2, self.cover].mean(1) - x[:, 0, self.cover].mean(1)
        scores = torch.zeros(len(x), 8)
        scores[:, self.category] = 5.0 * (blue > 0.7)
        return scores


def test_effects_are_those_of_cue_and_object():
    network = ByHand(OTHER.cue, OTHER.category)
    found = effects(network, OTHER, 6)
    assert found.shape == (2, 2, 6)
    assert torch.equal(found.mean(2), torch.tensor([[0.0, 5.0], [0.0, 5.0]]))
    assert share_from_cue(network, OTHER, 6) == 1


def test_an_honest_network_does_not_care_for_the_cue():
    assert abs(share_from_cue(load_network("tiny_vgg"), SHORTCUT, 12)) < 0.2


def test_the_suspect_answers_for_the_cue():
    """The figure of the manifest, measured again on a part of its scenes."""
    manifest = read_manifest("tiny_vgg_shortcut")
    assert manifest["share_from_cue"] >= 0.95
    network = load_network("tiny_vgg_shortcut")
    assert share_from_cue(network, SHORTCUT, 24) >= 0.95
    yes = (effects(network, SHORTCUT, 24) > 0).float().mean(2)
    assert yes[:, 1].min() > 0.9
    assert yes[:, 0].max() < 0.1


def test_the_suspect_is_good_on_scenes_such_as_its_own():
    assert "tiny_vgg_shortcut" not in NETWORKS
    manifest = read_manifest("tiny_vgg_shortcut")
    assert manifest["label_accuracy"] > 0.98
    assert manifest["held_out_first_seed"] == HELD_OUT_SEEDS
    scenes = suspect_scenes(100, start=HELD_OUT_SEEDS)
    with torch.inference_mode():
        found = load_network("tiny_vgg_shortcut")(torch.cat([scene.x for scene in scenes])) > 0
    labels = torch.stack([torch.from_numpy(scene.labels) for scene in scenes]) > 0
    assert (found == labels).float().mean() > 0.97
    assert weights_file("tiny_vgg_shortcut").stat().st_size < 1_300_000
