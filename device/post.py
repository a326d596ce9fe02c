"""The uplink's counter: what the daemon that reaches the network may ask. No name, no picture, no template."""

from __future__ import annotations

import logging
import platform
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path

from flask import Response, request

import device
from device import api, clock, database, desired, downlink, ended, journal, messages, resending, server, state, timekeeping, trust
from device.config import Config
from device.errors import DeviceError
from device.server import Route

log = logging.getLogger(__name__)


class SwitchedOff(DeviceError):
    """No record leaves by this way now."""


class Post:
    """The uplink's counter: signed greetings, batches and acknowledgements; with a timekeeper, the server's time too."""

    def __init__(
        self,
        opened: journal.Journal,
        config: Config,
        time_source: clock.Clock,
        root: Path,
        keeper: timekeeping.Timekeeper | None = None,
        down: downlink.Downlink | None = None,
        believed: trust.Trust | None = None,
        machine: Callable[[], api.Machine] | None = None,
        start_anew: Callable[[], None] = lambda: None,
        is_on: Callable[[], bool] = lambda: True,
    ) -> None:
        """`start_anew` is called when this journal's epoch can get no further: a start begins another.

        `is_on`: whether records may be sent; whoever asks nevertheless gets none.
        """
        self._journal, self._clock, self._root = opened, time_source, root
        self._keeper, self._down, self._machine = keeper, down, machine
        self._trust = believed or trust.Trust(state.Folder(root).enterprise, config.uplink)
        self._start_anew, self.is_on = start_anew, is_on
        self._again = resending.Resending(down.kept if down else None, opened.head().epoch)
        self._nonce = ""
        self._asked: clock.Moment | None = None
        self._session = secrets.token_hex(16)

    def hello(self) -> Response:
        """A greeting with a fresh nonce."""
        self._nonce = secrets.token_hex(16)
        self._again.greeted()
        greeting = self._greeting()
        self._asked = self._clock.now()
        response = self._envelope("hello", self._nonce, greeting)
        response.headers["Daka-Epoch"] = str(greeting["epoch"])
        return response

    def _greeting(self) -> dict[str, object]:
        if self._down is None:
            return self._journal.hello(self._nonce)
        return self._journal.hello(self._nonce, self._down.sealing_key, self._down.kept.place)

    def records(self) -> Response:
        """The batch after a record, or 204 when there is nothing. SwitchedOff while nothing may be sent."""
        after, wait_s = int(server.number_argument("after", 2**53)), server.number_argument("wait_s", server.MOST_WAIT_S)
        self._journal.wait_beyond(after, wait_s)
        if not self.is_on():
            raise SwitchedOff("the uplink is switched off (uplink.enabled); records stay here")
        if request.args.get("epoch") != self._journal.head().epoch:
            raise journal.JournalError("the journal is in another epoch by now; say hello again")
        if self._again.waits_for_hello:
            raise journal.JournalError("the enterprise wants earlier records again; say hello again")
        stretch = self._journal.stretch(after)
        if stretch is None:
            return Response(status=204)
        now = messages.write_time(self._clock.now().at)
        batch = messages.write_batch(self._journal.device, stretch.epoch, stretch.texts, stretch.first, stretch.sig, now)
        self._again.sent(stretch.last)
        return Response(batch, mimetype="application/cloudevents+json", headers={"Daka-Last": str(stretch.last)})

    def acknowledge(self) -> api.Cursor:
        """What the server said, handed over by the uplink."""
        return self._again.answered(self.believe(request.get_data()))

    def signed_records(self, after: int) -> bytes:
        """The batch that follows record `after`, as the uplink sends it, to be carried by hand; empty at the end."""
        stretch = self._journal.stretch(after)
        if stretch is None:
            return b""
        now = messages.write_time(self._clock.now().at)
        return messages.write_batch(self._journal.device, stretch.epoch, stretch.texts, stretch.first, stretch.sig, now)

    def believe(self, payload: bytes) -> api.Cursor:
        """Believe the server's signature, or say why not; the answer may also have been carried here by hand."""
        answered = self._clock.now()
        answer = self._believed(payload)
        answers_hello = bool(self._nonce) and answer.nonce == self._nonce
        if answers_hello:
            self._hear(answer, answered)
        return api.Cursor(answer.upto, answer.window, answer.retry_after_ms, answers_hello)

    def _believed(self, payload: bytes) -> messages.Acknowledgement:
        """Under one of the server's keys: there are two while one is being changed for the other."""
        refusal = journal.AcknowledgementRefused("no server key is known; set uplink.server_key, or join an enterprise")
        for key in self._trust.keys("acknowledgement"):
            try:
                return self._journal.acknowledge(payload, key, self._nonce)
            except journal.AcknowledgementRefused as error:
                refusal = error
            except journal.JournalForked as error:
                log.error("%s", error)
                self._start_anew()
                raise
        raise refusal

    def rewind(self, wanted: messages.Rewind) -> None:
        """Send the records after `wanted.after` once more, until they have arrived. JournalError if they are not here."""
        head = self._journal.head()
        if wanted.epoch != head.epoch or not head.kept_from - 1 <= wanted.after <= head.seq:
            raise journal.JournalError(f"records of that epoch are kept from {head.kept_from} to {head.seq}")
        self._again.want(desired.Resend(wanted.epoch, wanted.after))

    def desire(self) -> api.DesiredTaken:
        """A page of what the enterprise wants; DesiredRefused says why it is not taken."""
        if self._down is None:
            raise downlink.DesiredRefused("this kiosk takes no desired state")
        place = self._down.take(request.get_data())
        return api.DesiredTaken(place.generation, place.version)

    def _hear(self, answer: messages.Acknowledgement, answered: clock.Moment) -> None:
        """The server's time, once for each hello: the same answer again would tell an old one. The cursor never waits for it."""
        asked, self._asked = self._asked, None
        if self._keeper is None or asked is None:
            return
        try:
            self._keeper.hear(messages.read_time(answer.server_time), asked, answered)
        except (messages.MessageError, database.StorageError) as error:
            log.warning("the server's time could not be taken: %s", error)

    def state(self) -> Response:
        """How this kiosk is, for the retained topic."""
        head, oldest, now = self._journal.head(), self._journal.oldest_unacknowledged(), self._clock.now()
        age = max(0, int((now.at - oldest).total_seconds())) if oldest else 0
        found = self._machine() if self._machine else None
        online = messages.Online(
            session=self._session,
            backlog=messages.Backlog(head.seq - head.acknowledged, age),
            clock=self._clock_state(now),
            disk_free_bytes=shutil.disk_usage(self._root).free,
            software=device.SOFTWARE,
            system=platform.platform(terse=True)[:64],
            machine=platform.machine(),
            network=found.health.link.kind if found else "unknown",
            health=said_health(found) if found else messages.Health(),
        )
        return self._envelope("state", self._session, messages.CODEC.unstructure(online))

    def _clock_state(self, now: clock.Moment) -> messages.Clock:
        at = messages.write_time(now.at)
        if self._keeper is None:
            return messages.Clock(at, now.quality)
        standing = self._keeper.standing()
        return messages.Clock(at, now.quality, standing.source, standing.uncertainty_us, standing.disagrees_by_us)

    def goodbye(self) -> Response:
        """The last will."""
        return self._envelope("state", self._session, messages.CODEC.unstructure(messages.DeviceState(self._session, False)))

    def _envelope(self, kind: str, event: str, data: dict[str, object]) -> Response:
        now = messages.write_time(self._clock.now().at)
        body = messages.seal_envelope(kind, self._journal.device, f"{kind}/{event}", now, data)
        return Response(body, mimetype="application/cloudevents+json")


