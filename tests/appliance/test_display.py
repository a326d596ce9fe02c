"""The display with its real compositor and browser, on a screen that is none: what would be seen is looked at, pixel by pixel."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial

import cv2
import numpy as np
import pytest

from tests.appliance import machine as machines
from tests.appliance.conftest import Appliance, Workshop, raised

pytestmark = [pytest.mark.long, pytest.mark.timeout(1_800)]

# A screen in memory, whatever this machine has at its own connectors. A window that fills a screen as it is bypasses the
# compositor's own picture, of which screenshots are taken: Debian 12's cage 0.1.4 is told to turn it upside down, Debian 13's 0.2,
# which cannot turn, to draw it all the same.
HEADLESS = """[Service]
Environment=WLR_BACKENDS=headless WLR_RENDERER=pixman WLR_SCENE_DISABLE_DIRECT_SCANOUT=1
ExecStart=
ExecStart=/opt/daka/current/bin/daka-display wait /usr/bin/cage -d {turned} -- /opt/daka/current/bin/daka-display
WatchdogSec=25
InaccessiblePaths=-/sys/class/drm
"""
TURNED = {"bookworm": "-r -r", "trixie": ""}
PAPER = (230, 240, 244)  # the ground of both pages, BGR
SEAL = (29, 40, 166)
ENV = ("env", "XDG_RUNTIME_DIR=/run/daka-display", "WAYLAND_DISPLAY=wayland-0")
UNIT = "daka-display"
BROWSER = "--kiosk"
KILLS = 20


@pytest.fixture(scope="module", params=["bookworm", "trixie"])
def appliance(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, workshop: Workshop) -> Iterator[Appliance]:
    for made in raised(workshop, request.param, tmp_path_factory.mktemp("display"), machines.DISPLAY_PACKAGES):
        drop_in = made.machine.files / "etc/systemd/system/daka-display.service.d/99-test.conf"
        drop_in.write_text(HEADLESS.format(turned=TURNED[request.param]))
        made.machine.cut_power()
        made.machine.boot()
        yield made


def as_display(appliance: Appliance, *command: str) -> tuple[str, ...]:
    """`command`, run as the display's user within its network and its view of the files."""
    process = str(appliance.process_of(UNIT))
    user = appliance.call("id", "-u", "daka-display").strip()
    inside = ("nsenter", "-t", process, "-m", "-n", "setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups")
    return (*inside, *ENV, *command)


def tried(appliance: Appliance, *command: str) -> str:
    """What a try of the display's user says, well or ill."""
    return appliance.call("sh", "-c", " ".join(as_display(appliance, *command)) + " 2>&1", check=False)


