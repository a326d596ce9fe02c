"""Joining and leaving, cut off anywhere: the kiosk belongs where it belonged, or where it is to, and never to half of one."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from device import (
    admission,
    checks,
    config,
    database,
    identity,
    joining,
    journal,
    kiosk,
    membership,
    messages,
    outlet,
    state,
    trust,
)
from device.carrying import Carrying
from device.commands import export, run_uplink
from device.commands.context import Context
from device.joiner import Joiner, Watched
from device.joining import JoinRefused
from device.messages import joining as words
from enterprise import authority
from tests.device import parts

NOW = datetime.now(UTC)
DEVICE = "kiosk-1"


class Far:
    """An enterprise without its service: what it would send, carried by the test."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.pki, self.secret = folder, parts.signing_key(seed)
        authority.create(folder, NOW)
        self.root = messages.public_key_text(self.secret)
        held = messages.KeySet(self.root, 1, messages.write_time(NOW), (), (self.root,), (), ())
        self.key_set = messages.sign_key_set(held, self.secret)
        self.host = f"broker-{seed}.example"

    def invitation(self, token: str = "t" * 32) -> str:
        return messages.write_invitation(messages.Invitation(f"https://{self.host}:8443", self.root, "0" * 64, token, ""))

    def answer(self, asked: bytes) -> bytes:
        request = messages.read_join_request(asked)
        certificate = authority.certify(self.pki, request.device, request.csr, NOW)
        ca = authority.place(self.pki, authority.ROOT).certificate.read_text("ascii")
        url, number = f"https://{self.host}:8443", words.request_hash(asked)
        said = messages.JoinAnswer(request.device, number, certificate, ca, self.host, 8883, url, self.key_set)
        return messages.write_join_answer(said, self.secret, request.sealing_key)


@dataclasses.dataclass
class Machine:
    """An appliance's folders; each `start` is one of the kiosk daemon and its uplink."""

    folder: state.Folder
    uplink: Path
    destroyed: list[str] = dataclasses.field(default_factory=list)
    decided_before: list[bool] = dataclasses.field(default_factory=list)
    seconds: float = 0.0

    @property
    def template(self) -> Path:
        """Stands for every template: it lies here until `_destroy` has gone through."""
        return self.folder.root / "template"

    def start(self) -> admission.Admission:
        admission.settle(self.folder)
        return admission.Admission(self.folder, DEVICE, self._destroy, seconds=lambda: self.seconds)

    def _destroy(self, by: str) -> int:
        self.decided_before.append(self.is_decided())
        self.template.unlink(missing_ok=True)
        self.destroyed.append(by)
        return 3

    def is_decided(self) -> bool:
        """Whether the next start puts another membership, or none, in force."""
        found = admission.read(self.folder)
        return found is not None and found.is_decided

    def settings(self) -> config.Uplink:
        return config.read(self.folder.config, self.folder.layer, self.folder.enterprise).uplink

    def root(self) -> str:
        member = membership.read(self.folder.enterprise)
        return member.root if member else ""

    def wish(self) -> outlet.Wish:
        assert self.folder.outlet is not None
        return outlet.read_wish(self.folder.outlet)

    def asked(self, far: Far, **more: bool) -> admission.Admission:
        """A kiosk whose request waits for its answer; its uplink has made the key."""
        one = self.start()
        one.begin(far.invitation(), "cli:root", **more)
        order = one.join_order()
        one.join_key(order.number, identity.ask(identity.Place(self.uplink), order.number, order.device))
        return one

    def joined(self, far: Far, **more: bool) -> None:
        one = self.asked(far, **more)
        one.join_answer(far.answer(one.join_request()))
        self.start()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    etc, layer, root = tmp_path / "etc", tmp_path / "settings", tmp_path / "kiosk"
    for path in (etc, layer, root):
        path.mkdir()
    folder = state.Folder(root, etc / "config.toml", tmp_path / "run", layer=layer / "settings.toml")
    return Machine(folder, tmp_path / "uplink")


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Far:
    return Far(tmp_path_factory.mktemp("ours"), 41)


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Far:
    return Far(tmp_path_factory.mktemp("theirs"), 42)


