"""The runner, its store and its table."""

from __future__ import annotations

import csv
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from torchvision import models
from typer import Typer
from typer.testing import CliRunner

from course_lib.benchmark.results import cluster
from course_lib.benchmark.results.cluster import run_on_cluster
from course_lib.benchmark.results.command import benchmark
from course_lib.benchmark.results.runner import Run, run
from course_lib.benchmark.results.store import Row, Store, open_store
from course_lib.benchmark.results.summary import interval, summarise, table
from course_lib.benchmark.results.worlds import WORLDS, find_world
from tests.benchmark.drawn import draw_voc

ROW = Row(
    data="scenes",
    image="1",
    category=2,
    network="tiny_vgg",
    method="gradient",
    protocol="pointing_game",
    settings="{}",
    versions="course_lib 1",
    value=0.5,
    difficult=False,
    seconds=0.1,
    measured="2026-11-28",
)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'results.sqlite'}"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with open_store(url) as opened:
        yield opened


def test_a_row_comes_back_as_it_was(store: Store) -> None:
    store.add([ROW])
    assert list(store.rows()) == [ROW]
    assert list(store.rows(network="tiny_resnet")) == []
    assert store.done(method="gradient") == {("1", 2, "pointing_game")}


def test_a_row_that_is_there_stays_as_it_is(store: Store) -> None:
    store.add([ROW])
    store.add([replace(ROW, value=0.9, measured="2027-01-01"), replace(ROW, image="2")])
    assert [(row.image, row.value) for row in store.rows()] == [("1", 0.5), ("2", 0.5)]


ROWS_OF_A_WRITER = 30

WRITER = """
import json, sys
from dataclasses import asdict, replace
from course_lib.benchmark.results.store import Row, open_store
url, name, row, number = sys.argv[1:]
row = Row(**json.loads(row))
with open_store(url) as store:
    for index in range(int(number)):
        store.add([replace(row, image=f"{who}-{index}") for who in ("all", name)])
"""


def write_together(url: str, writers: int = 3) -> None:
    """Have several processes write rows of their own, and rows that all of them write."""
    row, names = json.dumps(asdict(ROW)), [f"writer {number}" for number in range(writers)]
    processes = [
        subprocess.Popen([sys.executable, "-c", WRITER, url, name, row, str(ROWS_OF_A_WRITER)])
        for name in names
    ]
    assert [process.wait(300) for process in processes] == [0] * writers
    with open_store(url) as store:
        found = Counter(row.image for row in store.rows())
    expected = [f"{who}-{n}" for who in ("all", *names) for n in range(ROWS_OF_A_WRITER)]
    assert found == Counter(expected)


def test_several_may_write_at_once(url: str) -> None:
    write_together(url)


@pytest.fixture
def postgresql() -> Iterator[str]:
    """The address of a PostgreSQL server of our own, reached by a file."""
    if find_spec("psycopg") is None or shutil.which("initdb") is None:
        pytest.skip("there is no PostgreSQL server, or no psycopg to speak to it")
    # It refuses to run as root.
    user = {"user": "postgres"} if os.getuid() == 0 else {}
    with tempfile.TemporaryDirectory() as folder:
        if user:
            shutil.chown(folder, "postgres")
        data = f"{folder}/data"
        initdb = ["initdb", "-D", data, "-U", "postgres", "--auth=trust", "--no-sync"]
        subprocess.run(initdb, check=True, capture_output=True, **user)
        server = subprocess.Popen(
            ["postgres", "-D", data, "-k", folder, "-c", "listen_addresses=", "-c", "fsync=off"],
            stderr=subprocess.DEVNULL,
            **user,
        )
        try:
            address = f"postgresql://postgres@/postgres?host={folder}"
            wait_until_it_answers(address)
            yield address
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(60)


def wait_until_it_answers(address: str) -> None:
    end = time.monotonic() + 120
    while True:
        try:
            return Store(address).close()
        except ValueError:
            assert time.monotonic() < end
            time.sleep(0.2)


