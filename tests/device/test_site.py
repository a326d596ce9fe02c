"""Two kiosks of one site: templates move only sealed, only under a consent that names the receiver, and endings reach both."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from device import consenting, desk, erasure, gallery, journal, messages, packages, sight, site
from device.packages import SiteRefused
from device.people import Directory, PeopleError, Person
from device.personnel import Personnel
from device.sentences import say
from device.site import Site
from models.openset import Bound
from tests.device import parts
from tests.device.test_desk import chain
from tests.device.test_people import EMBEDDER, vector

BY = "cli:hr"


@dataclass
class Kiosk:
    """One kiosk with its gallery."""

    name: str
    folder: Path
    directory: Directory
    journal: journal.Journal
    keeper: gallery.Keeper
    consents: consenting.ConsentOffice
    eraser: erasure.Eraser
    site: Site
    clock: parts.Clock
    aliases: dict[str, str]

    def matched(self) -> set[str]:
        return set(self.keeper.known.gallery.persons)

    def bytes(self) -> bytes:
        return b"".join(path.read_bytes() for path in sorted(self.folder.rglob("*")) if path.is_file())


def kiosk(folder: Path, name: str, others: tuple[str, ...], seed: int) -> Kiosk:
    folder.mkdir()
    opened, ticking = parts.open_journal(folder, parts.signing_key(seed), name), parts.Clock()
    directory = Directory(folder / "people.db", bytes([seed]) * 32)
    keeper = gallery.Keeper(directory, EMBEDDER, gallery.Terms((Bound(0.4, 1e-6),), gallery.Promise(), 0.4))
    consents = consenting.ConsentOffice(
        opened, directory, ticking, lambda one: keeper.renew(one) if one else keeper.refill(), others
    )
    eraser = erasure.Eraser(opened, directory, ticking, folder, keeper.renew)
    aliases: dict[str, str] = {}
    among = Site(opened, directory, eraser, ticking, X25519PrivateKey.generate(), consents, lambda: aliases)
    return Kiosk(name, folder, directory, opened, keeper, consents, eraser, among, ticking, aliases)


@dataclass
class Two:
    """Gate A and gate B, each believing the other; Ada (1001) is enrolled at A under a consent that names B."""

    a: Kiosk
    b: Kiosk

    def carry(self, sender: Kiosk, receiver: Kiosk) -> tuple[int, int, list[str]]:
        """A file from one to the other, a second later."""
        sender.clock.seconds += 1
        receiver.clock.seconds += 1
        done = receiver.site.take(sender.site.export(receiver.name, BY).text, BY)
        return done.people, done.ended, [one.why for one in done.refused]


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Two]:
    a, b = kiosk(tmp_path / "a", "gate-a", ("gate-b",), 1), kiosk(tmp_path / "b", "gate-b", ("gate-a",), 2)
    for here, there in ((a, b), (b, a)):
        keys = there.site.own_keys()
        here.site.trust(keys.device, keys.signing_key, keys.sealing_key, BY)
    enrol(a, parts.ADA, "1001", 1)
    yield Two(a, b)
    for one in (a, b):
        one.directory.close()
        one.journal.close()


def enrol(at: Kiosk, person: str, number: str, seed: int) -> None:
    at.directory.add(Person(person, number, f"Name {number}", "en", group="ops"), parts.START)
    at.consents.give(number, "en", "consent", BY)
    at.directory.add_template(person, EMBEDDER, "photograph", vector(seed), parts.START)
    at.keeper.renew(person)


def test_a_template_moves_sealed_and_is_matched_at_the_other_kiosk(two: Two) -> None:
    package = two.a.site.export("gate-b", BY)
    for secret in (b"Name 1001", vector(1).tobytes(), vector(1).tobytes()[:16]):
        assert secret not in package.text.encode()
    assert two.b.site.take(package.text, BY).people == 1
    assert two.b.matched() == {parts.ADA}
    (_, arrived) = two.b.directory.templates(EMBEDDER).whole[0]
    np.testing.assert_array_equal(arrived, vector(1))
    assert vector(1).tobytes()[:16] not in two.b.bytes()
    ada = two.b.directory.get(parts.ADA)
    assert (ada.number, ada.name, ada.group, ada.origin, ada.has_consent) == ("1001", "Name 1001", "ops", "site", True)


def test_the_receiver_records_the_consent_and_both_record_the_move(two: Two) -> None:
    two.carry(two.a, two.b)
    said = [record for record in chain(two.b.journal) if isinstance(record, messages.Consent)]
    assert [(one.person, one.act, one.kiosks, one.by) for one in said] == [(parts.ADA, "given", "gate-b", "site:gate-a")]
    assert messages.Audit("site_package_made", BY, after="gate-b: 1") in chain(two.a.journal)
    assert chain(two.b.journal)[-1] == messages.Audit("site_package_taken", BY, after="gate-a: 1")


def test_without_a_consent_that_names_the_receiver_nothing_leaves(two: Two) -> None:
    alone = consenting.ConsentOffice(two.a.journal, two.a.directory, two.a.clock, two.a.keeper.renew)
    alone.give("1001", "en", "consent", BY)
    assert two.a.site.export("gate-b", BY).people == 0


def test_a_package_whose_consent_does_not_name_this_kiosk_is_not_taken(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kiosk that was tampered with sends everything; the receiver asks the consent itself."""
    alone = consenting.ConsentOffice(two.a.journal, two.a.directory, two.a.clock, two.a.keeper.renew, ("gate-c",))
    alone.give("1001", "en", "consent", BY)
    monkeypatch.setattr(site, "_names", lambda kiosks: ["gate-b"])
    text = two.a.site.export("gate-b", BY).text
    monkeypatch.undo()
    (refused,) = two.b.site.take(text, BY).refused
    assert "does not name this kiosk" in refused.why
    assert two.b.matched() == set()