def screenshot(appliance: Appliance) -> np.ndarray:
    """What is on the screen, through the compositor's wlr-screencopy: (height, width, 3) uint8, BGR."""
    appliance.call("sh", "-c", " ".join(as_display(appliance, "grim", "-t", "png", "/run/daka-display/shot.png")))
    raw = (appliance.machine.seen / "run/daka-display/shot.png").read_bytes()
    picture = cv2.imdecode(np.frombuffer(raw, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return np.asarray(picture)


def shown(picture: np.ndarray) -> str:
    """kiosk page, waiting page, or what else: both are paper with the seal, one in its corner, the other in the middle."""
    height, width = picture.shape[:2]
    paper = (np.abs(picture.astype(int) - PAPER).max(axis=2) < 8).mean()
    seal = np.abs(picture.astype(int) - SEAL).max(axis=2) < 40
    corner, middle = (
        seal[: height // 6, : width // 6].mean(),
        seal[height // 5 : height // 2, width * 2 // 5 : width * 3 // 5].mean(),
    )
    if paper > 0.2 and corner > 0.05:
        return "kiosk page"
    if paper > 0.7 and middle > 0.03:
        return "waiting page"
    return f"something else (paper {paper:.2f}, seal {corner:.3f} and {middle:.3f})"


def wait_for(appliance: Appliance, page: str) -> None:
    appliance.wait(f"the {page} is shown", lambda: is_up(appliance) and shown(screenshot(appliance)) == page, 30)


def is_up(appliance: Appliance) -> bool:
    """Whether the display has said that it shows something; before that there may be no compositor to ask."""
    return appliance.call("systemctl", "is-active", UNIT, check=False).strip() == "active"


def test_from_the_first_boot_the_kiosk_page_comes_by_itself_with_no_keyboard(appliance: Appliance) -> None:
    """Installed, then switched on: nobody has started anything, signed in or typed."""
    wait_for(appliance, "kiosk page")
    assert not list((appliance.machine.seen / "dev/input").glob("*"))
    appliance.join()
    appliance.person()


def test_the_kiosk_page_is_on_the_screen(appliance: Appliance) -> None:
    wait_for(appliance, "kiosk page")
    assert "shows the kiosk page" in appliance.call("systemctl", "show", "--property", "StatusText", UNIT)


def test_the_browser_reaches_the_kiosk_page_and_nothing_else(appliance: Appliance) -> None:
    """Tried within the namespaces of the display that runs."""
    look = "import socket,sys; s=socket.create_connection((sys.argv[1], int(sys.argv[2])), 3); print('reached')"
    for host, port, expected in (
        ("127.0.0.1", "8460", "reached"),
        (machines.OUTSIDE, "8883", "Network is unreachable"),
        (machines.INSIDE, "8443", "Network is unreachable"),
        ("127.0.0.1", "8443", "Connection refused"),
    ):
        said = tried(appliance, "python3", "-c", f'"{look}"', host, port)
        assert expected in said, f"{host}:{port}: {said}"
    for place in ("/var/lib/daka", "/run/dbus/system_bus_socket"):
        said = tried(appliance, "head", "-c1", f"{place}/people.db")
        assert "denied" in said or "Not a directory" in said, said
    command = appliance.call("sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '")
    token = (appliance.machine.seen / "run/daka/page/page.url").read_text().strip().partition("#")[2]
    assert token
    assert token not in command
    assert "tmpfs" in appliance.call("stat", "--file-system", "--format=%T", "/run/daka-display/browser")


def test_no_error_page_is_seen_while_the_kiosk_daemon_dies_and_comes_back(appliance: Appliance) -> None:
    wait_for(appliance, "kiosk page")
    seen = set()
    for _ in range(3):
        appliance.signal("daka-kiosk", "KILL")
        until = time.monotonic() + 5
        while time.monotonic() < until:
            seen.add(shown(screenshot(appliance)))
    assert {page for page in seen if page.startswith("something")} <= away(seen)
    wait_for(appliance, "kiosk page")


def away(seen: set[str]) -> set[str]:
    """The kiosk page's own screen for a daemon that is away: paper alone, without the seal."""
    return {page for page in seen if page.startswith("something else (paper 0.9")}


def test_the_first_screen_is_there_before_the_daemon_and_the_page_follows_by_itself(appliance: Appliance) -> None:
    settings = appliance.machine.files / "etc" / "daka" / "config.toml"
    whole = settings.read_text()
    appliance.call("systemctl", "stop", UNIT, "daka-kiosk")
    settings.write_text("nonsense")
    appliance.call("systemctl", "start", UNIT)
    wait_for(appliance, "waiting page")
    settings.write_text(whole)
    # Anew, and not only `start`: that would join a start with the old settings that is still under way, and fail with it.
    appliance.says("sh", "-c", "systemctl reset-failed daka-kiosk.service; systemctl restart daka-kiosk.service")
    wait_for(appliance, "kiosk page")


def test_a_compositor_that_hangs_is_ended_by_the_watchdog_and_the_page_is_back(appliance: Appliance) -> None:
    restarts = appliance.restarts_of(UNIT)
    with appliance.watchdogs():
        appliance.signal(UNIT, "STOP")
        appliance.wait("the watchdog has ended it", lambda: appliance.restarts_of(UNIT) > restarts, 60)
    wait_for(appliance, "kiosk page")


def paints(appliance: Appliance) -> int:
    """How often the kiosk page has been painted so far."""
    return appliance.call("journalctl", "-u", UNIT, "--no-pager").count("the kiosk page is painted")


def test_a_page_whose_process_dies_is_opened_again_each_time(appliance: Appliance) -> None:
    wait_for(appliance, "kiosk page")
    restarts = appliance.restarts_of(UNIT)
    for _ in range(KILLS):
        before = paints(appliance)
        appliance.call("pkill", "-KILL", "-f", "--", "--type=renderer")
        appliance.wait("the page is painted again", partial(lambda painted: paints(appliance) > painted, before), 30)
    wait_for(appliance, "kiosk page")
    assert appliance.restarts_of(UNIT) == restarts, "the page alone was to be opened again"


@pytest.mark.parametrize(
    ("signal", "part"),
    [
        pytest.param("KILL", BROWSER, id="browser killed"),
        pytest.param("STOP", BROWSER, id="browser hangs"),
        pytest.param("STOP", "--type=renderer", id="page hangs"),
        pytest.param("KILL", "--type=gpu-process", id="its drawing killed"),
        pytest.param("KILL", "python.*daka-display$", id="whoever leads it killed"),
    ],
)
def test_whatever_part_of_the_browser_dies_or_hangs_the_page_is_back(appliance: Appliance, signal: str, part: str) -> None:
    wait_for(appliance, "kiosk page")
    before = paints(appliance)
    appliance.call("pkill", f"-{signal}", "-f", "--", part)
    if part != "--type=gpu-process":  # which the browser starts again by itself, and shows the same page
        appliance.wait("the page is painted again", lambda: paints(appliance) > before)
    wait_for(appliance, "kiosk page")


def test_stopping_the_display_is_no_failure(appliance: Appliance) -> None:
    appliance.call("systemctl", "stop", UNIT)
    assert appliance.call("systemctl", "is-failed", UNIT, check=False).strip() == "inactive"
    appliance.call("systemctl", "start", UNIT)
    wait_for(appliance, "kiosk page")
