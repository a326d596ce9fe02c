"""What the enterprise wants of a kiosk: believed, opened, applied once, never an old one; and what the record says of it."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from device import config, database, desired, downlink, errors, following, journal, messages, policy, post, steward, trust
from device.downlink import DesiredRefused
from device.messages import Content, Place, schema
from device.messages.desired import MAX_PAGE_BYTES, MOST_A_PAGE
from tests.device import parts

POLICY_KEY = parts.signing_key(7)
NOW = messages.write_time(parts.START)
SECRET = X25519PrivateKey.from_private_bytes(bytes([5]) * 32)
ADA = messages.RosterPerson(parts.ADA, "1001", "Wang Fang", "zh-CN", "assembly", NOW, "", ("A001",), "Q001")
BOB = messages.RosterPerson(parts.BOB, "1002", "李雷", "zh-TW")
FULL = Content(
    messages.Roster("hr:li", (ADA, BOB)),
    messages.Policy("hr:li", {"attend.min_gap_s": "90.0"}),
    messages.Retention("hr:li", {"records": 40}),
    (messages.Notice("notice-1", parts.ADA, "See HR at noon", NOW, NOW, "hr:wu"),),
    (messages.Tombstone("tombstone-1", parts.BOB, "", messages.TombstoneAct.WITHDRAWN, "hr:wu"),),
    (),
    (messages.Grant("grant-1", "AAEC", "legal:chen"),),
)


@dataclass
class Office:
    """Remembers what it was asked, and refuses on demand."""

    taken: list[messages.Roster] = field(default_factory=list)
    buried: list[str] = field(default_factory=list)
    failure: Exception | None = None

    def take(self, roster: messages.Roster) -> steward.RosterDone:
        if self.failure is not None:
            raise self.failure
        self.taken.append(roster)
        return steward.RosterDone(len(roster.people), (), (messages.Alias(parts.BOB, "p-" + "ef" * 16),))

    def bury(self, tombstone: messages.Tombstone, here: str) -> bool:
        self.buried.append(here)
        return True


class Kiosk:
    """A kiosk's end of the down-link, with real files."""

    def __init__(self, folder: Path, pinned: config.Uplink | None = None) -> None:
        self.folder, self.office, self.rewound = folder, Office(), list[messages.Rewind]()
        self.journal = parts.open_journal(folder)
        self.kept = desired.Kept(folder / "desired.db")
        pinned = pinned or config.Uplink(policy_key=messages.public_key_text(POLICY_KEY))
        self.trust = trust.Trust(folder / "enterprise.json", pinned)
        self.down = downlink.Downlink(self.kept, parts.DEVICE, self.trust, SECRET)
        self.governed = policy.Governed(config.Config(), self.kept.content)
        self.steward = steward.Steward(
            self.office, self.kept, self.journal, parts.Clock(), self.governed.settle, self.rewound.append
        )

    def give(self, *payloads: bytes) -> bool:
        for payload in payloads:
            self.down.take(payload)
        return self.down.apply_whole(self.steward.apply)

    def results(self) -> list[messages.DesiredDone]:
        stretch = self.journal.stretch(0)
        assert stretch is not None
        records = [messages.read_record(messages.parse(text)) for text in stretch.texts]
        bodies = [messages.read_body(record) for record in records]
        return [body for body in bodies if isinstance(body, messages.DesiredDone)]

    def close(self) -> None:
        self.journal.close()
        self.kept.close()


@pytest.fixture
def kiosk(tmp_path: Path) -> Iterator[Kiosk]:
    made = Kiosk(tmp_path)
    yield made
    made.close()


def pages(content: Content, generation: int = 100, version: int = 1, **changes: object) -> list[bytes]:
    settings: dict[str, object] = {"device": parts.DEVICE, "recipient": SECRET.public_key(), "key": POLICY_KEY, "time": NOW}
    return messages.write_pages(place=Place(generation, version), content=content, **(settings | changes))  # type: ignore[arg-type]


def test_a_whole_state_is_applied_and_the_record_says_who_asked_for_what(kiosk: Kiosk) -> None:
    assert kiosk.give(*pages(FULL))
    assert kiosk.office.taken == [FULL.roster]
    assert kiosk.governed.now.attend.min_gap_s == 90.0
    assert kiosk.governed.now.journal.keep_days == 40
    assert [(done.section, done.by, done.changed) for done in kiosk.results()[0].sections] == [
        ("tombstones", "hr:wu", 1),
        ("roster", "hr:li", 2),
        ("policy", "hr:li", 1),
        ("retention", "hr:li", 1),
        ("notices", "hr:wu", 1),
        ("grants", "legal:chen", 1),
    ]
    assert kiosk.results()[0].outcome == "applied"


