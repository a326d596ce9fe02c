"""Which changes of settings are asked again."""

from __future__ import annotations

from typing import Any

import pytest

from device import config
from web_ui import dangers

USUAL = {name: value for name, value, _ in config.settings()}


def hurtful(**changes: Any) -> list[str]:
    named = {name.replace("__", "."): value for name, value in changes.items()}
    return [danger.setting for danger in dangers.of(USUAL, named)]


@pytest.mark.parametrize(
    "change",
    [
        {"attend__allow_simulated": True},
        {"liveness__passive": False},
        {"liveness__challenge": "never"},
        {"recognition__strangers_named": 0.5},
        {"recognition__votes": 1},
        {"ways__qr_completed_by": "nothing"},
        {"uplink__host": "elsewhere.example"},
        {"uplink__server_key": "ed25519:AAAA"},
        {"retention__templates_days": 30.0},
        {"retention__templates_days": 0.0},
        {"journal__keep_days": 1},
        {"web__enabled": False},
        {"camera__source": "file:/tmp/picture.jpg"},
    ],
)
def test_what_can_hurt_is_named(change: dict[str, Any]) -> None:
    assert hurtful(**change) == [name.replace("__", ".") for name in change]


@pytest.mark.parametrize(
    "change",
    [
        {"liveness__challenge": "always"},
        {"recognition__strangers_named": 0.0001},
        {"recognition__votes": 5},
        {"ways__qr_completed_by": "pin"},
        {"device__site": "East gate"},
        {"camera__source": "device:1"},
        {"liveness__passive": True},
        {"liveness__challenge": "no such choice"},
    ],
)
def test_what_is_stricter_or_harmless_is_not(change: dict[str, Any]) -> None:
    assert hurtful(**change) == []


def test_every_rule_is_about_a_setting_that_there_is() -> None:
    assert not set(dangers.RULES) - set(USUAL)


def test_another_name_is_asked_again_and_a_first_one_is_not() -> None:
    named = USUAL | {"device.site": "Main gate", "device.enterprise": "Dawn"}
    assert [one.setting for one in dangers.of(named, {"device.site": "South gate"})] == ["device.site"]
    assert [one.setting for one in dangers.of(named, {"device.enterprise": ""})] == ["device.enterprise"]
    assert hurtful(device__site="Main gate", device__enterprise="Dawn") == []
