"""What maintenance does to an appliance: an offered release that installs itself, one that does not hold, restores by root."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.appliance import office
from tests.appliance.conftest import DEVICE, EMPLOYEE, Appliance, Workshop, raised, release

pytestmark = [pytest.mark.long, pytest.mark.timeout(1_800)]

WITH_SECRET = ("--passphrase-file", "/srv/secret")
FETCH_S = 120.0


@pytest.fixture(scope="module", params=["bookworm", "trixie"])
def appliance(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, workshop: Workshop) -> Iterator[Appliance]:
    """One that may ask the enterprise for releases at any time of the day; its update key was given to it at the start."""
    for made in raised(workshop, request.param, tmp_path_factory.mktemp("maintenance")):
        files = made.machine.files
        made.trust()
        settings = files / "etc/daka/config.toml"
        settings.write_text(f'{settings.read_text()}\n[updates]\nwindow = ""\n')
        (files / "srv/secret").write_text(f"{office.PASSPHRASE}\n")
        hall = np.random.default_rng(1).normal(120, 6, (480, 640, 3)).clip(0, 255).astype(np.uint8)
        cv2.imwrite(str(files / "srv/hall.jpg"), cv2.GaussianBlur(hall, (9, 9), 0))
        made.begin()
        yield made


def is_empty(appliance: Appliance) -> bool:
    """Whether a release might be installed now, as the kiosk sees it."""
    return "installing waits for: nothing" in appliance.says("daka", "update", "status")


def everybody_leaves(appliance: Appliance) -> None:
    appliance.change("file:/srv/shown.jpg", "file:/srv/hall.jpg")
    appliance.call("systemctl", "restart", "daka-kiosk")
    appliance.wait("nobody stands there", lambda: is_empty(appliance))


def somebody_is_recognised(appliance: Appliance) -> None:
    appliance.change("file:/srv/hall.jpg", "file:/srv/shown.jpg")
    appliance.somebody_comes()


@contextlib.contextmanager
def another_punch(appliance: Appliance) -> Iterator[None]:
    """What is done in here makes the kiosk see its person anew; their punch arrives."""
    punches = appliance.enterprise.punches()
    yield
    appliance.wait("another punch arrives", lambda: appliance.enterprise.punches() > punches)


def fetched(appliance: Appliance, archive: Path) -> None:
    """Offered by the enterprise, asked for by somebody, and here."""
    outside = appliance.machine.files / archive.relative_to("/")
    appliance.enterprise.call("offer", str(outside), "--to", appliance.enterprise.offers, "--keys", appliance.enterprise.keys)
    outside.unlink()
    appliance.call("daka", "update", "check")
    place = appliance.machine.files / "var/lib/daka-uplink/updates"
    what = f"the uplink has fetched {archive.name}"
    appliance.wait(what, (place / f"{archive.name}.targets.json").exists, FETCH_S)


def new_update_key(appliance: Appliance) -> None:
    """The enterprise replaces it; the kiosk was never told anything but the old one."""
    enterprise = appliance.enterprise
    root = ("--dir", enterprise.keys, "--root", enterprise.root_keys)
    enterprise.call("keys", "update-root", *root)
    (Path(enterprise.keys) / "update.key").rename(enterprise.folder / "update.key.old")
    enterprise.call("keys", "init", "update", "--dir", enterprise.keys)
    enterprise.call("keys", "update-root", *root)


def test_an_offered_release_is_fetched_verified_and_installed_and_the_old_one_stays_as_the_way_back(appliance: Appliance) -> None:
    new_update_key(appliance)
    appliance.call("cp", "-al", "/opt/daka/versions/0.1.0", "/opt/daka/versions/0.0.9")
    fetched(appliance, release(appliance, "0.1.1", whole=True))
    appliance.wait("the kiosk says so", lambda: "offer: fetched 0.1.1" in appliance.says("daka", "update", "status"))
    appliance.call("systemctl", "start", "daka-update-take.service")
    assert appliance.running() == "0.1.0", "somebody stands at the kiosk"
    everybody_leaves(appliance)
    appliance.call("systemctl", "start", "daka-update-take.service")
    said = appliance.call("journalctl", "-u", "daka-update-take", "-n", "20", "--no-pager")
    assert "waits: somebody stands at the kiosk" in said
    assert "0.1.1 runs and holds; 0.1.0 stays beside it" in said
    assert appliance.running() == "0.1.1"
    assert appliance.call("ls", "/opt/daka/versions").split() == ["0.1.0", "0.1.1"]
    assert "0.1.1" in appliance.call("daka", "--version")
    assert '"version": 3' in appliance.call("cat", "/var/lib/daka-update/root.json")
    somebody_is_recognised(appliance)


def test_a_fetched_release_that_does_not_hold_is_gone_back_from_and_not_fetched_again(appliance: Appliance) -> None:
    drop_in = appliance.machine.files / "etc/systemd/system/daka-update-take.service.d/99-test.conf"
    drop_in.write_text("[Service]\nExecStart=\nExecStart=/opt/daka/current/bin/daka update take --patience 5\n")
    appliance.call("systemctl", "daemon-reload")
    everybody_leaves(appliance)
    fetched(appliance, release(appliance, "0.1.2", breaks="raise SystemExit('this version does not start')"))
    appliance.says("systemctl", "start", "daka-update-take.service")
    assert appliance.running() == "0.1.1"
    assert "went_back 0.1.2" in appliance.call("daka", "update", "status")
    place = appliance.machine.files / "var/lib/daka-uplink/updates"
    appliance.wait("the uplink has taken it away", lambda: not list(place.glob("*.tar*")))
    appliance.call("daka", "update", "check")
    appliance.wait("nothing else is offered", lambda: "offer: nothing" in appliance.says("daka", "update", "status"), FETCH_S)
    somebody_is_recognised(appliance)


def test_a_new_version_whose_daemon_falls_again_and_again_however_slowly_goes_by_itself(appliance: Appliance) -> None:
    """Each time it is up and at work again before it falls, which no start limit of systemd's sees."""
    before = appliance.running()
    archive = release(appliance, "0.1.3")
    assert "0.1.3 runs and holds" in appliance.says("daka", "update", "apply", str(archive))
    appliance.somebody_comes()
    for _ in range(2):
        with another_punch(appliance):
            appliance.signal("daka-kiosk", "KILL")
        assert appliance.running() == "0.1.3", appliance.says("cat", "/run/daka/ended/daka-kiosk")
    appliance.signal("daka-kiosk", "KILL")
    appliance.wait("it is gone", lambda: "went_back 0.1.3" in appliance.says("daka", "update", "status"))
    assert appliance.running() == before
    appliance.somebody_comes()


