"""Figures: what they show is where it should be, and their words survive into HTML."""

from __future__ import annotations

import io
import re
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from course_lib.figures import plotting
from course_lib.figures.plotting import Panel, Picture, class_colour, gallery, show

SIDE = 96
WORDS = {"caption": "a caption", "alt": "an alt text"}


def disc(radius: float = 20) -> torch.Tensor:
    """Eight masks, the third a disc in the middle of the frame, its edge one pixel soft."""
    y, x = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    distance = torch.hypot(y - 47.5, x - 47.5)
    masks = torch.zeros(8, SIDE, SIDE)
    masks[2] = (radius + 0.5 - distance).clamp(0, 1)
    return masks


def pixels(figure: Picture) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(figure.png)).convert("RGB")).astype(int)


def frame(image: np.ndarray) -> np.ndarray:
    """The part of a one-panel gallery that is not white margin."""
    inked = (image < 200).any(axis=2)
    rows, columns = inked.any(axis=1).nonzero()[0], inked.any(axis=0).nonzero()[0]
    return image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def test_importing_plotting_leaves_matplotlib_alone() -> None:
    code = "import sys, course_lib.figures.plotting; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_scene_pixel_becomes_a_square_of_whole_pixels() -> None:
    x = torch.zeros(3, SIDE, SIDE)
    x[0, ::2, ::2] = 1
    drawn = frame(pixels(gallery([[Panel("image", x)] * 4], **WORDS)))[:, : 3 * SIDE]
    assert drawn.shape[:2] == (3 * SIDE, 3 * SIDE)
    expected = np.kron(x[0].numpy(), np.ones((3, 3))) * 255
    assert np.array_equal(drawn[:, :, 0], expected)


def test_a_batch_of_one_image_and_a_tensor_with_graph_are_drawn_alike() -> None:
    x = torch.rand(1, 3, SIDE, SIDE, requires_grad=True)
    one = gallery([[Panel("image", x)]], **WORDS)
    other = gallery([[Panel("image", x[0].detach().numpy())]], **WORDS)
    assert one.png == other.png


def test_outlines_are_drawn_on_the_edge_of_the_mask_and_nowhere_else() -> None:
    x = torch.full((3, SIDE, SIDE), 0.4)
    plain = frame(pixels(gallery([[Panel("image", x)]], **WORDS)))
    outlined = frame(pixels(gallery([[Panel("image", x, outlines=disc(20))]], **WORDS)))
    assert plain.shape == outlined.shape
    y, x_ = (np.abs(plain - outlined).sum(axis=2) > 30).nonzero()
    scale = plain.shape[0] / SIDE
    radius = np.hypot((y + 0.5) / scale - SIDE / 2, (x_ + 0.5) / scale - SIDE / 2)
    assert len(y) > 500
    assert np.abs(radius - 20).max() < 1.5
    colour = tuple(int(class_colour(2)[i : i + 2], 16) for i in (1, 3, 5))
    assert (np.abs(outlined - colour).max(axis=2) < 12).sum() > 200


def test_the_outline_out_of_focus_is_dotted() -> None:
    def coloured(focus: int | None) -> int:
        panel = Panel("heat", torch.zeros(SIDE, SIDE), outlines=disc(), focus=focus)
        return int((frame(pixels(gallery([[panel]], **WORDS))).sum(axis=2) > 500).sum())

    assert coloured(2) == coloured(None)
    assert coloured(5) < 0.8 * coloured(2)


