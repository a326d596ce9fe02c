"""The command line: what goes wrong is one sentence and exit code 1; every command explains itself."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from device import keys, state
from device.commands.main import COMMANDS, daka, main
from tests.device import parts
from tests.device.test_journal_damage import edit


def command_paths(group: click.Group, before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        assert found is not None
        yield (*before, name)
        if isinstance(found, click.Group):
            yield from command_paths(found, (*before, name))


PATHS = [(), *command_paths(daka)]


@dataclass(frozen=True)
class Done:
    """What a call of `daka` said and how it ended."""

    returncode: int
    stdout: str
    stderr: str


def process(folder: Path, *arguments: object) -> Done:
    """`daka` as a process of its own, as a person calls it."""
    command = [sys.executable, "-m", "device.commands.main", "--state", str(folder), *map(str, arguments)]
    environment = {**os.environ, "COLUMNS": "200"}
    done = subprocess.run(command, cwd=parts.REPO, capture_output=True, text=True, timeout=60, check=False, env=environment)
    return Done(done.returncode, done.stdout, done.stderr)


Run = Callable[..., Done]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The console script in this process: the models and libraries are loaded once."""

    def call(folder: Path, *arguments: object, text: str = "") -> Done:
        monkeypatch.setenv("COLUMNS", "200")
        monkeypatch.setattr(sys, "argv", ["daka", "--state", str(folder), *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.StringIO(text))
        capsys.readouterr()
        code: object = 0
        try:
            main()
        except SystemExit as ended:
            code = ended.code
        said = capsys.readouterr()
        return Done(int(code or 0), said.out, said.err)  # type: ignore[call-overload]

    return call


def test_every_command_that_is_promised_exists() -> None:
    assert {path[0] for path in PATHS if path} == set(COMMANDS)
    assert ("run", "uplink") in PATHS
    assert ("people", "withdraw") in PATHS


@pytest.mark.parametrize("path", PATHS, ids=lambda path: " ".join(path) or "daka")
def test_every_command_explains_itself(path: tuple[str, ...]) -> None:
    done = CliRunner().invoke(daka, [*path, "--help"])
    assert done.exit_code == 0, done.output
    usage, _, rest = done.output.partition("\n\n")
    assert usage.startswith("Usage:")
    first = rest.strip().splitlines()[0]
    assert len(first) > 10
    assert not first.startswith("Options")


def test_every_option_explains_itself() -> None:
    """Options whose name and choices are not the whole story have a help text."""
    for path in PATHS:
        found: click.Command = daka
        for name in path:
            assert isinstance(found, click.Group)
            inner = found.get_command(click.Context(found), name)
            assert inner is not None
            found = inner
        for parameter in found.params:
            if isinstance(parameter, click.Option) and parameter.name != "help":
                assert parameter.help or isinstance(parameter.type, click.Choice), (path, parameter.name)


def refused(done: Done, *words: str) -> None:
    """One sentence on stderr, exit code 1, no traceback."""
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    (said,) = done.stderr.strip().splitlines()
    assert said.startswith("daka: ")
    for word in words:
        assert word in said
    assert done.stdout == ""


@pytest.fixture
def known(tmp_path: Path, run: Run) -> Path:
    """A state folder in which employee 1 has agreed."""
    for arguments in (("people", "add", "1", "Ada", "--language", "en"), ("people", "consent", "1", "--yes")):
        done = run(tmp_path, *arguments)
        assert done.returncode == 0, done.stderr
    return tmp_path


def test_a_name_with_brackets_and_colons_is_shown_as_it_is(known: Path, run: Run) -> None:
    for number, name in (("2", "[/b]"), ("3", "Li [red]"), ("4", ":smile:")):
        assert run(known, "people", "add", number, name).returncode == 0
    listed = run(known, "people", "list")
    assert listed.returncode == 0, listed.stderr
    assert [name for name in ("[/b]", "Li [red]", ":smile:") if name not in listed.stdout] == []


def test_a_number_is_whole_in_the_list_however_narrow_the_screen_and_the_list_can_be_searched(known: Path, run: Run) -> None:
    number = "A2024000123456789"
    assert run(known, "people", "add", number, "Zhang, Wei").returncode == 0
    narrow = CliRunner().invoke(daka, ["--state", str(known), "people", "list"], env={"COLUMNS": "60"})
    assert number in narrow.output
    found = run(known, "people", "list", "zhang", "--csv").stdout.splitlines()
    assert [line.split(",")[0] for line in found] == ["number", number]
    assert '"Zhang, Wei"' in found[1]


def test_a_name_in_the_list_for_spreadsheets_never_becomes_a_formula(known: Path, run: Run) -> None:
    assert run(known, "people", "add", "7", "=1+2").returncode == 0
    found = run(known, "people", "list", "=", "--csv").stdout.splitlines()
    assert [line.split(",")[1] for line in found] == ["name", "'=1+2"]


def test_the_list_shows_a_last_day_as_it_was_given(known: Path, run: Run) -> None:
    (known / "config.toml").write_text('[device]\ntime_zone = "Asia/Shanghai"\n')
    for expires, shown in (("2026-12-31", "2026-12-31 "), ("2026-12-31T12:00+08:00", "2026-12-31 12:00")):
        assert run(known, "people", "change", "1", "--expires", expires).returncode == 0
        assert shown in run(known, "people", "list").stdout


def test_the_office_by_command_line(known: Path, run: Run) -> None:
    listed = run(known, "people", "list").stdout
    assert "Ada" in listed
    verified = run(known, "verify")
    assert "records 1 to 4 hold" in verified.stdout, verified.stderr
    refused(run(known, "people", "add", "1", "Bob"), "employee number 1 is taken")
    refused(run(known, "people", "consent", "9", "--yes"), "nobody here has employee number 9")
    assert "no template is left" in run(known, "people", "withdraw", "1").stdout
    refused(run(known, "people", "withdraw", "1"), "nothing to withdraw")


def test_consent_is_asked_for_in_the_persons_language_and_a_no_is_a_no(tmp_path: Path, run: Run) -> None:
    run(tmp_path, "people", "add", "1", "明", "--language", "zh-TW")
    done = run(tmp_path, "people", "consent", "1", text="n\n")
    assert "本終端機的人臉辨識" in done.stdout
    assert done.returncode == 1
    refused(run(tmp_path, "people", "withdraw", "1"), "no consent in force")


def test_enrolment_without_consent_or_with_a_bad_picture_is_a_sentence(known: Path, run: Run) -> None:
    picture = known / "no-picture.jpg"
    picture.write_text("words")
    refused(run(known, "enrol", "1", picture), "neither a JPEG nor a PNG")
    run(known, "people", "withdraw", "1")
    refused(run(known, "enrol", "1", picture), "no consent in force")


def test_a_wrong_setting_is_a_sentence_for_every_command_that_reads_it(tmp_path: Path, run: Run) -> None:
    (tmp_path / "config.toml").write_text("[recognition]\nvotes = 0\n")
    for arguments in (("config", "check"), ("config", "list"), ("people", "list")):
        refused(run(tmp_path, *arguments), "recognition.votes")
    refused(process(tmp_path, "run"), "recognition.votes")
    refused(process(tmp_path, "run", "kiosk"), "recognition.votes")


def test_settings_are_listed_with_their_meaning(tmp_path: Path, run: Run) -> None:
    (tmp_path / "config.toml").write_text("[recognition]\nvotes = 3\n")
    listed = run(tmp_path, "config", "list").stdout
    assert "recognition.votes" in listed
    assert "must name the same person" in " ".join(listed.split())
    assert "sound" in run(tmp_path, "config", "check").stdout


@pytest.mark.parametrize(("said", "names"), [("", "uplink.enabled"), ("[uplink]\nenabled = true\n", "uplink.host")])
def test_an_uplink_without_a_broker_says_so_and_waits_for_somebody_to_join(tmp_path: Path, said: str, names: str) -> None:
    (tmp_path / "config.toml").write_text(said)
    command = (sys.executable, "-m", "device.commands.main", "--state", str(tmp_path), "run", "uplink")
    with subprocess.Popen(command, cwd=parts.REPO, stderr=subprocess.PIPE, text=True) as waits:
        assert waits.stderr is not None
        assert names in waits.stderr.readline()
        assert waits.poll() is None
        waits.terminate()
    assert waits.returncode == 0


def test_missing_weights_are_a_sentence_with_the_command_that_mends_it(known: Path, run: Run) -> None:
    (known / "config.toml").write_text(f'[models]\ndirectory = "{known / "nothing"}"\n')
    picture = known / "x.jpg"
    picture.write_text("words")
    refused(run(known, "enrol", "1", picture), "daka models fetch")
    refused(process(known, "run", "kiosk"), "daka models fetch")


def test_a_key_that_others_can_read_is_a_sentence(known: Path, run: Run) -> None:
    (known / "keys" / "journal.key").chmod(0o644)
    refused(run(known, "verify"), "chmod 600")


def test_another_device_id_is_a_sentence(known: Path, run: Run) -> None:
    (known / "config.toml").write_text('[device]\nid = "kiosk-2"\n')
    refused(run(known, "verify"), "belongs to device kiosk-1")


def test_a_changed_record_is_named_and_nothing_is_moved(known: Path, run: Run) -> None:
    edit(known / "journal.db", "UPDATE record SET text = replace(text, 'en', 'EN') WHERE seq = 4")
    before = {path.name for path in known.iterdir()}
    refused(run(known, "verify"), "record 4: ")
    after = {path.name for path in known.iterdir()}
    assert "journal.db" in after
    assert after <= before, "no other name: SQLite's own files beside it may go"


def test_a_folder_that_another_process_has_without_answering_is_a_sentence(known: Path, run: Run) -> None:
    with state.locked(state.Folder(known)):
        refused(run(known, "people", "list"), "does not answer", "daka run")
        refused(process(known, "run", "kiosk"), "another process has")


def test_a_camera_that_cannot_be_is_a_sentence(known: Path) -> None:
    (known / "config.toml").write_text('[camera]\nsource = "telescope:1"\n')
    refused(process(known, "run", "kiosk"), "telescope:1")


def test_a_state_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path, run: Run) -> None:
    (tmp_path / "file").write_text("")
    refused(run(tmp_path / "file" / "state", "people", "list"), "cannot be used (Not a directory)", "--state")


