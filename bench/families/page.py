"""The kiosk page in a browser: when the name stands on the screen, how smooth and how late the mirror is, as it is really painted.

Times are the machine's clock, read by the daemon and in the page. Something counts as painted when the browser begins the frame
after the one in which it was drawn: up to a sixtieth of a second late, never early.
"""

from __future__ import annotations

import itertools
import shutil
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx
from playwright.sync_api import Page, sync_playwright

from bench import cast, daemon, rush
from bench.marked import BITS, FIELD_PX
from bench.registry import Reading, Setting, Statistic, Unmeasured, gauge
from device import api, config, messages, sight, state, walkups
from device.demonstration import theatre
from device.page.application import TOKEN_HEADER
from tests.e2e.page import WATCH

OPTIONS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync")
SIZE = {"width": 1280, "height": 800}
WALKUPS, WALKUP_S = 12, 3.5
MIRROR_S = 12.0
RATE = 30.0  # of the camera; what the page makes of it is measured
READY_MS = 30_000
WATCH_MIRROR = """
window.pictures = [];
let last = "";
const bits = BITS, wide = WIDE;
const look = () => {
  const canvas = document.getElementById("picture");
  if (!document.getElementById("mirror").hidden && canvas.dataset.number !== last) {
    last = canvas.dataset.number;
    const row = canvas.getContext("2d").getImageData(0, wide / 2, canvas.width, 1).data; // a mirror: the first bit is on the right
    let made = 0;
    for (let bit = 0; bit < bits; bit += 1) made = made * 2 + (row[4 * (canvas.width - 1 - bit * wide - wide / 2)] > 127 ? 1 : 0);
    requestAnimationFrame(() => window.pictures.push([made, Date.now()]));
  }
  requestAnimationFrame(look);
};
look();
""".replace("BITS", str(BITS)).replace("WIDE", str(FIELD_PX))


@dataclass(frozen=True, slots=True)
class Shown:
    """One punch, ms since 1970: its face first seen, the deciding frame made, the decision in a client's hands, painted."""

    stepped_in: float
    decided: float
    told: float
    painted: float


@contextmanager
def _page(kiosk: daemon.Daemon) -> Iterator[Page]:
    """The kiosk page in a headless browser beside the daemon; Unmeasured without one."""
    browser = shutil.which("chromium")
    if browser is None:
        raise Unmeasured("chromium is missing; run: tools/packages.sh test")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=browser, args=list(OPTIONS))
        page = started.new_page(viewport=SIZE)  # type: ignore[arg-type]
        page.goto(kiosk.folder.page_address.read_text("ascii").strip())
        page.wait_for_selector("body.ready", timeout=READY_MS)
        yield page
        started.close()


def _cast(setting: Setting) -> cast.Cast:
    return cast.gathered(setting.weights, setting.faces, sight.load(setting.weights, config.Recognition()), most=4)


def _port() -> str:
    return f"[page]\nport = {theatre.free_port()}\n"


def punches(setting: Setting) -> list[Shown]:
    """Some people, one after the other, appear at arm's length and stand still."""
    found = _cast(setting)
    with daemon.running(state.Folder(setting.scratch / "kiosk"), setting.weights, _port()) as kiosk:
        rush.enrol(kiosk, found)
        with _page(kiosk) as page, kiosk.client() as client:
            page.evaluate(WATCH)
            for number in range(WALKUPS):
                member = found.members[number % len(found.members)]
                person = cast.person(member.seen[0], (0.42, 0.42))
                walkups.write(walkups.WalkUp(WALKUP_S, number, (person,)), kiosk.stage / f"{number:04d}.toml")
            told = _told(client, WALKUPS * (WALKUP_S + 1.0))
            page.wait_for_timeout(500)
            painted = page.evaluate("window.painted")
            first = {punch["seq"]: _ms(punch["body"]["first_attempt_at"]) for punch in client.punches(0)}
    return [Shown(first[seq], _ms(one.at), at, painted[str(seq)]) for seq, (one, at) in told.items() if str(seq) in painted]


def _told(client: api.AdminClient, seconds: float) -> dict[int, tuple[api.Decision, float]]:
    """The punches of that time, each with the moment at which this client heard of it."""
    found: dict[int, tuple[api.Decision, float]] = {}
    seen, ends = 0, time.monotonic() + seconds
    while time.monotonic() < ends and len(found) < WALKUPS:
        for decision in client.decisions(seen, wait_s=1.0):
            seen = decision.number
            if decision.outcome == "punched":
                found[decision.seq] = (decision, time.time() * 1e3)
    return found