def test_a_withdrawal_at_one_kiosk_destroys_the_template_at_the_other(two: Two) -> None:
    two.carry(two.a, two.b)
    two.a.clock.seconds += 10
    two.a.consents.withdraw("1001", BY)
    assert two.carry(two.a, two.b)[:2] == (0, 1)
    assert two.b.matched() == set()
    assert two.b.directory.get(parts.ADA).templates == 0
    said = [record for record in chain(two.b.journal) if isinstance(record, messages.Consent)][-1]
    assert (said.act, said.by) == ("withdrawn", "site:gate-a")


def test_a_withdrawal_at_the_receiver_is_not_undone_by_an_older_yes(two: Two) -> None:
    two.carry(two.a, two.b)
    two.b.clock.seconds += 5
    two.b.consents.withdraw("1001", BY)
    two.a.clock.seconds += 60
    people, _, refused = two.carry(two.a, two.b)
    assert people == 0
    assert "taken back here" in refused[0]
    assert two.b.matched() == set()
    two.a.clock.seconds += 60
    two.a.consents.give("1001", "en", "consent", BY)
    assert two.carry(two.a, two.b)[0] == 1, "a new yes counts"


def test_a_later_yes_outlives_the_echo_of_an_earlier_withdrawal(two: Two) -> None:
    """The file lay in a drawer: gate B follows the withdrawal of the morning in the evening, and gate A hears of it from B."""
    two.carry(two.a, two.b)
    two.a.clock.seconds += 10
    two.a.consents.withdraw("1001", BY)
    text = two.a.site.export("gate-b", BY).text
    two.a.clock.seconds += 100
    two.a.consents.give("1001", "en", "consent", BY)
    two.a.directory.add_template(parts.ADA, EMBEDDER, "photograph", vector(3), two.a.clock.now().at)
    two.a.keeper.renew(parts.ADA)
    two.a.clock.seconds += 1000
    two.b.clock.seconds += 1110
    assert two.b.site.take(text, BY).ended == 1
    assert two.carry(two.b, two.a) == (0, 0, [])
    assert two.a.matched() == {parts.ADA}
    assert two.carry(two.a, two.b) == (1, 0, [])
    assert two.b.matched() == {parts.ADA}