def test_what_counts_survives_a_restart(kiosk: Kiosk, tmp_path: Path) -> None:
    kiosk.give(*pages(FULL))
    again = desired.Kept(tmp_path / "desired.db")
    assert again.place == Place(100, 1)
    assert again.content == dataclasses.replace(FULL, roster=messages.Roster())
    assert policy.Governed(config.Config(), again.content).now.attend.min_gap_s == 90.0


def test_no_name_no_number_and_no_badge_is_kept_or_recorded(kiosk: Kiosk, tmp_path: Path) -> None:
    kiosk.give(*pages(FULL))
    kiosk.close()
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"notice-1" in kept
    for secret in ("Wang Fang", "李雷", "1001", "assembly"):
        assert secret.encode() not in kept


def test_a_state_in_several_pages_waits_for_the_last_and_any_order_will_do(kiosk: Kiosk) -> None:
    crowd = tuple(dataclasses.replace(ADA, person=f"p-{number:032x}", number=str(number)) for number in range(1_200))
    parted = pages(Content(messages.Roster("hr:li", crowd)))
    assert len(parted) == 3
    assert not kiosk.give(parted[2], parted[0])
    assert kiosk.give(parted[1])
    assert kiosk.office.taken[0].people == crowd


def test_pages_survive_a_restart_between_them(kiosk: Kiosk, tmp_path: Path) -> None:
    crowd = tuple(dataclasses.replace(ADA, person=f"p-{number:032x}", number=str(number)) for number in range(600))
    first, second = pages(Content(messages.Roster("hr:li", crowd)))
    kiosk.give(first)
    kiosk.close()
    again = Kiosk(tmp_path)
    assert again.give(second)
    again.close()


@pytest.mark.parametrize("earlier", [(100, 4), (99, 9), (1, 1)])
def test_nothing_old_is_taken_again(kiosk: Kiosk, earlier: tuple[int, int]) -> None:
    kiosk.give(*pages(FULL, 100, 5))
    with pytest.raises(DesiredRefused, match="lies before 100/5"):
        kiosk.give(*pages(Content(), *earlier))
    assert kiosk.kept.place == Place(100, 5)


def test_the_state_that_the_broker_retains_comes_again_and_nothing_happens(kiosk: Kiosk) -> None:
    kiosk.give(*pages(FULL))
    assert not kiosk.give(*pages(FULL))
    assert len(kiosk.results()) == 1


def test_a_refusal_is_on_record_once_in_a_while_however_many_there_are(kiosk: Kiosk) -> None:
    clock = parts.Clock()
    kiosk.down.refused = following.Refusals(kiosk.journal, clock).note
    for seconds in (0, 1, 2, 7 * 3_600, 7 * 3_600 + 1):
        clock.seconds = seconds
        with pytest.raises(DesiredRefused):
            kiosk.give(b"forged")
    audits = [record.body["action"] for record in kiosk.journal.of_kinds(("audit",))]
    assert audits == ["desired_state_refused"] * 2


def test_a_restored_server_opens_a_new_generation_and_is_followed(kiosk: Kiosk) -> None:
    kiosk.give(*pages(FULL, 100, 5))
    assert kiosk.give(*pages(Content(), 101, 1))
    assert kiosk.kept.place == Place(101, 1)
    assert kiosk.governed.now.attend.min_gap_s == config.Config().attend.min_gap_s


def test_a_state_of_another_key_is_refused(kiosk: Kiosk) -> None:
    with pytest.raises(DesiredRefused, match="not believed"):
        kiosk.give(*pages(FULL, key=parts.signing_key(8)))


def test_the_acknowledgement_key_cannot_decide_a_policy(tmp_path: Path) -> None:
    kiosk = Kiosk(tmp_path, config.Uplink(server_key=messages.public_key_text(POLICY_KEY)))
    with pytest.raises(DesiredRefused, match="no key is known"):
        kiosk.give(*pages(FULL))
    kiosk.close()


def test_a_state_for_another_kiosk_is_refused(kiosk: Kiosk) -> None:
    with pytest.raises(DesiredRefused, match="source"):
        kiosk.give(*pages(FULL, device="kiosk-2"))


