"""The pointing game over VOC 2007, in the calls that users of TorchRay have in their code.

    python docs/voc_benchmark.py --weights vgg16_voc.pth                     # all 4,952 images
    python docs/voc_benchmark.py --weights vgg16_voc.pth --images 100        # the first 100

VOC 2007 test has to lie in data/datasets/voc (`--data` says where else), and the weights are those
of a network with VOC's 20 classes. The course's own runner, `course benchmark`, keeps results and
goes on where it stopped; this is the loop by itself.
"""

from __future__ import annotations

import argparse

from torch.utils.data import DataLoader
from tqdm import tqdm

from course_lib.attribution.extremal_perturbation import extremal_perturbation
from course_lib.attribution.grad_cam import grad_cam
from course_lib.attribution.gradient import gradient
from course_lib.benchmark.baselines import centre
from course_lib.benchmark.datasets import get_dataset
from course_lib.benchmark.models import get_model, get_transform
from course_lib.benchmark.pointing_game import PointingGameBenchmark
from course_lib.utils import get_device, resize_saliency

AREA = 0.1
SMOOTH = 0.09
"""How much a mask is blurred, of its longer side, so that its peak lies in the middle."""
LAYERS = {"vgg16": "features.29", "resnet50": "layer4"}


def main(arguments: list[str] | None = None) -> dict[str, list[PointingGameBenchmark]]:
    """Play the game, print the accuracies, and return the games: all images, difficult ones."""
    parser = argparse.ArgumentParser(description="The pointing game over VOC 2007.")
    parser.add_argument("--weights", required=True)
    parser.add_argument("--data", default=None)
    parser.add_argument("--arch", default="vgg16")
    parser.add_argument("--layer", default=None, help="Grad-CAM's layer")
    parser.add_argument("--images", type=int, default=None)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--steps", type=int, default=50, help="of extremal perturbation")
    options = parser.parse_args(arguments)

    device = get_device()
    model = get_model(options.arch, "voc_2007", weights=options.weights).to(device)
    layer = options.layer or LAYERS[options.arch]
    dataset = get_dataset(
        "voc_2007",
        "test",
        dataset_dir=options.data,
        transform=get_transform("voc_2007", size=options.size),
        limiter=options.images,
    )
    methods = {
        "centre": centre,
        "gradient": gradient,
        "grad_cam": lambda model, x, c: grad_cam(model, x, c, saliency_layer=layer),
        "extremal_perturbation": lambda model, x, c: extremal_perturbation(
            model, x, c, areas=[AREA], max_iter=options.steps, smooth=SMOOTH
        )[0],
    }
    games = {
        name: [PointingGameBenchmark(dataset, difficult=difficult) for difficult in (False, True)]
        for name in methods
    }
    for x, labels in tqdm(DataLoader(dataset, batch_size=1, collate_fn=dataset.collate)):
        width, height = dataset.as_image_size(labels[0])
        for class_id in dataset.as_class_ids(labels[0]):
            for name, method in methods.items():
                saliency = method(model, x.to(device), class_id)
                saliency = resize_saliency(x, saliency, (width, height))
                row, column = divmod(int(saliency.argmax()), width)
                for game in games[name]:
                    hit = game.evaluate(labels[0], class_id, (column, row))
                    game.accumulate(hit, class_id)
    for name, (everything, difficult) in games.items():
        print(f"{name}\n  all       {everything}\n  difficult {difficult}")
    return games


if __name__ == "__main__":
    main()
