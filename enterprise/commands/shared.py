"""What several commands use: the database's option, the server's clock."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

import click
from rich.console import Console
from rich.table import Table

from enterprise import store
from enterprise.errors import EnterpriseError

DATABASE = "sqlite:///daka-enterprise.db"
NUMBER = click.IntRange(0, 2**53 - 1)  # of a record: as the wire has them, and every database can hold
WIDEST = 10_000  # characters of a line that goes into a file or to another program

database_option = click.option(
    "--database",
    default=DATABASE,
    show_default=True,
    envvar="DAKA_ENTERPRISE_DATABASE",
    help="sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME.",
)
most_option = click.option("--most", default=50, show_default=True, type=click.IntRange(1, 1_000_000), help="How many.")
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


def print_table(table: Table) -> None:
    """As wide as the terminal; where there is none, a row is a line, whatever its length."""
    console = Console(markup=False, emoji=False)
    if not console.is_terminal:
        console = Console(markup=False, emoji=False, width=WIDEST)
    console.print(table)


def host_and_port(text: str) -> tuple[str, int]:
    """HOST:PORT in its parts; an IPv6 address stands in brackets."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise EnterpriseError(f"{text}: write HOST:PORT, such as broker.example:8883")
    return host.strip("[]"), int(port)


def stop_on_signals() -> threading.Event:
    """An event that SIGTERM and SIGINT set."""
    stop = threading.Event()

    def ask_to_stop(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask_to_stop)
    return stop