def test_zero_is_white_in_a_signed_map_that_leans_to_one_side() -> None:
    s = torch.tensor([[-1.0, 0.0], [3.0, 3.0]])
    image = pixels(gallery([[Panel("signed", s)]], **WORDS))
    height, width = image.shape[:2]
    low, zero = image[height // 4, width // 4], image[height // 4, 3 * width // 4]
    high = image[3 * height // 4, width // 4]
    assert zero.min() > 240
    assert low[2] > low[0] + 20, "negative is blue"
    assert high[0] > high[2] + 50, "positive is red"


def test_a_relevance_map_starts_at_zero_and_ends_at_vmax() -> None:
    s = torch.tensor([[0.0, 1.0], [2.0, 2.0]])

    def corner(vmax: float | None) -> tuple[int, int]:
        image = pixels(gallery([[Panel("heat", s, vmax=vmax)]], **WORDS))
        height, width = image.shape[:2]
        return (
            int(image[height // 4, width // 4].sum()),
            int(image[3 * height // 4, width // 4].sum()),
        )

    black, bright = corner(None)
    assert black < 10
    assert bright > 600
    assert corner(8.0)[1] < bright / 2


def test_a_coarse_map_fills_the_frame_of_its_outlines() -> None:
    s = torch.tensor([[1.0, 0.0], [0.0, 0.0]])
    image = frame(pixels(gallery([[Panel("heat", s, outlines=disc(10), vmax=2.0)]], **WORDS)))
    half = image.shape[0] // 2
    lit = image.sum(axis=2) > 200
    assert lit[5 : half // 2, 5 : half // 2].all()
    assert not lit[half + 5 :, half + half // 2 :].any()


def test_numbers_are_written_out() -> None:
    figure, ax = plotting.subplots()
    plotting.numbers(ax, torch.tensor([[1.0, -2.0], [0.0, float("nan")]]))
    assert [text.get_text() for text in ax.texts] == ["1", "\N{MINUS SIGN}2", "0"]
    figure, ax = plotting.subplots()
    plotting.numbers(ax, torch.tensor([[0.25, -0.01]]))
    assert [text.get_text() for text in ax.texts] == ["0.2", "0.0"]
    assert show(figure, **WORDS).png


def test_words_reach_the_html_escaped_and_the_text_form_is_the_alt_text() -> None:
    figure = gallery([[Panel("heat", torch.eye(4))]], caption="x < y & z", alt='a "map"')
    page = figure._repr_html_()
    assert 'alt="a &quot;map&quot;"' in page
    assert "x &lt; y &amp; z</figcaption>" in page
    assert re.search(r'src="data:image/png;base64,iVBOR', page)
    assert repr(figure) == 'a "map"'


def test_long_titles_break_instead_of_running_into_their_neighbour() -> None:
    short = gallery([[Panel("heat", torch.eye(4), "short")] * 5], **WORDS)
    title = "gradient of the score of the first of two classes"
    long = gallery([[Panel("heat", torch.eye(4), title)] * 5], **WORDS)
    assert long.width == short.width
    assert pixels(long).shape[0] > pixels(short).shape[0] + 20


def test_show_closes_the_figure() -> None:
    import matplotlib

    with matplotlib.rc_context({"backend": "agg"}):
        import matplotlib.pyplot as plt

        figure, ax = plt.subplots()
        ax.plot([1, 2])
        show(figure, **WORDS)
        assert not plt.fignum_exists(figure.number)


def test_a_picture_is_saved_as_it_is_shown(tmp_path) -> None:
    figure = gallery([[Panel("heat", torch.eye(4))]], **WORDS)
    figure.save(tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes() == figure.png
    assert pixels(figure).shape[1] == pytest.approx(figure.width * 144 / 96, abs=1)


@pytest.mark.parametrize(
    ("rows", "words", "complaint"),
    [
        ([], WORDS, "at least one panel"),
        ([[None]], WORDS, "at least one panel"),
        ([[Panel("heat", -torch.eye(4))]], WORDS, "negative"),
        ([[Panel("heat", torch.ones(2, 4, 4))]], WORDS, "2 dimensions"),
        ([[Panel("image", torch.ones(1, 4, 4))]], WORDS, r"\(3, H, W\)"),
        ([[Panel("map", torch.eye(4))]], WORDS, "'map'"),
        ([[Panel("heat", torch.eye(4))]], {"caption": "", "alt": "x"}, "caption"),
        ([[Panel("heat", torch.eye(4))]], {"caption": "x", "alt": " "}, "alt text"),
        ([[Panel("heat", torch.eye(4))]], {**WORDS, "row_labels": ["a", "b"]}, "2 row labels"),
    ],
)
def test_what_can_not_be_drawn_is_refused_in_a_sentence(rows, words, complaint) -> None:
    with pytest.raises(ValueError, match=complaint):
        gallery(rows, **words)


def test_the_eight_class_colours_differ() -> None:
    assert len({class_colour(i) for i in range(8)}) == 8
    assert class_colour(9) == class_colour(1)


def test_making_the_file_small_changes_no_colour_visibly() -> None:
    rng = np.random.default_rng(0)
    x = rng.random((3, SIDE, SIDE))
    x[:, 40:44, 40:44] = np.array([1.0, 0.0, 0.0])[:, None, None]
    drawn = frame(pixels(gallery([[Panel("image", x)] * 4], **WORDS)))[:, : 3 * SIDE]
    expected = np.kron(np.moveaxis(x, 0, 2), np.ones((3, 3, 1))) * 255
    assert np.abs(drawn - expected).max() <= plotting.VISIBLE
