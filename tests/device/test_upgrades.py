"""An update is asked for in exactly five things, fetched in pieces within bounds, and installed when nobody is in its way."""

from __future__ import annotations

import json
import os
import shutil
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result

from device import api, clock, config, messages, policy, release_files, release_roots, server, updates, upgrade, upgrades
from device.commands import update as commands
from device.commands import update_key
from device.upgrade import Offered, Pace, Upgrader
from enterprise import authority, join_service, releases
from enterprise.commands import main as enterprise
from tests.broker import free_port
from tests.device import parts
from tests.device.test_updates import KEY, NOW, archive

AT_ONCE = Pace(look=0.0, first=0.0, check=0.0, again=0.0, tell=0.0)
FACTS = {"device_model", "enterprise_id", "network_state", "operating_system", "software_version"}


@dataclass
class Site:
    """An enterprise that gives releases out, and a kiosk daemon's sockets for an uplink that fetches them."""

    folder: Path
    url: str
    upgrades: upgrades.Upgrades
    client: api.UpgradeClient
    settings: dict[str, object]

    @property
    def offers(self) -> Path:
        return self.folder / "offers"

    @property
    def fetched(self) -> Path:
        return self.folder / "uplink" / "updates"

    def uplink(self) -> Upgrader:
        return Upgrader(self.client, self.fetched, self.folder / "pki" / "root.pem", pace=AT_ONCE)

    def step(self) -> api.UpgradeTold:
        self.uplink().step(threading.Event())
        return self.upgrades.shown().told

    def offer(self, version: str = "9.0.0", name: str = "daka-9.tar", channel: str = "stable", padding: int = 0) -> Path:
        orders = self.upgrades.orders()
        held = {
            "daka/VERSION": f"{version} {orders.python} {orders.arch}\n",
            "daka/install.sh": "#!/bin/sh\n",
            "daka/pad": "x" * padding,
        }
        made = archive(self.folder, version, name, held)
        releases.offer(made, KEY.public_key(), self.offers, channel, NOW)
        return made

    def root_says(self, outcome: str, name: str, **more: object) -> None:
        said = {"outcome": outcome, "archive": name, "tried": [release_files.mark(self.fetched / name)], "wants": "of the future"}
        (self.folder / "update.json").write_text(json.dumps(said | more))


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    authority.create(folder / "pki", datetime.now(UTC))
    authority.issue_server(folder / "pki", ("127.0.0.1",), datetime.now(UTC))
    return folder / "pki"


@pytest.fixture(scope="module")
def enterprise_url(pki: Path) -> Iterator[str]:
    """The join service, which gives out what lies in the folder `offers`."""
    own, port = authority.place(pki, authority.BROKER), free_port()
    service = join_service.Service(None, pki, "", lambda: NOW, pki.parent / "offers")  # type: ignore[arg-type]  # no kiosk joins here
    serving = join_service.server(join_service.application(service), "127.0.0.1", port, own.certificate, own.key)
    serving.prepare()
    threading.Thread(target=serving.serve, daemon=True).start()
    yield f"https://127.0.0.1:{port}"
    serving.stop()


@pytest.fixture
def site(tmp_path: Path, pki: Path, enterprise_url: str, short_folder: Path) -> Iterator[Site]:
    shutil.rmtree(pki.parent / "offers", ignore_errors=True)
    (pki.parent / "offers").mkdir()
    (tmp_path / "pki").symlink_to(pki)
    (tmp_path / "offers").symlink_to(pki.parent / "offers")
    url, settings = enterprise_url, dict[str, object]()
    kiosk = upgrades.Kiosk(
        lambda: config.parse({"uplink": {"renew_url": url}, "updates": settings}), lambda: "ed25519:root", lambda: "wired",
        lambda: False, parts.Clock(), UTC, tmp_path / "update.json", str,
    )  # fmt: skip
    made = upgrades.Upgrades(kiosk)
    path = short_folder / "u.sock"
    counter = server.serve(server.application("uplink", upgrades.uplink_routes(made)), server.listen(path), 2)
    threading.Thread(target=counter.run, daemon=True).start()
    with api.UpgradeClient(path) as client:
        yield Site(tmp_path, url, made, client, settings)
    counter.close()


