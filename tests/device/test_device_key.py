"""The device key: from the system where it hands one, from a file otherwise; a wrong one stops the kiosk at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from device import checks, keys, kiosk, state
from device.commands import reach
from device.commands.context import Context
from device.keys import KeyFileError
from device.people import Directory, Verdict
from device.templates import WrongDeviceKey
from tests.device import parts
from tests.device.test_erasure import full

SECRET = bytes(range(32))


@pytest.fixture
def folder(tmp_path: Path) -> state.Folder:
    """A state folder whose device key systemd hands over."""
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / keys.CREDENTIAL).write_bytes(SECRET)
    return state.Folder(tmp_path / "state", credentials=credentials)


def opened(folder: state.Folder) -> kiosk.Files:
    return kiosk.open_files(folder, parts.DEVICE, parts.Clock(), replace_damaged=False)


def closed(files: kiosk.Files) -> None:
    files.directory.close()
    files.journal.close()


def test_a_system_credential_is_the_device_key_and_no_file_of_it_is_made(folder: state.Folder) -> None:
    files = opened(folder)
    full(files.directory, parts.ADA, "77001234", "Ada")
    closed(files)
    assert not (folder.keys / "wrapping.key").exists()
    assert SECRET not in b"".join(path.read_bytes() for path in folder.root.rglob("*") if path.is_file())
    again = Directory(folder.people, SECRET)
    assert again.credentials.check_pin("77001234", "482913", parts.moment()).verdict is Verdict.RIGHT
    again.close()
    assert checks.keys(folder).verdict is checks.Verdict.GOOD


def test_a_key_file_is_used_where_the_system_hands_nothing_and_the_doctor_says_what_that_means(tmp_path: Path) -> None:
    bare = state.Folder(tmp_path / "state")
    closed(opened(bare))
    assert (bare.keys / "wrapping.key").stat().st_mode & 0o777 == 0o600
    found = checks.keys(bare)
    assert found.verdict is checks.Verdict.NOTE
    assert "do not protect a stolen card" in found.sentence


def test_a_credential_of_another_length_or_beside_a_file_is_refused_with_the_way_out(folder: state.Folder) -> None:
    assert folder.credentials is not None
    (folder.credentials / keys.CREDENTIAL).write_bytes(b"short")
    with pytest.raises(KeyFileError, match="5 bytes instead of 32"):
        opened(folder)
    (folder.credentials / keys.CREDENTIAL).write_bytes(SECRET)
    (folder.keys / "wrapping.key").write_bytes(SECRET)
    with pytest.raises(KeyFileError, match="then delete it"):
        opened(folder)


def test_without_its_credential_the_kiosk_makes_no_new_key(folder: state.Folder) -> None:
    closed(opened(folder))
    with pytest.raises(KeyFileError, match="handed to the daemon alone"):
        opened(state.Folder(folder.root))
    assert not (folder.keys / "wrapping.key").exists()


def test_a_wrong_device_key_is_a_clear_stop_with_the_way_out_and_changes_nothing(folder: state.Folder) -> None:
    files = opened(folder)
    full(files.directory, parts.ADA, "77001234", "Ada")
    closed(files)
    assert folder.credentials is not None
    (folder.credentials / keys.CREDENTIAL).write_bytes(bytes(32))
    before = folder.people.read_bytes()
    with pytest.raises(WrongDeviceKey, match=r"restore keys/wrapping.key.*daka people start-over"):
        opened(folder)
    assert folder.people.read_bytes() == before
    (folder.credentials / keys.CREDENTIAL).write_bytes(SECRET)
    files = opened(folder)
    assert files.directory.by_number("77001234").templates == 3
    closed(files)


def test_starting_over_keeps_people_and_consents_and_gives_up_what_no_key_opens(folder: state.Folder) -> None:
    files = opened(folder)
    full(files.directory, parts.ADA, "77001234", "Ada")
    closed(files)
    assert folder.credentials is not None
    (folder.credentials / keys.CREDENTIAL).write_bytes(bytes(32))
    folder.keys_copied.touch()
    assert reach.start_over(Context(folder), "cli:hr") == 3
    assert not folder.keys_copied.exists(), "the copy that was made is of the key that is lost"
    files = opened(folder)
    ada = files.directory.by_number("77001234")
    assert (ada.templates, ada.has_pin, ada.badges, ada.has_consent) == (0, False, 0, True)
    closed(files)
