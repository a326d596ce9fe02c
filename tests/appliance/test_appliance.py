"""The appliance under a real systemd: it starts by itself, survives what happens to it, and can do nothing that it must not."""

from __future__ import annotations

import json
import shutil

import pytest

from tests.appliance.conftest import EMPLOYEE, Appliance, release

pytestmark = pytest.mark.timeout(600)


def test_a_punch_before_the_camera_arrives_in_the_enterprises_database(appliance: Appliance) -> None:
    appliance.wait("the first punch arrives", lambda: appliance.enterprise.punches() >= 1)


def test_from_the_start_of_the_target_to_a_watching_kiosk_it_takes_less_than_ten_seconds(appliance: Appliance) -> None:
    appliance.call("systemctl", "stop", "daka.target")
    appliance.wait("it has stopped", lambda: appliance.process_of("daka-kiosk") == 0, 10)
    appliance.call("systemctl", "start", "daka.target")
    took = appliance.wait(
        "the camera is seen streaming", lambda: "camera is working" in appliance.call("daka", "doctor", check=False)
    )
    assert took < 10


@pytest.mark.parametrize("unit", ["daka-kiosk", "daka-uplink"])
def test_a_daemon_that_is_killed_comes_back_and_the_next_punch_arrives(appliance: Appliance, unit: str) -> None:
    punches = appliance.enterprise.punches()
    before = appliance.signal(unit, "KILL")
    appliance.wait("it runs again", lambda: appliance.process_of(unit) not in (0, before))
    appliance.call("systemctl", "restart", "daka-kiosk")  # somebody steps before the camera afresh
    appliance.wait("another punch arrives", lambda: appliance.enterprise.punches() > punches)


@pytest.mark.parametrize("unit", ["daka-kiosk", "daka-uplink"])
def test_a_daemon_that_hangs_is_ended_by_the_watchdog_and_comes_back(appliance: Appliance, unit: str) -> None:
    restarts = appliance.restarts_of(unit)
    before = appliance.signal(unit, "STOP")
    appliance.wait("the watchdog has ended it", lambda: appliance.restarts_of(unit) > restarts)
    appliance.wait("it runs again", lambda: appliance.process_of(unit) not in (0, before))
    assert "watchdog" in appliance.call("journalctl", "-u", unit, "-n", "50", "--no-pager").lower()


def test_figures_are_on_loopback_where_somebody_enables_them_and_count_each_restart_with_its_reason(appliance: Appliance) -> None:
    program = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:9465/metrics').read().decode())"
    ask = ("/opt/daka/current/bin/python", "-c", program)
    appliance.signal("daka-web", "KILL")
    assert "daka_" not in appliance.call(*ask, check=False)
    appliance.call("systemctl", "start", "daka-metrics.socket")
    appliance.wait("the end has its reason", lambda: 'why="signal"' in appliance.call(*ask))
    said = appliance.call(*ask)
    assert 'daka_camera_state{state="streaming"} 1' in said
    assert 'daka_link{kind="wired"} 1' in said
    assert 'daka_certificate_days_left{name="uplink"}' in said
    assert EMPLOYEE not in said
    appliance.call("systemctl", "stop", "daka-metrics.socket", "daka-metrics.service")
    assert "daka-update-take.timer" in appliance.call("systemctl", "list-timers", "--no-pager")
    assert "nothing has been fetched" in appliance.call("daka", "update", "take")


