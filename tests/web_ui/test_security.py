"""What an attacker on the local network meets: each test is an attempt."""

from __future__ import annotations

import contextlib
import re
import socket
import sqlite3
import ssl
import stat
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import NoReturn

import flask
import pyotp
import pytest

from device import api
from device.backups import sealed
from tests.web_ui import crawling
from tests.web_ui.bridge import bridged
from tests.web_ui.crawling import Visits
from tests.web_ui.running import NAMES, PASSWORD, Browser, Office, alone, fresh_code, text_of, until
from web_ui import passwords, roles
from web_ui.app import CONTENT_SECURITY_POLICY, application
from web_ui.errors import RoleMissing
from web_ui.pages import PAGES
from web_ui.roles import NOBODY_YET, READERS, Role, needs

IMAGE_MAGIC = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"RIFF", b"BM")
SECRETS = (b"data:image", b"<img", b"BEGIN PRIVATE", b"$argon2", b"[0.")  # the last as a vector would begin


@pytest.fixture
def nobody(office: Office, browsers: dict[str, Browser]) -> Iterator[Browser]:
    """Somebody who has no account."""
    with office.browser() as found:
        yield found


def test_a_page_without_a_declared_role_keeps_the_application_from_starting() -> None:
    app = flask.Flask("test")

    @app.get("/forgotten")
    def forgotten() -> str:
        return ""

    with pytest.raises(RoleMissing, match="forgotten"):
        roles.declared(app)


def test_only_the_door_is_open_to_everybody() -> None:
    app = flask.Flask("test", static_folder=None)
    for pages in PAGES:
        app.register_blueprint(pages)
    declared = roles.declared(app)
    assert {name for name, allowed in declared.items() if allowed == NOBODY_YET} == {
        "entrance.login", "entrance.second", "entrance.first", "entrance.recover", "entrance.recovered", "entrance.language",
    }  # fmt: skip
    changing = {rule.endpoint for rule in app.url_map.iter_rules() if "POST" in (rule.methods or ())}
    mild = {"entrance.logout", "punches.begin_export", "sync.verify", "privacy.notice_read", "privacy.requests"}
    for endpoint in changing:
        if declared[endpoint] == READERS:
            assert endpoint in mild or endpoint.startswith("me."), f"an auditor may change something: {endpoint}"


def test_the_decorator_that_starts_the_application_is_the_one_that_is_asked() -> None:
    assert needs(READERS)(lambda: "").roles == READERS  # type: ignore[attr-defined]
    assert "roles.declared(app)" in Path(application.__code__.co_filename).read_text("utf-8")


@pytest.fixture(scope="module")
def visits(office: Office, afresh: dict[str, Browser], photograph: bytes) -> Visits:
    """Everything that an administrator can reach after somebody was enrolled."""
    with bridged(office):
        return crawling.crawl(office, afresh["administrator"], photograph)


def test_every_address_that_answers_is_looked_at(visits: Visits) -> None:
    """What the tests below say, they say of each."""
    assert crawling.TO_BE_SEEN - set(visits.endpoints()) == set(crawling.UNVISITED)
    broken = {path: answer.status_code for path, answer in visits.answers.items() if answer.status_code >= 500}
    assert not broken


def test_no_picture_and_no_template_is_at_any_address(office: Office, visits: Visits, photograph: bytes) -> None:
    """No picture, no vector, no key."""
    for path, answer in visits.answers.items():
        content, kind = answer.content, answer.headers.get("content-type", "")
        assert not content.startswith(IMAGE_MAGIC), path
        assert not kind.startswith("image/") or path.partition("?")[0] == "/static/icon.svg", path
        for secret in SECRETS if not content.startswith(sealed.MAGIC) else ():  # in what is sealed any bytes may stand
            assert secret not in content, path
        assert photograph[:64] not in content, path
    with api.WebClient(office.folder.web_socket) as client:
        for path in ("/v1/card", "/v1/frames", "/v1/templates", "/v1/key"):
            with pytest.raises(api.KioskRefused):
                client._ask("POST", path)


def test_an_uploaded_file_that_is_no_picture_never_reaches_the_decoder(browsers: dict[str, Browser]) -> None:
    operator = browsers["operator"]
    operator.submit("/people/1012/consent", basis="consent", agreed="y")
    for content in (b"GIF89a", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"", b"%PDF-1.7"):
        answer = operator.submit("/people/1012/enrol", files={"photograph": ("p.jpg", content, "image/jpeg")})
        assert answer.status_code == 422
        assert "neither a JPEG nor a PNG" in answer.text
    answer = operator.submit("/people/1012/enrol", files={"photograph": ("p.jpg", b"\xff\xd8\xff" + bytes(64), "image/jpeg")})
    assert answer.status_code == 422