def test_a_withdrawal_of_a_clock_that_was_years_ahead_does_not_outlive_every_later_yes(two: Two) -> None:
    two.carry(two.a, two.b)
    ten_years = 10 * 365 * 86_400
    two.a.clock.seconds += ten_years
    two.a.consents.withdraw("1001", BY)
    two.a.clock.seconds -= ten_years - 10
    two.b.clock.seconds += 10
    assert two.carry(two.a, two.b) == (0, 1, [])
    assert two.b.matched() == set()
    two.a.clock.seconds += 10
    two.b.clock.seconds += 10
    two.a.consents.give("1001", "en", "consent", BY)
    two.a.directory.add_template(parts.ADA, EMBEDDER, "photograph", vector(3), two.a.clock.now().at)
    two.a.keeper.renew(parts.ADA)
    assert two.carry(two.b, two.a) == (0, 0, [])
    assert two.carry(two.a, two.b) == (1, 0, [])
    assert two.b.matched() == two.a.matched() == {parts.ADA}
    assert two.carry(two.a, two.b) == (1, 0, []), "and the next file takes nothing back"


def test_a_withdrawal_that_comes_before_the_yes_counts_against_it(two: Two) -> None:
    """Gate B has never heard of Ada; who took her consent back is gate C, and A has not heard of it yet."""
    two.a.clock.seconds += 60
    old = two.a.site.export("gate-b", BY).text
    two.a.clock.seconds += 60
    two.b.clock.seconds += 60
    two.b.site._end(packages.Ended(parts.ADA, "withdrawn", two.b.clock.now().at), "gate-c", {})
    two.b.clock.seconds += 60
    assert [one.why for one in two.b.site.take(old, BY).refused] == ["the consent was taken back here after it was given there"]
    assert two.b.matched() == set()
    assert two.carry(two.b, two.a)[1] == 1, "and gate A hears of it from here"
    assert two.a.matched() == set()


def test_an_erasure_at_one_kiosk_erases_at_the_other_with_a_receipt_of_its_own(two: Two) -> None:
    two.carry(two.a, two.b)
    traces = two.b.directory.graves.traces(parts.ADA).all
    two.a.eraser.erase("1001", "asked", BY)
    assert two.carry(two.a, two.b)[:2] == (0, 1)
    after = two.b.bytes()
    assert [trace for trace in traces if trace in after] == []
    receipt = next(record for record in chain(two.b.journal) if isinstance(record, messages.Erasure))
    assert (receipt.person, receipt.reason, receipt.by, receipt.remains) == (parts.ADA, "tombstone", "site:gate-a", 0)


SHARED = "p-" + "88" * 16  # the roster's id of Ada, whom one of the kiosks has under her own


def test_whoever_a_roster_met_here_under_another_id_is_one_person_at_both(two: Two) -> None:
    two.a.aliases[SHARED] = parts.ADA
    enrol(two.b, SHARED, "1001", 3)
    enrol(two.b, parts.BOB, "1002", 7)
    two.b.directory.likeness.mark(SHARED, parts.BOB)
    two.a.clock.seconds += 5
    two.a.consents.give("1001", "en", "consent", BY)  # the later one stays, and names gate B
    assert two.carry(two.b, two.a) == (2, 0, [])
    assert {one.person: one.templates for one in two.a.directory.list()} == {parts.ADA: 2, parts.BOB: 1}
    assert two.a.directory.likeness.of(parts.ADA) == {parts.BOB}
    assert two.carry(two.a, two.b) == (1, 0, [])
    assert {one.person: one.templates for one in two.b.directory.list()} == {SHARED: 2, parts.BOB: 1}
    two.a.clock.seconds += 10
    two.a.consents.withdraw("1001", BY)
    assert two.carry(two.a, two.b)[1] == 1
    assert two.b.matched() == {parts.BOB}


