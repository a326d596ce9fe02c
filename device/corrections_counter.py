"""Routes of the kiosk daemon about punches that are put right; any of its sockets may carry them."""

from __future__ import annotations

from datetime import datetime

from flask import abort, request

from device import api, corrections, messages
from device.corrections import Corrections
from device.people import Directory
from device.sentences import say
from device.server import Route, json_fields

MOST_SEQS = 1_000


def corrections_routes(desk: Corrections, directory: Directory, site: str) -> tuple[Route, ...]:
    """Voids, corrections and disputes. `site`: where a forgotten punch was one."""

    def correct() -> api.Corrected:
        seq, direction, at, reason, by = json_fields("seq", "direction", "at", "reason", "by")
        return desk.correct(_number(seq), direction, _time(at) if at else None, reason, by)

    def add() -> api.Corrected:
        number, direction, at, reason, by = json_fields("number", "direction", "at", "reason", "by")
        return desk.add(directory.by_number(number).person, direction, _time(at), reason, by, site)

    def change_direction() -> api.Corrected:
        seq, direction = json_fields("seq", "direction")
        return desk.change_direction(_number(seq), direction)

    def with_reason(do: str) -> api.Corrected:
        seq, reason, by = json_fields("seq", "reason", "by")
        done: api.Corrected = getattr(desk, do)(_number(seq), reason, by)
        return done

    def amendments() -> dict[str, api.Amendment]:
        seqs = [_number(text) for text in request.args.get("seqs", "").split(",")[:MOST_SEQS] if text]
        return {str(seq): found for seq, found in desk.standing(seqs).items()}

    return (
        Route("POST", "/v1/direction", change_direction),
        Route("POST", "/v1/dispute", lambda: with_reason("dispute")),
        Route("POST", "/v1/void", lambda: with_reason("void")),
        Route("POST", "/v1/correction", correct),
        Route("POST", "/v1/forgotten-punch", add),
        Route("GET", "/v1/amendments", amendments),
    )


def _number(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 15:
        abort(400)
    return int(text)


def _time(text: str) -> datetime:
    try:
        return messages.read_time(text)
    except messages.SchemaRefused as error:
        raise corrections.CorrectionRefused(say("correction.time", why=error)) from error
