"""A release is verified before it is unpacked, tried, and gone back from; whatever happens, something that worked runs."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import tarfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from device import ended, release_files, release_roots, updates
from device.commands import update as commands
from device.updates import Hands, UpdateFailed, Updater, UpdateRefused
from enterprise import releases

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
KEY = Ed25519PrivateKey.generate()


def archive(
    folder: Path, version: str = "0.2.0", name: str = "daka.tar", members: dict[str, str] | None = None, floor: str = ""
) -> Path:
    """A signed bundle, as small as one can be."""
    held = members or {"daka/VERSION": f"{version} 3.11 x86_64\n", "daka/install.sh": "#!/bin/sh\n"}
    with tarfile.open(folder / name, "w") as made:
        for place, text in held.items():
            entry = tarfile.TarInfo(place)
            entry.size = len(text)
            made.addfile(entry, io.BytesIO(text.encode()))
    releases.sign(folder / name, KEY, NOW, days=30, floor=floor)
    return folder / name


def verified(path: Path, floor: str = "", now: datetime | None = NOW) -> updates.Release:
    return updates.verified(path, release_roots.Roots(path.parent / "root.json", KEY.public_key()), floor, now)


@dataclass
class Machine:
    """What the updater's hands would change; `sound` are the versions that hold."""

    version: str = "0.1.0"
    units: str = "0.1.0"
    sound: tuple[str, ...] = ("0.1.0", "0.2.0")
    done: list[str] = field(default_factory=list)
    lie: set[str] = field(default_factory=lambda: {"0.0.8", "0.0.9", "0.1.0"})
    now: datetime = NOW
    records: int = 41
    writes: bool = True
    dies_after: str = ""
    screen: bool = True
    sees: bool = True
    trouble: str = ""

    def hands(self) -> Hands:
        return Hands(
            lambda: self.version, self.stage, self.activate, self.holds, lambda: self.now, self.keep,
            lambda: updates.Before(self.records, self.sees, self.trouble), lambda: self.screen,
        )  # fmt: skip

    def stage(self, folder: Path) -> None:
        assert (folder / "install.sh").exists()
        self.lie.add((folder / "VERSION").read_text().split()[0])
        self._do("stage")

    def activate(self, version: str) -> None:
        self.units = version
        self._do(f"units of {version}")
        self.version = version
        self.records += self.writes or version == "0.1.0"
        self._do(f"activate {version}")

    def holds(self, version: str, stood: int, saw: bool) -> None:
        self._do(f"look at {version}")
        if version not in self.sound:
            raise UpdateFailed("no picture from the camera")
        if saw and not self.sees:
            raise UpdateFailed("no picture from the camera")
        if self.records <= stood:
            raise UpdateFailed(f"The journal stands at {self.records}.")

    def keep(self, versions: frozenset[str]) -> None:
        self.lie &= versions | {self.version}

    def _do(self, what: str) -> None:
        self.done.append(what)
        if what == self.dies_after:
            raise PowerCut


class PowerCut(BaseException):
    """Nothing after this is done."""


def test_a_signed_release_says_what_it_is(tmp_path: Path) -> None:
    found = verified(archive(tmp_path))
    assert (found.version, found.python, found.arch) == ("0.2.0", "3.11", "x86_64")


def change_archive(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[600] ^= 1
    path.write_bytes(raw)


def cut_archive(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-512])


def change_metadata(path: Path) -> None:
    beside = path.with_name(path.name + updates.METADATA_SUFFIX)
    said = json.loads(beside.read_text())
    said["signed"]["targets"][path.name]["custom"]["version"] = "9.9.9"
    beside.write_text(json.dumps(said))


def lose_metadata(path: Path) -> None:
    path.with_name(path.name + updates.METADATA_SUFFIX).unlink()


def rubbish_metadata(path: Path) -> None:
    path.with_name(path.name + updates.METADATA_SUFFIX).write_text("{")


