from __future__ import annotations

import warnings

import pytest
import torch

from course_lib.attribution.deconvnet import deconvnet
from course_lib.attribution.grad_cam import grad_cam
from course_lib.attribution.gradient import gradient
from course_lib.attribution.guided_backprop import guided_backprop
from course_lib.attribution.linear_approx import linear_approx
from course_lib.attribution.maps.grids import channels_second
from course_lib.attribution.methods import methods
from course_lib.world.layers import default_layers
from course_lib.world.networks import build_network
from tests.attribution.quick import FEW, quick

LAST = "encoder.layers.encoder_layer_1"


@pytest.fixture
def vit():
    from torchvision.models import VisionTransformer

    net = VisionTransformer(
        image_size=32,
        patch_size=8,
        num_layers=2,
        num_heads=2,
        hidden_dim=16,
        mlp_dim=32,
        num_classes=5,
    )
    torch.nn.init.normal_(net.heads.head.weight)
    return net.double()


def test_gradient_works(vit):
    x = torch.randn(2, 3, 32, 32, dtype=torch.float64)
    found = gradient(vit, x, [1, 2])
    leaf = x.clone().requires_grad_()
    y = vit.eval()(leaf)
    (y[0, 1] + y[1, 2]).backward()
    torch.testing.assert_close(found, leaf.grad.abs().amax(1, keepdim=True))


@pytest.mark.parametrize("layer", ["encoder.layers.encoder_layer_0", f"{LAST}.ln_1"])
def test_tokens_are_put_on_their_grid(vit, layer):
    x = torch.randn(2, 3, 32, 32, dtype=torch.float64)
    vit.eval()
    module = vit.get_submodule(layer)
    leaves = []

    def cut(m, args, output):
        leaves.append(output.detach().requires_grad_())
        return leaves[0]

    handle = module.register_forward_hook(cut)
    score = vit(x)[:, 3].sum()
    handle.remove()
    leaf = leaves[0]
    (p,) = torch.autograd.grad(score, leaf)
    linear = linear_approx(vit, x, 3, saliency_layer=layer)
    cam = grad_cam(vit, x, 3, saliency_layer=layer)
    assert linear.shape == cam.shape == (2, 1, 4, 4)
    for row in range(4):
        for column in range(4):
            token = 1 + 4 * row + column
            expected = (leaf[:, token] * p[:, token]).sum(1)
            torch.testing.assert_close(linear[:, 0, row, column], expected.detach())
            weight = p[:, 1:].mean(1)
            expected = (leaf[:, token] * weight).sum(1).clamp(min=0)
            torch.testing.assert_close(cam[:, 0, row, column], expected.detach())


@pytest.mark.parametrize("method", [grad_cam, linear_approx, gradient])
@pytest.mark.parametrize("layer", [LAST, "encoder.ln"])
def test_a_layer_with_zero_gradient_is_refused(vit, method, layer):
    x = torch.randn(1, 3, 32, 32, dtype=torch.float64)
    with pytest.raises(ValueError, match=rf"gradient at layer '{layer}' is zero at every patch"):
        method(vit, x, 0, saliency_layer=layer)


def test_guided_backprop_says_that_it_is_undefined(vit):
    x = torch.randn(1, 3, 32, 32, dtype=torch.float64)
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        guided_backprop(vit, x, 0)
    text = " ".join(str(w.message) for w in found)
    assert "met no operation" in text
    assert "no rule for gelu" in text


def turned(x, image, layer=None):
    layer = layer or torch.nn.LayerNorm(x.shape[-1])
    return channels_second(x, layer, layer, image, "the layer")(x)


def test_grids():
    x = torch.arange(2 * 25 * 3.0).view(2, 25, 3)
    grid = turned(x, torch.zeros(2, 3, 32, 48))
    assert torch.equal(grid[:, :, 1, 2], x[:, 1 + 6 + 2])
    assert turned(torch.zeros(1, 200, 8), torch.zeros(1, 3, 224, 224)).shape[2:] == (14, 14)
    with pytest.raises(ValueError, match="no grid of square patches of a 5 x 7 image"):
        turned(torch.zeros(1, 20, 8), torch.zeros(1, 3, 5, 7))