@pytest.mark.slow
def test_several_may_write_to_postgresql_at_once(postgresql: str) -> None:
    write_together(postgresql)
    wanted = Run("scenes", "tiny_vgg", "centre", count=2)
    with open_store(postgresql) as store:
        assert run(wanted, store) == 8
        assert run(wanted, store) == 0
        assert {type(row.value) for row in store.rows()} == {float}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("results.sqlite", "is no address of a database"),
        ("mysql://localhost/results", "in SQLite or PostgreSQL, not in mysql"),
        ("sqlite:////nowhere/at/all/results.sqlite", "can't be opened"),
    ],
)
def test_a_store_that_can_not_be_opened(wrong: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        Store(wrong)
    assert "\n" not in str(caught.value)


def test_a_run_measures_what_is_missing_and_nothing_else(store: Store) -> None:
    wanted = Run("scenes", "tiny_vgg", "gradient", count=2)
    # Two images of two objects each, and two protocols.
    assert run(wanted, store) == 8
    before = list(store.rows())
    assert run(wanted, store) == 0
    assert run(replace(wanted, count=3), store) == 4
    assert run(replace(wanted, method="centre", protocols=("pointing_game",)), store) == 4
    assert set(before) < set(store.rows())
    assert all(0 <= row.value <= 1 for row in before)
    assert {row.protocol for row in before} == {"pointing_game", "relevance_mass"}


def test_a_run_goes_on_where_it_stopped(store: Store) -> None:
    def killed(images: Any) -> Iterator[Any]:
        for number, cases in enumerate(images):
            if number == 1:
                yield cases[:1]
                raise KeyboardInterrupt
            yield cases

    wanted = Run("scenes", "tiny_vgg", "centre", count=3)
    with pytest.raises(KeyboardInterrupt):
        run(wanted, store, killed)
    assert len(list(store.rows())) == 6
    assert run(wanted, store) == 6
    assert len(list(store.rows())) == 12


def test_parts_share_the_images(store: Store) -> None:
    def images(part: tuple[int, int]) -> set[str]:
        wanted = Run("scenes", "tiny_vgg", "centre", ("pointing_game",), count=5, part=part)
        before = {row.image for row in store.rows()}
        run(wanted, store)
        return {row.image for row in store.rows()} - before

    assert [len(images((number, 3))) for number in (1, 2, 3)] == [2, 2, 1]
    assert run(Run("scenes", "tiny_vgg", "centre", ("pointing_game",), count=5), store) == 0


def test_settings_tell_runs_apart(store: Store) -> None:
    wanted = Run("scenes", "tiny_vgg", "rise", ("pointing_game",), count=1)
    run(replace(wanted, options={"num_masks": 4}), store)
    run(replace(wanted, options={"num_masks": 8}), store)
    assert {row.settings for row in store.rows()} == {
        '{"num_masks": 4, "seed": 0}',
        '{"num_masks": 8, "seed": 0}',
    }


def test_grids_have_their_own_networks_and_question(store: Store) -> None:
    run(Run("scene_grids", "tiny_vgg", "linear_approx", count=2), store)
    rows = list(store.rows())
    assert [row.protocol for row in rows] == ["grid_pointing_game"] * 2
    assert [row.value for row in rows] == [1, 1]
    assert rows[0].settings == '{"saliency_layer": "model.features.21"}'
    case = next(WORLDS["photo_grids"].cases(1, "efficientnet_lite0"))
    assert case.truth.float().mean() == 0.25
    assert case.x.shape == (1, 3, 448, 448)


def test_a_data_set_of_photographs(store: Store, tmp_path: Path) -> None:
    draw_voc(tmp_path)
    weights = tmp_path / "resnet18.pth"
    torch.save(models.resnet18(num_classes=20).state_dict(), weights)
    wanted = Run(f"voc:{tmp_path}", "resnet18", "gradient", count=2, weights=str(weights))
    assert run(wanted, store) == 3
    rows = list(store.rows())
    assert [(row.image, row.difficult) for row in rows] == [
        ("000001.jpg", False),
        ("000001.jpg", True),
        ("000002.jpg", False),
    ]
    assert {row.protocol for row in rows} == {"pointing_game_15"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"data": "pets"}, "There is no world 'pets'; there are scenes, "),
        ({"arch": "tiny_vg"}, "did you mean tiny_vgg"),
        ({"method": "grad_cm"}, "did you mean grad_cam"),
        ({"protocols": ("pointing",)}, "did you mean pointing_game"),
        ({"part": (4, 3)}, "There is no part 4 of 3"),
        ({"count": None}, "say how many"),
        ({"options": {"num_masks": 4}}, "centre takes no option 'num_masks'"),
        (
            {"data": "photo_grids", "arch": "vgg16", "method": "contrastive_excitation_backprop"},
            r"needs the option saliency_layer=\.\.\. on vgg16",
        ),
    ],
)
def test_what_is_not_there_is_named(change: dict[str, Any], message: str, store: Store) -> None:
    with pytest.raises(ValueError, match=message):
        run(replace(Run("scenes", "tiny_vgg", "centre", count=1), **change), store)


def test_an_unknown_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="VOC 2007 test is missing"):
        next(find_world(f"voc:{tmp_path}").cases(None, "vgg16"))


def test_an_interval_is_students() -> None:
    low, high = interval([1.0, 2.0, 3.0])
    # t of two degrees of freedom is 4.303, the standard error 1 / sqrt(3).
    assert high - 2 == pytest.approx(4.303 / math.sqrt(3), abs=1e-3)
    assert 2 - low == pytest.approx(high - 2)
    assert interval([0.5]) == (-math.inf, math.inf)


