"""Which of it may be asked on which socket."""

from __future__ import annotations

from flask import Response, abort, request

from device import messages, server
from device.api.bridge import LockJob
from device.clock import Clock
from device.journal import Journal
from device.locks.desk import LockDesk
from device.locks.mailbox import Mailbox, Question
from device.server import Route

CHANGES = {"pair": "lock_paired", "rename": "lock_renamed", "remove": "lock_removed"}


class Counter:
    """The administrators' side: what changes a lock is on record with who asked for it."""

    def __init__(self, desk: LockDesk, journal: Journal, clock: Clock) -> None:
        self._desk, self._journal, self._clock = desk, journal, clock

    def pair(self) -> LockJob:
        """Begin pairing."""
        lock, address, by = server.json_fields("lock", "address", "by")
        job = self._desk.pair(lock, address)
        self._note("pair", by)
        return job

    def begin(self) -> LockJob:
        """Begin anything else."""
        lock, work, argument, by = server.json_fields("lock", "work", "argument", "by")
        job = self._desk.begin(lock, work, argument)
        self._note(work, by)
        return job

    def _note(self, work: str, by: str) -> None:
        if work in CHANGES:
            self._journal.append(messages.Audit(CHANGES[work], by), self._clock.now())

    def routes(self) -> tuple[Route, ...]:
        """For the command line and the administrators' web UI."""
        desk = self._desk
        return (
            Route("GET", "/v1/locks", desk.here),
            Route("GET", "/v1/locks/key", desk.key),
            Route("GET", "/v1/locks/heard", desk.heard),
            Route("POST", "/v1/locks/pairing", self.pair),
            Route("POST", "/v1/locks/comparison", lambda: desk.compare(*server.json_fields("job", "same"))),
            Route("POST", "/v1/locks/job", self.begin),
            Route("GET", "/v1/locks/job", lambda: desk.job(request.args.get("job", ""), *_waiting())),
            Route("GET", "/v1/locks/approvals", desk.approvals),
            Route("POST", "/v1/locks/visit", lambda: desk.visit(*server.json_fields("grant"))),
            Route("GET", "/v1/locks/visit", lambda: desk.progress(request.args.get("ticket", ""), *_waiting())),
            Route("POST", "/v1/locks/visit-end", lambda: desk.end(*server.json_fields("ticket"))),
        )


def bridge_routes(desk: LockDesk) -> tuple[Route, ...]:
    """For the bridge alone: it is handed signatures, and never a key."""
    return (
        Route("GET", "/v1/papers", lambda: desk.papers(request.args.get("lock", ""))),
        Route("POST", "/v1/session", lambda: desk.sign_session(*server.json_fields("lock", "transcript"))),
        Route("POST", "/v1/statement", lambda: desk.statement(*server.json_fields("lock", "challenge"))),
        Route("POST", "/v1/use", lambda: desk.use(*server.json_fields("ticket", "lock", "challenge", "command"))),
        Route("POST", "/v1/events", lambda: desk.keep(*_events())),
    )


def uplink_routes(mailbox: Mailbox, device: str, clock: Clock) -> tuple[Route, ...]:
    """For the uplink: questions of locks out, the server's word in."""

    def question() -> Response:
        found = mailbox.next(server.number_argument("wait_s", server.MOST_WAIT_S))
        if found is None:
            return Response(status=204)
        asked = messages.LockQuestion(found.lock, found.challenge)
        event, now = f"lock-question/{found.challenge[:16]}", messages.write_time(clock.now().at)
        body = messages.seal_envelope("lock-question", device, event, now, messages.CODEC.unstructure(asked))
        return Response(body, mimetype="application/cloudevents+json")

    def answer() -> dict[str, bool]:
        data = messages.open_envelope(request.get_data(), "lock-answer", device)
        said = messages.read_message(data, messages.LockAnswer)
        mailbox.answer(Question(said.lock, said.challenge), said.statement)
        return {"taken": True}

    return (Route("GET", "/v1/lock-question", question), Route("POST", "/v1/lock-answer", answer))


def _waiting() -> tuple[int, float]:
    after = request.args.get("after", "-1")
    if not after.lstrip("-").isdecimal():
        abort(400)
    return int(after), server.number_argument("wait_s", server.MOST_WAIT_S)


def _events() -> tuple[str, tuple[str, ...], str, str]:
    lock, head, nonce = server.json_fields("lock", "head", "nonce")
    events = request.get_json()["events"]
    if not isinstance(events, list) or not all(isinstance(event, str) for event in events):
        abort(400)
    return lock, tuple(events), head, nonce
