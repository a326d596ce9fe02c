"""What the doctor says of an appliance's units, by a systemd that says what a test lays out."""

from __future__ import annotations

from pathlib import Path

import pytest

from device import config, outlet, state, units
from device.findings import Verdict

RUNS = {"LoadState": "loaded", "ActiveState": "active", "SubState": "running", "UnitFileState": "enabled", "ConditionResult": "yes"}
WANTED = ("daka-kiosk.service", "daka-web.service", "daka-display.service")


@pytest.fixture
def appliance(tmp_path: Path) -> state.Folder:
    return state.Folder(tmp_path, layer=tmp_path / "settings.toml")


def lay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **unlike: dict[str, str]) -> None:
    """Units that run, but for what is said of one by its middle name."""

    def block(name: str) -> str:
        said = RUNS | unlike.get(name.partition(".")[0].removeprefix("daka-"), {})
        return "".join(f"{key}={value}\n" for key, value in (("Id", name), *said.items()))

    (tmp_path / "wants").write_text(f"Wants={' '.join(WANTED)}\n")
    (tmp_path / "all").write_text("\n".join(block(name) for name in ("daka.target", *WANTED)))
    program = tmp_path / "bin" / "systemctl"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f'#!/bin/sh\ncase "$*" in *=Wants*) cat {tmp_path}/wants ;; *) cat {tmp_path}/all ;; esac\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")


@pytest.mark.parametrize(
    ("unit", "unlike", "verdict", "says"),
    [
        ("web", {"ActiveState": "failed", "SubState": "failed"}, Verdict.BAD, "daka-web.service fails"),
        ("web", {"ActiveState": "activating", "SubState": "auto-restart"}, Verdict.BAD, "daka-web.service fails"),
        ("display", {"ActiveState": "inactive", "SubState": "dead"}, Verdict.BAD, "daka-display.service does not run"),
        ("display", {"ActiveState": "inactive", "ConditionResult": "no"}, Verdict.NOTE, "a condition of its own is not met"),
        ("web", {"LoadState": "masked", "ActiveState": "inactive"}, Verdict.BAD, "daka-web.service is masked"),
        ("web", {"LoadState": "not-found", "ActiveState": "inactive"}, Verdict.BAD, "daka-web.service: not-found"),
        ("daka", {"UnitFileState": "disabled"}, Verdict.BAD, "does not start with the machine"),
        ("daka", {"ActiveState": "inactive"}, Verdict.BAD, "daka.target does not run"),
    ],
)
def test_a_unit_that_does_not_do_what_it_should_is_named_with_the_way_out(
    appliance: state.Folder, monkeypatch: pytest.MonkeyPatch, unit: str, unlike: dict[str, str], verdict: Verdict, says: str
) -> None:
    lay(appliance.root, monkeypatch, **{unit: unlike})
    (found,) = units.findings(appliance)
    assert (found.verdict, says in found.sentence, bool(found.remedy)) == (verdict, True, True), found


def test_an_appliance_all_of_which_runs_is_one_good_row_and_a_laptop_none(
    appliance: state.Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay(appliance.root, monkeypatch, display={"ActiveState": "activating", "SubState": "start"})
    assert [found.verdict for found in units.findings(appliance)] == [Verdict.GOOD]
    assert units.findings(state.Folder(appliance.root)) == ()
    (appliance.root / "wants").write_text("")
    assert [found.verdict for found in units.findings(appliance)] == [Verdict.NOTE], "nobody answers"


def test_whom_the_uplink_may_not_reach_is_said_though_any_other_program_reaches_them(
    appliance: state.Folder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    drop_in = tmp_path / "broker.conf"
    monkeypatch.setattr(outlet, "DROP_IN", drop_in)
    chosen = config.Uplink(enabled=True, host="Broker.example", renew_url="https://join.example:8444")
    assert units.reachable(chosen, state.Folder(tmp_path)) is None, "a laptop keeps nobody from anything"

    def said() -> str:
        found = units.reachable(chosen, appliance)
        return found.sentence if found and found.verdict is Verdict.BAD and "set-broker" in found.remedy else ""

    assert "nobody" in said()
    for hosts, reached, wrong in (
        (("broker.example", "join.example"), ("192.0.2.7",), ""),
        (("broker.example",), ("192.0.2.7",), "may not reach join.example, only broker.example"),
        (("broker.example", "join.example"), (), "only nobody"),
    ):
        drop_in.write_text(outlet.drop_in(hosts, reached))
        assert wrong in said()
        assert bool(said()) == bool(wrong)
