"""Every table that can grow is sorted and paged by the address alone, without script; one test for all of them."""

from __future__ import annotations

import contextlib
import html
import itertools
import re
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from tests.web_ui import running
from tests.web_ui.running import Browser, Office
from web_ui.store import written

MANY = 60


@dataclass(frozen=True)
class Listing:
    """A table of a page: its name in the address, by what it is sorted, and whether there is more than a page of it."""

    path: str
    sorts: tuple[str, ...]
    name: str = ""
    long: bool = False

    def key(self, what: str) -> str:
        return f"{self.name}-{what}" if self.name else what


LISTINGS = (
    Listing("/people", ("number", "name", "group", "language", "consent", "ways", "expires_at")),
    Listing(
        "/punches?first=2020-01-01&last=2100-01-01",
        ("at", "number", "name", "direction", "method", "state", "quality", "seq"),
        long=True,
    ),
    Listing("/today/people", ("number", "name", "at")),
    Listing("/accounts", ("name", "role", "totp", "last_login_at"), long=True),
    Listing("/accounts/1", ("created_at", "seen_at", "address", "browser"), long=True),
    Listing("/me", ("created_at", "seen_at", "address", "browser"), long=True),
    Listing("/audit", ("seq", "what", "by", "person"), long=True),
    Listing("/privacy", ("seq", "what", "by", "person"), "acts", long=True),
    Listing("/privacy/requests", ("who", "kind", "opened_at", "due_at", "outcome"), long=True),
    Listing("/privacy/components", ("name", "licence"), long=True),
    Listing("/sync", ("seq", "what"), "milestones"),
    Listing("/recognition", ("name", "at", "by", "size"), "reports"),
)  # fmt: skip


