"""Which face is which from one frame to the next, and which of them stand at the kiosk."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from device import tracks
from device.tracks import Crowd, Place, Track
from models.align import REFERENCE
from models.detect import Box, Face
from tests.device import parts

STEP_S = 1 / 15


def face(x: float, size: float = 120.0, y: float = 100.0) -> Face:
    landmarks = np.asarray(REFERENCE * size / 112 + (x, y), dtype=np.float32)
    return Face(Box(x, y, size, size), landmarks, 0.9)


def walked(*frames: list[Face], step_s: float = STEP_S) -> list[dict[float, Track]]:
    """After each frame, the track of every face in it, by the x of its box."""
    crowd, found = Crowd(), []
    for number, faces in enumerate(frames):
        crowd.follow(sorted(faces, key=lambda one: -one.box.height), parts.moment(number * step_s))
        found.append({track.face.box.x: track for track in crowd.seen})
    return found


@pytest.mark.parametrize(("x", "size"), [(300.0, 120.0), (160.0, 200.0)])
def test_a_box_too_far_or_too_different_is_another_face(x: float, size: float) -> None:
    before = face(200).box
    assert tracks.is_same_face(before, before)
    assert not tracks.is_same_face(before, face(x, size).box)


def test_two_who_stand_side_by_side_keep_their_own_tracks_however_they_sway() -> None:
    frames = [[face(100 + 20 * (number % 3)), face(300 - 15 * (number % 2))] for number in range(30)]
    found = walked(*frames)
    left, right = {min(one.items())[1].number for one in found}, {max(one.items())[1].number for one in found}
    assert left != right
    assert (len(left), len(right)) == (1, 1)


def test_two_who_cross_at_the_same_size_both_begin_anew() -> None:
    """One walks from the left to the right, the other the other way: after it no track is one of those before."""
    frames = [[face(100 + 15 * number), face(400 - 15 * number)] for number in range(21)]
    found = walked(*frames)
    before, after = {track.number for track in found[0].values()}, {track.number for track in found[-1].values()}
    assert len(after) == 2
    assert not before & after


def test_a_face_hidden_by_another_of_its_size_does_not_hand_its_track_over() -> None:
    """The one in the way is where the other one was: whose face it is cannot be told from where it is."""
    frames = [[face(200), face(420)], [face(200), face(350)], [face(205), face(280)], [face(215)], [face(200)]]
    found = walked(*frames)
    assert not {track.number for track in found[-1].values()} & {track.number for track in found[0].values()}


def test_who_passes_far_behind_disturbs_nobody() -> None:
    frames = [[face(200, 160), face(20 * number + 5, 70)] for number in range(25)]
    found = walked(*frames)
    assert len({one[200].number for one in found}) == 1, "a face of less than half the size is not taken for this one"


def test_after_a_doubt_it_is_known_between_whom() -> None:
    found = walked([face(200), face(330)], [face(200), face(270)], [face(200), face(250)])
    numbers = {track.number for track in found[0].values()}
    assert found[1][200].instead_of < numbers, "this one did not move as far as the other one was away"
    assert found[1][270].instead_of == numbers


def test_in_a_slow_picture_doubt_reaches_farther() -> None:
    frames = [[face(100), face(270)], [face(140), face(230)]]
    assert walked(*frames)[1][140].instead_of == frozenset()
    assert walked(*frames, step_s=0.5)[1][140].instead_of == {1, 2}, "in half a second two neighbours can change places"
    still = [[face(100), face(270)]] * 2
    assert walked(*still, step_s=0.5)[1][100].number == 1, "but who stands where they stood has not"


def test_a_fast_passer_by_who_hides_somebody_for_a_moment_does_not_get_their_track() -> None:
    """Both are lost for a frame; then one face is nearly where the one who stands there was, and it is the other's."""
    found = walked([face(300), face(180)], [], [face(290)])
    assert found[-1][290].instead_of == {1, 2}


def test_a_neighbour_who_is_not_found_for_a_moment_casts_no_doubt_on_who_stands_still() -> None:
    frames = [[face(200), face(360)], *[[face(200 + number)] for number in range(8)], [face(205), face(355)]]
    assert {min(one.items())[1].number for one in walked(*frames)} == {1}


def test_a_face_comes_back_after_a_blink_of_the_detector_and_not_after_a_second() -> None:
    found = walked([face(200)], *[[]] * 6, [face(205)])
    assert found[-1][205].number == found[0][200].number
    found = walked([face(200)], *[[]] * 12, [face(205)])
    assert found[-1][205].number != found[0][200].number


def test_a_picture_that_stands_still_for_a_second_is_no_sign_that_somebody_left() -> None:
    assert walked([face(200)], [face(205)], step_s=1.5)[1][205].number == 1
    assert walked([face(200)], [face(205)], step_s=2.5)[1][205].number == 2


def test_a_fifth_face_never_takes_the_place_of_one_of_the_four() -> None:
    crowd = [face(130 * number, 120 - number) for number in range(5)]
    found = walked(crowd, crowd)
    assert len({track.number for track in found[1].values()}) == 5


def placed(*sizes: float) -> list[Place]:
    crowd = Crowd()
    crowd.follow([face(150 * number, size) for number, size in enumerate(sizes)], parts.moment())
    found = tracks.places(crowd.seen, least_height_px=72, lead=1.5)
    return [found[track.number] for track in sorted(crowd.seen, key=lambda one: one.face.box.x)]


def test_at_the_kiosk_are_the_nearest_and_whoever_stands_beside_them() -> None:
    here, behind, far = Place.AT_THE_KIOSK, Place.BEHIND, Place.FAR
    assert placed(150, 101) == [here, here]
    assert placed(150, 100) == [here, behind]
    assert placed(120, 72, 71) == [here, behind, far]
    assert placed(100, 72, 71) == [here, here, far]
    assert placed(60) == [far]
    assert placed() == []


def test_of_five_beside_each_other_the_nearest_four_are_compared() -> None:
    assert placed(120, 119, 118, 117, 116) == [Place.AT_THE_KIOSK] * 4 + [Place.BEHIND]


def settled(*xs: float, settle_s: float = 0.2) -> bool:
    crowd = Crowd()
    for number, x in enumerate(xs):
        crowd.follow([face(x)], parts.moment(number * STEP_S))
    return crowd.seen[0].has_settled(parts.moment((len(xs) - 1) * STEP_S), timedelta(seconds=settle_s))


def test_whoever_has_stood_still_for_a_moment_stands_there_and_who_walks_past_does_not() -> None:
    assert settled(*[200.0] * 4)
    assert not settled(*[200.0] * 3), "not there for long enough"
    assert settled(*[200 + 8 * (number % 2) for number in range(10)]), "swaying is standing"
    assert not settled(*[100 + 20 * number for number in range(10)]), "a stroll of half a metre a second is 2.5 widths"
    assert settled(200.0, settle_s=0.0)
