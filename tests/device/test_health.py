"""What is known of the machine: from sensors as the kernel lays them out, and nothing made up where there are none."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from device import (
    alarms,
    api,
    checks,
    config,
    diagnoses,
    ended,
    gauges,
    link,
    metrics,
    post,
    pulse,
    reporter,
    sensors,
    server,
    state,
    trust,
    upgrades,
    vitals,
)
from device.camera import CameraStatus, State
from device.findings import Finding, Verdict
from device.kiosk import watch
from device.messages import CODEC, schema, write_time
from device.messages.errors import SchemaRefused
from enterprise import authority
from tests.device import parts
from tests.device.test_journal import acknowledge

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)


def lay(root: Path, files: dict[str, str]) -> Path:
    """A part of /sys or /proc."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize(
    ("bits", "throttled", "under_voltage"),
    [
        ("0", "no", "no"),
        ("50005", "now", "now"),
        ("50000", "earlier", "earlier"),
        ("80008", "now", "no"),
        ("rubbish", "unknown", "unknown"),
    ],
)
@pytest.mark.parametrize("node", ["soc", "soc@107c000000"], ids=["to the Pi 4", "Pi 5"])
def test_a_raspberry_pis_word_on_throttling_is_understood(
    tmp_path: Path, node: str, bits: str, throttled: str, under_voltage: str
) -> None:
    root = lay(tmp_path, {f"devices/platform/{node}/{node}:firmware/get_throttled": f"{bits}\n"})
    assert (sensors.throttled(root), sensors.under_voltage(root)) == (throttled, under_voltage)


@pytest.mark.parametrize(("alarm", "said"), [("0\n", "no"), ("1\n", "now")])
def test_the_kernels_own_sensor_says_when_the_power_is_too_weak(tmp_path: Path, alarm: str, said: str) -> None:
    hwmon = "class/hwmon/hwmon1"
    assert sensors.under_voltage(lay(tmp_path, {f"{hwmon}/name": "rpi_volt\n", f"{hwmon}/in0_lcrit_alarm": alarm})) == said


def test_a_machine_without_sensors_says_that_it_does_not_know(tmp_path: Path) -> None:
    assert (sensors.throttled(tmp_path), sensors.under_voltage(tmp_path), sensors.radio(tmp_path)) == ("unknown",) * 3


SWAPS = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"


@pytest.mark.parametrize(
    ("swaps", "backing", "disks"),
    [
        ("", "", ()),
        ("/var/swap file 102396 0 -2\n", "", ("/var/swap",)),
        ("/dev/zram0 partition 2097152 0 100\n", "none\n", ()),
        ("/dev/zram0 partition 2097152 0 100\n", "/dev/loop0\n", ("/dev/zram0",)),
    ],
)
def test_swap_that_may_reach_a_disk_is_told_from_compressed_memory(
    tmp_path: Path, swaps: str, backing: str, disks: tuple[str, ...]
) -> None:
    files = {"proc/swaps": SWAPS + swaps, "sys/block/zram0/backing_dev": backing}
    assert sensors.swaps_to_disk(lay(tmp_path, files)) == disks


def test_where_the_kernel_counts_no_memory_the_doctor_says_what_follows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    where = "fs/cgroup/cgroup.controllers"
    assert sensors.counts_memory(lay(tmp_path, {where: "cpuset cpu io memory pids\n"}))
    assert not sensors.counts_memory(lay(tmp_path, {where: "cpuset cpu io pids\n"}))
    appliance = state.Folder(tmp_path, layer=tmp_path / "settings.toml")
    monkeypatch.setattr(sensors, "counts_memory", lambda: False)
    monkeypatch.setattr(sensors, "swaps_to_disk", lambda: ("/var/swap",))
    (found,) = checks.memory(appliance)
    assert found.verdict is checks.Verdict.BAD
    assert "written to /var/swap" in found.sentence
    assert "cgroup_enable=memory" in found.remedy
    monkeypatch.setattr(sensors, "swaps_to_disk", tuple)
    assert [found.verdict for found in checks.memory(appliance)] == [checks.Verdict.NOTE]
    monkeypatch.setattr(sensors, "counts_memory", lambda: True)
    assert [found.verdict for found in checks.memory(appliance)] == [checks.Verdict.GOOD]
    assert checks.memory(state.Folder(tmp_path)) == (), "on a laptop nothing is promised of it"


