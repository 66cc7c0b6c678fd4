"""The paper's ascent, step by step, and compressed."""

from __future__ import annotations

import pytest
import torch

from course_lib.attribution.masks.ascent import PAPER_STEPS, ascend


@pytest.mark.parametrize("pace", [1, 4, 40])
def test_steps_are_those_of_sgd_with_dampened_momentum(pace: int) -> None:
    steps = PAPER_STEPS // pace
    generator = torch.Generator().manual_seed(0)
    slopes = [10 * torch.randn(2, 5000, generator=generator) for _ in range(steps)]
    theirs = torch.nn.Parameter(torch.full((2, 5000), 0.5))
    kept = 0.9**pace
    optimiser = torch.optim.SGD(
        [theirs], lr=0.01 * pace, momentum=kept, dampening=kept, maximize=True
    )
    expected = []
    for slope in slopes:
        expected.append(theirs.detach().clone())
        theirs.grad = slope
        optimiser.step()
        theirs.data.clamp_(0, 1)
    seen = []

    def terms(parameters: torch.Tensor, t: int) -> tuple[torch.Tensor, torch.Tensor]:
        seen.append(parameters.detach().clone())
        return (parameters * slopes[t]).sum(1), torch.zeros(2)

    start = torch.full((2, 5000), 0.5)
    found, _ = ascend(start, terms, steps, lambda *_: None)
    assert torch.equal(start, torch.full((2, 5000), 0.5))
    torch.testing.assert_close(torch.stack(seen), torch.stack(expected))
    torch.testing.assert_close(found, theirs.detach())
    assert found.min() == 0
    assert found.max() == 1


@pytest.mark.parametrize("steps", [100, 800])
def test_the_areas_weight_grows_as_in_the_paper_over_any_number_of_steps(steps: int) -> None:
    told = []

    def terms(parameters: torch.Tensor, t: int) -> tuple[torch.Tensor, torch.Tensor]:
        return parameters.sum(1), torch.tensor([1.0, 2.0])

    _, history = ascend(torch.ones(2, 3), terms, steps, lambda *now: told.append(now))
    assert history.shape == (2, 2, steps)
    weight = [-300 * 1.0035 ** (800 / steps * t) for t in range(steps)]
    torch.testing.assert_close(history[0, 1], torch.tensor(weight))
    torch.testing.assert_close(history[1, 1], 2 * torch.tensor(weight))
    assert torch.equal(history[:, 0], torch.full((2, steps), 3.0))
    assert [t for t, _, _ in told] == list(range(steps))
    assert torch.equal(torch.stack([penalty for _, _, penalty in told], 1), history[:, 1])


def test_the_penalty_pulls_down() -> None:
    def terms(parameters: torch.Tensor, t: int) -> tuple[torch.Tensor, torch.Tensor]:
        return 0 * parameters.sum(1), parameters.sum(1)

    found, _ = ascend(torch.ones(2, 3), terms, 800, lambda *_: None)
    assert torch.equal(found, torch.zeros(2, 3))


def test_a_reward_without_a_gradient_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^The reward has no gradient .* differentiable\.$"):
        ascend(torch.ones(2, 3), lambda p, t: (p.detach().sum(1), p.sum(1)), 3, lambda *_: None)


@pytest.mark.parametrize("parameters", [4, 1024])
def test_few_parameters_do_not_jump_up_and_down(parameters: int) -> None:
    """The penalty is least at 1/2, where all rewards agree; it must be found, not jumped over."""

    def terms(p: torch.Tensor, t: int) -> tuple[torch.Tensor, torch.Tensor]:
        return 0 * p.sum(1), (p - 0.5).square().mean(1)

    found, _ = ascend(torch.ones(2, parameters), terms, 100, lambda *_: None)
    assert torch.allclose(found, torch.tensor(0.5), atol=0.01)