def test_whoever_is_new_to_a_kiosk_comes_under_the_id_of_the_roster(two: Two) -> None:
    two.a.aliases[SHARED] = parts.ADA
    assert two.carry(two.a, two.b) == (1, 0, [])
    assert two.b.matched() == {SHARED}


@pytest.mark.parametrize("follows", ["a package", "the roster"])
def test_whoever_is_erased_does_not_come_back_under_the_other_id(two: Two, follows: str) -> None:
    enrol(two.b, SHARED, "1001", 3)
    old = two.b.site.export("gate-a", BY).text
    two.a.aliases[SHARED] = parts.ADA
    two.a.eraser.erase("1001", "asked", BY)
    assert [one.why for one in two.a.site.take(old, BY).refused] == [say("list.erased")]
    assert two.a.directory.list() == ()
    if follows == "a package":
        assert two.carry(two.a, two.b) == (0, 1, [])
    else:
        two.b.eraser.erase_if_here(SHARED, "tombstone", "hr:wu")
    assert two.b.directory.list() == ()
    two.a.aliases.clear()
    two.carry(two.b, two.a)
    assert {parts.ADA, SHARED} <= two.a.directory.graves.stones()


def test_whoever_is_erased_here_does_not_come_back_from_a_kiosk_that_added_them_by_itself(two: Two) -> None:
    """The same list was imported at both: the number is all that the two have in common."""
    enrol(two.b, SHARED, "1001", 1)
    assert "is taken" in two.carry(two.b, two.a)[2][0]
    two.a.clock.seconds += 60
    two.a.eraser.erase("1001", "asked", BY)
    assert "1001" not in [one.number for one in two.a.directory.list()]
    two.b.clock.seconds += 60
    people, _, refused = two.carry(two.b, two.a)
    assert (people, two.a.matched()) == (0, set())
    assert "erase them there as well" in refused[0]
    two.b.consents.give("1001", "en", "consent", BY)
    assert two.carry(two.b, two.a)[0] == 1, "whoever has the number next has agreed since"


def test_a_kiosk_that_believes_no_other_keeps_nothing_of_an_erased_number(two: Two) -> None:
    two.a.directory.sisters.forget("gate-b")
    two.a.eraser.erase("1001", "asked", BY)
    assert two.a.directory.graves.number_erased_at("1001") is None


def remove_face(at: Kiosk, number: str) -> None:
    desk.Desk(at.journal, at.directory, at.clock, no_eyes).remove_face(number, BY)
    at.keeper.renew(at.directory.by_number(number).person)


def no_eyes() -> sight.Sight:
    raise AssertionError("no face is looked at")


def test_a_face_that_is_removed_at_one_kiosk_goes_from_the_other_as_well(two: Two) -> None:
    """It was somebody else's, enrolled under Ada's number: the other gate would go on taking them for Ada."""
    two.carry(two.a, two.b)
    remove_face(two.a, "1001")
    assert two.carry(two.a, two.b) == (1, 0, [])
    assert two.b.matched() == set()
    ada = two.b.directory.get(parts.ADA)
    assert (ada.templates, ada.has_consent) == (0, True)
    assert chain(two.b.journal)[-2] == messages.Audit("face_removed", "site:gate-a", parts.ADA)
    two.a.directory.add_template(parts.ADA, EMBEDDER, "kiosk", vector(5), parts.START)
    two.carry(two.a, two.b)
    assert two.b.matched() == {parts.ADA}
    assert chain(two.b.journal)[-2] == messages.Audit("templates_received", "site:gate-a", parts.ADA)


def test_what_was_enrolled_at_the_other_kiosk_itself_stays_there_when_a_face_is_removed_here(two: Two) -> None:
    two.carry(two.a, two.b)
    two.b.directory.add_template(parts.ADA, EMBEDDER, "kiosk", vector(5), parts.START)
    remove_face(two.a, "1001")
    two.carry(two.a, two.b)
    assert two.b.directory.get(parts.ADA).templates == 1
    assert two.b.matched() == {parts.ADA}