def anothers_signature(path: Path) -> None:
    releases.sign(path, Ed25519PrivateKey.generate(), NOW, days=30)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (change_archive, "not what was signed"),
        (cut_archive, "not what was signed"),
        (change_metadata, "not signed by the enterprise"),
        (lose_metadata, "comes with its signature"),
        (rubbish_metadata, "not signed by the enterprise"),
        (anothers_signature, "not signed by the enterprise"),
    ],
)
def test_whatever_is_changed_is_refused_before_anything_is_unpacked(
    tmp_path: Path, change: Callable[[Path], None], says: str
) -> None:
    path = archive(tmp_path)
    change(path)
    with pytest.raises(UpdateRefused, match=says):
        verified(path)


def test_a_release_under_another_name_is_not_the_one_that_was_signed(tmp_path: Path) -> None:
    path = archive(tmp_path)
    renamed = path.rename(tmp_path / "other.tar")
    (tmp_path / f"daka.tar{updates.METADATA_SUFFIX}").rename(tmp_path / f"other.tar{updates.METADATA_SUFFIX}")
    with pytest.raises(UpdateRefused, match=r"does not sign other\.tar"):
        verified(renamed)


def test_an_old_signature_counts_only_against_a_clock_that_can_be_trusted(tmp_path: Path) -> None:
    path = archive(tmp_path)
    late = NOW + timedelta(days=31)
    with pytest.raises(UpdateRefused, match="ran out"):
        verified(path, now=late)
    assert verified(path, now=None).version == "0.2.0"


def test_nothing_below_the_floor_is_taken_whatever_the_clock_says(tmp_path: Path) -> None:
    path = archive(tmp_path, "0.9.0")
    with pytest.raises(UpdateRefused, match=r"older than 0\.10\.0"):
        verified(path, floor="0.10.0", now=None)


def test_a_version_that_holds_stays_and_the_one_before_lies_beside_it(tmp_path: Path) -> None:
    machine = Machine()
    standing = Updater(tmp_path / "state", machine.hands()).apply(verified(archive(tmp_path)))
    assert (machine.version, standing.outcome, standing.before) == ("0.2.0", "holds", "0.1.0")
    assert machine.done == ["stage", "units of 0.2.0", "activate 0.2.0", "look at 0.2.0"]
    assert not (tmp_path / "state" / "incoming").exists()


def test_once_a_version_holds_it_and_the_one_before_are_all_that_lies_there(tmp_path: Path) -> None:
    machine = Machine(sound=("0.1.0", "0.2.0", "0.3.0"))
    updater = Updater(tmp_path / "state", machine.hands())
    updater.apply(verified(archive(tmp_path)))
    assert machine.lie == {"0.1.0", "0.2.0"}
    updater.apply(verified(archive(tmp_path, "0.3.0")))
    assert machine.lie == {"0.2.0", "0.3.0"}
    updater.fell("daka-kiosk.service")
    assert machine.version == "0.2.0"


def test_a_version_that_did_not_hold_goes_when_the_next_one_comes_and_the_way_back_stays(tmp_path: Path) -> None:
    machine = Machine(version="0.1.0", sound=("0.1.0", "0.3.0"))
    updater = Updater(tmp_path / "state", machine.hands())
    with pytest.raises(UpdateFailed):
        updater.apply(verified(archive(tmp_path)))
    assert machine.lie == {"0.1.0", "0.2.0"}, "it may be what runs this very command"
    updater.apply(verified(archive(tmp_path, "0.3.0")))
    assert machine.lie == {"0.1.0", "0.3.0"}


def test_a_version_whose_trial_the_power_cut_short_holds_at_the_start_and_the_older_ones_go(tmp_path: Path) -> None:
    machine = Machine(dies_after="look at 0.2.0")
    updater = Updater(tmp_path / "state", machine.hands())
    with pytest.raises(PowerCut):
        updater.apply(verified(archive(tmp_path)))
    machine.dies_after = ""
    machine.lie.add("0.0.7")
    assert updater.settle().outcome == "holds"
    assert machine.lie == {"0.1.0", "0.2.0"}


