"""The published table has the methods of the course, and chance where it should be."""

from __future__ import annotations

from course_lib.attribution.methods import methods
from course_lib.benchmark.baselines import centre
from course_lib.benchmark.published import published_pointing


def test_each_published_method_is_one_of_ours() -> None:
    for column in published_pointing().values():
        assert set(column) <= {centre.__name__, *methods()}
        assert all(0 < percent < 100 for percent in column.values())


def test_the_centre_does_not_depend_on_the_network() -> None:
    columns = published_pointing()
    for name, column in columns.items():
        other = columns[name.replace("vgg16", "resnet50")]
        assert column["centre"] == other["centre"]
        assert column["extremal_perturbation"] != other["extremal_perturbation"] or column is other