def test_a_body_beyond_the_limit_is_refused_and_the_daemon_lives(browsers: dict[str, Browser]) -> None:
    operator = browsers["operator"]
    huge = b"\xff\xd8\xff" + bytes(17 * 1024 * 1024)
    try:
        assert operator.submit("/people/1012/enrol", files={"photograph": ("p.jpg", huge, "image/jpeg")}).status_code == 413
    except Exception as error:  # noqa: BLE001  # the server may close before it was all sent
        assert "Protocol" in type(error).__name__ or "Write" in type(error).__name__ or "Read" in type(error).__name__  # noqa: PT017
    assert operator.get("/people/1012").status_code == 200


def test_every_answer_carries_the_strict_headers(office: Office, browsers: dict[str, Browser]) -> None:
    for path in ("/", "/people", "/nothing", "/static/daka.css", "/login"):
        answer = browsers["auditor"].get(path)
        assert answer.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert "charset=utf-8" in answer.headers.get("content-type", "charset=utf-8").lower() or "css" in path
        if "static" not in path:
            assert answer.headers["Cache-Control"] == "no-store"
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert "http" not in CONTENT_SECURITY_POLICY


def test_no_page_has_an_inline_script_or_style(visits: Visits) -> None:
    for path, answer in visits.answers.items():
        if "html" in answer.headers.get("content-type", ""):
            assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|javascript:", answer.text), path
            assert not re.search(r'(?:src|href|action)="(?:https?:)?//', answer.text), path


def test_the_cookie_is_for_this_host_over_tls_and_for_no_script(office: Office, nobody: Browser) -> None:
    answer = nobody.sign_in(NAMES["auditor"])
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-daka=")
    assert all(word in cookie for word in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"))
    assert "Domain" not in cookie


def test_signing_in_makes_a_new_session_and_signing_out_ends_it_at_the_server(nobody: Browser) -> None:
    nobody.get("/login")
    before = nobody.client.cookies.get("__Host-daka")
    nobody.sign_in(NAMES["auditor"])
    stolen = nobody.client.cookies.get("__Host-daka")
    assert stolen != before
    assert nobody.get("/people").status_code == 200
    left = nobody.submit("/people", form="/logout")
    assert left.headers["Clear-Site-Data"] == '"cache", "storage"'
    nobody.client.cookies.set("__Host-daka", stolen or "")
    assert nobody.get("/people").status_code == 302


def test_what_is_sent_after_the_session_ended_is_not_written_and_that_is_said(office: Office, nobody: Browser) -> None:
    nobody.sign_in(NAMES["operator"])
    page = nobody.get("/people/new")
    with contextlib.closing(sqlite3.connect(office.folder.web / "web.db")) as database, database:
        newest = "UPDATE session SET seen_at = ? WHERE created_at = (SELECT max(created_at) FROM session)"
        assert database.execute(newest, ("2020-01-01T00:00:00Z",)).rowcount == 1, "half an hour without a word"
    answer = nobody.send(page, number="6003", name="Typed for half an hour", language="en")
    door = nobody.get(answer.headers["location"])
    assert "You are signed out; what you sent was not written." in text_of(door)
    back = nobody.send(door, name=NAMES["operator"], password=PASSWORD)
    assert back.headers["location"].endswith("/people/new")
    assert nobody.get("/people/6003").status_code == 404


def test_a_form_without_its_token_or_from_elsewhere_changes_nothing(office: Office, browsers: dict[str, Browser]) -> None:
    operator = browsers["operator"]
    fields = {"number": "6001", "name": "Forged", "language": "en"}
    assert operator.client.post("/people/new", data=fields, headers={"Origin": office.url}).status_code == 400
    for origin in ("https://evil.example", "null", office.url.replace("https", "http")):
        page = operator.get("/people/new").text
        token = re.findall(r'name="csrf_token" type="hidden" value="([^"]+)"', page)[0]
        answer = operator.client.post("/people/new", data={**fields, "csrf_token": token}, headers={"Origin": origin})
        assert answer.status_code == 403, origin
    assert operator.get("/people/6001").status_code == 404


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "kiosk", ""])
def test_another_host_name_gets_nothing(nobody: Browser, host: str) -> None:
    """A page elsewhere whose name is pointed at this address (DNS rebinding)."""
    assert nobody.get("/login", headers={"Host": host}).status_code == 400


