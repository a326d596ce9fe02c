"""Joining and leaving, between whoever asks for it, the uplink that carries it, and a start that puts what came of it in force.

What was begun lies in one file: after a restart it goes on, with the same code. What came of it is written there first, and takes
its place at the next start, before anything is opened: cut off anywhere, the kiosk belongs where it belonged, or where it is to.
"""

from __future__ import annotations

import base64
import json
import logging
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import lru_cache

from device import api, config, database, durable, joining, membership, messages, outlet, sentences, settings, state
from device.errors import DeviceError
from device.joining import JoinRefused
from device.membership import Membership
from device.sentences import say

log = logging.getLogger(__name__)

LASTS_S = 24 * 3_600.0  # as long as the enterprise remembers a request
KEPT_BESIDE = ("", "-wal", "-shm")


@dataclass(frozen=True, slots=True)
class Pending:
    """What is under way.

    `csr` and `request` are empty until the uplink has made its key; `why` is the last trouble (`told`: by name), `over` says that
    it is not tried again. `becomes` (a membership) or `leaves` say what takes its place at the next start.
    """

    number: str
    invitation: str
    by: str
    carried: bool = False
    replaces: bool = False
    csr: str = ""
    request: str = ""
    why: str = ""
    told: dict[str, object] | None = None
    over: bool = False
    becomes: dict[str, object] | None = None
    leaves: bool = False

    @property
    def is_decided(self) -> bool:
        return self.becomes is not None or self.leaves


