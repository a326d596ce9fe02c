"""Consent: to exactly what was shown, asked again when it says something new, and without it no template and no matching."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from device import cards, config, consent, consenting, corrections, gallery, holdings, journal, messages, own
from device.consent import Purpose
from device.database import StorageError
from device.people import ConsentMissing, Directory, PeopleError, Person
from models.openset import Bound
from tests.device import parts
from tests.device.test_desk import chain
from tests.device.test_people import AGREED, EMBEDDER, vector
from tests.device.test_ways import PIN, Counter, Make
from tests.device.test_ways import make as make

BY = "cli:hr"
WORDS = {"en": "Our own text.\nWith two lines.", "zh-CN": "我们的文本。", "zh-TW": "我們的文字。"}


@dataclass
class Kiosk:
    """One kiosk's consents beside its gallery."""

    directory: Directory
    keeper: gallery.Keeper
    office: consenting.ConsentOffice
    journal: journal.Journal

    def matched(self) -> set[str]:
        return set(self.keeper.known.gallery.persons)


@pytest.fixture
def kiosk(tmp_path: Path, opened: journal.Journal) -> Iterator[Kiosk]:
    """Ada agreed and has a template; Bob did neither."""
    directory = Directory(tmp_path / "people.db", bytes(range(32)))
    for person, number in ((parts.ADA, "1"), (parts.BOB, "2")):
        directory.add(Person(person, number, f"Name {number}", "en"), parts.START)
    keeper = gallery.Keeper(directory, EMBEDDER, gallery.Terms((Bound(0.4, 1e-6),), gallery.Promise(), 0.4))

    def renew(person: str) -> None:
        keeper.renew(person) if person else keeper.refill()

    office = consenting.ConsentOffice(opened, directory, parts.Clock(), renew)
    office.give("1", "en", "consent", BY)
    directory.add_template(parts.ADA, EMBEDDER, "photograph", vector(1), parts.START)
    keeper.renew(parts.ADA)
    yield Kiosk(directory, keeper, office, opened)
    directory.close()


def unreadable(*given: object) -> None:
    raise StorageError("Input/output error")


def publish(kiosk: Kiosk, version: str = "2026-12", purpose: str = "face_recognition", *, asks_again: bool = True) -> None:
    kiosk.office.publish(purpose, version, WORDS, BY, asks_again=asks_again)


def test_a_new_text_asks_again_and_until_then_nobody_is_matched_or_enrolled_under_the_old_one(kiosk: Kiosk) -> None:
    assert kiosk.matched() == {parts.ADA}
    publish(kiosk)
    assert kiosk.matched() == set()
    assert kiosk.directory.templates(EMBEDDER).whole == ()
    assert not kiosk.directory.get(parts.ADA).has_consent
    with pytest.raises(ConsentMissing):
        kiosk.directory.add_template(parts.ADA, EMBEDDER, "photograph", vector(2), parts.START)
    kiosk.office.give("1", "en", "consent", BY)
    assert kiosk.matched() == {parts.ADA}
    agreed = kiosk.directory.agreement(parts.ADA)
    assert agreed is not None
    assert agreed.text_version == "2026-12"


def test_better_words_for_the_same_leave_consents_standing(kiosk: Kiosk) -> None:
    publish(kiosk, asks_again=False)
    assert kiosk.matched() == {parts.ADA}
    assert kiosk.office.text("en").words == WORDS["en"]
    publish(kiosk, "2027-01")
    assert kiosk.matched() == set()
    publish(kiosk, "2027-02", asks_again=False)
    assert kiosk.matched() == set(), "better words do not stand in for the yes that was asked for"