def test_what_is_removed_from_the_machine_is_never_what_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    versions = tmp_path / "versions"
    for one in ("0.1.0", "0.2.0", "0.3.0", ".gone-0.0.9"):
        (versions / one / "bin").mkdir(parents=True)
    (tmp_path / "current").symlink_to("versions/0.3.0")
    monkeypatch.setattr(commands, "VERSIONS", versions)
    monkeypatch.setattr(commands, "CURRENT", tmp_path / "current")
    commands._keep(frozenset({"0.2.0"}))
    assert {path.name for path in versions.iterdir()} == {"0.2.0", "0.3.0"}


def test_a_version_that_cannot_be_removed_is_no_reason_to_go_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(commands, "VERSIONS", tmp_path / "nothing")
    commands._keep(frozenset())
    assert "could not be removed" in capsys.readouterr().err


def test_a_version_that_does_not_hold_is_gone_back_from(tmp_path: Path) -> None:
    machine = Machine(sound=("0.1.0",))
    updater = Updater(tmp_path / "state", machine.hands())
    with pytest.raises(UpdateFailed, match=r"0\.2\.0 did not hold \(no picture from the camera\); 0\.1\.0 runs again"):
        updater.apply(verified(archive(tmp_path)))
    assert machine.version == "0.1.0"
    assert (updater.standing.outcome, updater.standing.why) == ("went_back", "no picture from the camera")


@pytest.mark.parametrize(
    ("dies_after", "sound", "runs", "outcome"),
    [
        ("stage", ("0.1.0", "0.2.0"), "0.1.0", "none"),
        ("units of 0.2.0", ("0.1.0", "0.2.0"), "0.1.0", "none"),
        ("activate 0.2.0", ("0.1.0", "0.2.0"), "0.2.0", "holds"),
        ("activate 0.2.0", ("0.1.0",), "0.1.0", "went_back"),
        ("look at 0.2.0", ("0.1.0", "0.2.0"), "0.2.0", "holds"),
    ],
)
def test_a_power_cut_at_any_step_ends_with_a_version_that_holds(
    tmp_path: Path, dies_after: str, sound: tuple[str, ...], runs: str, outcome: str
) -> None:
    machine = Machine(sound=sound, dies_after=dies_after)
    with pytest.raises(PowerCut):
        Updater(tmp_path / "state", machine.hands()).apply(verified(archive(tmp_path)))
    machine.dies_after = ""
    again = Updater(tmp_path / "state", machine.hands())
    try:
        again.settle()
    except UpdateFailed:
        assert outcome == "went_back"
    assert (machine.version, machine.units, again.standing.outcome) == (runs, runs, outcome)


def test_a_power_cut_before_the_switch_says_nothing_against_the_release(tmp_path: Path) -> None:
    machine, made = Machine(dies_after="activate 0.2.0"), archive(tmp_path)
    updater = Updater(tmp_path / "state", machine.hands())
    with pytest.raises(PowerCut):
        updater.apply(verified(made))
    machine.version, machine.dies_after = "0.1.0", ""  # the link was not turned yet
    assert (updater.settle().outcome, machine.done[-1]) == ("none", "activate 0.1.0")
    assert not updater.standing.is_done_with(release_files.mark(made), NOW + timedelta(days=1))
    assert updater.apply(verified(made)).outcome == "holds"
    assert updater.standing.is_done_with(release_files.mark(made), NOW)


def test_a_version_that_takes_no_record_is_gone_back_from_after_a_power_cut_too(tmp_path: Path) -> None:
    """The records from before the switch say nothing for it."""
    machine = Machine(writes=False, dies_after="activate 0.2.0")
    with pytest.raises(PowerCut):
        Updater(tmp_path / "state", machine.hands()).apply(verified(archive(tmp_path)))
    machine.dies_after = ""
    after_the_start = Updater(tmp_path / "state", machine.hands())
    with pytest.raises(UpdateFailed, match="journal stands at 41"):
        after_the_start.settle()
    assert (machine.version, after_the_start.standing.outcome) == ("0.1.0", "went_back")