def test_the_uplink_alone_has_its_key_and_both_daemons_read_where_to_send(machine: Machine, ours: Far) -> None:
    machine.joined(ours)
    found = machine.settings()
    assert (found.enabled, found.host, found.port, found.renew_url) == (True, ours.host, 8883, f"https://{ours.host}:8443")
    place, member = identity.Place(machine.uplink), membership.read(machine.folder.enterprise)
    identity.settle(place, member, DEVICE)
    assert place.identity.stat().st_mode & 0o777 == 0o600
    assert machine.folder.enterprise.stat().st_mode & 0o777 == 0o644
    readable = [
        path for path in machine.folder.root.parent.rglob("*") if path.is_file() and not path.is_relative_to(machine.uplink)
    ]
    assert not [path for path in readable if b"PRIVATE KEY" in path.read_bytes()]
    assert place.asked() == []


def test_a_renewed_certificate_outlives_a_start_and_another_membership_ends_it(machine: Machine, ours: Far, theirs: Far) -> None:
    machine.joined(ours)
    place = identity.Place(machine.uplink)
    identity.settle(place, membership.read(machine.folder.enterprise), DEVICE)
    place.identity.write_bytes(b"renewed")
    identity.settle(place, membership.read(machine.folder.enterprise), DEVICE)
    assert place.identity.read_bytes() == b"renewed"
    machine.joined(theirs, replace=True)
    identity.settle(place, membership.read(machine.folder.enterprise), DEVICE)
    assert b"PRIVATE KEY" in place.identity.read_bytes()
    identity.settle(place, None, DEVICE)
    assert not place.identity.exists()


def test_a_certificate_whose_key_was_made_elsewhere_is_said_to_need_joining_again(
    machine: Machine, ours: Far, tmp_path: Path
) -> None:
    machine.joined(ours)
    with pytest.raises(JoinRefused, match="join again"):
        identity.settle(identity.Place(tmp_path / "another card"), membership.read(machine.folder.enterprise), DEVICE)


def test_after_a_restart_the_same_code_is_compared_and_the_same_invitation_goes_on(machine: Machine, ours: Far) -> None:
    code = machine.asked(ours).standing().code
    again = machine.start()
    assert again.standing().code == code
    assert again.begin(ours.invitation(), "cli:root").code == code
    assert again.join_order().work == "carry"
    assert again.begin(ours.invitation("another" * 5), "cli:root").stage == "key"


def test_a_day_without_a_word_ends_it(machine: Machine, ours: Far) -> None:
    one = machine.asked(ours)
    machine.seconds = admission.LASTS_S + 1
    assert one.join_order().work == "none"
    assert (one.standing().stage, one.standing().code) == ("failed", "")
    assert machine.wish().hosts == ()


def test_another_enterprise_is_asked_for_first_and_templates_go_before_it_counts(machine: Machine, ours: Far, theirs: Far) -> None:
    machine.joined(ours)
    with pytest.raises(JoinRefused, match="belongs to another enterprise"):
        machine.start().begin(theirs.invitation(), "cli:root")
    assert machine.destroyed == []
    one = machine.asked(theirs, replace=True)
    assert (machine.destroyed, machine.root()) == ([], ours.root)
    one.join_answer(theirs.answer(one.join_request()))
    assert machine.destroyed == ["cli:root"]
    machine.start()
    assert machine.root() == theirs.root
    machine.start().leave("cli:root")
    assert machine.decided_before == [False, False, False]


@pytest.mark.parametrize("leaves", [False, True])
def test_what_was_recorded_for_one_enterprise_goes_to_no_other_and_can_still_be_brought_to_it(
    machine: Machine, ours: Far, theirs: Far, tmp_path: Path, leaves: bool
) -> None:
    machine.joined(ours)
    first = opened(machine)
    first.append(parts.punch(parts.ADA), parts.moment(10))
    before = first.head()
    first.close()
    if leaves:
        machine.start().leave("cli:root")
        machine.start()
    machine.joined(theirs, replace=not leaves)
    second = opened(machine)
    genesis = second.stretch(0)
    assert genesis is not None
    assert [json.loads(text)["body"]["reason"] for text in genesis.texts] == ["left_enterprise"]
    second.close()
    third = opened(machine)
    assert (third.head().epoch, third.head().seq) == (genesis.epoch, 1), "once"
    third.close()
    (aside,) = machine.folder.root.glob("journal.db.left-*[!lm]")
    out = tmp_path / "records.jsonl"
    assert export.write(export.Aside(aside, DEVICE), out, 0) == (2, 2)
    data = messages.parse(out.read_bytes())["data"]
    assert (data["epoch"], data["to"]) == (before.epoch, before.seq)


