"""The names that code written for TorchRay imports from `attribution.common`."""

from __future__ import annotations

from .backward_rules import BackwardRules
from .imaging import imsmooth, resize_saliency
from .modules import get_module
from .patch import Patch
from .probe import Probe, attach_debug_probes
from .relu_context import NullContext, ReLUContext
from .saliency import gradient_to_saliency, saliency
from .targets import get_backward_gradient, get_pointing_gradient

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