def heard(port_and_more: socket.socket, context: ssl.SSLContext, said: list[bytes]) -> None:
    raw, _ = port_and_more.accept()
    with context.wrap_socket(raw, server_side=True) as one:
        whole = b""
        while b"}" not in whole:
            whole += one.recv(65_536)
        said.append(whole)
        one.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{"releases":[]}')


def test_an_upgrade_check_is_exactly_these_bytes_and_the_page_shows_them(site: Site, pki: Path) -> None:
    own = authority.place(pki, authority.BROKER)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own.certificate, own.key)
    said: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        thread = threading.Thread(target=heard, args=(listening, context, said), daemon=True)
        thread.start()
        orders = replace(site.upgrades.orders(), url=f"https://127.0.0.1:{port}")
        site.uplink()._follow(orders, threading.Event())
        thread.join(10)
    body = (
        f'{{"device_model":{json.dumps(upgrades.model())},"enterprise_id":"ed25519:root","network_state":"wired",'
        f'"operating_system":{json.dumps(upgrades.operating_system())},"software_version":"{orders.running}"}}'
    )
    head = f"POST /v1/upgrade-check HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
    head += f"Content-Length: {len(body)}\r\n\r\n"
    assert said == [(head + body).encode()]
    assert set(json.loads(body)) == FACTS
    told = site.upgrades.shown().told
    assert (told.sent, told.to, told.outcome) == (body, f"https://127.0.0.1:{port}", "nothing")


def test_switched_off_nothing_is_sent(site: Site) -> None:
    site.offer()
    site.settings["check"] = False
    assert site.step() == api.UpgradeTold()
    assert not site.fetched.exists()


def test_an_offer_is_fetched_whole_and_verified_by_root_as_any_other(site: Site) -> None:
    made = site.offer(padding=900_000)
    told = site.step()
    assert (told.outcome, told.version, told.got, told.length) == ("fetched", "9.0.0", made.stat().st_size, made.stat().st_size)
    release = updates.verified(site.fetched / made.name, release_roots.Roots(site.folder / "root.json", KEY.public_key()), "", NOW)
    assert release.version == "9.0.0"
    assert site.step().outcome == "fetched"  # and is not fetched again


def test_with_fetching_off_an_offer_is_only_named(site: Site) -> None:
    site.offer()
    site.settings["fetch"] = False
    assert (site.step().outcome, site.upgrades.shown().told.version) == ("offered", "9.0.0")
    assert not site.fetched.exists()


def test_what_broke_off_goes_on_from_there(site: Site) -> None:
    made = site.offer(padding=900_000)
    (offered,) = releases.offered(site.offers, NOW)
    site.fetched.mkdir(parents=True)
    (site.fetched / f"{offered.sha256}.part").write_bytes(made.read_bytes()[:400_000])
    with (site.offers / "stable" / made.name).open("r+b") as file:
        file.write(b"\0" * 1_000)  # were it asked for from its beginning, it would come damaged
    assert site.step().outcome == "fetched"
    assert (site.fetched / made.name).read_bytes() == made.read_bytes()


def test_what_comes_damaged_is_thrown_away_and_asked_for_again(site: Site) -> None:
    made = site.offer(padding=900_000)
    given = site.offers / "stable" / made.name
    given.write_bytes(bytes(made.stat().st_size))
    assert "came damaged" in site.step().why
    assert not list(site.fetched.glob("*.part"))
    given.write_bytes(made.read_bytes())
    assert site.step().outcome == "fetched"


def test_more_than_was_said_is_not_taken(site: Site) -> None:
    made = site.offer(padding=900_000)
    with (site.offers / "stable" / made.name).open("ab") as file:
        file.write(bytes(600_000))
    assert "longer than it was said" in site.step().why
    assert list(site.fetched.iterdir()) == []


