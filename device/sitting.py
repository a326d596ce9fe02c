"""Enrolment at the kiosk: one person, three poses, each shown what to do; templates at the end, all of them or none.

While somebody sits, the line sees no frame. Pixels and numbers end here or at the desk; what is told is poses, hints and progress.
"""

from __future__ import annotations

import enum
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from device import api, enrolment, liveness, recognise
from device.api import serving
from device.attend import elapsed
from device.attention import Attention
from device.camera import Frame
from device.clock import Clock, Moment
from device.database import StorageError
from device.enrolment import EnrolmentRefused
from device.errors import DeviceError
from device.recognise import Waiting
from device.sentences import say
from device.sight import Sight
from models import align, quality
from models.detect import Face
from models.landmarks import Mesh

LASTS_S = 90.0
HELD = 2  # looks in a row in one pose: nobody is taken while moving through it
SIDE_LIMITS = replace(enrolment.LIMITS, most_turn=0.75)
FRONT_DEG, FRONT_NOD_DEG = 9.0, 18.0
LEAST_SIDE_DEG, MOST_SIDE_DEG = 13.0, 34.0


class FileForACamera(EnrolmentRefused):
    """No template comes from pictures that were recorded."""


class Occupied(EnrolmentRefused):
    """Somebody else sits there at the moment."""


class Pose(enum.StrEnum):
    """What the person is asked for, by the words of the challenge; left and right are their own."""

    FRONT = "forward"
    LEFT = "turn_left"
    RIGHT = "turn_right"


POSES = tuple(Pose)


class State(enum.StrEnum):
    """How a sitting stands."""

    NONE = "none"
    SITTING = "sitting"
    DONE = "done"
    REFUSED = "refused"
    ENDED = "ended"


class Keep(Protocol):
    """Makes templates of vectors; device.desk has the real one."""

    def may_sit(self, number: str, by: str) -> None: ...
    def keep(
        self, number: str, source: str, vectors: tuple[NDArray[np.float32], ...], by: str, look_alike_of: str
    ) -> api.Enrolled: ...


