"""Regions of one area with one rim, the tests that they are put to, and the printed comparison."""

from __future__ import annotations

import json
import math
from inspect import signature
from typing import Any

import pytest
import torch

from course_lib.attribution.extremal_perturbation import extremal_perturbation
from course_lib.attribution.maps.imaging import imsmooth
from course_lib.benchmark.regions import (
    BLURS,
    TESTS,
    best_region,
    centred_disc,
    share_on,
    shown,
    soft_rim,
)


@pytest.mark.parametrize("area", [0.05, 0.1, 0.33])
def test_a_region_is_the_highest_share_of_each_map(area: float) -> None:
    saliency = torch.rand(3, 1, 12, 10)
    region = best_region(saliency, area)
    assert region.unique().tolist() == [0, 1]
    for values, chosen in zip(saliency.flatten(1), region.flatten(1), strict=True):
        assert int(chosen.sum()) == round(area * 120)
        assert values[chosen == 1].min() >= values[chosen == 0].max()


def test_zeros_are_ranked_by_what_is_around_them() -> None:
    """A map with a single high pixel: its region grows around that."""
    saliency = torch.zeros(1, 1, 20, 20)
    saliency[0, 0, 14, 5] = 1
    region = best_region(saliency, 0.05)[0, 0]
    assert int(region.sum()) == 20
    rows, columns = region.nonzero().unbind(1)
    assert int((rows - 14).abs().max()) <= 3
    assert int((columns - 5).abs().max()) <= 3


def test_a_region_depends_on_the_order_of_the_values_alone() -> None:
    saliency = torch.rand(1, 1, 16, 16)
    assert torch.equal(best_region(saliency, 0.2), best_region(saliency**3 - 5, 0.2))


@pytest.mark.parametrize("area", [0, 1, -0.1, float("nan")])
def test_areas_are_shares(area: float) -> None:
    with pytest.raises(ValueError, match="share between 0 and 1"):
        best_region(torch.rand(1, 1, 4, 4), area)