@pytest.fixture(scope="module")
def crowded(office: Office, browsers: dict[str, Browser]) -> Iterator[Browser]:
    """An administrator whose lists are long; what was laid into web.db goes again, for the tests of other files."""
    administrator = running.signed_in(office, "administrator")
    for turn in range(MANY // 2):
        administrator.submit("/people/1011/consent" if turn % 2 == 0 else "/people/1011/withdraw", basis="consent", agreed="y")
    with contextlib.closing(sqlite3.connect(office.folder.web / "web.db")) as database:
        with database:
            lay(database)
        try:
            yield administrator
        finally:
            with database:
                database.execute("DELETE FROM account WHERE name LIKE 'row-%'")
                database.execute("DELETE FROM session WHERE browser LIKE 'row %'")
                database.execute("DELETE FROM request WHERE opened_by = 'row'")
                database.execute("DELETE FROM report WHERE by = 'row'")


def lay(database: sqlite3.Connection) -> None:
    """Accounts, sessions, requests and reports, each with values of its own and some that repeat."""
    now = datetime.now(UTC)
    (ada, changed) = database.execute("SELECT id, password_changed_at FROM account WHERE name = 'ada'").fetchone()
    for row in range(MANY):
        at, mixed = written(now - timedelta(minutes=row)), row * 7 % MANY
        role, kind = ("operator", "auditor")[row % 2], ("access", "correction", "erasure", "objection")[row % 4]
        account = (f"row-{mixed:02}", role, "none", at, at, at if row % 3 else "")
        database.execute(
            "INSERT INTO account (name, role, password, password_changed_at, created_at, last_login_at) VALUES (?, ?, ?, ?, ?, ?)",
            account,
        )
        session = (f"row-{row}", ada, changed, at, written(now), f"192.0.2.{mixed}", f"row {row % 5}")
        database.execute("INSERT INTO session VALUES (?, ?, ?, ?, ?, ?, ?)", session)
        outcome, closed = ("", "granted", "refused")[row % 3], written(now - timedelta(hours=mixed))  # on several days
        asked = (
            running.person_id(1 + row % 5),
            kind,
            at,
            "row",
            written(now + timedelta(days=mixed)),
            closed if outcome else "",
            outcome,
        )
        database.execute(
            "INSERT INTO request (person, kind, opened_at, opened_by, due_at, closed_at, outcome) VALUES (?, ?, ?, ?, ?, ?, ?)",
            asked,
        )
    for row in range(3):
        report = (f"report-{row}.json", "json", written(now), "row", b"{}" + b" " * row)
        database.execute("INSERT INTO report (name, kind, at, by, content) VALUES (?, ?, ?, ?, ?)", report)


def table_of(page: str, listing: Listing) -> str:
    """The one whose heads carry this table's name."""
    mark = f"{listing.key('sort')}={listing.sorts[0]}&"
    (found,) = [one for one in re.findall(r"<table.*?</table>", page, re.DOTALL) if mark in html.unescape(one)]
    return str(found)


def heads(table: str) -> list[tuple[str, str]]:
    """Of each column: by what its head sorts ("" where it does not), and how it says that it is sorted."""
    found = re.findall(r"<th(\s[^>]*)>(.*?)</th>", table.partition("</thead>")[0], re.DOTALL)
    sorts = [re.search(r'href="[^"]*?sort=(\w+)', inside) for _, inside in found]
    said = [re.search(r'aria-sort="(\w+)"', attributes) for attributes, _ in found]
    return [(sort[1] if sort else "", how[1] if how else "") for sort, how in zip(sorts, said, strict=True)]


def rows(table: str) -> list[tuple[str, ...]]:
    """The words of each cell."""
    lines = re.findall("<tr.*?</tr>", table.partition("</thead>")[2], re.DOTALL)
    return [tuple(words(cell) for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", line, re.DOTALL)) for line in lines]


def words(cell: str) -> str:
    return " ".join(re.sub("<[^>]*>", " ", cell).split()).removesuffix(" (this one)")


def asking(listing: Listing, **asked: object) -> str:
    query = "&".join(f"{listing.key(name)}={value}" for name, value in asked.items())
    return f"{listing.path}{'&' if '?' in listing.path else '?'}{query}"


@pytest.mark.parametrize("listing", LISTINGS, ids=lambda one: f"{one.path.partition('?')[0]}#{one.name}")
def test_every_table_is_sorted_and_paged_by_its_address(crowded: Browser, listing: Listing) -> None:
    plain = heads(table_of(crowded.get(listing.path).text, listing))
    assert [sort for sort, _ in plain if sort] == list(listing.sorts)
    assert len([said for _, said in plain if said]) == 1, "one of them says how it is sorted"
    for column, sort in ((place, sort) for place, (sort, _) in enumerate(plain) if sort):
        for order in ("ascending", "descending"):
            table = table_of(crowded.get(asking(listing, sort=sort, order=order, size=200)).text, listing)
            assert [(one, said) for one, said in heads(table) if said] == [(sort, order)]
        up, down = both(crowded, listing, *({"sort": sort, "order": order, "size": 200} for order in ("ascending", "descending")))
        assert sorted(up) == sorted(down), "no row is lost by it"
        shown = [row[column] for row in up]
        assert shown == [row[column] for row in down][::-1], sort
        assert len([1 for _ in itertools.groupby(shown)]) == len(set(shown)), f"what is equal in {sort} stands together"
    if listing.long:
        page_by_page(crowded, listing)


def both(browser: Browser, listing: Listing, *asked: Mapping[str, object]) -> list[list[tuple[str, ...]]]:
    """The list asked for in two ways, of one moment: what was refused a minute ago may be summed up between the two."""
    for _ in range(3):
        found = [by_links(browser, listing, **one) for one in asked]
        if len({len(one) for one in found}) == 1:
            break
    return found


def by_links(browser: Browser, listing: Listing, **asked: object) -> list[tuple[str, ...]]:
    """Every row, page after page, by the links alone."""
    where, seen = asking(listing, **asked), list[tuple[str, ...]]()
    while where:
        page = browser.get(where).text
        part = rows(table_of(page, listing))
        assert 0 < len(part) <= int(str(asked["size"]))
        seen += part
        links = [html.unescape(link) for link in re.findall(r'<a href="([^"]+)" rel="next"', page)]
        where = next((link for link in links if f"{listing.key('page')}=" in link), "")
    return seen


def page_by_page(browser: Browser, listing: Listing) -> None:
    """In small pages the same as in large ones; beyond the last one it is shown, as a bookmark of a longer list may ask."""
    asked: dict[str, object] = {"sort": listing.sorts[0], "order": "ascending"}
    small, large = both(browser, listing, {**asked, "size": 25}, {**asked, "size": 200})
    assert len(small) > 25, "this list is too short to show anything"
    assert small == large
    assert rows(table_of(browser.get(asking(listing, size=25, page=9_999, **asked)).text, listing))