def test_no_daemon_can_do_what_it_must_not(appliance: Appliance) -> None:
    for node, numbers in (("/dev/video0", ("81", "0")), ("/dev/snd/pcmC0D0c", ("116", "24"))):
        place = f"/proc/{appliance.machine.leader}/root{node}"
        appliance.machine.make_node(place, *numbers)
    said = appliance.call("daka", "doctor", "--privacy", check=False)
    assert "POSSIBLE" not in said, said
    refused = [row for row in said.splitlines() if "refused" in row]
    for daemon, deed in [
        ("daka-kiosk", "make an internet socket"),
        ("daka-kiosk", "listen to a microphone"),
        ("daka-uplink", "send a packet to anybody but the broker"),
        ("daka-uplink", "open the camera"),
        ("daka-uplink", "read templates and people"),
        ("daka-uplink", "speak on the system bus"),
        ("daka-bridge", "read the kiosk's keys"),
        ("daka-bridge", "connect to an address"),
        ("daka-web", "read the journal's file"),
        ("daka-web", "connect to an address"),
        ("daka-display", "connect to anybody but the kiosk page"),
        ("daka-display", "ask for people at the kiosk's socket"),
    ]:
        assert any(daemon in row and deed in row for row in refused), f"{daemon}: {deed}\n{said}"


def test_the_display_sees_the_kiosk_page_and_nobody_else_does(appliance: Appliance) -> None:
    """A stand-in for the browser in the display's own sandbox: what it gets from the page's address, and what the machine gets."""
    drop_in = appliance.machine.files / "etc/systemd/system/daka-display.service.d/99-test.conf"
    look = "import urllib.request as u; print('page', u.urlopen('http://127.0.0.1:8460/', timeout=5).status)"
    start = f'ExecStart=\nExecStart=/usr/bin/python3 -c "{look}"\n'
    drop_in.write_text(f"[Unit]\nConditionFileIsExecutable=\nOnFailure=\n[Service]\nType=oneshot\nRestart=no\n{start}")
    appliance.call("systemctl", "daemon-reload")
    appliance.call("systemctl", "start", "daka-display.service")
    assert "page 200" in appliance.call("journalctl", "-u", "daka-display", "-n", "20", "--no-pager")
    drop_in.unlink()
    appliance.call("systemctl", "daemon-reload")
    elsewhere = appliance.call("sh", "-c", f'python3 -c "{look}" 2>&1', check=False)
    assert "Connection refused" in elsewhere


def test_without_the_sandbox_the_same_tries_succeed(appliance: Appliance) -> None:
    """Or the probes would show nothing."""
    python = "/opt/daka/current/bin/python"
    for unit, deeds in {
        "daka-kiosk": {"make an internet socket", "send a packet", "write the settings", "read the administrator's home"},
        "daka-uplink": {"send a packet to anybody but the broker", "read templates and people", "speak on the system bus"},
    }.items():
        results = json.loads(appliance.call(python, "-m", "device.privacy", unit))
        possible = {result["sentence"] for result in results if result["outcome"] == "possible"}
        assert deeds <= possible, results


def test_the_device_key_is_sealed_by_the_system_and_lies_in_no_file(appliance: Appliance) -> None:
    assert "wrapping.key" not in appliance.call("ls", "/var/lib/daka/keys")
    assert appliance.call("stat", "--format", "%a %U", "/etc/credstore.encrypted/daka.wrapping-key").split() == ["600", "root"]
    assert len(appliance.call("daka", "people", "list")) > 0


def test_settings_that_cannot_be_used_end_in_a_visible_state_and_mending_them_in_a_running_kiosk(appliance: Appliance) -> None:
    settings = appliance.machine.files / "etc" / "daka" / "config.toml"
    whole = settings.read_text()
    settings.write_text(whole + "\n[nonsense]\n")
    appliance.call("systemctl", "restart", "daka-kiosk", check=False)
    appliance.wait("it is said where one can see it", lambda: "daka-kiosk" in appliance.call("ls", "/run/daka/failed"))
    assert "nonsense is not a setting" in appliance.call("journalctl", "-u", "daka-kiosk", "-n", "40", "--no-pager")
    settings.write_text(whole)
    appliance.call("systemctl", "reset-failed", "daka-kiosk.service")
    appliance.call("systemctl", "start", "daka-kiosk.service")
    appliance.wait("it runs again", lambda: appliance.process_of("daka-kiosk") != 0)


