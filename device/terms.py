"""The settings in the terms of the rooms that go by them: limits, policies, and the parts that they switch on or off."""

from __future__ import annotations

from datetime import timedelta

from device import attend, attention, camera, challenger, clock, gallery, hours, liveness, messages, recognise, sight, timekeeping
from device.config import Config
from models import quality
from models.arrays import Pixels
from models.challenge import Limits
from models.detect import Face
from models.landmarks import Landmarker

ON_ITS_WAY = timedelta(seconds=5)  # from the record to the screen, and from a finger to the daemon
CLOSER_BELOW = 1.25  # times the smallest face that is compared: near the limit a finer look decides


def open_camera(config: Config, time_source: clock.Clock) -> camera.Camera:
    """The camera that the settings name."""
    chosen = config.camera
    return camera.open_source(
        chosen.source, time_source, size=(chosen.width, chosen.height), frames_per_second=chosen.frames_per_second
    )


def gate(config: Config, landmarker: Landmarker) -> recognise.Gate:
    """The quality gate with this kiosk's least face height and the measured defaults for the rest; the dear part comes last."""
    limits = quality.Limits(least_height_px=config.recognition.min_face_px)

    def assess(pixels: Pixels, face: Face, chip: Pixels) -> tuple[quality.Shortfall, ...]:
        if found := quality.assess(pixels, face, chip, limits):
            return found
        mesh = landmarker.find(pixels, face)
        return () if mesh is None else quality.assess_mesh(pixels, mesh, limits)

    return assess


def promise(config: Config) -> gallery.Promise:
    """What a search promises, from the settings."""
    chosen = config.recognition
    return gallery.Promise(chosen.strangers_named, chosen.looks_before_stranger, chosen.votes)


def changes_last(config: Config) -> timedelta:
    """For how long a direction may be changed at the kiosk: whatever the page still offers counts."""
    return timedelta(seconds=config.change_s) + ON_ITS_WAY if config.change_s else timedelta(0)


def recognition_policy(config: Config) -> recognise.Policy:
    """The recogniser's numbers from the settings."""
    chosen = config.recognition
    return recognise.Policy(
        min_margin=chosen.min_margin,
        votes=chosen.votes,
        looks=chosen.looks_before_stranger,
        stranger_after=timedelta(seconds=chosen.stranger_after_s),
        look_interval=timedelta(milliseconds=chosen.look_interval_ms),
        min_face_px=chosen.min_face_px,
        nearest_lead=chosen.nearest_lead,
        claim_lasts=timedelta(seconds=chosen.claim_lasts_s),
        settle=timedelta(milliseconds=chosen.settle_ms),
        again_after=timedelta(seconds=chosen.again_after_s),
    )


def guard(config: Config, eyes: sight.Sight, source: camera.Camera) -> liveness.Guard | None:
    """Whoever looks for signs of an attack; nobody where the settings say so, or before a camera that is none."""
    chosen = config.liveness
    if not chosen.passive or (source.simulated and not chosen.simulated):
        return None
    return liveness.Guard(eyes.antispoofing, liveness.Limits(chosen.live_from, chosen.spoof_below), chosen.min_face_px)


def liveness_level(config: Config, eyes: sight.Sight, source: camera.Camera) -> str:
    """At which level the passive signs are looked for: off, raster or learned."""
    found = guard(config, eyes, source)
    return "off" if found is None else str(found.level.value)


def challenger_of(config: Config, eyes: sight.Sight, source: camera.Camera) -> challenger.Challenger | None:
    """Whoever asks people to show that they are there. Pictures from a file can do nothing that is asked of them, so they are asked
    only where the settings want it always."""
    chosen = config.liveness
    if source.simulated and not (chosen.simulated and chosen.challenge == "always"):
        return None
    limits = Limits(steps=chosen.challenge_steps, answer_within_s=chosen.challenge_answer_s)
    return challenger.Challenger(eyes.landmarker, challenger.Demand(chosen.challenge), limits)


def effort(config: Config) -> attention.Effort:
    """How hard the kiosk looks, from the settings."""
    chosen = config.recognition
    return attention.Effort(
        detect_interval=timedelta(milliseconds=chosen.detect_interval_ms),
        asleep_after=timedelta(seconds=chosen.asleep_after_s),
        asleep_interval=timedelta(seconds=chosen.asleep_interval_s),
        closer_below_px=CLOSER_BELOW * chosen.min_face_px,
    )


def attend_policy(config: Config) -> attend.Policy:
    """The attendance rules from the settings."""
    chosen = config.attend
    return attend.Policy(
        timedelta(seconds=chosen.min_gap_s),
        timedelta(hours=chosen.day_span_h),
        chosen.allow_simulated,
        attend.Rule(chosen.direction),
        hours.calendar(config),
        timedelta(hours=chosen.schedule_reach_h),
        attend.Breaks(chosen.breaks),
        timedelta(hours=chosen.longest_break_h),
    )


def time_limits(config: Config) -> timekeeping.Limits:
    """When clocks count as apart, from the settings."""
    chosen = config.clock
    return timekeeping.Limits(round(chosen.most_disagreement_s * 1_000_000), round(chosen.most_drift_s * 1_000_000))


def capture_of(source: camera.Camera) -> messages.Capture:
    """Whether these frames come from a camera or stand in for one."""
    return messages.Capture.SIMULATED if source.simulated else messages.Capture.CAMERA


def may_be_locked(config: Config) -> bool:
    """Whether there is a server whose share the templates may wait for: it is asked, or was until now."""
    return config.device.unlock == "server" or bool(config.uplink.renew_url)
