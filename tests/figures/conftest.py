"""What tests of a lesson's figures share; such a module calls the lesson's module `figures`."""

from __future__ import annotations

import pytest

from course_lib.figures import plotting


@pytest.fixture
def panels(monkeypatch, request):
    """The rows that a figure hands to `gallery`, which still draws them."""
    drawn = []

    def gallery(rows, **words):
        drawn.extend(rows)
        return plotting.gallery(rows, **words)

    monkeypatch.setattr(request.module.figures, "gallery", gallery)
    return drawn
