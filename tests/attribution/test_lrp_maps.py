"""Our relevance is zennit's, by each of its composites: to 1e-5 of the largest value."""

from __future__ import annotations

import pytest
import torch

from course_lib.attribution.lrp import COMPOSITES, lrp
from tests.attribution import make_lrp_maps as cases
from tests.attribution.make_peer_maps import thinned

STORED = torch.load(cases.FILE, weights_only=True)["maps"]


@pytest.fixture(scope="module", params=cases.NETWORKS)
def example(request):
    if not request.param.startswith("tiny"):
        pytest.importorskip("torchvision")
    return request.param, cases.example(request.param)


def test_zennits_composites_are_there():
    assert COMPOSITES.keys() >= cases.COMPOSITES.keys()


@pytest.mark.parametrize("composite", cases.COMPOSITES)
def test_they_are_zennits(example, composite):
    name, given = example
    expected = STORED[name][composite]
    found = thinned(lrp(*given, composite=composite)).to(expected)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5 * float(expected.abs().max()))
