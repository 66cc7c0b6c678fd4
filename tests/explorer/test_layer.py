from __future__ import annotations

import dataclasses
import html
import io
import re
from dataclasses import replace

import ipywidgets
import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from course_lib.attribution.excitation_backprop import contrastive_excitation_backprop
from course_lib.explorer import LayerExplorer, canvas
from course_lib.explorer.bars import STEPS, ClassBars
from course_lib.explorer.layer import (
    METHODS,
    contrast_layer,
    describe,
    layer_map,
    render,
    spatial_layers,
)
from course_lib.explorer.view import class_chooser
from course_lib.explorer.words import LAYER, OUTLINES, SCORE
from course_lib.world.networks import CONVOLUTIONAL, build_network, load_network
from course_lib.world.scenes import CLASSES, draw_scene

SEED = 5  # a star, a heart and a crescent


def small_net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(4),
        nn.Conv2d(4, 6, 3, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(6, 8),
    )


@pytest.fixture
def scene():
    return draw_scene(SEED)


@pytest.fixture
def explorer(scene):
    x = torch.from_numpy(scene.image)[None]
    return LayerExplorer(small_net(), x, 3, masks=scene.masks)


def test_whole_blocks_may_be_on_the_slider(scene) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(3, 4, 8, stride=8),
        nn.Flatten(2),
        Tokens(),
        nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0, batch_first=True),
        nn.AdaptiveAvgPool2d((1, 4)),
        nn.Flatten(),
        nn.Linear(4, 8),
    ).eval()
    explorer = LayerExplorer(network, scene.x, 3, masks=scene.masks, layers=["0", "3"])
    assert "layer 3, 12 x 12 cells" in explorer.news.value


class Tokens(nn.Module):
    def forward(self, x):
        return x.mT


def alt_of(explorer) -> str:
    return html.unescape(re.search(r'alt="([^"]*)"', explorer.screen.value).group(1))


def decode(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def test_layers_are_those_with_a_map_in_running_order(scene):
    x = torch.from_numpy(scene.image)[None]
    assert spatial_layers(small_net(), x) == ["0", "1", "2", "3", "4"]


def test_a_layer_that_runs_twice_is_left_out(scene):
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 3, 3, padding=1)
            self.relu = nn.ReLU()

        def forward(self, x):
            return self.relu(self.conv(self.relu(x))).mean((2, 3))

    x = torch.from_numpy(scene.image)[None]
    assert spatial_layers(Twice(), x) == ["conv"]


def test_a_transformer_s_layers_end_where_its_patches_are_read_last(scene):
    x = torch.from_numpy(scene.image)[None]
    names = spatial_layers(build_network("tiny_vit").eval(), x)
    assert names[:5] == [f"stem.{i}" for i in range(5)]
    assert [name for name in names if name.startswith("blocks.4")] == [
        "blocks.4.norm1",
        "blocks.4.attention.key",
        "blocks.4.attention.value",
    ]
    explorer = LayerExplorer(build_network("tiny_vit").eval(), x, 3, layers=names[-3:])
    assert "12 x 12 cells" in explorer.news.value
    assert "Contact sheet" in explorer.contact_sheet().alt


CONTRASTIVE = "Contrastive excitation backprop"


