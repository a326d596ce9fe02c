"""The desk with the real models and real photographs: what is enrolled, what is refused and why, and what stays behind."""

from __future__ import annotations

import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from device import cards, clock, consent, database, journal, messages, people, sight
from device.desk import Desk
from device.enrolment import EnrolmentRefused
from device.people import ConsentMissing, PeopleError
from tests.device import parts

Photograph = Callable[[str], bytes]
Pixels = Callable[[str], NDArray[np.uint8]]
BY = "cli:hr"


@pytest.fixture
def office(tmp_path: Path, opened: journal.Journal, eyes: sight.Sight) -> Iterator[Desk]:
    """Ada (1) and Bob (2) are known; both have agreed."""
    directory = people.Directory(tmp_path / "people.db", bytes(range(32)))
    found = Desk(opened, directory, parts.Clock(), lambda: eyes)
    for number, name in (("1", "Ada"), ("2", "Bob")):
        found.add_person(number, name, "en", BY)
        found.give_consent(number, "en", "consent", BY)
    yield found
    directory.close()


def chain(opened: journal.Journal) -> list[messages.Body]:
    stretch = opened.stretch(0)
    assert stretch is not None
    return [messages.read_body(messages.read_record(messages.parse(text))) for text in stretch.texts]


def everything(office: Desk, opened: journal.Journal) -> tuple[object, ...]:
    return office.people(), opened.head()


def png(pixels: NDArray[np.uint8]) -> bytes:
    return cv2.imencode(".png", pixels)[1].tobytes()


def test_enrolment_makes_one_template_and_one_record(office: Desk, opened: journal.Journal, photograph: Photograph) -> None:
    done = office.enrol("1", photograph("obama"), BY)
    assert done.templates == 1
    assert chain(opened)[-1] == messages.Audit("template_made_from_photograph", BY, done.person)
    assert [person.templates for person in office.people()] == [1, 0]


def test_another_photograph_of_the_same_person_may_be_added(office: Desk, photograph: Photograph) -> None:
    office.enrol("1", photograph("obama"), BY)
    assert office.enrol("1", photograph("obama2"), BY).templates == 2


def test_the_gallery_is_told_of_every_change(office: Desk, photograph: Photograph, eyes: sight.Sight) -> None:
    seen: list[int] = []
    office.keeper().changed = lambda known: seen.append(len(known.gallery))
    office.enrol("1", photograph("obama"), BY)
    office.enrol("2", photograph("person_b_1"), BY)
    office.withdraw_consent("1", BY)
    assert seen == [1, 2, 1]


def test_nobody_is_enrolled_without_consent(office: Desk, opened: journal.Journal, photograph: Photograph) -> None:
    office.add_person("3", "Cy", "zh-CN", BY)
    office.withdraw_consent("2", BY)
    before = everything(office, opened)
    for number in ("2", "3"):
        with pytest.raises(ConsentMissing, match="daka people consent"):
            office.enrol(number, photograph("obama"), BY)
    assert everything(office, opened) == before


def test_a_picture_is_not_even_looked_at_without_consent(tmp_path: Path, opened: journal.Journal, photograph: Photograph) -> None:
    def never() -> sight.Sight:
        raise AssertionError("the models were asked for")

    directory = people.Directory(tmp_path / "people.db", bytes(32))
    office = Desk(opened, directory, parts.Clock(), never)
    office.add_person("1", "Ada", "en", BY)
    with pytest.raises(ConsentMissing):
        office.enrol("1", photograph("obama"), BY)
    directory.close()


def test_a_face_that_is_enrolled_under_another_number_is_refused(
    office: Desk, opened: journal.Journal, photograph: Photograph
) -> None:
    office.enrol("1", photograph("obama"), BY)
    before = everything(office, opened)
    with pytest.raises(EnrolmentRefused, match=r"under employee number 1; check the photograph.*--look-alike-of 1"):
        office.enrol("2", photograph("obama3"), BY)
    assert everything(office, opened) == before
    office.withdraw_consent("1", BY)
    assert office.enrol("2", photograph("obama3"), BY).templates == 1


