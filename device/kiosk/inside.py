"""What one kiosk daemon is made of: the line and the desks beside it, wired up and not yet running."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from datetime import timedelta

from device import (
    api,
    attention,
    by_face,
    camera,
    claims,
    corrections,
    desk,
    holdings,
    line,
    own,
    personnel,
    recognise,
    sight,
    sitting,
    terms,
    timekeeping,
    ways,
    webcodes,
)
from device.config import Config
from device.kiosk.files import Files
from device.page import readers


@dataclasses.dataclass(frozen=True, slots=True)
class Inside:
    """Everything that one kiosk daemon is made of, wired up and not yet running."""

    files: Files
    config: Config
    eyes: sight.Sight
    source: camera.Camera
    time_source: timekeeping.Timekeeper
    office: desk.Desk
    board: line.Board
    claims: claims.Claims
    watching: attention.Attention
    recogniser: recognise.Recogniser
    walk: line.Line
    sittings: sitting.Sittings
    ways: ways.Ways
    personnel: personnel.Personnel
    codes: webcodes.WebCodes
    corrections: corrections.Corrections
    readers: readers.Readers
    affairs: own.Own
    by_face: by_face.ByFace

    def frames(self) -> Iterator[camera.Frame]:
        """The camera's frames, fewer of them while the kiosk is asleep."""
        return paced(self.source, self.is_idle, self.config.recognition.asleep_frames_per_second)

    def is_idle(self) -> bool:
        """Nobody there, and nobody in the middle of another way: a code may be held up where no face is looked for."""
        return self.watching.alertness is attention.Alertness.ASLEEP and self.board.waiting is not recognise.Waiting.OTHER_WAY

    def is_quiet(self) -> bool:
        """Whether nobody is interrupted when the daemon ends now; by the clock, since it may be that nobody looks at a frame."""
        now = self.time_source.now()
        return not self.watching.has_somebody(now) and not self.walk.is_suspended(now)

    def forget(self, person: str) -> None:
        """Somebody was erased: neither gallery nor board has anything of them any more, and no ticket is theirs."""
        self.board.forget(person)
        self.ways.forget(person)
        self.office.renew(person)


def assemble(files: Files, config: Config, eyes: sight.Sight, source: camera.Camera, time_source: timekeeping.Timekeeper) -> Inside:
    """The line and the desks beside it, each handed what it needs."""
    office = desk.Desk(
        files.journal, files.directory, time_source, lambda: eyes, terms.promise(config), config.people.other_kiosks()
    )
    keeper, board = office.keeper(), line.Board()
    watching = attention.Attention(eyes.detector, terms.effort(config))
    recogniser = recognise.Recogniser(
        watching,
        terms.gate(config, eyes.landmarker),
        eyes.embedder,
        keeper.known,
        terms.recognition_policy(config),
        terms.capture_of(source),
        terms.guard(config, eyes, source),
        terms.challenger_of(config, eyes, source),
    )
    keeper.changed = lambda known: _renew(recogniser, known)
    claiming = claims.Claims(
        files.directory, keeper, eyes.models.embedder, time_source, config.recognition.claim_lasts_s, recogniser.claim
    )
    walk = line.Line(recogniser, files.journal, office, board, terms.attend_policy(config), eyes.models, config.device.site)
    sittings = sitting.Sittings(
        watching,
        eyes,
        terms.guard(config, eyes, source),
        office,
        time_source,
        config.attend.allow_simulated or not source.simulated,
    )
    walk.sitter, walk.faces = sittings.see, lambda: recogniser.outlines
    sittings.enrolled = recogniser.excuse
    other = ways.Ways(files.directory, walk, board, claiming, time_source, config.ways)
    asked = by_face.ByFace(
        files.directory,
        claiming,
        time_source,
        timedelta(seconds=config.recognition.claim_lasts_s),
        lambda: walk.policy,
        other.verified_by_face,
    )
    walk.come_back = recogniser.come_back
    walk.witness, walk.prompted, walk.asked = asked.witness, asked.prompted, lambda: recogniser.asked
    zone, left_days = api.zone_of(config.device.time_zone), config.retention.left_days
    staff = personnel.Personnel(files.journal, files.directory, time_source, zone, left_days)
    amending = corrections.Corrections(files.journal, time_source, lambda: terms.changes_last(config))
    held_of = holdings.Holdings(files.journal, files.directory, time_source)
    affairs = own.Own(other, office.consents, files.directory, files.journal, held_of, amending)
    at_hand = (staff, webcodes.WebCodes(), amending, readers.Readers(other, time_source), affairs, asked)
    return Inside(
        files, config, eyes, source, time_source, office, board, claiming, watching, recogniser, walk, sittings, other, *at_hand
    )


def paced(source: camera.Camera, is_idle: Callable[[], bool], idle_frames_per_second: float) -> Iterator[camera.Frame]:
    """The camera's frames; while nothing goes on the camera is asked for fewer."""
    for frame in source.frames():
        yield frame
        source.pace(idle_frames_per_second if is_idle() else None)


def _renew(recogniser: recognise.Recogniser, known: recognise.Known) -> None:
    recogniser.known = known
