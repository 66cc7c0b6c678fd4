"""Where to look into the networks of the course: the layers that suit each method."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Layers:
    """The layers of one network.

    Args:
        middle: halfway, where maps are still fine; for excitation backprop.
        last: the last one with a map, where the evidence is whole; for Grad-CAM and the linear
            approximation, and the layer at which contrastive passes are subtracted.
        classifier: the one that makes scores.
    """

    middle: str
    last: str
    classifier: str


LAYERS = {
    "tiny_vgg": Layers("features.9", "features.21", "classifier"),
    "tiny_vgg_shortcut": Layers("features.9", "features.21", "classifier"),
    "tiny_vgg16": Layers("features.9", "features.30", "classifier.6"),
    "tiny_resnet": Layers("layer2", "layer4", "fc"),
    "tiny_densenet": Layers("features.denseblock2", "features", "classifier"),
    "tiny_mobilenet": Layers("features.3", "features.9", "classifier"),
    "tiny_vit": Layers("blocks.1", "blocks.3", "head"),
    "efficientnet_lite0": Layers("features.3", "features.8", "classifier.1"),
    "efficientnet_lite1": Layers("features.3", "features.8", "classifier.1"),
}


def default_layers(arch: str, method: str) -> dict[str, str]:
    """The arguments that name layers, for a method on a network of the course.

    Args:
        arch: one of `LAYERS`.
        method: the name of one of the eight methods' functions.

    Returns:
        Keyword arguments; none for a method that explains the image's own pixels by default.

    >>> default_layers("efficientnet_lite0", "grad_cam")
    {'saliency_layer': 'features.8'}
    """
    layers = LAYERS[arch]
    return {
        "grad_cam": {"saliency_layer": layers.last},
        "linear_approx": {"saliency_layer": layers.last},
        "excitation_backprop": {"saliency_layer": layers.middle},
        "contrastive_excitation_backprop": {
            "saliency_layer": layers.middle,
            "contrast_layer": layers.last,
            "classifier_layer": layers.classifier,
        },
    }.get(method, {})