@pytest.mark.parametrize("is_enrolled_anew", [False, True])
def test_a_template_that_is_merely_kept_no_longer_here_stays_at_the_other_kiosk(two: Two, is_enrolled_anew: bool) -> None:
    """Whoever only ever uses gate B has no template at gate A after a while; a removal before the last enrolment is over."""
    if is_enrolled_anew:
        remove_face(two.a, "1001")
        two.a.directory.add_template(parts.ADA, EMBEDDER, "kiosk", vector(5), parts.START)
    two.carry(two.a, two.b)
    two.a.directory.destroy_templates(parts.ADA)
    assert two.carry(two.a, two.b)[0] == 0
    assert two.b.matched() == {parts.ADA}


def test_a_removal_is_not_over_because_a_template_comes_from_the_other_kiosk(two: Two) -> None:
    two.carry(two.a, two.b)
    two.b.directory.add_template(parts.ADA, EMBEDDER, "kiosk", vector(5), parts.START)
    remove_face(two.a, "1001")
    two.carry(two.b, two.a)
    two.carry(two.a, two.b)
    assert [kept.tobytes() for _, kept in two.b.directory.templates(EMBEDDER).whole] == [vector(5).tobytes()]


def test_whoever_agreed_and_was_never_enrolled_is_in_no_package(two: Two) -> None:
    two.a.directory.add(Person(parts.BOB, "1002", "Bob", "en"), parts.START)
    two.a.consents.give("1002", "en", "consent", BY)
    two.carry(two.a, two.b)
    assert [person.person for person in two.b.directory.list()] == [parts.ADA]


def test_a_removal_is_forgotten_with_the_person(two: Two) -> None:
    remove_face(two.a, "1001")
    assert two.a.directory.sisters.faces_removed() == {parts.ADA}
    two.a.eraser.erase("1001", "asked", BY)
    assert two.a.directory.sisters.faces_removed() == frozenset()


