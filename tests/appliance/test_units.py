"""The units as files: nothing misspelt, and less exposed than the best of what they could be compared with."""

from __future__ import annotations

import asyncio
import contextlib
import fnmatch
import getpass
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from dbus_fast import Message
from dbus_fast.aio import MessageBus

from tests.broker import missing
from tests.house.test_repository import REPOSITORY

UNITS = REPOSITORY / "systemd" / "units"
# Who would look a name up, or print, for whoever asks at a socket: words in a name leave the machine like a packet of one's own.
SPOKESMEN = {"/run/dbus", "/run/avahi-daemon", "/run/systemd/resolve", "/run/nscd", "/run/nslcd", "/var/lib/sss", "/run/cups"}
NEEDED = {"daka-bridge": {"/run/dbus"}, "daka-uplink": SPOKESMEN - {"/run/dbus", "/run/cups"}}
MOST_EXPOSED = {"daka-kiosk": 0.6, "daka-uplink": 1.0, "daka-bridge": 0.3, "daka-web": 0.3, "daka-metrics": 0.3}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root in which the units lie as the installer lays them, with the programs that they name."""
    if shutil.which("systemd-analyze") is None:
        missing("systemd-analyze", "systemd")
    shutil.copytree(UNITS, tmp_path / "etc" / "systemd" / "system")
    ours = ("opt/daka/current/bin/daka", "opt/daka/current/bin/daka-display")
    others = ("usr/bin/cage", "usr/bin/chromium", "usr/sbin/seatd", "usr/lib/systemd/systemd-socket-proxyd", "bin/sh")
    for program in (*ours, *others):
        (tmp_path / program).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / program).write_text("#!/bin/sh\n")
        (tmp_path / program).chmod(0o755)
    return tmp_path


def looked_at(root: Path, unit: str) -> str:
    command = ("systemd-analyze", "security", "--offline=true", f"--root={root}", f"{unit}.service")
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def exposure(root: Path, unit: str) -> float:
    said = looked_at(root, unit)
    found = re.search(r"exposure level for \S+: ([0-9.]+)", said)
    assert found, said
    return float(found[1])


@pytest.mark.parametrize(("unit", "most"), MOST_EXPOSED.items())
def test_no_daemon_is_more_exposed_than_promised(root: Path, unit: str, most: float) -> None:
    assert exposure(root, unit) <= most


@pytest.mark.parametrize("unit", [*MOST_EXPOSED, "daka-display"])
def test_no_daemon_can_have_another_one_speak_to_the_network_for_it(root: Path, unit: str) -> None:
    """But the uplink, which has to look its broker up, and the bridge, which the bus lets speak to BlueZ alone."""
    text = (root / "etc" / "systemd" / "system" / f"{unit}.service").read_text()
    hidden, shown = paths(text, "InaccessiblePaths"), paths(text, "BindReadOnlyPaths") | paths(text, "BindPaths")
    if "/run:ro" in paths(text, "TemporaryFileSystem"):
        hidden |= {path for path in SPOKESMEN if path.startswith("/run/") and not any(map(Path(path).is_relative_to, shown))}
    assert hidden & SPOKESMEN == SPOKESMEN - NEEDED.get(unit, set())


def paths(unit: str, directive: str) -> set[str]:
    rows = re.findall(rf"^{directive}=(.+)$", unit, re.MULTILINE)
    return {path.removeprefix("-").partition(":/")[0] for row in rows for path in row.split()}


@pytest.mark.parametrize("unit", ["daka-kiosk", "daka-bridge", "daka-web"])
def test_no_daemon_sees_the_machine_a_second_time_where_its_sandbox_is_laid_out(root: Path, unit: str) -> None:
    """/run/systemd/unit-root, which a bind with all that is mounted below would carry along, without what is hidden."""
    shown = re.findall(r"\s/run/systemd\S*|=/run/systemd\S*", (root / "etc/systemd/system" / f"{unit}.service").read_text())
    assert [one[1:] for one in shown if not one.endswith("/resolve")] == ["/run/systemd:/run/systemd:norbind"]


def says_the_bus(rules: str, name: str) -> str:
    """What becomes of a call to whoever has `name`, on a bus that lets everybody ask everybody but for `rules`."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        config = Path(folder) / "bus.conf"
        everybody = '<policy context="default"><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/></policy>'
        head = f"<busconfig><listen>unix:path={folder}/bus</listen><auth>EXTERNAL</auth>{everybody}"
        config.write_text(rules.replace("<busconfig>", head, 1).replace("daka-bridge", getpass.getuser()))
        command = ("dbus-daemon", "--nofork", "--print-address", f"--config-file={config}")
        bus = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        stack.callback(bus.terminate)
        assert bus.stdout is not None
        return asyncio.run(asyncio.wait_for(answered(bus.stdout.readline().strip(), name), 20))