@pytest.mark.parametrize(("hours", "runs"), [(1, "0.1.0"), (25, "0.2.0")])
def test_a_new_version_whose_daemons_fall_goes_within_a_day_and_an_old_one_stays(tmp_path: Path, hours: int, runs: str) -> None:
    machine = Machine()
    updater = Updater(tmp_path / "state", machine.hands())
    updater.apply(verified(archive(tmp_path)))
    machine.now += timedelta(hours=hours)
    updater.fell("daka-kiosk.service")
    assert machine.version == runs
    updater.fell("daka-kiosk.service")  # and it does not swing to and fro
    assert machine.version == runs


@pytest.mark.parametrize(
    ("daemon", "reasons", "apart_s", "runs"),
    [
        ("daka-kiosk", ("watchdog", "exit-code", "watchdog"), 300, "0.1.0"),
        ("daka-kiosk", ("watchdog", "watchdog"), 300, "0.2.0"),
        ("daka-kiosk", ("success", "watchdog", "success", "watchdog"), 300, "0.2.0"),  # restarts that somebody asked for
        ("daka-kiosk", ("watchdog", "watchdog", "watchdog"), 1_000, "0.2.0"),
        (
            "daka-web",
            ("oom-kill", "oom-kill", "oom-kill"),
            300,
            "0.2.0",
        ),  # a stranger on the network may have brought it about
    ],
)
def test_a_new_version_whose_daemons_end_again_and_again_goes_however_slowly_they_do(
    tmp_path: Path, daemon: str, reasons: tuple[str, ...], apart_s: int, runs: str
) -> None:
    machine, ends = Machine(), tmp_path / "ended"
    updater = Updater(tmp_path / "state", machine.hands())
    for minutes in range(3):  # what the version before did is not the new one's
        ended.note(ends, daemon, NOW - timedelta(minutes=minutes + 1), "watchdog")
    updater.apply(verified(archive(tmp_path)))
    for why in reasons:
        machine.now += timedelta(seconds=apart_s)
        ended.note(ends, daemon, machine.now, why)
        updater.look_for_falls(ends)
    assert machine.version == runs
    assert (updater.standing.outcome == "went_back") == (runs == "0.1.0")


@pytest.mark.parametrize(("screen", "runs"), [(False, "0.2.0"), (True, "0.1.0")])
def test_a_display_that_fails_while_its_monitor_is_switched_off_says_nothing_against_a_version(
    tmp_path: Path, screen: bool, runs: str
) -> None:
    machine, ends = Machine(screen=screen), tmp_path / "ended"
    updater = Updater(tmp_path / "state", machine.hands())
    updater.apply(verified(archive(tmp_path)))
    for _ in range(3):
        machine.now += timedelta(minutes=2)
        ended.note(ends, "daka-display", machine.now, "timeout")
    updater.look_for_falls(ends)
    assert machine.version == runs
    updater.fell("daka-display.service")
    assert machine.version == runs


def test_a_web_daemon_that_strangers_on_the_network_can_end_again_and_again_says_nothing_against_a_version(tmp_path: Path) -> None:
    """Not by its start limit either: a release that is gone back from is never taken again."""
    machine = Machine()
    updater = Updater(tmp_path / "state", machine.hands())
    updater.apply(verified(archive(tmp_path)))
    went = updater.fell("daka-web.service")
    assert (machine.version, went.outcome, went.not_held) == ("0.2.0", "holds", ())


def test_a_release_that_is_refused_meanwhile_does_not_keep_a_fallen_version_running(tmp_path: Path) -> None:
    machine, made = Machine(), archive(tmp_path)
    updater = Updater(tmp_path / "state", machine.hands())
    updater.apply(verified(made))
    updater.refuse("junk.tar", "0" * 64 + ":" + "1" * 64, "not signed")
    went = updater.fell("daka-kiosk.service")
    assert (machine.version, went.outcome, went.version) == ("0.1.0", "went_back", "0.2.0")
    assert went.not_held == (release_files.archive_of(release_files.mark(made)),)


@pytest.mark.parametrize("refused", [False, True])
def test_what_was_installed_by_hand_since_is_never_gone_back_from(tmp_path: Path, refused: bool) -> None:
    machine = Machine()
    updater = Updater(tmp_path / "state", machine.hands())
    updater.apply(verified(archive(tmp_path)))
    if refused:
        updater.refuse("junk.tar", "0" * 64 + ":" + "1" * 64, "not signed")
    machine.version = "0.3.0"
    updater.fell("daka-kiosk.service")
    assert (machine.version, updater.standing.not_held) == ("0.3.0", ())


