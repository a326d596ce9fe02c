"""kiosk-web.sock as the web daemon sees it: what it may ask, what it is told, and what it can never get."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, timedelta
from pathlib import Path

import pytest

from device import (
    admin,
    api,
    attend,
    camera,
    claims,
    config,
    corrections,
    corrections_counter,
    desk,
    erasure,
    gauges,
    holdings,
    journal,
    line,
    messages,
    people,
    people_counter,
    personnel,
    retention,
    sight,
    state,
    web_counter,
    web_lists,
    webcodes,
)
from device.api import KioskRefused, WebClient
from device.server import Route
from tests.device import parts
from tests.device.test_server import ask, serve


@dataclass(frozen=True)
class Running:
    """The web socket of one kiosk, served by the real server."""

    socket: Path
    client: WebClient
    routes: tuple[Route, ...]
    office_routes: tuple[Route, ...]
    journal: journal.Journal
    clock: parts.Clock
    codes: webcodes.WebCodes
    stop: threading.Event


POLICY = attend.Policy(timedelta(0), timedelta(hours=14), True, longest_break=timedelta(hours=2))


@pytest.fixture
def running(short_folder: Path, eyes: sight.Sight) -> Iterator[Running]:
    opened, board, time_source = parts.open_journal(short_folder), line.Board(), parts.Clock()
    directory = people.Directory(short_folder / "people.db", bytes(32))
    office = desk.Desk(opened, directory, time_source, lambda: eyes)
    source = camera.open_source("device:/dev/video99", time_source)
    counter = claims.Claims(directory, office.keeper(), eyes.models.embedder, time_source, 15.0, lambda claimed: None)
    eraser = erasure.Eraser(opened, directory, time_source, short_folder)
    staff = people_counter.directory_routes(personnel.Personnel(opened, directory, time_source, UTC), eraser)
    amending = corrections.Corrections(opened, time_source, lambda: timedelta(seconds=20))
    putting_right = corrections_counter.corrections_routes(amending, directory, "Main gate")
    keeping = retention.Retention(opened, directory, eraser, time_source, lambda person: None, config.Retention)
    held = holdings.Holdings(opened, directory, time_source)
    staff = (*staff, *people_counter.retention_routes(keeping), *people_counter.holdings_routes(held))
    office_routes = (*admin.admin_routes(office, board, source, counter), *staff, *putting_right)
    codes, stop = webcodes.WebCodes(), threading.Event()
    readings = gauges.Gauges(opened, time_source, short_folder)
    kiosk = web_counter.Kiosk(opened, time_source, codes, readings, state.Folder(short_folder), stop)
    lists = web_lists.Lists(directory, opened, time_source, lambda way: attend.holds_for(way, POLICY))
    routes = (*web_counter.web_routes(web_counter.WebCounter(kiosk), office_routes), *lists.routes())
    socket = short_folder / "run" / api.WEB_SOCKET
    end = serve(socket, "web", routes)
    with WebClient(socket) as client:
        yield Running(socket, client, routes, office_routes, opened, time_source, codes, stop)
    end()
    source.close()
    directory.close()
    opened.close()


def test_people_are_searched_sorted_and_paged_by_the_kiosk(running: Running) -> None:
    for number, name in (("10", "Ada"), ("9", "Bob"), ("100", "王小明")):
        running.client.add_person(number, name, "en", "web:hr")
    running.client.give_consent("9", "en", "consent", "web:hr")
    assert [one.number for one in running.client.people_page().people] == ["9", "10", "100"]
    assert [one.name for one in running.client.people_page(sort="name", descending=True, limit=1).people] == ["王小明"]
    assert [one.number for one in running.client.people_page("小").people] == ["100"]
    assert [one.number for one in running.client.people_page("10", offset=1).people] == ["100"]
    assert running.client.people_page(state="consent").total == 1
    assert running.client.people_page(state="no_consent").total == 2
    assert running.client.person("9").name == "Bob"
    with pytest.raises(KioskRefused):
        running.client.people_page(sort="secret")


def test_punches_are_listed_with_names_and_found_by_them(running: Running) -> None:
    ada = running.client.add_person("1", "Ada", "en", "web:hr").person
    seq = running.journal.append(parts.punch(ada), parts.moment(60)).seq
    running.journal.append(parts.punch(parts.BOB), parts.moment(120))
    page = running.client.punch_page(descending=1)
    assert (page.total, [row.name for row in page.punches]) == (2, ["", "Ada"])
    assert running.client.punch_page(search="ad").total == 1
    assert running.client.punch_page(number="1").punches[0].seq == seq
    since = messages.write_time(parts.START + timedelta(seconds=90))
    assert running.client.punch_page(since=since).total == 1
    row, record = running.client.punch(seq)
    assert (row.name, record["body"]["person"], record["seq"]) == ("Ada", ada, seq)
    with pytest.raises(KioskRefused):
        running.client.punch(1)


def test_who_is_in_and_who_is_on_a_break_is_told_as_the_kiosk_sees_it(running: Running) -> None:
    ada = running.client.add_person("1", "Ada", "en", "web:hr").person
    running.journal.append(parts.punch(ada), parts.moment(60))
    running.journal.append(parts.punch(parts.BOB), parts.moment(120))
    day, hours = messages.write_time(parts.START), 3_600.0
    running.clock.seconds = 150
    here = running.client.presence(day)
    assert (here.inside, here.gone, [one.name for one in here.people]) == (2, 0, ["Ada", ""])
    page = running.client.present_page(day, "inside", sort="name", descending=1, limit=1)
    assert (page.total, [one.name for one in page.people]) == (2, ["Ada"])
    for wanted, names in (({}, ["Ada", ""]), ({"descending": 1}, ["", "Ada"])):
        parts_of = [running.client.present_page(day, "inside", **wanted, offset=offset, limit=1) for offset in (0, 1)]
        assert [(one.total, one.people[0].name) for one in parts_of] == [(2, name) for name in names], "by time, part by part"
    running.journal.append(parts.punch(ada, messages.Direction.BREAK), parts.moment(180))
    running.clock.seconds = 200
    here = running.client.presence(day)
    assert (here.inside, here.away, here.gone, [one.name for one in here.resting]) == (1, 1, 0, ["Ada"])
    assert running.client.present_page(day, "resting").total == 1
    assert running.client.punch_page(direction="break").punches[0].direction == "break"
    running.clock.seconds = 180 + 2 * hours
    here = running.client.presence(day)
    assert (here.inside, here.away, here.gone) == (1, 0, 1), "longer than the longest break: gone"
    running.journal.append(parts.punch(ada, messages.Direction.BACK), parts.moment(180 + 2 * hours))
    running.clock.seconds = 2.5 * hours
    assert running.client.presence(day).inside == 2
    running.clock.seconds = 120 + 14 * hours
    assert running.client.presence(day).inside == 1, "Bob's working day is over, whatever he forgot"


def test_records_that_are_no_punches_are_sorted_and_paged_by_the_kiosk(running: Running) -> None:
    for number, (action, by) in enumerate((("b", "web:zoe"), ("a", "web:ada"), ("b", "web:ada"))):
        running.journal.append(messages.Audit(action, by, ""), parts.moment(number))
        running.journal.append(parts.punch(), parts.moment(number))

    def seen(**wanted: str | int) -> list[str]:
        records = running.client.records_page(("audit",), **wanted).records
        return [f"{record['body']['action']} {record['body']['by']}" for record in records]

    assert seen() == ["b web:ada", "a web:ada", "b web:zoe"]
    assert seen(descending=0) == ["b web:zoe", "a web:ada", "b web:ada"]
    assert seen(sort="by", descending=0) == ["a web:ada", "b web:ada", "b web:zoe"]
    assert seen(sort="what") == ["b web:ada", "b web:zoe", "a web:ada"]
    assert seen(sort="what", offset=1, limit=1) == ["b web:zoe"]
    page = running.client.records_page(("audit", "genesis"), limit=1)
    assert (page.total, len(page.records)) == (4, 1)
    assert running.client.records_page(("punch", "nothing")).total == 0, "punches have a list of their own"
    with pytest.raises(KioskRefused):
        running.client.records_page(("audit",), sort="secret")
    parts.acknowledge_all(running.journal)
    assert running.journal.prune(parts.START + timedelta(days=100), 0) > 0
    assert running.client.records_page(("genesis",)).total == 0, "what the journal has removed is listed no more"


def test_a_changed_setting_is_in_the_journal_with_what_it_was_and_became(running: Running) -> None:
    assert running.client.change_settings({"attend.min_gap_s": 30.0}, "web:ada").changed == ("attend.min_gap_s",)
    assert {one.name: one.value for one in running.client.settings()}["attend.min_gap_s"] == 30.0
    (record,) = running.client.records_page(("audit",)).records
    assert record["body"] == {
        "action": "setting_changed",
        "by": "web:ada",
        "person": "",
        "before": "attend.min_gap_s = 60.0",
        "after": "attend.min_gap_s = 30.0",
    }
    with pytest.raises(KioskRefused, match=r"attend\.min_gap_s"):
        running.client.change_settings({"attend.min_gap_s": -1.0}, "web:ada")
    assert running.client.records_page(("audit",)).total == 1


@pytest.mark.parametrize(("how", "says"), [("tpm", "sudo daka unlock tpm"), ("server", "has joined no server")])
def test_what_could_open_no_template_after_the_next_start_is_refused(running: Running, how: str, says: str) -> None:
    with pytest.raises(KioskRefused, match=says):
        running.client.change_settings({"device.unlock": how, "attend.min_gap_s": 45.0}, "web:ada")
    known = {one.name: one.value for one in running.client.settings()}
    assert (known["device.unlock"], known["attend.min_gap_s"] == 45.0) == ("file", False)


def test_what_is_done_to_accounts_is_in_the_journal_too(running: Running) -> None:
    running.client.audit("account_added", "web:ada", "", "bob: operator")
    assert running.client.records_page(("audit",), limit=1).records[0]["body"]["action"] == "web_account_added"


def test_a_restart_is_recorded_and_ends_the_daemon_after_its_answer(running: Running) -> None:
    running.client.restart("web:ada")
    assert running.client.records_page(("audit",), limit=1).records[0]["body"]["action"] == "restarted"
    assert running.stop.wait(5)


def test_the_web_daemon_can_ask_whether_a_code_is_right_but_never_for_the_code(running: Running) -> None:
    running.client.announce(("https://kiosk:8443",), "AA", wants_first=True)
    shown = running.codes.notice().code
    assert shown
    for route in running.routes:
        if route.method == "GET":
            assert shown not in json.dumps(ask(running.socket, "GET", route.path)[1] or "")
    assert running.client.check_code(webcodes.FIRST, "", shown).right


def test_no_call_that_shows_a_cards_code_is_open_to_the_web(running: Running) -> None:
    """A card's code is the template itself; whatever else the office may do is named one by one."""
    open_to_web = {(route.method, route.path) for route in running.routes}
    office = {(route.method, route.path) for route in running.office_routes}
    assert ("POST", "/v1/card") in office
    assert ("POST", "/v1/card") not in open_to_web
    assert open_to_web & office == web_counter.OFFICE_CALLS & office