def test_a_radio_is_there_or_not(tmp_path: Path) -> None:
    (tmp_path / "class" / "bluetooth").mkdir(parents=True)
    assert sensors.radio(tmp_path) == "absent"
    (tmp_path / "class" / "bluetooth" / "hci0:64").mkdir()  # a connection is no controller
    assert sensors.radio(tmp_path) == "absent"
    (tmp_path / "class" / "bluetooth" / "hci0").mkdir()
    assert sensors.radio(tmp_path) == "present"


ROUTES = """Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0
eth0\t00000000\t0101A8C0\t0003\t0\t0\t{metric}\t00000000\t0\t0\t0
eth0\t0001A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0
"""
WIRELESS = """Inter-| sta-|   Quality        |   Discarded packets               | Missed | WE
 face | tus | link level noise |  nwid  crypt   frag  retry   misc | beacon | 22
 wlan0: 0000   49.  {level}.  -256        0      0      0      0      0        0
"""


def network(tmp_path: Path, metric: int = 100, level: str = "-61") -> api.Link:
    sys = lay(
        tmp_path / "sys" / "class" / "net",
        {
            "wlan0/uevent": "DEVTYPE=wlan\nINTERFACE=wlan0\n", "wlan0/type": "1\n",
            "eth0/uevent": "INTERFACE=eth0\n", "eth0/type": "1\n", "eth0/speed": "1000\n",
        },
    )  # fmt: skip
    proc = lay(tmp_path / "proc", {"route": ROUTES.format(metric=metric), "wireless": WIRELESS.format(level=level)})
    return link.look(sys.parents[1], proc)


def test_the_way_out_with_the_lowest_metric_is_the_link(tmp_path: Path) -> None:
    assert network(tmp_path) == api.Link("wired", 0, 1000)
    assert network(tmp_path, metric=700) == api.Link("wifi", -61, 0)
    assert network(tmp_path, metric=700, level="195").signal_dbm == -61  # a driver that counts in bytes


def test_no_way_out_and_no_word_of_it_are_two_things(tmp_path: Path) -> None:
    assert link.look(tmp_path, lay(tmp_path, {"route": ROUTES.splitlines()[0]})) == api.Link("none")
    assert link.look(tmp_path, tmp_path / "nothing") == api.Link("unknown")
    six = f"{'0' * 32} 00 {'0' * 32} 00 fe80{'0' * 27}1 00000400 00000001 00000000 00000003     eth0\n"
    assert link.look(tmp_path, lay(tmp_path / "six", {"route": "", "ipv6_route": six})).kind == "other"


def test_this_machines_own_link_can_be_looked_at() -> None:
    assert link.look().kind in ("wired", "wifi", "mobile", "other", "none", "unknown")


def test_each_restart_has_a_reason_and_a_count(tmp_path: Path) -> None:
    for minute, why in enumerate(("success", "watchdog", "signal", "watchdog")):
        ended.note(tmp_path, "daka-kiosk", NOW + timedelta(minutes=minute), why)
    found = ended.read(tmp_path)
    assert [(one.daemon, one.why, one.count, one.last_at[14:16]) for one in found] == [
        ("daka-kiosk", "watchdog", 2, "03"), ("daka-kiosk", "signal", 1, "02"), ("daka-kiosk", "asked", 1, "00"),
    ]  # fmt: skip
    assert ended.unasked(found) == 3