@pytest.fixture
def swin():
    from torchvision.models import SwinTransformer

    torch.manual_seed(0)
    net = SwinTransformer(
        patch_size=[4, 4],
        embed_dim=12,
        depths=[1, 1],
        num_heads=[2, 2],
        window_size=[4, 4],
        num_classes=5,
    )
    return net.double().eval()


SWIN_LAYERS = ("features.0", "features.1.0.norm1", "features.1", "features.2", "norm")


@pytest.mark.parametrize("layer", SWIN_LAYERS)
def test_channels_at_the_end_are_found(swin, layer):
    x = torch.randn(2, 3, 32, 48, dtype=torch.float64)
    leaves = []

    def cut(m, args, output):
        leaves.append(output.detach().requires_grad_())
        return leaves[0]

    handle = swin.get_submodule(layer).register_forward_hook(cut)
    score = swin(x)[:, 3].sum()
    handle.remove()
    (p,) = torch.autograd.grad(score, leaves[0])
    a = leaves[0].detach()
    found = linear_approx(swin, x, 3, saliency_layer=layer)
    torch.testing.assert_close(found, (a * p).sum(3)[:, None])
    found = grad_cam(swin, x, 3, saliency_layer=layer)
    expected = (a * p.mean((1, 2), keepdim=True)).sum(3).clamp(min=0)[:, None]
    torch.testing.assert_close(found, expected)
    # The same layer as N x C x H x W, where the network has it so.
    if layer == "norm":
        torch.testing.assert_close(grad_cam(swin, x, 3, saliency_layer="permute"), found)


def test_where_both_dimensions_fit_the_channels_are_second():
    norm, image = torch.nn.LayerNorm(8), torch.zeros(1, 3, 20, 20)
    for shape, expected in (((1, 5, 5, 8), (1, 8, 5, 5)), ((1, 8, 5, 8), (1, 8, 5, 8))):
        assert turned(torch.zeros(shape), image, norm).shape == expected


@pytest.mark.parametrize("name", ["convnext_tiny", "efficientnet_b0", "mobilenet_v3_small"])
def test_blocks_of_convolutional_networks_have_channels_second(name):
    from torchvision.models import get_model

    net = get_model(name, weights=None).eval()
    outputs = {}
    for stage, module in net.features.named_modules():
        # ConvNeXt's blocks have their channels at the end inside, and in second place outside.
        if stage.count(".") < 2:
            module.register_forward_hook(lambda m, a, y: outputs.update({m: y}))
    x = torch.zeros(1, 3, 64, 64)
    net(x)
    assert len(outputs) > 10
    for module, y in outputs.items():
        assert channels_second(y, module, net, x, "the layer")(y) is y


@pytest.mark.parametrize(
    ("between", "layer", "places"),
    [
        ([torch.nn.Flatten(2)], "1", 256),
        # Two more of the kind: pooled first, and scaled by a layer that works on the second place.
        ([torch.nn.AvgPool2d(2), torch.nn.Flatten(2)], "2", 64),
        ([torch.nn.Flatten(2), torch.nn.BatchNorm1d(64)], "2", 256),
    ],
    ids=["Flatten", "pooled and flattened", "BatchNorm1d"],
)
def test_channels_of_a_layer_without_weights_are_those_of_the_one_before(between, layer, places):
    """`Flatten(2)` after a convolution gives N x C x L, and 64 x 256 are not 64 tokens."""
    conv, x = torch.nn.Conv2d(3, 64, 1), torch.rand(1, 3, 16, 16)
    net = torch.nn.Sequential(
        conv, *between, torch.nn.AdaptiveAvgPool1d(1), torch.nn.Flatten()
    ).eval()
    found = linear_approx(net, x, 5, saliency_layer=layer)
    assert found.shape == (1, 1, places)
    with torch.no_grad():
        expected = torch.nn.Sequential(conv, *between)(x)[0, 5].flatten() / places
    torch.testing.assert_close(found[0, 0], expected)


