"""Settings of people, their records and the ways of clocking in."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from device import messages
from device.config.section import Section
from device.sentences import say

Completion = Literal["face_or_pin", "pin", "nothing"]


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
        default=250.0,
        ge=0,
        le=5_000,
        description="Pause between two looks for a QR code in the picture, milliseconds; 0: codes are not looked for.",
    )
    badge_reader: str = Field(
        default="",
        description="Device file of the badge reader, best below /dev/input/by-id; empty: none. daka people readers lists them.",
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
        default=15.0,
        ge=0,
        le=300,
        description="So long after a punch its direction may be changed at the kiosk, seconds, or for as long as its result "
        "stays there; 0: never.",
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
            raise ValueError(say("setting.hours", why=error)) from error
        return text