def test_without_room_for_it_nothing_is_fetched(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.offer()
    monkeypatch.setattr(release_files, "SPARE_BYTES", 1 << 60)
    assert "free some room" in site.step().why


@pytest.mark.parametrize("outcome", ["refused", "went_back", "holds"])
def test_what_root_has_tried_goes_and_is_not_fetched_again(site: Site, outcome: str) -> None:
    made = site.offer()
    site.step()
    site.root_says(outcome, made.name)
    assert site.step().outcome == "nothing"
    assert [path.name for path in site.fetched.iterdir()] == ["done.json"]
    site.offer("9.0.1", "daka-10.tar")
    assert site.step().version == "9.0.1"


def test_junk_that_was_refused_under_a_releases_name_keeps_the_release_from_nobody(site: Site) -> None:
    made = site.offer()
    site.root_says("refused", made.name, tried=["0" * 64 + ":" + "1" * 64], at="2099-01-01T00:00:00+00:00")
    assert site.step().outcome == "fetched"
    assert site.step().outcome == "fetched"
    assert (site.fetched / made.name).exists()


def test_a_refused_archive_is_fetched_again_once_it_is_signed_anew_and_one_that_did_not_hold_is_not(site: Site) -> None:
    made = site.offer()
    site.step()
    site.root_says("refused", made.name)
    assert site.step().outcome == "nothing"
    releases.sign(made, KEY, NOW, days=60)
    releases.offer(made, KEY.public_key(), site.offers, "stable", NOW)
    assert site.step().outcome == "fetched"
    digest = release_files.archive_of(release_files.mark(made))
    site.root_says("went_back", made.name, not_held=[digest])
    assert site.step().outcome == "nothing"


def test_what_is_signed_no_more_is_not_laid_out_not_offered_and_not_fetched_in_vain(site: Site) -> None:
    made = site.offer()
    later = NOW + timedelta(days=61)
    releases.sign(made, KEY, NOW, days=60)
    with pytest.raises(releases.ReleaseError, match="its signature ended on"):
        releases.offer(made, KEY.public_key(), site.offers, "stable", later)
    releases.offer(made, KEY.public_key(), site.offers, "stable", NOW)
    assert (len(releases.offered(site.offers, NOW)), releases.offered(site.offers, later)) == (1, ())
    releases.sign(made, KEY, NOW - timedelta(days=100), days=60)
    shutil.copy(made.with_name(made.name + releases.SUFFIX), site.offers / "stable")
    assert site.step().outcome == "nothing"
    shown = CliRunner().invoke(enterprise.daka_enterprise, ["offer", "--to", str(site.offers)]).output
    assert "its signature ended on" in shown
    refused = CliRunner().invoke(enterprise.daka_enterprise, ["offer", "other.tar", "--withdraw", "--to", str(site.offers)])
    assert f"see: daka-enterprise offer --to {site.offers}" in str(refused.exception)


def test_what_is_withdrawn_or_switched_off_before_it_is_installed_lies_there_no_more(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, tried = site.offer(), list[str]()
    site.step()
    releases.withdraw(site.offers, "stable", made.name)
    assert (site.step().outcome, list(site.fetched.iterdir())) == ("nothing", [])
    for setting in ("fetch", "check"):
        releases.offer(made, KEY.public_key(), site.offers, "stable", NOW)
        site.settings[setting] = True
        uplink = site.uplink()
        uplink.step(threading.Event())
        assert site.upgrades.shown().told.outcome == "fetched"
        site.settings[setting] = False
        uplink.step(threading.Event())
        assert (site.upgrades.shown().told.outcome, list(site.fetched.iterdir())) == ("offered", [])
        assert "nothing has been fetched" in take(site, monkeypatch, tried=tried).output
        site.settings[setting] = True
    assert tried == []


def test_a_server_that_cannot_be_asked_withdraws_nothing(site: Site) -> None:
    made = site.offer()
    uplink = site.uplink()
    uplink.step(threading.Event())
    away = replace(site.upgrades.orders(), url=f"https://127.0.0.1:{free_port()}")
    uplink._kiosk = SimpleNamespace(orders=lambda: away, tell=site.client.tell)  # type: ignore[assignment]
    uplink.step(threading.Event())
    assert site.upgrades.shown().told.outcome == "failed"
    assert (site.fetched / made.name).exists()


def test_a_release_that_is_mended_under_the_same_name_takes_the_place_of_what_was_fetched(site: Site) -> None:
    site.offer()
    site.step()
    mended = site.offer(padding=5_000)
    assert site.step().outcome == "fetched"
    assert release_files.mark(site.fetched / mended.name) == release_files.mark(mended)
    before = (site.fetched / mended.name).stat().st_ino
    releases.sign(mended, KEY, NOW, days=60)
    releases.offer(mended, KEY.public_key(), site.offers, "stable", NOW)
    assert site.step().outcome == "fetched"
    assert release_files.mark(site.fetched / mended.name) == release_files.mark(mended)
    assert (site.fetched / mended.name).stat().st_ino == before, "the same bytes are not fetched twice"


def test_an_offer_of_another_channel_is_not_for_this_kiosk(site: Site) -> None:
    site.offer(channel="early")
    assert site.step().outcome == "nothing"
    site.settings["channel"] = "early"
    assert site.step().outcome == "fetched"


def test_a_server_that_is_away_or_answers_rubbish_is_said_and_asked_again(site: Site) -> None:
    site.settings["check"] = True
    orders = replace(site.upgrades.orders(), url="https://127.0.0.1:1")
    with pytest.raises(upgrade.UpgradeFailed, match="cannot be asked"):
        site.uplink()._follow(orders, threading.Event())
    with pytest.raises(upgrade.UpgradeFailed, match="cannot be asked"):
        site.uplink()._follow(replace(orders, url="https://host:port"), threading.Event())


OFFERED = Offered("9.0.0", "3.11", "x86_64", "stable", "daka.tar", 10, "0" * 64)
ORDERS = api.UpgradeOrders(True, True, "https://x", "{}", "stable", "0.1.0", "3.11", "x86_64", 0)


def test_the_newest_that_fits_is_chosen() -> None:
    older, newer = replace(OFFERED, version="0.9.0"), replace(OFFERED, version="0.10.0", sha256="1" * 64)
    assert upgrade.chosen((newer, older), ORDERS, ()) == newer
    assert upgrade.chosen((newer, older), ORDERS, ("1" * 64,)) == older
    assert upgrade.chosen((older,), replace(ORDERS, standing=api.UpdateStanding(floor="0.10.0")), ()) is None
    for change in ({"version": "0.1.0"}, {"version": "x"}, {"python": "3.13"}, {"arch": "aarch64"}, {"channel": "early"}):
        assert upgrade.chosen((replace(OFFERED, **change),), ORDERS, ()) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change",
    [{"archive": "../x.tar"}, {"archive": "a/b.tar"}, {"sha256": "../"}, {"channel": "a/b"}, {"length": 3 << 30}, {"length": 0}],
)
def test_an_offer_that_names_a_file_elsewhere_or_without_end_is_passed_over(change: dict[str, object]) -> None:
    assert upgrade._is_sane(OFFERED)
    assert not upgrade._is_sane(replace(OFFERED, **change))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("window", "hour", "within"),
    [
        ("02:00-05:00", 2, True),
        ("02:00-05:00", 5, False),
        ("22:00-04:00", 23, True),
        ("22:00-04:00", 3, True),
        ("22:00-04:00", 12, False),
    ],
)
def test_the_time_for_maintenance_may_go_over_midnight(window: str, hour: int, within: bool) -> None:
    assert upgrades.is_within(window, time(hour)) is within


