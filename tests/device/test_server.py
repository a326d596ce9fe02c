"""The kiosk daemon's sockets as their callers see them: who may ask what, and what a refusal looks like."""

from __future__ import annotations

import http.client
import json
import socket
import stat
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from device import admin, api, camera, claims, config, desk, journal, line, messages, people, post, server, sight
from device.api import AdminClient, KioskAway, KioskRefused, UplinkClient
from tests.device import parts


@dataclass(frozen=True)
class Running:
    """Both sockets of one kiosk, served by the real server."""

    admin: Path
    uplink: Path
    admin_routes: tuple[server.Route, ...]
    uplink_routes: tuple[server.Route, ...]
    journal: journal.Journal
    board: line.Board


def serve(path: Path, name: str, routes: tuple[server.Route, ...]) -> Callable[[], None]:
    serving = server.serve(server.application(name, routes), server.listen(path), 4)
    thread = threading.Thread(target=serving.run, daemon=True)
    thread.start()

    def stop() -> None:
        serving.close()
        thread.join(5)
        assert not thread.is_alive()

    return stop


@pytest.fixture
def running(short_folder: Path, eyes: sight.Sight) -> Iterator[Running]:
    opened, board = parts.open_journal(short_folder), line.Board()
    directory = people.Directory(short_folder / "people.db", bytes(32))
    office = desk.Desk(opened, directory, parts.Clock(), lambda: eyes)
    source = camera.open_source("device:/dev/video99", parts.Clock())
    settings = config.parse({"uplink": {"server_key": messages.public_key_text(parts.Server().key)}})
    counter_of_claims = claims.Claims(directory, office.keeper(), eyes.models.embedder, parts.Clock(), 15.0, lambda claimed: None)
    counter = post.Post(opened, settings, parts.Clock(), short_folder)
    found = Running(
        short_folder / "run" / "a.sock",
        short_folder / "run" / "u.sock",
        admin.admin_routes(office, board, source, counter_of_claims),
        post.uplink_routes(counter),
        opened,
        board,
    )
    stops = [serve(found.admin, "admin", found.admin_routes), serve(found.uplink, "uplink", found.uplink_routes)]
    yield found
    for stop in stops:
        stop()
    source.close()
    directory.close()
    opened.close()


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("kiosk", timeout=10)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10)
        self.sock.connect(str(self._path))


def ask(path: Path, method: str, target: str, *, host: str = api.HOST, body: bytes = b"", **headers: str) -> tuple[int, Any, Any]:
    """Status, parsed JSON body (or None) and headers; a bare HTTP client that any program could be."""
    connection = UnixConnection(path)
    try:
        connection.request(method, target, body=body or None, headers={"Host": host, **headers})
        answer = connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if text else None, answer.headers
    finally:
        connection.close()


def refused(path: Path, method: str, target: str, **rest: Any) -> int:
    """The status of a refusal, which must carry kind and sentence."""
    status, body, _ = ask(path, method, target, **rest)
    assert status >= 400
    assert set(body) == {"kind", "error"}
    assert body["kind"]
    assert body["error"].strip()
    return status


@pytest.mark.parametrize("host", ["localhost", "kiosk:80", "kiosk.example", "127.0.0.1", "KIOSK.", ""])
def test_another_host_is_refused(running: Running, host: str) -> None:
    assert ask(running.admin, "GET", "/v1/status")[0] == 200
    assert refused(running.admin, "GET", "/v1/status", host=host) in (400, 403)
    assert refused(running.uplink, "GET", "/v1/hello", host=host) in (400, 403)


@pytest.mark.parametrize("origin", ["http://kiosk", "null", "https://example.org"])
def test_a_request_that_a_web_page_made_is_refused(running: Running, origin: str) -> None:
    assert refused(running.admin, "GET", "/v1/status", Origin=origin) == 403
    assert refused(running.admin, "POST", "/v1/people", Origin=origin, body=b"{}") == 403


def test_an_unknown_route_or_method_does_not_exist(running: Running) -> None:
    assert refused(running.admin, "GET", "/") == 404
    assert refused(running.admin, "GET", "/v1/frames") == 404
    assert refused(running.admin, "GET", "/v1/status/") == 404
    assert refused(running.admin, "DELETE", "/v1/people") == 405
    assert refused(running.admin, "GET", "/static/x") == 404


def test_neither_socket_answers_what_belongs_to_the_other(running: Running) -> None:
    assert len(running.admin_routes) >= 9
    for route in running.admin_routes:
        assert refused(running.uplink, route.method, route.path, body=b"{}") == 404
    for route in running.uplink_routes:
        assert refused(running.admin, route.method, route.path, body=b"{}") == 404


def test_a_body_beyond_the_limit_is_refused_and_the_server_lives(running: Running) -> None:
    with pytest.raises(KioskRefused), AdminClient(running.admin) as client:
        client.enrol("1", bytes(server.MOST_BODY_BYTES + 1), "hr")
    assert ask(running.admin, "GET", "/v1/status")[0] == 200


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b"null", b"{", b'{"number":"1"}', b'{"number":1,"name":"a","language":"en","by":"hr"}', b"\xff"]
)
def test_missing_or_misformed_fields_are_refused(running: Running, body: bytes) -> None:
    assert refused(running.admin, "POST", "/v1/people", body=body, **{"Content-Type": "application/json"}) == 400
    assert ask(running.admin, "GET", "/v1/people")[1] == []


@pytest.mark.parametrize(
    "query", ["after=x", "after=-1", "after=nan", "after=inf", "after=1e99", "wait_s=31", "wait_s=-1", "wait_s="]
)
def test_numbers_out_of_range_are_refused(running: Running, query: str) -> None:
    assert refused(running.admin, "GET", f"/v1/decisions?{query}") == 400