@pytest.mark.parametrize("layer", ["features.1.0.block.1", "features.1.0.block.4"])
def test_channels_inside_of_convnext_are_found(layer):
    """At a `Permute` to N x H x W x C, and at the GELU that follows its linear layer."""
    from torchvision.models import convnext_tiny

    net, x = convnext_tiny(weights=None).eval(), torch.rand(1, 3, 64, 32)
    with torch.no_grad():
        net.classifier[2].weight.normal_()
    outputs = []
    net.get_submodule(layer).register_forward_hook(lambda m, a, y: outputs.append(y))
    found = linear_approx(net, x, 5, saliency_layer=layer)
    assert outputs[0].shape[1:3] == (16, 8)
    assert found.shape == (1, 1, 16, 8)


@pytest.mark.parametrize(
    ("layer", "places"),
    [("features.1.0.mlp.1", (8, 12)), ("features.1.0.mlp.4", (8, 12)), ("permute", (4, 6))],
    ids=["GELU", "Dropout", "Permute to the front"],
)
def test_channels_inside_of_swin_are_found(swin, layer, places):
    """At layers without weights of their own, told by the network's run."""
    x = torch.randn(1, 3, 32, 48, dtype=torch.float64)
    outputs = []
    swin.get_submodule(layer).register_forward_hook(lambda m, a, y: outputs.append(y))
    found = gradient(swin, x, 3, saliency_layer=layer)
    assert found.shape == (1, 1, *places)
    assert list(places) in (list(outputs[0].shape[1:3]), list(outputs[0].shape[2:]))


