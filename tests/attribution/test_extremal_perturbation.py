"""Extremal perturbation: single steps, a slow ascent, batches, areas, bad input, restoring."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from course_lib.attribution.extremal_perturbation import (
    ExtremalMasks,
    MaskGenerator,
    Perturbation,
    contrastive_reward,
    extremal_perturbation,
    simple_reward,
)
from course_lib.attribution.maps.imaging import imsmooth
from course_lib.attribution.masks.area import area_penalty
from course_lib.attribution.masks.generator import generator_for
from course_lib.world.examples import example_scene
from course_lib.world.networks import load_network

REFERENCE = torch.load(Path(__file__).parents[1] / "reference" / "extremal.pt", weights_only=True)
SMALL = {"step": 4, "sigma": 4}


class Tiny(nn.Module):
    def __init__(self, classes: int = 5) -> None:
        super().__init__()
        self.conv1, self.relu1 = nn.Conv2d(3, 8, 3, padding=1), nn.ReLU()
        self.pool1 = nn.MaxPool2d(2)
        self.conv2, self.relu2 = nn.Conv2d(8, 12, 3, padding=1), nn.ReLU(inplace=True)
        self.avgpool, self.fc = nn.AdaptiveAvgPool2d(1), nn.Linear(12, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.relu2(self.conv2(self.pool1(self.relu1(self.conv1(x)))))
        return self.fc(self.avgpool(x).flatten(1))


class Exploding(nn.Module):
    """Raises at its n-th forward pass."""

    def __init__(self, at: int, error: type[BaseException]) -> None:
        super().__init__()
        self.inner, self.dropout = Tiny(), nn.Dropout()
        self.calls, self.at, self.error = 0, at, error

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        if self.calls == self.at:
            torch.rand(3)
            raise self.error("injected")
        return self.dropout(self.inner(x))


class Corner(nn.Module):
    """Scores 0, 1, ... are the means of the channels in the upper left corner."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, :, :8, :8].mean((2, 3))


@pytest.fixture
def tiny() -> Tiny:
    net = Tiny()
    net.load_state_dict(REFERENCE["state_dict"])
    return net


def relative_error(value: torch.Tensor, expected: torch.Tensor) -> float:
    return float((value.detach() - expected).abs().max() / expected.abs().max())


@pytest.mark.parametrize("case", REFERENCE["steps"], ids=lambda c: f"{c['variant']} {c['flip']}")
def test_reference_steps(tiny: Tiny, case: dict) -> None:
    x = REFERENCE["x"]
    generator = MaskGenerator(x.shape[2:], case["step"], case["sigma"])
    parameters = case["pmask"].clone().requires_grad_()
    mask, full = generator.generate(parameters)
    perturbation = Perturbation(x, border="zeros")
    image = perturbation.apply(mask)
    if case["variant"] == "dual":
        image = torch.cat((image, perturbation.apply(1 - mask)))
    if case["flip"]:
        image = image.flip(3)
    reward = simple_reward(tiny(image), case["target"], case["variant"])
    regul = -case["regul_weight"] * area_penalty(full, case["areas"])
    assert relative_error(reward, case["reward_value"]) < 1e-5
    assert relative_error(regul, case["regul_value"]) < 1e-5
    (gradient,) = torch.autograd.grad((reward + regul).sum(), parameters)
    assert relative_error(gradient, case["grad_pmask"]) < 1e-5