def test_a_state_sealed_to_another_kiosk_is_refused(kiosk: Kiosk) -> None:
    with pytest.raises(DesiredRefused, match="does not open"):
        kiosk.give(*pages(FULL, recipient=X25519PrivateKey.generate().public_key()))


def test_the_broker_sees_nothing_of_it() -> None:
    sealed = b"".join(pages(FULL))
    assert all(secret.encode() not in sealed for secret in ("Wang", "李雷", "1001", "See HR", parts.ADA))


@given(st.binary(max_size=400))
def test_noise_is_refused_by_name(tmp_path_factory: pytest.TempPathFactory, noise: bytes) -> None:
    kiosk = Kiosk(tmp_path_factory.mktemp("noise"))
    with pytest.raises(DesiredRefused):
        kiosk.give(noise)
    kiosk.close()


@given(st.integers(0), st.integers(0, 255))
def test_one_flipped_byte_changes_nothing_here(tmp_path_factory: pytest.TempPathFactory, place: int, value: int) -> None:
    kiosk = Kiosk(tmp_path_factory.mktemp("flip"))
    payload = bytearray(pages(FULL)[0])
    place %= len(payload)
    if payload[place] == value:
        value ^= 1
    payload[place] = value
    try:
        assert not kiosk.give(bytes(payload)) or kiosk.office.taken == [FULL.roster]  # the envelope's id and time are nobody's
    except DesiredRefused:
        assert kiosk.kept.place == desired.NOWHERE
    kiosk.close()


def test_a_setting_that_cannot_be_decided_from_afar_is_named_and_the_rest_counts(kiosk: Kiosk) -> None:
    settings = {
        "attend.allow_simulated": "true",
        "uplink.host": "'elsewhere'",
        "attend.min_gap_s": "5.0\nx = 1",
        "attend.day_span_h": "12.0",
    }
    kiosk.give(*pages(Content(policy=messages.Policy("hr:li", settings))))
    assert kiosk.governed.now.attend == config.Attend(day_span_h=12.0)
    assert kiosk.governed.now.uplink == config.Uplink()
    result = kiosk.results()[0]
    assert result.outcome == "partly"
    assert [problem.item for problem in result.problems] == ["attend.allow_simulated", "attend.min_gap_s", "uplink.host"]


def test_a_failing_disk_leaves_the_state_to_be_applied_later(kiosk: Kiosk) -> None:
    kiosk.office.failure = database.StorageFull("people.db: the disk is full")
    for page in pages(FULL):
        kiosk.down.take(page)
    with pytest.raises(database.StorageFull):
        kiosk.down.apply_whole(kiosk.steward.apply)
    assert kiosk.kept.place == desired.NOWHERE
    kiosk.office.failure = None
    assert kiosk.down.apply_whole(kiosk.steward.apply)
    assert len(kiosk.results()) == 1


