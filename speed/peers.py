"""The same methods in captum, pytorch-grad-cam and zennit (the extra `peers` installs them).

Each entry makes a call that does what ours does, in the peer's documented way, on a network of its
own, since some peers change the model that they are given.
"""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable

import torch
from torch import nn

from course_lib.attribution.network.layers import get_module

from .cases import PASSES
from .timing import Run

Maker = Callable[[nn.Module, torch.Tensor, int, str | None], Run]


def find(
    method: str,
    make: Callable[[], nn.Module],
    x: torch.Tensor,
    target: int,
    layer: str | None = None,
) -> dict[str, Run]:
    """The peers that can run a method on a network: those installed whose call succeeds."""
    runs: dict[str, Run] = {}
    for (peer, name), maker in PEERS.items():
        if name != method or importlib.util.find_spec(MODULES[peer]) is None:
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                run = maker(make(), x, target, layer)
                run()
        except Exception as error:  # a peer that can't do this network is a result as well
            print(f"  {peer} can't do {method} here: {type(error).__name__}: {_first_line(error)}")
            continue
        runs[peer] = run
    return runs


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [""])[0][:110]


def _captum(class_name: str, *, at_layer: bool = False, **options: object) -> Maker:
    def make(model: nn.Module, x: torch.Tensor, target: int, layer: str | None) -> Run:
        import captum.attr

        arguments = (model, get_module(model, layer or "")) if at_layer else (model,)
        method = getattr(captum.attr, class_name)(*arguments)

        def run() -> torch.Tensor:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                leaf = x.detach().requires_grad_(True)
                return method.attribute(leaf, target=target, **options)

        return run

    return make


def _grad_cam(model: nn.Module, x: torch.Tensor, target: int, layer: str | None) -> Run:
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    # it computes gradients of the weights only where they are asked for, and needs some leaf
    method = GradCAM(model=model, target_layers=[get_module(model, layer or "")])
    targets = [ClassifierOutputTarget(target)]
    return lambda: method(input_tensor=x.detach().requires_grad_(True), targets=targets)


def _grad_cam_guided(model: nn.Module, x: torch.Tensor, target: int, layer: str | None) -> Run:
    from pytorch_grad_cam import GuidedBackpropReLUModel

    method = GuidedBackpropReLUModel(model=model)
    return lambda: method(x, target_category=target)


def _captum_smooth_grad(model: nn.Module, x: torch.Tensor, target: int, layer: str | None) -> Run:
    from captum.attr import NoiseTunnel, Saliency

    method = NoiseTunnel(Saliency(model))
    return lambda: method.attribute(
        x.detach().requires_grad_(True), nt_samples=PASSES, stdevs=0.15, target=target
    )


def _captum_occlusion(model: nn.Module, x: torch.Tensor, target: int, layer: str | None) -> Run:
    from captum.attr import Occlusion

    method, side = Occlusion(model), x.shape[2] // 4
    window = (x.shape[1], side, side)
    return lambda: method.attribute(
        x, window, strides=window, target=target, perturbations_per_eval=PASSES
    )


def _zennit_many(class_name: str, **options: object) -> Maker:
    def make(model: nn.Module, x: torch.Tensor, target: int, layer: str | None) -> Run:
        import zennit.attribution

        one_hot = torch.eye(model(x).shape[1])[[target]]

        def run() -> torch.Tensor:
            with getattr(zennit.attribution, class_name)(model=model, **options) as attributor:
                return attributor(x, one_hot)[1]

        return run

    return make


def _zennit(composite: str | None, *, merges: bool = False) -> Maker:
    def make(model: nn.Module, x: torch.Tensor, target: int, layer: str | None) -> Run:
        import zennit.composites
        from zennit.attribution import Gradient
        from zennit.torchvision import ResNetCanonizer

        canonizers = {"canonizers": [ResNetCanonizer()]} if merges else {}
        rules = composite and getattr(zennit.composites, composite)(**canonizers)
        classes = model(x).shape[1]
        one_hot = torch.eye(classes)[[target]]

        def run() -> torch.Tensor:
            with Gradient(model=model, composite=rules) as attributor:
                return attributor(x, one_hot)[1]

        return run

    return make


MODULES = {"captum": "captum", "pytorch-grad-cam": "pytorch_grad_cam", "zennit": "zennit"}

PEERS: dict[tuple[str, str], Maker] = {
    ("captum", "gradient"): _captum("Saliency"),
    ("captum", "deconvnet"): _captum("Deconvolution"),
    ("captum", "guided_backprop"): _captum("GuidedBackprop"),
    ("captum", "grad_cam"): _captum("LayerGradCam", at_layer=True, relu_attributions=True),
    ("captum", "linear_approx"): _captum("LayerGradientXActivation", at_layer=True),
    ("captum", "integrated_gradients"): _captum(
        "IntegratedGradients", n_steps=PASSES, method="riemann_middle", internal_batch_size=8
    ),
    ("captum", "smooth_grad"): _captum_smooth_grad,
    ("captum", "occlusion"): _captum_occlusion,
    ("pytorch-grad-cam", "grad_cam"): _grad_cam,
    ("pytorch-grad-cam", "guided_backprop"): _grad_cam_guided,
    ("zennit", "gradient"): _zennit(None),
    ("zennit", "deconvnet"): _zennit("DeconvNet"),
    ("zennit", "guided_backprop"): _zennit("GuidedBackprop"),
    ("zennit", "integrated_gradients"): _zennit_many("IntegratedGradients", n_iter=PASSES),
    ("zennit", "smooth_grad"): _zennit_many("SmoothGrad", noise_level=0.15, n_iter=PASSES),
    ("zennit", "lrp"): _zennit("EpsilonPlus", merges=True),
    # zennit goes down to the input, ours stops at the layer: it does some more work
    ("zennit", "excitation_backprop"): _zennit("ExcitationBackprop"),
}
