"""From a frame to the screen: durable before anyone is told, refused in plain sight, and no frame ends the line."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device import api, attend, camera, database, journal, line, messages, people, recognise
from device.attend import Identity, Stranger, Why
from device.outlines import Outline, Regard
from device.recognise import Waiting
from models.detect import Box
from tests.device import parts
from tests.device.test_recognise import ADA, KNOWN, Hall, Someone, looking, open_gate
from tests.device.test_recognise import POLICY as RECOGNITION

Seen = Identity | Stranger | Waiting
POLICY = attend.Policy(timedelta(seconds=60), timedelta(hours=16), allow_simulated=False)


def identity(person: str = parts.ADA, seconds: float = 0.0, score: float = 0.637) -> Identity:
    first, accepted, last = parts.moment(seconds), parts.moment(seconds + 0.5), parts.moment(seconds + 1)
    return Identity(person, score, 0.3, 3, first, accepted, last, messages.Liveness.NOT_ASSESSED, messages.Capture.CAMERA)


class Script:
    """A recogniser that sees what it is told, or fails."""

    def __init__(self, seen: Sequence[Seen | Exception]) -> None:
        self._seen = iter(seen)

    def see(self, frame: camera.Frame) -> Seen:
        one = next(self._seen)
        if isinstance(one, Exception):
            raise one
        return one

    def watch(self, frame: camera.Frame) -> None:
        """Sees nobody."""


class Names:
    def name_of(self, person: str) -> str:
        return {parts.ADA: "Ada", parts.BOB: "Bob"}.get(person, "")

    def expires_at(self, person: str) -> datetime | None:
        return None

    def group_of(self, person: str) -> str:
        return ""


def play(
    seen: Sequence[Seen | Exception], opened: line.Journal, desk: line.Desk | None = None, policy: attend.Policy = POLICY
) -> line.Board:
    board = line.Board()
    kiosk = line.Line(Script(seen), opened, desk or Names(), board, policy, parts.MODELS, "gate 1")
    kiosk.run(camera.Frame(np.zeros((2, 2, 3), np.uint8), parts.moment(number)) for number in range(len(seen)))
    return board


def test_a_punch_is_on_the_disk_with_all_that_it_should_say(opened: journal.Journal) -> None:
    board = play([identity()], opened)
    (shown,) = board.after(0, 0)
    stretch = opened.stretch(1)
    assert stretch is not None
    record = messages.read_record(messages.parse(stretch.texts[0]))
    assert messages.read_body(record) == messages.PunchBody(
        parts.ADA, messages.Method.FACE, messages.Direction.IN, 60, 3, messages.Liveness.NOT_ASSESSED, messages.Capture.CAMERA,
        parts.MODELS, "gate 1", parts.moment(0).at,
    )  # fmt: skip
    assert record.stamp.at == parts.moment(0.5).at
    assert shown == api.Decision(
        1, messages.write_time(parts.moment(1).at), "punched", "", parts.ADA, "Ada", "in", 3, 60, 2, record.hash.hex(), "face"
    )
    assert board.trouble == ""


def test_a_second_look_names_the_record_that_stands(opened: journal.Journal) -> None:
    board = play([identity(), identity(seconds=10), identity(seconds=3_600)], opened)
    first, second, third = board.after(0, 0)
    assert (second.outcome, second.why, second.seq, second.hash) == ("refused", Why.TOO_SOON, first.seq, "")
    assert (third.outcome, third.direction) == ("punched", "out")
    assert opened.head().seq == 3


def test_a_stranger_leaves_nothing_behind(opened: journal.Journal) -> None:
    board = play([Stranger(9, parts.moment(), parts.moment(3))], opened)
    (shown,) = board.after(0, 0)
    assert (shown.outcome, shown.why) == ("refused", "stranger")
    assert (shown.person, shown.name, shown.seq, shown.score_band) == ("", "", 0, 0)
    assert opened.head().seq == 1


def test_a_simulated_punch_is_refused_in_production(opened: journal.Journal) -> None:
    board = play([replace(identity(), capture=messages.Capture.SIMULATED)], opened)
    assert board.after(0, 0)[0].why == Why.SIMULATED
    assert opened.head().seq == 1


class Failing:
    """A journal on a disk that fails where it is told to; the real failing disks are in test_full_disk."""

    def __init__(self, opened: journal.Journal, reading: Exception | None, writing: Exception | None) -> None:
        self._opened, self.reading, self.writing = opened, reading, writing

    def last_punch(self, person: str) -> attend.LastPunch | None:
        if self.reading:
            raise self.reading
        return self._opened.last_punch(person)

    def append(self, body: messages.Body, moment: object) -> journal.Receipt:
        if self.writing:
            raise self.writing
        return self._opened.append(body, moment)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [database.StorageFull, database.StorageReadOnly, database.StorageFailing, database.StorageDamaged])
@pytest.mark.parametrize("place", ["reading", "writing"])
def test_a_disk_that_fails_refuses_the_punch_in_plain_sight(
    opened: journal.Journal, kind: type[database.StorageError], place: str
) -> None:
    error = kind("journal.db: a reason and a remedy")
    board = play([identity()], Failing(opened, **({"reading": None, "writing": None} | {place: error})))
    (shown,) = board.after(0, 0)
    assert (shown.outcome, shown.why, shown.name, shown.seq, shown.hash) == ("refused", Why.NOT_RECORDED, "Ada", 0, "")
    assert "a reason and a remedy" in board.trouble
    assert opened.head().seq == 1


def test_a_frame_that_raises_does_not_end_the_line(opened: journal.Journal, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        board = play([RuntimeError("not foreseen"), identity(), ValueError("again")], opened)
    assert [shown.outcome for shown in board.after(0, 0)] == ["punched"]
    assert "could not be handled" in board.trouble
    assert len([record for record in caplog.records if record.exc_info]) == 2


def test_trouble_goes_away_with_the_next_punch(opened: journal.Journal) -> None:
    assert play([RuntimeError("x"), identity()], opened).trouble == ""


def test_a_name_that_cannot_be_read_hides_no_receipt(opened: journal.Journal) -> None:
    class Nameless:
        def name_of(self, person: str) -> str:
            raise people.PersonUnknown("erased meanwhile")

        def expires_at(self, person: str) -> datetime | None:
            raise people.PersonUnknown("erased meanwhile")

        def group_of(self, person: str) -> str:
            raise people.PersonUnknown("erased meanwhile")

    (shown,) = play([identity()], opened, Nameless()).after(0, 0)
    assert (shown.outcome, shown.name, shown.hash) == ("punched", "", opened.head().hash)


def test_waiting_is_shown_and_decides_nothing(opened: journal.Journal) -> None:
    board = play([Waiting.NOBODY, Waiting.TWO_PEOPLE], opened)
    assert board.waiting is Waiting.TWO_PEOPLE
    assert board.after(0, 0) == ()


def test_names_and_scores_do_not_enter_the_log(opened: journal.Journal, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        play([identity(), identity(seconds=5), Stranger(9, parts.moment(), parts.moment())], opened)
        play([identity(parts.BOB)], Failing(opened, None, database.StorageFull("journal.db: full")))
    assert "Ada" not in caplog.text
    assert "Bob" not in caplog.text
    assert "0.63" not in caplog.text


@given(st.floats(-1, 1))
def test_a_band_is_the_lower_edge_that_the_schema_allows(score: float) -> None:
    found = line.band(score)
    assert found % 5 == 0
    assert -100 <= found <= 100
    assert found - 1e-9 <= score * 100 <= found + 5 + 1e-9


@pytest.mark.parametrize(("score", "edge"), [(0.637, 60), (0.65, 65), (0.6499, 60), (1.0, 100), (0.0, 0), (-0.01, -5)])
def test_a_score_belongs_to_one_band(score: float, edge: int) -> None:
    assert line.band(score) == edge


def decision(number: int) -> api.Decision:
    return api.Decision(number, "", "refused", "stranger", "", "", "", 0, 0, 0, "")


def test_the_board_keeps_the_newest_and_gives_what_follows() -> None:
    board = line.Board()
    for number in range(1, line.KEPT_DECISIONS + 11):
        board.put(decision(number))
    assert len(board.after(0, 0)) == line.KEPT_DECISIONS
    last = line.KEPT_DECISIONS + 10
    assert [shown.number for shown in board.after(last - 2, 0)] == [last - 1, last]


def test_a_watcher_is_woken_by_the_next_decision_and_not_kept_for_ever() -> None:
    board = line.Board()
    started = time.monotonic()
    assert board.after(0, 0.1) == ()
    assert time.monotonic() - started >= 0.1
    put: Callable[[], object] = lambda: board.put(decision(1))  # noqa: E731
    threading.Timer(0.05, put).start()
    assert board.after(0, 10) == (decision(1),)
    assert time.monotonic() - started < 5


def test_what_is_on_record_already_is_not_said_twice_to_a_face_that_was_told_and_all_the_rest_is(opened: journal.Journal) -> None:
    again = replace(identity(seconds=5), is_again=True)
    board = play([identity(), again], opened)
    assert [one.outcome for one in board.after(0, 0)] == ["punched"]
    board = play([replace(again, person=parts.BOB)], opened)
    assert [one.outcome for one in board.after(0, 0)] == ["punched"], "what was refused before is recorded now"


def test_a_direction_that_was_pressed_is_not_that_of_whoever_stands_beside(opened: journal.Journal) -> None:
    board, box = line.Board(), Box(0, 0, 100, 100)
    walk = line.Line(Script([]), opened, Names(), board, POLICY, parts.MODELS, "gate 1")
    walk.faces = lambda: (Outline(4, box, Regard.LOOKING, "", leads=True), Outline(5, box, Regard.LOOKING, "", leads=False))
    walk.choose(messages.Direction.OUT, parts.moment(), timedelta(seconds=10))
    walk.settle(replace(identity(parts.BOB), face=5))
    walk.settle(replace(identity(parts.ADA), face=4))
    walk.settle(replace(identity("p-" + "ee" * 16), face=6))
    assert [(one.person, one.direction) for one in board.after(0, 0)][:2] == [(parts.BOB, "in"), (parts.ADA, "out")]
    assert board.after(0, 0)[2].direction == "in", "and it counts once"


@pytest.mark.parametrize("sheet_s", [10, 59, 70])
def test_who_was_clocked_in_and_uses_another_way_for_a_while_is_not_clocked_out(tmp_path: Path, sheet_s: int) -> None:
    """They never left: whatever time the sheet is open, and however long after it they stay."""
    hall = Hall([[Someone(ADA)]])
    recogniser = recognise.Recogniser(looking(hall), open_gate, hall, KNOWN, RECOGNITION, messages.Capture.CAMERA)
    board = line.Board()
    opened = parts.open_journal(tmp_path)
    kiosk = line.Line(recogniser, opened, Names(), board, POLICY, parts.MODELS, "gate")
    for tenth in range(900):
        if tenth == 50:
            kiosk.suspend(parts.moment(5), timedelta(seconds=sheet_s))
        kiosk.take(hall.frame(0, tenth / 10))
        assert (board.waiting is Waiting.OTHER_WAY) == (50 <= tenth < 50 + 10 * sheet_s)
    assert [(one.outcome, one.direction) for one in board.after(0, 0)] == [("punched", "in")]
    opened.close()


def test_who_comes_while_another_way_is_used_is_named_after_it_and_their_time_begins_then(tmp_path: Path) -> None:
    hall = Hall([[], [Someone(ADA)]])
    recogniser = recognise.Recogniser(looking(hall), open_gate, hall, KNOWN, RECOGNITION, messages.Capture.CAMERA)
    board = line.Board()
    opened = parts.open_journal(tmp_path)
    kiosk = line.Line(recogniser, opened, Names(), board, POLICY, parts.MODELS, "gate")
    kiosk.suspend(parts.moment(0), timedelta(seconds=30))
    for tenth in range(320):
        kiosk.take(hall.frame(int(tenth > 20), tenth / 10))
        assert not hall.embedded or tenth >= 300, "no face is compared meanwhile"
    (decision,) = board.after(0, 0)
    found = opened.stretch(decision.seq - 1)
    assert found is not None
    body = messages.read_record(messages.parse(found.texts[0])).body
    assert body["first_attempt_at"] >= messages.write_time(parts.moment(29.8).at), "nobody waited for a face before"
    opened.close()
