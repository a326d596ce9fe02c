"""The contract lock: what a visit, a pairing, a grant and the bridge cost. The link is virtual, everything above it real.

Times with 30 ms are with that delay on each packet, about what a connection interval costs; the people who compare and press are
quicker here than anybody is.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import TypeVar

import psutil
from bleak import BleakClient, BleakScanner
from cryptography.exceptions import InvalidSignature

from bench.registry import Pair, Reading, Setting, gauge, number
from device.messages import lock as papers
from firmware_bridge import profile
from firmware_bridge.link.radio import Patience
from firmware_bridge.lock.jobs import Jobs
from firmware_bridge.lock.profile_driver import ProfileDriver
from firmware_bridge.lock.register import Entry
from firmware_bridge.lock.works import Work
from tests.firmware_bridge import rig as rigs
from tests.firmware_bridge.kiosk_of_world import KioskOfWorld
from tests.firmware_bridge.parts import LOCK_ID, World
from tests.firmware_bridge.rig import ADDRESS, Rig

VISITS, PAIRINGS = 15, 5
PACKET_S = 0.03
PATIENT = Patience(scan=5.0)
SETTLES_S = 3.0
Value = TypeVar("Value")


@number(
    family="lock",
    name="grant verified",
    ours="COSE_Sign1, deterministic CBOR, every field checked, Ed25519",
    peer="the Ed25519 verification of the same bytes alone",
    at_most=2.0,
)
def grant(setting: Setting) -> Iterator[Pair]:
    """What a lock's firmware does first; the peer is the floor."""
    world = World()
    signed, public = world.grant().signed(world.server), world.server.public_key()
    said, signature = (
        papers.fields.dumps(["Signature1", papers.cose.PROTECTED, papers.Grant.CONTEXT, signed.payload]),
        signed.data[-64:],
    )

    def bare() -> None:
        with suppress(InvalidSignature):
            public.verify(signature, said)

    yield Pair(lambda: papers.Grant.opened(signed.data, public), bare)


def _visits(delay_s: float) -> Reading:
    """Whole visits, and bare ones: connect, discover, read one characteristic, disconnect."""

    async def scene(rig: Rig) -> Reading:
        await rig.pair()
        kiosk = KioskOfWorld(rig.world)
        approved = rig.world.grant(stamps=1_000)
        kiosk.grants["ticket"] = approved
        ours, peer = [], []
        for _ in range(VISITS):
            ours.append(await _timed(lambda: _stamp(rig, kiosk)))
            peer.append(await _timed(_bare))
        return Reading(tuple(ours), tuple(peer), f"{VISITS} visits; {rig.air.packets} packets in all")

    return _played(scene, delay_s)


async def _stamp(rig: Rig, kiosk: KioskOfWorld) -> None:
    jobs = Jobs()
    job = jobs.new(LOCK_ID, "stamp")
    work = Work(job.id, Entry(LOCK_ID, ADDRESS), ProfileDriver(rig.radio), kiosk, jobs, lambda *_: None)  # type: ignore[arg-type]
    visit = asyncio.create_task(work.stamp("ticket"))
    while jobs.get(job.id).stage != "press" and not visit.done():
        await asyncio.sleep(0.001)
    await rig.lock.press()
    await visit


async def _bare() -> None:
    device = await BleakScanner.find_device_by_filter(lambda found, _: found.address == ADDRESS, timeout=5)
    assert device is not None
    async with BleakClient(device) as client:
        await client.read_gatt_char(profile.INFORMATION)


@gauge(
    family="lock",
    name="bonded visit, our own time",
    unit="ms",
    ours="scan, connect, session, the server's word, grant, stamp, log twice; less a bare one of the same round",
    peer="the bare one, bleak alone: scan, connect, discover, read once, disconnect",
    at_most=150.0,
)
def own(setting: Setting) -> Reading:
    """Round by round, so that a busy moment is in both."""
    found = _visits(0.0)
    return Reading(tuple(max(0.0, ours - peer) for ours, peer in zip(found.ours, found.peer, strict=True)), found.peer, found.said)


@gauge(
    family="lock",
    name="bonded visit, 30 ms a packet",
    unit="ms",
    ours="the same visit with 30 ms on each packet",
    peer="bleak alone, with the same",
    at_most=1_500.0,
)
def slow(setting: Setting) -> Reading:
    """About a connection interval of 30 ms."""
    return _visits(PACKET_S)


@gauge(
    family="lock",
    name="first pairing, 30 ms a packet",
    unit="ms",
    ours="scan, connect, discover, LE Secure Connections with numbers compared at once",
    peer="bleak alone, with the same delay: scan, connect, discover, read once",
    at_most=4_000.0,
)
def pairing(setting: Setting) -> Reading:
    """Each on a link of its own, so that no bond is there."""

    async def scene(rig: Rig) -> tuple[float, float]:
        return await _timed(_bare), await _timed(rig.pair)

    found = [_played(scene, PACKET_S) for _ in range(PAIRINGS)]
    return Reading(tuple(ours for _, ours in found), tuple(peer for peer, _ in found))


@gauge(
    family="lock",
    name="the bridge's memory",
    unit="MB resident",
    ours="daka run bridge, ready",
    peer="a Python process that imports bleak and nothing else",
    at_most=60.0,
)
def memory(setting: Setting) -> Reading:
    """Resident set, shared pages included, as the target says."""
    state = ("-m", "device.commands.main", "--state", str(setting.scratch / "kiosk"), "--log-level", "warning", "run", "bridge")
    bare = ("-c", "import bleak, time; time.sleep(60)")
    return Reading((_resident_mb(state),), (_resident_mb(bare),))


def _resident_mb(arguments: tuple[str, ...]) -> float:
    process = subprocess.Popen([sys.executable, *arguments], env=os.environ)
    try:
        time.sleep(SETTLES_S)
        return float(psutil.Process(process.pid).memory_info().rss) / 2**20
    finally:
        process.terminate()
        process.wait()


async def _timed(work: Callable[[], Awaitable[object]]) -> float:
    """Milliseconds."""
    began = time.perf_counter()
    await work()
    return (time.perf_counter() - began) * 1e3


def _played(scene: Callable[[Rig], Awaitable[Value]], delay_s: float) -> Value:
    async def whole() -> Value:
        async with rigs.rig(bus, delay_s=delay_s, patience=PATIENT) as rig:
            return await scene(rig)

    with rigs.private_bus() as bus:
        return asyncio.run(whole())
