"""What lesson 11 has learners build gives the numbers of the library's own methods."""

from __future__ import annotations

import pytest
import torch

from course_lib.attribution.grad_cam import grad_cam
from course_lib.attribution.integrated_gradients import path_integral
from course_lib.exercises.lesson_11.integrate_gradients import integrate_gradients
from course_lib.exercises.lesson_11.rollout import rollout
from course_lib.exercises.lesson_11.token_grad_cam import token_grad_cam
from course_lib.exercises.lesson_11.token_map import token_map
from course_lib.world.vision_transformer import TinyViT


@pytest.fixture(scope="module")
def network():
    """A transformer with random weights that are large enough to tell images apart."""
    torch.manual_seed(0)
    return TinyViT().double().eval().requires_grad_(False)


@pytest.fixture
def images():
    return torch.rand(2, 3, 96, 96, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def test_grad_cam_on_tokens_is_that_of_the_library(network, images) -> None:
    tokens = network.blocks[:2](network.tokens(images)).requires_grad_()
    scores = network.head(network.norm(network.blocks[2:](tokens)[:, 0]))
    (g,) = torch.autograd.grad(scores[:, 3].sum(), tokens)
    found = token_map(token_grad_cam(tokens.detach(), g), (12, 12), (96, 96))
    known = grad_cam(network, images, 3, saliency_layer="blocks.1", resize=True)
    assert known.max() > 0
    assert torch.allclose(found, known)


def test_a_row_of_the_rollout_adds_up_to_one(network, images) -> None:
    tokens, attentions = network.tokens(images), []
    for block in network.blocks:
        attentions.append(block.attention.weights(block.norm1(tokens)))
        tokens = block(tokens)
    found = rollout(attentions)
    assert torch.allclose(found.sum(1), torch.ones(2, dtype=torch.float64))
    # half of the class token stays in each of the five blocks
    assert (found[:, 0] > 0.5**5).all()


def test_integrated_gradients_are_those_of_the_library(network, images) -> None:
    black = torch.zeros_like(images)
    attributions, gap = integrate_gradients(network, images, black, 5, 3)
    known = path_integral(network, images, 5, steps=3)
    assert torch.allclose(attributions, known.attributions[0])
    assert torch.allclose(gap, known.gap[0])
