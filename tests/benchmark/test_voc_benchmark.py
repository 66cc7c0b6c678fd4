"""The page-long benchmark of docs/, on three drawn images and a network with random weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torchvision import models

from docs.voc_benchmark import main
from tests.benchmark.drawn import draw_voc


def test_the_benchmark_of_the_docs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    draw_voc(tmp_path)
    weights = tmp_path / "resnet18.pth"
    torch.save(models.resnet18(num_classes=20).state_dict(), weights)
    options = f"--weights {weights} --data {tmp_path} --arch resnet18 --layer layer4"
    games = main([*options.split(), "--size", "32", "--steps", "2"])
    assert list(games) == ["centre", "gradient", "grad_cam", "extremal_perturbation"]
    for everything, difficult in games.values():
        assert float((everything.hits + everything.misses).sum()) == 5
        assert float((difficult.hits + difficult.misses).sum()) == 3
    # The middle, (30, 20), is 15 pixels and more from the dog and from both people.
    assert float(games["centre"][0].accuracy) == pytest.approx(3 / 5)
    printed = capsys.readouterr().out
    assert "grad_cam\n  all       pointing game, tolerance 15: " in printed
    assert printed.count(" over 5 classes, 5 points") == 4
