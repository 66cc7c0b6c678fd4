"""The small networks of the course, one per family that attribution methods must cope with.

All take pictures in [0, 1], (N, 3, H, W) float32 without normalisation, and give one logit per
class, (N, 8): they answer for each class on its own whether it is in the picture. Layers carry the
names of torchvision's namesakes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .checkpoints import describe, load_weights
from .scenes import CLASSES
from .vision_transformer import TinyViT

NUMBER_OF_CLASSES = len(CLASSES)


class TinyVGG(nn.Module):
    """Convolutions, ReLUs and max pooling in a row, as in VGG (Simonyan and Zisserman, 2015).

    With `batch_norm`, the form that is trained; without it, the form that is used.
    """

    WIDTHS = (16, 16, "M", 32, 32, "M", 64, 64, "M", 96, 96, "M", 128)

    def __init__(self, batch_norm: bool = False) -> None:
        super().__init__()
        self.features = _vgg_features(self.WIDTHS, batch_norm, inplace=False)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(128, NUMBER_OF_CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = self.avgpool(self.features(x))
        return self.classifier(torch.flatten(x, 1))


class TinyVGG16(nn.Module):
    """torchvision's `vgg16` layer by layer, with small widths: the same names, kinds and order.

    With `batch_norm`, the form that is trained; without it, the form that is used.
    """

    WIDTHS = (8, 8, "M", 16, 16, "M", 32, 32, 32, "M", 48, 48, 48, "M", 64, 64, 64, "M")
    DROPOUT = 0.1

    def __init__(self, batch_norm: bool = False) -> None:
        super().__init__()
        self.features = _vgg_features(self.WIDTHS, batch_norm, inplace=True)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        hidden: list[nn.Module] = []
        for _ in range(2):
            hidden.append(nn.Linear(64, 64))
            if batch_norm:
                hidden.append(nn.BatchNorm1d(64))
            hidden += [nn.ReLU(inplace=True), nn.Dropout(self.DROPOUT)]
        self.classifier = nn.Sequential(*hidden, nn.Linear(64, NUMBER_OF_CLASSES))

    def forward(self, x: Tensor) -> Tensor:
        x = self.avgpool(self.features(x))
        return self.classifier(torch.flatten(x, 1))


def _vgg_features(widths: tuple[int | str, ...], batch_norm: bool, inplace: bool) -> nn.Sequential:
    layers: list[nn.Module] = []
    channels = 3
    for width in widths:
        if isinstance(width, str):
            layers.append(nn.MaxPool2d(2))
            continue
        layers.extend(_convolutions(channels, (width,), batch_norm, inplace))
        channels = width
    return nn.Sequential(*layers)


def _convolutions(
    channels: int, widths: tuple[int, ...], batch_norm: bool, inplace: bool = False
) -> nn.Sequential:
    layers: list[nn.Module] = []
    for width in widths:
        layers.append(nn.Conv2d(channels, width, 3, padding=1))
        if batch_norm:
            layers.append(nn.BatchNorm2d(width))
        layers.append(nn.ReLU(inplace))
        channels = width
    return nn.Sequential(*layers)


def fold_batch_norm(network: Folded) -> Folded:
    """The same function, in eval mode, with each BatchNorm moved into the layer before it."""
    plain = type(network)()
    targets = (layer for layer in plain.modules() if isinstance(layer, nn.Conv2d | nn.Linear))
    layers = list(network.modules())
    for layer, after in zip(layers, [*layers[1:], None], strict=True):
        fused: nn.Module = layer
        if isinstance(layer, nn.Conv2d) and isinstance(after, nn.BatchNorm2d):
            fused = nn.utils.fusion.fuse_conv_bn_eval(layer.eval(), after.eval())
        elif isinstance(layer, nn.Linear) and isinstance(after, nn.BatchNorm1d):
            fused = nn.utils.fusion.fuse_linear_bn_eval(layer.eval(), after.eval())
        elif not isinstance(layer, nn.Conv2d | nn.Linear):
            continue
        next(targets).load_state_dict(fused.state_dict())
    return plain.eval()


class BasicBlock(nn.Module):
    """Two convolutions and a shortcut around them, added in place."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample: nn.Module | None = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += shortcut
        return self.relu(out)


