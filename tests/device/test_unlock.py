"""What opens the templates at a start: the card alone, a TPM, or a share of the server; and what each leaves shut."""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from device import (
    api,
    camera,
    checks,
    clock,
    config,
    credential,
    keys,
    line,
    messages,
    people,
    server,
    state,
    templates,
    unlock,
    unlocker,
)
from device.commands import main as commands
from device.messages import unlock as words
from device.page import scene
from device.recognise import Seen, Waiting
from enterprise import authority, join_service, joining, unlocking
from enterprise import store as stores
from tests.broker import free_port, missing
from tests.device import parts
from tests.device.test_erasure import full
from tests.device.test_people import EMBEDDER

CARD = bytes(range(32))  # the device key, which lies on the card
NUMBER, PIN = "77001234", "482913"
SIGNS = Ed25519PrivateKey.generate()  # the server's acknowledgement key


@dataclass
class Kiosk:
    """The people of one kiosk and its keys; `start` is what its daemon does."""

    folder: Path
    journal: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    directory: people.Directory | None = None

    def start(self, by_server: bool = True) -> unlock.Unlocking:
        if self.directory is not None:
            self.directory.close()
        self.directory = people.Directory(self.folder / "people.db", CARD)
        self.directory.check_device_key()
        self.directory.lock_if_sealed()
        return unlock.Unlocking(by_server, parts.DEVICE, self.directory, self.journal, CARD, lambda: (SIGNS.public_key(),))

    @property
    def people(self) -> people.Directory:
        assert self.directory is not None
        return self.directory

    def faces(self) -> int:
        return len(self.people.templates(EMBEDDER).whole)


@dataclass
class Server:
    """The enterprise's join service, its authority, and the kiosk's certificate from it."""

    folder: Path
    url: str
    store: stores.Store

    @property
    def ca(self) -> Path:
        return self.folder / "pki" / "root.pem"

    @property
    def identity(self) -> Path:
        return self.folder / "identity.pem"

    def trust(self, kiosk: Kiosk) -> None:
        with self.store.transaction() as transaction:
            transaction.trust(parts.DEVICE, messages.public_key_text(kiosk.journal), datetime.now(UTC))

    def say(self, statement: str) -> list[tuple[object, ...]]:
        with self.store.transaction() as transaction:
            found = transaction.connection.exec_driver_sql(statement)
            return [tuple(row) for row in found] if found.returns_rows else []

    def unlock(self, waiting: unlock.Unlocking) -> None:
        asked = waiting.request()
        assert asked is not None
        waiting.take(unlocker.fetch(self.url, self.ca, self.identity, asked))


@pytest.fixture
def kiosk(tmp_path: Path) -> Iterator[Kiosk]:
    made = Kiosk(tmp_path)
    made.start()
    full(made.people, parts.ADA, NUMBER, "Ada")
    yield made
    made.people.close()


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder, port = tmp_path_factory.mktemp("server"), free_port()
    now = datetime.now(UTC)
    authority.create(folder / "pki", now)
    own = authority.issue_server(folder / "pki", ("127.0.0.1",), now)
    device = authority.issue_device(folder / "pki", parts.DEVICE, now)
    (folder / "identity.pem").write_bytes(device.certificate.read_bytes() + device.key.read_bytes())
    store = stores.connect(f"sqlite:///{folder}/e.db", create=True)
    service = join_service.Service(store, folder / "pki", "", lambda: datetime.now(UTC), signs=SIGNS)
    serving = join_service.server(join_service.application(service), "127.0.0.1", port, own.certificate, own.key)
    serving.prepare()
    threading.Thread(target=serving.serve, daemon=True).start()
    yield Server(folder, f"https://127.0.0.1:{port}", store)
    serving.stop()


@pytest.fixture
def house(ground: Server, kiosk: Kiosk) -> Server:
    for table in ("device", "unlock_share", "alarm"):
        ground.say(f"DELETE FROM {table}")
    ground.trust(kiosk)
    return ground


def test_from_the_second_start_on_no_template_opens_without_the_share_and_a_pin_counts_all_the_same(
    kiosk: Kiosk, house: Server
) -> None:
    first = kiosk.start()
    assert (first.is_locked, kiosk.faces()) == (False, 3)  # nothing was locked yet
    house.unlock(first)
    assert kiosk.faces() == 3
    second = kiosk.start()
    assert second.is_locked
    assert "has unlocked this kiosk" in second.why
    assert (kiosk.faces(), kiosk.people.templates(EMBEDDER).damaged) == (0, frozenset())
    assert kiosk.people.credentials.check_pin(NUMBER, PIN, parts.moment()).verdict is people.Verdict.RIGHT
    with pytest.raises(templates.TemplatesLocked):
        kiosk.people.add_template(parts.ADA, EMBEDDER, "photograph", np.eye(1, 128, dtype=np.float32)[0], parts.START)
    opened: list[bool] = []
    second.opened = lambda: opened.append(True)
    house.unlock(second)
    assert (kiosk.faces(), second.why, opened, second.request()) == (3, "", [True], None)