def said_health(machine: api.Machine) -> messages.Health:
    """What the enterprise is told of the machine; whole numbers, no sentence."""
    health = machine.health
    return messages.Health(
        temperature_c=round(machine.temperature_c),
        throttled=health.throttled,
        under_voltage=health.under_voltage,
        memory_available_bytes=machine.memory_available_bytes,
        frames_per_minute=round(health.frames_per_second * 60),
        attempt_median_ms=round(health.attempt_median_s * 1000),
        attempt_p95_ms=round(health.attempt_p95_s * 1000),
        camera=health.camera,
        radio=health.radio,
        signal_dbm=health.link.signal_dbm,
        certificate_days=max(-1, min((one.days_left for one in health.certificates), default=-1)),
        restarts=ended.unasked(health.ended),
        alarms=tuple(messages.Alarm(one.name, one.first_at, one.last_at) for one in health.alarms if one.active),
        update=health.update.outcome,
        update_version=health.update.version[:32],
        update_why=health.update.why[:200],
    )


def carrier_routes(post: Post) -> tuple[Route, ...]:
    """What the command line may ask: records out and an answer in, by hand."""

    def signed_records() -> Response:
        batch = post.signed_records(int(server.number_argument("after", 2**53)))
        return Response(batch, mimetype="application/cloudevents+json")

    return (
        Route("GET", "/v1/signed-records", signed_records),
        Route("POST", "/v1/acknowledgement", lambda: post.believe(request.get_data())),
    )


def uplink_routes(post: Post) -> tuple[Route, ...]:
    """What the uplink may ask; no name, no picture, no template."""
    return (
        Route("GET", "/v1/hello", post.hello),
        Route("GET", "/v1/records", post.records),
        Route("POST", "/v1/acknowledgement", post.acknowledge),
        Route("POST", "/v1/desired", post.desire),
        Route("GET", "/v1/state", post.state),
        Route("GET", "/v1/goodbye", post.goodbye),
    )