def test_root_restores_a_running_kiosk_and_its_own_person_is_recognised_again(appliance: Appliance) -> None:
    appliance.call("daka", "backup", "make", "/srv/first.backup", *WITH_SECRET)
    appliance.call("daka", "people", "add", "5001", "After the backup")
    process, punches = appliance.process_of("daka-kiosk"), appliance.enterprise.punches()
    said = appliance.call("daka", "backup", "restore", "/srv/first.backup", *WITH_SECRET, "--yes")
    assert "the records of this kiosk go on as they are" in said
    appliance.wait("it has restarted", lambda: appliance.runs_other_than("daka-kiosk", process))
    people = appliance.call("daka", "people", "list")
    assert EMPLOYEE in people
    assert "5001" not in people
    appliance.wait("who was restored is recognised", lambda: appliance.enterprise.punches() > punches)
    assert office.not_the_daemons(appliance) == ""
    assert "hold" in appliance.call("daka", "verify")


def wear_out(appliance: Appliance) -> None:
    """As a worn-out card leaves it: nothing of the people's file, nor of what waits beside it to be written there, can be read."""
    for file in (appliance.machine.files / "var/lib/daka").glob("people.db*"):
        if not file.name.endswith("-shm"):  # lies in the memory of those who have it open
            with file.open("r+b") as opened:
                opened.write(b"the card is worn out" * (1 + file.stat().st_size // 20))


def test_a_people_file_that_is_damaged_under_a_running_kiosk_comes_back_through_the_web_ui(appliance: Appliance) -> None:
    punches, process = appliance.enterprise.punches(), appliance.process_of("daka-kiosk")

    def brought_back() -> str:
        browser = office.first_administrator(appliance)
        made = office.backup(browser)
        (appliance.machine.files / "srv/second.backup").write_bytes(made)
        wear_out(appliance)
        return office.restore(browser, made)

    said = appliance.machine.from_outside(brought_back)
    assert "people&#39;s file here is damaged" in said
    assert "none is lost" in said
    appliance.wait("it has restarted", lambda: appliance.runs_other_than("daka-kiosk", process))
    appliance.wait("who was restored is recognised", lambda: appliance.enterprise.punches() > punches)
    assert EMPLOYEE in appliance.call("daka", "people", "list")
    assert office.not_the_daemons(appliance) == ""
    assert "hold" in appliance.call("daka", "verify")


def test_a_kiosk_that_does_not_start_for_its_damaged_people_file_is_restored_by_root(appliance: Appliance) -> None:
    appliance.call("systemctl", "stop", "daka-kiosk.service")
    wear_out(appliance)
    appliance.says("systemctl", "restart", "daka-kiosk.service")
    why = "people.db: the file is damaged"
    appliance.wait("it says why it does not start", lambda: why in appliance.call("journalctl", "-u", "daka-kiosk", "-n", "40"))
    punches = appliance.enterprise.punches()
    said = appliance.call("daka", "backup", "restore", "/srv/second.backup", *WITH_SECRET, "--yes")
    assert "1 people, 1 templates" in said
    assert "people.db here is damaged" in said
    appliance.wait("who was restored is recognised", lambda: appliance.enterprise.punches() > punches)
    assert EMPLOYEE in appliance.call("daka", "people", "list")
    assert office.not_the_daemons(appliance) == ""
    assert "hold" in appliance.call("daka", "verify")


def test_after_a_dead_card_a_new_one_becomes_the_kiosk_again_with_backup_and_keys(appliance: Appliance) -> None:
    appliance.call("daka", "backup", "keys", "/srv/kiosk.keys", *WITH_SECRET)
    appliance.call("daka", "backup", "make", "/srv/third.backup", *WITH_SECRET)
    key = appliance.call("daka", "verify").splitlines()[-1]
    appliance.call("sh", "/root/bundle/uninstall.sh", "--with-data")
    appliance.install("--name", DEVICE, "--no-start")
    appliance.configure()
    appliance.call("systemctl", "start", "daka.target")
    assert key not in appliance.call("daka", "verify")
    brought = ("--keys", "/srv/kiosk.keys", "--keys-passphrase-file", "/srv/secret", *WITH_SECRET, "--yes")
    said = appliance.call("daka", "backup", "restore", "/srv/third.backup", *brought)
    assert "1 people, 1 templates" in said
    assert "the kiosk starts with it" in said
    assert EMPLOYEE in appliance.call("daka", "people", "list")
    assert key in appliance.call("daka", "verify")
    assert appliance.call("find", "/var/lib/daka", "-name", "wrapping.key") == "", "the system holds it"
    punches = appliance.enterprise.punches()
    appliance.join()
    appliance.wait("who was restored is recognised", lambda: appliance.enterprise.punches() > punches)
    assert office.not_the_daemons(appliance) == ""