def test_every_purpose_has_a_text_and_a_consent_of_its_own(kiosk: Kiosk) -> None:
    with pytest.raises(ConsentMissing, match="face_card"):
        kiosk.directory.issue_card(parts.ADA, EMBEDDER, vector(1), parts.START, parts.START)
    assert kiosk.office.text("en", "face_card").sha256 != kiosk.office.text("en").sha256
    kiosk.office.give("2", "zh-TW", "consent", BY, "face_card")
    with pytest.raises(ConsentMissing):
        kiosk.directory.add_template(parts.BOB, EMBEDDER, "photograph", vector(2), parts.START)
    publish(kiosk, "2026-12", "face_card")
    assert kiosk.matched() == {parts.ADA}, "another purpose's text asks nobody else"
    with pytest.raises(ConsentMissing):
        kiosk.directory.require_consent(parts.BOB, Purpose.FACE_CARD)


def test_a_card_opens_no_more_when_its_text_asks_again(kiosk: Kiosk) -> None:
    kiosk.office.give("2", "en", "consent", BY, "face_card")
    ends = parts.moment(10**6).at
    _, text = kiosk.directory.issue_card(parts.BOB, EMBEDDER, vector(2), parts.START, ends)
    assert kiosk.directory.read_card(text, EMBEDDER, parts.START).person == parts.BOB
    publish(kiosk, "2026-12", "face_card")
    with pytest.raises(cards.CardRefused):
        kiosk.directory.read_card(text, EMBEDDER, parts.START)


def test_withdrawing_one_purpose_leaves_the_other(kiosk: Kiosk) -> None:
    kiosk.office.give("1", "en", "consent", BY, "face_card")
    kiosk.office.withdraw("1", BY, "face_card")
    assert kiosk.matched() == {parts.ADA}
    kiosk.office.give("1", "en", "consent", BY, "face_card")
    kiosk.office.withdraw("1", BY)
    assert kiosk.matched() == set()
    acts = [(said.act, said.purpose) for said in chain(kiosk.journal) if isinstance(said, messages.Consent)]
    assert acts[-2:] == [("withdrawn", "face_card"), ("withdrawn", "face_recognition")]


def test_taking_everything_back_reaches_whoever_is_asked_again_has_a_card_alone_or_never_agreed(
    kiosk: Kiosk, tmp_path: Path
) -> None:
    kiosk.office.give("2", "en", "consent", BY, "face_card")
    kiosk.directory.issue_card(parts.BOB, EMBEDDER, vector(2), parts.START, parts.moment(10**6).at)
    kiosk.directory.add(Person("p-3", "3", "Cy", "en"), parts.START)
    kiosk.directory.agree("p-3", AGREED, parts.START)
    kiosk.directory.add_template("p-3", EMBEDDER, "photograph", vector(3), parts.START)
    kiosk.directory.add(Person("p-4", "4", "Di", "en"), parts.START)
    with kiosk.directory.database.transaction() as connection:
        connection.execute("DELETE FROM consent WHERE person = 'p-3'")
        sealed = [bytes(row[0]) for row in connection.execute("SELECT sealed FROM template UNION SELECT wrapped FROM person_key")]
    publish(kiosk)
    assert [person.has_consent for person in kiosk.directory.list()] == [False] * 4
    assert kiosk.office.withdraw_all(BY) == 3
    with kiosk.directory.database.reading() as connection:
        for table in ("template", "person_key", "card", "consent", "withdrawal_owed"):
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("people.db*"))
    assert len(sealed) == 4
    assert not [kept for kept in sealed if kept in stored]
    said = [record for record in chain(kiosk.journal) if isinstance(record, messages.Consent) and record.act == "withdrawn"]
    assert {(one.person, one.purpose, one.by) for one in said} == {
        (parts.ADA, "face_recognition", BY), (parts.BOB, "face_card", BY),
    }  # fmt: skip
    assert kiosk.matched() == set()
    assert kiosk.office.withdraw_all(BY) == 0