def test_the_whole_card_opens_no_persons_key(kiosk: Kiosk, house: Server) -> None:
    house.unlock(kiosk.start())
    with kiosk.people.database.reading() as connection:
        ((wrapped, person),) = connection.execute("SELECT wrapped, person FROM person_key").fetchall()
    assert not templates.unwraps(CARD, wrapped, person)
    ((share,),) = house.say("SELECT share FROM unlock_share")
    assert str(share).encode() not in b"".join(path.read_bytes() for path in kiosk.folder.glob("people.db*"))


def test_nothing_of_the_old_wrapping_stays_in_the_file(kiosk: Kiosk, house: Server) -> None:
    with kiosk.people.database.reading() as connection:
        ((before,),) = connection.execute("SELECT wrapped FROM person_key").fetchall()
    house.unlock(kiosk.start())
    assert bytes(before) not in b"".join(path.read_bytes() for path in kiosk.folder.glob("people.db*"))


def test_each_handing_out_is_an_alarm_and_a_distrusted_kiosk_stays_shut(kiosk: Kiosk, house: Server) -> None:
    house.unlock(kiosk.start())
    house.unlock(kiosk.start())
    assert house.say("SELECT kind, count FROM alarm") == [("share_handed_out", 2)]
    house.say("DELETE FROM device")
    stolen = kiosk.start()
    with pytest.raises(unlocker.ShareNotGiven, match="not trusted any more"):
        house.unlock(stolen)
    assert stolen.is_locked


def test_only_both_keys_of_the_same_kiosk_get_the_share(kiosk: Kiosk, house: Server, tmp_path: Path) -> None:
    other = authority.issue_device(house.folder / "pki", "kiosk-2", datetime.now(UTC))
    (tmp_path / "other.pem").write_bytes(other.certificate.read_bytes() + other.key.read_bytes())
    asked = kiosk.start().request()
    assert asked is not None
    with pytest.raises(unlocker.ShareNotGiven, match="not trusted any more"):
        unlocker.fetch(house.url, house.ca, tmp_path / "other.pem", asked)
    with house.store.transaction() as transaction:
        transaction.trust("kiosk-2", messages.public_key_text(kiosk.journal), datetime.now(UTC))
    with pytest.raises(unlocker.ShareNotGiven, match="another kiosk's"):
        unlocker.fetch(house.url, house.ca, tmp_path / "other.pem", asked)
    _, forged = words.write_request(parts.DEVICE, X25519PrivateKey.generate(), Ed25519PrivateKey.generate())
    with pytest.raises(unlocker.ShareNotGiven, match="does not prove this kiosk's key"):
        unlocker.fetch(house.url, house.ca, house.identity, forged)
    assert house.say("SELECT * FROM unlock_share") == []


