"""Every address of the web UI that somebody with all rights can come to: by links, and by the work that leads to the others."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from html import unescape
from typing import Any

import flask
import httpx
import pyotp
import werkzeug

from tests.web_ui.running import NAMES, PASSWORD, Browser, Office, ended
from web_ui.pages import PAGES

UNVISITED = {"entrance.first": "is there until somebody is administrator, and asks for a code, a name and a password"}
ONE, LISTED, TWOFOLD = "5001", "5002", "twice"
PASSPHRASE = "seven old harbour lamps"
REPORTS = {"crawled.json": b'{"people": {"count": 12}}', "crawled.html": b"<!DOCTYPE html><html><body><p>FMR</p></body></html>"}


@dataclass
class Visits:
    """What each address answered; `leads` are those that pages led to."""

    office: Office
    browser: Browser
    photograph: bytes
    answers: dict[str, httpx.Response] = field(default_factory=dict)
    leads: list[str] = field(default_factory=list)

    def look(self, path: str, by: Browser | None = None) -> httpx.Response:
        """One address, and where its page leads."""
        return self.keep(path, (by or self.browser).get(path))

    def keep(self, path: str, answer: httpx.Response) -> httpx.Response:
        self.answers[path] = answer
        if "html" in answer.headers.get("content-type", ""):
            found = re.findall(r'(?:href|src|data-live)="(/[^"#]*)"', answer.text)
            self.leads += [link for link in map(unescape, found) if not re.search("(?:sort|size|page)=", link)]  # the same again
        return answer

    def begun(self, path: str, **form: Any) -> str:
        """A form is sent, and the page that it leads to is looked at, once its work is done; where that page is."""
        answer = self.browser.submit(path, **form)
        assert answer.status_code == 302, (path, answer.text)
        where = answer.headers["location"]
        self.keep(where, ended(self.browser, where))
        return where

    def follow(self) -> None:
        """Every lead, to the end."""
        while self.leads:
            path = self.leads.pop(0)
            if path not in self.answers and "logout" not in path:
                self.look(path)

    def endpoints(self) -> dict[str, str]:
        """Those that answered with what they are there for, each with its newest address."""
        there = (path for path, answer in self.answers.items() if answer.status_code == 200 and not path.startswith("/static/"))
        return {endpoint(path): path for path in there}


def addresses() -> werkzeug.routing.Map:
    """All that there are."""
    app = flask.Flask("test", static_folder=None)
    for pages in PAGES:
        app.register_blueprint(pages)
    return app.url_map


PLACES = addresses().bind("localhost")
TO_BE_SEEN = {str(rule.endpoint) for rule in PLACES.map.iter_rules() if "GET" in (rule.methods or ())}


def endpoint(path: str) -> str:
    """Whose address it is."""
    return str(PLACES.match(path.partition("?")[0], method="GET")[0])


def enrolled(visits: Visits) -> None:
    """Somebody whose face is known here."""
    browser = visits.browser
    browser.submit("/people/new", number=ONE, name="Face", language="en")
    browser.submit(f"/people/{ONE}/consent", basis="consent", agreed="y")
    visits.look(f"/people/{ONE}/enrol")
    visits.begun(f"/people/{ONE}/enrol", files={"photograph": ("p.jpg", visits.photograph, "image/jpeg")})
    for act in ("sitting", "remove-face"):
        visits.look(f"/people/{ONE}/{act}")


def listed(visits: Visits) -> None:
    """A list is looked at and taken over."""
    table = f"number,name\n{LISTED},Listed\n".encode()
    where = visits.begun("/people/import", files={"file": ("list.csv", table, "text/csv")})
    visits.begun(where, form=2)  # after the languages' and that for signing out


def brought(visits: Visits) -> None:
    """Photographs of many, and what becomes of each."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("a.jpg", visits.photograph)
        made.writestr("table.csv", f"number,photograph\n{LISTED},a.jpg\n")
    where = visits.begun("/people/photographs", files={"archive": ("p.zip", archive.getvalue(), "application/zip")})
    visits.look(f"{where}/report.csv")


def exported(visits: Visits) -> None:
    """All punches, readable and signed; a spreadsheet is a ZIP, in which nothing could be found."""
    for form in (-3, -1):
        where = visits.begun("/punches?first=2020-01-01", form=form)
        visits.look(f"{where}/file")


def measured(visits: Visits) -> None:
    """Reports of both kinds, and this site's own."""
    for name, content in REPORTS.items():
        visits.browser.submit("/recognition", form="/recognition/reports", files={"report": (name, content)})
    visits.begun("/recognition", form="/recognition/evaluate")


def backed_up(visits: Visits) -> None:
    """Made, taken along and looked into."""
    visits.begun("/backups", passphrase=PASSPHRASE, again=PASSPHRASE, current=PASSWORD)
    (address,) = re.findall(r'href="(/backups/daka-[^"]+)"', visits.look("/backups").text)[:1]
    visits.look(f"{address}/remove")
    content = visits.look(address).content
    visits.begun("/backups/restore", files={"file": ("b", content)}, passphrase=PASSPHRASE)


def locks(visits: Visits) -> None:
    """While a bridge answers."""
    visits.begun("/locks", form="/locks/search")
    visits.begun("/locks", form="/locks/SEAL-0001/do/test")
    for act in ("rename", "remove"):
        visits.look(f"/locks/SEAL-0001/{act}")


def chain_and_release(visits: Visits) -> None:
    """The chain is checked; what is no release comes to nothing, and says so."""
    visits.begun("/sync", form="/sync/verify")
    release = {"archive": ("notes.txt", b"archive"), "signature": ("notes.txt.targets.json", b"{}")}
    visits.begun("/updates/bring", files=release, current=PASSWORD)


def twofold(office: Office, administrator: Browser) -> tuple[Browser, str]:
    """Somebody with a second factor, signed in, and its secret."""
    first = "first of many words"
    administrator.submit("/accounts/new", name=TWOFOLD, role="auditor", password=first, current=PASSWORD)
    browser = office.browser()
    browser.sign_in(TWOFOLD, first)
    browser.submit("/me/password", current=first, password=PASSWORD, again=PASSWORD)
    browser.sign_in(TWOFOLD)
    page = browser.get("/me/second-factor")
    (secret,) = re.findall(r"<code>([A-Z2-7]{32})</code>", page.text)
    assert browser.send(page, code=pyotp.TOTP(secret).now(), current=PASSWORD).status_code == 302
    return browser, secret


def door(visits: Visits) -> None:
    """As somebody meets it who is not signed in, or only half."""
    visits.look("/me/second-factor/off", twofold(visits.office, visits.browser)[0])
    with visits.office.browser() as nobody:
        for path in ("/login", "/recover", nobody.submit("/recover", name=NAMES["operator"]).headers["location"]):
            visits.look(path, nobody)
        visits.look(nobody.sign_in(TWOFOLD).headers["location"], nobody)


WORK: tuple[Callable[[Visits], None], ...] = (
    enrolled, listed, brought, exported, measured, backed_up, locks, chain_and_release,
)  # fmt: skip


def worked(office: Office, browser: Browser, photograph: bytes) -> Visits:
    """What all kinds of work led an administrator to."""
    visits = Visits(office, browser, photograph)
    for work in WORK:
        work(visits)
    return visits


def crawl(office: Office, browser: Browser, photograph: bytes) -> Visits:
    """Everything, as an administrator."""
    visits = worked(office, browser, photograph)
    door(visits)
    visits.leads += ["/", "/setup", "/today/live", "/settings/restart"]
    visits.follow()
    return visits