def test_every_call_that_is_open_to_the_web_is_one_that_the_daemon_answers() -> None:
    """A misspelt one would be open to nobody, in silence."""
    files = [path for path in sorted((parts.REPO / "device").rglob("*.py")) if path.name != "web_counter.py"]
    sources = "".join(path.read_text("utf-8") for path in files)
    unknown = [call for call in web_counter.OFFICE_CALLS if f'Route("{call[0]}", "{call[1]}"' not in sources]
    assert unknown == []


def change(running: Running, seqs: list[int], how: str) -> None:
    """What the office does while a list is being read."""
    minute, running.clock.seconds = messages.write_time(parts.START + timedelta(seconds=30)), 3_600.0
    if how == "voided":
        running.client.void(seqs[0], "twice", "web:hr")
    elif how == "corrected":
        later = messages.write_time(parts.START + timedelta(minutes=30))
        running.client.correct(seqs[0], "out", later, "forgot", "web:hr")
    else:
        running.client.add_punch("1", "in", minute, "forgot", "web:hr")


@pytest.mark.parametrize("how", ["voided", "corrected", "added"])
def test_what_changes_while_a_list_is_read_loses_and_doubles_no_punch(running: Running, how: str) -> None:
    """Payroll reads it: each punch that counted at the beginning is there once, and nothing else is."""
    ada = running.client.add_person("1", "Ada", "en", "web:hr").person
    seqs = [running.journal.append(parts.punch(ada), parts.moment(60 + minute)).seq for minute in range(7)]
    first = running.client.punch_page(state="counts", limit=3, kept="new")
    change(running, seqs, how)
    rest = [running.client.punch_page(offset=offset, limit=3, kept=first.kept) for offset in (3, 6)]
    assert [row.seq for page in (first, *rest) for row in page.punches] == seqs
    assert {page.total for page in (first, *rest)} == {7}
    assert {row.state for page in rest for row in page.punches} == {"counts"}
    with pytest.raises(KioskRefused) as gone:
        running.client.punch_page(offset=6, limit=3, kept=first.kept)
    assert gone.value.kind == "ListGone", "a list goes with its last part"