def test_what_was_installed_by_hand_over_a_trial_that_was_killed_stays(tmp_path: Path) -> None:
    machine = Machine(dies_after="activate 0.2.0")
    updater = Updater(tmp_path / "state", machine.hands())
    with pytest.raises(PowerCut):
        updater.apply(verified(archive(tmp_path)))
    machine.version = "0.3.0"
    settled = updater.settle()
    assert (machine.version, settled.outcome) == ("0.3.0", "none")
    assert "0.3.0 was installed by hand" in settled.why


@pytest.mark.parametrize("outcome", ["none", "holds"])
def test_of_an_installation_by_hand_that_the_power_cut_short_no_new_unit_stays(tmp_path: Path, outcome: str) -> None:
    machine, folder = Machine(), tmp_path / "state"
    updater = Updater(folder, machine.hands())
    if outcome == "holds":
        updater.apply(verified(archive(tmp_path)))
    folder.mkdir(exist_ok=True)
    (folder / updates.SWITCHING).touch()  # as activate.sh, which got no further than the units
    machine.units = "0.3.0"
    assert updater.settle().outcome == outcome
    assert machine.units == machine.version
    (folder / updates.SWITCHING).unlink()
    done = list(machine.done)
    updater.settle()
    assert machine.done == done, "nothing is switched at an ordinary start"


def test_a_switch_that_the_power_cut_short_after_the_link_is_done_to_its_end(tmp_path: Path) -> None:
    machine, folder = Machine(dies_after="activate 0.2.0"), tmp_path / "state"
    updater = Updater(folder, machine.hands())
    with pytest.raises(PowerCut):
        updater.apply(verified(archive(tmp_path)))
    (folder / updates.SWITCHING).touch()
    machine.dies_after = ""
    assert updater.settle().outcome == "holds"
    assert machine.done.count("activate 0.2.0") == 2


def test_a_camera_that_was_unplugged_before_the_switch_says_nothing_against_the_new_version(tmp_path: Path) -> None:
    machine = Machine(sees=False)
    assert Updater(tmp_path / "state", machine.hands()).apply(verified(archive(tmp_path))).outcome == "holds"


def test_a_camera_that_sees_no_more_after_the_switch_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine()

    def blinds(version: str) -> None:
        machine.sees = version == "0.1.0"
        machine.version = version

    monkeypatch.setattr(machine, "activate", blinds)
    with pytest.raises(UpdateFailed, match="no picture"):
        Updater(tmp_path / "state", machine.hands()).apply(verified(archive(tmp_path)))


def test_a_journal_that_is_in_trouble_is_put_right_before_anything_is_switched(tmp_path: Path) -> None:
    machine, made = Machine(trouble="the disk is full"), archive(tmp_path)
    updater = Updater(tmp_path / "state", machine.hands())
    with pytest.raises(updates.UpdateNotNow, match="in trouble, which is put right first: the disk is full"):
        updater.apply(verified(made))
    assert machine.version == "0.1.0"
    machine.trouble = ""
    assert updater.apply(verified(made)).outcome == "holds"


def looked(machine: Machine, folder: Path, how: str) -> updates.Standing:
    again = Updater(folder, machine.hands())
    return again.fell("daka-kiosk.service") if how == "fell" else again.look_for_falls(folder / "ended")


@pytest.mark.parametrize("how", ["fell", "falls"])
@pytest.mark.parametrize(("sound", "runs"), [(("0.1.0", "0.2.0"), "0.2.0"), (("0.1.0",), "0.1.0")])
def test_a_version_whose_trial_was_killed_is_looked_at_with_the_next_end_of_a_daemon(
    tmp_path: Path, how: str, sound: tuple[str, ...], runs: str
) -> None:
    machine = Machine(sound=sound, dies_after="activate 0.2.0")
    with pytest.raises(PowerCut):  # or somebody's kill -9: the machine goes on
        Updater(tmp_path / "state", machine.hands()).apply(verified(archive(tmp_path)))
    machine.dies_after = ""
    try:
        looked(machine, tmp_path / "state", how)
    except UpdateFailed:
        assert runs == "0.1.0"
    assert machine.version == runs
    assert Updater(tmp_path / "state", machine.hands()).standing.outcome == ("holds" if runs == "0.2.0" else "went_back")


