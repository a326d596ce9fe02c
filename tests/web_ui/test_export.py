"""What is taken along: right to the second, in order, harmless in a spreadsheet, and provable."""

from __future__ import annotations

import csv
import io
import itertools
import json
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC
from pathlib import Path
from typing import Any

import httpx
import openpyxl
import pytest

from device import messages
from device.api import PunchPage, PunchRow
from tests.web_ui.running import Browser, Office, ended, journal_key, text_of
from web_ui import export, uploads, words
from web_ui.jobs import Job, Jobs

ALL = "first=2020-01-01&last=2100-01-01"


def fetched(browser: Browser, kind: str, query: str = ALL) -> httpx.Response:
    begun = browser.submit(f"/punches?{query}", form=export_form(kind))
    assert begun.status_code == 302, text_of(begun)
    where = begun.headers["location"]
    assert "Download" in ended(browser, where).text
    return browser.get(f"{where}/file")


def export_form(kind: str) -> int:
    """The three export forms stand last on the page, in this order."""
    return {"csv": -3, "xlsx": -2, "signed": -1}[kind]


def test_a_file_lies_on_the_disk_that_is_meant_for_it(office: Office, browsers: dict[str, Browser]) -> None:
    """The system's folder for temporary files may lie in memory, where a large file ends the daemon."""
    for kind, suffix in (("csv", "csv"), ("xlsx", "xlsx"), ("signed", "jsonl")):
        fetched(browsers["operator"], kind)
        assert list(office.folder.web.glob(f"{export.BEGINS}*.{suffix}"))


@pytest.fixture
def settled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", tempfile.tempdir)
    for name in ("daka-export-old.csv", "openpyxl.old"):
        (tmp_path / name).write_bytes(b"Ada")
    (tmp_path / "web.db").touch()
    export.settle(tmp_path)
    return tmp_path


def test_what_an_end_left_half_written_goes_at_the_next_start(settled: Path) -> None:
    assert [path.name for path in settled.iterdir()] == ["web.db"]


@pytest.mark.parametrize("full_after", [0, 2])
def test_a_file_for_which_there_is_no_room_is_not_kept_and_a_sentence_says_so(
    settled: Path, monkeypatch: pytest.MonkeyPatch, full_after: int
) -> None:
    """Whether the disk was full before or fills up while the file is written: what is left is for punches."""
    real, looks = shutil.disk_usage, itertools.count()

    def filling(path: str) -> Any:
        assert Path(path) == settled
        free = uploads.SPARE_BYTES + (0 if next(looks) < full_after else -1)
        return real(path)._replace(free=free)

    monkeypatch.setattr(shutil, "disk_usage", filling)
    client: Any = Lists()
    heads: Any = ((), {word: word for word in ("in", "face", "synced", "counts")})
    job = Jobs().start(1, "csv", lambda job: export.write_csv(job, client, {}, UTC, heads))
    assert job.ended.wait(10)
    assert job.error == words.NO_ROOM_TO_EXPORT
    assert [path.name for path in settled.iterdir()] == ["web.db"]


class Lists:
    """The kiosk's list of 2,500 punches, kept as it answers: one record of it is gone before the second part is asked for."""

    def __init__(self) -> None:
        self.asked: list[dict[str, object]] = []

    def punch_page(self, **asked: object) -> PunchPage:
        self.asked.append(asked)
        offset = int(str(asked.get("offset", 0)))
        whole = tuple(row(seq) for seq in range(offset, min(offset + export.STEP, 2_500)))
        return PunchPage(2_500, whole if offset == 0 else whole[1:], "list-7")


def row(seq: int) -> PunchRow:
    return PunchRow(seq, "00", "2026-10-05T08:00:00Z", "synced", False, "counts", "p", "1", "Ada", "in", "face", "", "", "hall")