def _ms(at: str) -> float:
    moment: datetime = messages.read_time(at)
    return moment.timestamp() * 1e3


@gauge(
    family="page",
    name="step-in to the name on the screen",
    unit="ms",
    ours="from the first frame that shows the face to the result painted by Chromium",
    peer="the same until a client of the socket has the decision, and draws nothing",
    at_most=1_000.0,
)
def step_in(setting: Setting) -> Reading:
    """People who appear at arm's length; what walking up takes is not counted."""
    found = punches(setting)
    screen = statistics.median(one.painted - one.told for one in found)
    said = f"{len(found)} of {WALKUPS} people; from the receipt, durable, to the name on the screen {screen:.0f} ms"
    return Reading(tuple(one.painted - one.stepped_in for one in found), tuple(one.told - one.stepped_in for one in found), said)


@gauge(
    family="page",
    name="deciding frame to the name on the screen, 95th percentile",
    unit="ms",
    ours="from the capture of the frame that decided to the result painted by Chromium, durable receipt included",
    peer="the same until a client of the socket has the decision, and draws nothing",
    at_most=1_000.0,
    statistic=Statistic.P95,
)
def last_vote(setting: Setting) -> Reading:
    """Of the same kind of walk-ups."""
    found = punches(setting)
    return Reading(tuple(one.painted - one.decided for one in found), tuple(one.told - one.decided for one in found))


def _mirror(setting: Setting) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    """Pictures as (made, painted) and as a client of the page's socket takes them, at the same time by turns, milliseconds."""
    found = _cast(setting)
    with (
        daemon.running(
            state.Folder(setting.scratch / "kiosk"), setting.weights, _port(), program="bench.marked", rate=RATE
        ) as kiosk,
        _page(kiosk) as page,
    ):
        person = cast.person(found.strangers[0], (0.42, 0.42))
        walkups.write(walkups.WalkUp(2 * MIRROR_S + 4, 1, (person,)), kiosk.stage / "0001.toml")
        page.wait_for_selector("#mirror:not([hidden])", timeout=READY_MS)
        page.evaluate(WATCH_MIRROR)
        page.wait_for_timeout(MIRROR_S * 1e3)
        painted: list[Any] = page.evaluate("window.pictures")
        page.goto("about:blank")
        bare = _bare(kiosk, MIRROR_S)
    return [(made, at % 2**BITS) for made, at in painted], bare


def _bare(kiosk: daemon.Daemon, seconds: float) -> list[tuple[float, float]]:
    origin, _, token = kiosk.folder.page_address.read_text("ascii").strip().partition("/#")
    taken: list[tuple[float, float]] = []
    number, ends = 0, time.monotonic() + seconds
    with httpx.Client(base_url=origin, headers={TOKEN_HEADER: token}, trust_env=False, timeout=10.0) as client:
        while time.monotonic() < ends:
            answer = client.get("/v1/frame", params={"after": number, "wait_s": 1, "always": 1})
            if answer.status_code == 200:
                number, now = int(answer.headers["Daka-Frame"]), time.time() * 1e3
                taken.append((now - float(answer.headers["Daka-Age-Ms"]), now))
    return taken


@gauge(
    family="page",
    name="the mirror's pictures, from one painted to the next",
    unit="ms",
    ours="Chromium, 1280x800, software rendering, a camera of 30 frames a second, while a face is looked at; 67 ms are 15 a second",
    peer="a client of the page's socket that takes each picture and draws nothing",
    at_most=1_000 / 15,
)
def smoothness(setting: Setting) -> Reading:
    """Counted where the browser began the next frame after a new picture."""
    painted, bare = _mirror(setting)
    ours, peer = (tuple(after - before for (_, before), (_, after) in itertools.pairwise(one)) for one in (painted, bare))
    return Reading(
        ours, peer, f"{1e3 * len(ours) / max(sum(ours), 1):.1f} pictures a second; the client {1e3 * len(peer) / sum(peer):.1f}"
    )


@gauge(
    family="page",
    name="the mirror's delay",
    unit="ms",
    ours="from the making of a frame, drawn into it and read back from the page's canvas, to its painting by Chromium",
    peer="the frame's age when a client of the page's socket has it",
    at_most=150.0,
)
def delay(setting: Setting) -> Reading:
    """The frame itself says when it was made."""
    painted, bare = _mirror(setting)
    return Reading(tuple(at - made for made, at in painted), tuple(at - made for made, at in bare))