def slow_ascent(
    model: nn.Module, x: torch.Tensor, target: int, area: float, steps: int, variant: str
) -> tuple[torch.Tensor, list[tuple[float, float]]]:
    """The compressed ascent for one padded mask, written out, from its description."""
    generator = MaskGenerator(x.shape[2:], **SMALL)
    perturbation = Perturbation(x, border="zeros")
    parameters = torch.ones(1, 1, *generator.shape_in, dtype=x.dtype)
    velocity = torch.zeros_like(parameters)
    pace, history = 800 / steps, []
    for t in range(steps):
        parameters.requires_grad_()
        mask, full = generator.generate(parameters)
        keep, lose = perturbation.apply(mask), perturbation.apply(1 - mask)
        if t % 2 == 0:
            keep, lose = keep.flip(3), lose.flip(3)
        kept, lost = model(keep)[0, target], model(lose)[0, target]
        reward = {"preserve": kept, "delete": -lost, "dual": kept - lost}[variant]
        values = full.flatten()
        zeros = int(len(values) * (1 - area))
        edge = float(values.detach().sort().values[zeros])
        above, tied = int((values > edge).sum()), int((values == edge).sum())
        share = (len(values) - zeros - above) / tied
        flat = torch.tensor([share if v == edge else float(v > edge) for v in values.tolist()])
        distance = (values - flat) ** 2 + flat * (1 - flat)
        penalty = 300 * 1.0035 ** (pace * t) * distance.mean()
        (gradient,) = torch.autograd.grad(reward - penalty, parameters)
        kept = 0.9**pace
        velocity = gradient if t == 0 else kept * velocity + (1 - kept) * gradient
        rate = min(0.01 * pace, parameters.numel() / (2 * 300 * 1.0035 ** (pace * t)))
        parameters = (parameters.detach() + rate * velocity).clamp(0, 1)
        history.append((float(reward.detach()), float(-penalty.detach())))
    return generator.generate(parameters)[0], history


@pytest.mark.parametrize("variant", ["preserve", "delete", "dual"])
def test_equals_the_slow_ascent(tiny: Tiny, variant: str) -> None:
    net, x = tiny.double(), REFERENCE["x"].double()
    settings = {"variant": variant, "area_on": "padded", "border": "zeros", **SMALL}
    masks, history = extremal_perturbation(net, x, 3, [0.3], max_iter=100, **settings)
    expected, steps = slow_ascent(net, x, 3, 0.3, 100, variant)
    assert torch.allclose(
        history[0, :, :20].t(), torch.tensor(steps[:20], dtype=torch.float64), rtol=1e-4
    )
    assert torch.allclose(masks, expected, atol=1e-3)


def test_a_batch_equals_the_loop(tiny: Tiny) -> None:
    net, x = tiny.double(), torch.rand(3, 3, 12, 20, dtype=torch.float64)
    areas = [0.4, 0.1, 0.4]
    together = extremal_perturbation(net, x, [4, 0, 2], areas, max_iter=15, **SMALL)
    assert together.masks.shape == (9, 1, 12, 20)
    assert together.shape == (3, 1, 3)
    for n, target in enumerate((4, 0, 2)):
        alone = extremal_perturbation(net, x[n : n + 1], target, areas, max_iter=15, **SMALL)
        rows = slice(3 * n, 3 * n + 3)
        assert torch.allclose(together.masks[rows], alone.masks, atol=1e-5)
        assert torch.allclose(together.history[rows], alone.history, atol=1e-5)
        for i, area in enumerate(areas):
            single = extremal_perturbation(net, x[n : n + 1], target, area, max_iter=15, **SMALL)
            assert torch.allclose(single.masks[0], alone.masks[i], atol=1e-5)


def test_several_targets_per_image(tiny: Tiny) -> None:
    net, x = tiny.double(), torch.rand(2, 3, 12, 12, dtype=torch.float64)
    targets = torch.tensor([[4, 0], [2, 4]])
    result = extremal_perturbation(net, x, targets, [0.2, 0.5], max_iter=8, **SMALL)
    assert result.shape == (2, 2, 2)
    grid = result.masks.unflatten(0, result.shape)
    for n in range(2):
        for k in range(2):
            alone = extremal_perturbation(
                net, x[n : n + 1], int(targets[n, k]), [0.2, 0.5], max_iter=8, **SMALL
            )
            assert torch.allclose(grid[n, k], alone.masks, atol=1e-5)


