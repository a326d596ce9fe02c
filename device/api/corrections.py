"""What may be asked about punches that are wrong; the command line's client and the web UI's have it both."""

from __future__ import annotations

from collections.abc import Sequence

from device.api.answers import Amendment, Corrected
from device.api.client import Client


class CorrectionsClient(Client):
    """The part of a caller that puts punches right. Times are RFC 3339, UTC, six digits, as in records."""

    def change_direction(self, seq: int, direction: str) -> Corrected:
        """The person's own change, some seconds after the punch."""
        return self._post("/v1/direction", Corrected, seq=str(seq), direction=direction)

    def dispute(self, seq: int, reason: str, by: str) -> Corrected:
        """Somebody says that this punch is not theirs; nothing is deleted."""
        return self._post("/v1/dispute", Corrected, seq=str(seq), reason=reason, by=by)

    def void(self, seq: int, reason: str, by: str) -> Corrected:
        """The punch counts no more."""
        return self._post("/v1/void", Corrected, seq=str(seq), reason=reason, by=by)

    def correct(self, seq: int, direction: str, at: str, reason: str, by: str) -> Corrected:
        """The punch as it should have been; `at` empty where its time is right."""
        return self._post("/v1/correction", Corrected, seq=str(seq), direction=direction, at=at, reason=reason, by=by)

    def add_punch(self, number: str, direction: str, at: str, reason: str, by: str) -> Corrected:
        """A punch that was forgotten."""
        return self._post("/v1/forgotten-punch", Corrected, number=number, direction=direction, at=at, reason=reason, by=by)

    def amendments(self, seqs: Sequence[int]) -> dict[int, Amendment]:
        """What was said about these punches since."""
        found = self._get("/v1/amendments", dict[str, Amendment], seqs=",".join(map(str, seqs)))
        return {int(seq): amendment for seq, amendment in found.items()}
