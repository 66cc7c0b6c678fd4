"""The league table says what its stored numbers say; nothing of it is measured here."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from course_lib.benchmark.league import (
    Standing,
    alike_pairs,
    best_first,
    by_network,
    in_all,
    league,
    standings,
    thirds,
)
from course_lib.benchmark.results.pieces import pack, read_pieces, unpack, write_pieces
from course_lib.benchmark.results.runner import Run, run, settings
from course_lib.benchmark.results.standings import stand, wilson, write_league
from course_lib.benchmark.results.store import Row, open_store
from docs.league import PAGE, PICTURE, PIECES, PLAN, TABLE, page, planned

ROW = Row(
    data="scenes",
    image="9",
    category=2,
    network="tiny_vgg",
    method="gradient",
    protocol="pointing_game",
    settings="{}",
    versions="course_lib 1",
    value=1.0,
    difficult=False,
    seconds=0,
    measured="2026-11-28",
)


@pytest.fixture(scope="module")
def stored() -> list[Standing]:
    """The lines that docs/league.jsonl gives."""
    return stand(read_pieces(PIECES))


def test_the_page_says_what_is_stored(stored: list[Standing]) -> None:
    assert PAGE.read_text(encoding="utf-8") == "\n".join(page(stored)) + "\n"
    assert PICTURE.stat().st_size > 10_000


def test_the_packages_table_says_what_is_stored(stored: list[Standing], tmp_path: Path) -> None:
    write_league(stored, tmp_path / "league.csv")
    assert (tmp_path / "league.csv").read_text("utf-8") == TABLE.read_text("utf-8")
    # NaN is not equal to itself.
    assert list(map(repr, standings())) == list(map(repr, stored))


def test_each_line_was_planned_and_keeps_to_its_plan(stored: list[Standing]) -> None:
    counts = planned()
    for line in stored:
        assert 0 < line.n <= counts[line.data, line.network, line.method, line.protocol]
        assert line.low <= line.mean <= line.high or line.n == 1


def test_every_run_of_the_plan_can_be_made() -> None:
    for wanted in PLAN:
        for one in wanted.runs():
            assert settings(one) is not None


ROWS = [
    ROW,
    replace(ROW, category=5, value=0.25),
    replace(ROW, image="10", value=0.0),
    replace(ROW, image="100", value=1 / 3),
    replace(ROW, image="100", network="tiny_resnet"),
    replace(ROW, image="100", category=5, network="tiny_resnet", measured="2026-11-29"),
    replace(ROW, data="voc:there", image="000009", difficult=True),
]


def test_rows_come_back_from_a_small_file(tmp_path: Path) -> None:
    write_pieces(ROWS, tmp_path / "rows.jsonl")
    expected = [replace(row, value=float(f"{row.value:.4g}")) for row in ROWS]
    assert sorted(map(str, read_pieces(tmp_path / "rows.jsonl"))) == sorted(map(str, expected))
    assert read_pieces(tmp_path / "none.jsonl") == []


def test_the_numbers_of_a_method_are_one_line_in_the_order_of_the_images() -> None:
    found = [line for line in pack(ROWS[:4]) if "values" in line]
    assert [(line["from"], line["values"]) for line in found] == [(0, [1, 0.25, 0, 0.3333])]

    gap = [ROWS[0], replace(ROWS[2], network="tiny_resnet"), ROWS[3]]
    assert [line["from"] for line in pack(gap) if "values" in line] == [1, 0, 2]


def test_a_measurement_goes_on_from_the_small_file(tmp_path: Path) -> None:
    wanted = Run("scenes", "tiny_vgg", "gradient", count=2)
    with open_store(f"sqlite:///{tmp_path / 'one.sqlite'}") as store:
        assert run(replace(wanted, count=1), store) == 4
        kept = list(pack(store.rows()))
    with open_store(f"sqlite:///{tmp_path / 'another.sqlite'}") as store:
        store.add(unpack(kept))
        assert run(wanted, store) == 4
        assert [line.n for line in stand(store.rows())] == [2, 2]


def test_a_lines_numbers() -> None:
    values = {"1": (1, 1), "2": (0, 1), "3": (0, 0), "10": (1, 0), "11": (1, 1)}
    rows = [
        replace(ROW, image=image, category=category, value=value, measured=f"2026-11-2{category}")
        for image, of in values.items()
        for category, value in zip((5, 7), of, strict=True)
    ]
    (line,) = stand(rows[:-1])
    assert line.n == 5
    assert line.mean == pytest.approx((1 + 0.5 + 0 + 0.5 + 1) / 5)
    assert line.over_classes == pytest.approx((3 / 5 + 2 / 4) / 2)
    # 1 and 10, 2 and 11, 3.
    assert thirds({"a": line}) == [{"a": 0.75}, {"a": 0.75}, {"a": 0.0}]
    assert line.measured == "2026-11-25 to 2026-11-27"
    assert (line.low, line.high) == tuple(round(end, 4) for end in wilson([1, 0.5, 0, 0.5, 1]))
    (mass,) = stand([replace(row, protocol="relevance_mass") for row in rows[:1]])
    assert (mass.low, mass.high, mass.measured) == (0, 1, "2026-11-25")
    assert math.isnan(mass.second_third)


def test_wilsons_interval() -> None:
    # From its equation: its ends are those p with |a - p| = z sqrt(p (1 - p) / n).
    hits = [1, 1, 1, 0, 0.5]
    for end in wilson(hits):
        assert abs(0.7 - end) == pytest.approx(1.96 * math.sqrt(end * (1 - end) / 5))


def line(network: str, method: str, mean: float, **changes) -> Standing:
    (made,) = stand([replace(ROW, network=network, method=method, value=mean)])
    return replace(made, **changes)


def test_of_several_lines_the_one_of_most_images_counts_then_the_newest() -> None:
    lines = [
        line("a", "x", 0.1, n=9, measured="2026-01-02"),
        line("a", "x", 0.2, n=9, measured="2026-01-01"),
        line("a", "x", 0.3, n=8, measured="2026-01-03"),
        line("b", "y", 0.4, protocol="relevance_mass"),
    ]
    assert by_network(lines, "scenes", "pointing_game") == {"a": {"x": lines[0]}}


def test_orders() -> None:
    tables = {
        "a": {"x": line("a", "x", 0.9, n=50), "y": line("a", "y", 0.5, n=50)},
        "b": {"x": line("b", "x", 0.3, n=50), "z": line("b", "z", 0.8, n=4)},
    }
    assert best_first(tables) == ["x", "z", "y"]
    assert in_all(tables) == ["x"]
    assert alike_pairs([{"x": 1, "y": 2, "z": 2}, {"x": 0, "y": 5, "z": 3}]) == (2, 3)


def test_what_the_league_has_not_is_said() -> None:
    with pytest.raises(
        ValueError, match=r"no deletion on scenes; it has .*pointing_game on scenes"
    ):
        league("scenes", "deletion")