def test_nothing_is_installed_by_day_with_an_unset_clock_or_while_somebody_is_there() -> None:
    night = clock.Moment(datetime(2026, 11, 2, 3, 0, tzinfo=UTC), 0, "b", clock.Quality.SYNCED)
    assert upgrades.waits_for("02:00-05:00", night, UTC, occupied=False) == ""
    assert "somebody" in upgrades.waits_for("02:00-05:00", night, UTC, occupied=True)
    assert "disk is full" in upgrades.waits_for("", night, UTC, occupied=False, trouble="the disk is full")
    assert "clock" in upgrades.waits_for("02:00-05:00", replace(night, quality=clock.Quality.UNSYNCED), UTC, occupied=False)
    assert "between 04:00 and 05:00" in upgrades.waits_for("04:00-05:00", night, UTC, occupied=False)
    assert upgrades.waits_for("", replace(night, quality=clock.Quality.UNSYNCED), UTC, occupied=False) == ""


@pytest.mark.parametrize("window", ["2-5", "25:00-26:00", "02:00", "02:00-05:60"])
def test_a_window_that_is_none_is_refused(window: str) -> None:
    with pytest.raises(config.ConfigError, match=r"updates\.window"):
        config.parse({"updates": {"window": window}})


def take(
    site: Site,
    monkeypatch: pytest.MonkeyPatch,
    *waits: str,
    tried: list[str] | None = None,
    stage: Callable[[], object] = bool,
    has_key: bool = True,
    folders: tuple[Path, ...] = (),
) -> Result:
    """`daka update take` on a machine whose only changed part is what it would do to a real one."""
    done = tried if tried is not None else []

    def staged(folder: Path) -> None:
        done.append("stage")
        stage()

    if has_key:
        (site.folder / "update.key").write_text(messages.public_key_text(KEY.public_key()))
    answers = iter((*waits, *("",) * 9))
    hands = updates.Hands(
        lambda: "0.1.0", staged, done.append, lambda *_: None, lambda: datetime.now(UTC), lambda _: None, updates.Before, bool
    )
    monkeypatch.setattr(commands, "FOLDER", site.folder / "root")
    monkeypatch.setattr(commands, "PUBLISHED", site.folder / "update.json")
    monkeypatch.setattr(commands, "_updater", lambda patience=0: updates.Updater(site.folder / "root", hands, commands._publish))
    monkeypatch.setattr(update_key, "KEY", site.folder / "update.key")
    monkeypatch.setattr(update_key, "FOLLOWED", site.folder / "root.json")
    monkeypatch.setattr(commands, "_waits_for", lambda: next(answers))
    given = [option for folder in folders or (site.fetched,) for option in ("--from", str(folder))]
    return CliRunner().invoke(commands.take, given)


