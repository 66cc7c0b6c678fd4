"""Write scene_samples.npz: what `draw_scene` gave when it was last changed on purpose.

Run it by hand after such a change: every fifth pixel, and the sum of all, of scenes that between
them show every class, texture, number of objects and kind of size.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from course_lib.world.scenes import draw_scene

FILE = Path(__file__).parent / "scene_samples.npz"
SAMPLES = [*((seed, 96, 96) for seed in range(16)), (5, 64, 80), (11, 224, 160)]


def sample(seed: int, height: int, width: int) -> dict[str, np.ndarray]:
    """A few numbers in which any change of a scene shows."""
    scene = draw_scene(seed, (height, width))
    return {
        "image": scene.image[:, ::5, ::5],
        "masks": scene.masks[scene.objects][:, ::4, ::4],
        "labels": scene.labels,
        "sums": np.stack(
            [scene.image.sum((1, 2), dtype=np.float64), (scene.image**2).sum((1, 2), np.float64)]
        ),
    }


if __name__ == "__main__":
    np.savez_compressed(
        FILE,
        **{
            f"{seed}-{height}-{width}-{key}": value
            for seed, height, width in SAMPLES
            for key, value in sample(seed, height, width).items()
        },
    )
