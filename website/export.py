"""Writes the playground's network, `static/playground/tiny_vgg.onnx`: `python -m website.export`.

It is kept in the repository, so that the site needs no exporter. After `tiny_vgg` was trained
again, `pip install onnxscript` and run this; a browser test compares the network with PyTorch's.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from course_lib.world.networks import load_network
from course_lib.world.scenes import SIZE

TARGET = Path(__file__).parent / "static" / "playground" / "tiny_vgg.onnx"


class WithActivations(nn.Module):
    """`tiny_vgg` with what its convolutions end in as a second output."""

    def __init__(self) -> None:
        super().__init__()
        network = load_network("tiny_vgg")
        self.features, self.avgpool = network.features, network.avgpool
        self.classifier = network.classifier

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        activations = self.features(pictures)
        return self.classifier(self.avgpool(activations).flatten(1)), activations


def export(path: Path) -> None:
    """Write the network, for any number of pictures at once."""
    import onnx

    program = torch.onnx.export(
        WithActivations().eval(),
        (torch.zeros(2, 3, SIZE, SIZE),),
        dynamo=True,
        input_names=["pictures"],
        output_names=["scores", "activations"],
        dynamic_shapes=({0: torch.export.Dim("count")},),
    )
    assert program is not None
    model = program.model_proto
    # The exporter notes its own files and lines, which differ from machine to machine.
    for part in (model, model.graph, *model.graph.node, *model.graph.input, *model.graph.output):
        part.ClearField("metadata_props")
    for part in (*model.graph.initializer, *model.graph.value_info):
        part.ClearField("metadata_props")
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())


if __name__ == "__main__":
    export(TARGET)
    print(f"{TARGET.name}: {TARGET.stat().st_size / 1e6:.1f} MB")
