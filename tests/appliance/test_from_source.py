"""`sudo make install`, as the README says it: from the project's own files, on a bare Debian, to the first screen."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator

import pytest

from device.commands.context import default_weights
from tests.appliance import machine as machines
from tests.appliance.conftest import CACHE
from tests.appliance.test_display import HEADLESS, TURNED
from tests.house.test_repository import REPOSITORY

pytestmark = [pytest.mark.long, pytest.mark.timeout(3_600)]

NOT_THE_PROJECTS = shutil.ignore_patterns(".git", ".venv", "build", "dist", ".*_cache", "*.egg-info", "__pycache__")
CERTIFICATES, RESOLVER = "etc/ssl/certs/ca-certificates.crt", "etc/resolv.conf"
WITHIN_S = 120.0


@pytest.fixture(scope="module", params=["bookworm"])
def bare(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[machines.Machine]:
    """Debian with make and the project's files; a screen in memory, no camera."""
    base = machines.root_of(request.param, CACHE)
    folder = tmp_path_factory.mktemp("source") / "machine"
    with machines.machine(base, folder, f"daka-source-{request.param}") as made:
        shutil.copytree(REPOSITORY, made.files / "root/daka", ignore=NOT_THE_PROJECTS)
        for place in (CERTIFICATES, RESOLVER):  # of this machine: whom it believes, whom it asks
            (made.files / place).unlink(missing_ok=True)
            shutil.copy(f"/{place}", made.files / place)
        shutil.copytree(default_weights(), made.files / "root/.cache/daka/weights")  # fetching them is shown elsewhere
        drop_in = made.files / "etc/systemd/system/daka-display.service.d/99-test.conf"
        drop_in.parent.mkdir(parents=True)
        drop_in.write_text(HEADLESS.format(turned=TURNED[request.param]))
        made.call_online("sh", "-c", "apt-get update -qq && apt-get install -y -qq --no-install-recommends make")
        yield made


def make(machine: machines.Machine, *words: str) -> str:
    """make in the project's folder, as root."""
    return machine.call_online("env", f"PIP_CERT=/{CERTIFICATES}", "HOME=/root", "make", "-C", "/root/daka", *words)


def wait_for(machine: machines.Machine, what: str, unit: str, words: str) -> None:
    """Until the unit has said so."""
    deadline = time.monotonic() + WITHIN_S
    while words not in (said := machine.call("journalctl", "-u", unit, "--no-pager")):
        assert time.monotonic() < deadline, f"{what}: not within {WITHIN_S:.0f} s\n{said[-3_000:]}"
        time.sleep(0.5)


def test_one_command_installs_the_kiosk_and_its_screen_shows_the_page(bare: machines.Machine) -> None:
    said = make(bare, "install", "NAME=kiosk-7")
    assert "installing through apt:" in said
    assert "cage chromium seatd" in said
    wait_for(bare, "its screen shows the page", "daka-display", "the kiosk page is painted")
    for unit in ("daka-kiosk", "daka-uplink", "daka-web", "daka-display"):
        assert bare.call("systemctl", "is-active", unit).strip() == "active"
    assert 'id = "kiosk-7"' in (bare.files / "etc/daka/config.toml").read_text()
    doctor = bare.call("daka", "doctor", check=False)
    for check in ("configuration", "models", "kiosk daemon", "kiosk page"):
        assert any(check in row and " good " in row for row in doctor.splitlines()), f"{check}\n{doctor}"
    privacy = bare.call("sh", "-c", "daka doctor --privacy 2>&1", check=False)
    assert "refused" in privacy, privacy
    assert "POSSIBLE" not in privacy, privacy
    bare.call("daka", "people", "add", "1001", "Employee 1001")


def test_installing_again_keeps_the_people_and_needs_no_package(bare: machines.Machine) -> None:
    said = make(bare, "install")
    assert "installing through apt" not in said
    assert "1001" in bare.call("daka", "people", "list")
