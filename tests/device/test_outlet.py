"""What the uplink may reach, as systemd reads it."""

from __future__ import annotations

import functools
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from device import outlet, state
from device.commands import main as daka
from device.commands import set_broker
from device.commands.context import Context


def test_broker_and_renewal_may_be_reached_and_no_resolver_where_no_name_is_asked_for(tmp_path: Path) -> None:
    resolver = tmp_path / "resolv.conf"
    resolver.write_text("search example\nnameserver 192.0.2.53\nnameserver\nnameserver nonsense\n")
    at = tmp_path / "unit.d" / "broker.conf"
    assert outlet.write(["192.0.2.1", "192.0.2.7"], at, resolver) == ("192.0.2.1", "192.0.2.7")
    assert "IPAddressAllow=192.0.2.7" in at.read_text().splitlines()
    reachable = outlet.write(["localhost", "192.0.2.7"], at, resolver)
    assert set(reachable) >= {"127.0.0.1", "192.0.2.7", "192.0.2.53"}
    assert len(reachable) == len(set(reachable))


def test_a_name_that_is_none_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(outlet.OutletError, match="has no address here"):
        outlet.write(["broker.invalid"], tmp_path / "broker.conf")


def test_whoever_renews_the_certificate_is_asked_for_with_the_broker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []

    def write(hosts: list[str]) -> tuple[str, ...]:
        asked.append(hosts)
        return tuple(hosts)

    monkeypatch.setattr(outlet, "write", write)
    monkeypatch.setattr("device.commands.set_broker.subprocess.run", lambda *_a, **_k: type("Done", (), {"returncode": 0})())
    (tmp_path / "config.toml").write_text(
        '[uplink]\nhost = "mqtt.example"\nrenew_url = "https://join.example:8444"\n[models]\ndirectory = "/nowhere"\n'
    )
    said = CliRunner().invoke(daka.daka, ["--state", str(tmp_path), "set-broker"])
    assert said.exit_code == 0, said.output
    assert asked == [["mqtt.example", "join.example"]]


def follows(tmp_path: Path, wish: outlet.Wish) -> bool:
    outlet.wish(tmp_path / "wish.json", wish)
    return outlet.follow(tmp_path / "wish.json", tmp_path / "pinned.json", tmp_path / "unit.d" / "broker.conf", tmp_path / "none")


def test_until_the_kiosk_has_joined_root_follows_it_and_from_then_on_those_hosts_are_pinned(tmp_path: Path) -> None:
    text = tmp_path / "unit.d" / "broker.conf"
    assert follows(tmp_path, outlet.Wish(("192.0.2.1",), False))
    assert follows(tmp_path, outlet.Wish(("192.0.2.2",), False))
    assert "IPAddressAllow=192.0.2.1" not in text.read_text()
    assert not follows(tmp_path, outlet.Wish(("192.0.2.2",), True))
    with pytest.raises(outlet.OutletError, match="only root changes that"):
        follows(tmp_path, outlet.Wish(("192.0.2.9",), False))
    assert "192.0.2.9" not in text.read_text()
    assert follows(tmp_path, outlet.Wish((), False)), "reaching nobody is always allowed"
    (tmp_path / "pinned.json").unlink()
    assert follows(tmp_path, outlet.Wish(("192.0.2.9",), False))