def test_the_contrast_is_formed_right_below_the_classifier(scene):
    x = torch.from_numpy(scene.image)[None]
    assert contrast_layer(small_net(), x) == "4"
    body = nn.Sequential(*small_net()[:5])
    net = nn.Sequential(body, nn.Conv2d(6, 8, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    assert contrast_layer(net, x) == "0"  # a block as a whole: nothing goes around it


@pytest.mark.parametrize("name", CONVOLUTIONAL)
def test_contrastive_maps_of_the_course_s_networks(name, scene):
    x = torch.from_numpy(scene.image)[None]
    model = load_network(name)
    layer = contrast_layer(model, x)
    where = spatial_layers(model, x)[-2]
    expected = contrastive_excitation_backprop(model, x, 3, where, layer)[0, 0].numpy()
    explorer = LayerExplorer(model, x, 3, methods=[CONTRASTIVE], layers=[where])
    state = explorer.state(CONTRASTIVE, 3, where)
    np.testing.assert_array_equal(state.map, expected)
    assert expected.max() > 0
    assert 'role="alert"' not in explorer.news.value


def test_contrastive_maps_differ_from_class_to_class(explorer):
    maps = [explorer.state(CONTRASTIVE, target, "1").map for target in range(8)]
    for i, one in enumerate(maps):
        assert all(not np.array_equal(one, other) for other in maps[i + 1 :] if other.any())


@pytest.mark.filterwarnings("ignore:Excitation backprop lost")
def test_where_the_contrast_is_not_defined_the_widget_says_so(scene):
    x = torch.from_numpy(scene.image)[None]
    model = nn.Sequential(nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    with pytest.raises(ValueError, match="not defined for this network"):
        contrast_layer(model, x)
    names = ["red", "green", "blue"]
    explorer = LayerExplorer(model, x, 1, names=names)
    explorer.method.value = CONTRASTIVE
    assert "not defined for this network" in explorer.news.value
    words = "There is no map: Contrastive excitation backprop for green at layer 0 could not be "
    words += f"computed; the network's score for green is {float(x[0, 1].mean()):.1f}."
    assert alt_of(explorer) == words
    assert html.escape(words) in explorer.news.value

    # a convolution for a classifier: it and what comes after it are above the contrast
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 3, 1), nn.ReLU())
    model.append(nn.AdaptiveAvgPool2d(1)).append(nn.Flatten())
    explorer = LayerExplorer(model, x, 1, names=names, methods=[CONTRASTIVE])
    for layer, drawn in {"0": True, "1": True, "2": False, "3": False}.items():
        explorer.layer.value = layer
        assert ('role="alert"' not in explorer.news.value) == drawn
        assert f"layer {layer}" in alt_of(explorer)
        assert ("There is no map" not in alt_of(explorer)) == drawn


def test_a_map_of_nothing_is_said_to_be_one(explorer):
    state = explorer.state("Grad-CAM", 3, "1")
    assert "0 everywhere" not in describe(state)
    empty = dataclasses.replace(state, map=np.zeros_like(state.map))
    assert describe(empty).endswith("The map is 0 everywhere.")


def test_a_model_without_a_map_is_refused():
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 8))
    with pytest.raises(ValueError, match="no layer with a map"):
        spatial_layers(model, torch.rand(1, 3, 2, 2))


@pytest.mark.parametrize("method", METHODS)
def test_every_step_of_the_slider_shows_the_library_s_map(explorer, method):
    explorer.method.value = method
    seen = set()
    for layer in explorer.layer.options:
        explorer.layer.value = layer
        state = explorer.state(method, 3, layer)
        expected = layer_map(METHODS[method], explorer._model, explorer._x, 3, layer)
        np.testing.assert_array_equal(state.map, expected)
        alt = alt_of(explorer)
        assert alt == describe(state)
        assert f"layer {layer}," in alt
        assert method in alt
        assert "star" in alt
        assert f"{explorer._scores[3]:.1f}" in alt
        seen.add(explorer.screen.value)
    assert len(seen) == len(explorer.layer.options)


