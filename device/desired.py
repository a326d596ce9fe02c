"""What is kept of the enterprise's desired states: the place of the last one applied, its content, pages of the next one.

Names, PIN hashes and badges never lie here: the roster goes into the people's directory, and only opaque ids stay.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from device import database, messages
from device.messages import Content, Place

NOWHERE = Place(0, 0)  # nothing was ever applied


@dataclass(frozen=True, slots=True)
class Resend:
    """Records of `epoch` after number `after` that the enterprise wants once more."""

    epoch: str
    after: int


class Kept:
    """The file `desired.db`, open; safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self.database = database.Database(path, "desired")
        self._place, self._content = self._read()

    def _read(self) -> tuple[Place, Content]:
        with self.database.reading() as connection:
            row = connection.execute("SELECT generation, version, content FROM desired").fetchone()
        return (Place(row[0], row[1]), messages.read_whole(row[2])) if row else (NOWHERE, Content())

    @property
    def place(self) -> Place:
        """Of the last state that was applied."""
        return self._place

    @property
    def content(self) -> Content:
        """Of the last state that was applied, its roster left out."""
        return self._content

    def whole(self) -> list[bytes]:
        """The pages of the newest state that is here whole and waits to be applied; none if there is none."""
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT message FROM page WHERE (generation, version) = (SELECT generation, version FROM page "
                "WHERE (generation, version) > (?, ?) ORDER BY generation DESC, version DESC LIMIT 1) ORDER BY page",
                (self._place.generation, self._place.version),
            ).fetchall()
        return [message for (message,) in rows]

    def keep_page(self, place: Place, page: int, message: bytes) -> None:
        """Keep one page; pages of an earlier state go."""
        with self.database.transaction() as connection:
            connection.execute("DELETE FROM page WHERE (generation, version) < (?, ?)", (place.generation, place.version))
            row = (place.generation, place.version, page, message)
            connection.execute("INSERT OR REPLACE INTO page VALUES (?, ?, ?, ?)", row)

    def applied(self, place: Place, content: Content) -> None:
        """From now on this is the state that counts; what lies at or before its place is never taken again."""
        kept = dataclasses.replace(content, roster=messages.Roster())
        with self.database.transaction() as connection:
            row = (place.generation, place.version, messages.write_content(kept))
            connection.execute("INSERT OR REPLACE INTO desired VALUES (1, ?, ?, ?)", row)
            connection.execute("DELETE FROM page WHERE (generation, version) <= (?, ?)", (place.generation, place.version))
        self._place, self._content = place, kept

    def aliases(self) -> dict[str, str]:
        """People of the roster who were known here before it came: the roster's id, and the one that records of this kiosk use."""
        with self.database.reading() as connection:
            return dict(connection.execute("SELECT person, here FROM alias").fetchall())

    def learn_aliases(self, aliases: Iterable[messages.Alias]) -> None:
        """Keep them, for messages and tombstones that name the roster's id."""
        with self.database.transaction() as connection:
            rows = [(alias.person, alias.here) for alias in aliases]
            connection.executemany("INSERT OR REPLACE INTO alias VALUES (?, ?)", rows)

    def undone(self, ids: Iterable[str]) -> frozenset[str]:
        """Which of these commands were not done yet."""
        with self.database.reading() as connection:
            done = {found for (found,) in connection.execute("SELECT id FROM done")}
        return frozenset(ids) - done

    def did(self, command: str) -> None:
        """The command is done, for good."""
        with self.database.transaction() as connection:
            connection.execute("INSERT OR IGNORE INTO done VALUES (?)", (command,))

    @property
    def resend(self) -> Resend | None:
        """What is still to be sent once more."""
        with self.database.reading() as connection:
            row = connection.execute("SELECT epoch, after FROM resend").fetchone()
        return Resend(*row) if row else None

    def keep_resend(self, left: Resend | None) -> None:
        """This is left of it, or nothing."""
        with self.database.transaction() as connection:
            connection.execute("DELETE FROM resend")
            if left is not None:
                connection.execute("INSERT INTO resend VALUES (1, ?, ?)", (left.epoch, left.after))

    def close(self) -> None:
        """Close the file; a later use opens it again."""
        self.database.close()
