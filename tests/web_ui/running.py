"""A kiosk daemon and a web daemon as processes of their own, with people and punches, and a browser without a screen."""

from __future__ import annotations

import contextlib
import html.parser
import re
import sqlite3
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

import flask
import httpx
import pyotp

from device import api, clock, keys, kiosk, messages, state
from device.api.people import HoldingsClient
from device.people import Person
from web_ui import languages, tls
from web_ui.accounts import Accounts
from web_ui.app import application
from web_ui.house import Auditor, House
from web_ui.jobs import Jobs
from web_ui.sessions import Sessions
from web_ui.store import Store

PASSWORD = "correct horse battery"
ROLES = ("administrator", "operator", "auditor")
NAMES = {"administrator": "ada", "operator": "otto", "auditor": "aude"}
CONFIG = """[device]
id = "kiosk-7"
enterprise = "晨光科技"
site = "Main gate"
time_zone = "Asia/Shanghai"
language = "en"
[camera]
source = "device:/dev/video99"
[models]
landmarks = "opencv"
[page]
port = 0
[web]
address = "127.0.0.1"
"""
WITHIN_S = 100.0


def person_id(number: int) -> str:
    return f"p-{number:032x}"


def seed(folder: state.Folder, people: int, punches: int) -> None:
    """People and their punches of the last days, the newest some minutes ago."""
    folder.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.config.write_text(CONFIG, encoding="utf-8")
    time_source = clock.SystemClock()
    files = kiosk.open_files(folder, "kiosk-7", time_source, replace_damaged=False)
    now = time_source.now()
    names = ("Ada Lovelace", "王小明", "李娜", "Grace Hopper", "陳美玲", "=2+5", "Zoë Müller")
    for number in range(1, people + 1):
        name = names[number - 1] if number <= len(names) else f"Employee {number}"
        files.directory.add(Person(person_id(number), str(1_000 + number), name, "en", False, 0), now.at)
    for number in range(punches):
        ago = timedelta(minutes=2 + 7 * (punches - number))
        moment = clock.Moment(now.at - ago, number * 1_000_000, now.boot_id, clock.Quality.SYNCED)
        files.journal.append(punch(person_id(1 + number % people), number), moment)
    files.journal.close()
    files.directory.close()