def test_a_refusal_reaches_the_client_with_its_kind_and_its_sentence(running: Running) -> None:
    with AdminClient(running.admin) as client:
        with pytest.raises(KioskRefused, match="4711") as unknown:
            client.give_consent("4711", "en", "consent", "hr")
        assert unknown.value.kind == "PersonUnknown"
        client.add_person("1", "Ada", "en", "hr")
        with pytest.raises(KioskRefused, match="taken") as taken:
            client.add_person("1", "Bob", "en", "hr")
        assert taken.value.kind == "NumberTaken"
        with pytest.raises(KioskRefused, match="daka people consent") as missing:
            client.enrol("1", b"", "hr")
        assert missing.value.kind == "ConsentMissing"
        client.give_consent("1", "en", "consent", "hr")
        with pytest.raises(KioskRefused, match="neither a JPEG nor a PNG") as picture:
            client.enrol("1", b"", "hr")
        assert picture.value.kind == "EnrolmentRefused"
    with UplinkClient(running.uplink) as uplink:
        with pytest.raises(KioskRefused) as ack:
            uplink.acknowledge(b"{}")
        assert ack.value.kind == "AcknowledgementRefused"


def test_the_office_works_over_the_socket(running: Running, photograph: Callable[[str], bytes]) -> None:
    with AdminClient(running.admin) as client:
        person = client.add_person("1", "王小明", "zh-CN", "hr")
        assert client.people() == (person,)
        assert client.give_consent("1", "zh-CN", "consent", "hr").has_consent
        assert client.enrol("1", photograph("obama"), "hr").templates == 1
        assert client.withdraw_consent("1", "hr").templates == 0
        running.journal.append(parts.punch(), parts.moment())
        (punch,) = client.punches(0)
        assert punch["body"]["person"] == parts.ADA
        status, verified = client.status(), client.verify()
        assert (status.last, status.head) == (verified.seq, verified.hash)
        assert (status.simulated, status.people, status.templates) == (False, 1, 0)
        assert status.camera_state in ("opening", "away")


def test_decisions_are_waited_for(running: Running) -> None:
    decision = api.Decision(1, "now", "refused", "stranger", "", "", "", 0, 0, 0, "")
    threading.Timer(0.2, running.board.put, (decision,)).start()
    with AdminClient(running.admin) as client:
        assert client.decisions(0) == ()
        assert client.decisions(0, 10.0) == (decision,)
        assert client.decisions(1) == ()


def test_answers_are_never_kept_by_anybody(running: Running) -> None:
    for path, target in ((running.admin, "/v1/status"), (running.admin, "/v1/people"), (running.uplink, "/v1/hello")):
        assert ask(path, "GET", target)[2]["Cache-Control"] == "no-store"


def test_sockets_are_for_their_group_and_nobody_else(running: Running) -> None:
    for path in (running.admin, running.uplink):
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
    assert stat.S_IMODE(running.admin.parent.stat().st_mode) & 0o007 == 0


def test_the_daemons_own_sockets_are_unix_sockets(running: Running) -> None:
    for path in (running.admin, running.uplink):
        assert stat.S_ISSOCK(path.stat().st_mode)


def test_a_socket_left_by_a_killed_daemon_is_replaced(short_folder: Path) -> None:
    path = short_folder / "run" / "x.sock"
    first = server.listen(path)
    first.close()
    assert path.exists()
    second = server.listen(path)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
    second.close()


def test_a_file_in_the_sockets_place_is_a_sentence_and_is_left_alone(short_folder: Path) -> None:
    path = short_folder / "x.sock"
    path.write_text("somebody's")
    with pytest.raises(server.ListenError, match=r"x\.sock"):
        server.listen(path)
    assert path.read_text() == "somebody's"


def test_a_path_that_is_too_long_for_a_socket_is_a_sentence(short_folder: Path) -> None:
    with pytest.raises(server.ListenError, match="107 bytes"):
        server.listen(short_folder / ("d" * 100) / "x.sock")


def test_a_kiosk_that_is_not_there_is_a_sentence(short_folder: Path) -> None:
    with AdminClient(short_folder / "nobody.sock") as client, pytest.raises(KioskAway, match="start it with `daka run`"):
        client.status()


def test_a_server_that_is_no_kiosk_is_not_misread(short_folder: Path) -> None:
    path = short_folder / "x.sock"

    def boom() -> None:
        raise RuntimeError("not foreseen")

    stop = serve(path, "test", (server.Route("GET", "/v1/status", boom),))
    with AdminClient(path) as client, pytest.raises(KioskRefused) as error:
        client.status()
    assert "not foreseen" not in str(error.value)
    stop()


def test_no_answer_holds_a_template_or_a_key(running: Running, photograph: Callable[[str], bytes]) -> None:
    with AdminClient(running.admin) as client:
        client.add_person("1", "Ada", "en", "hr")
        client.give_consent("1", "en", "consent", "hr")
        client.enrol("1", photograph("obama"), "hr")
    for target in ("/v1/status", "/v1/people", "/v1/punches?after=0", "/v1/decisions?after=0", "/v1/verify"):
        status, body, _ = ask(running.admin, "GET", target)
        assert status == 200
        text = json.dumps(body)
        assert "sealed" not in text
        assert "wrapped" not in text
        assert len(text) < 2_000


def test_an_uplink_from_another_epoch_is_told_so_even_when_there_is_nothing_to_send(running: Running) -> None:
    status, body, _ = ask(running.uplink, "GET", f"/v1/records?epoch={'f' * 32}&after=1000&wait_s=0")
    assert status == 409
    assert "say hello again" in body["error"]