def test_weights_of_the_scores_as_a_target(tiny: Tiny) -> None:
    weights = torch.zeros(1, 5)
    weights[0, 3] = 1
    x = REFERENCE["x"]
    by_weight = extremal_perturbation(tiny, x, weights, [0.3], max_iter=5, **SMALL)
    by_class = extremal_perturbation(tiny, x, 3, [0.3], max_iter=5, **SMALL)
    assert torch.allclose(by_weight.masks, by_class.masks, atol=1e-5)


@pytest.mark.parametrize("perturbation", ["blur", "fade"])
def test_finds_the_place_that_matters(perturbation: str) -> None:
    x = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    x[:, :, :8, :8] += 1
    result = extremal_perturbation(Corner(), x, 0, [0.06], perturbation, jitter=False, **SMALL)
    mask = result.masks[0, 0]
    assert mask[:6, :6].mean() > 0.7
    assert mask[20:, 20:].mean() < 0.1


AREAS = (0.05, 0.1, 0.2, 0.3, 0.4)


@pytest.mark.slow
@pytest.mark.parametrize("network", ["tiny_vgg", "tiny_resnet"])
def test_masks_have_the_areas_asked_for(network: str) -> None:
    found = extremal_perturbation(
        load_network(network), example_scene().x, example_scene().objects[0], AREAS, max_iter=50
    )
    assert found.area.tolist() == pytest.approx(AREAS, rel=0.05)
    assert torch.allclose(found.covered, found.masks.mean((1, 2, 3)))
    assert bool((found.covered <= found.area + 1e-6).all())


