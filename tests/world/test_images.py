"""Images of every kind that people have, and what each of their pixels is worth."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
import torch
from PIL import Image, TiffImagePlugin

from course_lib.world import images
from course_lib.world.examples import get_example_data
from course_lib.world.images import read_image

SIDE = 12
HALF_RED = (255, 0, 0, 51)
"""A fifth opaque: on white paper the other colours keep four fifths."""
PINK = (1.0, 0.8, 0.8)


def colour(image):
    """The one colour of an image that has only one."""
    x = read_image(image)
    assert x.dtype == torch.float32
    assert x.shape == (1, 3, SIDE, SIDE)
    assert x.is_contiguous()
    assert (x == x[..., :1, :1]).all()
    return tuple(round(value, 4) for value in x[0, :, 0, 0].tolist())


def flat(mode, value):
    return Image.new(mode, (SIDE, SIDE), value)


def palette(transparent):
    picture = flat("P", 1)
    picture.putpalette([9, 9, 9, 255, 0, 0])
    if transparent:
        picture.info["transparency"] = bytes([255, 51])
    return picture


def sixteen_bits(value=32768):
    return Image.fromarray(np.full((SIDE, SIDE), value, np.uint16))


PICTURES = {
    "RGB": (flat("RGB", (255, 0, 51)), "png", (1.0, 0.0, 0.2)),
    "grey": (flat("L", 51), "png", (0.2, 0.2, 0.2)),
    "one bit": (flat("1", 1), "png", (1.0, 1.0, 1.0)),
    "transparent": (flat("RGBA", HALF_RED), "png", PINK),
    "transparent grey": (flat("LA", (0, 51)), "png", (0.8, 0.8, 0.8)),
    "palette": (palette(False), "png", (1.0, 0.0, 0.0)),
    "transparent palette": (palette(True), "png", PINK),
    "16 bits as PNG": (sixteen_bits(), "png", (0.5, 0.5, 0.5)),
    "16 bits as TIFF": (sixteen_bits(), "tif", (0.5, 0.5, 0.5)),
    "mode I": (flat("I", 32768), "tif", (0.5, 0.5, 0.5)),
    "float": (flat("F", 0.5), "tif", (0.5, 0.5, 0.5)),
    "CMYK": (flat("CMYK", (0, 255, 255, 0)), "tif", (1.0, 0.0, 0.0)),
}


@pytest.mark.parametrize("kind", PICTURES)
def test_a_picture_has_the_colours_that_a_viewer_shows(kind, tmp_path):
    picture, suffix, expected = PICTURES[kind]
    assert colour(picture) == expected
    path = tmp_path / f"picture.{suffix}"
    picture.save(path)
    assert colour(path) == expected
    assert colour(str(path)) == expected


def test_16_bits_with_the_large_byte_first(tmp_path):
    path = tmp_path / "big-endian.tif"
    data = np.full((SIDE, SIDE), 32768, ">u2").tobytes()
    Image.frombytes("I;16B", (SIDE, SIDE), data).save(path)
    assert colour(path) == (0.5, 0.5, 0.5)


ARRAYS = {
    "uint8": (np.full((SIDE, SIDE, 3), 51, np.uint8), (0.2, 0.2, 0.2)),
    "uint16": (np.full((SIDE, SIDE), 32768, np.uint16), (0.5, 0.5, 0.5)),
    "bool": (np.ones((SIDE, SIDE, 1), bool), (1.0, 1.0, 1.0)),
    "float64": (np.full((SIDE, SIDE, 3), (0.1, 0.5, 0.7)), (0.1, 0.5, 0.7)),
    "float16": (np.full((SIDE, SIDE), 0.5, np.float16), (0.5, 0.5, 0.5)),
    "opacity": (np.full((SIDE, SIDE, 4), HALF_RED, np.uint8), PINK),
    "grey with opacity": (np.full((SIDE, SIDE, 2), (0.0, 0.25)), (0.75, 0.75, 0.75)),
}


@pytest.mark.parametrize("kind", ARRAYS)
def test_an_array_and_a_tensor_mean_the_same(kind):
    array, expected = ARRAYS[kind]
    assert colour(array) == expected
    tensor = torch.from_numpy(array if array.ndim == 2 else array.transpose(2, 0, 1).copy())
    assert colour(tensor) == expected
    if tensor.ndim == 3:
        assert colour(tensor[None]) == expected


def test_bfloat16_and_an_image_that_requires_grad():
    image = torch.full((3, SIDE, SIDE), 0.5, dtype=torch.bfloat16, requires_grad=True)
    assert colour(image) == (0.5, 0.5, 0.5)
    assert not read_image(image).requires_grad


def test_rows_and_columns_stay_what_they_are():
    pixels = np.random.default_rng(0).integers(0, 256, (9, 14, 3), dtype=np.uint8)
    expected = torch.from_numpy(pixels).permute(2, 0, 1)[None] / 255
    torch.testing.assert_close(read_image(pixels), expected)
    torch.testing.assert_close(read_image(Image.fromarray(pixels)), expected)
    torch.testing.assert_close(read_image(expected[0].double()), expected)


def test_what_comes_back_is_a_copy():
    array = np.zeros((SIDE, SIDE, 3), np.float32)
    read_image(array).add_(1)
    tensor = torch.zeros(1, 3, SIDE, SIDE)
    read_image(tensor).add_(1)
    assert not array.any()
    assert not tensor.any()


@pytest.mark.parametrize("mode", ["RGB", "I;16"])
@pytest.mark.parametrize(("orientation", "turns"), [(1, 0), (6, -1), (3, 2), (8, 1)])
def test_a_camera_held_sideways(mode, orientation, turns, tmp_path):
    pixels = np.zeros((8, 16), np.uint16)
    pixels[:, :8] = 65535
    picture = Image.fromarray(pixels)
    if mode == "RGB":
        picture = Image.fromarray((pixels >> 8).astype(np.uint8)).convert("RGB")
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture.save(tmp_path / "photo.png", exif=exif)
    x = read_image(tmp_path / "photo.png")
    upright = np.rot90(pixels, turns).copy().astype(np.float32) / 65535
    assert torch.equal(x[0, 0], torch.from_numpy(upright))


def noise(tmp_path, suffix):
    path = tmp_path / f"cut.{suffix}"
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


@pytest.mark.parametrize("suffix", ["png", "jpg", "gif", "bmp", "tif"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
def test_a_file_that_ends_too_early(suffix, share, tmp_path):
    path = noise(tmp_path, suffix)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    said(path, r"cut\.\w+ (is broken: .*|is not a picture that can be read)\.$")


def test_a_file_with_a_wrong_byte(tmp_path):
    path = noise(tmp_path, "png")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    said(path, r"cut\.png is broken: .*\.$")


def test_an_empty_file(tmp_path):
    (tmp_path / "nothing.png").touch()
    said(tmp_path / "nothing.png", r"nothing\.png is not a picture that can be read\.$")


def said(image, message):
    """The error is one plain sentence, whoever asks."""
    for ask in (read_image, lambda given: get_example_data("tiny_vgg", image=given)):
        with pytest.raises(ValueError, match=message) as caught:
            ask(image)
        assert "\n" not in str(caught.value)


def huge_png(path, width, height):
    """A PNG of one grey, whose pixels take no room in the file."""

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    packed = zlib.compressobj(9)
    row = bytes(1 + width // 8)
    data = b"".join([packed.compress(row) for _ in range(height)]) + packed.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("side", [7200, 9600, 13752])
def test_a_huge_picture_in_a_small_file(side, tmp_path):
    """Beyond our own limit, Pillow's warning and Pillow's error: 52, 92 and 189 megapixels."""
    path = tmp_path / "bomb.png"
    huge_png(path, side, side)
    assert path.stat().st_size < 60_000
    said(path, r"bomb\.png has more than 50 million pixels; make it smaller\.$")


def test_a_picture_of_a_few_pixels(tmp_path):
    flat("RGB", 0).resize((300, 1)).save(tmp_path / "line.png")
    said(tmp_path / "line.png", r"line\.png has 1 x 300 pixels, too few: its shorter side needs 8")
    said(np.zeros((4, 4, 3)), r"The array has 4 x 4 pixels, too few")


def test_a_size_that_would_be_huge(tmp_path):
    with pytest.raises(ValueError, match=r"8 x 4000 pixels would have 8000 x 4000000, too many"):
        get_example_data("tiny_vgg", 8000, np.zeros((8, 4000), np.uint8))


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (flat("I", -1), r"The image has values from -1 to -1; those of 16 bits go from 0 to 65535"),
        (flat("I", 70000), r"The image has values from 70000 to 70000"),
        (flat("F", 255.0), r"The image has values from 255 to 255; an image of floats has them in"),
        (np.zeros((SIDE, SIDE, 3), np.int64), r"The array has values of type int64; an image has"),
        (np.zeros((3, SIDE, SIDE)), r"The array has shape \(3, 12, 12\); an image is \(H, W\) or"),
        (np.zeros(SIDE), r"The array has shape \(12,\)"),
        (np.full((SIDE, SIDE), -0.5), r"The array has values from -0.5 to -0.5"),
        (torch.zeros(SIDE, SIDE, 3), r"shape \(3, H, W\), this one has \(12, 12, 3\)"),
    ],
)
def test_values_that_mean_nothing(image, message):
    said(image, message)


def test_a_picture_from_a_file_is_named_when_its_values_are_wrong(tmp_path):
    flat("F", 255.0).save(tmp_path / "depth.tif")
    said(tmp_path / "depth.tif", r"depth\.tif has values from 255 to 255")
    with Image.open(tmp_path / "depth.tif") as picture:
        said(picture, r"depth\.tif has values from 255 to 255")


def test_a_pil_image_stays_as_it_is():
    picture = flat("P", 1)
    stream = io.BytesIO()
    picture.save(stream, "png")
    read_image(picture)
    assert picture.mode == "P"


def test_the_limits_are_pillow_s_or_below():
    assert images.MOST_PIXELS < Image.MAX_IMAGE_PIXELS


def test_pillow_says_what_is_missing_without_a_trace(tmp_path, monkeypatch):
    """A TIFF whose table of contents is damaged."""
    path = noise(tmp_path, "tif")

    def fail(*arguments):
        raise struct.error("unpack requires a buffer of 12 bytes")

    monkeypatch.setattr(TiffImagePlugin.TiffImageFile, "load", fail)
    said(path, r"cut\.tif is broken: unpack requires")
