"""What several commands use: the database's option, the server's clock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click

from enterprise import store

DATABASE = "sqlite:///daka-enterprise.db"

database_option = click.option(
    "--database",
    default=DATABASE,
    show_default=True,
    envvar="DAKA_ENTERPRISE_DATABASE",
    help="sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME.",
)
folder_option = click.option("--dir", "folder", type=click.Path(path_type=Path), required=True, help="Folder of the files.")


def now() -> datetime:
    """The server's clock."""
    return datetime.now(UTC)


@contextmanager
def opened_database(database: str, *, create: bool = False) -> Iterator[store.Store]:
    opened = store.connect(database, create=create)
    try:
        yield opened
    finally:
        opened.close()