def test_one_refusal_does_not_keep_the_rest_from_being_done(kiosk: Kiosk, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> bool:
        raise errors.DeviceError("number 1002 is somebody's")

    monkeypatch.setattr(kiosk.office, "bury", refuse)
    kiosk.give(*pages(FULL))
    result = kiosk.results()[0]
    assert result.problems == (messages.Problem("tombstones", "tombstone-1", "DeviceError"),)
    assert kiosk.office.taken == [FULL.roster]


def test_a_roster_that_cannot_be_is_named_and_the_rest_of_the_state_counts(kiosk: Kiosk) -> None:
    kiosk.office.failure = messages.SchemaRefused("a time must exist in the calendar")
    assert kiosk.give(*pages(FULL))
    (said,) = kiosk.results()
    assert said.outcome == "partly"
    assert messages.Problem("roster", "", "SchemaRefused") in said.problems
    assert kiosk.kept.place.version == 1


def test_a_rewind_is_done_once_whatever_version_repeats_it(kiosk: Kiosk) -> None:
    wanted = messages.Rewind("rewind-1", "a" * 32, 3, "ops:he")
    kiosk.give(*pages(Content(rewinds=(wanted,)), 100, 1))
    kiosk.give(*pages(Content(rewinds=(wanted,)), 100, 2))
    assert kiosk.rewound == [wanted]


def test_a_rewind_that_the_disk_did_not_take_is_done_later_and_one_that_cannot_be_is_named_once(
    kiosk: Kiosk, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures: list[Exception] = [database.StorageFull("desired.db: the disk is full"), journal.JournalError("not kept")]

    def fails(_wanted: messages.Rewind) -> None:
        raise failures.pop(0)

    monkeypatch.setattr(kiosk, "steward", dataclasses.replace(kiosk.steward, rewind=fails))
    wanted = Content(rewinds=(messages.Rewind("rewind-1", "a" * 32, 3, "ops:he"),))
    with pytest.raises(database.StorageFull):
        kiosk.give(*pages(wanted, 100, 1))
    assert kiosk.down.apply_whole(kiosk.steward.apply)
    assert kiosk.results()[-1].problems == (messages.Problem("rewinds", "rewind-1", "JournalError"),)
    assert kiosk.give(*pages(wanted, 100, 2))
    assert (failures, kiosk.results()[-1].problems) == ([], ())


def test_a_tombstone_finds_whom_this_kiosk_knows_under_another_id(kiosk: Kiosk) -> None:
    kiosk.give(*pages(FULL, 100, 1))
    kiosk.give(*pages(FULL, 100, 2))
    assert kiosk.office.buried == [parts.BOB, "p-" + "ef" * 16]
    assert kiosk.results()[0].aliases == (messages.Alias(parts.BOB, "p-" + "ef" * 16),)


def test_everybody_whom_this_kiosk_knows_under_another_id_is_on_record(kiosk: Kiosk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server tells who somebody is by these records alone; one holds 60."""
    known = tuple(messages.Alias(f"p-{number:032x}", f"p-{number + 1000:032x}") for number in range(130))
    monkeypatch.setattr(kiosk.office, "take", lambda roster: steward.RosterDone(130, (), known))
    kiosk.give(*pages(FULL))
    results = kiosk.results()
    assert [len(one.aliases) for one in results] == [60, 60, 10]
    assert tuple(alias for one in results for alias in one.aliases) == known
    assert [bool(one.sections) for one in results] == [False, False, True]


def test_a_withdrawal_is_followed_once_and_whoever_agrees_again_has_agreed(kiosk: Kiosk) -> None:
    stone = messages.Tombstone("tombstone-1", parts.ADA, "", messages.TombstoneAct.WITHDRAWN, "hr:wu")
    for version in (1, 2, 3):
        kiosk.give(*pages(Content(tombstones=(stone,)), 100, version))
    assert kiosk.office.buried == [parts.ADA]


def test_an_erasure_is_for_good_and_follows_every_state(kiosk: Kiosk) -> None:
    stone = messages.Tombstone("tombstone-1", parts.ADA, "", messages.TombstoneAct.ERASED, "hr:wu")
    for version in (1, 2):
        kiosk.give(*pages(Content(tombstones=(stone,)), 100, version))
    assert kiosk.office.buried == [parts.ADA, parts.ADA]


def test_a_key_set_of_the_joined_root_is_followed_and_no_other(tmp_path: Path) -> None:
    root, fresh = parts.signing_key(20), parts.signing_key(21)
    old = messages.KeySet(messages.public_key_text(root), 1, NOW, (), (messages.public_key_text(POLICY_KEY),), (), ())
    new = dataclasses.replace(old, version=2, policy=(messages.public_key_text(fresh),))
    member = trust.Membership(old.root, messages.sign_key_set(old, root), "https://daka.example", NOW)
    trust.write(tmp_path / "enterprise.json", member)
    kiosk = Kiosk(tmp_path, config.Uplink(policy_key=messages.public_key_text(parts.signing_key(3))))
    forged = messages.sign_key_set(dataclasses.replace(new, version=3), parts.signing_key(22))
    with pytest.raises(DesiredRefused, match="not believed"):
        kiosk.give(*pages(FULL, key=parts.signing_key(3)))
    with pytest.raises(DesiredRefused, match="not believed"):
        kiosk.give(*pages(FULL, key=fresh, key_set=forged))
    assert kiosk.give(*pages(FULL, key=fresh, key_set=messages.sign_key_set(new, root)))
    with pytest.raises(DesiredRefused, match="not believed"):
        kiosk.give(*pages(FULL, 101, 1, key=POLICY_KEY, key_set=messages.sign_key_set(old, root)))
    assert (
        trust.Trust(tmp_path / "enterprise.json", config.Uplink()).keys("policy")[0].public_bytes_raw()
        == fresh.public_key().public_bytes_raw()
    )
    kiosk.close()


def test_the_applying_thread_takes_up_what_the_last_run_left(kiosk: Kiosk) -> None:
    for page in pages(FULL):
        kiosk.down.take(page)
    stop, applied = threading.Event(), threading.Event()

    def apply(place: Place, content: Content) -> None:
        kiosk.steward.apply(place, content)
        applied.set()

    again = downlink.Downlink(kiosk.kept, parts.DEVICE, kiosk.trust, SECRET)
    thread = threading.Thread(target=again.run, args=(apply, stop))
    thread.start()
    assert applied.wait(5)
    stop.set()
    thread.join(5)
    assert kiosk.kept.place == Place(100, 1)


def test_while_a_key_is_being_changed_the_server_may_sign_with_either_and_afterwards_with_the_new_one(tmp_path: Path) -> None:
    root, servers = parts.signing_key(20), [parts.Server(parts.signing_key(number)) for number in (9, 10)]
    old, new = (messages.public_key_text(server.key) for server in servers)
    both = messages.KeySet(messages.public_key_text(root), 1, NOW, (old, new), (), (), ())
    trust.write(tmp_path / "enterprise.json", trust.Membership(both.root, messages.sign_key_set(both, root), "", NOW))
    believed, opened = trust.Trust(tmp_path / "enterprise.json", config.Uplink()), parts.open_journal(tmp_path)
    counter = post.Post(opened, config.Config(), parts.Clock(), tmp_path, None, None, believed)
    parts.fill(opened, 4)
    epoch = opened.head().epoch
    for upto, server in enumerate(servers, start=1):
        assert counter.believe(server.acknowledgement(epoch, upto, parts.hash_of(opened, upto))).upto == upto
    assert believed.follow(messages.sign_key_set(dataclasses.replace(both, version=2, acknowledgement=(new,)), root))
    with pytest.raises(journal.AcknowledgementRefused):
        counter.believe(servers[0].acknowledgement(epoch, 3, parts.hash_of(opened, 3)))
    assert counter.believe(servers[1].acknowledgement(epoch, 3, parts.hash_of(opened, 3))).upto == 3
    opened.close()


def test_a_long_state_goes_on_from_page_to_page_and_comes_back_as_it_was() -> None:
    """As many people, and as many ended employments, as one kiosk and one enterprise may have."""
    pin = "$argon2id$v=19$m=65536,t=3,p=4$" + "A" * 22 + "$" + "B" * 43
    people = tuple(
        messages.RosterPerson(f"p-{number:032x}", str(number), "王小明", "zh-CN", "line 3", "", pin) for number in range(32_000)
    )
    stones = tuple(
        messages.Tombstone(f"tombstone-{number:016x}", f"p-{number:032x}", "", messages.TombstoneAct.ERASED, "hr:wu")
        for number in range(5_000)
    )
    whole = dataclasses.replace(FULL, roster=messages.Roster("hr:wu", people), tombstones=stones)
    found = messages.split(whole)
    assert messages.joined(found) == whole
    assert len(found) == 64
    assert max(len(messages.write_content(page)) for page in found) <= MAX_PAGE_BYTES
    with pytest.raises(messages.TooLarge, match="64 pages"):
        messages.split(dataclasses.replace(whole, roster=messages.Roster("hr:wu", (*people, *people[:1]))))
    assert messages.split(FULL) == [FULL], "a short one is one page"


MANY = {
    "notices": lambda number: messages.Notice(f"notice-{number}", "", "tea", NOW, NOW, "hr:wu"),
    "tombstones": lambda number: messages.Tombstone(f"t-{number}", f"p-{number:032x}", "", messages.TombstoneAct.WITHDRAWN, "hr"),
    "rewinds": lambda number: messages.Rewind(f"rewind-{number}", f"{number:032x}", 3, "hr:wu"),
    "grants": lambda number: messages.Grant(f"grant-{number}", "AAAA", "legal:chen"),
}


@pytest.mark.parametrize("kind", MANY)
def test_of_each_list_more_than_a_page_holds_is_sent_applied_and_there_after_a_restart(
    kiosk: Kiosk, tmp_path: Path, kind: str
) -> None:
    count = MOST_A_PAGE[kind] + 1
    content = Content(**{kind: tuple(map(MANY[kind], range(count)))})  # type: ignore[arg-type]
    sent = pages(content)
    assert len(sent) == 2
    assert kiosk.give(*sent)
    assert desired.Kept(tmp_path / "desired.db").content == content


def test_a_page_holds_what_the_schema_lets_it_hold() -> None:
    found = schema.read("desired-content")["properties"]
    limits = {kind: rules["maxItems"] for kind, rules in found.items() if "maxItems" in rules}
    assert limits | {"people": found["roster"]["properties"]["people"]["maxItems"]} == MOST_A_PAGE
