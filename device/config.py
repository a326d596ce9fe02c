"""Every setting of a kiosk, its meaning and its unit; read from one TOML file, frozen from then on.

A wrong key or value is an error that names it. No secret stands here: keys are files of their own.
"""

from __future__ import annotations

import re
import tomllib
import zoneinfo
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from device import membership, messages
from device.errors import DeviceError

# On an appliance from root's file alone: whom the kiosk believes and reaches, which files it opens, what locks its templates.
# Whoever takes the web daemon over would otherwise choose the server that records, templates and orders go to and come from.
WHOM_WE_REACH = ("host", "port", "ca", "certificate", "key", "server_key", "policy_key", "renew_url")
ROOTS = frozenset(
    {"models.directory", "device.unlock", "lock.grant_key", "web.certificate", "web.key"}
    | {f"uplink.{name}" for name in WHOM_WE_REACH}
)


class ConfigError(DeviceError):
    """The configuration cannot be used; the message names the setting and what would be right."""


class Section(BaseModel):
    """Frozen, and closed to misspelt keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


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
            raise ValueError(f"{name} is no time zone; write one such as Asia/Shanghai")
        return name

    @field_validator("id")
    @classmethod
    def _is_nobody_elses(cls, name: str) -> str:
        if re.fullmatch(r"server|ingest(-\d+)?", name):
            raise ValueError("that name is the server's own; choose another")
        return name


class Camera(Section):
    """Where the frames come from."""

    source: str = Field(
        default="device:0",
        description="device:N, file:PATH, folder:PATH, video:PATH or stage:PATH; all but device: count as simulated.",
    )
    width: int = Field(default=640, ge=160, le=3840, description="Width asked of the camera, pixels.")
    height: int = Field(default=480, ge=120, le=2160, description="Height asked of the camera, pixels.")
    frames_per_second: float = Field(default=15.0, gt=0, le=60, description="Frames per second asked of the camera.")


class Models(Section):
    """The weights."""

    directory: str = Field(default="", description="Folder that `daka models fetch` filled; empty: the user's cache folder.")
    landmarks: Literal["auto", "opencv"] = Field(
        default="auto",
        description="The mesh on a face: auto is MediaPipe where it runs, else OpenCV; opencv saves 50 MB, at half the speed.",
    )


class Recognition(Section):
    """When a face counts as somebody."""

    threads: int = Field(default=1, ge=1, le=64, description="Processor cores that the models may use.")
    working_width: int = Field(default=320, ge=96, le=1920, description="Width at which faces are looked for, pixels.")
    working_height: int = Field(default=240, ge=96, le=1080, description="Height at which faces are looked for, pixels.")
    strangers_named: float = Field(
        default=0.05,
        gt=0,
        lt=1,
        description="Share of strangers' attempts that may name somebody; where the measurements do not carry that, "
        "they say who they are first.",
    )
    claim_lasts_s: float = Field(
        default=15.0,
        ge=3,
        le=120,
        description="A number, badge, QR code or PIN waits this long for its face, seconds.",
    )
    min_margin: float = Field(default=0.05, ge=0, le=1, description="Lead in cosine over the second-best other person.")
    votes: int = Field(
        default=2,
        ge=1,
        le=3,
        description="Looks of one attempt that must name the same person; none of the others may name another.",
    )
    looks_before_stranger: int = Field(
        default=3,
        ge=2,
        le=3,
        description="Looks of one attempt, one embedding each; without agreement the person is told which other ways there are.",
    )
    stranger_after_s: float = Field(
        default=2.0,
        ge=0,
        le=60,
        description="Where nobody was named, the last look waits until this long after the first, seconds.",
    )
    again_after_s: float = Field(
        default=5.0,
        ge=1,
        le=60,
        description="Pause before a fresh attempt for somebody who stays without being recognised, seconds; doubles each time.",
    )
    settle_ms: float = Field(
        default=200.0,
        ge=0,
        le=1_000,
        description="A face is looked at once it has stood still for this long, milliseconds: whoever walks past is not.",
    )
    look_interval_ms: float = Field(default=100.0, ge=0, le=5_000, description="Pause between two looks at one face, milliseconds.")
    detect_interval_ms: float = Field(
        default=100.0,
        ge=0,
        le=1_000,
        description="Pause between two runs of the detector while somebody is there, milliseconds.",
    )
    asleep_after_s: float = Field(
        default=5.0, ge=1, le=3_600, description="Nobody, and no movement, for this long: save power, seconds."
    )
    asleep_interval_s: float = Field(
        default=1.0, ge=0.2, le=60, description="Then the detector runs this often; any movement wakes it at once, seconds."
    )
    asleep_frames_per_second: float = Field(default=5.0, gt=0, le=60, description="And the camera is looked at this often.")
    min_face_px: int = Field(
        default=72, ge=32, le=1000, description="Height of the smallest face that is compared, pixels of the frame."
    )
    nearest_lead: float = Field(
        default=1.5,
        ge=1.1,
        le=5,
        description="Of two faces, one so many times taller than the other stands before it, and the one behind is not compared.",
    )

    @model_validator(mode="after")
    def _leaves_room_for_votes(self) -> Self:
        if self.votes > self.looks_before_stranger:
            raise ValueError(
                "recognition.looks_before_stranger must not be less than recognition.votes: nobody would ever be named"
            )
        return self


class Liveness(Section):
    """Whether a living person stands there."""

    passive: bool = Field(default=True, description="Look for signs of a print or a screen on every walk-up.")
    simulated: bool = Field(default=False, description="Also before a simulated camera; for demonstrations and tests only.")
    min_face_px: int = Field(
        default=120,
        ge=72,
        le=1000,
        description="Height of the smallest face that shows signs of an attack, pixels; nearer ones are waited for.",
    )
    live_from: float = Field(
        default=0.3, gt=0, lt=1, description="Mean probability from which the learned model's `live` is believed."
    )
    challenge: Literal["never", "unsure", "always"] = Field(
        default="unsure",
        description="Ask people to blink, turn, smile or open the mouth: when the passive signs leave it open, always, or never.",
    )
    challenge_steps: int = Field(default=4, ge=3, le=6, description="How many of these are asked for, in random order.")
    challenge_answer_s: float = Field(default=3.0, ge=2, le=10, description="Time for each of them, seconds.")
    spoof_below: float = Field(default=0.05, ge=0, lt=1, description="And below which its `attack` is; in between nothing is sure.")

    @model_validator(mode="after")
    def _is_in_order(self) -> Self:
        if self.spoof_below > self.live_from:
            raise ValueError("liveness.spoof_below must not lie above liveness.live_from")
        return self


class People(Section):
    """The people of a site."""

    kiosks: str = Field(
        default="",
        pattern="^([a-z0-9][a-z0-9-]{0,63}(, ?[a-z0-9][a-z0-9-]{0,63})*)?$",
        description="The other kiosks of this site to which templates go, with commas; the consent text names them.",
    )

    def other_kiosks(self) -> tuple[str, ...]:
        """Their names, sorted."""
        return tuple(sorted(name.strip() for name in self.kiosks.split(",") if name.strip()))


class Retention(Section):
    """How long what is kept; 0 keeps it for ever. Acknowledged records: journal.keep_days."""

    templates_days: float = Field(
        default=365.0,
        ge=0,
        le=36_500,
        description="Templates of whoever has not clocked in for so long are destroyed, days; 0: never.",
    )
    unrenewed_days: float = Field(
        default=30.0,
        ge=0,
        le=36_500,
        description="Templates whose owner has not agreed to a new consent text for so long are destroyed, days; 0: never.",
    )
    audit_days: float = Field(
        default=0.0,
        ge=0,
        le=36_500,
        description="Records of audit, consent and erasure stay at least so long, and with them all that came after, days.",
    )
    left_days: float = Field(
        default=90.0, ge=0, le=36_500, description="Whoever's employment ended so long ago is erased, days; 0: never."
    )


Completion = Literal["face_or_pin", "pin", "nothing"]


class Ways(Section):
    """The ways to clock in without a face."""

    pin: bool = Field(default=True, description="Employee number and PIN.")
    badge_completed_by: Completion = Field(
        default="face_or_pin",
        description="A badge only says who somebody is; what completes it: face_or_pin, pin or nothing.",
    )
    qr_completed_by: Completion = Field(
        default="face_or_pin",
        description="The same for a printed QR code, which anybody can photograph: face_or_pin, pin or nothing.",
    )
    phone: bool = Field(default=True, description="A phone's code that changes every 30 s clocks in by itself.")
    assisted: bool = Field(default=True, description="A supervisor (badge or code, then PIN) may vouch for somebody.")
    scan_interval_ms: float = Field(
        default=250.0, ge=0, le=5_000, description="Pause between two looks for a QR code in the picture, milliseconds; 0: none."
    )
    badge_reader: str = Field(
        default="",
        description="Device file of the badge reader, best below /dev/input/by-id; empty: none. See `daka people readers`.",
    )


class Attend(Section):
    """When an identified person becomes a punch."""

    min_gap_s: float = Field(
        default=60.0,
        ge=0,
        le=86_400,
        description="A second look at the same person within this time is not a second punch, seconds.",
    )
    day_span_h: float = Field(default=16.0, gt=0, le=48, description="An `in` older than this is not answered by an `out`, hours.")
    direction: Literal["last", "schedule", "button"] = Field(
        default="last",
        description="Where in or out comes from: the last punch, the shifts, or a button (until it is pressed, the last punch).",
    )
    change_within_s: float = Field(
        default=15.0, ge=0, le=300, description="So long after a punch its direction may be changed at the kiosk, seconds."
    )
    shifts: str = Field(
        default="",
        max_length=8_000,
        description="Working hours here, parted by semicolons: night 22:00-06:00 break 02:00-02:30 days 1-5 groups guard,gate; "
        "office 09:00-18:00.",
    )
    holidays: str = Field(
        default="", max_length=8_000, description="Days without shifts, parted by spaces, such as 2026-10-01 2026-10-02."
    )
    schedule_reach_h: float = Field(
        default=4.0, gt=0, le=12, description="How far a shift's beginning or end may be to decide a direction, hours."
    )
    breaks: Literal["by_shift", "always", "never"] = Field(
        default="by_shift",
        description="Where going on a break is a direction of its own: where a shift has a break, always, or never.",
    )
    longest_break_h: float = Field(
        default=4.0, gt=0, le=16, description="Whoever is on a break longer than this has gone and comes in anew, hours."
    )
    allow_simulated: bool = Field(
        default=False, description="Accept punches from files instead of a camera; for demonstrations and tests only."
    )

    @field_validator("shifts", "holidays")
    @classmethod
    def _can_be_read(cls, text: str, found: ValidationInfo) -> str:
        try:
            messages.read_shifts(text) if found.field_name == "shifts" else messages.read_holidays(text)
        except messages.SchemaRefused as error:
            raise ValueError(str(error)) from error
        return text


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

    enabled: bool = Field(default=True, description="Whether `daka run` starts it.")
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


class Config(Section):
    """The whole tree."""

    device: Device = Device()
    camera: Camera = Camera()
    models: Models = Models()
    recognition: Recognition = Recognition()
    liveness: Liveness = Liveness()
    people: People = People()
    retention: Retention = Retention()
    ways: Ways = Ways()
    attend: Attend = Attend()
    journal: Journal = Journal()
    clock: Clock = Clock()
    uplink: Uplink = Uplink()
    updates: Updates = Updates()
    page: Page = Page()
    lock: Lock = Lock()
    web: Web = Web()


def read(path: Path, layer: Path | None = None, joined: Path | None = None) -> Config:
    """The configuration in `path`; an absent file means every default. `layer` says what `path` leaves open, as far as it may.

    `joined` is the file of the membership, which says of the uplink what both leave open.
    """
    tree = tree_of(path)
    added = {} if layer is None else filling(tree, tree_of(layer))
    below = {} if joined is None else membership.settings(joined)
    try:
        return parse(filled(tree, {name: value for name, value in below.items() if not says(tree, name)} | added))
    except ConfigError as error:
        raise ConfigError(f"{path}{f' with {layer}' if added else ''}: {error}") from error


def tree_of(path: Path) -> dict[str, Any]:
    """What the file says, unchecked; nothing where there is none."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror}); make it readable for this user") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text; save it again as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: {error}") from error