def test_root_takes_what_was_fetched_once_and_says_what_came_of_it(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "nothing has been fetched" in take(site, monkeypatch).output
    made, tried = site.offer(), list[str]()
    site.step()
    assert "waits: somebody" in take(site, monkeypatch, "somebody stands at the kiosk", tried=tried).output
    assert tried == []
    assert "9.0.0 runs and holds" in take(site, monkeypatch, tried=tried).output
    assert tried == ["stage", "9.0.0"]
    assert "was tried already" in take(site, monkeypatch, tried=tried).output
    assert tried == ["stage", "9.0.0"]
    standing = site.upgrades.orders().standing
    assert (standing.outcome, standing.version, standing.archive) == ("holds", "9.0.0", made.name)
    assert site.step().outcome == "nothing"


def test_what_the_enterprise_did_not_sign_is_fetched_in_vain_and_never_again(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    made = site.offer()
    site.step()
    path = site.fetched / made.name
    path.write_bytes(path.read_bytes() + b"x")  # whoever took over the uplink
    refused = take(site, monkeypatch)
    assert isinstance(refused.exception, updates.UpdateRefused)
    assert site.upgrades.orders().standing.outcome == "refused"
    assert "was tried already" in take(site, monkeypatch).output


def test_junk_under_the_name_of_a_release_is_refused_and_the_release_is_taken_all_the_same(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = site.offer()
    site.step()
    path, signature = site.fetched / made.name, site.fetched / (made.name + upgrade.SUFFIX)
    genuine, tried = path.read_bytes(), list[str]()
    path.write_bytes(b"junk")
    assert isinstance(take(site, monkeypatch).exception, updates.UpdateRefused)
    path.write_bytes(genuine)
    for one in (path, signature):
        os.utime(one, (0, 0))  # its times say nothing
    assert "9.0.0 runs and holds" in take(site, monkeypatch, tried=tried).output
    path.rename(path.with_name("daka-other.tar"))
    signature.rename(path.with_name("daka-other.tar" + upgrade.SUFFIX))
    assert "was tried already" in take(site, monkeypatch, tried=tried).output
    assert tried == ["stage", "9.0.0"]


@pytest.mark.parametrize("full", ["fetched", "brought"])
def test_whoever_lays_fresh_junk_into_one_folder_keeps_the_release_in_the_other_from_nobody(
    site: Site, monkeypatch: pytest.MonkeyPatch, full: str
) -> None:
    made, tried = site.offer(), list[str]()
    site.step()
    brought = site.folder / "brought"
    brought.mkdir()
    if full == "fetched":
        for path in site.fetched.iterdir():
            path.rename(brought / path.name)
    junk = (site.fetched if full == "fetched" else brought) / "daka-0.tar"
    for path in (junk, junk.with_name(junk.name + upgrade.SUFFIX)):
        path.write_bytes(os.urandom(9))
    said = take(site, monkeypatch, tried=tried, folders=(site.fetched, brought))
    assert "9.0.0 runs and holds" in said.output
    assert tried == ["stage", "9.0.0"]
    assert site.upgrades.orders().standing.archive == made.name


def full_disk() -> None:
    raise updates.UpdateFailed("No space left on device")


def test_what_fails_before_the_switch_is_tried_again_the_next_night_and_not_every_ten_minutes(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = site.offer()
    site.step()
    assert isinstance(take(site, monkeypatch, stage=full_disk).exception, updates.UpdateFailed)
    assert "No space left" in site.upgrades.orders().standing.why
    assert "was tried already" in take(site, monkeypatch).output
    site.step()
    assert (site.fetched / made.name).exists()
    monkeypatch.setattr(updates, "AGAIN", timedelta(0))
    assert "9.0.0 runs and holds" in take(site, monkeypatch).output


def test_whoever_comes_while_a_release_is_laid_beside_is_waited_for_before_the_switch(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.offer()
    site.step()
    tried = list[str]()
    said = take(site, monkeypatch, "", "somebody stands at the kiosk", tried=tried)
    assert "waits: somebody stands at the kiosk" in str(said.exception)
    assert tried == ["stage"]
    assert site.upgrades.orders().standing.outcome == "none"
    assert "9.0.0 runs and holds" in take(site, monkeypatch, tried=tried).output


def test_an_old_release_that_the_uplink_lays_there_with_its_own_signature_is_refused(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.fetched.mkdir(parents=True)
    orders, tried = site.upgrades.orders(), list[str]()
    held = {"daka/VERSION": f"0.0.9 {orders.python} {orders.arch}\n", "daka/install.sh": ""}
    archive(site.fetched, "0.0.9", "daka-0.0.9.tar", held)
    refused = take(site, monkeypatch, tried=tried)
    assert "older than 0.1.0" in str(refused.exception)
    assert tried == []
    assert site.upgrades.orders().standing.outcome == "refused"


def test_what_only_lacks_room_or_a_key_is_tried_again(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.offer()
    site.step()
    with monkeypatch.context() as patch:
        patch.setattr(release_files, "SPARE_BYTES", 1 << 60)
        assert isinstance(take(site, monkeypatch).exception, updates.UpdateNotNow)
    assert site.upgrades.shown().standing.waits_said.name == "update.room"
    assert "runs and holds" in take(site, monkeypatch).output


def test_without_a_key_nothing_is_copied_and_what_is_missing_is_said_until_it_is_there(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.offer()
    site.step()
    with monkeypatch.context() as patch:
        patch.setattr(updates, "taken_in", lambda archive, folder: pytest.fail("it was copied"))
        for _ in range(2):
            refused = take(site, monkeypatch, "it is day", has_key=False)
            assert isinstance(refused.exception, updates.UpdateNotNow)
            assert "sudo daka update key" in site.upgrades.orders().standing.waits
    shown = site.upgrades.shown().standing
    assert (shown.outcome, shown.waits_said.name) == ("none", "update.key_missing")
    assert "waits: it is day" in take(site, monkeypatch, "it is day").output
    assert site.upgrades.orders().standing.waits == ""
    assert "runs and holds" in take(site, monkeypatch).output
    (site.folder / "root.json").write_text("{")
    assert isinstance(take(site, monkeypatch).exception, updates.UpdateNotNow)
    assert "root.json cannot be read" in site.upgrades.orders().standing.waits


def test_the_enterprise_decides_by_its_policy_which_kiosk_tries_a_version_first() -> None:
    wanted = messages.Policy("hr:li", {"updates.channel": '"early"', "updates.window": '"03:00-04:00"'})
    found, problems = policy.overlaid(config.parse({}), messages.Content(policy=wanted))
    assert (found.updates.channel, found.updates.window, problems) == ("early", "03:00-04:00", ())


def office(*words: str) -> Result:
    return CliRunner().invoke(enterprise.daka_enterprise, words)


def test_the_enterprise_offers_lists_and_withdraws_what_it_has_signed(tmp_path: Path) -> None:
    keys, offers = str(tmp_path / "keys"), str(tmp_path / "offers")
    made = archive(tmp_path)
    assert office("keys", "init", "update", "--dir", keys).exit_code == 0
    assert "our update key" in str(office("offer", str(made), "--to", offers, "--keys", keys).exception)
    assert "signed:" in office("release", str(made), "--dir", keys, "--floor", "0.1.0").output
    assert "is offered in early" in office("offer", str(made), "--to", offers, "--keys", keys, "--channel", "early").output
    assert "early: 0.2.0" in office("offer", "--to", offers).output
    made.write_bytes(made.read_bytes() + b"x")
    assert "not what was signed" in str(office("offer", str(made), "--to", offers, "--keys", keys).exception)
    assert office("offer", made.name, "--to", offers, "--channel", "early", "--withdraw").exit_code == 0
    assert office("offer", "--to", offers).output == ""


def test_nothing_beside_what_is_offered_is_given_out(site: Site, pki: Path) -> None:
    site.offer()
    (site.offers / "secret.pem").write_text("x")
    app = join_service.application(join_service.Service(None, pki, "", lambda: NOW, site.offers)).test_client()  # type: ignore[arg-type]
    for place in (
        "stable/..%2fsecret.pem",
        "../secret.pem",
        "stable/other.tar",
        "..%2fdaka-9.tar",
        "stable/daka-9.tar.targets.json.bak",
    ):
        assert app.get(f"/v1/releases/{place}").status_code in (403, 404)
    assert app.post("/v1/upgrade-check", json={"device_model": "x"}).status_code == 403
    held = [app.get("/v1/releases/stable/daka-9.tar") for _ in range(join_service.MOST_DOWNLOADS + 1)]
    assert [one.status_code for one in held] == [200] * join_service.MOST_DOWNLOADS + [503]
    for one in held:
        one.close()
    assert app.get("/v1/releases/stable/daka-9.tar", buffered=True).status_code == 200


def test_the_office_may_have_it_looked_for_at_once_and_that_is_on_record(site: Site) -> None:
    recorded: list[messages.Audit] = []
    routes = {route.path: route for route in upgrades.office_routes(site.upgrades, recorded.append)}
    app = server.application("admin", tuple(routes.values())).test_client()
    assert app.post("/v1/upgrade-check", json={"by": "web:hr"}, headers={"Host": "kiosk"}).status_code == 200
    assert recorded == [messages.Audit("upgrade_check_asked", "web:hr")]
    assert site.upgrades.orders().asked == 1
    restarted = upgrades.Upgrades(replace(site.upgrades._kiosk, clock=parts.Clock(60.0)))
    restarted.ask()
    assert restarted.orders().asked > 1, "or a wish after a restart would count as one that was followed"
