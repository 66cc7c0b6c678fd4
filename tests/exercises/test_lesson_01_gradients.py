"""What learners build in lesson 01 is what the library computes."""

from __future__ import annotations

import torch

from course_lib.attribution.gradient import gradient
from course_lib.attribution.saliency import gradient_to_saliency
from course_lib.exercises.engine.probes import rand, small_network
from course_lib.exercises.lesson_01.batch_gradient import batch_gradient
from course_lib.exercises.lesson_01.gradient_times_input import gradient_times_input
from course_lib.exercises.lesson_01.saliency_by_length import saliency_by_length
from course_lib.exercises.lesson_01.saliency_by_maximum import saliency_by_maximum
from course_lib.exercises.lesson_01.score_gradient import score_gradient


def network_and_images() -> tuple[torch.nn.Module, torch.Tensor]:
    rng = torch.Generator().manual_seed(3)
    return small_network(rng).requires_grad_(False), rand(rng, 4, 3, 10, 9, low=0.0)


def test_the_map_is_the_librarys_gradient_method() -> None:
    model, x = network_and_images()
    targets = [2, 0, 3, 2]
    expected = gradient(model, x, targets)
    together = saliency_by_maximum(batch_gradient(model, x, torch.tensor(targets)))
    torch.testing.assert_close(together, expected, rtol=0, atol=1e-12)
    alone = [
        saliency_by_maximum(score_gradient(model, image[None], c))
        for image, c in zip(x, targets, strict=True)
    ]
    torch.testing.assert_close(torch.cat(alone), expected, rtol=0, atol=1e-12)


def test_the_maximum_is_the_librarys_own_step_from_gradient_to_saliency() -> None:
    x = torch.zeros(2, 3, 4, 5, requires_grad=True)
    x.grad = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    assert torch.equal(saliency_by_maximum(x.grad), gradient_to_saliency(x))


def test_the_length_lies_between_the_maximum_and_root_c_times_it() -> None:
    g = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    largest, length = saliency_by_maximum(g), saliency_by_length(g)
    assert (length >= largest - 1e-12).all()
    assert (length <= 3**0.5 * largest + 1e-12).all()


def test_gradient_times_input_adds_up_in_a_network_without_biases() -> None:
    model, x = network_and_images()
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            parameter.zero_()
    targets = torch.tensor([0, 1, 2, 3])
    product = gradient_times_input(batch_gradient(model, x, targets), x)
    scores = model(x)[torch.arange(4), targets]
    torch.testing.assert_close(product.sum(dim=(1, 2, 3)), scores, rtol=0, atol=1e-12)
