"""RISE: the reference numbers, a loop over masks, and each mistake of TorchRay's."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from course_lib.attribution.network.fast import prefers_channels_last, run_fast
from course_lib.attribution.rise import RiseMasks, rise, rise_class

SIZES = torch.load(Path(__file__).parents[1] / "reference" / "rise_sizes.pt", weights_only=True)
REFERENCE = torch.load(Path(__file__).parents[1] / "reference" / "rise.pt", weights_only=True)


class Tiny(nn.Module):
    def __init__(self, classes: int = 5) -> None:
        super().__init__()
        self.conv1, self.relu1 = nn.Conv2d(3, 8, 3, padding=1), nn.ReLU()
        self.pool1 = nn.MaxPool2d(2)
        self.conv2, self.relu2 = nn.Conv2d(8, 12, 3, padding=1), nn.ReLU()
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


@pytest.fixture
def tiny() -> Tiny:
    net = Tiny()
    net.load_state_dict(REFERENCE["state_dict"])
    return net


def relative_error(value: torch.Tensor, expected: torch.Tensor) -> float:
    return float((value - expected).abs().max() / expected.abs().max())


@pytest.mark.parametrize("case", REFERENCE["masks"])
def test_reference_masks(case: dict) -> None:
    settings = {k: v for k, v in case["kwargs"].items() if k != "batch_size"}
    masks = RiseMasks(case["shape"], **settings)
    assert relative_error(masks[:], case["output"]) < 1e-5


@pytest.mark.parametrize("case", REFERENCE["cases"])
@pytest.mark.parametrize("batch_size", [1, 7, 32, 100])
def test_reference_maps_whatever_the_batch(tiny: Tiny, case: dict, batch_size: int) -> None:
    saliency = rise(tiny, REFERENCE["x"], **{**case["kwargs"], "batch_size": batch_size})
    assert relative_error(saliency, case["output"]) < 1e-5


@pytest.mark.parametrize("case", SIZES["cases"], ids=lambda case: str(case["shape"]))
def test_masks_of_other_sizes(case: dict) -> None:
    masks = RiseMasks(case["shape"], seed=SIZES["seed"], **case["kwargs"])[:]
    # The samples are stored in half precision.
    torch.testing.assert_close(masks[:8, :, ::3, ::3].half(), case["masks"], rtol=1e-3, atol=1e-3)
    assert float(masks.mean()) == pytest.approx(case["mean"], rel=1e-5)
    assert float(masks.square().mean()) == pytest.approx(case["sum_of_squares"], rel=1e-5)


def test_an_activation_that_flattens_the_scores_is_warned_of() -> None:
    """Logits of 9 to 11 are all 1 to the logistic function."""

    class Large(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            corner = x[:, :, 4:8, 4:8].mean((1, 2, 3))
            return torch.stack((9 + 2 * corner, 10 + corner, -9 + 2 * corner), 1)

    x = torch.ones(1, 3, 16, 16)
    with pytest.warns(UserWarning, match=r"flattens the scores.*softmax\(1\), or None"):
        rise(Large(), x, 0, num_masks=64)
    # Small numbers that vary, and those of the ways out, are no reason to warn.
    rise(Large(), x, 2, num_masks=64)
    rise(Large(), x, 0, num_masks=64, activation=None)
    rise(Large(), x, 0, num_masks=64, activation=lambda scores: scores.softmax(1))


def test_masks_beyond_one_draw_are_drawn_by_32() -> None:
    height, width, cells = 13, 9, 4
    masks = RiseMasks((height, width), num_masks=70, num_cells=cells, p=0.3, seed=5)
    state = torch.get_rng_state()
    torch.manual_seed(5)
    expected = []
    for count in (32, 32, 6):
        grid = (torch.rand(count, 1, cells, cells) < 0.3).float()
        rows, columns = torch.randint(0, 4, (count,)), torch.randint(0, 3, (count,))
        grid = nn.functional.pad(grid, (1, 1, 1, 1), mode="reflect")
        large = nn.functional.interpolate(grid, size=(30, 18), mode="bilinear")
        for mask, row, column in zip(large, rows + 5, columns + 3, strict=True):
            expected.append(mask[:, row : row + height, column : column + width])
    torch.set_rng_state(state)
    assert torch.allclose(masks[:], torch.stack(expected), atol=1e-6)
    assert torch.equal(masks[30:40], masks[:][30:40])


def test_equals_the_loop_over_masks(tiny: Tiny) -> None:
    x = torch.rand(1, 3, 10, 14, dtype=torch.float64)
    net = tiny.double()
    masks = RiseMasks((10, 14), 40, dtype=torch.float64)[:]
    expected = torch.zeros(5, 10, 14, dtype=torch.float64)
    for mask in masks:
        scores = torch.sigmoid(net(x * mask)[0].detach())
        for c in range(5):
            expected[c] += scores[c] * mask[0] / len(masks)
    saliency = rise(net, x, num_masks=40)
    assert saliency.dtype == torch.float64
    assert torch.allclose(saliency[0], expected, atol=1e-12)
    some = rise(net, x, [3, 1], num_masks=40)
    assert torch.allclose(some[0], expected[[3, 1]], atol=1e-12)


def loop_in_float64(net: nn.Module, x: torch.Tensor, count: int) -> torch.Tensor:
    """The mean over masks in double precision, of the scores that the network gives."""
    expected = torch.zeros(5, *x.shape[2:], dtype=torch.float64)
    for mask in RiseMasks(x.shape[2:], count)[:]:
        scores = torch.sigmoid(net((x * mask).to(x.dtype))[0].detach().double())
        expected += scores.view(5, 1, 1) * mask.double() / count
    return expected


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("batch_size", [8, 32])
def test_sums_in_full_precision_for_half_precision_images(
    tiny: Tiny, dtype: torch.dtype, batch_size: int
) -> None:
    x, net = REFERENCE["x"].to(dtype), tiny.to(dtype)
    saliency = rise(net, x, num_masks=600, batch_size=batch_size)
    assert saliency.dtype == dtype
    assert relative_error(saliency[0].double(), loop_in_float64(net, x, 600)) < 2**-8


@pytest.mark.parametrize("batch_size", [8, 32])
def test_autocast_is_for_the_network_alone(tiny: Tiny, batch_size: int) -> None:
    seen = []

    def note(module: nn.Module, inputs: tuple[torch.Tensor], output: torch.Tensor) -> None:
        seen.append((inputs[0].dtype, output.dtype))

    tiny.conv1.register_forward_hook(note)
    x = REFERENCE["x"]
    with torch.autocast("cpu", torch.bfloat16):
        saliency = rise(tiny, x, num_masks=600, batch_size=batch_size)
        weighted = rise(tiny, x, torch.eye(5)[1:2], num_masks=600)
        expected = loop_in_float64(tiny, x, 600)
        masks = RiseMasks((16, 16), 20)[:]
    assert set(seen) == {(torch.float32, torch.bfloat16)}
    assert saliency.dtype == torch.float32
    assert relative_error(saliency[0].double(), expected) < 1e-4
    assert relative_error(weighted[0, 0].double(), expected[1]) < 1e-4
    assert torch.equal(masks, RiseMasks((16, 16), 20)[:])


@pytest.mark.parametrize("target", [None, 3])
@pytest.mark.parametrize("spatial", [False, True])
def test_a_network_may_return_the_same_memory_each_time(target: int | None, spatial: bool) -> None:
    class Buffered(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Conv2d(3, 5, 3) if spatial else Tiny()
            self.buffer: torch.Tensor | None = None

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = self.inner(x)
            if self.buffer is None or len(self.buffer) < len(y):
                self.buffer = torch.zeros_like(y)
            return self.buffer[: len(y)].copy_(y)

    model, x = Buffered(), torch.rand(1, 3, 128, 128)
    expected = rise(model.inner, x, target, num_masks=40)
    assert torch.allclose(rise(model, x, target, num_masks=40), expected, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16])
def test_the_default_dtype_changes_nothing(dtype: torch.dtype) -> None:
    expected = RiseMasks((13, 9), 70, num_cells=4)[:]
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        masks = RiseMasks((13, 9), 70, num_cells=4)[:]
    finally:
        torch.set_default_dtype(before)
    assert torch.equal(masks, expected)


def test_masks_as_the_docstring_has_them() -> None:
    masks = RiseMasks((13, 9), 6, num_cells=4)
    for k, (row, column) in enumerate(zip(masks._rows, masks._columns, strict=True)):
        grid = torch.from_numpy(np.pad(masks._grids[k].float().numpy(), 1, mode="reflect"))
        # A cell is ceil((13 + 4) / 4) x ceil((9 + 3) / 4) pixels.
        large = nn.functional.interpolate(grid[None, None], size=(30, 18), mode="bilinear")
        cut = large[:, :, 5 + row : 18 + row, 3 + column : 12 + column]
        assert torch.allclose(masks[k : k + 1], cut, atol=1e-6)


def test_masks_are_read_by_slices_only() -> None:
    with pytest.raises(TypeError, match=r"read by slices, such as masks\[:4\], not by 3"):
        RiseMasks((3, 3), 5)[3]


def test_p_is_the_share_that_is_kept() -> None:
    assert RiseMasks((20, 20), 400, p=0.9)[:].mean() > 0.8
    assert RiseMasks((20, 20), 400, p=0.1)[:].mean() < 0.2
    assert torch.allclose(RiseMasks((20, 20), 3, p=1)[:], torch.ones(1))


def test_computes_and_keeps_only_the_asked_for_classes(tiny: Tiny) -> None:
    everything = rise(tiny, REFERENCE["x"], num_masks=20)
    assert everything.shape == (1, 5, 16, 16)
    only = rise(tiny, REFERENCE["x"], 3, num_masks=20)
    assert only.shape == (1, 1, 16, 16)
    assert torch.allclose(only[0, 0], everything[0, 3], atol=1e-7)


def test_weights_of_the_scores_as_a_target(tiny: Tiny) -> None:
    everything = rise(tiny, REFERENCE["x"], num_masks=20)
    weights = torch.tensor([[0.0, 1.0, 0.0, -2.0, 0.0]])
    saliency = rise(tiny, REFERENCE["x"], weights, num_masks=20)
    expected = everything[:, 1:2] - 2 * everything[:, 3:4]
    assert torch.allclose(saliency, expected, atol=1e-6)


def test_a_batch_equals_the_loop_over_images(tiny: Tiny) -> None:
    x = torch.rand(3, 3, 12, 20)
    together = rise(tiny, x, [4, 0, 2], num_masks=50)
    assert together.shape == (3, 1, 12, 20)
    for n, target in enumerate((4, 0, 2)):
        alone = rise(tiny, x[n : n + 1], target, num_masks=50)
        assert torch.allclose(together[n], alone[0], atol=1e-6)


def test_other_activations(tiny: Tiny) -> None:
    x = REFERENCE["x"]
    masks = RiseMasks((16, 16), 40)[:]
    scores = tiny(x * masks).detach()
    for activation, activated in (
        (None, scores),
        (lambda y: y.softmax(1), scores.softmax(1)),
        (torch.sigmoid, scores.sigmoid()),
    ):
        saliency = rise(tiny, x, num_masks=40, activation=activation)
        expected = (activated.t() @ masks.flatten(1) / 40).view(1, 5, 16, 16)
        assert torch.allclose(saliency, expected, atol=1e-5)
    with pytest.raises(ValueError, match="activation must keep"):
        rise(tiny, x, num_masks=4, activation=lambda y: y.sum(1))
    with pytest.raises(ValueError, match=r"scores' shape, \(4, 5\), but gave a list"):
        rise(tiny, x, num_masks=4, activation=lambda y: y.tolist())


def test_given_masks(tiny: Tiny) -> None:
    masks = RiseMasks((16, 16), 20)[:]
    expected = rise(tiny, REFERENCE["x"], num_masks=20)
    for given in (masks, masks[:, 0], masks.double()):
        saliency = rise(tiny, REFERENCE["x"], filter_masks=given, batch_size=6)
        assert torch.allclose(saliency, expected, atol=1e-6)
    with pytest.raises(ValueError, match="filter_masks must have shape K x 1 x 16 x 16"):
        rise(tiny, REFERENCE["x"], filter_masks=masks[:, :, :8])
    with pytest.raises(TypeError, match="filter_masks must be a tensor"):
        rise(tiny, REFERENCE["x"], filter_masks=[1, 2])


def test_rise_class(tiny: Tiny) -> None:
    x = REFERENCE["x"]
    assert torch.equal(rise_class(tiny, x, target=3, num_masks=20), rise(tiny, x, 3, num_masks=20))
    several = rise_class(tiny, x, [3, 1], num_masks=20)
    assert torch.equal(several, rise(tiny, x, [3, 1], num_masks=20))
    with pytest.raises(ValueError, match="needs a target"):
        rise_class(tiny, x, target=None)


def test_resizes(tiny: Tiny) -> None:
    assert rise(tiny, REFERENCE["x"], 1, num_masks=4, resize=(5, 7)).shape == (1, 1, 7, 5)


@pytest.mark.parametrize("shape", [(3, 5), (1, 1), (5, 40)])
def test_images_smaller_than_the_grid(shape: tuple[int, int]) -> None:
    model = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2))
    saliency = rise(model, torch.rand(1, 3, *shape), 0, num_masks=10)
    assert saliency.shape == (1, 1, *shape)
    assert RiseMasks(shape, 3, num_cells=1)[:].shape == (3, 1, *shape)


def test_spatial_scores_are_averaged() -> None:
    conv = nn.Conv2d(3, 4, 3)
    averaged = nn.Sequential(conv, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    x = torch.rand(1, 3, 8, 8)
    assert torch.allclose(
        rise(conv, x, 2, num_masks=20), rise(averaged, x, 2, num_masks=20), atol=1e-6
    )


def state_of(model: nn.Module, x: torch.Tensor) -> tuple:
    return (
        [m.training for m in model.modules()],
        [(p.requires_grad, p.grad) for p in model.parameters()],
        [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules()],
        ["forward" in vars(m) for m in model.modules()],
        x.requires_grad,
        x.grad,
        torch.get_rng_state().tolist(),
    )


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
@pytest.mark.parametrize("at", [1, 2, 3, 4, 9])
def test_leaves_everything_as_it_was(at: int, error: type[BaseException]) -> None:
    model = Exploding(at, error).train()
    model.inner.conv1.eval()
    model.inner.conv2.weight.requires_grad_(False)
    x = torch.rand(2, 3, 8, 8, requires_grad=True)
    before = state_of(model, x)
    if at == 9:
        saliency = rise(model, x, 1, num_masks=60, batch_size=32)
        assert not saliency.requires_grad
    else:
        with pytest.raises(error, match="injected"):
            rise(model, x, 1, num_masks=60, batch_size=32)
    assert state_of(model, x) == before


def test_runs_in_eval_mode_and_the_same_way_each_time() -> None:
    model = Exploding(0, ValueError).train()
    x = torch.rand(1, 3, 8, 8)
    assert torch.equal(rise(model, x, 0, num_masks=9), rise(model, x, 0, num_masks=9))


def test_an_interrupt_while_masks_are_weighed_restores_all(tiny: Tiny) -> None:
    def interrupt(y: torch.Tensor) -> torch.Tensor:
        raise KeyboardInterrupt

    tiny.train()
    x = REFERENCE["x"].clone()
    before = state_of(tiny, x)
    with pytest.raises(KeyboardInterrupt):
        rise(tiny, x, 1, num_masks=60, activation=interrupt)
    assert state_of(tiny, x) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"input": torch.rand(0, 3, 8, 8)}, "at least one image"),
        ({"input": torch.rand(3, 8, 8)}, "N x C x H x W"),
        ({"input": torch.full((1, 3, 8, 8), float("nan"))}, "must be finite"),
        ({"num_masks": 0}, "num_masks must be"),
        ({"num_cells": 0}, "num_cells must be"),
        ({"batch_size": 0}, "batch_size must be"),
        ({"p": 0}, "p must be a probability"),
        ({"p": 1.5}, "p must be a probability"),
        ({"p": "a"}, "p must be a probability"),
        ({"seed": 2**64}, "seed must be from"),
        ({"target": 5}, "out of range"),
        ({"target": torch.tensor([[1, 2], [0, 1]])}, "one target per image"),
    ],
)
def test_refuses_bad_input_in_one_sentence(tiny: Tiny, arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        rise(**{"model": tiny, "input": torch.rand(1, 3, 8, 8), "num_masks": 4, **arguments})


@pytest.mark.parametrize("bad", ["a", None, float("nan"), float("inf"), 2.5, True, [4]])
@pytest.mark.parametrize("name", ["num_masks", "num_cells", "batch_size"])
def test_refuses_what_is_no_whole_number(tiny: Tiny, name: str, bad: object) -> None:
    with pytest.raises(ValueError, match=f"{name} must be a whole number, at least 1, not"):
        rise(tiny, REFERENCE["x"], 1, **{"num_masks": 4, name: bad})


def test_whole_numbers_of_any_type(tiny: Tiny) -> None:
    expected = rise(tiny, REFERENCE["x"], 1, 3, 8, 4, batch_size=8)
    for kind in (float, np.int64, torch.tensor):
        counts = {"num_masks": kind(8), "num_cells": kind(4), "batch_size": kind(8)}
        assert torch.equal(rise(tiny, REFERENCE["x"], 1, np.int64(3), **counts), expected)
    with pytest.raises(TypeError, match=r"seed must be a whole number, not 1\.5"):
        rise(tiny, REFERENCE["x"], 1, seed=1.5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"resize": (2.5, 3)}, "resize must be"),
        ({"resize": True, "resize_mode": "best"}, "resize_mode must be"),
        ({"activation": "sigmoid"}, "activation must be a function"),
    ],
)
def test_refuses_before_the_network_runs(arguments: dict, message: str) -> None:
    model = Exploding(1, AssertionError)
    with pytest.raises((TypeError, ValueError), match=message):
        rise(model, torch.rand(1, 3, 8, 8), 1, num_masks=4, **arguments)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_bad_score_midway_raises(bad: float) -> None:
    class Fails(nn.Module):
        calls = 0

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.calls += 1
            return x.new_full((len(x), 2), bad if self.calls == 3 else 0.0)

    with pytest.raises(ValueError, match="must be finite"):
        rise(Fails(), torch.rand(1, 3, 8, 8), num_masks=8, batch_size=2)


def test_progress_bar_only_on_request(tiny: Tiny, capsys: pytest.CaptureFixture[str]) -> None:
    rise(tiny, REFERENCE["x"], 1, num_masks=8, progress=True)
    assert "RISE" in capsys.readouterr().err
    rise(tiny, REFERENCE["x"], 1, num_masks=8)
    assert capsys.readouterr().err == ""


def test_finds_the_place_that_matters() -> None:
    class Corner(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x[:, :, 4:8, 20:24].mean((2, 3)) * 4

    saliency = rise(Corner(), torch.ones(1, 3, 28, 28), 0, num_masks=2000)[0, 0]
    row, column = divmod(int(saliency.argmax()), 28)
    assert abs(row - 6) <= 3
    assert abs(column - 22) <= 3


def test_networks_that_flatten_by_view_work() -> None:
    class ByView(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.fc = nn.Conv2d(3, 4, 3, padding=1), nn.Linear(4 * 36, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = self.conv(x)
            return self.fc(y.view(len(y), -1))

    model = ByView()
    x = torch.rand(4, 3, 6, 6)
    assert torch.allclose(run_fast(model, x), model(x), atol=1e-6)
    assert not prefers_channels_last(model, x)
    assert rise(model, x, 1, num_masks=8).shape == (4, 1, 6, 6)


def test_the_networks_own_errors_are_not_swallowed() -> None:
    class Broken(nn.Module):
        calls = 0

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.calls += 1
            raise RuntimeError("out of order")

    model = Broken()
    with pytest.raises(RuntimeError, match="out of order"):
        rise(model, torch.rand(1, 3, 8, 8))
    assert model.calls == 1


def test_import_does_not_bring_in_the_progress_bar() -> None:
    code = "import sys, course_lib.attribution.rise; sys.exit('tqdm.auto' in sys.modules)"
    import subprocess

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_cuda_random_state_is_left_alone(tiny: Tiny) -> None:
    torch.cuda.manual_seed(3)
    before = torch.cuda.get_rng_state()
    saliency = rise(tiny.cuda(), REFERENCE["x"].cuda(), num_masks=20)
    assert torch.equal(torch.cuda.get_rng_state(), before)
    expected = REFERENCE["cases"][0]["output"]
    assert relative_error(saliency.cpu(), expected) < 1e-4