def test_a_disk_that_fails_after_a_withdrawal_leaves_no_face_in_memory(kiosk: Kiosk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Committed, it cannot be asked for again: the person would be recognised until the next start."""
    told = list[set[str]]()
    kiosk.keeper.changed = lambda known: told.append(set(known.gallery.persons))
    monkeypatch.setattr(kiosk.directory, "templates_of", unreadable)
    with pytest.raises(StorageError):
        kiosk.office.withdraw("1", BY)
    assert kiosk.matched() == set()
    assert told == [set()], "nor does whoever looks at faces have it"


def test_nor_where_the_terms_for_everybody_else_cannot_be_read(kiosk: Kiosk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kiosk.directory, "site_measurement", unreadable)
    with pytest.raises(StorageError):
        kiosk.office.withdraw("1", BY)
    assert kiosk.matched() == set()


def test_a_disk_that_fails_after_all_was_taken_back_leaves_nobody_in_memory(kiosk: Kiosk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kiosk.directory, "templates", unreadable)
    with pytest.raises(StorageError):
        kiosk.office.withdraw_all(BY)
    assert kiosk.matched() == set()


def test_a_yes_counts_only_to_the_text_that_was_shown(kiosk: Kiosk) -> None:
    old = kiosk.office.text("en").sha256
    publish(kiosk)
    before = kiosk.journal.head()
    with pytest.raises(consenting.ConsentChanged, match="show the new one"):
        kiosk.office.give("2", "en", "consent", BY, "", "", old)
    assert kiosk.journal.head() == before
    kiosk.office.give("2", "en", "consent", BY, "", "", kiosk.office.text("en").sha256)


def test_the_record_names_version_hash_basis_law_and_kiosks(kiosk: Kiosk) -> None:
    office = consenting.ConsentOffice(kiosk.journal, kiosk.directory, parts.Clock(), lambda person: None, ("kiosk-2", "kiosk-3"))
    shown = office.text("zh-CN")
    assert "kiosk-2, kiosk-3" in shown.words
    office.give("2", "zh-CN", "legal_duty", BY, reference="Labour Law 41")
    assert chain(kiosk.journal)[-1] == messages.Consent(
        parts.BOB, messages.ConsentAct.GIVEN, "face_recognition", "1", "zh-CN", shown.sha256, "legal_duty", BY, "kiosk-2, kiosk-3",
        "Labour Law 41",
    )  # fmt: skip
    with pytest.raises(PeopleError, match="law"):
        office.give("2", "en", "legal_duty", BY)


@pytest.mark.parametrize(
    ("version", "words"),
    [
        ("1", WORDS),
        ("", WORDS),
        ("x" * 33, WORDS),
        ("2", {"en": "only one"}),
        ("2", WORDS | {"en": "  "}),
        ("2", WORDS | {"en": "bell \x07"}),
        ("2", WORDS | {"en": "x" * 20_001}),
    ],
)
def test_a_text_that_could_not_be_shown_or_told_apart_is_not_published(kiosk: Kiosk, version: str, words: dict[str, str]) -> None:
    before = kiosk.journal.head()
    with pytest.raises(PeopleError):
        kiosk.office.publish("face_recognition", version, words, BY, asks_again=True)
    assert (kiosk.journal.head(), kiosk.directory.consents.versions()) == (before, ())
    publish(kiosk, "2")
    with pytest.raises(PeopleError, match="exists already"):
        publish(kiosk, "2")


@pytest.mark.parametrize("language", consent.LANGUAGES)
@pytest.mark.parametrize("purpose", Purpose)
def test_every_shipped_text_says_that_one_may_refuse_and_take_it_back(purpose: Purpose, language: str) -> None:
    words = consent.text(language, purpose).words
    refuse, withdraw = {"en": ("refuse", "withdraw"), "zh-CN": ("拒绝", "撤回"), "zh-TW": ("拒絕", "撤回")}[language]
    assert refuse in words
    assert withdraw in words
    assert words.endswith("\n")


def test_a_database_from_before_keeps_its_consents_and_its_cards(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "people.db")
    for number in range(1, 6):
        connection.executescript((parts.REPO / f"device/migrations/people/{number:04}.sql").read_text("utf-8"))
    connection.execute("PRAGMA user_version = 5")
    connection.execute("INSERT INTO person VALUES ('p-1', '1', 'Ada', 'en', '', '', '', 0, 'kiosk')")
    connection.execute(
        "INSERT INTO consent VALUES ('p-1', '1', 'en', ?, 'consent', 'hr', ?)", ("0" * 64, messages.write_time(parts.START))
    )
    connection.execute("INSERT INTO card VALUES ('c', 'p-1', '', '')")
    connection.execute("INSERT INTO withdrawal_owed VALUES ('p-2', '1', 'en', ?, 'consent', 'hr')", ("0" * 64,))
    connection.commit()
    connection.close()
    directory = Directory(tmp_path / "people.db", bytes(32))
    assert directory.get("p-1").has_consent
    assert directory.agreement("p-1", Purpose.FACE_CARD) is not None
    assert [(person, agreed.purpose) for person, agreed in directory.owed()] == [("p-2", "face_recognition")]
    directory.close()


def affairs(kiosk: Counter) -> own.Own:
    office = consenting.ConsentOffice(kiosk.journal, kiosk.directory, kiosk.clock, lambda person: None)
    held = holdings.Holdings(kiosk.journal, kiosk.directory, kiosk.clock)
    return own.Own(kiosk.ways, office, kiosk.directory, kiosk.journal, held, amending(kiosk))


def amending(kiosk: Counter) -> corrections.Corrections:
    return corrections.Corrections(kiosk.journal, kiosk.clock, lambda: timedelta(seconds=15))


def test_a_person_sees_their_own_punches_and_nobody_elses_after_it_stands_fast_who_they_are(make: Make) -> None:
    kiosk = make()
    kiosk.ways.pin("1001", PIN)
    kiosk.journal.append(parts.punch(parts.BOB), parts.moment(1))
    kiosk.clock.seconds = 3_600
    kiosk.ways.pin("1001", PIN)
    seen = affairs(kiosk).affairs(kiosk.ways.pin("1001", PIN, punch=False).ticket)
    assert (seen.name, seen.templates, [(punch.direction, punch.method) for punch in seen.punches]) == (
        "Ada", 1, [("out", "pin"), ("in", "pin")],
    )  # fmt: skip
    assert [(one.purpose, one.in_force) for one in seen.consents] == [("face_recognition", True)]
    for ticket in ("", "nonsense", kiosk.ways.badge("badge-ada", punch=False).ticket):
        with pytest.raises(own.TicketGone):
            affairs(kiosk).affairs(ticket)


def test_ones_own_records_show_what_counts_no_more_beside_what_counts_and_why(make: Make) -> None:
    kiosk = make()
    desk = amending(kiosk)
    changed = desk.change_direction(desk.change_direction(kiosk.ways.pin("1001", PIN).seq, "out").counts, "break")
    kiosk.clock.seconds = 3_600
    wrong = kiosk.ways.pin("1001", PIN).seq
    early = parts.START + timedelta(seconds=1_800)
    office = desk.correct(wrong, "back", early, "came earlier", "web:li")
    kiosk.clock.seconds = 7_200
    voided = kiosk.ways.pin("1001", PIN).seq
    desk.void(voided, "somebody else's", "web:li")
    kiosk.clock.seconds = 10_800
    disputed = kiosk.ways.pin("1001", PIN).seq
    desk.dispute(disputed)
    seen = affairs(kiosk).affairs(kiosk.ways.pin("1001", PIN, punch=False).ticket)
    assert [(one.seq, one.state, one.why, one.by_oneself, one.replaced_by) for one in seen.punches[:3]] == [
        (disputed, "disputed", "", False, 0),
        (voided, "voided", "somebody else's", False, 0),
        (wrong, "voided", "came earlier", False, office.counts),
    ]
    assert [(one.seq, one.direction, one.method, one.at) for one in seen.punches if one.state == "counts"] == [
        (office.counts, "back", "office", messages.write_time(early)),
        (changed.counts, "break", "pin", messages.write_time(parts.START)),
    ]
    changes = [one for one in seen.punches if one.by_oneself]
    assert [(one.direction, one.replaced_by) for one in changes] == [("out", changed.counts), ("in", changes[0].seq)]


def test_a_person_agrees_and_withdraws_at_the_kiosk_themself(make: Make) -> None:
    kiosk = make()
    counter = affairs(kiosk)
    ticket = kiosk.ways.pin("1001", PIN, punch=False).ticket
    gone = counter.withdraw_consent(ticket)
    assert (gone.templates, gone.consents) == (0, ())
    with pytest.raises(PeopleError, match="hash"):
        counter.give_consent(ticket, "en", "face_recognition", "")
    back = counter.give_consent(ticket, "en", "face_recognition", consent.text("en").sha256)
    assert [one.in_force for one in back.consents] == [True]
    said = [record for record in chain(kiosk.journal) if isinstance(record, messages.Consent)]
    assert [(one.act, one.by) for one in said] == [("withdrawn", "self"), ("given", "self")]


PATHS: dict[str, Callable[[Directory], object]] = {
    "a template": lambda directory: directory.add_template(parts.BOB, EMBEDDER, "photograph", vector(2), parts.START),
    "a card": lambda directory: directory.issue_card(parts.BOB, EMBEDDER, vector(2), parts.START, parts.START),
    "asking": lambda directory: directory.require_consent(parts.BOB),
}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("state", ["never", "withdrawn", "outdated", "other purpose"])
def test_no_path_makes_a_template_without_a_consent_in_force(kiosk: Kiosk, path: str, state: str) -> None:
    purpose = Purpose.FACE_CARD if path == "a card" else Purpose.FACE_RECOGNITION
    if state != "never":
        other = Purpose.FACE_RECOGNITION if purpose is Purpose.FACE_CARD else Purpose.FACE_CARD
        kiosk.office.give("2", "en", "consent", BY, other if state == "other purpose" else purpose)
    if state == "withdrawn":
        kiosk.office.withdraw("2", BY)
    if state == "outdated":
        publish(kiosk, "9", purpose)
    with pytest.raises(ConsentMissing):
        PATHS[path](kiosk.directory)
    assert kiosk.directory.get(parts.BOB).templates == 0
    assert parts.BOB not in kiosk.matched()


def test_a_template_that_somehow_lies_there_without_consent_is_never_matched(kiosk: Kiosk) -> None:
    """Whatever put the rows there: the gallery asks the one view."""
    kiosk.directory.agree(parts.BOB, AGREED, parts.START)
    kiosk.directory.add_template(parts.BOB, EMBEDDER, "photograph", vector(2), parts.START)
    with kiosk.directory.database.transaction() as connection:
        connection.execute("UPDATE consent SET purpose = 'face_card' WHERE person = ?", (parts.BOB,))
    kiosk.keeper.renew(parts.BOB)
    assert parts.BOB not in kiosk.matched()
    kiosk.keeper.refill()
    assert kiosk.matched() == {parts.ADA}
    assert replace(AGREED, purpose=Purpose.FACE_CARD) in [agreed for agreed, _ in kiosk.directory.consents.given(parts.BOB)]


def test_the_kiosks_of_a_site_are_a_setting_with_their_names_sorted() -> None:
    settings = config.parse({"people": {"kiosks": "kiosk-3, kiosk-2"}})
    assert settings.people.other_kiosks() == ("kiosk-2", "kiosk-3")
    with pytest.raises(config.ConfigError):
        config.parse({"people": {"kiosks": "Kiosk 3"}})


@pytest.mark.parametrize(
    ("language", "backups", "only"),
    [("en", "Sealed backups", "only"), ("zh-CN", "加密备份", "仅保存"), ("zh-TW", "加密備份", "僅儲存")],
)
def test_the_shipped_text_names_sealed_backups_and_promises_no_single_place(language: str, backups: str, only: str) -> None:
    """A template is in `daka backup make`, too, and with other kiosks that the text names."""
    words = consent.text(language).naming(["gate-b"]).words
    assert backups in words
    assert only not in words
