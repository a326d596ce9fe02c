"""Settings of camera, models and recognition."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from device.config.section import Section
from device.sentences import say


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

    directory: str = Field(default="", description="Folder that daka models fetch filled; empty: the user's cache folder.")
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
        default=1.0, ge=0.2, le=60, description="While asleep the detector runs this often, seconds; any movement wakes it at once."
    )
    asleep_frames_per_second: float = Field(
        default=5.0, gt=0, le=60, description="While asleep so many of the camera's pictures are looked at, a second."
    )
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
            raise ValueError(say("setting.votes"))
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
        default=0.3,
        gt=0,
        lt=1,
        description="From this mean probability of a living face on, the learned model is believed that one is there.",
    )
    challenge: Literal["never", "unsure", "always"] = Field(
        default="unsure",
        description="Ask people to blink, turn, smile or open the mouth: when the passive signs leave it open, always, or never.",
    )
    challenge_steps: int = Field(default=4, ge=3, le=6, description="How many actions are asked for, in random order.")
    challenge_answer_s: float = Field(default=3.0, ge=2, le=10, description="Time for each action, seconds.")
    spoof_below: float = Field(
        default=0.05,
        ge=0,
        lt=1,
        description="Below this mean probability of a living face the learned model is believed that an attack is there; "
        "between the two nothing is sure.",
    )

    @model_validator(mode="after")
    def _is_in_order(self) -> Self:
        if self.spoof_below > self.live_from:
            raise ValueError(say("setting.live_order"))
        return self