def filling(tree: dict[str, Any], layer: dict[str, Any]) -> dict[str, Any]:
    """Name and value of what the layer may say: what `tree` leaves open and this version knows, and never what is root's.

    What an older version cannot read is left out, so that a release that is taken back starts with what a newer one wrote.
    """
    found = {f"{section}.{key}": value for section, keys in layer.items() if isinstance(keys, dict) for key, value in keys.items()}
    return {name: value for name, value in found.items() if not is_roots(tree, name) and _is_sound(name, value)}


def is_roots(tree: dict[str, Any], name: str) -> bool:
    """Whether an appliance takes this setting from root's own file alone: always, or because that file names it."""
    return name in ROOTS or says(tree, name)


def says(tree: dict[str, Any], name: str) -> bool:
    """Whether this file decides the setting."""
    section, key = name.split(".")
    here = tree.get(section, {})
    return not isinstance(here, dict) or key in here


def _is_sound(name: str, value: Any) -> bool:
    try:
        parse(filled({}, {name: value}))
    except ConfigError:
        return False
    return True


def filled(tree: dict[str, Any], added: dict[str, Any]) -> dict[str, Any]:
    """The tree with these settings."""
    found = {section: dict(keys) if isinstance(keys, dict) else keys for section, keys in tree.items()}
    for name, value in added.items():
        section, key = name.split(".")
        found.setdefault(section, {})[key] = value
    return found


def parse(tree: dict[str, Any]) -> Config:
    """The configuration in a parsed TOML tree; ConfigError names each wrong key and value."""
    try:
        return Config.model_validate(tree, strict=True)
    except ValidationError as error:
        raise ConfigError("; ".join(_sentence(problem) for problem in error.errors())) from error


def _sentence(problem: Any) -> str:
    where = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"{where} is not a setting; `daka config list` shows all of them"
    return f"{where}: {problem['msg'][0].lower()}{problem['msg'][1:]} (got {problem['input']!r})"


def settings() -> Iterator[tuple[str, Any, str]]:
    """Name, default and meaning of every setting, in order."""
    for section_name, section in Config.model_fields.items():
        assert isinstance(section.annotation, type)
        for name, field in section.annotation.model_fields.items():
            yield f"{section_name}.{name}", field.default, field.description or ""
