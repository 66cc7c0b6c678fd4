"""A method of somebody's own: how it is scored, its place in the table, and what is refused."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from course_lib import cli
from course_lib.attribution.gradient import gradient
from course_lib.benchmark import leaderboard
from course_lib.benchmark.disconnected_grid import DisconnectedGrid, disconnected
from course_lib.benchmark.results import own_command, stored
from course_lib.benchmark.results.leaderboard import Leaderboard, interval
from course_lib.benchmark.results.own import own_numbers
from course_lib.benchmark.results.own_command import load_function, load_module
from course_lib.benchmark.results.store import Row
from course_lib.benchmark.results.stored import (
    WORLDS_ASKED,
    Stored,
    images_of,
    read_stored,
    stored_of,
    write_stored,
)
from course_lib.world.networks import CONVOLUTIONAL, load_network

PROTOCOLS = [name for names in WORLDS_ASKED.values() for name in names]


def brightness(network: nn.Module, x: Tensor, target: int) -> Tensor:
    return x.mean(1)


@lru_cache(maxsize=1)
def board() -> Leaderboard:
    return leaderboard(brightness, n=3, quiet=True)


def kept(method: str, protocol: str, network: str = "tiny_vgg") -> Stored:
    (line,) = (
        x for x in read_stored() if (x.network, x.method, x.protocol) == (network, method, protocol)
    )
    return line


def test_a_method_of_the_library_has_the_numbers_that_are_kept_of_it() -> None:
    own = leaderboard(gradient, name="mine", n=3, quiet=True)
    for protocol in PROTOCOLS:
        expected = fmean(kept("gradient", protocol).values[:3])
        assert own.scores[protocol]["mine"].mean == pytest.approx(expected, abs=1e-3)


def test_all_that_is_kept_is_of_as_many_images() -> None:
    lines = read_stored()
    assert len({line.key for line in lines}) == len(lines)
    for network in {line.network for line in lines}:
        here = [line for line in lines if line.network == network]
        assert len({len(line.values) for line in here}) == 1
        assert {line.protocol for line in here} <= set(PROTOCOLS)


def test_the_table_is_in_order_and_pairs_the_images() -> None:
    for protocol, table in board().scores.items():
        means = [score.mean for score in table.values()]
        assert means == sorted(means, reverse=True)
        ranks = [score.rank for score in table.values()]
        assert ranks == [1 + sum(other > mean for other in means) for mean in means]
        own = own_numbers(brightness, _world(protocol), "tiny_vgg", [protocol], 3)[protocol]
        theirs = kept("gradient", protocol).values[:3]
        expected = interval([a - b for a, b in zip(theirs, own, strict=True)])
        assert table["Gradient"].against == pytest.approx(expected)


def _world(protocol: str) -> str:
    return next(data for data, names in WORLDS_ASKED.items() if protocol in names)


def test_who_is_better_image_by_image_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    own = own_numbers(brightness, "scenes", "tiny_vgg", ["relevance_mass"], 3)["relevance_mass"]
    pattern = kept("gradient", "relevance_mass")
    shifts = {"above": 0.01, "below": -0.01}
    lines = [
        replace(pattern, method=name, values=tuple(v + shift for v in own))
        for name, shift in shifts.items()
    ]
    swinging = tuple(v + s for v, s in zip(own, (0.01, -0.01, 0.0), strict=True))
    lines.append(replace(pattern, method="swinging", values=swinging))
    module = sys.modules["course_lib.benchmark.results.leaderboard"]
    monkeypatch.setattr(module, "read_stored", lambda: tuple(lines))
    found = leaderboard(brightness, n=3, quiet=True)
    table = found.scores["relevance_mass"]
    assert {name: table[name].verdict for name in table} == {
        "above": "better",
        "brightness": "yours",
        "swinging": "not told apart",
        "below": "worse",
    }
    assert found.rank == {"relevance_mass": 2}


def test_it_is_shown_with_words_for_who_sees_no_picture() -> None:
    page = board()._repr_html_()
    assert 'alt="' in page
    assert "<caption" in page
    assert 'scope="row"' in page
    assert len(re.findall("<tr", page)) == 1 + len(board().titles)
    assert board().picture.png.startswith(b"\x89PNG")
    text = str(board())
    for sentence in board().sentences():
        assert sentence in text
        assert sentence in board().picture.alt
    assert text.count("→") == len(PROTOCOLS)


def test_a_method_may_lack_a_protocol(monkeypatch: pytest.MonkeyPatch) -> None:
    module = sys.modules["course_lib.benchmark.results.leaderboard"]
    lines = tuple(x for x in read_stored() if (x.method, x.protocol) != ("lrp", "pointing_game"))
    monkeypatch.setattr(module, "read_stored", lambda: lines)
    found = leaderboard(brightness, n=1, quiet=True)
    assert found.titles[-1] == "LRP"
    assert found._repr_html_().count("<td") == len(PROTOCOLS) * len(found.titles)


def test_every_convolutional_network_has_a_table() -> None:
    assert {line.network for line in read_stored()} >= set(CONVOLUTIONAL)
    other = leaderboard(brightness, network="tiny_resnet", n=1, quiet=True)
    assert "Grad-CAM" in other.scores["pointing_game"]


def test_one_image_is_enough_for_a_table() -> None:
    one = leaderboard(brightness, n=1, quiet=True)
    assert one.scores["pointing_game"]["Gradient"].verdict == "not told apart"
    assert one.picture.png


def test_a_name_that_is_taken_or_says_nothing_gets_another() -> None:
    assert leaderboard(lambda m, x, t: x.mean(1), n=1, quiet=True).name == "my method"
    assert leaderboard(gradient, name="Gradient", n=1, quiet=True).name == "Gradient (yours)"


def test_layers_have_their_names_in_grids_too() -> None:
    network = load_network("tiny_vgg")
    x = torch.rand(2, 3, 64, 64)
    grid = disconnected(network)
    assert [name for name, _ in grid.named_modules()] == [
        name for name, _ in network.named_modules()
    ]
    torch.testing.assert_close(grid(x), DisconnectedGrid(network)(x))
    assert network(x).shape == (2, 8)


def test_chance_is_the_same_in_every_run_and_stays_the_callers() -> None:
    def noise(network: nn.Module, x: Tensor, target: int) -> Tensor:
        return torch.rand(x.shape[2:])

    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    first = own_numbers(noise, "scenes", "tiny_vgg", ["relevance_mass"], 2)
    assert torch.equal(torch.rand(1), expected)
    assert own_numbers(noise, "scenes", "tiny_vgg", ["relevance_mass"], 2) == first


def _stops(network: nn.Module, x: Tensor, target: int) -> Tensor:
    return x[7]


def _no_map(network: nn.Module, x: Tensor, target: int) -> Any:
    return x.mean(1).numpy()


def _three_channels(network: nn.Module, x: Tensor, target: int) -> Tensor:
    return x


def _not_finite(network: nn.Module, x: Tensor, target: int) -> Tensor:
    return x.mean(1).log().log()


@pytest.mark.parametrize(
    ("method", "sentence"),
    [
        (_stops, "Your method stops with IndexError for class . of the image .*: index 7 is out"),
        (_no_map, "For class .* your method gives a ndarray; a map is a torch.Tensor"),
        (_three_channels, "gives the shape 1 x 3 x 96 x 96; a map is H x W or 1 x 1 x H x W"),
        (_not_finite, "gives a map that can't be scored: it must be finite, but holds NaN"),
        (3, "Give a function .* not an int"),
    ],
)
def test_what_is_no_map_is_one_sentence(method: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        leaderboard(method, n=1, quiet=True)


def _other_weights(network: Any) -> None:
    network.features[0].weight.mul_(0.5)


def _training(network: Any) -> None:
    network.train()


def _a_hook(network: Any) -> None:
    network.features[21].register_forward_hook(lambda *_: None)


def _another_layer(network: Any) -> None:
    network.features[1] = nn.ReLU()


def _with_gradients(network: Any) -> None:
    network.classifier.weight.requires_grad_(True)


def _another_forward(network: Any) -> None:
    network.features[1].forward = lambda x: x.clamp(min=0)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (_other_weights, "features.0.weight is not what it was"),
        (_training, "the whole of it has another mode"),
        (_a_hook, "features.21 has other hooks"),
        (_another_layer, "features has other layers"),
        (_with_gradients, "classifier.weight has another requires_grad"),
        (_another_forward, "features.1 has another forward"),
    ],
)
def test_a_method_leaves_the_network_as_it_was(change: Any, sentence: str) -> None:
    def method(network: nn.Module, x: Tensor, target: int) -> Tensor:
        change(network)
        return x.mean(1)

    with pytest.raises(ValueError, match=f"Your method changes the network: .*{sentence}"):
        leaderboard(method, n=1, quiet=True)


def test_a_method_may_do_as_it_likes_with_its_image() -> None:
    def method(network: nn.Module, x: Tensor, target: int) -> Tensor:
        return x.zero_().mean(1)

    assert leaderboard(method, n=1, quiet=True).scores["pointing_game"]["method"].mean < 0.2


def test_what_there_are_no_numbers_of_is_said() -> None:
    with pytest.raises(ValueError, match=r"so n is \d+ at most, not 100000"):
        leaderboard(brightness, n=100_000, quiet=True)
    with pytest.raises(ValueError, match="no numbers of the library's methods on 'tiny_vg'"):
        leaderboard(brightness, network="tiny_vg", quiet=True)


def _row(image: str, category: int, value: float, **other: Any) -> Row:
    line = {
        "data": "scenes",
        "network": "tiny_vgg",
        "method": "gradient",
        "protocol": "pointing_game",
        "settings": "{}",
        "versions": "course_lib 1",
        "difficult": False,
        "seconds": 0.1,
        "measured": "2026-11-28",
    } | other
    return Row(image=image, category=category, value=value, **line)


def test_a_store_becomes_lines_of_the_first_images(tmp_path: Path) -> None:
    first, second = images_of("scenes", 2)
    rows = [
        _row(second, 1, 0.25),
        _row(first, 1, 1.0),
        _row(first, 2, 0.0),
        _row("1", 2, 0.9),
        _row(first, 2, 0.0, method="one_image"),
        _row(first, 2, 0.0, protocol="deletion"),
        _row(second, 2, 0.0, protocol="deletion"),
    ]
    (line,) = stored_of(rows, 2)
    assert (line.method, line.values) == ("gradient", (0.5, 0.25))
    write_stored([line], tmp_path / "kept.csv")
    assert read_stored(tmp_path / "kept.csv") == (line,)


METHOD = """
from beside import shift