class TinyResNet(nn.Module):
    """Residual blocks with BatchNorm, as in ResNet (He et al., 2016)."""

    WIDTHS = (24, 32, 64, 96)

    def __init__(self) -> None:
        super().__init__()
        first = self.WIDTHS[0]
        self.conv1 = nn.Conv2d(3, first, 5, stride=2, padding=2, bias=False)
        self.bn1 = nn.BatchNorm2d(first)
        self.relu = nn.ReLU(inplace=True)
        channels = first
        for number, width in enumerate(self.WIDTHS, start=1):
            stride = 1 if number == 1 else 2
            blocks = nn.Sequential(BasicBlock(channels, width, stride), BasicBlock(width, width))
            self.add_module(f"layer{number}", blocks)
            channels = width
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(channels, NUMBER_OF_CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.bn1(self.conv1(x)))
        for number in range(1, len(self.WIDTHS) + 1):
            x = self.get_submodule(f"layer{number}")(x)
        return self.fc(torch.flatten(self.avgpool(x), 1))


class DenseLayer(nn.Module):
    """BatchNorm, ReLU and convolution, whose output joins its input."""

    def __init__(self, inputs: int, growth: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(inputs)
        self.conv = nn.Conv2d(inputs, growth, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.conv(F.relu(self.norm(x)))], 1)