def test_as_many_lists_are_kept_as_are_read_at_once(running: Running) -> None:
    for minute in range(5):
        running.journal.append(parts.punch(), parts.moment(60 + minute))
    left, read = (running.client.punch_page(limit=1, kept="new").kept for _ in range(2))
    running.client.punch_page(offset=1, limit=1, kept=read)
    left = running.client.punch_page(limit=1, kept="new").kept
    assert running.client.punch_page(offset=2, limit=1, kept=read).total == 5, "the one that nobody reads has gone"
    with pytest.raises(KioskRefused):
        running.client.punch_page(offset=1, limit=1, kept="never given")
    assert running.client.punch_page(offset=4, limit=1, kept=left).total == 5


def test_signed_records_are_what_the_uplink_sends(running: Running) -> None:
    running.journal.append(parts.punch(), parts.moment(1))
    batch = messages.read_batch(running.client.signed_export(0), parts.DEVICE)
    messages.verify_batch(batch, parts.signing_key().public_key())
    assert running.client.signed_export(running.journal.head().seq) == b""


def test_a_machine_says_how_it_is(running: Running) -> None:
    found = running.client.machine()
    assert 0 < found.disk_free_bytes <= found.disk_total_bytes
    assert 0 < found.memory_available_bytes <= found.memory_total_bytes
    assert found.backlog == running.journal.head().seq


def test_consent_texts_are_shown_as_they_are_hashed(running: Running) -> None:
    texts = running.client.consent_texts()
    assert {text.language for text in texts} == {"zh-CN", "zh-TW", "en"}
    assert all(text.words and len(text.sha256) == 64 for text in texts)


def test_an_enrolment_photograph_goes_in_and_nothing_of_it_comes_out(running: Running, photograph: Callable[[str], bytes]) -> None:
    running.client.add_person("1", "Ada", "en", "web:hr")
    running.client.give_consent("1", "en", "consent", "web:hr")
    assert running.client.enrol("1", photograph("obama"), "web:hr").templates == 1
    for route in running.routes:
        if route.method == "GET" and route.path != "/v1/signed-records":
            assert len(json.dumps(ask(running.socket, "GET", route.path)[1])) < 40_000