def jpeg_header(width: int, height: int) -> bytes:
    frame = b"\xff\xc0" + struct.pack(">HBHHB", 17, 8, height, width, 3) + bytes(9)
    return b"\xff\xd8\xff\xe0" + struct.pack(">H", 16) + b"JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00" + frame


def two_faces(pixels: Pixels) -> bytes:
    left, right = (cv2.resize(pixels(name), (480, 600)) for name in ("obama2", "person_b_1"))
    return png(np.hstack([left, right]))


def tiny(pixels: Pixels) -> bytes:
    canvas = np.zeros((480, 640, 3), np.uint8)
    canvas[:100, :80] = cv2.resize(pixels("obama2"), (80, 100), interpolation=cv2.INTER_AREA)
    return png(canvas)


BAD_PICTURES: dict[str, tuple[Callable[[Pixels, Photograph], bytes], str]] = {
    "no face": (lambda pixels, photograph: png(np.full((480, 640, 3), 90, np.uint8)), "no face found.*from the front, well lit"),
    "two faces": (lambda pixels, photograph: two_faces(pixels), "2 faces.*shows only this person"),
    "a small face": (lambda pixels, photograph: tiny(pixels), "80 are needed; use a larger or closer photograph"),
    "nothing": (lambda pixels, photograph: b"", "neither a JPEG nor a PNG; convert it"),
    "another format": (lambda pixels, photograph: b"GIF89a" + bytes(100), "neither a JPEG nor a PNG; convert it"),
    "only the beginning": (lambda pixels, photograph: photograph("obama")[:900], "copy it again|take another"),
    "damaged": (lambda pixels, photograph: photograph("obama")[:2_000] + bytes(2_000), "copy it again|take another|no face found"),
    "100 megapixels": (lambda pixels, photograph: jpeg_header(10_000, 10_000), "10000 x 10000 pixels.*make it smaller"),
}


@pytest.mark.parametrize("what", BAD_PICTURES)
def test_a_picture_that_does_not_do_is_refused_with_what_to_do(
    office: Desk, opened: journal.Journal, pixels: Pixels, photograph: Photograph, what: str
) -> None:
    make, sentence = BAD_PICTURES[what]
    before = everything(office, opened)
    with pytest.raises(EnrolmentRefused, match=sentence):
        office.enrol("1", make(pixels, photograph), BY)
    assert everything(office, opened) == before


