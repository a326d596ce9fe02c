"""The key that signs releases can be replaced, by a chain that only its own holders can go on with; nothing old comes back."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.signer import CryptoSigner, SSlibKey
from tuf.api.metadata import Metadata, Root

from device import messages, release_roots, updates
from device.commands import update_key
from device.updates import UpdateNotNow, UpdateRefused
from enterprise import keys, releases, update_roots
from enterprise.commands.main import daka_enterprise
from tests.device.test_updates import archive

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)


@dataclass
class Office:
    """An enterprise with a root key, an update key, and the kiosk that was given the first of its update keys."""

    folder: Path
    root: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    update: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    def __post_init__(self) -> None:
        self.pinned = self.update.public_key()

    @property
    def roots(self) -> release_roots.Roots:
        return release_roots.Roots(self.folder / "kiosk" / "root.json", self.pinned)

    def hand_over(self, *before: Ed25519PrivateKey, days: int = 3_650) -> int:
        return update_roots.sign(self.folder, self.root, self.update.public_key(), before, NOW, days)

    def replace_update_key(self) -> Ed25519PrivateKey:
        """As it is done: a new key, and a root that names it. The old one is returned."""
        old, self.update = self.update, Ed25519PrivateKey.generate()
        self.hand_over()
        return old

    def release(self, version: str = "0.2.0") -> Path:
        made = archive(self.folder, version)
        releases.sign(made, self.update, NOW, 30, roots=update_roots.read(self.folder))
        return made

    def take(self, made: Path, now: datetime | None = NOW) -> str:
        return updates.verified(made, self.roots, "", now).version


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def test_a_kiosk_that_was_given_the_first_key_follows_to_the_newest_whatever_it_missed(office: Office) -> None:
    assert office.take(office.release()) == "0.2.0"
    assert office.hand_over(office.update) == 2
    office.replace_update_key()
    office.replace_update_key()
    assert office.take(office.release("0.3.0")) == "0.3.0"
    assert office.roots.newest().version == 4
    assert office.take(office.release("0.4.0")) == "0.4.0"  # its chain is known already


def test_a_kiosk_that_was_given_a_later_key_enters_where_that_key_signed(office: Office) -> None:
    """Installed after a rotation, with what `keys show update` prints then; or with the root's key of that time."""
    office.hand_over(office.update)
    office.update = Ed25519PrivateKey.generate()
    office.hand_over(office.update)
    office.pinned = office.update.public_key()
    assert office.take(office.release("0.2.0")) == "0.2.0"
    office.replace_update_key()
    assert office.take(office.release("0.3.0")) == "0.3.0"
    assert office.roots.newest().version == 4
    old, office.root = office.root, Ed25519PrivateKey.generate()
    office.hand_over(old)
    office.pinned = office.root.public_key()
    assert office.take(office.release("0.4.0")) == "0.4.0"
    assert office.roots.newest().version == 5


def test_a_root_that_merely_names_the_given_key_is_no_entrance(office: Office) -> None:
    thief, named = Ed25519PrivateKey.generate(), Root(version=2, expires=NOW + timedelta(days=30))
    named.add_key(SSlibKey.from_crypto(thief.public_key()), "root")
    named.add_key(SSlibKey.from_crypto(office.pinned), "targets")
    forged = Metadata(named)
    forged.sign(CryptoSigner(thief))
    (office.folder / update_roots.FILE_NAME).write_text(json.dumps([forged.to_dict()]))
    with pytest.raises(UpdateRefused, match="not signed by a key that root 1"):
        office.take(office.release())


def test_a_key_that_was_replaced_signs_nothing_any_more(office: Office) -> None:
    office.hand_over(office.update)
    old = office.replace_update_key()
    office.take(office.release())
    made = archive(office.folder, "0.9.0")
    releases.sign(made, old, NOW, 30)
    with pytest.raises(UpdateRefused, match="not signed by a key that root 3 of this machine names"):
        office.take(made)


def test_a_new_root_key_counts_once_the_old_one_has_signed_it(office: Office) -> None:
    office.hand_over(office.update)
    old, office.root = office.root, Ed25519PrivateKey.generate()
    with pytest.raises(update_roots.UpdateRootError, match="--before"):
        office.hand_over()
    office.hand_over(old)
    office.replace_update_key()
    assert office.take(office.release()) == "0.2.0"
    assert office.roots.newest().version == 4


def test_a_thief_of_the_update_key_cannot_go_on_with_the_chain(office: Office) -> None:
    office.hand_over(office.update)
    assert office.take(office.release()) == "0.2.0"
    stolen, thief = office.update, Ed25519PrivateKey.generate()
    forged = Metadata(Root(version=3, expires=NOW + timedelta(days=30)))
    for role in ("root", "targets"):
        forged.signed.add_key(SSlibKey.from_crypto(thief.public_key()), role)
    for key in (thief, stolen):
        forged.sign(CryptoSigner(key), append=True)
    chain = [one.to_dict() for one in (*update_roots.read(office.folder), forged)]
    (office.folder / update_roots.FILE_NAME).write_text(json.dumps(chain))
    office.update = thief
    with pytest.raises(UpdateRefused, match="not signed by a key that root 2"):
        office.take(office.release("9.0.0"))
    assert office.roots.newest().version == 2