def test_renewed_by_the_same_enterprise_the_journal_goes_on(machine: Machine, ours: Far) -> None:
    machine.joined(ours)
    first = opened(machine)
    epoch = first.head().epoch
    first.close()
    machine.joined(ours, replace=True)
    again = opened(machine)
    assert again.head().epoch == epoch
    again.close()


def opened(machine: Machine) -> journal.Journal:
    files = kiosk.open_files(machine.folder, DEVICE, parts.Clock(), replace_damaged=True)
    files.directory.close()
    return files.journal


@pytest.mark.parametrize("what", ["change", "leave"])
def test_whoever_is_enrolled_between_the_decision_and_the_restart_keeps_no_template(
    machine: Machine, ours: Far, theirs: Far, what: str
) -> None:
    machine.joined(ours)
    machine.template.write_bytes(b"made before")
    if what == "leave":
        machine.start().leave("cli:root")
    else:
        one = machine.asked(theirs, replace=True)
        one.join_answer(theirs.answer(one.join_request()))
    assert not machine.template.exists()
    machine.template.write_bytes(b"made while the daemon ends")
    machine.start()
    assert not machine.template.exists()
    machine.template.write_bytes(b"made under the enterprise of now, or under none")
    machine.start()
    assert machine.template.exists()
    assert machine.destroyed == ["cli:root"] * 2


