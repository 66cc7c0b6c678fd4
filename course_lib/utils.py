"""Image helpers by the names that users of TorchRay know.

Heavy libraries (PIL, matplotlib) are imported by the functions that need them.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F

from .attribution.inputs.checks import check_image, is_whole
from .attribution.maps.imaging import imsmooth, resize_saliency

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = [
    "get_config",
    "get_device",
    "im_to_numpy",
    "imarraysc",
    "imread",
    "imsc",
    "imsmooth",
    "is_url",
    "pil_to_tensor",
    "resample",
    "resize_saliency",
    "tensor_to_im",
    "xmkdir",
]


def get_device(gpu: int | None = 0) -> torch.device:
    """The device to compute on: CUDA number `gpu`, else MPS, else the CPU.

    Args:
        gpu: index of the CUDA device; None for the CPU.

    >>> get_device(None)
    device(type='cpu')
    """
    if gpu is None:
        return torch.device("cpu")
    if torch.cuda.is_available():
        if not 0 <= gpu < torch.cuda.device_count():
            raise ValueError(
                f"There is no CUDA device {gpu}: this machine has {torch.cuda.device_count()}."
            )
        return torch.device("cuda", gpu)
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def get_config() -> dict[str, dict[str, str]]:
    """Where data sets and results are looked for: TorchRay's layout below `./data`.

    >>> get_config()["benchmark"]["voc_dir"]
    './data/datasets/voc'
    """
    return {
        "benchmark": {
            "voc_dir": "./data/datasets/voc",
            "coco_dir": "./data/datasets/coco",
            "coco_anno_dir": "./data/datasets/coco/annotations",
            "imagenet_dir": "./data/datasets/imagenet",
            "models_dir": "./data/models",
            "experiments_dir": "./data",
        }
    }


def xmkdir(path: str | Path) -> None:
    """Make a folder and the folders above it; nothing happens when it is there already."""
    Path(path).mkdir(parents=True, exist_ok=True)


def pil_to_tensor(pil_image: Image) -> torch.Tensor:
    """A PIL image as a C x H x W float32 tensor in [0, 1], C as the image has bands.

    >>> from PIL import Image
    >>> pil_to_tensor(Image.new("RGB", (5, 4), (255, 0, 0))).shape
    torch.Size([3, 4, 5])
    """
    pixels = np.asarray(pil_image)
    if pixels.dtype == bool:
        scale = 1.0
    elif np.issubdtype(pixels.dtype, np.integer):
        scale = 255.0 if pixels.dtype == np.uint8 else 65535.0
    else:
        scale = 1.0
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    return torch.from_numpy(pixels.astype(np.float32) / np.float32(scale)).permute(2, 0, 1)


def tensor_to_im(tensor: torch.Tensor) -> torch.Tensor:
    """Channels first or none to an image batch of K x C x H x W: 2 and 3 dimensions get the rest.

    An H x W tensor becomes 1 x 1 x H x W, a C x H x W tensor becomes 1 x C x H x W.

    >>> tensor_to_im(torch.zeros(4, 5)).shape
    torch.Size([1, 1, 4, 5])
    """
    if tensor.dim() not in (2, 3, 4):
        raise ValueError(f"An image tensor has 2, 3 or 4 dimensions, not {tensor.dim()}.")
    return tensor.reshape((1,) * (4 - tensor.dim()) + tuple(tensor.shape))


def im_to_numpy(tensor: torch.Tensor) -> np.ndarray:
    """A K x H x W tensor as an H x W x K NumPy array on the CPU.

    >>> im_to_numpy(torch.zeros(3, 4, 5)).shape
    (4, 5, 3)
    """
    if tensor.dim() != 3:
        raise ValueError(f"An image has shape K x H x W, not {tensor.dim()} dimensions.")
    return tensor.detach().permute(1, 2, 0).cpu().numpy()


def is_url(obj: object) -> bool:
    """Whether the object is a string with the address of something on the web or a file URL.

    >>> is_url("https://example.org/cat.jpg"), is_url("cat.jpg"), is_url(3)
    (True, False, False)
    """
    return isinstance(obj, str) and obj.startswith(("http://", "https://", "file://"))


def resample(
    source: torch.Tensor, target_size: tuple[int, int], transform: torch.Tensor
) -> torch.Tensor:
    r"""Scale and move images: what is at (u, v) goes to (s_u u + t_u, s_v v + t_v).

    Positions are in pixels, u to the right and v down; the centre of the first pixel is at
    (1/2, 1/2). Bilinear, and 0 outside the image. TorchRay moves by -t, other than it says.

    Args:
        source: images, N x C x H x W, floating.
        target_size: (height, width) of the result.
        transform: 2 x 2, ((s_u, t_u), (s_v, t_v)); the scales are not 0.

    Returns:
        N x C x height x width, in the dtype and on the device of the source.

    Raises:
        TypeError, ValueError: an argument is not as above.

    >>> x = torch.tensor([[[[1.0, 2.0, 3.0]]]])
    >>> resample(x, (1, 3), torch.tensor([[1.0, 1.0], [1.0, 0.0]]))
    tensor([[[[0., 1., 2.]]]])
    """
    check_image(source, "The source")
    if len(target_size) != 2 or not all(is_whole(side, least=1) for side in target_size):
        raise ValueError(f"target_size must be (height, width), not {tuple(target_size)}.")
    numbers = torch.as_tensor(transform, dtype=torch.float64, device="cpu")
    if numbers.shape != (2, 2) or not bool(numbers.isfinite().all()) or not numbers[:, 0].all():
        raise ValueError(
            f"transform must hold ((s_u, t_u), (s_v, t_v)), finite and with scales that are not "
            f"0, not {numbers.tolist()}."
        )
    lines = [
        2 * ((torch.arange(int(to), dtype=torch.float64) + 0.5 - move) / scale) / side - 1
        for to, side, (scale, move) in zip(
            reversed(target_size), reversed(source.shape[2:]), numbers.tolist(), strict=True
        )
    ]
    grid = torch.stack(torch.meshgrid(*lines, indexing="xy"), 2).to(source)
    return F.grid_sample(source, grid.expand(len(source), -1, -1, -1), align_corners=False)


def imread(
    file: str | Path,
    as_pil: bool = False,
    resize: int | tuple[int, int] | None = None,
    to_rgb: bool = False,
) -> Any:
    """Read an image from a file or URL.

    Args:
        file: path, or an http(s) or file URL.
        as_pil: return a PIL image rather than a tensor.
        resize: (width, height), or one int for the shorter side.
        to_rgb: convert to three channels.

    Returns:
        A C x H x W float32 tensor in [0, 1], or the PIL image.

    Raises:
        ValueError: there is no such file, it is no image, or resize is not positive.

    >>> imread("nowhere.png")
    Traceback (most recent call last):
    ...
    ValueError: There is no image file nowhere.png.
    """
    import io
    import urllib.error
    import urllib.request

    from PIL import Image, UnidentifiedImageError

    size = (resize, resize) if isinstance(resize, int) else resize
    if size is not None and (len(size) != 2 or min(size) <= 0):
        raise ValueError(f"resize must be an int or (width, height), both positive: not {resize}.")
    try:
        if is_url(str(file)):
            with urllib.request.urlopen(str(file)) as response:
                data = response.read()
        else:
            data = Path(file).read_bytes()
    except (urllib.error.URLError, OSError) as error:
        if isinstance(error, FileNotFoundError):
            raise ValueError(f"There is no image file {file}.") from None
        raise ValueError(f"{file} can't be read: {error}.") from None
    try:
        image: Image.Image = Image.open(io.BytesIO(data))
        image.load()
    except (UnidentifiedImageError, OSError):
        raise ValueError(f"{file} is not an image that can be read.") from None
    if to_rgb:
        image = image.convert("RGB")
    if isinstance(resize, int):
        share = resize / min(image.size)
        size = (max(1, round(image.width * share)), max(1, round(image.height * share)))
    if size is not None:
        image = image.resize((int(size[0]), int(size[1])), Image.Resampling.LANCZOS)
    return image if as_pil else pil_to_tensor(image)


def _scaled(im: torch.Tensor, lim: Any) -> torch.Tensor:
    im = im.detach().float() if im.dtype != torch.float64 else im.detach()
    low, high = (im.min(), im.max()) if lim is None else lim
    spread = high - low
    if float(spread) == 0:
        # A constant image has no contrast to stretch: it keeps its value as far as it shows.
        return im.clamp(0, 1)
    return ((im - low) / spread).clamp(0, 1)


def _show(im: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
    from matplotlib import pyplot as plt

    # A grey image has its own colours only when the caller gives a map of them.
    mapped = im.shape[0] == 1 and (args or "cmap" in kwargs)
    three = im.expand(3, -1, -1) if im.shape[0] == 1 else im[:3]
    pixels = im[0].detach().cpu().numpy() if mapped else im_to_numpy(three)
    handle = plt.imshow(pixels, *args, **kwargs)
    plt.gca().axis("off")
    return handle


def imsc(
    img: torch.Tensor | Image,
    *args: Any,
    quiet: bool = False,
    lim: tuple[float, float] | None = None,
    interpolation: str = "lanczos",
    **kwargs: Any,
) -> tuple[torch.Tensor, Any]:
    """Scale an image to [0, 1] and show it in the current matplotlib axes.

    Args:
        img: C x H x W (or H x W, or 1 x C x H x W), C = 1 or 3; or a PIL image.
        quiet: scale only, do not show.
        lim: the values that become 0 and 1; by default the smallest and the largest.
        interpolation: matplotlib's.
        args, kwargs: further arguments of matplotlib's `imshow`, such as `cmap` (for C = 1) or
            `alpha`.

    Returns:
        The scaled image, C x H x W, and the matplotlib handle (None if quiet). A constant image
        keeps its value, cut to [0, 1].

    Raises:
        ValueError: not one image, or holding NaN.

    >>> imsc(torch.tensor([[[1.0, 3.0]]]), quiet=True)[0].tolist()
    [[[0.0, 1.0]]]
    >>> imsc(torch.full((1, 1, 2), 0.5), quiet=True)[0].tolist()
    [[[0.5, 0.5]]]
    """
    if not isinstance(img, torch.Tensor):
        from PIL.Image import Image

        if not isinstance(img, Image):
            raise TypeError(f"imsc shows a tensor or a PIL image, not {type(img).__name__}.")
        img = pil_to_tensor(img)
    batch = tensor_to_im(img)
    if batch.shape[0] != 1 or batch.numel() == 0:
        raise ValueError(f"imsc shows one image, not a batch of shape {tuple(batch.shape)}.")
    if bool(batch.isnan().any()):
        raise ValueError("The image holds NaN.")
    scaled = _scaled(batch[0], lim)
    return scaled, None if quiet else _show(scaled, *args, interpolation=interpolation, **kwargs)


def imarraysc(
    tiles: torch.Tensor,
    spacing: int = 0,
    quiet: bool = False,
    lim: tuple[float, float] | None = None,
    interpolation: str = "lanczos",
) -> tuple[torch.Tensor, Any]:
    """Arrange a batch of images as a mosaic, each scaled to [0, 1], and show it.

    Args:
        tiles: K x C x H x W.
        spacing: width in pixels of the black border around each tile.
        quiet: arrange only, do not show.
        lim: the values that become 0 and 1; by default each tile's own smallest and largest.
        interpolation: matplotlib's.

    Returns:
        The mosaic, C x (M H) x (N W) plus borders with M N >= K (missing tiles are black), and the
        matplotlib handle (None if quiet).

    Raises:
        ValueError: tiles are not K x C x H x W, K > 0, or hold NaN, or spacing is negative.

    >>> imarraysc(torch.rand(5, 3, 8, 8), spacing=1, quiet=True)[0].shape
    torch.Size([3, 20, 30])
    """
    if tiles.dim() != 4 or tiles.numel() == 0:
        raise ValueError(f"Tiles must have shape K x C x H x W, K > 0, not {tuple(tiles.shape)}.")
    if spacing < 0:
        raise ValueError(f"spacing must be at least 0, not {spacing}.")
    if bool(tiles.isnan().any()):
        raise ValueError("The tiles hold NaN.")
    number = tiles.shape[0]
    columns = math.ceil(math.sqrt(number))
    rows = math.ceil(number / columns)
    scaled = torch.stack([F.pad(_scaled(tile, lim), (spacing,) * 4) for tile in tiles])
    scaled = F.pad(scaled, (0, 0, 0, 0, 0, 0, 0, rows * columns - number))
    _, channels, height, width = scaled.shape
    mosaic = scaled.view(rows, columns, channels, height, width).permute(2, 0, 3, 1, 4)
    mosaic = mosaic.reshape(channels, rows * height, columns * width)
    return mosaic, None if quiet else _show(mosaic, interpolation=interpolation)