def test_no_byte_of_a_photograph_stays_in_the_state_folder(
    office: Desk, opened: journal.Journal, photograph: Photograph, pixels: Pixels, tmp_path: Path
) -> None:
    picture = photograph("obama")
    refused = png(np.full((480, 640, 3), 90, np.uint8))
    office.enrol("1", picture, BY)
    with pytest.raises(EnrolmentRefused):
        office.enrol("2", refused, BY)
    left = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert len(left) > 10_000
    for data in (picture, pixels("obama").tobytes()):
        pieces = [data[at : at + 32] for at in range(0, len(data) - 32, len(data) // 300)]
        telling = [piece for piece in pieces if len(set(piece)) > 12]  # a row of black says nothing
        assert len(telling) > 100
        assert not [piece for piece in telling if piece in left]
    assert not [path for path in tmp_path.rglob("*") if path.suffix in (".jpg", ".png")]


def test_records_hold_the_opaque_id_and_neither_name_nor_number(office: Desk, opened: journal.Journal) -> None:
    office.add_person("E-4711-0815", "Grace Hopper", "en", BY)
    stretch = opened.stretch(0)
    assert stretch is not None
    everything_written = b"".join(stretch.texts)
    assert b"Hopper" not in everything_written
    assert b"E-4711-0815" not in everything_written
    (person,) = (known.person for known in office.people() if known.number == "E-4711-0815")
    assert person.encode() in everything_written


@pytest.mark.parametrize("language", consent.LANGUAGES)
def test_a_consent_names_exactly_the_text_that_is_shown(office: Desk, opened: journal.Journal, language: str) -> None:
    office.give_consent("1", language, "contract", BY)
    said = chain(opened)[-1]
    assert isinstance(said, messages.Consent)
    shown = consent.text(language)
    assert messages.digest(shown.words.encode()).hex() == said.text_sha256 == shown.sha256
    assert (said.act, said.language, said.basis, said.by, said.text_version) == ("given", language, "contract", BY, shown.version)


def test_a_withdrawal_is_recorded_and_cannot_be_made_twice(office: Desk, opened: journal.Journal, photograph: Photograph) -> None:
    office.enrol("1", photograph("obama"), BY)
    after = office.withdraw_consent("1", BY)
    assert (after.has_consent, after.templates) == (False, 0)
    said = chain(opened)[-1]
    assert isinstance(said, messages.Consent)
    assert (said.act, said.person) == ("withdrawn", after.person)
    before = everything(office, opened)
    with pytest.raises(ConsentMissing, match="nothing to withdraw"):
        office.withdraw_consent("1", BY)
    assert everything(office, opened) == before


BAD_TEXTS = ["", "   ", "x" * 65, "a\x00b", "a\nb", "\ud800"]


@pytest.mark.parametrize("text", BAD_TEXTS, ids=ascii)
def test_a_text_that_cannot_be_kept_leaves_everything_as_it_was(
    office: Desk, opened: journal.Journal, photograph: Photograph, text: str
) -> None:
    before = everything(office, opened)
    for change in (
        lambda: office.add_person(text, "Cy", "en", BY),
        lambda: office.add_person("3", text, "en", BY),
        lambda: office.add_person("3", "Cy", "en", text),
        lambda: office.give_consent("1", "en", "consent", text),
        lambda: office.withdraw_consent("1", text),
        lambda: office.enrol("1", photograph("obama"), text),
    ):
        with pytest.raises(PeopleError):
            change()
    assert everything(office, opened) == before


def test_a_language_or_a_basis_that_there_is_none_of_leaves_everything_as_it_was(office: Desk, opened: journal.Journal) -> None:
    before = everything(office, opened)
    with pytest.raises(PeopleError, match="zh-CN, zh-TW, en"):
        office.add_person("3", "Cy", "fr", BY)
    with pytest.raises(PeopleError, match="zh-CN, zh-TW, en"):
        office.give_consent("1", "fr", "consent", BY)
    with pytest.raises(PeopleError, match="a basis is one of"):
        office.give_consent("1", "en", "because", BY)
    with pytest.raises(PeopleError, match="taken"):
        office.add_person("1", "Cy", "en", BY)
    assert everything(office, opened) == before


def test_names_in_every_script_are_kept(office: Desk) -> None:
    for number, name in enumerate(("王　小明", "歐陽娜娜", "Zoë Ångström", "ابن سينا", "👩🏽‍💼"), start=10):
        assert office.name_of(office.add_person(str(number), name, "zh-TW", BY).person) == name
    assert office.name_of("") == ""


def test_status_and_verify_say_the_same_head(office: Desk, opened: journal.Journal) -> None:
    status, verified = office.status(), office.verify()
    assert (status.last, status.head, status.epoch) == (verified.seq, verified.hash, verified.epoch)
    assert (status.people, status.templates) == (2, 0)
    opened.append(parts.punch(), parts.moment())
    assert [record["seq"] for record in office.punches(0)] == [verified.seq + 1]


def test_a_withdrawal_that_the_journal_could_not_take_is_recorded_later(
    office: Desk, opened: journal.Journal, photograph: Photograph, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.enrol("1", photograph("obama"), BY)
    before = opened.head().seq
    with monkeypatch.context() as failing:
        failing.setattr(opened, "append", _full_disk)
        with pytest.raises(database.StorageFull):
            office.withdraw_consent("1", BY)
    assert office.people()[0].templates == 0, "the template is gone all the same"
    office.settle()
    office.settle()
    said = chain(opened)[before:]
    assert [body.act for body in said if isinstance(body, messages.Consent)] == ["withdrawn"]


def test_two_who_look_at_once_for_a_withdrawal_that_is_owed_record_it_once(
    office: Desk, opened: journal.Journal, photograph: Photograph, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.enrol("1", photograph("obama"), BY)
    before, really = opened.head().seq, opened.append
    others = [threading.Thread(target=office.settle) for _ in range(3)]

    def slow(body: messages.Body, moment: clock.Moment) -> journal.Receipt:
        if not others[0].is_alive():
            for one in others:
                one.start()
            time.sleep(0.2)
        return really(body, moment)

    monkeypatch.setattr(opened, "append", slow)
    office.withdraw_consent("1", BY)
    for one in others:
        one.join()
    assert [body.act for body in chain(opened)[before:] if isinstance(body, messages.Consent)] == ["withdrawn"]


def _full_disk(*_: object) -> None:
    raise database.StorageFull("journal.db: the disk is full; free some room")


def test_two_people_who_look_alike_are_enrolled_when_somebody_vouches_and_then_need_more_than_a_face(
    office: Desk, opened: journal.Journal, photograph: Photograph
) -> None:
    office.enrol("1", photograph("obama"), BY)
    done = office.enrol("2", photograph("obama2"), BY, look_alike_of="1")
    assert office.keeper().known.look_alikes == {person.person for person in office.people()}
    assert messages.Audit("look_alikes_vouched_for", BY, done.person) in chain(opened)
    office.withdraw_consent("2", BY)
    assert not office.keeper().known.look_alikes, "with the other gone the face is enough again"


def test_vouching_for_the_wrong_person_is_refused(office: Desk, photograph: Photograph) -> None:
    office.enrol("1", photograph("obama"), BY)
    with pytest.raises(EnrolmentRefused, match="under employee number 1"):
        office.enrol("2", photograph("obama2"), BY, look_alike_of="7")


def test_a_face_card_leaves_no_template_behind_and_ends_with_its_revocation(
    office: Desk, photograph: Photograph, eyes: sight.Sight, tmp_path: Path
) -> None:
    office.give_consent("1", "en", "consent", BY, "face_card")
    made = office.issue_card("1", photograph("obama"), BY, 30)
    assert [person.templates for person in office.people()] == [0, 0]
    assert not len(office.keeper().known.gallery)
    directory = people.Directory(tmp_path / "people.db", bytes(range(32)))
    card = directory.read_card(made.code, eyes.models.embedder, parts.START)
    assert card.person == made.person
    stored = (tmp_path / "people.db").read_bytes() + (tmp_path / "people.db-wal").read_bytes()
    assert card.vector.tobytes() not in stored
    assert made.code.encode() not in stored
    again = office.issue_card("1", photograph("obama2"), BY, 30)
    with pytest.raises(cards.CardRefused, match="revoked"):
        directory.read_card(made.code, eyes.models.embedder, parts.START)
    office.revoke_cards("1", BY)
    with pytest.raises(cards.CardRefused, match="revoked"):
        directory.read_card(again.code, eyes.models.embedder, parts.START)
    directory.close()


def test_no_card_without_consent_and_none_outlives_it(
    office: Desk, photograph: Photograph, eyes: sight.Sight, tmp_path: Path
) -> None:
    with pytest.raises(ConsentMissing, match="--purpose face_card"):
        office.issue_card("1", photograph("obama"), BY, 30)
    office.give_consent("1", "en", "consent", BY, "face_card")
    made = office.issue_card("1", photograph("obama"), BY, 30)
    office.withdraw_consent("1", BY)
    with pytest.raises(ConsentMissing):
        office.issue_card("1", photograph("obama"), BY, 30)
    directory = people.Directory(tmp_path / "people.db", bytes(range(32)))
    with pytest.raises(cards.CardRefused):
        directory.read_card(made.code, eyes.models.embedder, parts.START)
    directory.close()


@pytest.mark.parametrize("days", [0, -1, 100_000])
def test_a_card_is_good_for_a_sensible_time(office: Desk, photograph: Photograph, days: int) -> None:
    with pytest.raises(PeopleError, match="days"):
        office.issue_card("1", photograph("obama"), BY, days)


def test_a_site_too_small_to_measure_is_told_so(office: Desk) -> None:
    with pytest.raises(PeopleError, match="at least 20 are needed"):
        office.evaluate_site(BY)
