"""A kiosk's people in bulk: random faces, sealed as real ones are, for whatever depends on how many there are."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from device import database, keys, messages, people, state, templates
from models import match

AT = messages.write_time(datetime(2026, 1, 1, tzinfo=UTC))
SEED = 3

INSERTS = (
    "INSERT INTO person (person, number, name, language, created_at) VALUES (?, ?, ?, ?, ?)",
    "INSERT INTO consent (person, text_version, language, text_sha256, basis, by, given_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
    "INSERT INTO person_key (person, wrapped) VALUES (?, ?)",
    "INSERT INTO template (person, embedder, source, sealed, enrolled_at) VALUES (?, ?, ?, ?, ?)",
)


def vectors(count: int, seed: int = SEED) -> NDArray[np.float32]:
    """(count, 128) random unit rows: no two of them look alike."""
    found = np.random.default_rng(seed).standard_normal((count, match.DIMENSIONS), dtype=np.float32)
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True), dtype=np.float32)


def person(number: int) -> str:
    """The opaque id of the person with this number."""
    return f"p-{number:032x}"


def fill(folder: state.Folder, embedder: str, count: int) -> NDArray[np.float32]:
    """`count` people who agreed, with one template each, in a new state folder; their vectors."""
    folder.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    key, found = keys.wrapping_key(folder.keys), vectors(count)
    people.Directory(folder.people, key).close()
    store = database.Database(folder.people, "people")
    with store.transaction() as connection:
        for number, vector in enumerate(found):
            for insert, row in zip(INSERTS, _rows(key, embedder, number, vector), strict=True):
                connection.execute(insert, row)
    store.close()
    return found


def _rows(key: bytes, embedder: str, number: int, vector: NDArray[np.float32]) -> tuple[tuple[object, ...], ...]:
    who = person(number)
    wrapped = templates.new_person_key(key, who)
    sealed = templates.seal(key, wrapped, who, embedder, vector)
    return (
        (who, str(number), f"Employee {number}", "en", AT),
        (who, "1", "en", "0" * 64, "consent", "bench", AT),
        (who, wrapped),
        (who, embedder, "photograph", sealed, AT),
    )
