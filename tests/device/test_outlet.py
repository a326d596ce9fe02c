"""What the uplink may reach, as systemd reads it."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from device import outlet
from device.commands import main as daka


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
