"""The running daemon: what it costs when nobody is there, what it holds in memory, and how long a punch takes while others ask."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from bench import cast, crowd, daemon, rush
from bench.peers import dlib_peer
from bench.registry import Reading, Setting, Statistic, gauge
from device import config, messages, sight, state, walkups
from models import fold, weights
from models import manifest as manifests

SETTLES_S = 8.0  # asleep after five seconds of an empty hall
WINDOWS, WINDOW_S = 5, 4.0
TEMPLATES = 10_000
SEARCHED = (
    "[recognition]\nstrangers_named = 0.98\n"  # the measurements carry no search of so many otherwise; here only the cost counts
)
WALKUPS, WALKUP_S = 30, 1.8
VISITORS = 2
EMPLOYEES = 500


@contextmanager
def process(*arguments: str) -> Iterator[int]:
    """One of our own programs beside; its process id."""
    started = subprocess.Popen([sys.executable, "-m", *arguments], env=os.environ)
    try:
        yield started.pid
    finally:
        started.kill()
        started.wait()


@gauge(
    family="kiosk",
    name="nobody there",
    unit="% of one core",
    ours="daka run kiosk, asleep before an empty hall (a staged camera, whose rendering counts too)",
    peer="FaceDetectorYN on every frame of the same hall, 15 a second",
    at_most=10.0,
)
def idle(setting: Setting) -> Reading:
    """Processor time over windows of some seconds, both at the same time."""
    model = setting.scratch / "yunet.onnx"
    model.write_bytes(fold.plain_detector(weights.read(setting.weights, manifests.load().entry(weights.DETECTOR))))
    with daemon.running(state.Folder(setting.scratch / "kiosk"), setting.weights) as kiosk:
        time.sleep(SETTLES_S)
        with process("bench.peers.every_frame", str(model)) as peer:
            time.sleep(1.0)
            shares = [_shares((kiosk.pid, peer)) for _ in range(WINDOWS)]
    return Reading(tuple(ours for ours, _ in shares), tuple(theirs for _, theirs in shares))


def _shares(pids: tuple[int, int]) -> tuple[float, float]:
    """Percent of one core that two processes use over one window."""
    before, started = [daemon.processor_seconds(pid) for pid in pids], time.monotonic()
    time.sleep(WINDOW_S)
    lasted = time.monotonic() - started
    ours, theirs = (100 * (daemon.processor_seconds(pid) - used) / lasted for pid, used in zip(pids, before, strict=True))
    return ours, theirs


def _memory(setting: Setting, landmarks: str) -> Reading:
    """After somebody was looked for, so that every model has run."""
    folder = state.Folder(setting.scratch / "kiosk")
    ready = weights.ready(setting.weights)
    crowd.fill(folder, ready.digests[weights.EMBEDDER], TEMPLATES)
    found = cast.gathered(setting.weights, None, sight.load(setting.weights, config.Recognition()))
    del ready
    more = f"{SEARCHED}[liveness]\nsimulated = true\n"
    with daemon.running(folder, setting.weights, more, landmarks) as kiosk, dlib_peer.running(setting.peers) as dlib:
        dlib.ask(f"hold {TEMPLATES}")
        _walk_up(kiosk, found.strangers[0])
        values = [(daemon.memory_mb(kiosk.pid), daemon.memory_mb(dlib.pid)) for _ in range(3)]
    return Reading(tuple(ours for ours, _ in values), tuple(theirs for _, theirs in values))


def _walk_up(kiosk: daemon.Daemon, photograph: cast.Photograph) -> None:
    person = cast.person(photograph, (0.3, 0.45))
    with kiosk.client() as client:
        before = client.status().decisions
        walkups.write(walkups.WalkUp(5.0, 1, (person,)), kiosk.stage / "0001.toml")
        client.decisions(before, wait_s=10.0)


MEMORY_PEER = "face_recognition (dlib) in a process of its own, its models loaded, as many templates held"


@gauge(
    family="kiosk",
    name=f"memory with {TEMPLATES:,} templates, MediaPipe loaded",
    unit="MB (PSS)",
    ours="daka run kiosk",
    peer=MEMORY_PEER,
    at_most=500.0,
)
def memory_with_mediapipe(setting: Setting) -> Reading:
    """Where MediaPipe runs."""
    return _memory(setting, "auto")


@gauge(
    family="kiosk",
    name=f"memory with {TEMPLATES:,} templates, landmarks by OpenCV",
    unit="MB (PSS)",
    ours="daka run kiosk",
    peer=MEMORY_PEER,
    at_most=320.0,
)
def memory_with_opencv(setting: Setting) -> Reading:
    """Where it does not."""
    return _memory(setting, "opencv")


@gauge(
    family="kiosk",
    name="last vote to receipt while others ask",
    unit="ms",
    ours=f"from the capture of the frame to the decision in a client's hands; {VISITORS} programs ask the daemon without a pause",
    peer="the same with nobody asking",
    at_most=150.0,
    statistic=Statistic.P95,
)
def receipts(setting: Setting) -> Reading:
    """An upper bound: the receipt is durable before the decision is put up, and the client's own delay counts."""
    eyes = sight.load(setting.weights, config.Recognition())
    found = cast.gathered(setting.weights, setting.faces, eyes, most=10)
    folder = state.Folder(setting.scratch / "kiosk")
    crowd.fill(folder, eyes.models.embedder, EMPLOYEES)
    del eyes
    with daemon.running(folder, setting.weights, SEARCHED) as kiosk:
        rush.enrol(kiosk, found)
        quiet = _delays(kiosk, found, "a")
        with process("bench.peers.visitors", str(kiosk.folder.admin_socket)), _more_visitors(kiosk.folder.admin_socket):
            loaded = _delays(kiosk, found, "b")
    return Reading(loaded, quiet, f"{len(loaded)} punches of {WALKUPS} walk-ups; {EMPLOYEES} other people enrolled")


@contextmanager
def _more_visitors(socket: Path) -> Iterator[None]:
    """The rest of them."""
    with process("bench.peers.visitors", str(socket)):
        yield


def _delays(kiosk: daemon.Daemon, found: cast.Cast, name: str) -> tuple[float, ...]:
    for number in range(WALKUPS):
        member = found.members[number % len(found.members)]
        person = cast.person(member.seen[number % len(member.seen)], (0.3, 0.42))
        walkups.write(walkups.WalkUp(WALKUP_S, number, (person,)), kiosk.stage / f"{name}{number:04d}.toml")
    delays: list[float] = []
    with kiosk.client() as client:
        seen = client.status().decisions if not delays else 0
        ends = time.monotonic() + WALKUPS * (WALKUP_S + 1.0)
        while time.monotonic() < ends and any(kiosk.stage.glob(f"{name}*.toml*")) and not _all_played(kiosk.stage, name):
            for decision in client.decisions(seen, wait_s=1.0):
                seen = decision.number
                if decision.outcome == "punched":
                    delays.append((datetime.now(UTC) - messages.read_time(decision.at)).total_seconds() * 1e3)
    return tuple(delays)


def _all_played(stage: Path, name: str) -> bool:
    return len(list(stage.glob(f"{name}*.played"))) == WALKUPS