def test_for_each_person_of_a_package_few_rows_are_read_however_many_have_ever_withdrawn(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(200):
        two.b.directory.sisters.heard_withdrawal(f"p-{number:032x}", parts.START)
    read, read_time = list[str](), messages.read_time

    def counted(text: str) -> datetime:
        read.append(text)
        return read_time(text)

    monkeypatch.setattr(messages, "read_time", counted)
    assert two.carry(two.a, two.b)[0] == 1
    assert len(read) < 50


def last_day(at: Kiosk, day: str) -> None:
    Personnel(at.journal, at.directory, at.clock, UTC).change_person("1001", "", "", "", day, "", BY)


def test_an_end_of_employment_at_one_kiosk_ends_it_at_the_other(two: Two) -> None:
    two.carry(two.a, two.b)
    last_day(two.a, "2026-12-31")
    two.carry(two.a, two.b)
    ends = messages.read_time("2027-01-01T00:00:00.000000Z")
    assert two.b.directory.get(parts.ADA).expires_at == ends
    changed = messages.Audit("person_changed", "site:gate-a", parts.ADA, "expires = ", "expires = 2027-01-01T00:00:00.000000Z")
    assert chain(two.b.journal).count(changed) == 1
    two.carry(two.a, two.b)
    assert chain(two.b.journal).count(changed) == 1, "nothing is said of no change"
    last_day(two.a, "-")
    two.carry(two.a, two.b)
    assert two.b.directory.get(parts.ADA).expires_at == ends, "nobody stays longer by a package"


def test_an_end_of_employment_reaches_whoever_took_the_consent_back_and_nobody_of_the_roster(two: Two) -> None:
    two.carry(two.a, two.b)
    last_day(two.a, "2026-12-31")
    two.b.clock.seconds += 5
    two.b.consents.withdraw("1001", BY)
    assert "taken back here" in two.carry(two.a, two.b)[2][0]
    assert two.b.directory.get(parts.ADA).expires_at is not None
    enrol(two.a, parts.BOB, "1002", 7)
    two.b.directory.add(Person(parts.BOB, "1002", "Bob", "en", origin="roster"), parts.START)
    Personnel(two.a.journal, two.a.directory, two.a.clock, UTC).change_person("1002", "", "", "", "2026-12-31", "", BY)
    assert two.carry(two.a, two.b)[0] == 1
    assert two.b.directory.get(parts.BOB).expires_at is None


def test_a_template_comes_back_to_nobody_through_the_other_kiosk(two: Two) -> None:
    """What arrived from elsewhere is not sent on: each kiosk speaks for whom it enrolled."""
    two.carry(two.a, two.b)
    before = len(two.a.directory.templates(EMBEDDER).whole)
    two.carry(two.b, two.a)
    assert len(two.a.directory.templates(EMBEDDER).whole) == before


def test_a_second_package_replaces_what_the_first_brought(two: Two) -> None:
    two.carry(two.a, two.b)
    two.a.directory.add_template(parts.ADA, EMBEDDER, "photograph", vector(5), parts.START)
    two.carry(two.a, two.b)
    two.carry(two.a, two.b)
    assert len(two.b.directory.templates(EMBEDDER).whole) == 2


def test_an_old_package_and_the_same_one_again_are_refused(two: Two) -> None:
    old = two.a.site.export("gate-b", BY).text
    two.carry(two.a, two.b)
    for text in (old, old):
        with pytest.raises(SiteRefused, match="taken already"):
            two.b.site.take(text, BY)


def test_a_package_of_a_clock_that_is_years_ahead_is_not_taken_and_stops_no_later_one(two: Two) -> None:
    ten_years = 10 * 365 * 86_400
    two.a.clock.seconds += ten_years
    with pytest.raises(SiteRefused, match="set the clocks right"):
        two.carry(two.a, two.b)
    assert two.b.directory.list() == ()
    two.b.directory.sisters.took("gate-a", two.a.clock.now().at)  # as a version of before did
    two.a.clock.seconds -= ten_years
    assert two.carry(two.a, two.b) == (1, 0, [])


def test_a_number_that_is_somebody_elses_here_is_named_and_the_others_are_taken(two: Two) -> None:
    enrol(two.a, parts.BOB, "1002", 7)
    two.b.directory.add(Person("p-" + "ee" * 16, "1001", "Another", "en"), parts.START)
    people, _, refused = two.carry(two.a, two.b)
    assert people == 1
    assert "1001 is taken" in refused[0]
    assert two.b.matched() == {parts.BOB}


def changed(text: str, **fields: str) -> str:
    return json.dumps(json.loads(text) | fields)


def test_what_was_changed_on_the_way_or_is_for_somebody_else_is_not_taken(two: Two, tmp_path: Path) -> None:
    text = two.a.site.export("gate-b", BY).text
    sealed = json.loads(text)["sealed"]
    flipped = sealed[:-8] + ("AAAA" if sealed[-8:-4] != "AAAA" else "BBBB") + sealed[-4:]
    later = messages.write_time(parts.START + timedelta(days=1))
    attacks = [
        changed(text, sealed=flipped),
        changed(text, made_at=later),
        changed(text, sig="A" * 86 + "=="),
        changed(text, to="gate-c"),
    ]
    for attack in [*attacks, "", "{}", "[]", "x" * 10, changed(text, format="daka-site-9"), changed(text, **{"from": "gate-x"})]:
        with pytest.raises(PeopleError):
            two.b.site.take(attack, BY)
    assert two.b.directory.list() == ()
    third = kiosk(tmp_path / "c", "gate-b", (), 3)
    keys = two.a.site.own_keys()
    third.site.trust(keys.device, keys.signing_key, keys.sealing_key, BY)
    with pytest.raises(SiteRefused, match="sealed to another key"):
        third.site.take(text, BY)
    third.directory.close()
    third.journal.close()


WORDS = {language: f"new text {language}" for language in ("zh-CN", "zh-TW", "en")}


def between(near: float, seed: int) -> NDArray[np.float32]:
    """A face of cosine `near` to that of seed 1."""
    one, other = vector(1), vector(seed) - float(vector(seed) @ vector(1)) * vector(1)
    return np.asarray(near * one + np.sqrt(1 - near**2) * other / np.linalg.norm(other), dtype=np.float32)


def agreed_later_at_b(two: Two, *numbers: str) -> None:
    """B asks again with a text of its own, and those agree to it there."""
    two.b.clock.seconds += 100
    two.b.consents.publish("face_recognition", "2", WORDS, BY, asks_again=True)
    two.b.clock.seconds += 100
    for number in numbers:
        two.b.consents.give(number, "en", "consent", BY)
    two.a.clock.seconds += 300


def test_a_later_consent_here_stays_and_the_templates_are_taken_under_it(two: Two) -> None:
    two.carry(two.a, two.b)
    agreed_later_at_b(two, "1001")
    two.a.directory.add_template(parts.ADA, EMBEDDER, "photograph", vector(1), parts.START)
    before = len([record for record in chain(two.b.journal) if isinstance(record, messages.Consent)])
    assert two.carry(two.a, two.b) == (1, 0, [])
    held = two.b.directory.agreement(parts.ADA)
    assert held is not None
    assert (held.text_version, held.by) == ("2", BY)
    assert len([record for record in chain(two.b.journal) if isinstance(record, messages.Consent)]) == before, "no false record"
    assert two.b.directory.get(parts.ADA).templates == 2
    two.b.keeper.refill()
    assert two.b.matched() == {parts.ADA}


def test_whoever_agreed_to_a_text_that_does_not_count_here_is_left_out_by_name_and_stops_nobody(two: Two) -> None:
    enrol(two.a, parts.BOB, "1002", 7)
    two.carry(two.a, two.b)
    agreed_later_at_b(two, "1002")
    records, templates = two.b.journal.head().seq, two.b.directory.get(parts.ADA).templates
    people, _, refused = two.carry(two.a, two.b)
    assert (people, len(refused)) == (1, 1), "1002, who stands behind 1001, is taken"
    assert "text 1, which does not count here" in refused[0]
    said = [record for record in chain(two.b.journal)[records:] if getattr(record, "person", "") == parts.ADA]
    assert (said, two.b.directory.get(parts.ADA).templates) == ([], templates)
    assert two.b.matched() == {parts.BOB}


def test_whoever_is_asked_again_here_after_a_later_consent_is_left_out(two: Two) -> None:
    two.carry(two.a, two.b)
    agreed_later_at_b(two, "1001")
    two.b.clock.seconds += 10
    two.b.consents.publish("face_recognition", "3", WORDS, BY, asks_again=True)
    people, _, refused = two.carry(two.a, two.b)
    assert people == 0
    assert "asks this person again" in refused[0]
    assert two.b.matched() == set()


def test_somebody_whose_templates_cannot_be_kept_is_not_here_at_all(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of a person or nothing: neither the row nor a record is left of somebody who was refused at the last step."""

    def refuse(*given: object) -> None:
        raise PeopleError("refused at the last step")

    text, before = two.a.site.export("gate-b", BY).text, two.b.journal.head().seq
    monkeypatch.setattr(two.b.directory, "_insert_template", refuse)
    assert [one.why for one in two.b.site.take(text, BY).refused] == ["refused at the last step"]
    assert two.b.directory.list() == ()
    assert two.b.journal.head().seq == before + 1, "the package alone is on record"


def test_who_looks_alike_at_one_kiosk_is_told_apart_by_no_face_alone_at_the_other(two: Two) -> None:
    enrol(two.a, parts.BOB, "1002", 7)
    two.a.directory.likeness.mark(parts.ADA, parts.BOB)  # vouched for there, though these two templates are not alike
    two.carry(two.a, two.b)
    assert two.b.keeper.known.look_alikes == {parts.ADA, parts.BOB}
    assert messages.Audit("look_alikes_found", "site:gate-a", parts.ADA) in chain(two.b.journal)
    before = two.b.journal.head().seq
    two.carry(two.a, two.b)
    assert two.b.journal.head().seq == before + 5, "what is known is found no second time"


def test_a_package_of_an_earlier_version_names_no_pairs_and_is_read() -> None:
    nothing = packages.Package((), ())
    earlier = messages.CODEC.unstructure(nothing)
    del earlier["look_alikes"]
    assert messages.CODEC.structure(earlier, packages.Package) == nothing


def test_a_face_that_is_known_here_under_another_number_is_found_when_it_arrives(two: Two) -> None:
    two.b.directory.add(Person(parts.BOB, "1002", "Bob", "en"), parts.START)
    two.b.consents.give("1002", "en", "consent", BY)
    two.b.directory.add_template(parts.BOB, EMBEDDER, "kiosk", between(0.6, 7), parts.START)
    two.b.keeper.renew(parts.BOB)
    done = two.b.site.take(two.a.site.export("gate-b", BY).text, BY)
    assert (done.people, done.look_alikes) == (1, (("1001", "1002"),))
    assert two.b.keeper.known.look_alikes == {parts.ADA, parts.BOB}


def test_what_arrived_while_the_daemon_was_down_is_compared_before_anybody_is_named(two: Two) -> None:
    enrol(two.b, parts.BOB, "1002", 1)
    two.b.consents.renew = lambda person: None  # the command line on the files has no gallery
    two.carry(two.a, two.b)
    assert two.b.directory.likeness.need_more_than_a_face() == {parts.ADA}
    found: list[str] = []
    again = gallery.Keeper(two.b.directory, EMBEDDER, gallery.Terms((Bound(0.4, 1e-6),), gallery.Promise(), 0.4), found.append)
    assert found == [parts.ADA]
    assert again.known.look_alikes == {parts.ADA, parts.BOB}
    assert two.b.directory.likeness.uncompared() == frozenset()


def test_a_template_that_a_new_consent_revives_is_held_against_whoever_came_meanwhile(two: Two) -> None:
    """While its owner is asked again nobody may compare it with anything: who comes meanwhile with that face is not refused."""
    a = two.a
    a.clock.seconds += 50
    a.consents.publish("face_recognition", "2", WORDS, BY, asks_again=True)
    a.clock.seconds += 50
    enrol(a, parts.BOB, "1002", 1)
    assert not a.keeper.known.look_alikes
    a.consents.give("1001", "en", "consent", BY)
    assert a.matched() == {parts.ADA, parts.BOB}
    assert a.keeper.known.look_alikes == {parts.ADA, parts.BOB}


def test_whoever_looks_like_nobody_is_named_by_the_face_alone_at_once(two: Two) -> None:
    two.carry(two.a, two.b)
    assert two.b.keeper.known.look_alikes == frozenset()


def test_a_package_of_a_kiosk_that_nobody_vouched_for_is_refused(two: Two) -> None:
    two.b.directory.sisters.forget("gate-a")
    with pytest.raises(PeopleError, match="daka site trust"):
        two.b.site.take(two.a.site.export("gate-b", BY).text, BY)
    with pytest.raises(PeopleError, match="daka site trust"):
        two.a.site.export("gate-z", BY)


@given(
    text=st.text(max_size=300)
    | st.dictionaries(st.sampled_from(["format", "from", "to", "made_at", "sealed", "sig"]), st.text()).map(json.dumps)
)
def test_no_file_at_all_breaks_the_import(text: str) -> None:
    with contextlib.suppress(SiteRefused):
        packages.envelope(text)


@pytest.mark.parametrize(
    "damage", [np.zeros(128, np.float32), np.full(128, np.nan, np.float32), np.ones(128, np.float32), np.ones(3, np.float32)]
)
def test_a_vector_that_is_none_is_refused(damage: NDArray[np.float32]) -> None:
    with pytest.raises(PeopleError, match="damaged"):
        packages.vector(base64.b64encode(damage.tobytes()).decode())
