"""Settings of the device itself: who it is, whom it reaches, what it shows."""

from __future__ import annotations

import re
import zoneinfo
from typing import Literal

from pydantic import Field, field_validator

from device.config.section import Section
from device.sentences import say


class Device(Section):
    """Which kiosk this is."""

    id: str = Field(
        default="kiosk-1",
        pattern="^[a-z0-9][a-z0-9-]{0,63}$",
        description="Name in topics, records and certificates; a-z, 0-9, hyphen.",
    )
    site: str = Field(
        default="", max_length=64, description="Label of the place, written into each punch; empty: none. Never coordinates."
    )

    enterprise: str = Field(default="", max_length=64, description="The enterprise's name, shown on the kiosk and in the web UI.")
    contact: str = Field(
        default="",
        max_length=120,
        description="Whom people ask about their data: a name, telephone or address, shown on the kiosk and the privacy pages.",
    )
    time_zone: str = Field(
        default="", description="Zone of this place, such as Asia/Shanghai, for what people read; empty: the machine's own."
    )
    unlock: Literal["file", "tpm", "server"] = Field(
        default="file",
        description="What opens the templates at a start: file (this card alone), tpm (this board's TPM), server (a share from the "
        "enterprise's server, at each start). See docs/operations.md.",
    )
    language: Literal["zh-CN", "zh-TW", "en"] = Field(
        default="zh-CN", description="Language that the kiosk and the web UI start with: zh-CN, zh-TW or en."
    )

    @field_validator("time_zone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        if name and name not in zoneinfo.available_timezones():
            raise ValueError(say("setting.zone", zone=name))
        return name

    @field_validator("id")
    @classmethod
    def _is_nobody_elses(cls, name: str) -> str:
        if re.fullmatch(r"server|ingest(-\d+)?", name):
            raise ValueError(say("setting.servers_name"))
        return name


class Journal(Section):
    """How long records stay here after the server has signed for them, in case it has to be restored. Unsent ones always stay."""

    keep_days: int = Field(default=30, ge=1, le=3_650, description="Acknowledged records are kept this long, days.")
    most_megabytes: int = Field(default=1_024, ge=16, le=1_000_000, description="Beyond this the oldest acknowledged go first, MB.")


class Clock(Section):
    """Whose time counts. The wall clock is compared with the server's answers and with NTP, and never set."""

    most_disagreement_s: float = Field(
        default=5.0, ge=1, le=3_600, description="Server and NTP may be this far apart before it is an alarm, seconds."
    )
    most_drift_s: float = Field(
        default=0.5, ge=0.1, le=60, description="A trusted time is written down again when the clock is off by this much, seconds."
    )


class Uplink(Section):
    """The way to the enterprise's broker."""

    enabled: bool = Field(default=False, description="Whether records are sent at all.")
    host: str = Field(default="", description="Name or address of the MQTT 5 broker.")
    port: int = Field(default=8883, ge=1, le=65_535, description="TLS port of the broker.")
    ca: str = Field(default="", description="File with the authority's certificate (PEM) that the broker must present.")
    certificate: str = Field(default="", description="File with this device's certificate (PEM).")
    key: str = Field(default="", description="File with this device's private key (PEM), mode 0600.")
    server_key: str = Field(
        default="", description="The server's acknowledgement key, ed25519:BASE64; printed by daka-enterprise keys show --dir KEYS."
    )
    policy_key: str = Field(
        default="",
        description="The key that signs what the enterprise wants of this kiosk, ed25519:BASE64; empty: nothing is taken from it. "
        "Not needed on a kiosk that has joined.",
    )
    renew_url: str = Field(
        default="", max_length=512, description="Where the certificate is renewed before it ends, https://...; set by daka join."
    )
    keepalive_s: int = Field(default=20, ge=5, le=600, description="MQTT keep-alive, seconds.")


class Updates(Section):
    """New versions, offered by the enterprise at `uplink.renew_url`; installed only if its update key has signed them."""

    check: bool = Field(
        default=True,
        description="Ask the enterprise daily what it offers; says device model, system, version, enterprise, network state.",
    )
    fetch: bool = Field(default=True, description="Fetch what is offered, and install it in the window.")
    channel: str = Field(
        default="stable",
        pattern="^[a-z0-9-]{1,32}$",
        description="Which of the enterprise's offers count here.",
    )
    window: str = Field(
        default="02:00-05:00",
        pattern="^(([01]\\d|2[0-3]):[0-5]\\d-([01]\\d|2[0-3]):[0-5]\\d)?$",
        description="When a new version may be installed, HH:MM-HH:MM at this place, with nobody there; empty: at any time.",
    )


class Page(Section):
    """The kiosk page: what the screen beside the camera shows."""

    port: int = Field(
        default=8460,
        ge=0,
        le=65_535,
        description="Port on 127.0.0.1 at which the page is served; 0: no page. Nobody else can reach it.",
    )
    names: Literal["full", "first", "hidden"] = Field(
        default="full", description="How a person's name is shown to the hall: full, first (its first character) or hidden."
    )
    theme: Literal["auto", "light", "dark"] = Field(default="auto", description="Light, dark, or as the display asks for it.")
    result_s: float = Field(
        default=8.0,
        ge=3,
        le=60,
        description="A result and its buttons stay this long, seconds; in the accessible mode three times.",
    )
    messages: bool = Field(
        default=True, description="The enterprise's messages are shown to everybody and to whom they are meant for."
    )
    scramble_pin: bool = Field(default=False, description="The PIN pad shows its digits in another order each time.")
    speech: Literal["off", "accessible", "always"] = Field(
        default="accessible",
        description="Hints and results are spoken, where there is a voice: never, in the accessible mode, always.",
    )


class Web(Section):
    """The administrators' web UI, a daemon of its own that serves HTTPS on the local network."""

    enabled: bool = Field(default=True, description="Whether the web UI runs.")
    address: str = Field(default="0.0.0.0", description="Address to listen at; 127.0.0.1 keeps it on this machine.")
    port: int = Field(default=8443, ge=1, le=65_535, description="TLS port to listen at.")
    names: str = Field(default="", description="Further host names under which browsers may ask for it, separated by commas.")
    certificate: str = Field(
        default="", description="File with the enterprise's certificate for it (PEM, with its chain); empty: one of its own making."
    )
    key: str = Field(default="", description="File with that certificate's private key (PEM), mode 0600.")


class Lock(Section):
    """Contract locks: stamping with the company's seal under the enterprise's approval."""

    enabled: bool = Field(default=False, description="Whether the bridge to contract locks runs.")
    grant_key: str = Field(
        default="",
        description="The enterprise's grant key, ed25519:BASE64; printed by daka-enterprise keys show grant. Unused once joined.",
    )
    verified_lasts_s: float = Field(
        default=120.0, ge=10, le=600, description="How long a verified person may take to the press at the lock, seconds."
    )
