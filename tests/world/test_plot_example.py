from __future__ import annotations

import matplotlib
import pytest
import torch

from course_lib.benchmark import get_example_data, plot_example
from course_lib.world import examples

matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def _closed():
    import matplotlib.pyplot as plt

    yield
    plt.close("all")


def test_the_names_that_torchray_had():
    assert get_example_data is examples.get_example_data
    assert plot_example.__module__ == "course_lib.benchmark.example"


def test_an_example_is_plotted_and_saved(tmp_path):
    import matplotlib.pyplot as plt

    path = tmp_path / "new" / "example.png"
    x, saliency = torch.rand(2, 3, 24, 24) * 4 - 2, torch.rand(2, 1, 6, 6)
    plot_example(x, saliency, "grad-cam", [3, 5], save_path=path)
    assert path.read_bytes().startswith(b"\x89PNG")
    axes = plt.gcf().axes
    titles = [ax.get_title() for ax in axes]
    assert titles == [
        *("input image", "grad-cam for category 3", "input image", "grad-cam for category 5")
    ]
    shown = axes[0].images[0].get_array()
    assert shown.min() == 0
    assert shown.max() == 1
    drawn = torch.as_tensor(axes[3].images[0].get_array().data).float()
    torch.testing.assert_close(drawn, saliency[1, 0])


def test_one_class_for_all_with_its_name():
    import matplotlib.pyplot as plt

    names = ["cat", "dog"]
    x, saliency = torch.rand(1, 3, 24, 24), torch.rand(1, 1, 24, 24).requires_grad_()
    plot_example(x, saliency - 0.5, "gradient", 1, names=names)
    right = plt.gcf().axes[1]
    assert right.get_title() == "gradient for category dog (1)"
    low, high = right.images[0].get_clim()
    assert low == -high


@pytest.mark.parametrize(
    ("x", "saliency", "category", "message"),
    [
        (torch.rand(3, 8, 8), torch.rand(1, 1, 8, 8), 0, "Images have shape"),
        (torch.rand(1, 3, 8, 8), torch.rand(1, 3, 8, 8), 0, "Images have shape"),
        (torch.rand(2, 3, 8, 8), torch.rand(1, 1, 8, 8), 0, "2 images, 1 maps and 1 classes"),
        (torch.rand(3, 3, 8, 8), torch.rand(3, 1, 8, 8), [0, 1], "3 maps and 2 classes"),
    ],
)
def test_what_does_not_fit_together(x, saliency, category, message):
    with pytest.raises(ValueError, match=message):
        plot_example(x, saliency, "gradient", category)


def title_of_the_map():
    import matplotlib.pyplot as plt

    return plt.gcf().axes[1].get_title()


def test_an_example_s_classes_are_named():
    _, x, category, _ = get_example_data("tiny_vgg")
    plot_example(x, torch.rand(1, 1, 6, 6), "gradient", category)
    assert title_of_the_map() == f"gradient for category ring ({category})"
    moved = torch.cat([x, x]).clone().requires_grad_()
    plot_example(moved, torch.rand(2, 1, 6, 6), "gradient", [category, 5])
    assert title_of_the_map() == f"gradient for category ring ({category})"


def test_classes_of_imagenet_are_named_and_so_is_the_photo_s_author():
    import matplotlib.pyplot as plt

    _, x, category, _ = get_example_data("efficientnet_lite0", image="coffee")
    plot_example(x, torch.rand(1, 1, 7, 7), "gradient", category)
    assert title_of_the_map() == "gradient for category espresso\n(967)"
    texts = [text.get_text() for text in plt.gcf().axes[0].texts]
    assert texts == ["Photo: Rachel Michetti, courtesy of Pikolo Espresso Bar, CC0."]
    plot_example(x, torch.rand(1, 1, 7, 7), "gradient", 1, names=["a", "b"])
    assert title_of_the_map() == "gradient for category b (1)"


def test_classes_that_nobody_named_are_numbers():
    import matplotlib.pyplot as plt

    plot_example(torch.rand(1, 3, 24, 24), torch.rand(1, 1, 6, 6), "gradient", 5)
    assert title_of_the_map() == "gradient for category 5"
    assert [text.get_text() for text in plt.gcf().axes[0].texts] == [""]
    _, x, *_ = get_example_data("tiny_vgg")
    plot_example(x, torch.rand(1, 1, 6, 6), "gradient", 11)
    assert title_of_the_map() == "gradient for category 11"