def test_a_mask_that_hangs_over_the_edge_pays_for_all_of_it() -> None:
    class Tip(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return 20 * x[:, :, :2, :2].mean((2, 3))

    x = torch.ones(1, 3, 32, 32)
    found = extremal_perturbation(Tip(), x, 0, [0.07], "fade", jitter=False, **SMALL)
    assert found.masks[0, 0, 0, 0] > 0.9
    assert float(found.area) == pytest.approx(0.07, rel=0.05)
    assert float(found.covered) == pytest.approx(float(found.masks.mean()))
    assert float(found.covered) < 0.75 * float(found.area)


def test_torchrays_area_is_that_of_the_mask_with_its_margin(tiny: Tiny) -> None:
    x = REFERENCE["x"]
    found = extremal_perturbation(tiny, x, 3, [0.3], area_on="padded", **SMALL)
    assert float(found.area) == pytest.approx(0.3, abs=0.05)
    assert float(found.covered) == pytest.approx(float(found.masks.mean()))
    assert float(found.covered) > 0.3 + 0.1


@pytest.mark.parametrize(
    ("side", "step", "sigma"), [((224, 300), 7, 21), ((96, 96), 3, 9), ((448, 448), 14, 42)]
)
def test_step_and_sigma_go_with_the_image(side: tuple[int, int], step: int, sigma: float) -> None:
    generator = generator_for(side)
    assert (generator.step, generator.sigma) == (step, pytest.approx(sigma))
    x, settings = torch.rand(1, 3, *side), {"max_iter": 1, "areas": 0.1}
    usual = extremal_perturbation(Corner(), x, 0, **settings)
    same = extremal_perturbation(Corner(), x, 0, step=step, sigma=sigma, **settings)
    other = extremal_perturbation(Corner(), x, 0, step=8, sigma=9, **settings)
    assert torch.equal(usual.masks, same.masks)
    assert not torch.equal(other.masks, same.masks)


@pytest.mark.parametrize("border", ["edge", "zeros"])
def test_the_network_sees_fog_with_a_dark_border_only_with_zeros(border: str) -> None:
    """A mask that keeps next to nothing of a bright image, whose corner is then bright or dark."""
    x = torch.ones(1, 3, 64, 64)
    found = extremal_perturbation(
        Corner(), x, 0, [0.5], border=border, variant="delete", max_iter=1
    )
    # In the first step the mask is of ones, and all is taken away.
    seen = -float(found.history[0, 0, 0])
    assert seen == pytest.approx(1, abs=0.05) if border == "edge" else seen < 0.7


def test_result_reports_and_unpacks(tiny: Tiny) -> None:
    result = extremal_perturbation(tiny, REFERENCE["x"], 3, [0.3, 0.1], max_iter=7, **SMALL)
    assert isinstance(result, ExtremalMasks)
    masks, history = result
    assert masks is result[0] is result.masks
    assert history is result[1] is result.history
    assert len(result) == 2
    assert history.shape == (2, 2, 7)
    assert result.areas == (0.3, 0.1)
    assert torch.allclose(result.covered, masks.mean((1, 2, 3)))
    shown = Perturbation(REFERENCE["x"]).apply(masks)
    assert torch.allclose(result.reward, tiny(shown)[:, 3].detach(), atol=1e-5)
    assert not any(t.requires_grad for t in (masks, history, result.reward, result.area))


def test_no_mask_depends_on_the_others_by_the_contrastive_reward(tiny: Tiny) -> None:
    x = REFERENCE["x"]
    settings = {"reward_func": contrastive_reward, "max_iter": 6, **SMALL}
    both = extremal_perturbation(tiny, x, 3, [0.1, 0.6], **settings)
    alone = extremal_perturbation(tiny, x, 3, [0.1], **settings)
    assert torch.allclose(both.masks[:1], alone.masks, atol=1e-5)


def test_own_reward_function_gets_the_int_it_was_given(tiny: Tiny) -> None:
    seen = []

    def reward(activation: torch.Tensor, target: int, variant: str) -> torch.Tensor:
        seen.append((target, variant))
        return activation[:, target]

    extremal_perturbation(tiny, REFERENCE["x"], 3, [0.1], max_iter=2, reward_func=reward)
    assert seen[0] == (3, "preserve")
    assert isinstance(seen[0][0], int)


def test_spatial_scores() -> None:
    conv = nn.Conv2d(3, 4, 3)
    averaged = nn.Sequential(conv, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    x = torch.rand(1, 3, 12, 12)
    spatial = extremal_perturbation(conv, x, 2, [0.3], max_iter=5, **SMALL)
    flat = extremal_perturbation(averaged, x, 2, [0.3], max_iter=5, **SMALL)
    assert torch.allclose(spatial.masks, flat.masks, atol=1e-5)


@pytest.mark.parametrize("shape", [(5, 3), (1, 1), (33, 10)])
def test_images_of_any_size(shape: tuple[int, int]) -> None:
    model = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2))
    result = extremal_perturbation(model, torch.rand(1, 3, *shape), 0, [0.3], max_iter=3)
    assert result.masks.shape == (1, 1, *shape)
    assert bool(torch.isfinite(result.masks).all())


def test_resizes_and_smooths(tiny: Tiny) -> None:
    x = REFERENCE["x"]
    resized = extremal_perturbation(tiny, x, 3, [0.3], max_iter=2, resize=(5, 7))
    assert resized.masks.shape == (1, 1, 7, 5)
    sharp = extremal_perturbation(tiny, x, 3, [0.3], **SMALL)
    smooth = extremal_perturbation(tiny, x, 3, [0.3], smooth=0.2, **SMALL)
    assert smooth.masks.shape == sharp.masks.shape
    assert smooth.masks.diff(dim=3).abs().max() < sharp.masks.diff(dim=3).abs().max()


def test_what_is_reported_is_of_the_masks_before_they_are_resized_and_smoothed(tiny: Tiny) -> None:
    x = REFERENCE["x"]
    found = extremal_perturbation(tiny, x, 3, [0.3], max_iter=4, **SMALL)
    finished = extremal_perturbation(
        tiny, x, 3, [0.3], max_iter=4, resize=(9, 14), smooth=0.2, **SMALL
    )
    assert torch.equal(finished.reward, found.reward)
    assert torch.equal(finished.area, found.area)
    resized = nn.functional.interpolate(found.masks, (14, 9), mode="bilinear")
    assert torch.allclose(finished.masks, imsmooth(resized, 0.2 * 9), atol=1e-6)