def test_drawing_is_pure_and_shows_the_map_where_it_is(explorer):
    state = explorer.state("Grad-CAM", 3, "3")
    assert render(state) == render(state)
    pixels = decode(render(state))
    tile = pixels[canvas.TITLE :, canvas.TILE + canvas.GAP :]
    assert tile.shape == (canvas.TILE, canvas.TILE, 3)
    cell = canvas.TILE // 24
    brightness = tile.astype(float).sum(2)[cell // 2 :: cell, cell // 2 :: cell]
    free = ~state.overlay.covered[cell // 2 :: cell, cell // 2 :: cell]
    order = np.argsort(state.map[free])
    darkest, brightest = order[:20], order[-20:]
    assert brightness[free][brightest].mean() > brightness[free][darkest].mean()


def test_outlines_lie_on_the_edges_of_the_masks(scene):
    overlay = canvas.outlines(scene.masks, 3)
    grown = np.zeros((canvas.TILE, canvas.TILE), dtype=bool)
    scale = canvas.TILE // 96
    for mask in scene.masks:
        soft = (mask > 0.02) & (mask < 0.98)
        wide = soft.copy()
        for dy in (-1, 0, 1):
            for dx in (-1, 0, 1):
                wide |= np.roll(soft, (dy, dx), (0, 1))
        grown |= np.kron(wide, np.ones((scale, scale), dtype=bool))
    assert overlay.covered.any()
    assert not (overlay.covered & ~grown).any()


def test_no_masks_no_outlines():
    assert not canvas.outlines(None, 3).covered.any()


def test_the_outline_asked_for_is_solid_and_the_others_are_dotted(scene):
    outlines = canvas.Outlines(scene.masks)
    star, ring = (outlines.of(k).covered for k in (3, 6))
    own = np.kron(scene.masks[3] > 0, np.ones((canvas.TILE // 96,) * 2, dtype=bool))
    solid, dotted = (star & own).sum(), (ring & own).sum()
    assert 0.3 * solid < dotted < 0.7 * solid
    assert not (ring & own & ~star).any()
    assert outlines.of(3) is outlines.of(3)


def test_the_map_is_laid_over_the_image(explorer):
    state = explorer.state("Grad-CAM", 3, "4")
    alone, none = (decode(render(replace(state, opacity=o)))[canvas.TITLE :] for o in (1, 0))
    image, over = none[:, : canvas.TILE], none[:, canvas.TILE + canvas.GAP :]
    assert np.array_equal(image, over)
    half = decode(render(replace(state, opacity=0.5)))[canvas.TITLE :].astype(int)
    mean = (alone.astype(int) + none) / 2
    assert np.abs(half - mean).max() <= 1
    explorer.opacity.value = 50
    assert explorer.screen.value.count("<img") == 1


def test_a_bar_asks_for_its_class(explorer):
    buttons = explorer.bars._buttons
    (cross,) = [b for b in buttons if b.description.startswith("cross ")]
    cross.click()
    assert explorer.target.value == CLASSES.index("cross")
    assert "for cross" in alt_of(explorer)
    assert [b for b in buttons if "course-asked" in b._dom_classes] == [cross]
    assert cross.tooltip == "cross is asked for"


def test_bars_are_those_of_the_highest_scores_and_of_the_class_asked_for():
    chooser = class_chooser([f"class {i}" for i in range(20)], 3)
    scores = torch.arange(20.0) - 15
    bars = ClassBars(chooser, [f"class {i}" for i in range(20)], scores)
    said = [b.description for b in bars._buttons]
    assert said[0] == "class 19 4.0"
    assert said[-1] == "class 3 -12.0"
    lengths = [c for b in bars._buttons for c in b._dom_classes if c.startswith("course-bar-")]
    assert lengths[0] == f"course-bar-{STEPS}"
    assert lengths[-1] == "course-bar-0"
    chooser.value = 4
    assert bars._buttons[-1].description == "class 4 -11.0"


def test_the_view_says_what_its_parts_are(explorer):
    def texts(box):
        for child in box.children:
            yield from texts(child) if hasattr(child, "children") else [child]

    said = " ".join(w.value for w in texts(explorer.view) if isinstance(w, ipywidgets.HTML))
    for words in (SCORE, LAYER, OUTLINES):
        assert html.escape(words) in said
    assert "most on this map" in said
    explorer.method.value = "Linear approximation"
    assert "against the class" in explorer._legend.value


def test_an_image_that_is_not_square_keeps_its_shape():
    pixels = canvas.image_pixels(np.zeros((3, 10, 20)))
    dark = (pixels == 0).all(2)
    assert dark.sum() == canvas.TILE * canvas.TILE // 2


def test_a_long_title_stays_above_its_tile():
    blank = canvas.blank_pixels()
    for title in ("short", "Contrastive excitation backprop\nfor a West Highland white terrier, 7"):
        pixels = decode(canvas.compose([canvas.Tile(blank), canvas.Tile(blank, title)]))
        written = (pixels[: canvas.TITLE] < 128).all(2).any(0)
        assert written[canvas.TILE + canvas.GAP :].any()
        assert not written[: canvas.TILE + canvas.GAP].any()
        assert not written[-1]


def test_share_inside_is_measured_on_the_mask(explorer, scene):
    values = np.zeros((96, 96), dtype=np.float32)
    values[scene.masks[3] > 0.99] = 2.0
    assert explorer._share_inside(values, 3) == pytest.approx(1.0, abs=0.01)
    assert explorer._share_inside(-values, 3) == 0.0
    assert explorer._share_inside(values, 0) is None


def test_layers_without_a_grid_of_places_are_not_offered():
    """Heads x tokens inside of an attention are no places of the image; tokens are."""

    class Attention(nn.Module):
        def __init__(self):
            super().__init__()
            self.patches = nn.Conv2d(3, 24, 8, 8)
            self.k_norm, self.out = nn.LayerNorm(8), nn.Linear(24, 5)

        def forward(self, x):
            tokens = self.patches(x).flatten(2).transpose(1, 2)
            heads = self.k_norm(tokens.unflatten(2, (3, 8)).transpose(1, 2))
            return self.out(heads.transpose(1, 2).flatten(2)).mean(1)

    assert spatial_layers(Attention(), torch.rand(1, 3, 32, 32)) == ["patches", "out"]


def test_errors_are_shown_in_the_widget(explorer, monkeypatch):
    def fail(*args, **kwargs):
        raise ValueError("no <map> today")

    monkeypatch.setitem(METHODS, "Grad-CAM", replace(METHODS["Grad-CAM"], function=fail))
    explorer.layer.value = "2"
    explorer.target.value = 5
    assert 'role="alert"' in explorer.news.value
    assert "no &lt;map&gt; today" in explorer.news.value
    words = "There is no map: Grad-CAM for ring at layer 2 could not be computed; the network's "
    words += f"score for ring is {explorer._scores[5]:.1f}."
    assert alt_of(explorer) == words
    assert html.escape(words) in explorer.news.value
    explorer.method.value = "Gradient"
    assert 'role="alert"' not in explorer.news.value
    assert "<img" in explorer.screen.value


def test_bad_input_gets_one_sentence(scene):
    x = torch.from_numpy(scene.image)[None]
    with pytest.raises(ValueError, match="one image"):
        LayerExplorer(small_net(), x.repeat(2, 1, 1, 1), 3)
    with pytest.raises(ValueError, match="target 8 is out of range: the model has 8 classes"):
        LayerExplorer(small_net(), x, 8)
    with pytest.raises(ValueError, match="no layer called '7'"):
        LayerExplorer(small_net(), x, 3, layers=["7"])
    with pytest.raises(ValueError, match="no method called 'LIME'"):
        LayerExplorer(small_net(), x, 3, methods=["LIME"])
    with pytest.raises(ValueError, match="8 classes, but there are 2 names"):
        LayerExplorer(small_net(), x, 3, names=["a", "b"])


def test_every_control_has_a_label(explorer):
    for control in (explorer.method, explorer.target, explorer.layer, explorer.opacity):
        assert control.description


def test_without_a_kernel_a_contact_sheet_stands_in(explorer):
    bundle = explorer._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert "<img alt=" in bundle["text/html"]
    assert "Contact sheet" in bundle["text/html"]


def test_the_model_is_left_as_it_was(scene):
    model = small_net().train()
    x = torch.from_numpy(scene.image)[None]
    LayerExplorer(model, x, 3)
    assert model.training
    assert all(p.requires_grad for p in model.parameters())
    assert not any(m._forward_hooks for m in model.modules())