async def answered(address: str, name: str) -> str:
    there, asking = await MessageBus(address).connect(), await MessageBus(address).connect()
    there.add_message_handler(lambda message: Message.new_method_return(message) if message.member == "Ask" else None)
    await there.request_name(name)
    answer = await asking.call(Message(destination=name, path="/", interface="org.example", member="Ask"))
    there.disconnect()
    asking.disconnect()
    assert answer is not None
    return answer.error_name or "answered"


@pytest.mark.parametrize("name", ["org.freedesktop.Avahi", "org.freedesktop.resolve1", "org.freedesktop.NetworkManager"])
def test_the_bus_lets_the_bridge_speak_to_bluez_and_to_nobody_else(name: str) -> None:
    if shutil.which("dbus-daemon") is None:
        missing("dbus-daemon", "dbus-daemon")
    rules = (UNITS.parent / "etc" / "dbus.conf").read_text()
    assert says_the_bus("<busconfig></busconfig>", name) == "answered", "as everywhere"
    assert says_the_bus(rules, name) == "org.freedesktop.DBus.Error.AccessDenied"
    assert says_the_bus(rules, "org.bluez") == "answered"


def test_root_may_ask_for_the_daemons_whether_anybody_keeps_the_clock_and_cannot_set_it(root: Path) -> None:
    """Else every time is unsure on an appliance, however well NTP keeps it."""
    said = looked_at(root, "daka-outlet")
    assert "adjtimex is allowed" in said
    assert re.search(r"✓ CapabilityBoundingSet=~CAP_SYS_TIME\b", said)


def test_without_the_common_directives_the_same_unit_is_wide_open(root: Path) -> None:
    """Or the score would show nothing."""
    shutil.rmtree(root / "etc" / "systemd" / "system" / "daka-.service.d")
    assert exposure(root, "daka-uplink") > 4


def problems(root: Path) -> str:
    """What systemd finds wrong with our units themselves; other packages' units are not in this root."""
    names = sorted(
        path.name for path in (root / "etc" / "systemd" / "system").glob("daka*.*") if path.is_file() and "@" not in path.name
    )
    command = ("systemd-analyze", "verify", "--recursive-errors=no", "--man=no", f"--root={root}", *names)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "\n".join(row for row in (done.stdout + done.stderr).splitlines() if "daka" in row and "not found" not in row)


def test_every_unit_is_understood_whole(root: Path) -> None:
    assert problems(root) == ""


def test_daemons_alone_are_started_again_by_whoever_says_that_they_failed(root: Path) -> None:
    """That one counts a failure against a new version. Root's own work fails for other reasons, as while a name is not known."""
    files = [path for path in (root / "etc" / "systemd" / "system").rglob("*") if path.is_file()]
    named = {path.name for path in files if "OnFailure=daka-failed@%n.service" in path.read_text().splitlines()}
    assert named == {f"daka-{daemon}.service" for daemon in ("kiosk", "uplink", "bridge", "web", "display")}
    forgets = "ExecStartPost=+-/bin/rm -f /run/daka/failed/%n"
    assert {path.name for path in files if forgets in path.read_text().splitlines()} == named, "and is named as failed no more"
    lists = r"^(OnFailure|After|Before|Wants|Requires|PartOf|Conflicts)=$"
    assert not [path.name for path in files if re.search(lists, path.read_text(), re.MULTILINE)], "systemd ignores that in silence"


def test_on_a_machine_of_2_gb_each_daemon_has_its_room_and_the_kiosk_goes_last(root: Path) -> None:
    units = root / "etc" / "systemd" / "system"
    texts = {unit: (units / f"{unit}.service").read_text() for unit in (*MOST_EXPOSED, "daka-display")}
    most = {unit: int(re.findall(r"^MemoryMax=(\d+)M$", text, re.MULTILINE)[-1]) for unit, text in texts.items()}
    assert sum(most.values()) <= 2_048, most
    worth = {unit: int((re.findall(r"^OOMScoreAdjust=(-?\d+)$", text, re.MULTILINE) or ["0"])[-1]) for unit, text in texts.items()}
    assert min(worth, key=worth.__getitem__) == "daka-kiosk", "it holds the journal"
    assert max(worth, key=worth.__getitem__) == "daka-display", "it is the largest, loses nothing, and is back within seconds"
    assert {worth[unit] for unit in ("daka-uplink", "daka-bridge", "daka-web", "daka-metrics")} == {0}