def test_a_root_that_its_own_key_has_not_signed_is_not_followed(office: Office) -> None:
    """Or whoever has the old root key could name a key that nobody holds, and lock everybody out of updates by mistake."""
    office.hand_over(office.update)
    path = office.folder / update_roots.FILE_NAME
    (root,) = json.loads(path.read_text())
    own = release_roots.read(root).signed.roles["root"].keyids[0]
    root["signatures"] = [one for one in root["signatures"] if one["keyid"] != own]
    path.write_text(json.dumps([root]))
    with pytest.raises(UpdateRefused, match="not signed by a key that root 2"):
        office.take(office.release())
    assert office.roots.newest().version == 1


def test_an_older_chain_and_another_root_of_the_same_number_change_nothing(office: Office) -> None:
    office.hand_over(office.update)
    first = update_roots.read(office.folder)
    old = office.replace_update_key()
    office.take(office.release())
    made = archive(office.folder, "0.9.0")
    releases.sign(made, old, NOW, 30, roots=first)
    with pytest.raises(UpdateRefused, match="root 3"):
        office.take(made)
    assert office.roots.newest().version == 3


def test_a_root_that_ran_out_signs_nothing_and_the_next_one_mends_it(office: Office) -> None:
    office.hand_over(office.update, days=10)
    late, made = NOW + timedelta(days=20), office.release()
    with pytest.raises(UpdateRefused, match="root 2 ran out on 2026-11-12"):
        office.take(made, late)
    assert office.take(made, None) == "0.2.0"  # a clock that nobody sets says nothing about it
    office.hand_over()
    assert office.take(office.release(), late) == "0.2.0"


def test_another_key_given_by_hand_begins_anew(office: Office) -> None:
    """The way out when the root's key is lost: somebody at the machine says whom it believes."""
    office.hand_over(office.update)
    office.take(office.release())
    office.root, office.update = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    with pytest.raises(update_roots.UpdateRootError, match="--anew"):
        office.hand_over(office.update)
    made = update_roots.sign(office.folder, office.root, office.update.public_key(), (office.update,), NOW, 30, anew=True)
    assert made == 3
    with pytest.raises(UpdateRefused, match="root 2"):
        office.take(office.release("0.3.0"))
    office.pinned = office.update.public_key()
    assert office.take(office.release("0.3.0")) == "0.3.0"
    office.replace_update_key()
    assert office.take(office.release("0.4.0")) == "0.4.0"


@pytest.mark.parametrize("rubbish", [{"roots": 7}, {"roots": [7]}, {"roots": [{}] * 101}, {"roots": [{"signed": {}}]}])
def test_rubbish_beside_the_signature_is_refused(office: Office, rubbish: dict[str, object]) -> None:
    made = office.release()
    beside = made.with_name(made.name + updates.METADATA_SUFFIX)
    beside.write_text(json.dumps(json.loads(beside.read_text()) | rubbish))
    with pytest.raises(UpdateRefused, match="cannot be read"):
        office.take(made)


def test_a_damaged_file_of_the_newest_root_is_said_and_never_gone_behind(office: Office) -> None:
    office.roots.path.parent.mkdir()
    office.roots.path.write_text("{")
    with pytest.raises(UpdateNotNow, match=r"daka update key KEY"):
        office.take(office.release())


def test_no_release_is_signed_that_whoever_followed_would_refuse(office: Office) -> None:
    office.hand_over(office.update)
    office.update = Ed25519PrivateKey.generate()
    with pytest.raises(releases.ReleaseError, match="update-root"):
        office.release()


def call(*arguments: str) -> Result:
    return CliRunner().invoke(daka_enterprise, arguments)


def test_the_commands_replace_an_update_key(tmp_path: Path) -> None:
    signing, offline, made = str(tmp_path / "keys"), str(tmp_path / "root"), archive(tmp_path)
    given = call("keys", "init", "update", "--dir", signing).output.strip()
    call("keys", "init", "root", "--dir", offline)
    assert "root 2 of releases" in call("keys", "update-root", "--dir", signing, "--root", offline).output
    keys.place(tmp_path / "keys", "update").rename(tmp_path / "old.key")
    call("keys", "init", "update", "--dir", signing)
    assert "update-root" in str(call("release", str(made), "--dir", signing).exception)
    assert "root 3 of releases" in call("keys", "update-root", "--dir", signing, "--root", offline).output
    assert call("release", str(made), "--dir", signing).exit_code == 0
    roots = release_roots.Roots(tmp_path / "kiosk" / "root.json", messages.public_key_from_text(given))
    assert updates.verified(made, roots, "", None).version == "0.2.0"
    assert roots.newest().version == 3


def test_a_machine_is_given_a_key_and_says_whose_releases_count(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(update_key, "KEY", office.folder / "update.key")
    monkeypatch.setattr(update_key, "FOLLOWED", office.roots.path)
    first, root = messages.public_key_text(office.pinned), messages.public_key_text(office.root)

    def said(*words: str) -> str:
        return CliRunner().invoke(update_key.update_key, words).output

    assert "show update" in str(CliRunner().invoke(update_key.update_key).exception), "none was given yet"
    assert "base64" in str(CliRunner().invoke(update_key.update_key, ["ed25519:AAAA"]).exception)
    assert not update_key.KEY.exists()
    assert said(first) == f"root 1\nsigns releases: {first}\nnames the next root: {first}\n"
    assert update_key.KEY.stat().st_mode & 0o777 == 0o644
    office.hand_over(office.update)
    office.replace_update_key()
    office.take(office.release())
    second = messages.public_key_text(office.update)
    assert said() == f"root 3, good until 2036-10-30\nsigns releases: {second}\nnames the next root: {root}\n"
