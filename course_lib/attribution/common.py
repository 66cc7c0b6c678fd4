"""The names that code written for TorchRay imports from `attribution.common`."""

from __future__ import annotations

from .inputs.targets import get_backward_gradient, get_pointing_gradient
from .maps.imaging import imsmooth, resize_saliency
from .network.layers import get_module
from .network.probe import Probe, attach_debug_probes
from .rules.backward_rules import BackwardRules
from .rules.patch import Patch
from .rules.relu import NullContext, ReLUContext
from .saliency import gradient_to_saliency, saliency

__all__ = [
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