def mine(network, x, target):
    return x.mean(1) + shift

number = 3
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "beside.py").write_text("shift = 1\n")
    path = tmp_path / "own.py"
    path.write_text(METHOD)
    return path


def course(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["course", "leaderboard", *arguments])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    return int(stopped.value.code or 0)


def test_the_command_prints_the_table(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], file: Path
) -> None:
    drawn = file.with_name("table.png")
    assert course(monkeypatch, f"{file}:mine", "--n", "1", "--picture", str(drawn)) == 0
    printed = capsys.readouterr().out
    assert "mine has" in printed
    assert "Grad-CAM" in printed
    assert drawn.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("{file}", "A method is given as FILE.py:FUNCTION"),
        ("{file}:yours", "no function 'yours'; it has mine"),
        ("{file}:number", "no function 'number'; it has mine"),
        ("{folder}/no.py:mine", "There is no file"),
        ("{folder}/broken.py:mine", "broken.py stops with ZeroDivisionError"),
    ],
)
def test_an_address_that_leads_nowhere_is_one_sentence(
    file: Path, address: str, sentence: str
) -> None:
    file.with_name("broken.py").write_text("1 / 0\n")
    with pytest.raises((ValueError, FileNotFoundError), match=sentence):
        load_function(address.format(file=file, folder=file.parent))