def test_a_sweep_that_the_disk_does_not_take_is_done_at_the_next_start(
    machine: Machine, ours: Far, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.joined(ours)
    machine.start().leave("cli:root")
    machine.template.write_bytes(b"made while the daemon ends")
    with monkeypatch.context() as failing:
        failing.setattr(Machine, "_destroy", _full_disk)
        machine.start()
    assert machine.template.exists()
    machine.start()
    assert not machine.template.exists()


def _full_disk(*_: object) -> int:
    raise database.StorageFull("people.db: the disk is full; free some room")


class PowerCut(Exception):
    """Nothing after this moment happens."""


def cut_at(monkeypatch: pytest.MonkeyPatch, number: int) -> Callable[[], bool]:
    """The `number`th change of a file from now on does not happen any more; whether it came to that."""
    done = [0]

    def counted(original: Callable[..., object]) -> Callable[..., object]:
        def change(*given: object, **more: object) -> object:
            done[0] += 1
            if done[0] >= number:
                raise PowerCut
            return original(*given, **more)

        return change

    monkeypatch.setattr(Path, "replace", counted(Path.replace))
    monkeypatch.setattr(Path, "unlink", counted(Path.unlink))
    return lambda: done[0] >= number


@pytest.mark.parametrize("what", ["join", "change", "leave"])
def test_cut_off_anywhere_it_is_the_old_membership_or_the_new(
    machine: Machine, ours: Far, theirs: Far, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every change of a file is the last one once; after it comes a start, and after that whoever carries it comes again."""
    before, after = {"join": ("", ours), "change": (ours.root, theirs), "leave": (ours.root, None)}[what]
    ends = False
    for number in range(1, 40):
        if membership.read(machine.folder.enterprise) is not None:
            machine.start().leave("test")
        machine.start()
        if before:
            machine.joined(ours)
        machine.folder.desired.write_bytes(b"what the enterprise before wanted")
        one = machine.start() if after is None else machine.asked(after, replace=True)
        answer = after.answer(one.join_request()) if after else b""
        machine.template.write_bytes(b"made under the enterprise before")
        with monkeypatch.context() as patched:
            was_cut = cut_at(patched, number)
            try:
                one.leave("test") if after is None else one.join_answer(answer)
                admission.settle(machine.folder)
            except PowerCut:
                pass
        assert machine.root() in (before, after.root if after else "")
        if before and (machine.is_decided() or machine.root() != before):
            assert not machine.template.exists(), "templates go before there is no way back"
        found = machine.start()
        settled = machine.root()
        assert settled in (before, after.root if after else "")
        assert machine.settings().enabled == bool(settled)
        assert machine.folder.desired.exists() == (settled == before or not before)
        if settled == before and settled != (after.root if after else ""):  # it comes again, as the uplink or the person would
            found.leave("test") if after is None else found.join_answer(answer)
            machine.start()
        assert machine.root() == (after.root if after else "")
        assert not machine.folder.joining.exists()
        if ends := not was_cut():
            break
    assert ends, "every step was cut off once"


@pytest.mark.parametrize("what", ["join", "leave"])
def test_a_disk_that_takes_nothing_keeps_no_kiosk_from_starting_and_the_next_start_goes_on(
    machine: Machine, ours: Far, what: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    if what == "leave":
        machine.joined(ours)
        machine.start().leave("test")
    else:
        one = machine.asked(ours)
        one.join_answer(ours.answer(one.join_request()))

    def full(*_given: object, **_more: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        found = machine.start()
    assert "not in force yet" in caplog.text
    assert found.standing().stage == "settling"
    assert machine.folder.joining.exists()
    machine.start()
    assert machine.root() == (ours.root if what == "join" else "")
    assert machine.settings().enabled == (what == "join")
    assert not machine.folder.joining.exists()


@pytest.mark.parametrize("what", ["joined", "decided", "leaving"])
def test_a_version_that_is_gone_back_to_reads_what_a_newer_one_wrote(machine: Machine, ours: Far, what: str) -> None:
    """Each of the files has a field more: nothing falls, and nothing that was decided is dropped."""
    path = machine.folder.joining
    if what == "decided":
        one = machine.asked(ours)
        one.join_answer(ours.answer(one.join_request()))
    else:
        machine.joined(ours)
    if what == "leaving":
        machine.start().leave("test")
    if what == "joined":
        path = machine.folder.enterprise
    held = json.loads(path.read_bytes())
    if held.get("becomes"):
        held["becomes"]["tenant"] = "added later"
    path.write_text(json.dumps(held | {"tenant": "added later"}))
    machine.start()
    assert machine.root() == ("" if what == "leaving" else ours.root)
    assert machine.settings().enabled == (what != "leaving")


DAMAGED = ["", "[]", "null", "{", '{"root": "r"}', '{"root": 1, "key_set": {}, "server": "", "joined_at": ""}']


@pytest.mark.parametrize("text", DAMAGED)
def test_a_damaged_membership_keeps_nobody_from_starting_and_nobody_is_believed(machine: Machine, ours: Far, text: str) -> None:
    machine.joined(ours)
    machine.folder.enterprise.write_text(text)
    one = machine.start()
    assert one.standing().member == membership.UNKNOWN, "it is somebody's, and not to be had from the web UI"
    assert machine.settings().host == ""
    assert machine.wish() == outlet.Wish((), False)
    believed = trust.Trust(machine.folder.enterprise, config.Uplink(policy_key=ours.root, server_key=ours.root))
    assert believed.is_damaged
    assert (believed.keys("policy"), believed.keys("acknowledgement"), believed.keys("update")) == ((), (), ())
    idle = run_uplink.why_idle(Context(machine.folder), Context(machine.folder).carrying())
    assert "nobody is believed" in idle
    assert [found.verdict.value for found in checks.enterprise(machine.folder)] == ["bad"]


def test_a_damaged_membership_is_left_or_joined_over_and_every_template_goes_first(machine: Machine, ours: Far) -> None:
    machine.joined(ours)
    watched = Watched(machine.folder.enterprise)
    machine.folder.enterprise.write_text("{")
    assert watched.has_changed()
    watched = Watched(machine.folder.enterprise)
    assert not watched.has_changed(), "the uplink goes on, or it would never make the key"
    with pytest.raises(JoinRefused, match="cannot be read any more"):
        machine.start().begin(ours.invitation("again" * 7), "cli:root")
    machine.joined(ours, replace=True)
    assert (machine.destroyed[:1], machine.root()) == (["cli:root"], ours.root)
    assert watched.has_changed()
    machine.folder.enterprise.write_text("{")
    machine.destroyed.clear()
    machine.start().leave("cli:ada")
    assert machine.destroyed == ["cli:ada"]
    assert machine.start().standing().member == ""


def test_what_root_has_written_by_hand_is_not_joined_over(machine: Machine, ours: Far) -> None:
    machine.folder.config.write_text('[uplink]\nhost = "by-hand.example"\n')
    with pytest.raises(JoinRefused, match=r"uplink\.host stands in"):
        machine.start().begin(ours.invitation(), "cli:root")


def test_the_kiosk_says_whom_to_reach_and_nobody_else_once_it_has_joined(machine: Machine, ours: Far) -> None:
    assert machine.start().standing().stage == "none"
    assert machine.wish() == outlet.Wish((), False)
    machine.asked(ours)
    assert machine.wish() == outlet.Wish((ours.host,), False)
    one = machine.asked(ours)
    one.join_answer(ours.answer(one.join_request()))
    assert machine.wish() == outlet.Wish((ours.host,), False), "what is decided says so at the start that puts it in force"
    machine.start()
    assert machine.wish() == outlet.Wish((ours.host,), True)
    machine.start().leave("cli:root")
    machine.start()
    assert machine.wish() == outlet.Wish((), False)


def test_whom_root_has_pinned_stays_and_an_invitation_of_somebody_else_is_refused(machine: Machine, ours: Far, theirs: Far) -> None:
    outlet.pin(machine.folder.config.parent / outlet.PINNED, [ours.host])
    with pytest.raises(outlet.OutletError, match="only root changes that"):
        machine.start().begin(theirs.invitation(), "web:ada")
    machine.joined(ours)


def test_an_answer_that_is_not_believed_changes_nothing(machine: Machine, ours: Far, theirs: Far) -> None:
    one = machine.asked(ours)
    for answer in (theirs.answer(one.join_request()), b"{}", b""):
        with pytest.raises(messages.MessageError):
            one.join_answer(answer)
    assert (one.standing().stage, machine.root(), machine.destroyed) == ("waiting", "", [])


def test_a_request_that_is_not_waited_for_is_refused(machine: Machine, ours: Far) -> None:
    one = machine.asked(ours)
    with pytest.raises(JoinRefused, match="not waited for"):
        one.join_key("0" * 16, "csr")
    one.end("cli:root")
    with pytest.raises(JoinRefused, match="no request"):
        one.join_answer(b"{}")
    with pytest.raises(JoinRefused, match="no enterprise"):
        one.leave("cli:root")


def test_an_address_where_nobody_answers_is_tried_again_and_a_no_is_not(machine: Machine, ours: Far) -> None:
    one = machine.start()
    away = messages.write_invitation(messages.Invitation("https://127.0.0.1:1", ours.root, "0" * 64, "t" * 32, ""))
    one.begin(away, "cli:root")
    uplink = Joiner(one, identity.Place(machine.uplink))
    uplink.step()
    uplink.step()
    found = one.standing()
    assert (found.stage, "nobody answers" in found.why) == ("waiting", True)
    assert one.join_order().work == "carry"
    one.join_failed(one.join_order().number, "the enterprise says no: used", for_good=False)
    one.join_failed(one.join_order().number, "the enterprise says \x1b]0;no\x07: used", for_good=False)
    assert one.standing().why == "the enterprise says  ]0;no : used"
    one.join_failed(one.join_order().number, "the enterprise says no: used", for_good=False)
    one.join_failed(one.join_order().number, "the enterprise says no: used", for_good=True)
    assert one.standing().stage == "failed"
    assert one.join_order().work == "none"


def test_the_uplink_starts_anew_with_another_broker_and_not_with_newer_keys(machine: Machine, ours: Far, theirs: Far) -> None:
    machine.joined(ours)
    member = membership.read(machine.folder.enterprise)
    assert member is not None
    watched = Watched(machine.folder.enterprise)
    membership.write(machine.folder.enterprise, dataclasses.replace(member, key_set={"newer": True}))
    assert not watched.has_changed()
    machine.joined(theirs, replace=True)
    assert watched.has_changed()


def test_a_membership_that_comes_while_the_uplink_reads_its_settings_is_noticed(
    machine: Machine, ours: Far, theirs: Far, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.joined(ours)
    original = Context.carrying

    def slow(context: Context) -> Carrying:
        found = original(context)
        machine.joined(theirs, replace=True)
        return found

    monkeypatch.setattr(Context, "carrying", slow)
    watched, settings = run_uplink.watched_and_settings(Context(machine.folder))
    assert settings.host == ours.host
    assert watched.has_changed(), "or it would stay with the settings of before for ever"


def test_the_settings_that_joining_brings_are_those_that_it_refuses_to_find(machine: Machine, ours: Far) -> None:
    machine.joined(ours)
    brought = {name.removeprefix("uplink.") for name in membership.settings(machine.folder.enterprise)}
    assert brought == {*joining.SET_BY_JOINING, "enabled"}