@pytest.mark.parametrize(
    ("saliency", "message"),
    [
        (torch.rand(1, 3, 4, 4), r"\(1, 3, 4, 4\)"),
        (torch.rand(4, 4), r"\(4, 4\)"),
        (torch.full((1, 1, 4, 4), float("nan")), "not finite"),
    ],
)
def test_maps_are_finite_and_of_one_channel(saliency: torch.Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        best_region(saliency, 0.1)


def test_all_rims_are_alike_and_keep_the_area() -> None:
    region = torch.zeros(2, 1, 64, 64)
    region[0, 0, 20:40, 20:40] = 1
    region[1, 0, 22:42, 10:30] = 1
    soft = soft_rim(region)
    assert soft.sum((1, 2, 3)).tolist() == pytest.approx([400, 400], rel=1e-3)
    assert torch.allclose(soft[0, 0, 12:48, 12:48], soft[1, 0, 14:50, 2:38], atol=1e-6)
    assert float(soft[0, 0, 30, 30]) > 0.99
    # A region at the edge does not fade there.
    half = torch.zeros(1, 1, 64, 64)
    half[..., :32] = 1
    assert torch.allclose(soft_rim(half)[..., 0], torch.ones(1), atol=1e-5)


def test_the_baseline_is_a_disc_in_the_middle() -> None:
    region = best_region(centred_disc(50, 70), 0.1)[0, 0]
    rows, columns = region.nonzero().unbind(1)
    assert float(rows.float().mean()) == pytest.approx(24.5, abs=0.1)
    assert float(columns.float().mean()) == pytest.approx(34.5, abs=0.1)
    reach = ((rows - 24.5) ** 2 + (columns - 34.5) ** 2).sqrt().max()
    assert float(reach) == pytest.approx(math.sqrt(350 / math.pi), abs=1)


@pytest.mark.parametrize("test", TESTS)
def test_what_is_kept_is_the_image_and_the_rest_is_what_the_test_says(test: str) -> None:
    x = 4 * torch.rand(1, 3, 32, 32) - 1
    masks = torch.zeros(2, 1, 32, 32)
    masks[1] = 1
    gone, kept = shown(x, masks, test, black=-1, white=3)
    assert torch.equal(kept, x[0])
    if test in BLURS:
        blurred = imsmooth(x, BLURS[test], padding_mode="replicate")[0]
        assert torch.allclose(gone, blurred, atol=1e-5)
    elif test == "noise":
        assert -1 <= gone.min() < -0.8
        assert 2.8 < gone.max() <= 3
        assert abs(float(gone.mean()) - 1) < 0.1
        assert torch.equal(gone, shown(torch.rand_like(x), masks, test, black=-1, white=3)[0])
    else:
        assert gone.unique().tolist() == [{"fade": 1, "black": -1}[test]]


def test_an_unknown_test_is_refused() -> None:
    with pytest.raises(ValueError, match="must be one of own blur, blur 8"):
        shown(torch.rand(1, 3, 8, 8), torch.rand(1, 1, 8, 8), "glitter")


def test_the_share_on_the_object_is_that_of_the_region() -> None:
    truth = torch.zeros(8, 8)
    truth[:4] = 1
    region = torch.zeros(2, 1, 8, 8)
    region[0, 0, 3:5, :] = 1
    region[1, 0, 0, 0] = 1
    assert share_on(region, truth).tolist() == [0.5, 1.0]


@pytest.fixture
def extremal(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    from docs import extremal

    monkeypatch.setattr(extremal, "STORE", tmp_path / "store.jsonl")
    monkeypatch.setattr(extremal, "PAGE", tmp_path / "page.md")
    return extremal


def rows(extremal: Any, scores: dict[str, list[float]]) -> list[dict[str, Any]]:
    """Rows of one network: method -> the score of each image, alike in all tests and areas."""
    return [
        {
            "network": "tiny_vgg",
            "image": str(image),
            "method": method,
            "scores": {test: [score] * 4 for test in (*extremal.TESTS, extremal.OTHER_NETWORKS)},
            "on_object": [score / 10] * 4,
            "cpu_seconds": 1.0,
        }
        for method in extremal.METHODS
        for image, score in enumerate(scores.get(method, [5.0, 5.1, 5.2]))
    ]


def test_a_measurement_goes_on_where_it_stopped(
    extremal: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str]] = []
    monkeypatch.setattr(
        extremal, "cases", lambda: (extremal.scene_case("tiny_vgg", n) for n in (0, 1))
    )

    def measured(case: Any, method: str) -> dict[str, Any]:
        if len(asked) == 3:
            raise KeyboardInterrupt
        asked.append((case.image, method))
        return {"network": case.network, "image": case.image, "method": method}

    monkeypatch.setattr(extremal, "measure_case", measured)
    with pytest.raises(KeyboardInterrupt):
        extremal.measure()
    first, asked[:] = list(asked), []
    monkeypatch.setattr(
        extremal, "measure_case", lambda case, method: asked.append((case.image, method)) or {}
    )
    extremal.measure()
    assert len(first) == 3
    assert len(asked) == 2 * len(extremal.METHODS) - 3
    assert not set(first) & set(asked)


def test_a_row_of_a_measurement(extremal: Any) -> None:
    case = extremal.scene_case("tiny_vgg", 0)
    row = json.loads(json.dumps(extremal.measure_case(case, "centred disc")))
    assert row["network"] == "tiny_vgg"
    assert set(row["scores"]) == {*extremal.TESTS, "other networks"}
    masks = [best_region(centred_disc(96, 96), area) for area in extremal.AREAS]
    assert row["on_object"] == pytest.approx(
        [float(share_on(m, case.truth)) for m in masks], abs=1e-3
    )
    black = shown(case.x, soft_rim(masks[2]), "black")
    assert row["scores"]["black"][2] == pytest.approx(
        float(case.model(black)[0, case.target]), abs=1e-3
    )
    blurred = shown(case.x, soft_rim(masks[2]), "own blur")
    there = [float(other(blurred)[0, case.target]) for other in case.others]
    assert len(there) == 3
    assert row["scores"]["other networks"][2] == pytest.approx(sum(there) / 3, abs=1e-3)


def test_differences_have_students_intervals(extremal: Any) -> None:
    found = extremal.difference([(1.0, 0.0), (2.0, 0.0), (3.0, 0.0)])
    assert (found.mean, found.n) == (2.0, 3)
    # t of 2 degrees of freedom is 4.303, the standard error 1 / sqrt(3).
    assert found.high - 2 == pytest.approx(4.303 / 3**0.5, abs=1e-3)
    assert found.verdict() == "neither shown"
    assert extremal.difference([(1.0, 0.0), (1.1, 0.0)]).verdict() == "better"
    assert extremal.difference([(0.0, 1.0), (0.0, 1.1)]).verdict() == "worse"


def test_the_smallest_number_of_steps_not_shown_to_be_worse_is_enough(extremal: Any) -> None:
    scores = {
        "100 steps": [3.0, 3.1, 3.2],
        "200 steps": [4.0, 5.6, 5.0],
        "400 steps": [6.0, 6.1, 6.2],
        "800 steps": [5.0, 5.1, 5.2],
    }
    results = extremal.Results(rows(extremal, scores))
    assert extremal.to_paper(results, 100).verdict() == "worse"
    assert extremal.enough_steps(results) == 200
    scores["200 steps"] = [4.0, 4.1, 4.2]
    assert extremal.enough_steps(extremal.Results(rows(extremal, scores))) == 400
    scores["400 steps"] = [4.0, 4.1, 4.2]
    assert extremal.enough_steps(extremal.Results(rows(extremal, scores))) == 800


def test_an_image_that_not_all_methods_have_done_does_not_count(extremal: Any) -> None:
    found = rows(extremal, {"800 steps": [5.0, 5.1]})
    assert extremal.to_paper(extremal.Results(found), 100).n == 2


def test_the_page_says_where_grad_cam_is_not_beaten(extremal: Any) -> None:
    scores = {name: [5.0, 5.1, 5.2] for name in extremal.METHODS} | {"Grad-CAM": [7.0, 7.1, 7.2]}
    text = "\n".join(extremal.page(extremal.Results(rows(extremal, scores))))
    assert "Images measured so far: 3 tiny_vgg, 0 " in text
    assert "The measurement is not finished" in text
    assert "- own blur: at 0.05 (worse), 0.1 (worse), 0.2 (worse), 0.4 (worse)." in text
    scores["Grad-CAM"] = [3.0, 3.1, 3.2]
    text = "\n".join(extremal.page(extremal.Results(rows(extremal, scores))))
    assert "do not beat" not in text
    assert "The masks beat Grad-CAM's regions at every area" in text


def test_the_page_is_what_its_store_says_and_the_default_what_the_page_says() -> None:
    from docs import extremal

    results = extremal.Results(extremal.read())
    printed = "\n".join(extremal.page(results)) + "\n"
    assert extremal.PAGE.read_text() == printed
    default = signature(extremal_perturbation).parameters["max_iter"].default
    assert not extremal.is_unfinished(results)
    assert default == extremal.enough_steps(results)
    assert f"`max_iter` is\n{default} by default" in printed