def test_a_file_is_read_as_it_is_now(tmp_path: Path) -> None:
    path = tmp_path / "own.py"
    for word in ("ring", "star"):
        path.write_text(f"word = {word!r}")
        assert load_module(path).word == word
    assert [found.name for found in tmp_path.iterdir()] == ["own.py"]


def test_the_command_without_a_method_says_what_it_wants(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert course(monkeypatch) == 1
    assert "FILE.py:FUNCTION" in capsys.readouterr().err


def test_the_kept_numbers_are_renewed_from_a_store(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'results.sqlite'}"
    from course_lib.benchmark.results.store import open_store

    with open_store(url) as store:
        store.add([_row(image, 1, 0.5) for image in images_of("scenes", 2)])
    monkeypatch.setattr(stored, "FILE", tmp_path / "kept.csv")
    other = replace(kept("lrp", "pointing_game"), network="tiny_resnet")
    monkeypatch.setattr(stored, "read_stored", lambda: (other, kept("gradient", "pointing_game")))
    monkeypatch.setattr(
        stored, "write_stored", lambda lines: write_stored(lines, tmp_path / "kept.csv")
    )
    own_command.leaderboard(renew=url, n=2)
    assert "gradient  n = 2" in capsys.readouterr().out
    written = read_stored(tmp_path / "kept.csv")
    assert [line.values for line in written] == [other.values, (0.5, 0.5)]
