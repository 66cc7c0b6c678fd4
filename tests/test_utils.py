from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from course_lib import utils


@pytest.fixture
def picture(tmp_path):
    from PIL import Image

    pixels = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3) * 3
    path = tmp_path / "picture.png"
    Image.fromarray(pixels).save(path)
    return path, torch.from_numpy(pixels).permute(2, 0, 1) / 255


def test_reading_from_a_path_and_a_url(picture):
    path, expected = picture
    for name in (path, str(path), path.as_uri()):
        torch.testing.assert_close(utils.imread(name), expected)


@pytest.mark.parametrize(
    ("resize", "shape"), [((3, 2), (3, 2, 3)), (2, (3, 2, 3)), (8, (3, 8, 12)), ([5, 7], (3, 7, 5))]
)
def test_reading_and_resizing(picture, resize, shape):
    assert utils.imread(picture[0], resize=resize).shape == shape


def test_reading_other_modes(picture, tmp_path):
    from PIL import Image

    image = utils.imread(picture[0], as_pil=True)
    assert isinstance(image, Image.Image)
    grey = tmp_path / "grey.png"
    image.convert("L").save(grey)
    assert utils.imread(grey).shape == (1, 4, 6)
    assert utils.imread(grey, to_rgb=True).shape == (3, 4, 6)
    assert utils.imread(grey, to_rgb=True, resize=(2, 2), as_pil=True).mode == "RGB"
    deep = Image.fromarray(np.full((2, 2), 65535, dtype=np.uint16))
    assert utils.pil_to_tensor(deep).max() == 1
    assert utils.pil_to_tensor(Image.new("1", (2, 2), 1)).max() == 1


def test_reading_refuses(picture, tmp_path):
    with pytest.raises(ValueError, match="no image file"):
        utils.imread(tmp_path / "nothing.png")
    text = tmp_path / "text.png"
    text.write_text("not an image")
    with pytest.raises(ValueError, match="not an image"):
        utils.imread(text)
    with pytest.raises(ValueError, match="can't be read"):
        utils.imread(tmp_path)
    for size in (0, (0, 3), (1, 2, 3)):
        with pytest.raises(ValueError, match="both positive"):
            utils.imread(picture[0], resize=size)


def test_imsc_scales():
    scaled, handle = utils.imsc(torch.tensor([[[-1.0, 0.0, 3.0]]]), quiet=True)
    assert handle is None
    assert scaled.tolist() == [[[0.0, 0.25, 1.0]]]
    limited, _ = utils.imsc(torch.tensor([[[-1.0, 0.0, 3.0]]]), quiet=True, lim=(0, 2))
    assert limited.tolist() == [[[0.0, 0.0, 1.0]]]


@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
def test_a_constant_image_is_shown_as_it_is(value):
    assert utils.imsc(torch.full((3, 2, 2), value), quiet=True)[0].unique().item() == (
        pytest.approx(value)
    )


def test_imsc_and_imarraysc_show():
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    _, handle = utils.imsc(torch.rand(1, 4, 5, requires_grad=True))
    assert handle.get_array().shape == (4, 5, 3)
    _, handle = utils.imarraysc(torch.rand(3, 3, 4, 5), spacing=2)
    assert handle.get_array().shape == (16, 18, 3)
    plt.close("all")


def test_imsc_shows_pil_images_and_takes_the_arguments_of_imshow():
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt
    from PIL import Image

    picture = Image.new("RGB", (3, 2), (0, 255, 51))
    scaled, handle = utils.imsc(img=picture, quiet=True)
    assert handle is None
    torch.testing.assert_close(scaled[:, 0, 0], torch.tensor([0.0, 1.0, 0.2]))
    _, handle = utils.imsc(picture, alpha=0.25)
    assert handle.get_alpha() == 0.25
    for arguments, named in [(("jet",), {}), ((), {"cmap": "jet"})]:
        _, handle = utils.imsc(torch.rand(1, 4, 5), *arguments, **named)
        assert (handle.get_cmap().name, handle.get_array().shape) == ("jet", (4, 5))
    plt.close("all")