@pytest.mark.parametrize(
    "wanted", ["//evil.example", "https://evil.example", "/\\evil.example", "\t//evil.example", "javascript:alert(1)"]
)
def test_signing_in_leads_to_a_page_of_ours_whatever_the_address_says(nobody: Browser, wanted: str) -> None:
    answer = nobody.submit("/login", name=NAMES["auditor"], password=PASSWORD, next=wanted)
    assert answer.headers["location"] == "/"


def test_wrong_names_and_wrong_passwords_look_alike(nobody: Browser) -> None:
    known = nobody.sign_in(NAMES["auditor"], "not the password at all")
    unknown = nobody.sign_in("nobody-at-all", "not the password at all")
    assert known.status_code == unknown.status_code == 422
    words = [re.sub(r"\d+|value=.*?>|aude|nobody-at-all", "", text_of(answer)) for answer in (known, unknown)]
    assert words[0] == words[1]
    nobody.sign_in(NAMES["auditor"])


def test_a_second_factor_is_asked_for_once_it_is_on(office: Office, browsers: dict[str, Browser], nobody: Browser) -> None:
    auditor = browsers["auditor"]
    page = auditor.get("/me/second-factor")
    secret = re.findall(r"<code>([A-Z2-7]{32})</code>", page.text)[0]
    code = pyotp.TOTP(secret).now()
    assert auditor.send(page, code=code, current=PASSWORD).status_code == 302
    half = nobody.sign_in(NAMES["auditor"])
    assert half.headers["location"].startswith("/login/second")
    assert nobody.get("/people").status_code == 302, "half signed in is not signed in"
    assert nobody.submit("/login/second", code="000000").status_code == 422
    assert secret not in auditor.get("/me").text
    again = fresh_code(office, NAMES["auditor"], secret)
    assert auditor.submit("/me/second-factor/off", current=PASSWORD, second=again).status_code == 302


def test_changing_a_factor_asks_for_ones_password_again(browsers: dict[str, Browser]) -> None:
    administrator = browsers["administrator"]
    for path, fields in (
        ("/accounts/new", {"name": "eve", "role": "administrator", "password": "eves own good words"}),
        ("/accounts/2/role", {"role": "administrator"}),
        ("/accounts/2/password", {"password": "eves own good words"}),
        ("/accounts/2/remove", {}),
    ):
        assert administrator.submit(path, current="not my password", **fields).status_code == 422, path
    assert ">eve<" not in administrator.get("/accounts").text


def test_ones_own_password_is_changed_with_the_current_one_alone(
    office: Office, browsers: dict[str, Browser], nobody: Browser
) -> None:
    nobody.sign_in(NAMES["auditor"])
    fresh = {"password": "quiet purple lanterns", "again": "quiet purple lanterns"}
    for current in ("not my password at all", ""):
        assert nobody.submit("/me/password", current=current, **fresh).status_code == 422
    with office.browser() as other:
        assert other.sign_in(NAMES["auditor"], fresh["password"]).status_code == 422
        assert other.sign_in(NAMES["auditor"]).status_code == 302


def test_an_administrator_ends_everybodys_sessions_of_an_account(browsers: dict[str, Browser], nobody: Browser) -> None:
    nobody.sign_in(NAMES["auditor"])
    administrator = browsers["administrator"]
    (where,) = re.findall(r'href="(/accounts/\d+)">aude<', administrator.get("/accounts").text)
    assert browsers["operator"].client.post(f"{where}/end-sessions").status_code in (400, 403)
    assert nobody.get("/people").status_code == 200
    assert administrator.submit(where, form=f"{where}/end-sessions").status_code == 302
    assert nobody.get("/people").status_code == 302, "signed out"
    assert "Nobody is signed in with this account." in text_of(administrator.get(where))
    browsers["auditor"].sign_in(NAMES["auditor"])  # other tests go on with it


