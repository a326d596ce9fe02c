"""A job that is ended at the wrong moment: before it began, or when it is over; the lock is free a moment later."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from device.api.bridge import DONE, FAILED, STILL, LockJob
from firmware_bridge.bridge import Bridge
from firmware_bridge.lock.register import Entry, Register
from tests.firmware_bridge.parts import LOCK_ID
from tests.firmware_bridge.test_works import Hand

SOON_S = 20.0


@contextmanager
def running(bridge: Bridge) -> Iterator[None]:
    radio = threading.Thread(target=bridge.run, daemon=True)
    radio.start()
    try:
        yield
    finally:
        bridge.stop()
        radio.join()


def bridge_of(folder: Path) -> Bridge:
    hand, register = Hand(is_patient=False), Register(folder / "locks.json")
    register.put(Entry(LOCK_ID, "address"))
    near = SimpleNamespace(visit=hand.visit)
    return Bridge(register, cast(Any, hand.kiosk), lambda: datetime(2027, 1, 15, tzinfo=UTC), lambda _: cast(Any, near))


def over(bridge: Bridge, job: LockJob) -> LockJob:
    until = time.monotonic() + SOON_S
    while (shown := bridge.jobs.get(job.id)).state == STILL and time.monotonic() < until:
        time.sleep(0.01)
    return shown


def is_free_again(bridge: Bridge) -> bool:
    until = time.monotonic() + SOON_S
    while bridge._running and time.monotonic() < until:
        time.sleep(0.02)
    return not bridge._running


def test_an_end_just_after_a_job_is_over_leaves_the_lock_free_and_the_job_as_it_was(tmp_path: Path) -> None:
    bridge = bridge_of(tmp_path)
    with running(bridge):
        job = bridge.begin(LOCK_ID, "log", "")
        assert over(bridge, job).state == DONE
        assert bridge.end(job.id).state == DONE
        assert is_free_again(bridge)
        assert over(bridge, bridge.begin(LOCK_ID, "log", "")).state == DONE


def test_a_job_that_is_ended_before_it_began_is_over_and_leaves_the_lock_free(tmp_path: Path) -> None:
    bridge = bridge_of(tmp_path)
    job = bridge.begin(LOCK_ID, "log", "")
    ending = threading.Thread(target=bridge.end, args=(job.id,))
    ending.start()
    time.sleep(0.2)  # the end is asked for, and the radio's loop has not turned yet
    with running(bridge):
        shown = over(bridge, job)
        assert (shown.state, shown.why) == (FAILED, "ended")
        assert is_free_again(bridge)
        ending.join()