def test_an_export_reads_one_list_to_its_end_though_old_records_go_meanwhile() -> None:
    kiosk, job = Lists(), Job("key", 1, "csv", 0.0)
    client: Any = kiosk
    assert [one.seq for one in export.rows(job, client, {"state": "counts"})] == [
        seq for seq in range(2_500) if seq not in (1_000, 2_000)
    ]
    assert [one.get("kept") for one in kiosk.asked] == ["new", "list-7", "list-7"]
    assert (job.done, job.total) == (2_500, 2_500)


def test_a_csv_file_has_every_punch_in_order_with_local_times(browsers: dict[str, Browser]) -> None:
    answer = fetched(browsers["auditor"], "csv")
    assert answer.headers["content-type"].startswith("text/csv")
    assert "attachment" in answer.headers["content-disposition"]
    assert answer.content.startswith(b"\xef\xbb\xbf")
    heads, *lines = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert heads[:4] == ["Date", "Time", "Employee number", "Name"]
    assert len(lines) >= 40
    moments = [line[0] + line[1] for line in lines]
    assert moments == sorted(moments)
    assert all(len(line) == len(heads) for line in lines)


def test_a_name_that_looks_like_a_formula_stays_a_name(browsers: dict[str, Browser]) -> None:
    operator = browsers["operator"]
    operator.submit("/people/new", number="4001", name="=2+5", language="en")
    operator.submit("/punches/new", number="4001", direction="in", at="2026-10-07T08:00", reason="for the export")
    day = "first=2026-10-07&last=2026-10-07"
    assert "'=2+5" in fetched(operator, "csv", day).content.decode("utf-8-sig")
    book = openpyxl.load_workbook(io.BytesIO(fetched(operator, "xlsx", day).content))
    cell = book["Daka"]["D2"]
    assert (cell.value, cell.data_type) == ("=2+5", "s")


def test_an_xlsx_file_holds_what_the_filter_shows(browsers: dict[str, Browser]) -> None:
    answer = fetched(browsers["auditor"], "xlsx", f"{ALL}&method=pin")
    sheet = openpyxl.load_workbook(io.BytesIO(answer.content), read_only=True)["Daka"]
    rows = list(sheet.iter_rows(values_only=True))
    assert len(rows) > 5
    assert {row[5] for row in rows[1:]} == {"PIN"}


def test_the_signed_file_proves_every_record_without_naming_anybody(office: Office, browsers: dict[str, Browser]) -> None:
    answer = fetched(browsers["auditor"], "signed")
    key, expected = journal_key(office.folder), 1
    for line in answer.content.splitlines():
        batch = messages.read_batch(line, "kiosk-7")
        messages.verify_batch(batch, key)
        assert batch.first == expected
        expected = batch.last + 1
    assert expected > 40
    assert f"signed, records 1 to {expected - 1}" in text_of(browsers["auditor"].get("/audit?kind=audit"))
    assert "Lovelace" not in answer.text
    assert json.loads(answer.content.splitlines()[0])["type"]


def test_an_export_is_its_owners_alone_and_is_on_record(browsers: dict[str, Browser]) -> None:
    auditor = browsers["auditor"]
    where = auditor.submit(f"/punches?{ALL}", form=export_form("csv")).headers["location"]
    assert browsers["operator"].get(where).status_code == 404
    assert browsers["operator"].get(f"{where}/file").status_code == 404
    assert "Punches exported" in text_of(auditor.get("/audit?kind=audit"))


@pytest.mark.parametrize("kind", ["exe", "csv.xlsx"])
def test_there_is_no_other_kind_of_export(browsers: dict[str, Browser], kind: str) -> None:
    assert browsers["auditor"].client.post(
        f"/punches/export/{kind}", headers={"Origin": browsers["auditor"].office.url}
    ).status_code in (
        400,
        404,
    )


def test_the_daemon_loads_no_spreadsheet_before_somebody_asks_for_one() -> None:
    look = "import sys, web_ui.command; print([name for name in ('openpyxl', 'numpy', 'PIL') if name in sys.modules])"
    assert subprocess.run((sys.executable, "-c", look), capture_output=True, text=True, check=True).stdout.strip() == "[]"
