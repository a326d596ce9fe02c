"""The database: SQLite by default, PostgreSQL by URL. A transaction is on the disk before anybody is told of it, or it never was.

Exactly once stands on two legs: the row of an epoch is locked before its records are compared and inserted, so that several workers
never decide about one kiosk at a time, and the primary key (device, epoch, seq) refuses whatever slips past. The library's errors
are translated here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy
from sqlalchemy import Connection, Engine, Table, and_, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError

from device import messages
from enterprise import engines, layout, sqlstates, tables
from enterprise.errors import EnterpriseError

MOST_DETAIL = 500  # characters of an alarm or a reason
WISHES_LOCK = layout.LOCK + 1  # PostgreSQL's advisory lock of whoever decides what is wanted of kiosks


def of_epoch(table: Table) -> Any:
    """The rows of one epoch of one kiosk, named by the parameters `of_device` and `of_epoch`."""
    return and_(table.c.device == bindparam("of_device"), table.c.epoch == bindparam("of_epoch"))


def _stored(*columns: str, where: Callable[[Table], Any]) -> Any:
    """A query over what is stored of an epoch, usable or parked."""
    both = (tables.record, tables.parked)
    return sqlalchemy.union_all(
        *(select(*(table.c[name] for name in columns)).where(of_epoch(table), where(table)) for table in both)
    )


# What every batch asks for is put together once: SQLAlchemy takes longer to make such a statement than the database to answer it.
LOCKED_EPOCH = select(tables.epoch).where(of_epoch(tables.epoch)).with_for_update()
HASHES = _stored("seq", "hash", where=lambda table: table.c.seq.between(bindparam("first"), bindparam("last")))
BODY = _stored("body", where=lambda table: table.c.seq == bindparam("at_seq"))
GAP_END = select(sqlalchemy.func.max(tables.gap.c.last)).where(
    of_epoch(tables.gap), tables.gap.c.first <= bindparam("wanted"), tables.gap.c.last >= bindparam("wanted")
)
ADVANCE = (
    tables.epoch.update()
    .where(of_epoch(tables.epoch))
    .values(
        upto=bindparam("to"),
        head=bindparam("to_head"),
        duplicates=tables.epoch.c.duplicates + bindparam("more"),
        last_seen=bindparam("seen"),
    )
)


class StoreError(EnterpriseError):
    """The database cannot do what was asked."""


class StoreAway(StoreError):
    """The database is not there, locked, full or failing; worth retrying, nothing was stored."""


class StoreStuck(StoreAway):
    """It is there and did not get this done; if it stays so, other content may do better."""


class StoreRefused(StoreError):
    """The database refuses this very content; retrying changes nothing, nothing was stored."""


@dataclass(frozen=True, slots=True)
class EpochState:
    """What the server has signed for in one epoch of one kiosk; `begun` is true for the transaction that first heard of it."""

    device: str
    epoch: str
    key: str
    upto: int
    head: str
    begun: bool


class RecordRow(NamedTuple):
    """A row of `record`; the fields stand in the order of its columns. A tuple, because there are 20,000 a second of them."""

    device: str
    epoch: str
    seq: int
    hash: str
    kind: str
    person: str
    at: str
    body: str
    sig: str | None
    received_at: str


class ParkedRow(NamedTuple):
    """A row of `parked`; the fields stand in the order of its columns."""

    device: str
    epoch: str
    seq: int
    hash: str
    reason: str
    body: str
    sig: str | None
    received_at: str


class Store:
    """An open database; one writing thread in each process."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lacks: frozenset[str] = frozenset()  # tables that this version wants and did not find

    def look(self) -> None:
        """See what the database lacks; LayoutError if it is none of ours."""
        with self.reading() as connection:
            self._lacks = layout.missing(connection)

    @property
    def is_empty(self) -> bool:
        """Whether nobody has ever written to it."""
        return tables.record.name in self._lacks

    def complete(self) -> None:
        """Make what is lacking."""
        if self._lacks:
            with self._translated(), self._engine.begin() as connection:
                layout.complete(connection)
            self._lacks = frozenset()

    @property
    def name(self) -> str:
        """Where it is, without a password."""
        return self._engine.url.render_as_string(hide_password=True)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """All of it is committed and on the disk when the block ends, or none of it."""
        self.complete()
        with self._translated(), self._engine.begin() as connection:
            yield Transaction(connection)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent view that blocks no writer."""
        options: dict[str, Any] = {engines.READING: True}
        if self._engine.dialect.name == "postgresql":
            options["isolation_level"] = "REPEATABLE READ"
        with self._translated(), self._engine.connect().execution_options(**options) as connection:
            yield connection

    def trusted_keys(self, devices: Iterable[str]) -> dict[str, str]:
        """The journal keys that a person has vouched for, by device; the others are left out."""
        column = tables.device.c
        with self.reading() as connection:
            found = connection.execute(select(column.name, column.key).where(column.name.in_(sorted(set(devices)))))
            return {row.name: row.key for row in found}

    def close(self) -> None:
        """Let go of every connection."""
        self._engine.dispose()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        driver = self._engine.dialect.loaded_dbapi  # COPY speaks to it directly, so its own errors come too
        try:
            yield
        except (SQLAlchemyError, driver.Error) as error:
            kind = _what_it_means(error, (DataError, IntegrityError, driver.DataError, driver.IntegrityError))
            if kind is StoreRefused:
                raise StoreRefused(f"the database {self.name} refuses a row: {_first_line(error)}") from error
            raise kind(f"the database {self.name} cannot be used now ({_first_line(error)}); {self._advice(error)}") from error

    def _advice(self, error: BaseException) -> str:
        if sqlstates.of(error) == sqlstates.LOCK_NOT_AVAILABLE:
            return "a report or another change holds one of its tables; end that (pg_stat_activity names it), or try again"
        if self._lacks and not self.is_empty:
            return (
                "an older version made it; ingest, import or any command that writes completes it, as a user that may make tables"
            )
        return "check that it runs, that its disk has room and that this user may write"


class Transaction:
    """What may be done to the database inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._insert: Any = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert

    @property
    def connection(self) -> Connection:
        """For the rooms that keep tables of their own, such as `downlink`."""
        return self._connection

    def alone(self) -> None:
        """Nobody else wishes or signs until this ends: of two states that were signed at once each would lack the other's wishes.

        SQLite has one writer anyway. Called before anything is read that a wish depends on.
        """
        if self._connection.dialect.name == "postgresql":
            self._connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WISHES_LOCK})")

    def put_first(self, table: Table, values: dict[str, Any]) -> None:
        """Insert the row unless there is one with the same key, or another transaction is about to bring one."""
        self._connection.execute(self._insert(table).values(values).on_conflict_do_nothing())

    def put(self, table: Table, values: dict[str, Any]) -> None:
        """Insert the row, or replace the one with the same key."""
        keys = [column.name for column in table.primary_key]
        rest = {name: value for name, value in values.items() if name not in keys}
        self._connection.execute(self._insert(table).values(values).on_conflict_do_update(index_elements=keys, set_=rest))

    def lock_epoch(self, device: str, epoch: str, key: str, at: datetime) -> EpochState:
        """The epoch's state, its row made if it is new, and locked until the transaction ends."""
        row = self._locked_row(device, epoch)
        begun = False
        if row is None:
            now = messages.write_time(at)
            fresh = {"upto": 0, "head": messages.GENESIS_PREV, "duplicates": 0, "first_seen": now, "last_seen": now}
            values = {"device": device, "epoch": epoch, "key": key} | fresh
            insert = self._insert(tables.epoch).values(values).on_conflict_do_nothing().returning(tables.epoch.c.epoch)
            begun = self._connection.execute(insert).first() is not None  # another worker may have been quicker
            row = self._locked_row(device, epoch)
            assert row is not None
        return EpochState(device, epoch, row.key, row.upto, row.head, begun)

    def _locked_row(self, device: str, epoch: str) -> Any:
        return self._connection.execute(LOCKED_EPOCH, {"of_device": device, "of_epoch": epoch}).first()

    def other_epochs(self, state: EpochState) -> int:
        """How many other epochs of this device are known."""
        column = tables.epoch.c
        query = select(sqlalchemy.func.count()).where(column.device == state.device, column.epoch != state.epoch)
        return self._connection.execute(query).scalar_one()

    def hashes(self, state: EpochState, first: int, last: int) -> dict[int, str]:
        """Hash by sequence number of what is stored, usable or parked, from `first` to `last`."""
        rows = self._connection.execute(HASHES, _place(state) | {"first": first, "last": last})
        return {row.seq: row.hash for row in rows}

    def body(self, state: EpochState, seq: int) -> bytes:
        """The exact bytes of one stored record, usable or parked; it must be there."""
        body: str = self._connection.execute(BODY, _place(state) | {"at_seq": seq}).scalar_one()
        return body.encode("utf-8", "surrogateescape")

    def add(self, records: Sequence[RecordRow], parked: Sequence[ParkedRow]) -> None:
        """Insert rows that are not there yet."""
        self._add(tables.record, tables.RECORD_COLUMNS, records)
        self._add(tables.parked, tables.PARKED_COLUMNS, parked)

    def _add(self, table: Table, columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]]) -> None:
        if not rows:
            return
        names = ", ".join(columns)
        if self._connection.dialect.name == "sqlite":
            marks = ", ".join("?" * len(columns))
            self._connection.exec_driver_sql(f"INSERT INTO {table.name} ({names}) VALUES ({marks})", list(rows))
            return
        driver: Any = self._connection.connection.driver_connection
        with driver.cursor() as cursor, cursor.copy(f"COPY {table.name} ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)

    def advance(self, state: EpochState, upto: int, head: str, duplicates: int, at: datetime) -> EpochState:
        """Move the epoch's cursor and count what came twice."""
        moved = {"to": upto, "to_head": head, "more": duplicates, "seen": messages.write_time(at)}
        self._connection.execute(ADVANCE, _place(state) | moved)
        return EpochState(state.device, state.epoch, state.key, upto, head, begun=False)

    def declare_gap(self, state: EpochState, first: int, last: int, at: datetime) -> None:
        """The kiosk no longer has `first` to `last`, and this server never had them."""
        values = {"device": state.device, "epoch": state.epoch, "first": first, "last": last}
        insert = self._insert(tables.gap).values(values | {"declared_at": messages.write_time(at)})
        self._connection.execute(insert.on_conflict_do_update(index_elements=["device", "epoch", "first"], set_={"last": last}))

    def gap_end(self, state: EpochState) -> int | None:
        """The last record of a declared gap that reaches beyond what is signed for, or None."""
        last: int | None = self._connection.scalar(GAP_END, _place(state) | {"wanted": state.upto + 1})
        return last

    def alarm(self, device: str, epoch: str, kind: str, seq: int, detail: str, at: datetime) -> None:
        """Tell a person; the same trouble again is counted, not repeated."""
        now, column = messages.write_time(at), tables.alarm.c
        values = {"device": device, "epoch": epoch, "kind": kind, "seq": seq, "detail": storable(detail)}
        insert = self._insert(tables.alarm).values(values | {"first_at": now, "last_at": now, "count": 1})
        again = {"detail": storable(detail), "last_at": now, "count": column.count + 1}
        self._connection.execute(insert.on_conflict_do_update(index_elements=["device", "epoch", "kind", "seq"], set_=again))

    def trust(self, device: str, key: str, at: datetime) -> str | None:
        """Vouch for `key` as the device's; the key that it replaces, or None."""
        column = tables.device.c
        before = self._connection.scalar(select(column.key).where(column.name == device).with_for_update())
        if before != key:
            values = {"name": device, "key": key, "trusted_at": messages.write_time(at)}
            insert = self._insert(tables.device).values(values)
            self._connection.execute(insert.on_conflict_do_update(index_elements=["name"], set_=values))
        return before if before != key else None

    def distrust(self, device: str) -> bool:
        """Vouch for the device no more; whether anybody had."""
        return bool(self._connection.execute(tables.device.delete().where(tables.device.c.name == device)).rowcount)


def connect(url: str, *, create: bool = True, bounded: bool = False) -> Store:
    """The database at `url`; StoreAway if it cannot be reached now, LayoutError if it is another program's.

    With `create` its tables are made at once where there are none; without, a database that is not there is a StoreError, and what
    only this version knows is made before something is written. `bounded`: nothing is waited for longer than `engines.LIMITS`.
    """
    store = Store(engines.made(url, create, bounded))
    store.look()
    if create:
        store.complete()
    elif store.is_empty:
        raise StoreError(f"the database {store.name} holds nothing yet; name it with --database, as daka-enterprise ingest did")
    return store


def storable(sentence: str) -> str:
    """A sentence that quotes what came from outside, as every database can hold it."""
    return sentence.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\0")[:MOST_DETAIL]


def _place(state: EpochState) -> dict[str, Any]:
    return {"of_device": state.device, "of_epoch": state.epoch}


def _what_it_means(error: Exception, refusals: tuple[type[Exception], ...]) -> type[StoreError]:
    """PostgreSQL's limits come as the same class of error as a server that is down: the code beside it tells them apart."""
    code = sqlstates.of(error)
    if isinstance(error, refusals) or code.startswith(sqlstates.REFUSING):
        return StoreRefused
    return StoreStuck if code.startswith(sqlstates.STUCK) else StoreAway


def _first_line(error: BaseException) -> str:
    origin = getattr(error, "orig", None) or error
    return next(iter(str(origin).splitlines()), type(origin).__name__).strip()