def test_a_cut_line_and_a_missing_folder_are_no_restart(tmp_path: Path) -> None:
    assert ended.read(tmp_path / "nothing") == ()
    lay(tmp_path, {"daka-web": "2026-11-02T08:00:00Z\n\n2026-11-02T08:0"})
    assert ended.read(tmp_path) == ()


def test_the_pulse_is_that_of_the_last_seconds() -> None:
    now = [0.0]
    beat = pulse.Pulse(lambda: now[0])
    for _ in range(50):
        now[0] += 0.1
        beat.frame()
    assert beat.frames_per_second() == 5.0
    now[0] += 60
    assert (beat.frames_per_second(), beat.frames) == (0.0, 50)
    for tenths in range(1, 101):
        beat.punched(timedelta(seconds=tenths / 10))
    beat.punched(None)
    assert (beat.wait_s(0.5), beat.wait_s(0.95), beat.punches) == (5.1, 9.6, 101)


def test_a_lap_is_of_the_time_since_the_one_before() -> None:
    now = [0.0]
    beat = pulse.Pulse(lambda: now[0])
    lap = beat.laps()
    assert lap() == pulse.Lap(None, None), "a moment after the start nobody knows"
    for _ in range(30):
        beat.frame()
    for tenths in (9, 5, 7):
        beat.punched(timedelta(seconds=tenths / 10))
    beat.punched(None)
    now[0] = 10.0
    assert lap() == pulse.Lap(3.0, 0.7)
    now[0] = 20.0
    beat.punched(timedelta(seconds=2))
    assert lap() == pulse.Lap(0.0, 2.0), "what was before counts no more"
    now[0] = 30.0
    assert lap() == pulse.Lap(0.0, None)
    for tenths in range(1, 501):
        beat.punched(timedelta(seconds=tenths / 10))
    assert lap().wait_s == 40.1, "of a crowd the last two hundred"


def test_a_days_samples_know_how_the_line_ran_and_are_bounded(tmp_path: Path) -> None:
    opened, beat = parts.open_journal(tmp_path), pulse.Pulse()
    readings = gauges.Gauges(opened, parts.Clock(), tmp_path, beat=beat)
    beat.punched(timedelta(seconds=0.8))
    readings.sample(readings.read())
    for _ in range(gauges.KEPT):
        readings.sample(readings.read())
        assert len(readings.read().samples) <= gauges.KEPT
    found = readings.read().samples
    assert len(found) == gauges.KEPT
    assert found[0].wait_s is None, "the first one is gone"
    sent = CODEC.unstructure(readings.read())
    assert CODEC.structure(sent, api.Machine).samples == found
    assert len(str(sent["samples"])) < 60_000


def test_an_alarm_has_a_first_and_a_last_time_and_keeps_them_over_a_restart(tmp_path: Path) -> None:
    book = alarms.Book(tmp_path / "alarms.json")
    book.look(frozenset({"hot"}), NOW)
    book.look(frozenset({"hot", "disk_low"}), NOW + timedelta(minutes=1))
    again = alarms.Book(tmp_path / "alarms.json")
    again.look(frozenset({"disk_low"}), NOW + timedelta(minutes=2))
    found = {one.name: (one.first_at[14:16], one.last_at[14:16], one.active) for one in again.alarms}
    assert found == {"hot": ("00", "01", False), "disk_low": ("01", "02", True)}
    again.look(frozenset({"hot"}), NOW + timedelta(minutes=9))
    assert [(one.name, one.active) for one in again.alarms] == [("hot", True), ("disk_low", False), ("hot", False)]
    again.look(frozenset(), NOW + timedelta(days=30, minutes=5))
    assert [one.active for one in again.alarms] == [False]


@pytest.mark.parametrize("text", ["{", "[1]", '[{"name": "hot"}]'])
def test_alarms_that_cannot_be_read_begin_anew(tmp_path: Path, text: str) -> None:
    (tmp_path / "alarms.json").write_text(text)
    assert alarms.Book(tmp_path / "alarms.json").alarms == ()