class Sittings:
    """One sitting at a time. `see` is for the line's thread; the rest may be called from any."""

    def __init__(
        self, watching: Attention, sight: Sight, guard: liveness.Guard | None, office: Keep, clock: Clock, allowed: bool
    ) -> None:
        """`allowed`: whether templates may come from this camera; a file that stands in for one is refused."""
        self._watching, self._sight, self._guard = watching, sight, guard
        self._office, self._clock, self._allowed = office, clock, allowed
        self._changed = threading.Condition()
        self._told = api.Sitting()
        self._sitting: Sitting | None = None
        self.enrolled: Callable[[str], None] = lambda person: None  # who wants to know, before anybody else is told

    def begin(self, number: str, by: str, look_alike_of: str) -> api.Sitting:
        """Somebody sits down; refused without consent, and while somebody else sits."""
        if not self._allowed:
            raise FileForACamera(say("enrol.file_camera"))
        self._office.may_sit(number, by)
        with self._changed:
            if self._sitting is not None and self._sitting.lasts(self._clock.now()):
                raise Occupied(say("enrol.occupied"))
            self._sitting = Sitting(number, by, look_alike_of, self._clock.now())
        self._tell(api.Sitting(number, State.SITTING, Pose.FRONT, 0, len(POSES)))
        return self._told

    def end(self) -> api.Sitting:
        """Whoever sits gets up; nothing is kept."""
        with self._changed:
            sat, self._sitting = self._sitting, None
        if sat is not None:
            self._tell(replace(self._told, state=State.ENDED, hint=""))
        return self._told

    def standing(self, after: int, wait_s: float) -> api.Sitting:
        """How it stands, once it has changed after `after` or the time is up; one that lasts too long ends here."""
        self._end_in_time()
        with self._changed:
            serving.wait(self._changed, lambda: self._told.change > after, wait_s)
            return self._told

    def _end_in_time(self) -> None:
        """By the clock, also where no frame comes: the camera is away, or nobody may be recognised at the moment."""
        sat = self._sitting
        if sat is not None and not sat.lasts(self._clock.now()):
            self._close(sat, State.REFUSED, too_long())

    def see(self, frame: Frame) -> recognise.Seen | None:
        """One frame, if somebody sits: what they have to do, or what is in the way. None: the line's own business."""
        sat = self._sitting
        if sat is None:
            return None
        try:
            if not sat.lasts(frame.moment):
                raise EnrolmentRefused(too_long())
            return self._look(sat, frame)
        except (DeviceError, StorageError) as error:
            self._close(sat, State.REFUSED, str(error))
            return Waiting.DONE

    def _look(self, sat: Sitting, frame: Frame) -> recognise.Seen:
        seen = self._watching.look(frame)
        hint = in_the_way(seen.faces)
        if hint is None and seen.fresh:
            hint = self._judge(sat, frame, seen.faces[0])
        if sat.pose is None:
            done = self._office.keep(sat.number, "kiosk", tuple(sat.vectors), sat.by, sat.look_alike_of)
            self.enrolled(done.person)
            self._close(sat, State.DONE, "", done.templates)
            return Waiting.DONE
        self._tell(replace(self._told, pose=sat.pose, done=len(sat.vectors), hint=hint or ""))
        return hint or api.Prompt(sat.pose, len(sat.vectors) + 1, len(POSES), 0.0)

    def _judge(self, sat: Sitting, frame: Frame, face: Face) -> Waiting | None:
        """One look at the one face; None where nothing is in the way but, perhaps, the pose."""
        assert sat.pose is not None
        chip = align.chip(frame.pixels, face.landmarks)
        limits = enrolment.LIMITS if sat.pose is Pose.FRONT else SIDE_LIMITS
        if found := quality.assess(frame.pixels, face, chip, limits):
            return sat.missed(Waiting(found[0].reason))
        mesh = self._sight.landmarker.find(frame.pixels, face)
        if mesh is None:
            return sat.missed(Waiting.LOOKING)
        if found := quality.assess_mesh(frame.pixels, mesh, limits):
            return sat.missed(Waiting(found[0].reason))
        if not is_in(sat.pose, mesh):
            return sat.missed(None)
        if self._guard is not None and sat.pose is Pose.FRONT:
            sat.signs.append(self._guard.look(frame.pixels, face.box))
        if sat.hit():
            self._take(sat, self._sight.embedder.embed(chip))
        return None

    def _take(self, sat: Sitting, vector: NDArray[np.float32]) -> None:
        """One pose is done: it must be the same face as before, and none that is held up."""
        if sat.vectors and float(sat.vectors[0] @ vector) < self._sight.one_to_one:
            raise EnrolmentRefused(say("enrol.first_pose"))
        if self._guard is not None and self._guard.verdict(sat.signs, ()) is liveness.Verdict.FAILED:
            raise EnrolmentRefused(say("enrol.not_live"))
        sat.vectors.append(vector)
        sat.held = 0

    def _close(self, sat: Sitting, state: State, why: str, templates: int = 0) -> None:
        with self._changed:
            if self._sitting is sat:
                self._sitting = None
        self._tell(
            replace(self._told, state=state, done=len(sat.vectors), hint="", why=why, said=api.reason(why), templates=templates)
        )

    def _tell(self, told: api.Sitting) -> None:
        with self._changed:
            if replace(told, change=self._told.change) != self._told:
                self._told = replace(told, change=self._told.change + 1)
                self._changed.notify_all()


class Sitting:
    """One person's poses so far."""

    def __init__(self, number: str, by: str, look_alike_of: str, began: Moment) -> None:
        self.number, self.by, self.look_alike_of = number, by, look_alike_of
        self._began = began
        self.vectors: list[NDArray[np.float32]] = []
        self.signs: list[liveness.Sign] = []
        self.held = 0

    @property
    def pose(self) -> Pose | None:
        """What is wanted now; None when all of it is there."""
        return POSES[len(self.vectors)] if len(self.vectors) < len(POSES) else None

    def lasts(self, now: Moment) -> bool:
        """Whether there is time left."""
        return elapsed(self._began, now).total_seconds() < LASTS_S

    def missed(self, hint: Waiting | None) -> Waiting | None:
        """This look does not count, nor do those before it."""
        self.held = 0
        return hint

    def hit(self) -> bool:
        """This look counts; true when enough have in a row."""
        self.held += 1
        return self.held >= HELD


def too_long() -> str:
    """What is said when the time is up."""
    return say("enrol.too_long", seconds=round(LASTS_S))


def in_the_way(faces: tuple[Face, ...]) -> Waiting | None:
    """What is wrong before anybody is looked at closely."""
    if not faces:
        return Waiting.NOBODY
    if len(faces) > 1 and faces[1].box.height > faces[0].box.height / 2:
        return Waiting.TWO_PEOPLE
    return Waiting.TOO_FAR if faces[0].box.height < enrolment.MIN_FACE_PX else None


def is_in(pose: Pose, mesh: Mesh) -> bool:
    """Whether the head is held so."""
    turn = mesh.pose.turn_deg
    if pose is Pose.FRONT:
        return abs(turn) <= FRONT_DEG and abs(mesh.pose.nod_deg) <= FRONT_NOD_DEG
    return LEAST_SIDE_DEG <= (turn if pose is Pose.LEFT else -turn) <= MOST_SIDE_DEG
