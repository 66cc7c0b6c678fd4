"""What runs in the background: jobs, and where they run."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest
import torch
from torch import nn

from course_lib.attribution.extremal_perturbation import extremal_perturbation
from course_lib.attribution.rise import RiseMasks
from course_lib.explorer import jobs, worker
from course_lib.explorer.jobs import find_masks, masked_scores
from course_lib.explorer.runners import Background, Cancelled, InProcess, InThread
from course_lib.world.networks import load_network


class Colours(nn.Module):
    """Class 0: mean of the red channel; class 1: of the green one; class 2: of the blue one."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean((2, 3))


def image(side: int = 48) -> torch.Tensor:
    return torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(1))


def asked(**more: object) -> dict:
    return {
        "x": image(),
        "target": 0,
        "areas": (0.1, 0.3),
        "variant": "preserve",
        "perturbation": "fade",
        "options": {"max_iter": 4},
        **more,
    }


def nothing(*news: object) -> None:
    pass


def named(model: nn.Module, tell: object, **arguments: object) -> object:
    """A job that returns what it was given, and tells it."""
    tell(arguments)  # type: ignore[operator]
    return type(model).__name__, arguments


def broken(model: nn.Module, tell: object) -> None:
    raise ValueError("no <mask> today")


def endless(model: nn.Module, tell: object) -> None:
    tell("begun")  # type: ignore[operator]
    while True:
        time.sleep(0.01)
        tell("more")  # type: ignore[operator]


def leaving(model: nn.Module, tell: object) -> None:
    sys.exit(3)


@pytest.mark.parametrize("variant", ["preserve", "delete"])
def test_masks_are_those_of_the_method_and_scores_those_of_what_is_seen(variant):
    found = find_masks(Colours(), nothing, **asked(variant=variant))
    expected, _ = extremal_perturbation(
        Colours(), image(), 0, [0.1, 0.3], perturbation="fade", max_iter=4, variant=variant
    )
    assert torch.equal(found.masks, expected[:, 0])
    kept = 1 - expected if variant == "delete" else expected
    torch.testing.assert_close(found.seen, image() * kept)
    torch.testing.assert_close(found.scores, found.seen[:, 0].mean((1, 2)))


@pytest.mark.parametrize(("every", "told"), [(0.0, [1, 2, 3, 4]), (1e9, [4])])
def test_masks_are_told_now_and_then_and_in_the_end(monkeypatch, every, told):
    monkeypatch.setattr(jobs, "TOLD_EVERY", every)
    news: list = []
    find_masks(Colours(), lambda *what: news.append(what), **asked())
    assert [iteration for iteration, _, _ in news] == told
    assert all(total == 4 and masks.shape == (2, 48, 48) for _, total, masks in news)


def test_scores_are_those_of_the_masked_images(monkeypatch):
    monkeypatch.setattr(jobs, "TOLD_EVERY", 0)
    news: list = []
    scores = masked_scores(
        Colours(), lambda *what: news.append(what), x=image(), num_masks=20, seed=3
    )
    masks = RiseMasks((48, 48), 20, seed=3)
    torch.testing.assert_close(scores, (image() * masks[:]).mean((2, 3)))
    assert [len(so_far) for so_far, _ in news] == [8, 16, 20]


def test_a_thread_works_with_a_copy_of_the_network():
    model = Colours()
    runner = InThread(model)
    model.forward = None  # type: ignore[method-assign,assignment]
    told: list = []
    assert runner.run(named, told.append, a=1) == ("Colours", {"a": 1})
    assert told == [{"a": 1}]


@pytest.mark.parametrize("kind", ["thread", "process"])
def test_a_job_may_be_stopped_and_another_one_begun(kind):
    runner = InThread(Colours()) if kind == "thread" else InProcess("tiny_vgg")
    begun, outcome = threading.Event(), []

    def work() -> None:
        try:
            runner.run(endless, lambda _: begun.set())
        except Cancelled:
            outcome.append("cancelled")

    job = threading.Thread(target=work)
    job.start()
    assert begun.wait(120)
    runner.stop()
    job.join(120)
    assert outcome == ["cancelled"]
    assert runner.run(named, nothing, b=2)[1] == {"b": 2}
    if isinstance(runner, InProcess):
        runner.close()


def test_a_process_gives_what_a_thread_gives():
    runner = InProcess("tiny_vgg")
    here = InThread(load_network("tiny_vgg"))
    more = {"x": image(), "num_masks": 10, "seed": 0}
    told: list = []
    assert runner.run(named, told.append, a=image())[0] == type(load_network("tiny_vgg")).__name__
    assert torch.equal(told[0]["a"], image())
    torch.testing.assert_close(
        runner.run(masked_scores, nothing, **more), here.run(masked_scores, nothing, **more)
    )
    with pytest.raises(ValueError, match="no <mask> today"):
        runner.run(broken, nothing)
    with pytest.raises(KeyError):
        runner.run(endless, {}.__getitem__)
    assert runner.run(named, nothing, b=2)[1] == {"b": 2}
    with pytest.raises(RuntimeError, match="ended by itself"):
        runner.run(leaving, nothing)
    runner.close()


def test_the_process_ends_when_nobody_asks_any_more():
    process = subprocess.Popen(
        [sys.executable, "-m", worker.__name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    process.communicate(timeout=120)
    assert process.returncode == 0


def test_in_the_background_one_job_runs_at_a_time_and_its_end_is_told():
    background = Background(InThread(Colours()), "Begin")
    begun, news, kept = threading.Event(), [], []
    assert not background.running
    background.start(endless, lambda _: begun.set(), kept.append, news.append)
    assert begun.wait(60)
    assert background.running
    background.start(named, nothing, kept.append, news.append, a=1)
    background.stop()
    background.join(60)
    assert news == ["Cancelled. Press Begin to begin again."]
    assert kept == []
    background.start(named, nothing, kept.append, news.append, a=1)
    background.join(60)
    assert kept == [("Colours", {"a": 1})]
    background.start(broken, nothing, kept.append, news.append)
    background.join(60)
    assert news[1] == "Done."
    assert str(news[2]) == "no <mask> today"
    assert not background.running
