"""The names that code written for TorchRay imports from `attribution.common`."""

from __future__ import annotations

import math

import torch

from .inputs.targets import get_backward_gradient, get_pointing_gradient
from .maps.imaging import imsmooth, resize_saliency
from .network.layers import get_module
from .network.probe import Probe, attach_debug_probes
from .rules.backward_rules import BackwardRules
from .rules.patch import Patch
from .rules.relu import NullContext, ReLUContext
from .saliency import gradient_to_saliency, saliency

EPSILON_DOUBLE = torch.tensor(torch.finfo(torch.float64).eps, dtype=torch.float64)
EPSILON_SINGLE = torch.tensor(torch.finfo(torch.float32).eps, dtype=torch.float32)
SQRT_TWO_DOUBLE = torch.tensor(math.sqrt(2), dtype=torch.float64)
SQRT_TWO_SINGLE = SQRT_TWO_DOUBLE.to(torch.float32)

__all__ = [
    "EPSILON_DOUBLE",
    "EPSILON_SINGLE",
    "SQRT_TWO_DOUBLE",
    "SQRT_TWO_SINGLE",
    "BackwardRules",
    "NullContext",
    "Patch",
    "Probe",
    "ReLUContext",
    "attach_debug_probes",
    "get_backward_gradient",
    "get_module",
    "get_pointing_gradient",
    "gradient_to_saliency",
    "imsmooth",
    "resize_saliency",
    "saliency",
]