def watched(tmp_path: Path) -> tuple[vitals.Vitals, parts.Clock]:
    clock = parts.Clock()
    status = CameraStatus(State.AWAY, clock.now(), "No camera.")
    sources = vitals.Sources(
        config.parse({"lock": {"enabled": True}}),
        tmp_path / "ended",
        tmp_path / "alarms.json",
        lambda: status,
        pulse.Pulse(),
        clock,
        believes_nobody=lambda: True,
    )
    return vitals.Vitals(sources), clock


UNSEEN = api.Health()


def machine(health: api.Health = UNSEEN, **given: float) -> api.Machine:
    whole = {
        "disk_free_bytes": 10**10,
        "disk_total_bytes": 10**11,
        "memory_available_bytes": 10**9,
        "memory_total_bytes": 4 * 10**9,
    }
    rest = {"load": 0.5, "temperature_c": 41.5, "uptime_s": 99.0, "backlog": 3, "oldest_unacknowledged_s": 60}
    return api.Machine(**(whole | rest | given), samples=(), health=health)  # type: ignore[arg-type]


def test_a_kiosk_that_works_alone_waits_for_nobody(tmp_path: Path) -> None:
    watching, _ = watched(tmp_path)
    watching.look(machine(oldest_unacknowledged_s=90_000, owed=False))
    assert "records_wait" not in {one.name for one in watching.health().alarms}


def test_records_are_owed_while_the_uplink_is_off_to_whoever_was_joined_or_has_signed(tmp_path: Path) -> None:
    opened, nobody = parts.open_journal(tmp_path), trust.Trust(tmp_path / "enterprise.json", config.Uplink())
    assert gauges.Gauges(opened, parts.Clock(), tmp_path, owed=watch.owing(lambda: True, nobody, opened)).read().owed
    owed = watch.owing(lambda: False, nobody, opened)
    assert not gauges.Gauges(opened, parts.Clock(), tmp_path, owed=owed).read().owed
    assert watch.owing(lambda: False, SimpleNamespace(root="", is_damaged=True), opened)()  # type: ignore[arg-type]
    assert watch.owing(lambda: False, SimpleNamespace(root="k", is_damaged=False), opened)()  # type: ignore[arg-type]
    parts.fill(opened, 2)
    acknowledge(opened, 1)
    assert owed()


def test_alarms_follow_from_what_is_seen_and_end_with_it(tmp_path: Path) -> None:
    watching, clock = watched(tmp_path)
    for _ in range(3):
        ended.note(tmp_path / "ended", "daka-web", clock.now().at, "exit-code")
    soon = write_time(clock.now().at + timedelta(days=12))
    watching.hear_uplink(api.UplinkReport(api.Link("wifi", -80), soon, True))
    watching.hear_web(write_time(clock.now().at + timedelta(days=300)))
    health = watching.health()
    assert {one.name: one.days_left for one in health.certificates} == {"uplink": 12, "web": 300}
    assert (health.link.signal_dbm, health.connected, health.camera) == (-80, True, "away")
    watching.look(machine(health, temperature_c=85.0, disk_free_bytes=1, memory_available_bytes=1, oldest_unacknowledged_s=90_000))
    raised = {one.name for one in watching.health().alarms}
    assert raised >= {
        "hot",
        "disk_low",
        "memory_low",
        "records_wait",
        "camera_away",
        "certificate_ends",
        "daemon_falls",
        "membership_damaged",
    }
    assert raised <= set(diagnoses.REMEDIES)
    watching.look(machine())
    assert not {one.name for one in watching.health().alarms if one.active} & {"hot", "disk_low", "records_wait", "camera_away"}


