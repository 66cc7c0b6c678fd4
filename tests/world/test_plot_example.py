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