@pytest.mark.parametrize("asked", [["settle"], ["falls"], ["fell", "daka-kiosk.service"]])
def test_while_one_tries_a_version_nobody_else_looks_at_it_or_takes_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: list[str]
) -> None:
    machine = Machine()
    machine.dies_after = "look at 0.2.0"
    folder, made = tmp_path / "state", archive(tmp_path)
    updater = Updater(folder, machine.hands())
    monkeypatch.setattr(commands, "FOLDER", folder)
    monkeypatch.setattr(commands, "_updater", lambda patience=0: updater)
    with updates.alone(folder):
        with pytest.raises(PowerCut):
            updater.apply(verified(made))
        done = list(machine.done)
        assert "under way" in CliRunner().invoke(commands.update, asked).output
        refused = CliRunner().invoke(commands.update, ["apply", str(made)])
        assert isinstance(refused.exception, updates.UnderWay)
        assert machine.done == done
    machine.dies_after = ""
    assert "holds" in CliRunner().invoke(commands.update, asked).output


def test_a_terminal_that_is_closed_after_the_switch_ends_neither_it_nor_the_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "0.2.0/share/daka/activate.sh"
    script.parent.mkdir(parents=True)
    script.write_text("#!/bin/sh\nkill -HUP $PPID $$; kill -INT $PPID $$\n")
    script.chmod(0o755)
    monkeypatch.setattr(commands, "VERSIONS", tmp_path)
    before = {one: signal.getsignal(one) for one in (signal.SIGHUP, signal.SIGINT)}
    try:
        commands.Appliance(5).activate("0.2.0")
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def test_what_runs_already_is_not_installed_again(tmp_path: Path) -> None:
    with pytest.raises(UpdateRefused, match="runs already"):
        Updater(tmp_path / "state", Machine(version="0.2.0").hands()).apply(verified(archive(tmp_path)))


def test_what_was_installed_over_its_own_version_is_updated_as_that_version_and_gone_back_to_as_itself(tmp_path: Path) -> None:
    machine = Machine(version="0.1.0+3fa9c2d1", sound=())
    updater = Updater(tmp_path / "root", machine.hands())
    with pytest.raises(UpdateRefused, match=r"0\.1\.0 runs already"):
        updater.apply(verified(archive(tmp_path, "0.1.0")))
    with pytest.raises(UpdateFailed):
        updater.apply(verified(archive(tmp_path)))
    assert machine.version == "0.1.0+3fa9c2d1"


def test_an_older_release_is_taken_only_where_somebody_at_the_machine_says_so(tmp_path: Path) -> None:
    machine = Machine(version="0.10.0", sound=("0.10.0", "0.9.0"))
    updater = Updater(tmp_path / "state", machine.hands())
    release = verified(archive(tmp_path, "0.9.0"))
    with pytest.raises(UpdateRefused, match=r"0\.9\.0 is older than 0\.10\.0, which runs"):
        updater.apply(release)
    assert machine.done == []
    assert updater.apply(release, older=True).outcome == "holds"
    assert machine.version == "0.9.0"


def test_an_archive_that_would_write_elsewhere_is_refused_though_it_is_signed(tmp_path: Path) -> None:
    members = {"daka/VERSION": "0.2.0 3.11 x86_64\n", "daka/install.sh": "", "../../outside": "x"}
    with pytest.raises(UpdateFailed, match="cannot be unpacked"):
        Updater(tmp_path / "state", Machine().hands()).apply(verified(archive(tmp_path, members=members)))
    assert not (tmp_path.parent / "outside").exists()