def test_positions_that_are_on_no_grid_are_refused():
    """Heads x tokens inside of an attention are no places of the image."""

    class Attention(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.patches, self.k_norm = torch.nn.Conv2d(3, 24, 8, 8), torch.nn.LayerNorm(8)

        def forward(self, x):
            tokens = self.patches(x).flatten(2).transpose(1, 2)
            heads = self.k_norm(tokens.unflatten(2, (3, 8)).transpose(1, 2))
            return heads.transpose(1, 2).flatten(2).mean(1)

    with pytest.raises(ValueError, match="1 x 3 x 16 x 8, which is no grid of square patches"):
        grad_cam(Attention(), torch.rand(1, 3, 32, 32), 0, saliency_layer="k_norm")


SHARING = {"contrastive_excitation_backprop", "excitation_backprop", "lrp"}


@pytest.fixture
def tiny_vit():
    return build_network("tiny_vit").eval()


def on_tiny_vit(name, net, x, **layer):
    options = quick(name, x) | layer
    if name == "contrastive_excitation_backprop":
        options["contrast_layer"] = "blocks.3"
    return methods()[name].function(net, x, [1, 2], **options)


@pytest.mark.filterwarnings(FEW)
@pytest.mark.parametrize("name", methods())
def test_every_method_is_defined_on_tiny_vit_or_says_that_it_is_not(tiny_vit, name):
    x = torch.rand(2, 3, 32, 48)
    layer = default_layers("tiny_vit", name)
    if name in SHARING:
        with pytest.raises(ValueError, match="is not defined for layer_norm, which this netw") as e:
            on_tiny_vit(name, tiny_vit, x, **layer)
        assert "\n" not in str(e.value)
        return
    found = on_tiny_vit(name, tiny_vit, x, **layer)
    maps = found.masks if hasattr(found, "masks") else found
    on_tokens = bool(layer) or name == "attention_rollout"
    assert maps.shape == (2, 1, *((4, 6) if on_tokens else (32, 48)))
    assert bool(maps.flatten(1).std(1).gt(0).all())


AT_LAYERS = [m.name for m in methods().values() if m.layer != "no" and m.name not in SHARING]


@pytest.mark.filterwarnings(FEW)
@pytest.mark.parametrize("name", AT_LAYERS)
def test_methods_at_layers_of_tiny_vit(tiny_vit, name):
    x = torch.rand(2, 3, 32, 48)
    assert on_tiny_vit(name, tiny_vit, x, saliency_layer="blocks.1").shape == (2, 1, 4, 6)
    with pytest.raises(ValueError, match="zero at every patch"):
        on_tiny_vit(name, tiny_vit, x, saliency_layer="blocks.4")
    with pytest.raises(ValueError, match="no grid of square patches of a 33 x 45 image"):
        on_tiny_vit(name, tiny_vit, torch.rand(2, 3, 33, 45), saliency_layer="blocks.1")


@pytest.mark.parametrize("method", [guided_backprop, deconvnet])
def test_rules_of_relu_hold_in_tiny_vit(tiny_vit, method):
    """Its ReLUs are all that these methods speak of: everywhere else the gradient is the usual."""
    x = torch.rand(1, 3, 32, 48)
    calls = []

    def instead(z):
        calls.append(1)
        return Positive.apply(z)

    class Positive(torch.autograd.Function):
        @staticmethod
        def forward(ctx, z):
            ctx.save_for_backward(z)
            return z.clamp(min=0)

        @staticmethod
        def backward(ctx, p):
            (z,) = ctx.saved_tensors
            return p.clamp(min=0) * (z > 0 if method is guided_backprop else 1)

    found = method(tiny_vit, x, 3)
    for m in tiny_vit.modules():
        if isinstance(m, torch.nn.ReLU):
            m.forward = instead
    leaf = x.clone().requires_grad_()
    tiny_vit(leaf)[0, 3].backward()
    assert len(calls) == 2 + 5
    torch.testing.assert_close(found, leaf.grad.abs().amax(1, keepdim=True))


@pytest.mark.slow
def test_vit_b_16():
    from torchvision.models import vit_b_16

    net = vit_b_16(weights=None)
    torch.nn.init.normal_(net.heads.head.weight)
    x = torch.randn(1, 3, 224, 224)
    assert gradient(net, x, 0).shape == (1, 1, 224, 224)
    layer = "encoder.layers.encoder_layer_10"
    for method in (grad_cam, linear_approx):
        found = method(net, x, [1, 2], saliency_layer=layer)
        assert found.shape == (2, 1, 14, 14)
        assert not torch.equal(found[0], found[1])
    with pytest.raises(ValueError, match="zero at every patch"):
        grad_cam(net, x, 0, saliency_layer="encoder.layers.encoder_layer_11")


class SqueezeExcite(torch.nn.Module):
    """A block with linear layers in it whose widths are those of its image's sides."""

    def __init__(self) -> None:
        super().__init__()
        self.down, self.up = torch.nn.Linear(64, 16), torch.nn.Linear(16, 64)
        self.expand, self.project = torch.nn.Conv2d(8, 64, 1), torch.nn.Conv2d(64, 24, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.expand(x).relu()
        gate = torch.sigmoid(self.up(self.down(h.mean((2, 3))).relu()))
        return self.project(h * gate[:, :, None, None])


@pytest.mark.parametrize("side", [16, 20])
def test_linear_layers_inside_a_block_of_convolutions_don_t_turn_it(side: int) -> None:
    net = torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 3, padding=1),
        SqueezeExcite(),
        torch.nn.AdaptiveAvgPool2d(1),
        torch.nn.Flatten(),
    )
    found = grad_cam(net, torch.rand(1, 3, side, side), 1, saliency_layer="1")
    assert found.shape == (1, 1, side, side)


def test_a_score_that_nothing_reaches_is_not_blamed_on_the_class_token() -> None:
    """As at first in torchvision's transformers, whose last layer begins with weights of 0."""
    from torchvision.models import VisionTransformer

    net = VisionTransformer(32, 8, 2, 2, 16, 32, num_classes=4).eval()
    assert not net.heads.head.weight.any()
    layer = "encoder.layers.encoder_layer_0"
    assert not gradient(net, torch.rand(1, 3, 32, 32), 1, saliency_layer=layer).any()
