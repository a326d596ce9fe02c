"""The bridge: one event loop for the radio, one job at a time for each lock, and what people may ask about it."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from device import api, messages
from device.api.bridge import STILL, BridgeStatus, KioskForBridge, LockHeard, LockJob, LockShown
from device.sentences import say
from firmware_bridge.link.errors import LinkError
from firmware_bridge.lock import driver
from firmware_bridge.lock.driver import OURS, Driver
from firmware_bridge.lock.errors import LockBusy, LockError, LockRefused, NotStamped
from firmware_bridge.lock.jobs import Comparison, Jobs
from firmware_bridge.lock.register import Entry, Register
from firmware_bridge.lock.works import APART_S, Work
from firmware_bridge.protocol import commands

log = logging.getLogger(__name__)

MOST_S = 60.0  # one question of the kiosk's that has to wait for the radio
MOST_NAME_BYTES = 48
ANSWERS_S = 5.0
EXPECTED = (LinkError, LockError, api.KioskError, messages.MessageError)
Value = TypeVar("Value")


class Bridge:
    """Everything that may be asked of locks. Its methods are called from the socket's threads; the radio's loop is its own."""

    def __init__(
        self,
        register: Register,
        kiosk: KioskForBridge,
        now: Callable[[], datetime],
        find: Callable[[str], Driver] = driver.find,
    ) -> None:
        self._register, self._kiosk, self._now, self._find = register, kiosk, now, find
        self._drivers: dict[str, Driver] = {}
        self.jobs = Jobs()
        self._comparison = Comparison(self.jobs)
        self._running: dict[str, tuple[str, Future[None]]] = {}
        self._shown: dict[str, LockShown] = {}
        self._guard = threading.Lock()
        self._loop = asyncio.new_event_loop()

    def run(self) -> None:
        """The radio's loop, until `stop`."""
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def stop(self) -> None:
        """End the loop; what is under way ends with it, and the locks let go by themselves."""
        for _, running in list(self._running.values()):
            running.cancel()
        self._loop.call_soon_threadsafe(self._loop.call_later, 0.1, self._loop.stop)

    def answers(self) -> bool:
        """Whether the radio's loop still turns."""
        try:
            asyncio.run_coroutine_threadsafe(asyncio.sleep(0), self._loop).result(ANSWERS_S)
        except (TimeoutError, RuntimeError):
            return False
        return True

    # ---- what is asked

    def status(self) -> BridgeStatus:
        """Bluetooth's trouble, and every lock as it was last seen."""
        trouble = self._wait(self._driver(OURS).trouble())
        return BridgeStatus(trouble, tuple(self._shown_of(entry) for entry in self._register.all()), api.reason(trouble))

    def heard(self) -> tuple[LockHeard, ...]:
        """Every lock that advertises nearby."""
        known = {entry.address: entry.lock for entry in self._register.all()}
        found = self._wait(self._driver(OURS).hear())
        return tuple(LockHeard(one.address, one.name, one.signal_dbm, known.get(one.address, "")) for one in found)

    def pair(self, lock: str, address: str) -> LockJob:
        """Make a bond, and let the lock prove that it is the one; LockError for an address that another lock has here."""
        for known in self._register.all():
            if known.address == address and known.lock != lock:
                raise LockError(say("lock.address_taken", lock=known.lock))
        entry = Entry(lock, address)
        return self._start(entry, "pair", lambda work: self._paired(work, entry))

    def compare(self, job: str, same: bool) -> LockJob:
        """What the person at the kiosk sees."""
        self._comparison.answer(job, same)
        return self.jobs.get(job)

    def begin(self, lock: str, name: str, argument: str) -> LockJob:
        """Begin a work at a lock that is paired."""
        entry = self._register.get(lock)
        works: dict[str, Callable[[Work], Coroutine[Any, Any, str]]] = {
            "test": Work.test,
            "log": Work.read_log,
            "identify": Work.identify,
            "rename": lambda work: work.rename(named(argument)),
            "stamp": lambda work: work.stamp(argument),
            "remove": self._removed,
        }
        if name not in works:
            raise LockError(say("lock.no_such_work", name=name, works=", ".join(works)))
        return self._start(entry, name, works[name])

    def end(self, job: str) -> LockJob:
        """Stop it; a press that was waited for is waited for no more."""
        for running, future in list(self._running.values()):
            if running == job and self.jobs.get(job).state == STILL:
                future.cancel()
        return self.jobs.get(job, 0, 2.0)

    # ---- inside

    def _start(self, entry: Entry, name: str, do: Callable[[Work], Coroutine[Any, Any, str]]) -> LockJob:
        with self._guard:
            if entry.lock in self._running:
                raise LockBusy(say("lock.busy"))
            job = self.jobs.new(entry.lock, name)
            work = Work(job.id, entry, self._driver(entry.driver), self._kiosk, self.jobs, self._saw)
            future = asyncio.run_coroutine_threadsafe(self._carried_out(work, do), self._loop)
            self._running[entry.lock] = (job.id, future)
        return job

    async def _carried_out(self, work: Work, do: Callable[[Work], Coroutine[Any, Any, str]]) -> None:
        """To its end, whatever that is; the lock is free again a moment later."""
        job, lock = work.job, work.entry.lock
        try:
            sentence = await do(work)
            self._trouble(lock, "")
            self.jobs.done(job, sentence)
        except asyncio.CancelledError:
            self.jobs.failed(job, "ended", say("lock.ended"))
        except EXPECTED as error:
            why, sentence = named_failure(error)
            log.warning("%s at %s: %s", self.jobs.get(job).work, lock, why)
            self._trouble(lock, sentence)
            self.jobs.failed(job, why, sentence)
        except Exception:
            log.exception("a job at a lock ended unforeseen")
            self.jobs.failed(job, "unforeseen", say("lock.unforeseen"))
        finally:
            try:
                await asyncio.sleep(APART_S)
            finally:  # an end that comes now finds nothing to end, and takes the rest alone
                self._running.pop(lock, None)

    async def _paired(self, work: Work, entry: Entry) -> str:
        """A new bond with the wrong lock is undone at once."""
        self.jobs.tell(work.job, stage="pairing")
        await asyncio.to_thread(self._kiosk.papers, entry.lock)  # not enrolled here: said before anybody compares anything
        is_new = await work.driver.pair(entry.address, lambda number: self._comparison.ask(work.job, number))
        try:
            sentence = await work.test()
        except BaseException:
            if is_new:
                await work.driver.unpair(entry.address)
            raise
        self._register.put(entry)
        return sentence

    async def _removed(self, work: Work) -> str:
        await work.forget()
        await work.driver.unpair(work.entry.address)
        self._register.remove(work.entry.lock)
        self._shown.pop(work.entry.lock, None)
        return say("lock.removed")

    def _driver(self, name: str) -> Driver:
        if name not in self._drivers:
            self._drivers[name] = self._find(name)
        return self._drivers[name]

    def _wait(self, work: Coroutine[Any, Any, Value]) -> Value:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(MOST_S)

    def _shown_of(self, entry: Entry) -> LockShown:
        shown = self._shown.get(entry.lock, LockShown(entry.lock, entry.address, entry.driver))
        return replace(shown, address=entry.address, driver=entry.driver, busy=entry.lock in self._running)

    def _saw(self, lock: str, standing: commands.Standing) -> None:
        self._shown[lock] = LockShown(
            lock=lock,
            address="",
            driver="",
            name=standing.name,
            model=standing.model,
            firmware=standing.firmware,
            battery=standing.battery,
            tampered=standing.tampered,
            events=standing.last,
            epoch=standing.epoch,
            clock=commands.Time(standing.time).name.lower(),
            seen_at=messages.write_time(self._now()),
        )

    def _trouble(self, lock: str, sentence: str) -> None:
        self._shown[lock] = replace(self._shown.get(lock, LockShown(lock, "", "")), trouble=sentence, said=api.reason(sentence))


def named_failure(error: Exception) -> tuple[str, str]:
    """The word for what failed, which pages know, and its sentence."""
    if isinstance(error, messages.MessageError):
        log.warning("a paper was not understood: %s", error)
        return "paper", say("lock.paper")
    if isinstance(error, LockRefused | NotStamped):
        return error.why, str(error)
    return getattr(error, "kind", type(error).__name__), str(error)


def named(name: str) -> str:
    """A name that a lock can have."""
    if not 0 < len(name.encode("utf-8")) <= MOST_NAME_BYTES or not name.isprintable():
        raise LockError(say("lock.name", most=MOST_NAME_BYTES))
    return name