def test_a_wish_that_changes_while_root_is_busy_with_the_one_before_is_looked_at_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = state.Folder(
        tmp_path / "kiosk", tmp_path / "config.toml", tmp_path / "run", layer=tmp_path / "layer" / "settings.toml"
    )
    assert folder.outlet is not None
    at, wanted = tmp_path / "unit.d" / "broker.conf", folder.outlet
    outlet.wish(wanted, outlet.Wish(("192.0.2.1",), False))
    asked: list[tuple[str, ...]] = []
    unread, failing = "no\n", 0

    def systemctl(words: tuple[str, ...], **_more: object) -> object:
        if "show" in words:
            return type("Done", (), {"returncode": 0, "stdout": unread})()
        asked.append(words)
        outlet.wish(wanted, outlet.Wish(("192.0.2.2",), True))  # the kiosk daemon has started anew
        return type("Done", (), {"returncode": failing, "stderr": "busy"})()

    monkeypatch.setattr("device.commands.set_broker.subprocess.run", systemctl)
    monkeypatch.setattr(outlet, "follow", functools.partial(outlet.follow, at=at, resolver=tmp_path / "none"))
    set_broker.follow_kiosk(Context(folder))
    assert "IPAddressAllow=192.0.2.2" in at.read_text()
    assert outlet.pinned(tmp_path / outlet.PINNED) == ("192.0.2.2",)
    assert all("--no-block" in words for words in asked if "try-restart" in words), "while it waited, a change would be lost"
    asked.clear()
    set_broker.follow_kiosk(Context(folder))
    assert asked == [], "what is as it was restarts nothing"
    unread, failing = "yes\n", 1
    with pytest.raises(outlet.OutletError, match="busy"):
        set_broker.follow_kiosk(Context(folder))
    assert asked == [("systemctl", "daemon-reload")], "what systemd could not read the time before is given it again"


def test_a_name_that_was_not_known_is_asked_for_again_and_one_that_takes_turns_restarts_the_uplink_once(tmp_path: Path) -> None:
    wanted, at = tmp_path / "wish.json", tmp_path / "broker.conf"
    outlet.wish(wanted, outlet.Wish(("broker.example",), True))

    def look(*found: str) -> bool:
        def finds(host: str) -> tuple[str, ...]:
            if not found:
                raise outlet.OutletError(f"{host} cannot be looked up")
            return found

        return outlet.follow(wanted, tmp_path / "pinned.json", at, tmp_path / "none", finds)

    with pytest.raises(outlet.OutletError, match="looked up"):
        look()
    assert (at.exists(), outlet.pinned(tmp_path / "pinned.json")) == (False, None)
    assert look("192.0.2.1")
    before = at.stat().st_ino
    assert not look("192.0.2.1")
    assert at.stat().st_ino == before, "written anew it would have to be read anew, every two minutes"
    assert [look(last) for last in ("192.0.2.2", "192.0.2.1", "192.0.2.2")] == [True, False, False]
    assert look(*(f"198.51.100.{last}" for last in range(outlet.MOST_ADDRESSES)))
    assert "192.0.2.1" not in at.read_text(), "not for ever"


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{}", '{"hosts": []}', '{"hosts": "192.0.2.1", "joined": true}', '{"hosts": [], "joined": 1}',
        '{"hosts": ["192.0.2.1\\nIPAddressAllow=any"], "joined": true}',
        '{"hosts": ["fe80::1%\\nIPAddressAllow=any"], "joined": true}',
        '{"hosts": ["a", "b", "c", "d", "e"], "joined": true}', '{"hosts": ["-v"], "joined": true}',
        '{"hosts": [""], "joined": false}',
        '{"hosts": [], "joined": true, "more": 1}', '{"hosts": ["x"], "joined": true}' + " " * 5_000, "[" * 4_000,
    ],
)  # fmt: skip
def test_a_wish_that_is_not_exactly_one_is_not_followed(tmp_path: Path, text: str) -> None:
    (tmp_path / "wish.json").write_text(text)
    with pytest.raises(outlet.OutletError, match="nothing was changed"):
        outlet.follow(tmp_path / "wish.json", tmp_path / "pinned.json", tmp_path / "broker.conf")
    assert not (tmp_path / "broker.conf").exists()


def test_a_link_in_place_of_the_wish_is_not_followed(tmp_path: Path) -> None:
    outlet.wish(tmp_path / "elsewhere.json", outlet.Wish(("192.0.2.1",), False))
    (tmp_path / "wish.json").symlink_to(tmp_path / "elsewhere.json")
    with pytest.raises(outlet.OutletError, match="nothing was changed"):
        outlet.read_wish(tmp_path / "wish.json")


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::1", "224.0.0.1"])
def test_this_machine_itself_is_nobody_to_reach(host: str) -> None:
    with pytest.raises(outlet.OutletError, match="another machine"):
        outlet.looked_up(host)


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming nobody needs root, as daka-outlet.service is")
def test_names_are_looked_up_without_rights_and_this_machine_is_no_answer() -> None:
    with pytest.raises(outlet.OutletError, match="another machine"):
        outlet.looked_up("localhost")
