"""Exercises of lesson 08: how good is a map, by four measures that do not agree?"""

from __future__ import annotations

from ..engine.exercise import Lesson

LESSON = Lesson(
    id="08_which_method",
    title="Which method should one believe?",
    minutes=65,
    difficulty=2,
    summary="the pointing game and its intervals; a deletion curve; a check with random weights",
    predictions=(
        "flat_map_hits",
        "all_of_fifteen",
        "centre_hits",
        "easiest_shape",
        "smallest_area",
        "black_points",
        "alike_without_weights",
        "guided_on_densenet",
        "tolerance_helps",
        "impossible_places",
        "photo_cell",
        "orders_agree",
        "order_on_networks",
    ),
)
