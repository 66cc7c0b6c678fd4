from __future__ import annotations

import math

import pytest
import torch

from course_lib.attribution.rules.patch import Patch


def test_replaces_and_puts_back_any_number_of_times():
    original = torch.relu
    patch = Patch("torch.relu", lambda x: "new")
    assert torch.relu(1) == "new"
    for _ in range(3):
        patch.remove()
        assert torch.relu is original


def test_is_a_context_and_survives_an_exception():
    original = math.sqrt
    with pytest.raises(KeyError), Patch("math.sqrt", str):
        raise KeyError("inside")
    assert math.sqrt is original


def test_removal_inside_the_context_is_fine():
    original = math.sqrt
    with Patch("math.sqrt", str) as patch:
        patch.remove()
        assert math.sqrt is original
    assert math.sqrt is original


def test_patches_nest_last_on_first_off():
    original = math.sqrt
    with Patch("math.sqrt", lambda x: 1):
        with Patch("math.sqrt", lambda x: 2):
            assert math.sqrt(4) == 2
        assert math.sqrt(4) == 1
    assert math.sqrt is original


def test_a_stale_removal_is_refused():
    original = math.sqrt
    first = Patch("math.sqrt", lambda x: 1)
    second = Patch("math.sqrt", lambda x: 2)
    with pytest.raises(ValueError, match="replaced again since"):
        first.remove()
    assert math.sqrt(4) == 2
    second.remove()
    first.remove()
    assert math.sqrt is original


def test_an_inherited_method_is_put_back_by_inheritance():
    before = torch.Tensor.relu
    with Patch("torch.Tensor.relu", lambda self: "new"):
        assert torch.zeros(1).relu() == "new"
    assert torch.Tensor.relu is before
    assert "relu" not in vars(torch.Tensor)


def test_a_static_method_stays_one():
    before = vars(Patch)["resolve"]
    with Patch("course_lib.attribution.rules.patch.Patch.resolve", lambda target: "new"):
        pass
    assert vars(Patch)["resolve"] is before


def test_resolves_modules_that_nobody_has_imported_yet():
    holder, attribute = Patch.resolve("xml.dom.minidom.parseString")
    assert (holder.__name__, attribute) == ("xml.dom.minidom", "parseString")


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("torch.nothing", "torch has no 'nothing'"),
        ("torch.nn.nothing.relu", "torch.nn has no 'nothing'"),
        ("nowhere.relu", "no module 'nowhere'"),
        ("relu", "must be a dotted name"),
        ("torch..relu", "must be a dotted name"),
        ("", "must be a dotted name"),
        ("builtins.int.bit_length", "can't be replaced"),
    ],
)
def test_bad_names_give_one_sentence(target, message):
    with pytest.raises(ValueError, match=message) as error:
        Patch(target, str)
    assert "\n" not in str(error.value)


def test_wrong_kinds_are_refused():
    with pytest.raises(TypeError, match="can't be called"):
        Patch("torch.relu", 3)
    with pytest.raises(TypeError, match="dotted name"):
        Patch(torch.relu, str)


def test_a_removed_patch_is_not_entered_again():
    patch = Patch("math.sqrt", str)
    patch.remove()
    with pytest.raises(ValueError, match="has been removed"), patch:
        pass
