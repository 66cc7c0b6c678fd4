"""TorchRay's log of results in MongoDB; here, results are kept by `course benchmark`."""

from __future__ import annotations

from typing import Any, NoReturn

__all__ = ["data_from_mongo", "data_to_mongo", "mongo_connect", "mongo_load", "mongo_save"]


def mongo_connect(*args: Any, **kwargs: Any) -> NoReturn:
    """Raise NotImplementedError: the store of results is that of `course benchmark`."""
    raise NotImplementedError(
        "Results are not kept in MongoDB here: `course benchmark` keeps them in SQLite or "
        "PostgreSQL and goes on where it stopped."
    )


mongo_load = mongo_save = data_to_mongo = data_from_mongo = mongo_connect