class NoGradient(Corner):
    """A network that can be asked, but gives no gradient."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            return super().forward(x)


@pytest.mark.parametrize("variant", ["preserve", "dual"])
def test_an_ascent_without_a_gradient_is_refused(variant: str) -> None:
    x = torch.ones(1, 3, 32, 32)
    with pytest.raises(ValueError, match=r"^The reward has no gradient .* differentiable\.$"):
        extremal_perturbation(NoGradient(), x, 0, [0.1], variant=variant)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"areas": [0.1, 0]}, "share between 0 and 1"),
        ({"areas": [1.0]}, "share between 0 and 1"),
        ({"areas": [float("nan")]}, "share between 0 and 1"),
        ({"areas": []}, "at least one area"),
        ({"perturbation": "noise"}, "perturbation must be one of"),
        ({"variant": "keep"}, "variant must be one of"),
        ({"area_on": "image"}, "area_on must be one of mass, padded, not 'image'"),
        ({"border": "reflect"}, "border must be one of edge, zeros, not 'reflect'"),
        ({"max_iter": 0}, "max_iter must be"),
        ({"step": 0}, "step must be"),
        ({"sigma": -1}, "sigma must be"),
        ({"num_levels": 1}, "num_levels must be"),
        ({"target": 7}, "out of range"),
        ({"target": torch.tensor([[1, 2], [3, 4]])}, "one target per image"),
        ({"input": torch.rand(0, 3, 8, 8)}, "at least one image"),
        ({"input": torch.rand(3, 8, 8)}, "N x C x H x W"),
        ({"input": torch.full((1, 3, 8, 8), float("inf"))}, "must be finite"),
        ({"reward_func": lambda y, t, variant: y.sum()}, "one reward per mask"),
        (
            {"reward_func": lambda y, t, variant: y[:, t] / 0},
            "infinite or not a number in iteration 1",
        ),
    ],
)
def test_refuses_bad_input_in_one_sentence(tiny: Tiny, arguments: dict, message: str) -> None:
    given = {"model": tiny, "input": torch.rand(1, 3, 8, 8), "target": 1, **arguments}
    with pytest.raises(ValueError, match=message):
        extremal_perturbation(**given)


@pytest.mark.parametrize("areas", [["small"], "0.1", None, [0.1, None], torch.tensor([[0.1]])])
def test_areas_must_be_numbers(tiny: Tiny, areas: Any) -> None:
    with pytest.raises(TypeError, match="areas must be numbers"):
        extremal_perturbation(tiny, REFERENCE["x"], 1, areas)


@pytest.mark.parametrize(
    "areas",
    [
        0.25,
        np.float32(0.25),
        np.array(0.25),
        torch.tensor(0.25),
        [torch.tensor(0.25)],
        [np.float32(0.25)],
        np.array([0.25]),
        torch.tensor([0.25]),
    ],
)
def test_areas_may_be_numbers_of_any_kind(tiny: Tiny, areas: Any) -> None:
    found = extremal_perturbation(tiny, REFERENCE["x"], 1, areas, max_iter=1)
    assert found.areas == (0.25,)
    assert type(found.areas[0]) is float


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        *[({"smooth": bad}, "smooth must be a finite number") for bad in ("a", None, -1)],
        *[({"smooth": float(bad)}, "smooth must be a finite number") for bad in ("nan", "inf")],
        *[({"max_iter": bad}, "max_iter must be a whole") for bad in ("a", [1], 2.5, True)],
        *[({"max_iter": float(bad)}, "max_iter must be a whole") for bad in ("nan", "inf")],
        *[({"max_iter": bad}, "max_iter must be a whole") for bad in (None, -3)],
        ({"resize": (0, 4)}, "resize must be"),
        ({"resize": "large"}, "resize must be"),
        ({"resize": True, "resize_mode": "cubic"}, "resize_mode must be"),
        ({"reward_func": None}, "reward_func must be a function, not None"),
        ({"reward_func": "simple"}, "reward_func must be a function, not 'simple'"),
        ({"callback": 3}, "callback must be a function, not 3"),
    ],
)
def test_bad_options_are_refused_before_the_network_runs(arguments: dict, message: str) -> None:
    model = Exploding(1, AssertionError)
    with pytest.raises((TypeError, ValueError), match=message):
        extremal_perturbation(model, torch.rand(1, 3, 8, 8), 1, **arguments)


@pytest.mark.parametrize("variant", ["preserve", "dual"])
def test_of_several_rewards_per_mask_the_mean_counts(variant: str) -> None:
    model = nn.Conv2d(3, 4, 3, padding=1)
    x, options = torch.rand(1, 3, 16, 16), {"variant": variant, "max_iter": 3}

    def everywhere(scores: torch.Tensor, target: int, variant: str) -> torch.Tensor:
        if variant == "dual":
            kept, perturbed = scores[:, target].chunk(2)
            return kept - perturbed
        return scores[:, target]

    found = extremal_perturbation(model, x, 1, [0.1, 0.3], reward_func=everywhere, **options)
    mean = extremal_perturbation(
        model,
        x,
        1,
        [0.1, 0.3],
        reward_func=lambda y, t, variant: everywhere(y, t, variant).mean((1, 2)),
        **options,
    )
    torch.testing.assert_close(found.masks, mean.masks)
    torch.testing.assert_close(found.reward, mean.reward)


@pytest.mark.parametrize(
    ("reward", "kind"),
    [
        (lambda y, t, variant: list(y[:, t]), "list"),
        (lambda y, t, variant: None, "NoneType"),
        (lambda y, t, variant: y[:, t].detach().numpy(), "ndarray"),
    ],
)
def test_rewards_must_be_tensors(tiny: Tiny, reward: Callable[..., Any], kind: str) -> None:
    with pytest.raises(ValueError, match=rf"one reward per mask, a tensor .* gave a {kind}\.$"):
        extremal_perturbation(tiny, REFERENCE["x"], 1, reward_func=reward)


def test_the_last_reward_is_looked_at_too(tiny: Tiny) -> None:
    calls = 0

    def reward(y: torch.Tensor, target: int, variant: str) -> torch.Tensor:
        nonlocal calls
        calls += 1
        return y[:, target] * (1.0 if calls < 3 else float("nan"))

    settings = {"max_iter": 2, **SMALL}
    with pytest.raises(ValueError, match="infinite or not a number of the masks found"):
        extremal_perturbation(tiny, REFERENCE["x"], 1, reward_func=reward, **settings)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_bad_score_midway_raises(bad: float) -> None:
    class Fails(Corner):
        calls = 0

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.calls += 1
            return super().forward(x) * (bad if self.calls == 3 else 1.0)

    with pytest.raises(ValueError, match="must be finite"):
        extremal_perturbation(Fails(), torch.rand(1, 3, 8, 8), 0, [0.2])


def state_of(model: nn.Module, x: torch.Tensor) -> tuple:
    return (
        [m.training for m in model.modules()],
        [(p.requires_grad, p.grad) for p in model.parameters()],
        [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules()],
        [getattr(m, "inplace", None) for m in model.modules()],
        x.requires_grad,
        x.grad,
        x.detach().clone().tolist(),
        torch.get_rng_state().tolist(),
    )


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
@pytest.mark.parametrize("at", [0, 1, 2, 4, 5], ids=lambda at: f"at pass {at}")
def test_leaves_everything_as_it_was_after_an_exception(at: int, error: type) -> None:
    """At no pass, the first, in an ascent of three steps, and at the last, which measures."""
    model = Exploding(at, error).train()
    model.inner.conv1.eval()
    model.inner.conv2.weight.requires_grad_(False)
    x = torch.rand(2, 3, 8, 8, requires_grad=True)
    before = state_of(model, x)
    with pytest.raises(error, match="injected") if at else nullcontext():
        extremal_perturbation(model, x, 1, [0.2], max_iter=3)
    assert model.calls == (at or 5)
    assert state_of(model, x) == before


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt, StopIteration])
def test_an_exception_in_the_reward_restores_all(tiny: Tiny, error: type[BaseException]) -> None:
    def reward(y: torch.Tensor, target: int, variant: str) -> torch.Tensor:
        raise error

    tiny.train()
    x = REFERENCE["x"].clone()
    before = state_of(tiny, x)
    with pytest.raises(error):
        extremal_perturbation(tiny, x, 1, [0.2], reward_func=reward, **SMALL)
    assert state_of(tiny, x) == before


def test_runs_in_eval_mode_and_the_same_way_each_time() -> None:
    model = Exploding(0, ValueError).train()
    x = torch.rand(1, 3, 8, 8)
    one, two = (extremal_perturbation(model, x, 0, [0.3], max_iter=4) for _ in range(2))
    assert torch.equal(one.masks, two.masks)


def test_callers_in_inference_mode_and_no_grad(tiny: Tiny) -> None:
    x = REFERENCE["x"]
    expected = extremal_perturbation(tiny, x, 3, [0.3], max_iter=4).masks
    with torch.no_grad():
        assert torch.equal(extremal_perturbation(tiny, x, 3, [0.3], max_iter=4).masks, expected)
    with torch.inference_mode():
        inside = x * 1
        masks = extremal_perturbation(tiny, inside, 3, [0.3], max_iter=4).masks
    assert torch.equal(masks, expected)


def test_under_autocast_masks_keep_full_precision(tiny: Tiny) -> None:
    x = REFERENCE["x"]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        result = extremal_perturbation(tiny, x, 3, [0.3], max_iter=10, **SMALL)
    assert result.masks.dtype == torch.float32
    expected = extremal_perturbation(tiny, x, 3, [0.3], max_iter=10, **SMALL)
    assert torch.allclose(result.masks, expected.masks, atol=0.02)
    assert not torch.equal(result.reward, expected.reward)


def test_half_precision(tiny: Tiny) -> None:
    x = REFERENCE["x"].bfloat16()
    result = extremal_perturbation(tiny.bfloat16(), x, 3, [0.3], max_iter=4, **SMALL)
    assert result.masks.dtype == torch.float32
    assert bool(torch.isfinite(result.masks).all())


def test_prints_and_shows_progress_only_on_request(
    tiny: Tiny, capsys: pytest.CaptureFixture[str]
) -> None:
    x = REFERENCE["x"]
    settings = {"max_iter": 4}
    extremal_perturbation(tiny, x, 3, [0.3], **settings)
    assert capsys.readouterr() == ("", "")
    extremal_perturbation(tiny, x, 3, [0.3], print_iter=2, progress=True, **settings)
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 2
    assert "Extremal masks" in err
    extremal_perturbation(tiny, x, 3, [0.3], debug=True, **settings)
    assert len(capsys.readouterr().out.splitlines()) == 4


def test_calls_back_after_each_iteration(tiny: Tiny) -> None:
    class Enough(Exception):
        pass

    calls = []

    def callback(iteration: int, total: int) -> None:
        calls.append((iteration, total))
        if iteration == 3:
            raise Enough

    tiny.train()
    with pytest.raises(Enough):
        extremal_perturbation(tiny, REFERENCE["x"], 3, max_iter=9, callback=callback)
    assert calls == [(1, 9), (2, 9), (3, 9)]
    assert tiny.training