class Admission:
    """One kiosk's; safe to use from several threads."""

    def __init__(
        self,
        folder: state.Folder,
        device: str,
        destroy: Callable[[str], int],
        record: Callable[[messages.Audit], object] = lambda audit: None,
        decided: Callable[[], None] = lambda: None,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        """`destroy` takes every template, for whoever asked, and counts the people; `decided`: the daemon is to start anew."""
        self._folder, self._device, self._seconds = folder, device, seconds
        self._destroy, self._record, self._decided = destroy, record, decided
        self._lock = threading.RLock()
        self._pending = read(folder)
        self._since_s = seconds()
        publish(folder, self._pending)
        self._sweep()

    def look_again(self) -> None:
        """What was decided has taken its place."""
        with self._lock:
            self._pending = read(self._folder)
            self._sweep()

    @property
    def code(self) -> str:
        """What a person at the enterprise compares now, "" for nothing."""
        asked = self.compared()
        return asked[0] if asked else ""

    def compared(self) -> tuple[str, messages.Invitation] | None:
        """The code that is compared now, and whose invitation it is about; asked for with every picture of the screen."""
        found = self._pending
        if found is None or not found.request or found.over or found.is_decided:
            return None
        return messages.join_code(found.request.encode("utf-8")), _invitation(found.invitation)

    def standing(self) -> api.Joining:
        """How it stands."""
        with self._lock:
            known, found = membership.whose(self._folder.enterprise), self._pending
            if found is None:
                return api.Joining("none", self._device, "", "", "", "", *known)
            if found.is_decided:
                return api.Joining("settling", self._device, "", "", "", "", *known)
            invited = messages.read_invitation(found.invitation)
            stage = "failed" if found.over else "waiting" if found.request else "key"
            why = sentences.heard(found.told) or found.why
            return api.Joining(stage, self._device, self.code, invited.url, invited.root, found.why, *known, api.reason(why))

    def begin(self, text: str, by: str, *, replace: bool = False, carried: bool = False) -> api.Joining:
        """Begin to join, or go on with what the same invitation began; JoinRefused, and nothing has changed, otherwise."""
        invited = messages.read_invitation(text)
        with self._lock:
            self._check(invited, replaces=replace, carried=carried)
            found = self._pending
            if found is None or found.over or messages.read_invitation(found.invitation) != invited:
                found = Pending(secrets.token_hex(8), messages.write_invitation(invited), by)
                self._record(messages.Audit("joining_begun", by, "", "", invited.root))
                self._since_s = self._seconds()
            self._keep(_but(found, by=by, carried=carried, replaces=replace, **_because("")))
            return self.standing()

    def check(self, text: str) -> messages.Invitation:
        """The invitation; JoinRefused where `begin` would be refused."""
        invited = messages.read_invitation(text)
        with self._lock:
            self._check(invited, replaces=False, carried=False)
        return invited

    def _check(self, invited: messages.Invitation, *, replaces: bool, carried: bool) -> None:
        joining.check_name(self._device, invited)
        if self._pending is not None and self._pending.is_decided:
            raise JoinRefused(say("join.about_to_restart"))
        said = [name for name in joining.SET_BY_JOINING if config.says(config.tree_of(self._folder.config), f"uplink.{name}")]
        if said:
            raise JoinRefused(say("join.set_by_hand", setting=f"uplink.{said[0]}", path=self._folder.config))
        self._check_whose(invited.root, replaces=replaces)
        if not membership.host_of(invited.url) and not carried:
            raise JoinRefused(say("join.no_address"))
        if not carried:
            self._check_outlet([membership.host_of(invited.url)])

    def _check_whose(self, root: str, *, replaces: bool) -> str:
        """The root of the other enterprise that would be left, "" for none; JoinRefused unless that is meant."""
        now, _ = membership.whose(self._folder.enterprise)
        if now in ("", root):
            return ""
        if not replaces and now == membership.UNKNOWN:
            raise JoinRefused(say("join.whose_unknown"))
        if not replaces:
            raise JoinRefused(say("join.belongs"))
        return now

    def _check_outlet(self, hosts: list[str]) -> None:
        if self._folder.outlet is not None:
            outlet.check(hosts, self._folder.config.parent / outlet.PINNED)

    def join_order(self) -> api.JoinOrder:
        """What the uplink is to do."""
        with self._lock:
            found = self._pending
            if found is None or found.over or found.is_decided:
                return api.JoinOrder()
            if self._seconds() - self._since_s > LASTS_S:
                self._keep(_but(found, over=True, **_because(say("join.not_confirmed"))))
                return api.JoinOrder()
            if not found.request:
                return api.JoinOrder("key", found.number, self._device)
            if found.carried:
                return api.JoinOrder()
            invited = messages.read_invitation(found.invitation)
            return api.JoinOrder("carry", found.number, self._device, invited.url, invited.ca, _coded(found.request))

    def join_key(self, number: str, csr: str) -> None:
        """The uplink's certificate request: from now on there is a request, and its code."""
        with self._lock:
            found = self._named(number)
            if found.request:
                return
            asked = joining.request(self._folder, self._device, messages.read_invitation(found.invitation), csr)
            self._keep(_but(found, csr=csr, request=asked.decode("utf-8"), **_because("")))

    def join_failed(self, number: str, why: str, *, for_good: bool) -> None:
        """The uplink could not carry it; what it says reaches root's terminal, and is text there and nothing else."""
        said = why if isinstance(why, sentences.Sentence) else sentences.printable(why)[:300]
        with self._lock:
            found = self._named(number)
            if (found.why, found.over) != (str.__str__(said), for_good):
                log.warning("joining: %s", said)
                self._keep(_but(found, over=for_good, **_because(said)))

    def join_request(self) -> bytes:
        """The request, for somebody to carry; JoinRefused while there is none."""
        with self._lock:
            if self._pending is None or not self._pending.request:
                raise JoinRefused(say("join.no_request"))
            return self._pending.request.encode("utf-8")

    def join_answer(self, payload: bytes) -> api.Joining:
        """The enterprise's answer, checked as a whole before anything changes; templates of another enterprise's time go first."""
        with self._lock:
            asked, found = self.join_request(), self._pending
            assert found is not None
            if found.is_decided:
                return self.standing()
            fresh = joining.membership_of(self._folder, asked, payload)
            self._check_outlet(list(fresh.hosts))
            if left := self._check_whose(fresh.root, replaces=found.replaces):
                self._destroy(found.by)
            self._decide(
                _but(found, becomes=asdict(fresh), **_because("")),
                messages.Audit("enterprise_joined", found.by, "", left, fresh.root),
            )
            return self.standing()

    def end(self, by: str) -> api.Joining:
        """Give up what waits; nothing to do where nothing does."""
        with self._lock:
            if self._pending is not None and not self._pending.is_decided:
                self._keep(None)
                self._record(messages.Audit("joining_ended", by))
            return self.standing()

    def leave(self, by: str) -> api.Left:
        """Every template is destroyed, and from the next start on nothing is sent; the journal, with what waits, is put aside."""
        with self._lock:
            root, _ = membership.whose(self._folder.enterprise)
            if not root:
                raise JoinRefused(say("join.none"))
            gone = self._destroy(by)
            self._decide(Pending(secrets.token_hex(8), "", by, leaves=True), messages.Audit("enterprise_left", by, "", root))
            return api.Left(gone)

    def _sweep(self) -> None:
        """Before anybody is seen or asks: whoever was enrolled between the decision and its restart keeps no template."""
        try:
            by = json.loads(self._folder.left.read_bytes())["by"]
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError):
            by = "kiosk"  # that the note lies there says enough
        try:
            self._destroy(by)
            self._folder.left.unlink()
        except (OSError, database.StorageError) as error:
            log.error("templates of the enterprise before could not be destroyed; the next start tries again: %s", error)

    def _decide(self, pending: Pending, audit: messages.Audit) -> None:
        """From here on there is only forward, even if the disk takes no record of it."""
        self._keep(pending)
        log.info("%s: the kiosk daemon starts anew", audit.action)
        try:
            self._record(audit)
        finally:
            self._decided()

    def _named(self, number: str) -> Pending:
        if self._pending is None or self._pending.number != number:
            raise JoinRefused(say("join.not_waited_for"))
        return self._pending

    def _keep(self, pending: Pending | None) -> None:
        _write(self._folder, pending)
        self._pending = pending
        publish(self._folder, pending)


