"""The command line: what it prints, what it refuses, and how it ends."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from cryptography import x509
from rich.console import Console

import device
from device import messages
from enterprise import authority, files, key_sets, keys, mosquitto, show
from enterprise.commands import main as commands
from enterprise.errors import EnterpriseError
from tests.enterprise.conftest import open_office
from tests.enterprise.kiosk import PERSON, START, Kiosk


def call(*words: object) -> Result:
    return CliRunner().invoke(commands.daka_enterprise, [str(word) for word in words])


@pytest.fixture
def database(tmp_path: Path) -> str:
    """Ten good records of kiosk-1, then one that is parked."""
    address = f"sqlite:///{tmp_path}/records.db"
    office = open_office(address)
    kiosk = office.trust(Kiosk())
    kiosk.punch(9)
    kiosk.write_raw(kind="seance")
    office.ingester.take(kiosk.name, kiosk.batch(1, 11))
    office.store.close()
    return address


def test_a_key_is_made_once_for_its_owner_alone_and_never_replaced(tmp_path: Path) -> None:
    made = call("keys", "init", "--dir", tmp_path)
    assert made.output.startswith("ed25519:")
    path = keys.place(tmp_path)
    assert path.stat().st_mode & 0o777 == 0o600
    before = path.read_bytes()
    assert isinstance(call("keys", "init", "--dir", tmp_path).exception, files.FileExists)
    assert path.read_bytes() == before
    assert call("keys", "show", "--dir", tmp_path).output == made.output
    assert sorted(found.name for found in tmp_path.iterdir()) == ["acknowledgement.key"]


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda path: path.chmod(0o644), "can be read by others"),
        (lambda path: path.write_bytes(b"short"), "5 bytes instead of 32"),
        (lambda path: path.unlink(), "make it once with: daka-enterprise keys init"),
    ],
)
def test_a_key_file_that_will_not_do_is_refused_with_the_reason(
    tmp_path: Path, spoil: Callable[[Path], object], sentence: str
) -> None:
    call("keys", "init", "--dir", tmp_path)
    spoil(keys.place(tmp_path))
    assert sentence in str(call("keys", "show", "--dir", tmp_path).exception)


def test_another_key_for_a_trusted_device_needs_a_word_and_leaves_a_trace(database: str) -> None:
    other = Kiosk().public_key
    refused = call("trust", "kiosk-1", other, "--database", database)
    assert "is trusted with another key" in str(refused.exception)
    assert "key_replaced" not in call("show", "alarms", "--database", database).output
    assert call("trust", "kiosk-1", other, "--replace", "--database", database).exit_code == 0
    office = open_office(database)
    assert office.rows("SELECT key FROM device") == [(other,)]
    assert "key_replaced" in office.alarms()
    office.store.close()


def test_the_same_key_twice_is_no_change(database: str) -> None:
    key = Kiosk().public_key
    for _ in range(2):
        assert call("trust", "kiosk-2", key, "--database", database).exit_code == 0


@pytest.mark.parametrize("name", ["server", "ingest", "ingest-2", "Kiosk 1", "a/b", "+", "#", ""])
def test_a_name_that_would_bring_anothers_rights_is_no_kiosks_name(tmp_path: Path, name: str) -> None:
    assert "cannot be a kiosk's name" in str(call("trust", name, Kiosk().public_key).exception)
    authority.create(tmp_path, START)
    with pytest.raises(authority.AuthorityError):
        authority.issue_device(tmp_path, name, START)


def test_a_damaged_public_key_is_refused(database: str) -> None:
    assert "copy it again" in str(call("trust", "kiosk-2", "ed25519:AAAA", "--database", database).exception)


def test_verify_prints_the_head_and_ends_with_one_if_a_byte_was_changed(database: str) -> None:
    good = call("verify", "--database", database)
    assert (good.exit_code, "upto 11" in good.output, "every chain holds" in good.output) == (0, True, True)
    office = open_office(database)
    office.tamper("UPDATE record SET body = replace(body, 'Building 4', 'Building 5') WHERE seq = 7")
    office.store.close()
    bad = call("verify", "kiosk-1", "--database", database)
    assert bad.exit_code == 1
    assert "bad_record: record 7: its content does not match its hash" in bad.output


def test_what_is_stored_can_be_looked_at(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "250")
    assert "kiosk-1" in call("show", "devices", "--database", database).output
    assert call("show", "punches", "--database", database).output.count("not_assessed") == 9
    assert "breaks the rule" in call("show", "parked", "--database", database).output
    assert "parked" in call("show", "alarms", "--database", database).output


def test_alarms_are_settled_by_name_and_the_exact_text_of_a_parked_record_can_be_read(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "250")
    assert '"kind":"seance"' in call("show", "record", "kiosk-1", 11, "--database", database).output
    assert "no record 12 here" in str(call("show", "record", "kiosk-1", 12, "--database", database).exception)
    settled = call("settle", "kiosk-1", "parked", "--by", "hr", "--note", "a new kind", "--database", database)
    assert settled.output == "1 settled\n"
    assert "parked" not in call("show", "alarms", "--database", database).output.replace("alarms", "")
    assert "a new kind" in call("show", "alarms", "--all", "--database", database).output
    for page in ("states", "times", "gaps"):
        assert call("show", page, "--database", database).exit_code == 0


def test_a_mistyped_database_is_not_made_anew(tmp_path: Path) -> None:
    for words in (["verify"], ["show", "punches"]):
        refused = call(*words, "--database", f"sqlite:///{tmp_path}/typo.db")
        assert "there is no database" in str(refused.exception)
    assert list(tmp_path.iterdir()) == []


def test_only_databases_that_were_tried_are_taken() -> None:
    for address in ("mysql://x/y", "postgresql://x/y", "nonsense"):
        assert isinstance(call("trust", "kiosk-1", Kiosk().public_key, "--database", address).exception, EnterpriseError)


def test_an_error_is_one_sentence_and_an_exit_code() -> None:
    words = [sys.executable, "-m", "enterprise.commands.main", "verify", "--database", "sqlite:////nowhere/at/all.db"]
    ended = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("daka-enterprise: there is no database")
    assert len(ended.stderr.splitlines()) == 1


def test_every_command_and_option_says_what_it_does() -> None:
    def walk(command: click.Command) -> None:
        assert command.help, command.name
        for parameter in command.params:
            assert isinstance(parameter, click.Argument) or getattr(parameter, "help", None), (command.name, parameter.name)
        for inner in getattr(command, "commands", {}).values():
            walk(inner)

    walk(commands.daka_enterprise)


def test_certificates_serve_one_end_only_and_are_never_replaced(tmp_path: Path) -> None:
    for words in (["init"], ["server", "broker.example", "192.0.2.7"], ["device", "kiosk-1"], ["ingester"]):
        assert call("authority", *words, "--dir", tmp_path).exit_code == 0
    root = x509.load_pem_x509_certificate((tmp_path / "root.pem").read_bytes())
    uses = {}
    for name in ("broker", "kiosk-1", "ingest"):
        issued = authority.place(tmp_path, name)
        certificate = x509.load_pem_x509_certificate(issued.certificate.read_bytes())
        certificate.verify_directly_issued_by(root)
        uses[name] = [use._name for use in certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value]
        assert issued.key.stat().st_mode & 0o777 == 0o600
        assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert uses == {"broker": ["serverAuth"], "kiosk-1": ["clientAuth"], "ingest": ["clientAuth"]}
    for words in (["init"], ["server", "other.example"], ["device", "kiosk-1"]):
        assert isinstance(call("authority", *words, "--dir", tmp_path).exception, files.FileExists)


@pytest.mark.parametrize(("words", "name"), [(["init"], "root"), (["device", "kiosk-1"], "kiosk-1")])
def test_a_certificate_whose_key_was_moved_away_gets_no_other_key_beside_it(tmp_path: Path, words: list[str], name: str) -> None:
    for every in (["init"], ["device", "kiosk-1"]):
        call("authority", *every, "--dir", tmp_path)
    kept = authority.place(tmp_path, name)
    kept.key.rename(tmp_path / "away")
    assert isinstance(call("authority", *words, "--dir", tmp_path).exception, files.FileExists)
    assert not kept.key.exists()


def test_a_root_with_another_key_beside_it_issues_nothing(tmp_path: Path) -> None:
    kept = authority.create(tmp_path, START)
    kept.key.rename(tmp_path / "away")
    other = authority.create(tmp_path / "other", START)
    other.key.rename(kept.key)
    assert "is not the key of" in str(call("authority", "device", "kiosk-2", "--dir", tmp_path).exception)
    kept.key.unlink()
    (tmp_path / "away").rename(kept.key)
    assert call("authority", "device", "kiosk-2", "--dir", tmp_path).exit_code == 0


def test_a_role_whose_key_lies_elsewhere_keeps_it_until_it_is_ended(tmp_path: Path) -> None:
    folder, root = tmp_path / "keys", tmp_path / "root"
    call("keys", "init", "root", "--dir", root)
    policy, grant = (call("keys", "init", role, "--dir", folder).output.strip() for role in ("policy", "grant"))

    def signed(*more: str) -> dict[str, list[str]]:
        made = call("keys", "sign", "--dir", folder, "--root", root, *more)
        assert made.exit_code == 0, made.exception
        found = key_sets.read(folder)
        assert found is not None
        assert f"grant: {' '.join(found['grant']) or 'none'}\n" in made.output
        return found

    assert (signed()["policy"], signed()["grant"]) == ([policy], [grant])
    keys.place(folder, "grant").rename(tmp_path / "grant.key")
    assert (signed()["policy"], signed()["grant"]) == ([policy], [grant])
    other = Kiosk().public_key
    assert signed("--also", f"grant={other}")["grant"] == [grant, other]
    assert signed("--without", "grant")["grant"] == []
    contradicts = call("keys", "sign", "--dir", folder, "--root", root, "--without", "grant", "--also", f"grant={other}")
    assert "none of --without" in str(contradicts.exception)


CANNOT = [
    (["show", "days", "--csv", "{0}/none/x.csv", "--database", "{1}"], "{0}/none/x.csv: No such file or directory"),
    (["show", "days", "--zone", "Asia", "--database", "{1}"], "'Asia' is no time zone"),
    (["show", "days", "--from", "2026-11-02", "--to", "2026-11-01", "--database", "{1}"], "2026-11-02 is after 2026-11-01"),
    (["keys", "init", "--dir", "{0}/file/x"], "{0}/file/x: Not a directory"),
    (["authority", "init", "--dir", "{0}/file/x"], "{0}/file/x: Not a directory"),
    (["authority", "mosquitto", "--dir", "{0}/pki", "--out", "{0}/file/x"], "{0}/file/x: Not a directory"),
    (["join", "invite", "--qr", "x.jpg", "--dir", "{0}/pki", "--keys", "{0}/keys", "--database", "{1}"], "one of .svg, .png"),
    (
        ["join", "serve", "--listen", "192.0.2.1:1", "--dir", "{0}/pki", "--keys", "{0}/keys", "--database", "{1}"],
        "nothing can listen at 192.0.2.1 port 1",
    ),
]


@pytest.mark.parametrize(("words", "sentence"), CANNOT, ids=[" ".join(words[:2]) + str(i) for i, (words, _) in enumerate(CANNOT)])
def test_what_this_machine_cannot_do_is_one_sentence(
    database: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    sentence: str,
) -> None:
    (tmp_path / "file").touch()
    call("authority", "init", "--dir", tmp_path / "pki")
    call("authority", "server", "localhost", "--dir", tmp_path / "pki")
    call("keys", "init", "root", "--dir", tmp_path / "root")
    call("keys", "sign", "--dir", tmp_path / "keys", "--root", tmp_path / "root")
    monkeypatch.setattr(sys, "argv", ["daka-enterprise", *(word.format(tmp_path, database) for word in words)])
    with pytest.raises(SystemExit) as ended:
        commands.main()
    said = capsys.readouterr().err
    assert (ended.value.code, sentence.format(tmp_path) in said) == (1, True), said


def test_the_first_and_the_last_day_there_is_can_be_asked_for(database: str) -> None:
    for words in (["--from", "0001-01-01"], ["--to", "9999-12-31"], ["--to", "0001-01-01"]):
        assert call("show", "days", *words, "--database", database).exit_code == 0


def test_a_table_that_goes_into_a_file_has_a_row_in_a_line(database: str) -> None:
    (line,) = [
        line for line in call("show", "punches", "--most", 1, "--database", database).output.splitlines() if "kiosk-1" in line
    ]
    assert PERSON in line


def test_mosquittos_configuration_needs_an_authority_first(tmp_path: Path) -> None:
    refused = call("authority", "mosquitto", "--dir", tmp_path, "--out", tmp_path / "out")
    assert "authority init" in str(refused.exception)
    call("authority", "init", "--dir", tmp_path)
    call("authority", "server", "localhost", "--dir", tmp_path)
    written = call("authority", "mosquitto", "--dir", tmp_path, "--out", tmp_path / "out")
    assert written.output.strip() == str(tmp_path / "out" / mosquitto.CONFIG_NAME)


def test_the_published_name_of_a_public_key_is_what_the_kiosk_pins(tmp_path: Path) -> None:
    printed = call("keys", "init", "--dir", tmp_path).output.strip()
    assert messages.public_key_text(messages.public_key_from_text(printed)) == printed


def test_every_worker_with_a_certificate_in_the_folder_gets_its_rights_and_a_foreign_file_there_is_left_alone(
    tmp_path: Path,
) -> None:
    for words in (["init"], ["server", "localhost"], ["device", "kiosk-1"], ["ingester"]):
        assert call("authority", *words, "--dir", tmp_path).exit_code == 0
    said = call("authority", "ingester", "ingest-2", "--dir", tmp_path).output
    assert f"daka-enterprise authority mosquitto --dir {tmp_path}" in said
    (tmp_path / "chain.pem").write_text("no certificate")
    shown = call("authority", "show", "--dir", tmp_path)
    assert (shown.exit_code, "ingest-2" in shown.output, "chain" in shown.output) == (0, True, False)
    call("authority", "mosquitto", "--dir", tmp_path, "--out", tmp_path / "out", "--ingester", "ingest-9")
    rights = (tmp_path / "out" / "access.list").read_text().splitlines()
    assert [line for line in rights if line.startswith("user")] == ["user ingest", "user ingest-2", "user ingest-9"]


BEYOND = 10**20


@pytest.mark.parametrize(
    "words",
    [
        ("show", "record", "kiosk-1", BEYOND),
        ("show", "alarms", "--most", BEYOND),
        ("show", "corrections", "--most", BEYOND),
        ("settle", "kiosk-1", "fork", "--seq", BEYOND, "--by", "hr", "--note", "looked"),
    ],
)
def test_a_number_that_no_database_holds_is_refused_in_a_sentence(database: str, words: tuple[object, ...]) -> None:
    refused = call(*words, "--database", database)
    assert (refused.exit_code, "is not in the range" in refused.output) == (2, True)


def test_which_version_it_is_can_be_asked() -> None:
    assert call("--version").output.strip() == f"daka-enterprise, version {device.__version__}"


@pytest.mark.parametrize("url", ["localhost:9443", "http://join.example:8443", "https://", "https://join.example:8443/?x=1"])
def test_an_address_that_no_kiosk_takes_is_refused_before_there_is_an_invitation(tmp_path: Path, url: str) -> None:
    words = ("--dir", tmp_path, "--url", url, "--keys", tmp_path, "--database", f"sqlite:///{tmp_path}/records.db")
    for command in (("invite", "kiosk-1"), ("confirm", "ABCD", "--broker", "mqtt.example:8883")):
        assert "write https://HOST:PORT" in str(call("join", *command, *words).exception)
    assert not (tmp_path / "records.db").exists()


def test_what_a_kiosk_says_tells_the_terminal_nothing() -> None:
    out = io.StringIO()
    row = ("\x1b]0;owned\x07\x1b[2J", "\u202e\x9b2J", "王\u3000芳\ntwo lines")
    Console(file=out, width=200).print(show.drawn("states", ("a", "b", "c"), [row]))
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(out.getvalue())
    assert "\\x1b]0;owned" in out.getvalue()
    assert "王\u3000芳" in out.getvalue()
