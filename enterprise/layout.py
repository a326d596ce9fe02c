"""The layout of the database: looked at first, made or completed only where something is missing. Another program's is left alone.

Whoever only reads changes nothing, needs no right to write, and waits for nobody.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, inspect, select

from enterprise import tables
from enterprise.errors import EnterpriseError

CORE = frozenset({"schema_version", "device", "epoch", "record"})  # in every database that we ever made
LOCK = 0x64616B61  # "daka": several workers that start at once make the tables one after the other
PATIENCE = "5s"  # for whoever holds a table or the view; a report that goes on must not keep records waiting behind us

NAMES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')",
    "postgresql": "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p', 'v') AND pg_table_is_visible(oid)",
}


class LayoutError(EnterpriseError):
    """The database holds something else than this program's tables; the message says what."""


def is_ours(names: Iterable[str]) -> bool:
    """Whether a database with tables of these names is one of ours."""
    return set(names) >= CORE


def missing(connection: Connection) -> frozenset[str]:
    """What this version wants and does not find; all of it in a new database. LayoutError: another program's, or a later one."""
    names = set(connection.exec_driver_sql(NAMES[connection.dialect.name]).scalars())
    wanted = set(tables.metadata.tables)
    if not is_ours(names):
        if names & wanted or (names and connection.dialect.name == "sqlite"):
            raise LayoutError("this database is another program's, and is left as it is; name ours with --database")
        return frozenset(wanted | {tables.PUNCH_VIEW})
    found = connection.scalar(select(tables.schema_version.c.version))
    if found is None:
        names -= {tables.schema_version.name}  # made, and never signed with a version
    elif found != tables.VERSION:
        raise LayoutError(f"the database has layout {found}, this program knows {tables.VERSION}; use the version that wrote it")
    return frozenset((wanted - names) | _older_view(connection, names))


def _older_view(connection: Connection, names: set[str]) -> set[str]:
    view = tables.PUNCH_VIEW
    columns = [column["name"] for column in inspect(connection).get_columns(view)] if view in names else []
    ours = [*tables.VIEW_COLUMNS]
    return set() if columns[: len(ours)] == ours else {view}  # a newer version's has more, and PostgreSQL takes none away


def complete(connection: Connection) -> None:
    """Make what is missing, in one transaction of its own."""
    if connection.dialect.name == "postgresql":
        if connection.exec_driver_sql("SHOW server_encoding").scalar() != "UTF8":
            raise LayoutError("the database must have been made with encoding UTF8: createdb --encoding=UTF8 --template=template0")
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{PATIENCE}'")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
    lacking = missing(connection)  # another worker may have been quicker
    tables.metadata.create_all(connection, [table for table in tables.metadata.sorted_tables if table.name in lacking])
    if tables.PUNCH_VIEW in lacking:
        tables.create_punch_view(connection)
    if tables.schema_version.name in lacking:
        connection.execute(tables.schema_version.insert().values(version=tables.VERSION))
