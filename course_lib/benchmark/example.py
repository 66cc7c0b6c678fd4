"""One picture that shows an example: the image, and beside it a method's relevance map."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

TITLE_WIDTH = 32
"""Characters in a line of a title: more would be cut off at the picture's edge."""


def plot_example(
    input: Tensor,
    saliency: Tensor,
    method: str,
    category_id: int | Sequence[int],
    show_plot: bool = False,
    save_path: str | Path | None = None,
    *,
    names: Sequence[str] | None = None,
) -> None:
    """Plot images beside their relevance maps, a row each.

    Images are shown with their smallest value black and their largest white, so that normalised
    ones look right as well.

    Args:
        input: images, (N, 3, H, W).
        saliency: maps, (N, 1, h, w); h and w may be smaller than H and W.
        method: name of the method, for the title.
        category_id: the class explained, or one per image.
        show_plot: show the figure in a window or notebook.
        save_path: file to save the figure to, as PNG, PDF or SVG; its folder is made if missing.
        names: names of the classes by number, for the title. If None, an image that
            `get_example_data` gave has those of its network: the scenes' own, or ImageNet's for
            1,000 classes. Other classes are shown by their numbers. The author of one of `photos()`
            is named below it.

    The figure stays matplotlib's current one, as code written for TorchRay expects.

    Raises:
        ValueError: the images, maps and classes do not fit together.
    """
    categories = [category_id] if isinstance(category_id, int) else [int(c) for c in category_id]
    if input.ndim != 4 or saliency.ndim != 4 or saliency.shape[1] != 1:
        raise ValueError(
            "Images have shape (N, 3, H, W) and maps (N, 1, h, w), not "
            f"{tuple(input.shape)} and {tuple(saliency.shape)}."
        )
    if len(input) != len(saliency) or len(categories) not in (1, len(input)):
        raise ValueError(
            f"There are {len(input)} images, {len(saliency)} maps and {len(categories)} classes; "
            "give one map for each image, and one class for each or for all."
        )
    import matplotlib.pyplot as plt

    from course_lib.figures.plotting import heat, picture, signed
    from course_lib.world.examples import example_class_names, example_credit

    rows = len(input)
    figure, axes = plt.subplots(rows, 2, figsize=(6, 3.2 * rows), squeeze=False)
    for row in range(rows):
        category = categories[row % len(categories)]
        known = example_class_names(input[row]) if names is None else names
        label = f"{known[category]} ({category})" if category < len(known) else str(category)
        values = saliency[row, 0].detach().float().cpu().numpy()
        left, right = axes[row]
        picture(left, _stretched(input[row].detach().float().cpu()))
        left.set_title("input image", fontsize=10)
        left.text(
            0.5,
            -0.03,
            example_credit(input[row]),
            fontsize=7,
            transform=left.transAxes,
            horizontalalignment="center",
            verticalalignment="top",
        )
        draw = signed if values.min() < 0 else heat
        draw(right, values)
        title = textwrap.fill(f"{method} for category {label}", TITLE_WIDTH)
        right.set_title(title, fontsize=10)
    figure.tight_layout()
    if save_path is not None:
        Path(save_path).parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(save_path)
    if show_plot:
        plt.show()


def _stretched(image: Tensor) -> Tensor:
    low, high = image.min(), image.max()
    return (image - low) / (high - low).clamp(min=1e-12)
