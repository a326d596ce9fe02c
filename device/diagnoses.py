"""What the running daemon's vital signs mean to a person: one finding for each, with its remedy."""

from __future__ import annotations

from collections.abc import Iterator

from device import api, ended, membership, vitals
from device.findings import Finding, Verdict

REMEDIES = {
    "hot": "give the kiosk air, or a heat sink; keep it out of the sun",
    "slow": "a look at a face may take two seconds at most: end other programs, give the kiosk air and its own power supply",
    "still": "sudo systemctl restart daka-kiosk; journalctl -u daka-kiosk says why",
    "throttled": "give the kiosk air and its own power supply; until then faces take longer",
    "under_voltage": "use the power supply that belongs to the board (a Pi 4 wants 5.1 V, 3 A) and a short cable",
    "disk_low": "free some room; see docs/operations.md",
    "memory_low": "end other programs, or set models.landmarks = 'opencv', which saves 50 MB",
    "records_wait": "daka doctor --uplink names the step that fails; records can be carried by hand: daka export",
    "camera_away": "check the camera's cable and camera.source",
    "radio_absent": "plug a Bluetooth controller in, or set lock.enabled = false",
    "certificate_ends": "the uplink renews it, if uplink.renew_url is set; else daka join, or new files",
    "daemon_falls": "journalctl -u daka-NAME says why",
    "journal_trouble": "see the kiosk daemon's log and the disk",
    "clock_unsure": "start chrony or systemd-timesyncd, or connect the kiosk to its server, which tells the time",
    "clock_disagrees": "find out which clock is wrong: this kiosk's NTP source, or the server",
    "locked": "the uplink asks the server for its share: is the join service running, is this kiosk trusted? see the uplink's log",
    "membership_damaged": f"nobody is believed until {membership.REMEDY}",
    "update_went_back": "daka update status says why; mend that, then offer a newer version",
}
UNKNOWN = "this machine does not say"
LONG_S = 600  # a record that waits for longer than this waits for more than a start or a short failure of the network
SLOWEST = 0.5  # frames a second: beyond tracks.STALLED no face is taken for the one of the frame before, and no look for its second


def of(machine: api.Machine) -> Iterator[Finding]:
    """Temperature, power, speed, radio, link, certificates, ended daemons, alarms."""
    health = machine.health
    yield _temperature(machine.temperature_c)
    yield _power("throttling", health.throttled, "throttled")
    yield _power("power supply", health.under_voltage, "under_voltage")
    yield _speed(health)
    yield _radio(health.radio)
    yield _link(machine)
    yield from (_certificate(one) for one in health.certificates)
    yield _ends(health.ended)
    yield from (_alarm(one) for one in health.alarms if one.active)


def _temperature(celsius: float) -> Finding:
    if not celsius:
        return Finding("temperature", Verdict.NOTE, UNKNOWN)
    if celsius >= vitals.HOT_C:
        return Finding("temperature", Verdict.BAD, f"{celsius:.0f} °C", REMEDIES["hot"])
    return Finding("temperature", Verdict.GOOD, f"{celsius:.0f} °C")


def _power(check: str, said: str, alarm: str) -> Finding:
    words = {"no": "none", "now": "at this moment", "earlier": "since the start of the machine", "unknown": UNKNOWN}
    verdict = {"no": Verdict.GOOD, "now": Verdict.BAD}.get(said, Verdict.NOTE)
    return Finding(check, verdict, words.get(said, said), REMEDIES[alarm] if said in ("now", "earlier") else "")


def _speed(health: api.Health) -> Finding:
    words = f"{health.frames_per_second:.1f} frames a second"
    if health.attempt_median_s:
        words += (
            f"; face to record {health.attempt_median_s:.1f} s at the median, {health.attempt_p95_s:.1f} s at the 95th percentile"
        )
    if health.camera == "streaming" and not health.frames_per_second:
        return Finding("speed", Verdict.BAD, f"{words}, though the camera gives pictures: nobody is recognised", REMEDIES["still"])
    if 0 < health.frames_per_second < SLOWEST:
        return Finding("speed", Verdict.BAD, f"{words}: too slow to recognise anybody", REMEDIES["slow"])
    return Finding("speed", Verdict.GOOD, words)


def _radio(said: str) -> Finding:
    words = {"present": "a Bluetooth controller is there", "absent": "no Bluetooth controller; contract locks need one"}
    return Finding("radio", Verdict.GOOD if said == "present" else Verdict.NOTE, words.get(said, "the kernel has no Bluetooth"))


def _link(machine: api.Machine) -> Finding:
    health = machine.health
    link = health.link
    signal = f", {link.signal_dbm} dBm" if link.signal_dbm else ""
    speed = f", {link.speed_mbit} Mbit/s" if link.speed_mbit else ""
    if link.kind in ("unknown", "none"):
        words = "no way out" if link.kind == "none" else "the uplink has not reported; it is off, or has just started"
        return Finding("network", Verdict.NOTE, words, "daka doctor --uplink")
    if machine.owed and not health.connected:
        words = f"{link.kind}{signal}{speed}, but the uplink was not connected to the broker when it last reported"
        verdict = Verdict.BAD if machine.oldest_unacknowledged_s > LONG_S else Verdict.NOTE
        return Finding("network", verdict, words, "daka doctor --uplink; journalctl -u daka-uplink")
    weak = link.signal_dbm and link.signal_dbm < -75
    return Finding(
        "network", Verdict.NOTE if weak else Verdict.GOOD, f"{link.kind}{signal}{speed}", "move the antenna" if weak else ""
    )


def _certificate(one: api.Certificate) -> Finding:
    words = f"{one.name}: {one.days_left} days left"
    if one.days_left < 0:
        return Finding("certificate", Verdict.BAD, words, REMEDIES["certificate_ends"])
    soon = one.days_left <= vitals.SOON_DAYS
    return Finding("certificate", Verdict.NOTE if soon else Verdict.GOOD, words, REMEDIES["certificate_ends"] if soon else "")


def _ends(ends: tuple[api.Ended, ...]) -> Finding:
    count = ended.unasked(ends)
    if not count:
        return Finding("restarts", Verdict.GOOD, "none since the machine's start that nobody asked for")
    said = ", ".join(f"{one.daemon} {one.count} x {one.why} (last {one.last_at})" for one in ends if one.why != ended.ASKED)
    return Finding("restarts", Verdict.NOTE, said, REMEDIES["daemon_falls"])


def _alarm(one: api.Alarm) -> Finding:
    words = f"{one.name} since {one.first_at[:16]}Z, last at {one.last_at[:16]}Z"
    return Finding("alarm", Verdict.BAD, words, REMEDIES.get(one.name, ""))
