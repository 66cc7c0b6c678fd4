"""The store of results: a row for each number that was measured, in SQLite or PostgreSQL.

Several processes may write at once, on several machines too where the store is PostgreSQL: a row
that is there already stays as it is, so that nothing is lost and nothing is doubled.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sql
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, OperationalError

DEFAULT = "sqlite:///benchmark.sqlite"
"""A file in the folder where the command runs."""

SECONDS_TO_WAIT = 60
"""How long a writer waits for the others of a SQLite file."""

INSERTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


@dataclass(frozen=True)
class Row:
    """One number, and all that it depends on.

    Attributes:
        data, image, category: the world, the image in it, and the class asked for.
        network, method, protocol: by their names.
        settings: the method's arguments besides, as JSON with sorted names.
        versions: of the course and of torch.
        value: the number.
        difficult: whether the pair of image and class is one of the difficult ones.
        seconds: how long the map took.
        measured: the date, as 2026-11-28.
    """

    data: str
    image: str
    category: int
    network: str
    method: str
    protocol: str
    settings: str
    versions: str
    value: float
    difficult: bool
    seconds: float
    measured: str


KEY = ("data", "image", "category", "network", "method", "protocol", "settings", "versions")
"""What makes a row one and the same."""

_TYPES: dict[str, Any] = {
    "category": sql.Integer,
    "value": sql.Double,
    "difficult": sql.Boolean,
    "seconds": sql.Double,
}

_metadata = sql.MetaData()

_results = sql.Table(
    "results",
    _metadata,
    *(
        sql.Column(name, _TYPES.get(name, sql.Text), primary_key=name in KEY, nullable=False)
        for name in Row.__dataclass_fields__
    ),
)


class Store:
    """A database of results.

    Args:
        url: SQLAlchemy's: `sqlite:///FILE`, or `postgresql://USER@HOST/NAME`.

    Raises:
        ValueError: it is no address of SQLite or PostgreSQL, or nothing answers there.
    """

    def __init__(self, url: str = DEFAULT) -> None:
        try:
            address = sql.make_url(url)
            kind = address.get_backend_name()
            if kind not in INSERTS:
                raise ValueError(f"Results are kept in SQLite or PostgreSQL, not in {kind}.")
            waiting = {"timeout": SECONDS_TO_WAIT} if kind == "sqlite" else {}
            if address.drivername == "postgresql":
                address = address.set(drivername="postgresql+psycopg")
            self._engine = sql.create_engine(address, connect_args=waiting)
        except (ArgumentError, NoSuchModuleError):
            raise ValueError(
                f"{url!r} is no address of a database; give sqlite:///FILE or postgresql://..."
            ) from None
        except ModuleNotFoundError as error:
            raise ValueError(
                f"The database needs {error.name}: pip install 'course-lib[postgresql]'."
            ) from None
        self._insert = INSERTS[kind]
        self._make_table(address)

    def _make_table(self, address: sql.URL) -> None:
        try:
            with self._engine.begin() as connection:
                if self._engine.dialect.name == "sqlite":
                    # Readers then do not wait for writers, nor lose what a killed one had begun.
                    connection.exec_driver_sql("PRAGMA journal_mode=WAL")
                # Two that come at once may both find no table.
                connection.execute(sql.schema.CreateTable(_results, if_not_exists=True))
        except OperationalError as error:
            where = address.render_as_string(hide_password=True)
            detail = str(error.orig).strip().splitlines()[0]
            raise ValueError(f"The store {where} can't be opened ({detail}).") from None

    def add(self, rows: Iterable[Row]) -> None:
        """Write rows, all or none; those that are there already stay as they are."""
        values = [asdict(row) for row in rows]
        if values:
            with self._engine.begin() as connection:
                connection.execute(self._insert(_results).on_conflict_do_nothing(), values)

    def done(self, **wanted: Any) -> set[tuple[str, int, str]]:
        """Image, class and protocol of each row with these values.

        Args:
            wanted: values of columns: `network="tiny_vgg"`.
        """
        columns = _results.c
        chosen = sql.select(columns.image, columns.category, columns.protocol)
        with self._engine.connect() as connection:
            found = connection.execute(chosen.filter_by(**wanted))
            return {(image, category, protocol) for image, category, protocol in found}

    def rows(self, **wanted: Any) -> Iterator[Row]:
        """The rows with these values of columns, in the order of their keys."""
        chosen = sql.select(_results).filter_by(**wanted).order_by(*(_results.c[k] for k in KEY))
        with self._engine.connect() as connection:
            for row in connection.execute(chosen).mappings():
                yield Row(**row)

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()


@contextmanager
def open_store(url: str = DEFAULT) -> Iterator[Store]:
    """A store that is closed at the end."""
    store = Store(url)
    try:
        yield store
    finally:
        store.close()