def punch(person: str, number: int) -> messages.PunchBody:
    way = (messages.Method.FACE, messages.Method.PIN, messages.Method.FACE_AND_BADGE)[number % 3]
    direction = (messages.Direction.IN, messages.Direction.OUT)[number // 7 % 2]
    digests = messages.Models("1" * 64, "2" * 64)
    at = clock.from_microseconds(1_800_000_000_000_000)
    return messages.PunchBody(
        person, way, direction, 60, 3, messages.Liveness.PASSED, messages.Capture.CAMERA, digests, "Main gate", at
    )


def alone(folder: Path) -> tuple[House, flask.Flask]:
    """The application in this process; the kiosk daemon is away."""
    store, socket = Store(folder / "own" / "web.db"), folder / "nobody.sock"
    accounts, kiosk_away = Accounts(store), api.WebClient(socket)
    rest = (HoldingsClient(socket), api.BackupsClient(socket), store, accounts, Sessions(store, accounts))
    identity = tls.identity(folder / "own", ("localhost",), None, None)
    parts = House(kiosk_away, *rest, Auditor(kiosk_away, store), Jobs(), identity, ("localhost",))
    return parts, application(parts, bytes(32), languages.compiled(folder / "translations"))


@dataclass
class Office:
    """Both daemons of one kiosk; `url` is where browsers go, with a name of its certificate. `port` is 0 until it is known."""

    folder: state.Folder
    port: int
    processes: dict[str, subprocess.Popen[bytes]]
    logs: Path

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    def context(self) -> ssl.SSLContext:
        """Trusts this web UI's own certificate and nothing else."""
        return ssl.create_default_context(cafile=str(self.folder.web / "tls.pem"))

    def browser(self) -> Browser:
        return Browser(self)

    def admin(self) -> api.AdminClient:
        return api.AdminClient(self.folder.admin_socket)

    def personnel(self) -> api.PeopleClient:
        return api.PeopleClient(self.folder.admin_socket)

    def start(self, name: str) -> None:
        options = ("--port", str(self.port)) if name == "web" else ()
        command = (sys.executable, "-m", "device.commands.main", "--state", str(self.folder.root), "run", name, *options)
        with (self.logs / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(command, stdout=log, stderr=log)

    def stop(self, name: str) -> None:
        process = self.processes.pop(name)
        process.terminate()
        process.wait(WITHIN_S)

    def restart(self, name: str) -> None:
        """It ends by itself, with something new in its files; whoever keeps it running starts it again."""
        self.processes.pop(name).wait(WITHIN_S)
        self.start(name)

    def log(self, name: str) -> str:
        return (self.logs / f"{name}.log").read_text("utf-8")

    def wait(self) -> None:
        """Until both answer and the kiosk's screen knows about the web UI."""
        ends = time.monotonic() + WITHIN_S
        while time.monotonic() < ends:
            with contextlib.suppress(api.KioskError, httpx.HTTPError, OSError), self.admin() as client:
                addresses = client.web_notice().addresses
                self.port = self.port or int(addresses[0].rpartition(":")[2]) if addresses else 0
                if self.port and self.browser().get("/login").status_code < 400:
                    return
            time.sleep(0.2)
        raise AssertionError(f"the daemons did not come up: {self.log('kiosk')[-2_000:]}{self.log('web')[-2_000:]}")

    def code(self) -> str:
        """What stands on the kiosk's screen."""
        with self.admin() as client:
            return client.web_notice().code


@contextmanager
def office(root: Path, people: int = 12, punches: int = 40) -> Iterator[Office]:
    """Both daemons, running, with nobody's account yet."""
    folder = state.Folder(root)
    seed(folder, people, punches)
    running = Office(folder, 0, {}, root)
    try:
        running.start("kiosk")
        running.start("web")
        running.wait()
        yield running
    finally:
        for name in list(running.processes):
            running.stop(name)


def until(what: str, ready: Callable[[], bool]) -> None:
    """Until it is so."""
    ends = time.monotonic() + WITHIN_S
    while not ready():
        assert time.monotonic() < ends, what
        time.sleep(0.1)


class _Forms(html.parser.HTMLParser):
    """The forms of a page: action and fields with their values."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, dict[str, str]]] = []
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append((given.get("action", ""), {}))
        if not self.forms:
            return
        fields = self.forms[-1][1]
        if tag == "select":
            self._select = given["name"]
        if tag == "option" and ("selected" in given or self._select not in fields):
            fields[self._select] = given.get("value", "")
        ticked = given.get("type") not in ("checkbox", "radio") or "checked" in given
        if tag == "input" and "name" in given and ticked:
            fields[given["name"]] = given.get("value", "on" if given.get("type") == "checkbox" else "")


@dataclass
class Browser:
    """Follows links and sends forms as a browser without script does."""

    office: Office
    client: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.client = httpx.Client(base_url=self.office.url, verify=self.office.context(), timeout=30.0, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def get(self, path: str, **rest: Any) -> httpx.Response:
        return self.client.get(path, **rest)

    def submit(self, path: str, form: int | str = -1, files: Any = None, **typed: str) -> httpx.Response:
        """Open a page and send one of its forms (by place, action, or a value that it holds), with some fields typed in."""
        page = self.get(path)
        assert page.status_code == 200, (path, page.status_code, page.headers.get("location"))
        return self.send(page, form, files, **typed)

    def send(self, page: httpx.Response, form: int | str = -1, files: Any = None, **typed: str) -> httpx.Response:
        """Send one of the forms of a page that is open."""
        found = _Forms()
        found.feed(page.text)
        where = (
            form
            if isinstance(form, int)
            else next(n for n, (action, had) in enumerate(found.forms) if form in (*had.values(), action))
        )
        action, fields = found.forms[where]
        target = action or str(page.request.url)
        headers = {"Origin": self.office.url}
        data = {**fields, **{name.replace("__", "."): value for name, value in typed.items()}}
        return self.client.post(target, data=data, files=files, headers=headers)

    def sign_in(self, name: str, password: str = PASSWORD) -> httpx.Response:
        return self.submit("/login", name=name, password=password)


def text_of(answer: httpx.Response) -> str:
    """A page's words."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", answer.text))


def first_administrator(running: Office) -> Browser:
    """Signed in as the first administrator."""
    browser = running.browser()
    answer = browser.submit("/first", code=running.code(), name=NAMES["administrator"], password=PASSWORD, again=PASSWORD)
    assert answer.status_code == 302, text_of(answer)
    return browser


def everybody(running: Office) -> dict[str, Browser]:
    """One browser for each role, signed in."""
    first = first_administrator(running)
    return {"administrator": first, **colleagues(running, first)}


def colleagues(running: Office, first: Browser) -> dict[str, Browser]:
    """An operator and an auditor, signed in, whom the first administrator adds."""
    browsers = {}
    for role in ("operator", "auditor"):
        answer = first.submit("/accounts/new", name=NAMES[role], role=role, password="first of many words", current=PASSWORD)
        assert answer.status_code == 302, text_of(answer)
        browser = running.browser()
        assert browser.sign_in(NAMES[role], "first of many words").status_code == 302
        answer = browser.submit("/me/password", current="first of many words", password=PASSWORD, again=PASSWORD)
        assert answer.status_code == 302, text_of(answer)
        assert browser.sign_in(NAMES[role]).status_code == 302
        browsers[role] = browser
    return browsers


def signed_in(running: Office, role: str) -> Browser:
    """Afresh: tests before may have ended the session of the shared one."""
    browser = running.browser()
    assert browser.sign_in(NAMES[role]).status_code == 302
    return browser


def ended(browser: Browser, where: str) -> httpx.Response:
    """The page of a piece of work, once it is done."""
    ends = time.monotonic() + WITHIN_S
    while "this page renews itself" in text_of(page := browser.get(where)):
        assert time.monotonic() < ends, text_of(page)
        time.sleep(0.05)
    return page


def fresh_code(office: Office, name: str, secret: str) -> str:
    """A code of now that counts although an earlier test has used the one of this half minute."""
    with contextlib.closing(sqlite3.connect(office.folder.web / "web.db")) as database, database:
        database.execute("UPDATE account SET totp_last = 0 WHERE name = ?", (name,))
    return pyotp.TOTP(secret).now()


def journal_key(folder: state.Folder) -> Any:
    return keys.journal_key(folder.keys).public_key()
