from __future__ import annotations

import importlib.util
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from course_lib.world import scenes
from course_lib.world.scenes import CLASSES, draw_scene, number_of_objects, two_object_scenes

HERE = Path(__file__).parent


def _recorder():
    spec = importlib.util.spec_from_file_location("samples", HERE / "make_scene_samples.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


recorder = _recorder()


@pytest.mark.parametrize(("seed", "height", "width"), recorder.SAMPLES)
def test_scenes_are_the_stored_ones(seed, height, width):
    with np.load(recorder.FILE) as stored:
        for key, value in recorder.sample(seed, height, width).items():
            expected = stored[f"{seed}-{height}-{width}-{key}"]
            tolerance = 1e-6 * height * width if key == "sums" else 1e-6
            np.testing.assert_allclose(value, expected, rtol=0, atol=tolerance)


def test_a_scene_depends_on_its_seed_alone():
    first = draw_scene(3)
    np.random.default_rng(0).random(5)
    torch.rand(3)
    draw_scene(4)
    again = draw_scene(np.int64(3))
    assert np.array_equal(first.image, again.image)
    assert np.array_equal(first.masks, again.masks)
    assert not np.array_equal(first.image, draw_scene(4).image)


def test_without_an_object_all_else_stays():
    whole = draw_scene(2157)
    for left_out in whole.objects:
        scene = draw_scene(2157, without=left_out)
        assert scene.objects == [index for index in whole.objects if index != left_out]
        assert not scene.masks[left_out].any()
        outside = whole.masks[left_out] == 0
        assert np.array_equal(scene.image[:, outside], whole.image[:, outside])
        assert np.abs(scene.image - whole.image)[:, ~outside].mean() > 0.1
        kept = scene.objects[0]
        assert np.array_equal(scene.masks[kept], whole.masks[kept])
    absent = next(index for index in range(8) if index not in whole.objects)
    with pytest.raises(ValueError, match=f"seed 2157 has no object of class {absent} to omit"):
        draw_scene(2157, without=absent)


def test_drawing_leaves_the_global_random_state():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    draw_scene(12)
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002


@pytest.fixture(scope="module")
def many():
    return [draw_scene(seed) for seed in range(500, 800)]


def test_types_shapes_and_ranges(many):
    for scene in many:
        assert scene.image.dtype == scene.masks.dtype == scene.labels.dtype == np.float32
        assert scene.image.shape == (3, 96, 96)
        assert scene.masks.shape == (8, 96, 96)
        assert scene.image.min() >= 0
        assert scene.image.max() <= 1
        assert scene.masks.min() >= 0
        assert scene.masks.max() <= 1


def test_masks_agree_with_labels(many):
    for scene in many:
        assert np.array_equal(scene.masks.max((1, 2)) == 1, scene.labels == 1)
        assert np.array_equal(scene.masks.max((1, 2)) == 0, scene.labels == 0)


def test_objects_do_not_overlap_and_lie_inside(many):
    for scene in many:
        covered = (scene.masks > 0).sum(0)
        assert covered.max() == 1
        edge = np.concatenate([covered[0], covered[-1], covered[:, 0], covered[:, -1]])
        assert not edge.any()


def test_every_class_and_count_is_drawn_about_as_often_as_meant(many):
    labels = np.stack([scene.labels for scene in many])
    counts = labels.sum(1)
    shares = [(counts == number).mean() for number in (1, 2, 3)]
    np.testing.assert_allclose(shares, scenes.SHARE_OF_COUNT, atol=0.09)
    mean = sum(n * share for n, share in enumerate(scenes.SHARE_OF_COUNT, 1)) / len(CLASSES)
    np.testing.assert_allclose(labels.mean(0), mean, atol=0.09)


def test_edges_of_masks_are_soft(many):
    for scene in many:
        for index in scene.objects:
            mask = scene.masks[index]
            between = ((mask > 0) & (mask < 1)).sum()
            assert between > 15
            assert between < (mask == 1).sum() * 2


def test_objects_stand_out_from_what_is_around_them(many):
    """Each object's mean colour differs from the ground's by far more than the noise."""
    for scene in many:
        ground = scene.image[:, scene.masks.sum(0) == 0].mean(1)
        for index in scene.objects:
            inside = scene.image[:, scene.masks[index] == 1].mean(1)
            assert np.abs(inside - ground).max() > 0.1, scene.seed


@pytest.mark.parametrize("name", CLASSES)
def test_the_mask_is_the_share_of_the_pixel_that_the_outline_covers(name):
    """Against counting a 16 x 16 grid of points inside the outline in every pixel."""
    index = CLASSES.index(name)
    placed = scenes.Placed(index, row=0.46, column=0.53, radius=0.2, turn=0.35)
    size, finer = 96, 16
    coarse = (np.arange(size) + 0.5) / size
    fine = (np.arange(size * finer) + 0.5) / (size * finer)
    soft = np.clip(0.5 - scenes._distance(placed, coarse, coarse) * size, 0, 1)
    inside = scenes._distance(placed, fine, fine) < 0
    share = inside.reshape(size, finer, size, finer).mean((1, 3))
    assert abs(soft.sum() - share.sum()) < 0.01 * share.sum()
    assert np.abs(soft - share).max() < 0.4
    assert np.abs(soft - share).mean() < 0.003


def test_outlines_are_distances():
    """Within a few pixels of the outline their slope is 1 nearly everywhere, so edges are sharp."""
    grid = np.linspace(-1.2, 1.2, 241)
    step = grid[1] - grid[0]
    for name, outline in scenes.OUTLINES.items():
        values = outline(grid[None] + 0 * grid[:, None], grid[:, None] + 0 * grid[None])
        slope = np.hypot(*np.gradient(values, step))
        near = np.abs(values) < 0.05
        assert np.abs(slope[near] - 1).mean() < 0.05, name


def test_another_size_shows_the_same_scene():
    small, large = draw_scene(21), draw_scene(21, 192)
    assert large.image.shape == (3, 192, 192)
    assert large.objects == small.objects
    halved = large.masks.reshape(8, 96, 2, 96, 2).mean((2, 4))
    assert np.abs(halved - small.masks).max() < 0.3
    picture = large.image.reshape(3, 96, 2, 96, 2).mean((2, 4))
    assert np.abs(picture - small.image).mean() < 0.03


def test_a_scene_may_be_oblong():
    scene = draw_scene(21, (64, 128))
    assert scene.image.shape == (3, 64, 128)
    assert scene.objects == draw_scene(21).objects


def test_a_scene_as_a_network_takes_it():
    scene = draw_scene(21)
    assert scene.x.shape == (1, 3, 96, 96)
    assert scene.x.dtype == torch.float32
    scene.x.zero_()
    assert scene.image.any()
    assert scene.names == [CLASSES[index] for index in scene.objects]


def test_two_object_scenes_have_two_objects():
    found = list(two_object_scenes(12, start=40))
    assert [len(scene.objects) for scene in found] == [2] * 12
    drawn = (seed for seed in range(40, 200) if draw_scene(seed).labels.sum() == 2)
    assert [scene.seed for scene in found] == [next(drawn) for _ in found]


def test_the_number_of_objects_is_known_without_drawing(many):
    assert all(number_of_objects(scene.seed) == scene.labels.sum() for scene in many)


@pytest.mark.parametrize("seed", [1.5, "7", None, True])
def test_a_seed_of_the_wrong_kind(seed):
    with pytest.raises(TypeError, match="seed of a scene is a whole number"):
        draw_scene(seed)


def test_a_negative_seed():
    with pytest.raises(ValueError, match="from 0 on, not -1"):
        draw_scene(-1)


@pytest.mark.parametrize("size", [31, 0, (96, 8), (96, 96, 3)])
def test_a_wrong_size(size):
    with pytest.raises(ValueError, match=r"scene is (at least|one number)"):
        draw_scene(0, size)


def test_drawing_is_quick():
    times = []
    for seed in range(20):
        start = time.thread_time()
        draw_scene(seed)
        times.append(time.thread_time() - start)
    assert np.median(times) < 0.02