class Transition(nn.Module):
    """Halves the height, the width and the number of channels."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(inputs)
        self.conv = nn.Conv2d(inputs, outputs, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return F.avg_pool2d(self.conv(F.relu(self.norm(x))), 2)


class TinyDenseNet(nn.Module):
    """Every layer sees all earlier ones of its block, as in DenseNet (Huang et al., 2017)."""

    BLOCKS = (4, 4, 4, 4)
    GROWTH = 16

    def __init__(self) -> None:
        super().__init__()
        channels = 2 * self.GROWTH
        self.features = nn.Sequential()
        self.features.add_module("conv0", nn.Conv2d(3, channels, 5, 2, padding=2, bias=False))
        for number, layers in enumerate(self.BLOCKS, start=1):
            block = nn.Sequential()
            for index in range(1, layers + 1):
                block.add_module(f"denselayer{index}", DenseLayer(channels, self.GROWTH))
                channels += self.GROWTH
            self.features.add_module(f"denseblock{number}", block)
            if number < len(self.BLOCKS):
                half = channels // 2
                self.features.add_module(f"transition{number}", Transition(channels, half))
                channels = half
        self.features.add_module(f"norm{len(self.BLOCKS) + 1}", nn.BatchNorm2d(channels))
        self.classifier = nn.Linear(channels, NUMBER_OF_CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.features(x))
        x = F.adaptive_avg_pool2d(x, 1)
        return self.classifier(torch.flatten(x, 1))


def _convolution_norm_relu6(
    inputs: int, outputs: int, kernel_size: int, stride: int = 1, groups: int = 1
) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(
            inputs, outputs, kernel_size, stride, kernel_size // 2, groups=groups, bias=False
        ),
        nn.BatchNorm2d(outputs),
        nn.ReLU6(inplace=True),
    )


class InvertedResidual(nn.Module):
    """Widen, filter each channel on its own, narrow again without an activation."""

    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        self.use_res_connect = stride == 1 and inputs == outputs
        self.conv = nn.Sequential(
            _convolution_norm_relu6(inputs, hidden, kernel_size=1),
            _convolution_norm_relu6(hidden, hidden, kernel_size=3, stride=stride, groups=hidden),
            nn.Conv2d(hidden, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x) if self.use_res_connect else self.conv(x)


class TinyMobileNet(nn.Module):
    """Depthwise convolutions, ReLU6, linear bottlenecks: MobileNetV2 (Sandler et al., 2018)."""

    STEM = 16
    BLOCKS = ((16, 1), (24, 2), (24, 1), (40, 2), (40, 1), (40, 1), (64, 2), (64, 1))
    EXPANSION = 4
    LAST = 192

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [_convolution_norm_relu6(3, self.STEM, kernel_size=5, stride=2)]
        channels = self.STEM
        for width, stride in self.BLOCKS:
            layers.append(InvertedResidual(channels, width, stride, self.EXPANSION))
            channels = width
        layers.append(_convolution_norm_relu6(channels, self.LAST, kernel_size=1))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Linear(self.LAST, NUMBER_OF_CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = F.adaptive_avg_pool2d(self.features(x), 1)
        return self.classifier(torch.flatten(x, 1))


class TinySegmenter(nn.Module):
    """Down to an eighth of the side and up again with shortcuts: U-Net (Ronneberger et al., 2015).

    It gives one logit per class and pixel, (N, 8, H, W): whether the class covers the pixel. Its
    `features` are the first layers of `TinyVGG`. With `batch_norm`, the form that is trained;
    without it, the form that is used.
    """

    DOWN = TinyVGG.WIDTHS[:9]
    BOTTOM = (48, 48)
    UP = (32, 16, 8)

    def __init__(self, batch_norm: bool = False) -> None:
        super().__init__()
        self.features = _vgg_features(self.DOWN, batch_norm=False, inplace=False)
        self.bottom = _convolutions(64, self.BOTTOM, batch_norm)
        channels = self.BOTTOM[-1]
        self.decoder = nn.ModuleList()
        for shortcut, width in zip((64, 32, 16), self.UP, strict=True):
            self.decoder.append(_convolutions(shortcut + channels, (width,), batch_norm))
            channels = width
        self.classifier = nn.Conv2d(channels, NUMBER_OF_CLASSES, 1)
        # One pixel in a hundred is of a class: training begins with saying so.
        self.classifier.bias = nn.Parameter(torch.full((NUMBER_OF_CLASSES,), -math.log(99)))

    def forward(self, x: Tensor) -> Tensor:
        shortcuts = []
        for layer in self.features:
            if isinstance(layer, nn.MaxPool2d):
                shortcuts.append(x)
            x = layer(x)
        x = self.bottom(x)
        for block in self.decoder:
            shortcut = shortcuts.pop()
            x = F.interpolate(x, size=shortcut.shape[2:])
            x = block(torch.cat([shortcut, x], 1))
        return self.classifier(x)


Folded: TypeAlias = TinyVGG | TinyVGG16 | TinySegmenter
"""The networks that are trained with BatchNorm and used without it."""

ARCHITECTURES: dict[str, Callable[[], nn.Module]] = {
    "tiny_vgg": TinyVGG,
    "tiny_vgg16": TinyVGG16,
    "tiny_resnet": TinyResNet,
    "tiny_densenet": TinyDenseNet,
    "tiny_mobilenet": TinyMobileNet,
    "tiny_vit": TinyViT,
    "tiny_vgg_shortcut": TinyVGG,
    "tiny_segmenter": TinySegmenter,
}

CONVOLUTIONAL = ("tiny_vgg", "tiny_vgg16", "tiny_resnet", "tiny_densenet", "tiny_mobilenet")
"""Those of `NETWORKS` all of whose activations are weighted sums of others: every method that
shares relevance is defined for them."""

NETWORKS = (*CONVOLUTIONAL, "tiny_vit")
"""The networks that answer honestly which shapes are in a picture; `ARCHITECTURES` has all."""


def check_name(name: str) -> str:
    """The name, if one of the small networks has it.

    Raises:
        ValueError: it is none of `ARCHITECTURES`; the message names close matches.
    """
    if name not in ARCHITECTURES:
        near = get_close_matches(str(name), ARCHITECTURES)
        names = ", ".join(ARCHITECTURES)
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are {names}."
        raise ValueError(f"There is no small network {name!r}; {hint}")
    return name


def build_network(name: str = "tiny_vgg") -> nn.Module:
    """A small network with random weights, in the form in which it is used.

    Raises:
        ValueError: there is no network of that name.

    >>> build_network("tiny_vgg")(torch.zeros(2, 3, 96, 96)).shape
    torch.Size([2, 8])
    """
    return ARCHITECTURES[check_name(name)]()


def load_network(name: str = "tiny_vgg", weights: str | Path | None = None) -> nn.Module:
    """A trained small network, in eval mode, its parameters frozen.

    Args:
        name: one of `ARCHITECTURES`.
        weights: a safetensors file of your own; the one that comes with the course if None.

    Raises:
        ValueError: there is no network of that name, or the file is not the one that was shipped.
        FileNotFoundError: the weights are not there.

    >>> network = load_network("tiny_vgg")
    >>> network.training, any(weight.requires_grad for weight in network.parameters())
    (False, False)
    """
    check_name(name)
    network = build_network(name)
    state = load_weights(name, weights)
    try:
        network.load_state_dict(state)
    except RuntimeError:
        raise ValueError(f"The file {weights} does not hold weights of {name}.") from None
    return network.eval().requires_grad_(False)


def verify() -> list[tuple[str, bool, str]]:
    """For every shipped network its name, whether it is right, and a sentence. Raises nothing."""
    results = []
    for name in ARCHITECTURES:
        try:
            load_weights(name)
            results.append((name, True, describe(name)))
        except (OSError, ValueError) as error:
            results.append((name, False, f"{name}: {error}"))
    return results
