"""Open tasks: scored, compared with a number that is computed, the best kept."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
import torch

from course_lib.exercises.engine import beating, hidden_scenes, progress, registry
from course_lib.exercises.engine.beating import beat
from course_lib.exercises.engine.hidden_scenes import hit, over_hidden_scenes, share
from course_lib.exercises.engine.open_task import CannotScore, OpenTask

TASKS = [task for lesson in registry.lessons() if (task := registry.open_task_of(lesson.id))]


def score(answer: Any) -> float:
    if not callable(answer):
        raise CannotScore("A function was asked for.")
    return answer(1.0)  # type: ignore[no-any-return]


TASK = OpenTask(
    name="made_up",
    lesson="99_fake",
    title="more than two",
    score=score,
    to_beat=lambda: 2.0,
    whose="the doubler",
    measured="is what one becomes",
    example=lambda x: 3 * x,
    shown="{:.1f}",
)


@pytest.fixture(autouse=True)
def task(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beating, "find_open_task", lambda name: TASK)


def stub(x: float) -> float:
    """Larger."""


def test_from_a_stub_to_a_best(capsys: pytest.CaptureFixture[str]) -> None:
    for answer, shown in (
        (stub, "○ not tried yet · made_up\n"),
        (None, "○ not tried yet · made_up\n"),
        (
            lambda x: x,
            "→ 1.0, not beaten yet · made_up\n"
            "  1.0 is what one becomes. To beat: 2.0, the doubler. It is your first try.\n",
        ),
        (
            lambda x: 5 * x,
            "★ 5.0, beaten · made_up\n  5.0 is what one becomes. To beat: 2.0, the doubler. "
            "It is your best; before, that was 1.0.\n",
        ),
        (
            lambda x: 4 * x,
            "★ 4.0, beaten · made_up\n  4.0 is what one becomes. To beat: 2.0, the doubler. "
            "Your best is 5.0.\n",
        ),
        (3, "! no score · made_up\n  A function was asked for.\n"),
    ):
        beat("made_up", answer)
        assert capsys.readouterr().out == shown
    assert progress.read().open_tasks["made_up"] == progress.Best(5.0, 2.0, 3)


def test_an_error_shows_the_learners_lines(capsys: pytest.CaptureFixture[str]) -> None:
    def fails(x: float) -> float:
        print("so far")
        raise KeyError("mine")

    beat("made_up", fails)
    shown = capsys.readouterr().out
    assert "raise KeyError" in shown
    assert "course_lib" not in shown
    assert progress.read().open_tasks == {}


def test_what_never_ends_is_stopped(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def endless(x: float) -> float:
        while True:
            pass

    monkeypatch.setattr(beating, "SECONDS", 0.3)
    beat("made_up", endless)
    assert "ran for more than 0.3 seconds" in capsys.readouterr().out


def test_the_least_wins_where_less_is_better(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    small = replace(TASK, name="small", higher_is_better=False)
    monkeypatch.setattr(beating, "find_open_task", lambda name: small)
    beat("small", lambda x: 3.0)
    beat("small", lambda x: 1.0)
    beat("small", lambda x: 4.0)
    assert "Your best is 1.0." in capsys.readouterr().out
    assert progress.read().open_tasks["small"].score == 1.0


def test_a_best_of_this_kernel_without_a_progress_file(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COURSE_PROGRESS", "off")
    beat("made_up", lambda x: 5 * x)
    beat("made_up", lambda x: 3 * x)
    assert "Your best is 5.0." in capsys.readouterr().out


def test_who_grades_keeps_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    beat("made_up", lambda x: 5 * x)
    assert progress.read().open_tasks == {}


def test_measures_of_a_map() -> None:
    s = torch.tensor([[0.0, 1.0], [3.0, -5.0]])
    left = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    assert share(s, left) == 0.75
    assert share(torch.zeros(2, 2), left) == 0.0
    assert hit(s, left) == 1.0
    assert hit(s, 1 - left) == 0.0


def test_hidden_scenes_have_two_objects_and_no_lesson_shows_them() -> None:
    scenes = hidden_scenes.hidden_scenes(3)
    assert all(len(scene.objects) > 1 for scene in scenes)
    assert min(scene.seed for scene in scenes) >= hidden_scenes.FIRST_SEED


def test_the_truth_scores_one_and_coarse_maps_are_resized() -> None:
    masks = {scene.x.sum().item(): scene.masks for scene in hidden_scenes.hidden_scenes(2)}

    def truth(model: Any, x: torch.Tensor, target: int) -> torch.Tensor:
        return torch.from_numpy(masks[x.sum().item()][target]).round()[None, None]

    assert over_hidden_scenes(truth, hit, scenes=2) == 1.0
    even = over_hidden_scenes(lambda model, x, target: torch.ones(6, 6), share, scenes=2)
    assert 0 < even < 0.2


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (None, "your function returned None"),
        (torch.ones(3, 96, 96), r"the shape \(3, 96, 96\)"),
        (torch.full((96, 96), torch.nan), "not finite"),
    ],
)
def test_what_is_no_map_is_said(given: Any, sentence: str) -> None:
    with pytest.raises(CannotScore, match=sentence):
        over_hidden_scenes(lambda model, x, target: given, share, scenes=1)


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (1000, 1000), (192, 192), (96, 48), (1, 96)])
def test_maps_of_an_absurd_size_are_refused(size: tuple[int, int]) -> None:
    said = rf"is 96 x 96, or coarser .* returned {size[0]} x {size[1]}\.$"
    refused = []
    for task in TASKS:
        try:
            task.score(lambda *given: torch.rand(size))
        except CannotScore as sentence:
            refused += [str(sentence)] if "A map" in str(sentence) else []
        except RuntimeError:  # what stands in the place of a ReLU
            continue
    assert len(refused) >= 6
    assert all(re.search(said, sentence) for sentence in refused)


@pytest.mark.parametrize("size", [(3, 3), (5, 5), (96, 96)])
def test_maps_of_a_layers_size_are_measured(size: tuple[int, int]) -> None:
    assert 0 <= over_hidden_scenes(lambda *given: torch.rand(size), share, scenes=1) <= 1


def test_names_are_unique() -> None:
    assert TASKS
    assert len({task.name for task in TASKS}) == len(TASKS)


@pytest.mark.parametrize("task", TASKS, ids=[task.name for task in TASKS])
def test_the_number_can_be_beaten(task: OpenTask) -> None:
    assert task.beats(task.score(task.example), task.to_beat())


@pytest.mark.parametrize("answer", [3, "seed", (1, 2), (1, 90, 0), (-1, 0, 0), (1, 2, None)])
def test_the_first_lessons_task_says_what_it_asks_for(answer: Any) -> None:
    with pytest.raises(CannotScore, match=r"three whole numbers|lies in the picture"):
        TASKS[0].score(answer)