def test_imarraysc_puts_tiles_row_by_row():
    tiles = torch.stack([torch.full((1, 2, 2), float(k)) for k in range(3)])
    mosaic, _ = utils.imarraysc(tiles, quiet=True, lim=(0, 4))
    assert mosaic[0].tolist() == [
        [0, 0, 0.25, 0.25],
        [0, 0, 0.25, 0.25],
        [0.5, 0.5, 0, 0],
        [0.5, 0.5, 0, 0],
    ]


def test_pictures_refuse():
    with pytest.raises(ValueError, match="not a batch"):
        utils.imsc(torch.zeros(2, 3, 4, 4), quiet=True)
    with pytest.raises(TypeError, match="a tensor or a PIL image, not list"):
        utils.imsc([[0.0, 1.0]], quiet=True)
    with pytest.raises(ValueError, match="NaN"):
        utils.imsc(torch.full((1, 2, 2), float("nan")), quiet=True)
    with pytest.raises(ValueError, match="K x C x H x W"):
        utils.imarraysc(torch.zeros(3, 4, 4), quiet=True)
    with pytest.raises(ValueError, match="spacing"):
        utils.imarraysc(torch.zeros(1, 3, 4, 4), spacing=-1, quiet=True)
    with pytest.raises(ValueError, match="NaN"):
        utils.imarraysc(torch.full((1, 1, 2, 2), float("nan")), quiet=True)
    with pytest.raises(ValueError, match="2, 3 or 4 dimensions"):
        utils.tensor_to_im(torch.zeros(3))
    with pytest.raises(ValueError, match="K x H x W"):
        utils.im_to_numpy(torch.zeros(3, 3))


def test_device_and_folder(tmp_path):
    assert utils.get_device(None).type == "cpu"
    assert isinstance(utils.get_device(), torch.device)
    utils.xmkdir(tmp_path / "a" / "b")
    utils.xmkdir(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()


TORCHRAYS = (
    "get_config get_device imarraysc imread imsc imsmooth is_url pil_to_tensor resample "
    "tensor_to_im xmkdir"
)


@pytest.mark.parametrize("name", TORCHRAYS.split())
def test_names_of_torchray(name):
    assert name in utils.__all__
    assert callable(getattr(utils, name))


def test_resampling_stretches_as_interpolation_does():
    x = torch.rand(2, 3, 4, 6, dtype=torch.float64)
    stretched = utils.resample(x, (8, 9), torch.tensor([[1.5, 0.0], [2.0, 0.0]]))
    expected = F.interpolate(x, (8, 9), mode="bilinear", align_corners=False)
    inside = (slice(None), slice(None), slice(1, -1), slice(1, -1))
    torch.testing.assert_close(stretched[inside], expected[inside])


def test_resampling_takes_each_pixel_where_it_says():
    x = torch.arange(1.0, 13.0).view(1, 1, 3, 4)
    moved = utils.resample(x, (5, 5), torch.tensor([[1, 1], [1, 2]]))
    assert torch.equal(moved[0, 0, 2:, 1:], x[0, 0])
    assert float(moved.sum()) == float(x.sum())
    mirrored = utils.resample(x, (3, 4), torch.tensor([[-1.0, 4.0], [1.0, 0.0]]))
    torch.testing.assert_close(mirrored, x.flip(3))


@pytest.mark.parametrize(
    ("size", "transform", "message"),
    [
        ((3, 0), [[1.0, 0.0], [1.0, 0.0]], "target_size must be"),
        ((3,), [[1.0, 0.0], [1.0, 0.0]], "target_size must be"),
        ((3, 3), [[0.0, 0.0], [1.0, 0.0]], "scales that are not 0"),
        ((3, 3), [[1.0, float("nan")], [1.0, 0.0]], "finite"),
        ((3, 3), [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], "transform must hold"),
    ],
)
def test_resampling_refuses_bad_numbers(size, transform, message):
    with pytest.raises(ValueError, match=message):
        utils.resample(torch.rand(1, 1, 3, 3), size, torch.tensor(transform))


def test_the_methods_import_no_heavy_library():
    code = (
        "import sys, course_lib.utils, course_lib.attribution.common as c;"
        "import course_lib.attribution.grad_cam, course_lib.attribution.guided_backprop;"
        "heavy = {'matplotlib', 'torchvision', 'PIL', 'ipywidgets', 'torch._dynamo'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