def read(folder: state.Folder) -> Pending | None:
    """What is under way; a file that cannot be read is nothing, since nothing hangs on it but a new invitation."""
    try:
        return membership.made(Pending, json.loads(folder.joining.read_bytes()))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.error("%s cannot be read (%s); begin again with a new invitation", folder.joining, type(error).__name__)
        return None


def settle(folder: state.Folder) -> None:
    """At a start, before anything is opened: what was decided takes its place; a full disk keeps no kiosk from its work."""
    try:
        take_place(folder)
    except (DeviceError, OSError, TypeError) as error:
        log.error("what was joined or left is not in force yet (%s); it is tried again at the next start", error)


def take_place(folder: state.Folder) -> None:
    """What was decided takes its place, with the databases closed. Done twice it comes to the same; DeviceError or OSError else."""
    found = read(folder)
    if found is None or not found.is_decided:
        return
    root, _ = membership.whose(folder.enterprise)
    fresh = membership.made(Membership, found.becomes) if found.becomes is not None else None
    if root and (fresh is None or fresh.root != root):
        durable.keep(folder.left, json.dumps({"by": found.by}).encode("utf-8"))
        durable.keep(folder.journal_ends, b"")
        for suffix in KEPT_BESIDE:
            folder.desired.with_name(folder.desired.name + suffix).unlink(missing_ok=True)
    if fresh is None:
        folder.enterprise.unlink(missing_ok=True)
        database.sync_folder(folder.enterprise.parent)
    else:
        membership.write(folder.enterprise, fresh)
    _switch_uplink(folder, on=fresh is not None)
    _write(folder, None)


def _switch_uplink(folder: state.Folder, *, on: bool) -> None:
    """Records are sent from now on, or no more, whatever was switched here before."""
    try:
        settings.change(folder.config, {"uplink.enabled": on}, folder.layer, folder.enterprise)
    except config.ConfigError as error:
        log.warning("uplink.enabled cannot be set to %s: %s", on, error)


def publish(folder: state.Folder, pending: Pending | None) -> None:
    """On an appliance: whom the uplink should reach now, for root to look at; what is decided says so once it has its place."""
    if folder.outlet is None or (pending is not None and pending.is_decided):
        return
    member = membership.readable(folder.enterprise)
    hosts = list(member.hosts if member else ())
    if pending is not None and not (pending.over or pending.carried):
        hosts.append(membership.host_of(messages.read_invitation(pending.invitation).url))
    wanted = outlet.Wish(tuple(dict.fromkeys(hosts)), member is not None and (pending is None or pending.over))
    try:
        outlet.wish(folder.outlet, wanted)
    except (OSError, durable.NotKept) as error:  # a full disk keeps no kiosk from its work
        log.error("whom the uplink should reach could not be said: %s", error)


def _write(folder: state.Folder, pending: Pending | None) -> None:
    try:
        if pending is None:
            folder.joining.unlink(missing_ok=True)
            database.sync_folder(folder.root)
        else:
            durable.keep(folder.joining, json.dumps(asdict(pending)).encode("ascii"))
    except durable.NotKept as error:
        raise database.StorageFailing(str(error)) from error


@lru_cache(maxsize=1)
def _invitation(text: str) -> messages.Invitation:
    """Read once, and not with every picture."""
    return messages.read_invitation(text)


def _but(pending: Pending, **changes: object) -> Pending:
    return replace(pending, **changes)  # type: ignore[arg-type]  # names and kinds are the dataclass's own


def _because(why: str) -> dict[str, object]:
    """The last trouble as it is kept: its text, and by name."""
    return {"why": str.__str__(why), "told": sentences.parts(why)}


def _coded(request: str) -> str:
    return base64.b64encode(request.encode("utf-8")).decode("ascii")
