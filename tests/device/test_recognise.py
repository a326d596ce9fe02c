"""Who stands there, by several looks at one face; test_recognise_several has several faces at once.

Detector and embedder are scripted here; test_recognise_photographs has the real ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from device import camera, diagnoses, recognise
from device.attend import Claim, Identity, Stranger
from device.attention import Attention, Effort
from device.messages import Capture, Liveness
from device.recognise import Waiting
from models import match
from models.align import REFERENCE
from models.detect import Box, Face
from models.quality import Reason, Shortfall
from tests.device import parts

POLICY = recognise.Policy(
    min_margin=0.05,
    votes=2,
    looks=3,
    stranger_after=timedelta(seconds=2),
    look_interval=timedelta(milliseconds=100),
    min_face_px=72,
    nearest_lead=1.5,
    claim_lasts=timedelta(seconds=15),
    settle=timedelta(0),
    again_after=timedelta(seconds=5),
)
STEP_S = 0.1


def unit(index: int, cosine: float = 1.0, other: int = 100) -> NDArray[np.float32]:
    """A unit vector with this cosine to axis `index`."""
    vector = np.zeros(128, np.float32)
    vector[index], vector[other] = cosine, np.sqrt(1 - cosine**2)
    return vector


GALLERY = match.Gallery.of([(parts.ADA, unit(0)), (parts.BOB, unit(1))])
KNOWN = recognise.Known(GALLERY, search_from=0.5, one_to_one=0.45)
ADA, BOB, NOBODY = unit(0, 0.8), unit(1, 0.8), unit(2)


@dataclass(frozen=True)
class Someone:
    """A face in a frame: how tall, where, and whose vector it gives."""

    vector: NDArray[np.float32]
    height: float = 120.0
    x: float = 200.0


def open_gate(pixels: NDArray[np.uint8], face: Face, chip: NDArray[np.uint8]) -> tuple[Shortfall, ...]:
    """Every look is good enough."""
    return ()


class Hall:
    """Detector and embedder in one: each frame's pixels say which moment of the script it is, each chip whose face it is."""

    def __init__(self, script: Sequence[Sequence[Someone]]) -> None:
        self.script = script
        self.embedded: list[NDArray[np.float32]] = []
        self._now: Sequence[Someone] = ()

    def faces(self, pixels: NDArray[np.uint8]) -> tuple[Face, ...]:
        self._now = sorted(self.script[int(pixels[0, 0, 0])], key=lambda someone: -someone.height)
        return tuple(_face(someone, mark) for mark, someone in enumerate(self._now))

    def closer(self, pixels: NDArray[np.uint8], face: Face) -> Face | None:
        return face

    def embed(self, chip: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The frame is painted so that a chip's colour is the place of its face among those of the frame, by where it was cut."""
        mark = round(float(chip[56, 56, 1]) / 20)
        self.embedded.append(self._now[mark].vector)
        return self._now[mark].vector

    def frame(self, number: int, at_s: float) -> camera.Frame:
        pixels = np.zeros((480, 640, 3), np.uint8)
        for mark, someone in enumerate(sorted(self.script[number], key=lambda someone: -someone.height)):
            left, top = int(someone.x), 100
            pixels[top : top + int(someone.height), left : left + int(someone.height), 1] = mark * 20
        pixels[0, 0, 0] = number
        return camera.Frame(pixels, parts.moment(at_s))


def looking(hall: Hall) -> Attention:
    """Every frame of the script is a fresh look."""
    return Attention(hall, Effort(timedelta(0), timedelta(hours=1), timedelta(seconds=1), 0.0))


def _face(someone: Someone, _mark: int) -> Face:
    scale = someone.height / 112
    landmarks = np.asarray(REFERENCE * scale + (someone.x, 100), dtype=np.float32)
    return Face(Box(someone.x, 100, someone.height, someone.height), landmarks, 0.9)


def play(
    script: Sequence[Sequence[Someone]], policy: recognise.Policy = POLICY, step_s: float = STEP_S
) -> tuple[list[recognise.Seen], Hall]:
    hall = Hall(script)
    recogniser = recognise.Recogniser(looking(hall), open_gate, hall, KNOWN, policy, Capture.CAMERA)
    return [recogniser.see(hall.frame(number, number * step_s)) for number in range(len(script))], hall


def answers(seen: Sequence[recognise.Seen]) -> list[str]:
    named = {parts.ADA: "ada", parts.BOB: "bob"}
    found = [one for one in seen if isinstance(one, Identity | Stranger)]
    return [named[one.person] if isinstance(one, Identity) else "unsure" if one.is_unsure else "stranger" for one in found]


def test_three_agreeing_looks_name_a_person_with_three_embeddings() -> None:
    seen, hall = play([[Someone(ADA)]] * 3)
    assert seen[:2] == [Waiting.LOOKING] * 2
    who = seen[2]
    assert isinstance(who, Identity)
    assert (who.person, who.votes, who.capture, who.liveness) == (parts.ADA, 3, Capture.CAMERA, Liveness.NOT_ASSESSED)
    assert len(hall.embedded) == 3


def test_an_identity_carries_its_worst_look_and_its_moments() -> None:
    script = [[Someone(unit(0, 0.9))], [Someone(unit(0, 0.6))], [Someone(unit(0, 0.8))]]
    who = play([[Someone(ADA, 40)], *script])[0][3]
    assert isinstance(who, Identity)
    assert who.score == pytest.approx(0.6, abs=1e-5)
    assert who.margin == pytest.approx(0.6, abs=1e-5)
    assert who.first_attempt == parts.moment(STEP_S), "when they stood at the kiosk, not when they were first seen far away"
    assert who.accepted_at == parts.moment(STEP_S)
    assert who.seen_at == parts.moment(3 * STEP_S)
    assert (who.embeddings, who.votes) == (3, 3)


def test_a_clean_punch_takes_at_most_three_embeddings_at_any_frame_rate() -> None:
    for step_s in (1 / 60, 1 / 15, 0.3):
        seen, _ = play([[Someone(ADA)]] * 30, step_s=step_s)
        first = next(number for number, one in enumerate(seen) if isinstance(one, Identity))
        assert len(play([[Someone(ADA)]] * (first + 1), step_s=step_s)[1].embedded) == 3
        assert answers(seen) == ["ada"]


def test_more_than_two_seconds_between_pictures_are_too_slow_to_recognise_anybody() -> None:
    """Somebody else may have taken the place meanwhile. What the doctor calls too slow is just that."""
    assert answers(play([[Someone(ADA)]] * 20, step_s=1.9)[0]) == ["ada"]
    assert answers(play([[Someone(ADA)]] * 20, step_s=1 / diagnoses.SLOWEST + 0.1)[0]) == []


def test_after_the_answer_a_person_who_stays_is_looked_at_ever_less_often_and_not_named_again() -> None:
    seen, hall = play([[Someone(ADA)]] * 163)
    assert answers(seen) == ["ada"]
    assert len(hall.embedded) == 3 + 4, "after one second, two more, four more, eight more"
    assert set(seen[3:]) == {Waiting.DONE}


def test_a_face_that_was_out_of_sight_after_the_answer_is_looked_at_at_once() -> None:
    seen, hall = play([[Someone(ADA)]] * 4 + [[]] * 4 + [[Someone(BOB)]] * 5)
    assert answers(seen) == ["ada", "bob"]
    assert len(hall.embedded) == 6


def test_looks_come_no_faster_than_the_interval() -> None:
    _, hall = play([[Someone(ADA)]] * 8, step_s=0.02)
    assert len(hall.embedded) == 2
    _, hall = play([[Someone(NOBODY)]] * 12, step_s=0.02)
    assert len(hall.embedded) == 1, "and less often where nobody was found: the same picture would say the same"


def test_two_looks_are_not_enough() -> None:
    assert answers(play([[Someone(ADA)]] * 2)[0]) == []


def test_looks_below_the_score_do_not_count() -> None:
    below = Someone(unit(0, 0.49))
    assert answers(play([[below]] * 15)[0]) == []
    assert answers(play([[below]] * 3 + [[Someone(ADA)]] * 4)[0]) == ["ada"]
    assert answers(play([[Someone(ADA)], [below], [below]])[0]) == ["unsure"]


def test_a_face_between_two_people_is_neither() -> None:
    twin = np.zeros(128, np.float32)
    twin[0], twin[1] = 0.72, 0.69
    twin[5] = np.sqrt(1 - 0.72**2 - 0.69**2)
    assert answers(play([[Someone(twin)]] * 40)[0]) == ["stranger"]
    assert answers(play([[Someone(twin)]] * 40, replace(POLICY, min_margin=0.02))[0]) == ["ada"]


def test_votes_for_two_people_name_neither() -> None:
    assert "ada" not in answers(play([[Someone(ADA)], [Someone(BOB)]] * 4)[0])
    assert "bob" not in answers(play([[Someone(ADA)], [Someone(BOB)]] * 4)[0])


def test_a_stranger_is_one_only_after_both_time_and_looks() -> None:
    seen, _ = play([[Someone(NOBODY)]] * 40)
    at = next(number for number, one in enumerate(seen) if isinstance(one, Stranger))
    assert at * STEP_S == pytest.approx(2.0)
    assert answers(seen) == ["stranger"]
    slow, _ = play([[Someone(NOBODY)]] * 6, step_s=0.6)
    at = next(number for number, one in enumerate(slow) if isinstance(one, Stranger))
    assert at == 4  # the third look, once two seconds are over
    stranger = slow[at]
    assert isinstance(stranger, Stranger)
    assert (stranger.looks, stranger.first_seen) == (3, parts.moment(0))


def test_somebody_taken_for_a_stranger_in_bad_light_is_named_when_it_gets_better() -> None:
    assert answers(play([[Someone(NOBODY)]] * 25 + [[Someone(ADA)]] * 50)[0]) == ["stranger", "ada"]


def test_an_empty_gallery_knows_nobody() -> None:
    hall = Hall([[Someone(ADA)]] * 30)
    recogniser = recognise.Recogniser(
        looking(hall), open_gate, hall, recognise.Known(match.Gallery(), 0.5, 0.5), POLICY, Capture.SIMULATED
    )
    assert answers([recogniser.see(hall.frame(number, number * STEP_S)) for number in range(30)]) == ["stranger"]


def test_a_face_too_far_away_is_not_embedded() -> None:
    seen, hall = play([[Someone(ADA, 71)]] * 10)
    assert set(seen) == {Waiting.TOO_FAR}
    assert hall.embedded == []
    assert answers(play([[Someone(ADA, 72)]] * 3)[0]) == ["ada"]


def test_nobody_is_nobody() -> None:
    assert play([[]] * 3)[0] == [Waiting.NOBODY] * 3


@pytest.mark.parametrize("looks_at_first", [1, 2, 3, 5, 9])
def test_a_different_person_in_the_same_place_is_not_taken_for_the_first(looks_at_first: int) -> None:
    """From one frame to the next, same box: no track can tell, so the looks must."""
    seen, _ = play([[Someone(ADA)]] * looks_at_first + [[Someone(BOB)]] * 60)
    found = answers(seen)
    assert found.count("ada") == (1 if looks_at_first >= 3 else 0)
    assert found[-1] == "bob"
    assert found.count("bob") == 1


def test_a_stranger_who_steps_into_the_place_of_a_half_seen_person_is_not_that_person() -> None:
    seen, _ = play([[Someone(ADA)]] + [[Someone(NOBODY)]] * 40)
    assert answers(seen) == ["unsure"]


def test_a_face_that_jumps_across_the_picture_is_somebody_else() -> None:
    script = [[Someone(ADA, x=50)]] * 2 + [[Someone(ADA, x=400)]] * 2
    assert answers(play(script)[0]) == []


def test_a_short_gap_is_the_same_visit_and_a_long_one_is_not() -> None:
    assert answers(play([[Someone(ADA)]] * 4 + [[]] * 5 + [[Someone(ADA)]] * 4)[0]) == ["ada"]
    assert answers(play([[Someone(ADA)]] * 4 + [[]] * 9 + [[Someone(ADA)]] * 4)[0]) == ["ada", "ada"]


def test_votes_from_before_a_long_gap_do_not_count() -> None:
    assert answers(play([[Someone(ADA)]] * 2 + [[]] * 9 + [[Someone(ADA)]] * 2)[0]) == []


def test_a_withdrawn_person_is_nobody_from_the_next_look_on() -> None:
    hall = Hall([[Someone(ADA)]] * 60)
    recogniser = recognise.Recogniser(looking(hall), open_gate, hall, KNOWN, POLICY, Capture.CAMERA)
    seen = [recogniser.see(hall.frame(0, 0.0))]
    recogniser.known = recognise.Known(GALLERY.without(parts.ADA), 0.5, 0.5)
    seen += [recogniser.see(hall.frame(number, number * STEP_S)) for number in range(1, 60)]
    assert answers(seen) == ["stranger"], "the look before it counts for nothing"


@pytest.mark.parametrize("reason", list(Reason))
def test_a_look_that_is_not_good_enough_is_a_hint_and_never_a_vote(reason: Reason) -> None:
    hall = Hall([[Someone(NOBODY)]] * 60)
    closed = recognise.Recogniser(
        looking(hall), lambda pixels, face, chip: (Shortfall(reason, 0.0, 1.0),), hall, KNOWN, POLICY, Capture.CAMERA
    )
    seen = [closed.see(hall.frame(number, number * STEP_S)) for number in range(60)]
    assert set(seen) == {Waiting(str(reason))}, "nobody is called a stranger for bad light"
    assert not hall.embedded


def test_a_stranger_who_takes_the_place_of_somebody_named_is_answered_too() -> None:
    seen, _ = play([[Someone(ADA)]] * 5 + [[Someone(NOBODY)]] * 80)
    assert answers(seen) == ["ada", "stranger"]


def claimed(person: str = parts.ADA, at_s: float = 0.0, by: Claim = Claim.BADGE) -> recognise.Claimed:
    return recognise.Claimed(person, by, GALLERY.of_person(person), parts.moment(at_s))


def after_claim(
    script: Sequence[Sequence[Someone]], claim: recognise.Claimed, known: recognise.Known = KNOWN
) -> list[recognise.Seen]:
    hall = Hall(script)
    recogniser = recognise.Recogniser(looking(hall), open_gate, hall, known, POLICY, Capture.CAMERA)
    recogniser.claim(claim)
    return [recogniser.see(hall.frame(number, number * STEP_S)) for number in range(len(script))]


def test_after_a_badge_the_face_is_compared_with_its_owner_alone_and_the_badge_is_remembered() -> None:
    (who,) = [one for one in after_claim([[Someone(ADA)]] * 5, claimed()) if isinstance(one, Identity)]
    assert (who.person, who.claim, who.votes) == (parts.ADA, Claim.BADGE, 3)


def test_somebody_else_s_badge_with_my_own_face_names_neither_of_us() -> None:
    seen = after_claim([[Someone(BOB)]] * 40, claimed(parts.ADA))
    first = next(one for one in seen if isinstance(one, Identity | Stranger))
    assert first == Stranger(3, parts.moment(0), first.seen_at, Claim.BADGE, face=1)


def test_a_claim_lasts_seconds_and_the_next_face_is_searched_for() -> None:
    script = [[Someone(BOB)]] * 5
    hall = Hall(script)
    recogniser = recognise.Recogniser(looking(hall), open_gate, hall, KNOWN, POLICY, Capture.CAMERA)
    recogniser.claim(claimed(parts.ADA))
    seen = [recogniser.see(hall.frame(number, 15.1 + number * STEP_S)) for number in range(5)]
    assert answers(seen) == ["bob"]
    assert not any(one.claim for one in seen if isinstance(one, Identity))


def test_one_answer_uses_a_claim_up() -> None:
    seen = after_claim([[Someone(ADA)]] * 5 + [[]] * 10 + [[Someone(BOB)]] * 5, claimed())
    assert answers(seen) == ["ada", "bob"]


def test_where_too_many_are_enrolled_for_a_search_nobody_is_compared_before_they_say_who_they_are() -> None:
    crowd = recognise.Known(GALLERY, search_from=None, one_to_one=0.45)
    hall = Hall([[Someone(ADA)]] * 10)
    recogniser = recognise.Recogniser(looking(hall), open_gate, hall, crowd, POLICY, Capture.CAMERA)
    assert {recogniser.see(hall.frame(number, number * STEP_S)) for number in range(5)} == {Waiting.SAY_WHO}
    assert not hall.embedded
    recogniser.claim(claimed())
    assert answers([recogniser.see(hall.frame(number, number * STEP_S)) for number in range(5, 10)]) == ["ada"]


def test_somebody_with_a_look_alike_is_named_as_such() -> None:
    twins = recognise.Known(GALLERY, 0.5, 0.45, frozenset({parts.ADA}))
    (who,) = [one for one in after_claim([[Someone(ADA)]] * 5, claimed(), twins) if isinstance(one, Identity)]
    assert who.has_look_alike


def test_two_people_who_change_places_between_two_frames_are_each_named_by_their_own_looks() -> None:
    seen, _ = play([[Someone(ADA)]] * 2 + [[Someone(BOB)]] * 6)
    (who,) = [one for one in seen if isinstance(one, Identity)]
    assert (who.person, who.votes) == (parts.BOB, 3)
    assert who.first_attempt == parts.moment(2 * STEP_S), "the time of whoever stood there before is not theirs"


@pytest.mark.parametrize("pattern", [(ADA, BOB), (ADA, ADA, BOB), (ADA, BOB, NOBODY)])
def test_looks_that_name_now_one_and_now_another_name_nobody(pattern: tuple[NDArray[np.float32], ...]) -> None:
    seen, _ = play([[Someone(pattern[number % len(pattern)])] for number in range(24)])
    assert answers(seen) == ["unsure"]


@pytest.mark.parametrize("step_s", [0.033, 0.1, 0.133])
def test_an_attempt_has_no_more_looks_than_the_threshold_was_worked_out_for(step_s: float) -> None:
    """However fast the camera: a stranger gets one answer, after at most eight looks and not before two seconds."""
    seen, hall = play([[Someone(NOBODY)]] * round(2.9 / step_s), step_s=step_s)
    (who,) = [one for one in seen if isinstance(one, Stranger)]
    assert who.looks == POLICY.looks
    assert who.seen_at.monotonic_us - who.first_seen.monotonic_us >= 2_000_000
    assert len(hall.embedded) == POLICY.looks


def test_a_person_whose_first_look_fails_is_still_named_by_the_others() -> None:
    script = [[Someone(NOBODY)]] + [[Someone(ADA)]] * 4
    seen, hall = play(script)
    assert answers(seen) == ["ada"]
    assert len(hall.embedded) == 3