@pytest.mark.parametrize(
    ("outcome", "back_to", "alarms"),
    [
        ("refused", "", False),
        ("none", "", False),
        ("went_back", "0.1.0", True),
        ("refused", "0.1.0", True),  # junk came since: the version before runs all the same
        ("went_back", "0.0.9", False),  # somebody has installed another one by hand since
    ],
)
def test_only_a_version_that_was_taken_back_is_an_alarm_while_the_one_before_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, outcome: str, back_to: str, alarms: bool
) -> None:
    """What was refused is said on the page of updates; nothing has changed."""
    monkeypatch.setattr("sys.prefix", "/opt/daka/versions/0.1.0")
    (tmp_path / "update.json").write_text(json.dumps({"outcome": outcome, "version": "0.2.0", "before": "x", "back_to": back_to}))
    health = replace(HEALTH, update=upgrades.standing(tmp_path / "update.json"))
    assert ("update_went_back" in vitals.of_health(health, config.parse({}), NOW)) == alarms


def test_the_uplink_and_the_web_daemon_tell_what_they_alone_can_see(tmp_path: Path, short_folder: Path) -> None:
    watching, clock = watched(tmp_path)
    ends = clock.now().at.replace(microsecond=0) + timedelta(days=40)
    authority.create(tmp_path / "pki", clock.now().at)
    certificate = authority.issue_device(tmp_path / "pki", "kiosk-1", clock.now().at).certificate
    stop, path = threading.Event(), short_folder / "u.sock"
    stop.set()
    serving = server.serve(
        server.application("uplink", (*vitals.uplink_routes(watching), *vitals.web_routes(watching))), server.listen(path), 2
    )
    threading.Thread(target=serving.run, daemon=True).start()
    with api.UplinkClient(path) as uplink, api.WebClient(path) as web:
        reporter.keep(uplink, certificate, lambda: True, stop)
        web.tell_certificate(write_time(ends))
        with pytest.raises(api.KioskRefused):
            web.tell_certificate("tomorrow")
    serving.close()
    health = watching.health()
    assert health.connected
    assert {one.name for one in health.certificates} == {"uplink", "web"}
    assert health.certificates[1].days_left == 40
    assert reporter.ends_at(tmp_path / "nothing.pem") == ""


def test_whoever_reports_no_more_is_no_longer_believed(tmp_path: Path) -> None:
    watching, clock = watched(tmp_path)
    watching.hear_uplink(api.UplinkReport(api.Link("wired"), "", True))
    clock.seconds += 600
    assert (watching.health().link.kind, watching.health().connected) == ("unknown", False)


STATUS = api.Status(
    "kiosk-1", "b", "e", 12, "h", 9, 1, "streaming", "Works.", False, "nobody", "", 4, 2, 3, "ed25519:x", "synced"
)  # fmt: skip
HEALTH = api.Health(
    "now", "earlier", "present", 100, 9.5, 4, 0.8, 1.2, "streaming", api.Link("wifi", -61), True,
    (api.Certificate("web", "2027-01-01T00:00:00.000000Z", 60),),
    (api.Ended("daka-kiosk", "watchdog", 2, "2026-11-02T08:00:00Z"),),
    (api.Alarm("hot", "2026-11-02T08:00:00.000000Z", "2026-11-02T08:01:00.000000Z", True),),
)  # fmt: skip


def test_prometheus_reads_every_figure_and_finds_no_name_in_it() -> None:
    said = metrics.text(metrics.families(STATUS, machine(HEALTH), 'daka "0"\\\n'))
    found = {family.name: family for family in text_string_to_metric_families(said)}
    value = {sample.name: sample.value for family in found.values() for sample in family.samples if not sample.labels}
    assert value["daka_temperature_celsius"] == 41.5
    assert (value["daka_throttled"], value["daka_under_voltage"], value["daka_records_waiting"]) == (1, 0, 3)
    assert found["daka_info"].samples[0].labels["software"] == 'daka "0"\\\n'
    assert {s.labels["state"]: s.value for s in found["daka_camera_state"].samples}["streaming"] == 1
    assert found["daka_attempt_seconds"].samples[1].value == 1.2
    assert found["daka_daemon_ends"].samples[0].labels == {"daemon": "daka-kiosk", "why": "watchdog"}
    assert found["daka_alarm"].samples[0].labels == {"name": "hot"}
    assert all(family.documentation and family.type in ("gauge", "counter") for family in found.values())