@pytest.mark.parametrize(
    ("role", "path", "secret"),
    [
        ("", "/login", {"password"}),
        ("", "/recover/code?name=nobody", {"password", "again"}),
        ("auditor", "/me/password", {"current", "password", "again"}),
        ("administrator", "/accounts/new", {"current", "password"}),
        ("administrator", "/accounts/2/password", {"current", "password"}),
        ("administrator", "/accounts/2/remove", {"current"}),
        ("administrator", "/backups", {"current", "passphrase", "again"}),
    ],
)
def test_no_password_stands_on_the_screen_while_it_is_typed(
    browsers: dict[str, Browser], nobody: Browser, role: str, path: str, secret: set[str]
) -> None:
    page = (browsers[role] if role else nobody).get(path).text
    inputs = [dict(re.findall(r'([\w-]+)="([^"]*)"', one)) for one in re.findall(r"<input\b[^>]*>", page)]
    assert {one["name"] for one in inputs if one.get("type") == "password"} == secret
    assert not [one for one in inputs if one.get("type") == "password" and one.get("value")]


def test_where_asking_who_somebody_is_fails_nobody_is_let_in_and_nothing_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts, app = alone(tmp_path)
    with app.test_request_context():
        parts.accounts.add("ada", Role.ADMINISTRATOR, PASSWORD, must_change=False)
    client, here = app.test_client(), "https://localhost"

    def sent(path: str, patch: pytest.MonkeyPatch | None = None, **typed: str) -> int:
        """How a form is answered; with `patch` passwords cannot be compared from then on."""
        tokens = re.findall(r'name="csrf_token" type="hidden" value="([^"]+)"', client.get(path, base_url=here).text)
        if patch:
            patch.setattr(passwords, "matches", broken)
        return client.post(path, data={**typed, "csrf_token": tokens[-1]}, base_url=here, headers={"Origin": here}).status_code

    def broken(*_: object, **__: object) -> NoReturn:
        raise RuntimeError("nobody expected this")

    with monkeypatch.context() as patch:
        assert sent("/login", patch, name="ada", password=PASSWORD) == 500
    assert parts.store.rows("SELECT * FROM session") == []
    assert sent("/login", name="ada", password=PASSWORD) == 302
    with monkeypatch.context() as patch:
        assert sent("/me/password", patch, current=PASSWORD, password="quiet purple lanterns", again="quiet purple lanterns") == 500
    assert passwords.matches(parts.accounts.all()[0].password, PASSWORD)
    assert "ada" in client.get("/accounts", base_url=here).text
    with monkeypatch.context() as patch:
        patch.setattr(parts.sessions, "find", broken)
        with pytest.raises(RuntimeError):  # out of the application: not even its page of errors asks who this is
            client.get("/accounts", base_url=here)
    parts.store.close()


def test_a_lost_password_is_set_anew_by_whoever_reads_the_kiosks_screen(
    office: Office, browsers: dict[str, Browser], nobody: Browser
) -> None:
    asked = nobody.submit("/recover", name=NAMES["operator"])
    assert asked.headers["location"].startswith("/recover/code")
    code = office.code()
    assert len(code) == 8
    assert code not in nobody.get(asked.headers["location"]).text
    where = asked.headers["location"]
    assert nobody.submit(where, code=code, password="weak", again="weak").status_code == 422
    fresh = {"code": code, "password": PASSWORD + "!", "again": PASSWORD + "!"}
    until("the brake of other tests' wrong codes", lambda: nobody.submit(where, **fresh).status_code == 302)
    assert nobody.sign_in(NAMES["operator"], PASSWORD + "!").status_code == 302
    nobody.submit("/me/password", current=PASSWORD + "!", password=PASSWORD, again=PASSWORD)
    browsers["operator"].sign_in(NAMES["operator"])  # other tests go on with it


def test_recovery_does_not_say_which_accounts_there_are(office: Office, nobody: Browser) -> None:
    asked = nobody.submit("/recover", name="nobody-at-all")
    assert asked.headers["location"] == "/recover/code?name=nobody-at-all"
    assert office.code() == ""


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_old_tls_is_refused(office: Office, browsers: dict[str, Browser], version: ssl.TLSVersion) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    with socket.create_connection(("127.0.0.1", office.port)) as plain, pytest.raises((ssl.SSLError, ConnectionError)):
        context.wrap_socket(plain)


