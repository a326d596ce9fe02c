"""Two kiosks of one site: templates move only sealed, only under a consent that names the receiver, and endings reach both."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from device import consenting, erasure, gallery, journal, messages, site
from device.people import Directory, PeopleError, Person
from device.site import Site, SiteRefused
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

    def matched(self) -> set[str]:
        return set(self.keeper.known.gallery.persons)

    def bytes(self) -> bytes:
        return b"".join(path.read_bytes() for path in sorted(self.folder.rglob("*")) if path.is_file())


def kiosk(folder: Path, name: str, others: tuple[str, ...], seed: int) -> Kiosk:
    folder.mkdir()
    opened, ticking = parts.open_journal(folder, parts.signing_key(seed), name), parts.Clock()
    directory = Directory(folder / "people.db", bytes([seed]) * 32)
    keeper = gallery.Keeper(directory, EMBEDDER, gallery.Terms((Bound(0.4, 1e-6),), gallery.Promise(), 0.4))
    consents = consenting.ConsentOffice(opened, directory, ticking, keeper.renew, others)
    eraser = erasure.Eraser(opened, directory, ticking, folder, keeper.renew)
    among = Site(opened, directory, eraser, ticking, X25519PrivateKey.generate(), consents)
    return Kiosk(name, folder, directory, opened, keeper, consents, eraser, among, ticking)


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


def test_an_erasure_at_one_kiosk_erases_at_the_other_with_a_receipt_of_its_own(two: Two) -> None:
    two.carry(two.a, two.b)
    traces = two.b.directory.graves.traces(parts.ADA)
    two.a.eraser.erase("1001", "asked", BY)
    assert two.carry(two.a, two.b)[:2] == (0, 1)
    after = two.b.bytes()
    assert [trace for trace in traces if trace in after] == []
    receipt = next(record for record in chain(two.b.journal) if isinstance(record, messages.Erasure))
    assert (receipt.person, receipt.reason, receipt.by, receipt.remains) == (parts.ADA, "tombstone", "site:gate-a", 0)


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
        site._envelope(text)


@pytest.mark.parametrize(
    "damage", [np.zeros(128, np.float32), np.full(128, np.nan, np.float32), np.ones(128, np.float32), np.ones(3, np.float32)]
)
def test_a_vector_that_is_none_is_refused(damage: NDArray[np.float32]) -> None:
    with pytest.raises(PeopleError, match="damaged"):
        site._vector(base64.b64encode(damage.tobytes()).decode())
