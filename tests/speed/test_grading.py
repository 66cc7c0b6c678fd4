"""The measurement of grading: it counts what was graded, and notices a wrong grade."""

from __future__ import annotations

import re
import shutil

import pytest

from speed import grading

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("bwrap") is None, reason="there is no bubblewrap here"),
]


def test_a_small_class_is_measured(tmp_path, capsys):
    rate = grading.by_us(tmp_path / "class", "00_start_here", 7, workers=1)
    printed = capsys.readouterr().out
    assert rate > 0
    found = re.search(r"workers: ([\d.]+) submissions a minute", printed)
    assert found is not None
    assert float(found[1]) == pytest.approx(60 * rate, abs=0.05)
    assert "(extrapolated from 7)" in printed
    assert "verdicts that are not as expected: 0 of 6" in printed


def test_a_wrong_grade_is_noticed(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(grading, "simulate_class", _all_wrong(grading.simulate_class))
    grading.by_us(tmp_path / "class", "00_start_here", 1, workers=1)
    assert "verdicts that are not as expected: 1 of 1" in capsys.readouterr().out


def _all_wrong(simulate):
    """A class that is made up as before, of which something else is expected."""

    def simulated(folder, count, lesson, say):
        simulate(folder, count, lesson, say=say)
        path = folder / "expected.csv"
        path.write_text(path.read_text().replace("share_on_object,right", "share_on_object,wrong"))

    return simulated