def test_new_tls_is_spoken_and_plain_http_is_not_answered_with_a_page(office: Office, browsers: dict[str, Browser]) -> None:
    with (
        socket.create_connection(("127.0.0.1", office.port)) as plain,
        office.context().wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        assert secure.version() == "TLSv1.3"
    with socket.create_connection(("127.0.0.1", office.port)) as plain:
        plain.settimeout(10)
        plain.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        try:
            answer = plain.recv(4_096)
        except ConnectionError:
            answer = b""
        assert b"<html" not in answer


def test_keys_and_accounts_are_for_their_daemon_alone(office: Office, browsers: dict[str, Browser]) -> None:
    for name in ("tls.key", "secret.key", "web.db"):
        assert stat.S_IMODE((office.folder.web / name).stat().st_mode) == 0o600, name
    assert stat.S_IMODE(office.folder.web.stat().st_mode) == 0o700


def test_the_log_names_no_employee_and_no_password(office: Office, browsers: dict[str, Browser]) -> None:
    log = office.log("web")
    for word in ("Lovelace", "王小明", "correct horse", "1001"):
        assert word not in log


def test_sign_ins_and_failed_ones_are_on_record(browsers: dict[str, Browser], nobody: Browser) -> None:
    nobody.sign_in(NAMES["operator"], "not the password at all")
    nobody.sign_in(NAMES["operator"])
    audit = text_of(browsers["auditor"].get("/audit?kind=audit&size=200"))  # few of many failures are recorded
    assert "Sign-in failed web:otto" in audit
    assert "Signed in web:otto" in audit


def test_attempts_are_in_the_log(office: Office, browsers: dict[str, Browser]) -> None:
    auditor = browsers["auditor"]
    assert auditor.get("/people/new").status_code == 403
    assert auditor.client.post("/me/taste", headers={"Origin": "https://evil.example"}).status_code == 403
    assert auditor.client.post("/me/taste", headers={"Origin": office.url}).status_code == 400
    log = office.log("web")
    for words in (
        "refused for its role: people.new",
        "a form from another origin was refused",
        "a form without its token was refused",
    ):
        assert words in log


@pytest.mark.usefixtures("browsers")
@pytest.mark.parametrize("secret", ["", "short", "1" * 32, "<script>"])
def test_a_secret_that_no_authenticator_has_is_refused_and_never_drawn(office: Office, secret: str) -> None:
    operator = office.browser()  # the tests before may have ended the shared one's session
    assert operator.sign_in(NAMES["operator"]).status_code == 302
    answer = operator.submit("/me/second-factor", secret=secret, code="123456", current=PASSWORD)
    assert answer.status_code == 422
    assert "This is not the code of now" in text_of(answer)
    assert "Second factor Off" in text_of(operator.get("/me"))


def test_a_second_factor_that_fits_does_not_forgive_what_others_at_that_address_got_wrong(
    office: Office, browsers: dict[str, Browser], nobody: Browser
) -> None:
    auditor = browsers["auditor"]
    page = auditor.get("/me/second-factor")
    secret = re.findall(r"<code>([A-Z2-7]{32})</code>", page.text)[0]
    assert auditor.send(page, code=pyotp.TOTP(secret).now(), current=PASSWORD).status_code == 302
    assert nobody.sign_in("somebody-else", "a wrong password").status_code == 422
    assert nobody.sign_in(NAMES["auditor"]).status_code == 302
    assert nobody.submit("/login/second", code=pyotp.TOTP(secret).now()).status_code == 302
    with contextlib.closing(sqlite3.connect(office.folder.web / "web.db")) as database:
        counted = database.execute("SELECT count FROM failure WHERE source = 'address:127.0.0.1'").fetchone()
    again = fresh_code(office, NAMES["auditor"], secret)
    assert auditor.submit("/me/second-factor/off", current=PASSWORD, second=again).status_code == 302
    assert counted is not None


@pytest.mark.usefixtures("browsers")
def test_what_a_page_asks_by_itself_says_so_and_does_not_renew_the_session(office: Office) -> None:
    auditor = office.browser()
    assert auditor.sign_in(NAMES["auditor"]).status_code == 302
    assert '"Daka-Live"' in auditor.get("/static/live.js").text
    with contextlib.closing(sqlite3.connect(office.folder.web / "web.db")) as database:
        seen = "SELECT max(seen_at) FROM session JOIN account ON account.id = session.account WHERE name = ?"
        (before,) = database.execute(seen, (NAMES["auditor"],)).fetchone()
        aged = str(datetime.fromisoformat(before) - timedelta(minutes=5))
        database.execute(
            "UPDATE session SET seen_at = ? WHERE account = (SELECT id FROM account WHERE name = ?)", (aged, NAMES["auditor"])
        )
        database.commit()
        assert auditor.get("/today/live", headers={"Daka-Live": "1"}).status_code == 200
        assert database.execute(seen, (NAMES["auditor"],)).fetchone() == (aged,)
        assert auditor.get("/today/live").status_code == 200
        assert database.execute(seen, (NAMES["auditor"],)).fetchone() > (aged,)