def test_root_looks_again_whom_the_uplink_should_reach_whatever_came_of_the_last_look(root: Path) -> None:
    """A look fails while a name is not known, and systemd tells of no change of the file while root looks at it."""
    units = root / "etc" / "systemd" / "system"
    assert "daka-outlet.timer" in (units / "daka.target").read_text().split()
    timer = (units / "daka-outlet.timer").read_text()
    assert re.search(r"^OnActiveSec=\d+s$", timer, re.MULTILINE), "after an installation as well"
    assert re.search(r"^OnUnitInactiveSec=\d+min$", timer, re.MULTILINE), "a failure counts like success"


SOUND_BEFORE = {"GROUP": "audio", "MODE": "0660", "TAG": "uaccess"}  # what systemd's own rules give every node of a sound card


def ruled(node: str) -> dict[str, str]:
    """What the rules for sound cards make of a node that is added."""
    found = dict(SOUND_BEFORE)
    for line in (UNITS.parent / "etc" / "sound.rules").read_text().splitlines():
        parts = re.findall(r'(\w+)(==|=|-=|\+=)"([^"]*)"', line)
        known = {"SUBSYSTEM": "sound", "ACTION": "add", "KERNEL": node}
        wanted = [(name, value) for name, how, value in parts if how == "=="]
        if not line.startswith("#") and all(
            any(fnmatch.fnmatch(known[name], one) for one in value.split("|")) for name, value in wanted
        ):
            found |= {name: "" if how == "-=" else value for name, how, value in parts if how in ("=", "-=")}
    return found


def test_the_display_may_use_loudspeakers_and_nobody_a_microphone(root: Path) -> None:
    for node in ("pcmC0D0p", "pcmC1D3p", "controlC0", "timer"):
        assert (ruled(node)["GROUP"], ruled(node)["MODE"]) == ("daka-sound", "0660")
    for node in ("pcmC0D0c", "pcmC2D1c"):
        assert ruled(node) == {"GROUP": "root", "MODE": "0600", "TAG": ""}, "nor whoever has signed in at the machine"
    for node in ("seq", "hwC0D0", "midiC0D0", "comprC0D0"):
        assert ruled(node) == SOUND_BEFORE, "none of ours is in the group audio"
    units = {path.name: path.read_text() for path in (root / "etc" / "systemd" / "system").rglob("*") if path.is_file()}
    assert {name for name, text in units.items() if "daka-sound" in text or "alsa" in text} == {"daka-display.service"}
    assert not [name for name, text in units.items() if re.search(r"^(Supplementary)?Groups?=.*\baudio\b", text, re.MULTILINE)]
    assert "/72-daka-sound.rules" in (UNITS.parent / "activate.sh").read_text(), "after 70-uaccess.rules, before 73-seat-late.rules"


def test_rules_for_devices_take_no_access_from_anybody_by_a_tag_that_means_nothing() -> None:
    """A tag goes by `-=`; `+=` adds one, whatever sign stands in its name."""
    for rules in (UNITS.parent / "etc").glob("*.rules"):
        assert set(re.findall(r"TAG\S+", rules.read_text())) <= {'TAG-="uaccess"'}, rules.name


def test_whoever_switches_versions_may_tell_udev_of_devices_that_are_plugged_in(root: Path) -> None:
    """`udevadm trigger` of activate.sh writes below /sys, and fails there in silence where that is read-only."""
    units = root / "etc" / "systemd" / "system"
    switch = [path.name for path in units.glob("daka*.service") if "/bin/daka update" in path.read_text()]
    assert len(switch) == 4
    for name in switch:
        assert "ProtectKernelTunables=no" in (units / f"{name}.d" / "90-root.conf").read_text().splitlines(), name


def test_a_misspelt_directive_is_noticed(root: Path) -> None:
    unit = root / "etc" / "systemd" / "system" / "daka-web.service"
    unit.write_text(unit.read_text().replace("PrivateNetwork=yes", "PrivateNetwrok=yes"))
    assert "PrivateNetwrok" in problems(root)