def test_a_line_counts_images_not_questions() -> None:
    rows = [
        replace(ROW, image=image, category=category, value=value)
        for image, category, value in [("1", 0, 1.0), ("1", 1, 0.0), ("2", 0, 1.0), ("3", 4, 0.0)]
    ]
    (line,) = summarise(rows)
    assert (line.n, line.mean) == (3, 0.5)
    assert (line.low, line.high) == interval([0.5, 1.0, 0.0])
    # Class 0 has 1 and 1, classes 1 and 4 have 0.
    assert line.over_classes == pytest.approx(1 / 3)
    other = [replace(row, method="centre", value=0.9) for row in rows]
    printed = list(table(summarise(rows + other)))
    assert printed[0] == "pointing game (high is good)"
    assert printed[1].split()[:3] == ["centre", "tiny_vgg", "0.900"]
    assert printed[2].split()[:3] == ["gradient", "tiny_vgg", "0.500"]
    assert "n = 3" in printed[2]


def test_difficult_images_have_a_line_of_their_own() -> None:
    rows = [replace(ROW, image="1"), replace(ROW, image="2", value=0.0, difficult=True)]
    everything, difficult = summarise(rows)
    assert (everything.subset, everything.n, everything.mean) == ("all", 2, 0.25)
    assert (difficult.subset, difficult.n, difficult.mean) == ("difficult", 1, 0.0)


def test_the_command(url: str, tmp_path: Path) -> None:
    app = Typer()
    app.command()(benchmark)
    out = tmp_path / "rows.csv"
    options = ["--n", "2", "--method", "centre", "--method", "gradient", "--db", url]
    drawn = tmp_path / "table.png"
    files = ["--csv", str(out), "--picture", str(drawn)]
    found = CliRunner().invoke(app, [*options, *files], catch_exceptions=False)
    assert found.exit_code == 0
    assert drawn.stat().st_size > 10_000
    assert "pointing game (high is good)" in found.output
    with out.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 16
    assert {row["method"] for row in rows} == {"centre", "gradient"}
    again = CliRunner().invoke(app, ["--table", "--db", url], catch_exceptions=False)
    assert "relevance mass inside the object (high is good)" in again.output
    with pytest.raises(ValueError, match="A part is given as 1/3"):
        CliRunner().invoke(app, [*options, "--part", "a"], catch_exceptions=False)
    with pytest.raises(ValueError, match="given as name=value"):
        CliRunner().invoke(app, [*options, "--option", "num_masks"], catch_exceptions=False)


ENDLESS = """
import sys
from course_lib.benchmark.results.runner import Run, run
from course_lib.benchmark.results.store import Store
run(Run("scenes", "tiny_vgg", "centre", ("pointing_game",), count=10**6), Store(sys.argv[1]))
"""


@pytest.mark.slow
def test_a_killed_run_goes_on(url: str) -> None:
    process = subprocess.Popen([sys.executable, "-c", ENDLESS, url])
    with open_store(url) as store:
        end = time.monotonic() + 300
        while len(list(store.rows())) < 6 and time.monotonic() < end:
            assert process.poll() is None
            time.sleep(0.1)
        process.kill()
        process.wait(60)
        there = list(store.rows())
        assert len(there) >= 6
        images = {row.image for row in there}
        wanted = Run("scenes", "tiny_vgg", "centre", ("pointing_game",), count=len(images) + 1)
        # The image that was begun may lack one of its two questions.
        assert run(wanted, store) in (2, 3)
        found = Counter((row.image, row.category) for row in store.rows())
        assert len(found) == 2 * (len(images) + 1)
        assert set(found.values()) == {1}


@pytest.mark.slow
def test_a_cluster_measures_the_same(store: Store, url: str) -> None:
    distributed = pytest.importorskip("distributed", reason="the cluster extra is not installed")
    wanted = Run("scenes", "tiny_vgg", "gradient", ("pointing_game",), count=5)
    run(replace(wanted, count=1), store)
    with distributed.LocalCluster(
        2, threads_per_worker=1, processes=False, protocol="tcp://", dashboard_address=None
    ) as started:
        assert run_on_cluster(wanted, store, started.scheduler_address) == 8
        assert run_on_cluster(wanted, store, started.scheduler_address) == 0
        with pytest.raises(ValueError, match="no small network"):
            run_on_cluster(replace(wanted, arch="nowhere"), store, started.scheduler_address)
    with open_store(f"{url}.here") as other:
        run(wanted, other)
        expected = [(row.image, row.category, row.value) for row in other.rows()]
    assert [(row.image, row.category, row.value) for row in store.rows()] == expected


def test_a_cluster_that_is_not_there(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed", reason="the cluster extra is not installed")
    monkeypatch.setattr(cluster, "SECONDS", 0.5)
    with pytest.raises(ValueError, match=r"no Dask scheduler at tcp://127\.0\.0\.1:9"):
        run_on_cluster(Run("scenes", "tiny_vgg", "centre", count=1), store, "tcp://127.0.0.1:9")
