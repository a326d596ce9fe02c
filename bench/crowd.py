"""A kiosk's people in bulk: random faces, sealed as real ones are, for whatever depends on how many there are."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from device import database, keys, people, state, templates
from models import match

AT = datetime(2026, 1, 1, tzinfo=UTC)
SEED = 3
AGREED = people.Agreement("1", "en", "0" * 64, "consent", "bench")


def vectors(count: int, seed: int = SEED) -> NDArray[np.float32]:
    """(count, 128) random unit rows: no two of them look alike."""
    found = np.random.default_rng(seed).standard_normal((count, match.DIMENSIONS), dtype=np.float32)
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True), dtype=np.float32)


def person(number: int) -> str:
    """The opaque id of the person with this number."""
    return f"p-{number:032x}"


def fill(folder: state.Folder, embedder: str, count: int) -> NDArray[np.float32]:
    """`count` people who agreed, with one template each, in a new state folder; their vectors.

    The first comes as everybody does; the others are copies of that one's rows under keys of their own, in one transaction.
    """
    folder.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    key, found = keys.wrapping_key(folder.keys), vectors(count)
    directory = people.Directory(folder.people, key)
    directory.add(people.Person(person(0), "0", "Employee 0", "en", False, 0), AT)
    directory.agree(person(0), AGREED, AT)
    directory.add_template(person(0), embedder, "photograph", found[0], AT)
    directory.close()
    store = database.Database(folder.people, "people")
    with store.transaction() as connection:
        first = {table: _row(connection, table) for table in ("person", "consent", "person_key", "template")}
        for number in range(1, count):
            for table, changes in _changes(key, embedder, number, found[number]).items():
                _insert(connection, table, first[table] | changes)
    store.close()
    return found


def _row(connection: sqlite3.Connection, table: str) -> dict[str, object]:
    cursor = connection.execute(f"SELECT * FROM {table}")
    return dict(zip((column[0] for column in cursor.description), cursor.fetchone(), strict=True))


def _changes(key: bytes, embedder: str, number: int, vector: NDArray[np.float32]) -> dict[str, dict[str, object]]:
    who = person(number)
    wrapped = templates.new_person_key(key, who)
    sealed = templates.seal(key, wrapped, who, embedder, vector)
    return {
        "person": {"person": who, "number": str(number), "name": f"Employee {number}"},
        "consent": {"person": who},
        "person_key": {"person": who, "wrapped": wrapped},
        "template": {"person": who, "sealed": sealed, "id": None},
    }


def _insert(connection: sqlite3.Connection, table: str, row: dict[str, object]) -> None:
    marks = ", ".join("?" * len(row))
    connection.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", tuple(row.values()))
