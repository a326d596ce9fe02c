"""Key files: made once, the owner's alone, never replaced; and the state folder's lock."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from device import keys, kiosk, messages, state
from device.keys import KeyFileError
from device.state import Folder, StateBusy
from tests.device import parts

MAKERS: dict[str, Callable[[Path], object]] = {"journal.key": keys.journal_key, "wrapping.key": keys.wrapping_key}


@pytest.mark.parametrize("name", MAKERS)
def test_a_key_is_made_once_for_the_owner_alone_and_then_kept(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "keys"
    MAKERS[name](folder)
    path = folder / name
    made = path.read_bytes()
    assert len(made) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    before = path.stat().st_mtime_ns, path.stat().st_ino
    MAKERS[name](folder)
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == before
    assert [file.name for file in folder.iterdir()] == [name]


def test_two_devices_have_two_keys(tmp_path: Path) -> None:
    made = {messages.public_key_text(keys.journal_key(tmp_path / name)) for name in "abc"}
    assert len(made) == 3
    assert keys.wrapping_key(tmp_path / "a") != keys.wrapping_key(tmp_path / "b")


def test_the_key_is_what_the_file_holds(tmp_path: Path) -> None:
    (tmp_path / "journal.key").write_bytes(bytes([1]) * 32)
    (tmp_path / "journal.key").chmod(0o600)
    assert messages.public_key_text(keys.journal_key(tmp_path)) == messages.public_key_text(parts.signing_key(1))


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o666, 0o620])
@pytest.mark.parametrize("name", MAKERS)
def test_a_key_that_others_can_read_is_refused(tmp_path: Path, name: str, mode: int) -> None:
    MAKERS[name](tmp_path)
    (tmp_path / name).chmod(mode)
    with pytest.raises(KeyFileError, match="chmod 600"):
        MAKERS[name](tmp_path)


@pytest.mark.parametrize("size", [0, 31, 33, 4096])
@pytest.mark.parametrize("name", MAKERS)
def test_a_key_of_the_wrong_length_is_refused_and_left_alone(tmp_path: Path, name: str, size: int) -> None:
    path = tmp_path / name
    path.write_bytes(bytes(size))
    path.chmod(0o600)
    with pytest.raises(KeyFileError, match=f"{size} bytes instead of 32"):
        MAKERS[name](tmp_path)
    assert path.read_bytes() == bytes(size)


def test_a_draft_left_by_a_power_cut_does_not_stand_in_the_way(tmp_path: Path) -> None:
    """After a reboot the daemon often has the same process id as before."""
    (tmp_path / f"journal.{os.getpid()}.new").write_bytes(b"half")
    keys.journal_key(tmp_path)
    assert (tmp_path / "journal.key").stat().st_size == 32


def test_a_place_that_takes_no_key_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("a file where the folder should be")
    with pytest.raises(KeyFileError, match="keys"):
        keys.journal_key(tmp_path / "keys")
    (tmp_path / "journal.key").mkdir(mode=0o700)
    with pytest.raises(KeyFileError, match="cannot be read"):
        keys.journal_key(tmp_path)


def test_an_error_about_a_key_never_shows_the_key(tmp_path: Path) -> None:
    secret = b"0123456789abcdef0123456789abcdefX"
    (tmp_path / "wrapping.key").write_bytes(secret)
    (tmp_path / "wrapping.key").chmod(0o600)
    with pytest.raises(KeyFileError) as error:
        keys.wrapping_key(tmp_path)
    assert "0123456789" not in str(error.value)


def test_only_one_process_has_the_state_folder(tmp_path: Path) -> None:
    program = "import sys, pathlib\nfrom device import state\nwith state.locked(state.Folder(pathlib.Path(sys.argv[1]))): pass"
    command = [sys.executable, "-c", program, str(tmp_path)]
    with state.locked(Folder(tmp_path)):
        refused = subprocess.run(command, cwd=parts.REPO, capture_output=True, text=True, check=False)
        assert "StateBusy" in refused.stderr
        assert "stop it, or name another folder with --state" in refused.stderr
    assert subprocess.run(command, cwd=parts.REPO, check=False).returncode == 0


def test_the_lock_is_free_after_an_error_and_the_error_stays_itself(tmp_path: Path) -> None:
    with pytest.raises(BlockingIOError, match="a socket's own"), state.locked(Folder(tmp_path)):
        raise BlockingIOError("a socket's own")
    with state.locked(Folder(tmp_path)), pytest.raises(StateBusy), state.locked(Folder(tmp_path)):
        pass


def test_the_state_folder_is_the_owners_alone(tmp_path: Path) -> None:
    with state.locked(Folder(tmp_path / "a" / "b")):
        assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700


@pytest.mark.parametrize("name", ["journal.key", "wrapping.key"])
def test_a_lost_key_is_not_replaced_while_data_hang_on_it(tmp_path: Path, name: str) -> None:
    folder, time_source = state.Folder(tmp_path / "state"), parts.Clock()
    files = kiosk.open_files(folder, parts.DEVICE, time_source, replace_damaged=True)
    files.journal.close()
    files.directory.close()
    (folder.keys / name).unlink()
    with pytest.raises(keys.KeyFileError, match="restore it from the backup"):
        kiosk.open_files(folder, parts.DEVICE, time_source, replace_damaged=True)
    assert not (folder.keys / name).exists()
