"""What lesson 09 has learners build, beside slow versions from the definitions; its open task."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from course_lib.exercises.engine.open_task import CannotScore
from course_lib.exercises.lesson_00.share_on_object import share_on_object
from course_lib.exercises.lesson_09.mean_map import mean_map
from course_lib.exercises.lesson_09.open_task import as_it_is, right_answers
from course_lib.exercises.lesson_09.paste import paste
from course_lib.exercises.lesson_09.reactions import reactions
from course_lib.exercises.lesson_09.share_outside import share_outside
from course_lib.world.cues import with_cue
from course_lib.world.scenes import draw_scene
from course_lib.world.shortcut import SHORTCUT


def test_outside_is_what_is_not_on_the_object() -> None:
    torch.manual_seed(0)
    s, masks = torch.rand(3, 1, 5, 6), torch.rand(3, 5, 6)
    inside = torch.stack([share_on_object(m[0], mask) for m, mask in zip(s, masks, strict=True)])
    assert torch.allclose(share_outside(s, masks), 1 - inside)
    assert share_outside(torch.zeros(1, 1, 5, 6), masks[:1]).isnan().all()


def test_the_mean_map_is_the_mean_of_shares() -> None:
    torch.manual_seed(0)
    s = torch.randn(4, 1, 3, 5) * torch.tensor([1.0, 100, 0, 0.01]).view(4, 1, 1, 1)
    expected = torch.zeros(3, 5)
    for number in (0, 1, 3):
        total = sum(max(float(v), 0.0) for v in s[number].flatten())
        for row in range(3):
            for column in range(5):
                expected[row, column] += max(float(s[number, 0, row, column]), 0) / total / 3
    assert torch.allclose(mean_map(s), expected, atol=1e-6)


def test_pasting_a_marked_scenes_patch_draws_the_cue() -> None:
    bare = draw_scene(5)
    marked = with_cue(bare, SHORTCUT.cue)
    cover = SHORTCUT.cue.cover(96, 96)
    rows, columns = cover.any(1).nonzero()[0], cover.any(0).nonzero()[0]
    box = (rows.min(), rows.max() + 1, columns.min(), columns.max() + 1)
    assert torch.equal(paste(bare.x, marked.x, box), marked.x)
    assert not torch.equal(bare.x, marked.x)


def test_reactions_of_a_known_network() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(2, 2, bias=False))
    model[1].weight.data = torch.tensor([[1.0, 0.0], [0.0, -1.0]])
    before = torch.tensor([[1.0, 1], [-1, 2], [2, -1]])
    after = torch.tensor([[2.0, 1], [1, -2], [2, 3]])
    found = reactions(model, before, after)
    assert torch.allclose(found, torch.tensor([[1.0, 1 / 3], [0.0, 2 / 3]]))


def test_no_cure_is_no_better_than_guessing() -> None:
    assert right_answers(as_it_is) < 0.7


def test_what_is_no_cure_is_said() -> None:
    with pytest.raises(CannotScore, match="A cure returns a network; your function returned None"):
        right_answers(lambda model, x, labels: None)
    with pytest.raises(CannotScore, match=r"shape \(60, 8\); after your cure it gives \(60, 3\)"):
        right_answers(lambda model, x, labels: nn.Sequential(nn.Flatten(), nn.Linear(27648, 3)))


def test_the_scenes_of_the_open_task_are_half_and_half() -> None:
    def look(model, x, labels):
        assert x.shape == (64, 3, 96, 96)
        assert labels[:, SHORTCUT.category].mean() == 0.5
        assert all(weight.requires_grad for weight in model.parameters())
        return model

    right_answers(look)