def test_what_nobody_knows_is_no_figure() -> None:
    said = metrics.text(metrics.families(STATUS, machine(temperature_c=0.0), "daka"))
    names = {family.name for family in text_string_to_metric_families(said)}
    assert not names & {
        "daka_temperature_celsius",
        "daka_throttled",
        "daka_under_voltage",
        "daka_radio_present",
        "daka_attempt_seconds",
    }


def test_the_state_that_goes_to_the_enterprise_says_it_in_whole_numbers_and_fits_the_schema() -> None:
    said = CODEC.unstructure(post.said_health(machine(HEALTH)))
    state = {"online": True, "session": "0" * 32, "health": said}
    schema.check("state", state, SchemaRefused)
    assert (said["temperature_c"], said["certificate_days"], said["restarts"], said["attempt_median_ms"]) == (42, 60, 2, 800)
    assert said["alarms"] == [{"name": "hot", "first_at": "2026-11-02T08:00:00.000000Z", "last_at": "2026-11-02T08:01:00.000000Z"}]
    with pytest.raises(SchemaRefused):
        schema.check("state", state | {"health": {"throttled": "perhaps"}}, SchemaRefused)
    schema.check("state", {"online": True, "session": "0" * 32}, SchemaRefused)  # a kiosk of before


def test_the_doctor_names_each_sign_and_what_to_do() -> None:
    found = {(one.check, one.verdict): one for one in diagnoses.of(machine(HEALTH, temperature_c=90.0))}
    assert found[("temperature", Verdict.BAD)].remedy
    assert "5.1 V" in found[("power supply", Verdict.NOTE)].remedy
    assert "0.8 s at the median" in found[("speed", Verdict.GOOD)].sentence
    slow = {one.check: one for one in diagnoses.of(machine(replace(HEALTH, frames_per_second=0.3)))}["speed"]
    assert (slow.verdict, "too slow to recognise anybody" in slow.sentence) == (Verdict.BAD, True)
    still = {one.check: one for one in diagnoses.of(machine(replace(HEALTH, frames_per_second=0.0)))}["speed"]
    assert (still.verdict, "though the camera gives pictures" in still.sentence) == (Verdict.BAD, True)
    away = {one.check: one for one in diagnoses.of(machine(replace(HEALTH, frames_per_second=0.0, camera="away")))}["speed"]
    assert away.verdict is Verdict.GOOD, "a camera that shows nothing is another finding"
    assert "-61 dBm" in found[("network", Verdict.GOOD)].sentence
    assert "daka-kiosk 2 x watchdog" in found[("restarts", Verdict.NOTE)].sentence
    assert found[("alarm", Verdict.BAD)].sentence.startswith("hot since 2026-11-02T08:00Z")


def test_an_uplink_that_is_not_connected_is_no_good_network_while_a_server_is_to_have_the_records() -> None:
    def network(**given: float) -> Finding:
        health = replace(HEALTH, connected=False, link=api.Link("wired", 0, 1000))
        return {one.check: one for one in diagnoses.of(machine(health, **given))}["network"]

    cut = network(oldest_unacknowledged_s=1_000)
    assert (cut.verdict, "not connected to the broker" in cut.sentence) == (Verdict.BAD, True)
    assert "daka doctor --uplink" in cut.remedy
    assert network().verdict is Verdict.NOTE, "it has just started, or the network is away for a moment"
    assert network(owed=False).verdict is Verdict.GOOD


def test_the_doctor_says_what_a_machine_does_not_say() -> None:
    said = [one for one in diagnoses.of(machine(temperature_c=0.0)) if one.verdict is Verdict.NOTE]
    assert {one.check for one in said} == {"temperature", "throttling", "power supply", "radio", "network"}
