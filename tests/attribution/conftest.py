"""The reference numbers and their network."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from torch import nn

REFERENCE = Path(__file__).parents[1] / "reference"


@pytest.fixture
def reference_folder() -> Path:
    return REFERENCE


@pytest.fixture
def backprop_reference() -> dict:
    return torch.load(REFERENCE / "backprop.pt", weights_only=True)


@pytest.fixture
def reference_network(backprop_reference) -> nn.Module:
    """The float64 network of tests/reference/README.md, in train mode with trainable weights."""
    network = nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(3, 8, 3, padding=1),
            relu1=nn.ReLU(),
            pool1=nn.MaxPool2d(2),
            conv2=nn.Conv2d(8, 12, 3, padding=1),
            relu2=nn.ReLU(),
            avgpool=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            fc=nn.Linear(12, 5),
        )
    ).double()
    network.load_state_dict(backprop_reference["state_dict"])
    return network