def test_a_lost_wrapping_key_is_a_sentence(known: Path, run: Run) -> None:
    assert len(keys.wrapping_key(known / "keys")) == 32
    (known / "keys" / "wrapping.key").write_bytes(b"short")
    refused(run(known, "people", "list"), "5 bytes instead of 32")


WITHOUT = """
import sys

class Nowhere:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {lacking!r}:
            raise ModuleNotFoundError(name, name=name)

sys.meta_path.insert(0, Nowhere())
from {module} import {function}
{function}()
"""


@pytest.mark.parametrize(
    ("module", "function", "says"),
    [
        ("device.started", "daka", "daka: the kiosk's part of Daka is not installed here (platformdirs is missing)"),
        ("device.commands.display", "main", "daka-display: a kiosk's daka-display.service starts this"),
        ("firmware_bridge.started", "lock", "daka-lock: the reference lock is not installed here (bumble is missing)"),
    ],
)
def test_on_a_machine_with_another_part_alone_a_command_is_one_sentence(module: str, function: str, says: str) -> None:
    program = WITHOUT.format(lacking=["platformdirs", "bumble", "numpy", "cv2"], module=module, function=function)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, env={})
    assert done.returncode == 1
    assert done.stderr.startswith(says)
    assert len(done.stderr.splitlines()) == 1