def test_an_archive_without_a_bundle_changes_nothing(tmp_path: Path) -> None:
    machine = Machine()
    with pytest.raises(UpdateRefused, match="holds no bundle"):
        Updater(tmp_path / "state", machine.hands()).apply(
            verified(archive(tmp_path, members={"daka/VERSION": "0.2.0 3.11 x86_64\n"}))
        )
    assert machine.done == []


def test_what_is_changed_after_it_was_verified_is_not_what_is_installed(tmp_path: Path) -> None:
    path = archive(tmp_path)
    copy = updates.taken_in(path, tmp_path / "own")
    release = verified(copy)
    path.write_bytes(b"something else")
    assert (updates.unpacked(release, tmp_path / "incoming") / "VERSION").read_text().startswith("0.2.0")


def make_a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def make_it_huge(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(updates.MOST_ARCHIVE_BYTES + 1)  # a hole: it takes no room


@pytest.mark.parametrize("change", [make_a_pipe, make_it_huge, lose_metadata])
def test_a_pipe_a_flood_or_a_missing_signature_is_refused_and_no_copy_stays(tmp_path: Path, change: Callable[[Path], None]) -> None:
    path = archive(tmp_path)
    change(path)
    with pytest.raises(UpdateRefused):
        updates.taken_in(path, tmp_path / "own")
    assert not list(tmp_path.glob("own/*.tar"))


def test_a_release_without_room_for_it_is_refused_before_it_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = archive(tmp_path)
    # A copy, what is unpacked from it, three times as much installed; and records come first.
    enough = path.stat().st_size * 5 + (500 << 20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=enough - 1))
    with pytest.raises(UpdateRefused, match="MB free"):
        updates.taken_in(path, tmp_path / "own")


def test_a_release_with_a_floor_is_never_gone_back_from_once_it_holds(tmp_path: Path) -> None:
    machine = Machine()
    updater = Updater(tmp_path / "state", machine.hands())
    assert updater.apply(verified(archive(tmp_path, floor="0.2.0"))).floor == "0.2.0"
    assert updater.fell("daka-kiosk.service").outcome == "holds"
    assert machine.version == "0.2.0"
    with pytest.raises(UpdateRefused, match=r"older than 0\.2\.0"):
        verified(archive(tmp_path, "0.1.9"), floor=updater.standing.floor)


def test_a_release_with_a_floor_that_does_not_hold_is_gone_back_from_and_raises_no_floor(tmp_path: Path) -> None:
    machine = Machine(sound=("0.1.0",))
    updater = Updater(tmp_path / "state", machine.hands())
    with pytest.raises(UpdateFailed):
        updater.apply(verified(archive(tmp_path, floor="0.2.0")))
    assert (machine.version, updater.standing.floor) == ("0.1.0", "")


def test_a_release_that_would_forbid_itself_is_not_signed(tmp_path: Path) -> None:
    with pytest.raises(releases.ReleaseError, match="could not run"):
        archive(tmp_path, "0.2.0", floor="0.3.0")


def test_what_runs_again_is_said_until_another_version_holds_whatever_is_refused_meanwhile(tmp_path: Path) -> None:
    machine = Machine(sound=("0.1.0", "0.3.0"))
    said = list[updates.Standing]()
    updater = Updater(tmp_path / "state", machine.hands(), said.append)
    with pytest.raises(UpdateFailed):
        updater.apply(verified(archive(tmp_path)))
    updater.refuse("junk.tar", "0" * 64 + ":" + "1" * 64, "not signed")
    assert (said[-1].outcome, said[-1].back_to) == ("refused", "0.1.0")
    assert updater.apply(verified(archive(tmp_path, "0.3.0"))).back_to == ""
    (tmp_path / "state" / "standing.json").write_text(json.dumps({"outcome": "went_back", "version": "0.4.0", "before": "0.3.0"}))
    assert updater.standing.back_to == "0.3.0", "an earlier version wrote it"


def test_what_a_newer_version_wrote_is_read_by_the_older_one_after_going_back(tmp_path: Path) -> None:
    (tmp_path / "standing.json").write_text(json.dumps({"outcome": "went_back", "version": "0.9.0", "of_the_future": "x"}))
    assert Updater(tmp_path, Machine().hands()).standing.version == "0.9.0"