def test_only_the_group_may_ask_and_root_takes_no_file_over(appliance: Appliance) -> None:
    asked = appliance.call("su", "-s", "/bin/sh", "nobody", "-c", "daka people list 2>&1", check=False)
    assert "does not answer" in asked
    appliance.call("usermod", "-a", "-G", "daka-admin", "games")
    assert "1002" in appliance.call("su", "-s", "/bin/sh", "games", "-c", "daka people list")
    sockets = ("daka-kiosk-admin.socket", "daka-kiosk-uplink.socket", "daka-kiosk-web.socket")
    appliance.call("systemctl", "stop", "daka-kiosk.service", "daka-uplink.service", *sockets)
    assert "does not answer" in appliance.call("sh", "-c", "daka people list 2>&1", check=False)
    assert "root" not in appliance.call("find", "/var/lib/daka", "-user", "root")
    appliance.call("systemctl", "start", *sockets)
    assert "1002" in appliance.call("daka", "people", "list")  # asking starts it
    appliance.call("systemctl", "start", "daka.target")


def test_after_a_power_cycle_it_is_there_by_itself_and_the_chain_holds(appliance: Appliance) -> None:
    punches = appliance.enterprise.punches()
    appliance.machine.cut_power()
    appliance.machine.boot()
    appliance.wait("a punch after the start arrives", lambda: appliance.enterprise.punches() > punches)
    assert "hold" in appliance.call("daka", "verify")


def test_a_signed_release_is_tried_and_stays_a_changed_one_is_not_even_unpacked(appliance: Appliance) -> None:
    (appliance.machine.files / "etc" / "daka" / "update.key").write_text(appliance.enterprise.update_key)
    archive = release(appliance, "0.1.1")
    raw = bytearray((appliance.machine.files / "srv" / archive.name).read_bytes())
    raw[5_000] ^= 1
    (appliance.machine.files / "srv" / "changed").mkdir()
    (appliance.machine.files / "srv" / "changed" / archive.name).write_bytes(raw)
    shutil.copy(appliance.machine.files / "srv" / f"{archive.name}.targets.json", appliance.machine.files / "srv" / "changed")
    refused = appliance.call("sh", "-c", f"daka update apply /srv/changed/{archive.name} 2>&1", check=False)
    assert "not what was signed" in refused
    assert appliance.call("ls", "/opt/daka/versions").split() == ["0.1.0"]
    punches = appliance.enterprise.punches()
    assert "0.1.1 runs and holds" in appliance.call("daka", "update", "apply", str(archive))
    assert "0.1.1" in appliance.call("daka", "--version")
    appliance.wait("a punch of the new version arrives", lambda: appliance.enterprise.punches() > punches)


def test_a_release_that_does_not_hold_is_gone_back_from_by_itself(appliance: Appliance) -> None:
    archive = release(appliance, "0.1.2", breaks="raise SystemExit('this version does not start')")
    said = appliance.call("sh", "-c", f"daka update apply --patience 15 {archive} 2>&1", check=False)
    assert "0.1.1 runs again" in said
    assert "0.1.1" in appliance.call("daka", "--version")
    appliance.wait("the version before watches", lambda: "camera is working" in appliance.call("daka", "doctor", check=False))
    assert "went_back 0.1.2" in appliance.call("daka", "update", "status")


def test_installing_twice_changes_nothing_and_uninstalling_keeps_what_people_gave(appliance: Appliance) -> None:
    assert "is there already" in appliance.install()
    appliance.call("sh", "/root/bundle/uninstall.sh")
    assert appliance.call("ls", "/opt").strip() == ""
    assert "people.db" in appliance.call("ls", "/var/lib/daka")
    appliance.install()
    assert "1002" in appliance.call("daka", "people", "list")
    appliance.call("sh", "/root/bundle/uninstall.sh", "--with-data")
    assert "daka" not in appliance.call("ls", "/var/lib", "/etc")