def test_a_certificate_that_has_ended_or_another_hand_gets_no_share(kiosk: Kiosk, house: Server) -> None:
    pem = house.identity.read_bytes()
    key = serialization.load_pem_private_key(pem, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    certificate = x509.load_pem_x509_certificate(pem).public_bytes(serialization.Encoding.PEM).decode()
    asked = kiosk.start().request()
    assert asked is not None
    proof = key.sign(words.proof_bytes(asked), ec.ECDSA(hashes.SHA256()))
    late = datetime.now(UTC) + timedelta(days=36_500)
    with house.store.transaction() as transaction:
        with pytest.raises(joining.JoinError, match="has ended"):
            unlocking.hand_out(transaction, house.folder / "pki", SIGNS, unlocking.Proven(certificate, asked, proof), late)
        changed = unlocking.Proven(certificate, asked + b" ", proof)
        with pytest.raises(joining.JoinError, match="does not prove"):
            unlocking.hand_out(transaction, house.folder / "pki", SIGNS, changed, datetime.now(UTC))


def test_an_answer_to_another_start_opens_nothing(kiosk: Kiosk, house: Server) -> None:
    house.unlock(kiosk.start())
    earlier = kiosk.start().request()
    assert earlier is not None
    heard = unlocker.fetch(house.url, house.ca, house.identity, earlier)
    later = kiosk.start()
    with pytest.raises(unlock.ShareRefused, match="no share was asked for"):
        later.take(heard)
    later.request()
    for answer in (heard, b"rubbish", b"", b"[]", b'{"share":1,"sig":""}'):
        with pytest.raises(unlock.ShareRefused):
            later.take(answer)
    assert later.is_locked


def test_the_uplink_cannot_choose_the_share_that_locks_the_templates_nor_take_one_of_another_request(
    kiosk: Kiosk, house: Server
) -> None:
    first = kiosk.start()
    payload = first.request()
    assert payload is not None
    asked, _ = words.read_request(payload)
    chosen = bytes(range(32))
    mine = words.write_answer(chosen, asked, Ed25519PrivateKey.generate())
    genuine = json.loads(unlocker.fetch(house.url, house.ca, house.identity, payload))
    for answer in (mine, messages.canonical(json.loads(mine) | {"sig": genuine["sig"]})):
        with pytest.raises(unlock.ShareRefused, match="not signed by it"):
            first.take(answer)
    payload = first.request()
    with pytest.raises(unlock.ShareRefused, match="not signed by it"):
        first.take(messages.canonical(genuine))
    house.unlock(first)
    house.unlock(kiosk.start())
    assert kiosk.faces() == 3


def test_a_join_service_without_the_servers_key_hands_no_share_out(kiosk: Kiosk, house: Server) -> None:
    asked = kiosk.start().request()
    assert asked is not None
    keyless = join_service.Service(house.store, house.folder / "pki", "", lambda: datetime.now(UTC))
    body = {"certificate": "", "request": base64.b64encode(asked).decode(), "signature": ""}
    said = join_service.application(keyless).test_client().post("/v1/unlock", json=body)
    assert (said.status_code, "acknowledgement.key" in said.get_json()["error"]) == (403, True)
    assert house.say("SELECT * FROM unlock_share") == []


def test_a_server_that_lost_the_share_is_said_and_everything_else_goes_on(kiosk: Kiosk, house: Server) -> None:
    house.unlock(kiosk.start())
    house.say("DELETE FROM unlock_share")
    waiting = kiosk.start()
    with pytest.raises(unlock.ShareRefused, match="another one than they were locked with"):
        house.unlock(waiting)
    assert waiting.is_locked
    assert kiosk.people.credentials.check_pin(NUMBER, PIN, parts.moment()).verdict is people.Verdict.RIGHT


def test_switched_back_the_card_alone_opens_them_again(kiosk: Kiosk, house: Server) -> None:
    house.unlock(kiosk.start())
    back = kiosk.start(by_server=False)
    assert back.is_locked
    house.unlock(back)
    assert kiosk.faces() == 3
    again = kiosk.start(by_server=False)
    assert (again.is_locked, again.request(), kiosk.faces()) == (False, None, 3)


def test_the_uplink_brings_the_share_by_itself_and_says_why_it_cannot(
    kiosk: Kiosk, house: Server, short_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unlocker, "LOOK_S", 0.05)
    house.unlock(kiosk.start())
    waiting, path, stop = kiosk.start(), short_folder / "u.sock", threading.Event()
    counter = server.serve(server.application("uplink", unlock.uplink_routes(waiting)), server.listen(path), 2)
    threading.Thread(target=counter.run, daemon=True).start()
    house.say("DELETE FROM device")
    with api.UplinkClient(path) as client:
        given = (client, house.url, house.ca, house.identity, stop)
        carrying = threading.Thread(target=unlocker.keep, args=given, daemon=True)
        carrying.start()
        until(lambda: "not trusted any more" in waiting.why)
        house.trust(kiosk)
        until(lambda: not waiting.is_locked)
        stop.set()
        carrying.join(10)
    counter.close()
    assert kiosk.faces() == 3


def test_a_kiosk_whose_clock_was_never_set_or_goes_on_from_its_last_shutdown_is_unlocked_all_the_same(
    kiosk: Kiosk, house: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its dates cannot be judged by 1970; authority and name are. Here the server's certificate begins in ten days."""
    monkeypatch.setattr(clock, "kernel_clock_is_synced", lambda: True)
    asked, port = kiosk.start().request(), free_port()
    assert asked is not None
    pki = house.folder / "later"
    shutil.copytree(house.folder / "pki", pki, ignore=shutil.ignore_patterns("broker.*"))
    own = authority.issue_server(pki, ("127.0.0.1",), datetime.now(UTC) + timedelta(days=10))
    service = join_service.Service(house.store, house.folder / "pki", "", lambda: datetime.now(UTC), signs=SIGNS)
    serving = join_service.server(join_service.application(service), "127.0.0.1", port, own.certificate, own.key)
    serving.prepare()
    threading.Thread(target=serving.serve, daemon=True).start()
    given = (f"https://127.0.0.1:{port}", house.ca, house.identity, asked)
    try:
        with pytest.raises(unlocker.ShareNotGiven, match="does not answer"):
            unlocker.fetch(*given)
        assert unlocker.fetch(*given, now=datetime(1970, 1, 1, tzinfo=UTC))
        monkeypatch.setattr(clock, "kernel_clock_is_synced", lambda: False)
        assert unlocker.fetch(*given)
    finally:
        serving.stop()


def until(holds: object) -> None:
    assert callable(holds)
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


class Eager:
    """A recogniser that must not be asked."""

    def see(self, frame: camera.Frame) -> Seen:
        raise AssertionError("a face was looked for")


def test_while_it_is_locked_no_face_is_looked_for_and_the_page_says_so() -> None:
    board = line.Board()
    walk = line.Line(Eager(), None, None, board, None, parts.MODELS, "")  # type: ignore[arg-type]  # none of them is asked
    walk.locked = lambda: unlock.WAITS
    walk.run([camera.Frame(np.zeros((2, 2, 3), np.uint8), parts.moment())])
    assert (board.waiting, board.trouble) == (Waiting.NOBODY, "")
    streaming = camera.CameraStatus(camera.State.STREAMING, parts.moment(), "")
    health = scene.Health(streaming, False, parts.moment(), True, "", 0, None, locked=True)
    assert scene.conditions(health) == (scene.Condition.LOCKED,)


@dataclass
class Tpm:
    """A TPM that swtpm plays, at a port."""

    port: int
    process: subprocess.Popen[bytes]

    @property
    def name(self) -> str:
        return f"swtpm:host=127.0.0.1,port={self.port}"


def tpm(folder: Path) -> Tpm:
    if shutil.which("swtpm") is None:
        missing("swtpm", "swtpm libtss2-tcti-swtpm0 libtss2-esys-3.0.2-0 libtss2-rc0")
    folder.mkdir()
    port = two_free_ports()
    places = [f"type=tcp,bindaddr=127.0.0.1,port={number}" for number in (port, port + 1)]  # the library wants them side by side
    command = ("swtpm", "socket", "--tpm2", "--tpmstate", f"dir={folder}", "--flags", "not-need-init,startup-clear")
    made = Tpm(port, subprocess.Popen((*command, "--server", places[0], "--ctrl", places[1]), stdout=subprocess.DEVNULL))
    until(lambda: is_taken(port) and is_taken(port + 1))
    return made


def is_taken(port: int) -> bool:
    with socket.socket() as one:
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            return True
        return False


def two_free_ports() -> int:
    while True:
        port = free_port()
        if port < 65_535 and not is_taken(port + 1):
            return port


@pytest.mark.skipif(os.geteuid() != 0, reason="systemd's own secret is root's; run as root")
def test_a_key_that_a_tpm_has_sealed_opens_with_that_tpm_alone(tmp_path: Path) -> None:
    path, secret = tmp_path / keys.CREDENTIAL, os.urandom(32)
    sealing = ("systemd-creds", "encrypt", "--quiet", "--with-key=host", f"--name={keys.CREDENTIAL}", "-", str(path))
    subprocess.run(sealing, input=secret, check=True, capture_output=True)
    assert credential.kind_of(path) is credential.Kind.HOST
    own, other = tpm(tmp_path / "own"), tpm(tmp_path / "other")
    try:
        credential.seal_again(path, "tpm2", own.name)
        assert credential.kind_of(path) is credential.Kind.TPM
        before = path.read_bytes()
        opened = ("systemd-creds", "decrypt", f"--tpm2-device={own.name}", f"--name={keys.CREDENTIAL}", str(path), "-")
        assert subprocess.run(opened, capture_output=True, check=True).stdout == secret
        with pytest.raises(credential.CredentialError):
            credential.seal_again(path, "host", other.name)
        assert path.read_bytes() == before
        assert [one.name for one in tmp_path.glob("*.new")] == []
    finally:
        for one in (own, other):
            one.process.terminate()
            one.process.wait(10)


@pytest.mark.skipif(os.geteuid() != 0, reason="systemd's own secret is root's; run as root")
@pytest.mark.parametrize("by", ["tpm2", "host+tpm2"])
def test_a_firmware_that_measures_otherwise_opens_what_this_board_has_sealed(tmp_path: Path, by: str) -> None:
    path, secret = tmp_path / keys.CREDENTIAL, os.urandom(32)
    board = tpm(tmp_path / "board")
    try:
        path.write_bytes(credential.sealed(secret, by, board.name))
        assert credential.kind_of(path) in credential.TO_THE_BOARD
        measure_otherwise(board, pcr=7)
        assert credential.opened(path, board.name) == secret
    finally:
        board.process.terminate()
        board.process.wait(10)


def measure_otherwise(board: Tpm, pcr: int) -> None:
    """TPM2_PCR_Extend, as the firmware does for each certificate of its list."""
    authorised = struct.pack(">IIHBH", 9, 0x4000_0009, 0, 0, 0)  # by an empty password
    said = struct.pack(">I", pcr) + authorised + struct.pack(">IH", 1, 0x000B) + os.urandom(32)  # one digest, SHA-256
    with socket.create_connection(("127.0.0.1", board.port)) as line:
        line.sendall(struct.pack(">HII", 0x8002, 10 + len(said), 0x182) + said)
        answer = line.recv(1_024)
    assert struct.unpack(">I", answer[6:10]) == (0,)


def test_without_a_tpm_the_old_credential_stays_and_the_reason_is_said(tmp_path: Path) -> None:
    (tmp_path / "c").write_text("rubbish")
    with pytest.raises(credential.CredentialError, match="systemd-creds decrypt"):
        credential.seal_again(tmp_path / "c", "tpm2", "swtpm:host=127.0.0.1,port=1")
    assert (tmp_path / "c").read_text() == "rubbish"
    assert credential.kind_of(tmp_path / "nothing") is credential.Kind.NONE


def test_with_tpm_a_kiosk_whose_key_is_a_file_starts_and_says_so_and_makes_no_new_key(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(keys.KeyFileError, match="sudo daka unlock tpm"):
        keys.wrapping_key(tmp_path, must_be_sealed=True)
    assert list(tmp_path.iterdir()) == []
    secret = keys.wrapping_key(tmp_path)
    assert keys.wrapping_key(tmp_path, must_be_sealed=True) == secret
    assert "a file on this card" in caplog.text


def test_the_command_sets_it_says_it_and_names_what_is_missing(tmp_path: Path) -> None:
    def daka(*more: str) -> tuple[str, str]:
        done = CliRunner().invoke(commands.daka, ["--state", str(tmp_path), "unlock", *more])
        return done.output, str(done.exception)

    assert "joined no server" in daka("server")[1]
    (tmp_path / "config.toml").write_text('[uplink]\nrenew_url = "https://x:1"\n')
    assert "next start" in daka("server")[0]
    assert daka()[0].startswith("server; the device key is")


@pytest.mark.parametrize("kind", credential.TO_THE_BOARD)
def test_the_doctor_goes_by_what_has_sealed_the_key_and_wants_a_copy_of_what_hangs_on_a_board(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: credential.Kind
) -> None:
    folder, chosen = state.Folder(tmp_path), config.parse({"device": {"unlock": "file"}})
    monkeypatch.setattr(credential, "kind_of", lambda path: kind)
    found = checks.unlocked_by(chosen)
    assert (found.verdict, "opens on this board alone" in found.sentence) == (checks.Verdict.NOTE, True)
    (missed,) = checks.keys_copy(folder)
    assert (missed.verdict, "daka backup keys" in missed.remedy) == (checks.Verdict.NOTE, True)
    folder.keys_copied.touch()
    assert checks.keys_copy(folder) == ()
    monkeypatch.setattr(credential, "kind_of", lambda path: credential.Kind.UNKNOWN)
    found = checks.unlocked_by(chosen)
    assert "only root" in found.sentence
    assert "whoever has this card" not in found.sentence


@pytest.mark.parametrize(
    ("settings", "verdict", "says"),
    [
        ({"device": {"unlock": "file"}}, checks.Verdict.NOTE, "whoever has this card"),
        ({"device": {"unlock": "server"}}, checks.Verdict.BAD, "has joined none"),
        ({"device": {"unlock": "server"}, "uplink": {"renew_url": "https://x"}}, checks.Verdict.GOOD, "distrusted"),
    ],
)
def test_the_doctor_says_what_each_protects(settings: dict[str, object], verdict: checks.Verdict, says: str) -> None:
    found = checks.unlocked_by(config.parse(settings))
    assert (found.verdict, says in found.sentence) == (verdict, True)
