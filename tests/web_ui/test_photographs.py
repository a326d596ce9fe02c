"""Photographs of many people at once: a ZIP that is read with care, looked at first, used once and gone."""

from __future__ import annotations

import io
import os
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import flask
import pytest
from flask_babel import Babel

from tests.web_ui import running
from tests.web_ui.running import Browser, Office, text_of
from web_ui import photographs, veiled
from web_ui.photographs import Album, ArchiveRefused, opened

JPEG = b"\xff\xd8\xff" + bytes(64)


@pytest.fixture
def words() -> Iterator[None]:
    """Refusals are sentences in somebody's language."""
    application = flask.Flask("words")
    Babel(application)
    with application.test_request_context():
        yield


def zipped(files: dict[str, bytes], table: str = "") -> io.BytesIO:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        if table:
            archive.writestr("table.csv", table)
    made.seek(0)
    return made


def album(files: dict[str, bytes], *rows: str) -> Album:
    return opened(zipped(files), "\n".join(("number,photograph", *rows)).encode())


@pytest.mark.usefixtures("words")
def test_a_table_in_the_zip_or_beside_it_says_whose_the_photographs_are() -> None:
    inside = opened(zipped({"站/1.jpg": JPEG, "站/t.csv": b"photograph,number\n1.jpg,1001\n", "__MACOSX/._1.jpg": b"x"}), b"")
    assert [(one.number, len(one.pictures), one.why) for one in inside.sitters] == [("1001", 1, "")]
    beside = album({"a.jpg": JPEG, "b/c.png": JPEG, "d.jpg": JPEG}, "7,a.jpg", "8,a2.jpg", "7,b/c.png")
    assert [(one.number, len(one.pictures)) for one in beside.sitters] == [("7", 2), ("8", 0)]
    assert beside.unnamed == 1
    assert beside.pictures(beside.sitters[0]) == (JPEG, JPEG)


@pytest.mark.usefixtures("words")
@pytest.mark.parametrize("encoding", ["gb18030", "big5"])
def test_names_as_a_chinese_windows_writes_them_are_found(encoding: str) -> None:
    made = zipped({"AAAA.jpg": JPEG})
    raw = made.getvalue().replace(b"AAAA.jpg", "王明".encode(encoding) + b".jpg")
    found = opened(io.BytesIO(raw), "number,photograph\n1,王明.jpg\n".encode("gb18030"))
    assert [str(one.why) for one in found.sitters] == [""]
    assert found.pictures(found.sitters[0]) == (JPEG,)


@pytest.mark.usefixtures("words")
@pytest.mark.parametrize(
    ("rows", "why"),
    [
        (["1,gone.jpg"], "does not lie in the ZIP"),
        (["1,/etc/passwd"], "no name of a file in the ZIP"),
        (["1,../a.jpg"], "no name of a file in the ZIP"),
        (["1,C:\\a.jpg"], "no name of a file in the ZIP"),
        (["1,"], "both number and photograph"),
        ([",a.jpg"], "both number and photograph"),
        (["1,a.jpg", "1,a.jpg"], "stands in the table twice"),
        (["1,large.jpg"], "more than 16 MB"),
    ],
)
def test_a_person_with_a_line_that_cannot_be_used_is_refused_whole_and_nobody_else(rows: list[str], why: str) -> None:
    found = album({"a.jpg": JPEG, "b.jpg": JPEG, "large.jpg": bytes(17 << 20)}, *rows, "2,b.jpg")
    refused, good = found.sitters
    assert why in str(refused.why)
    assert (refused.pictures, good.why, len(good.pictures)) == ((), "", 1)


def locked() -> io.BytesIO:
    """As a ZIP with a password looks: a bit in each head."""
    raw = bytearray(zipped({"a.jpg": JPEG}, "number,photograph\n1,a.jpg\n").getvalue())
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        raw[raw.index(mark) + place] |= 1
    return io.BytesIO(bytes(raw))


@pytest.mark.usefixtures("words")
@pytest.mark.parametrize(
    ("file", "why"),
    [
        (io.BytesIO(b"Rar!"), "no ZIP file"),
        (io.BytesIO(b""), "no ZIP file"),
        (locked(), "locked with a password"),
        (zipped({"a.jpg": JPEG}), "the ZIP has 0"),
        (zipped({"a.csv": b"x", "b.csv": b"x"}), "the ZIP has 2"),
        (zipped({"a.jpg": JPEG}, "name,file\n1,a.jpg\n"), "needs the columns"),
        (zipped({"a.jpg": JPEG}, "number,photograph\n"), "names nobody"),
        (zipped({"a.jpg": JPEG, "t.csv": b"\xff\xff\xff"}), "neither UTF-8 nor"),
    ],
)
def test_an_archive_that_cannot_be_used_is_refused_with_what_to_do(file: io.BytesIO, why: str) -> None:
    with pytest.raises(ArchiveRefused, match=why):
        opened(file, b"")


@pytest.mark.usefixtures("words")
def test_a_zip_that_would_become_huge_is_refused_before_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    many = {f"{number}.jpg": b"" for number in range(60)}
    table = b"number,photograph\n1,1.jpg\n"
    for limit, most, why in (
        ("MOST_FILES", 50, "more than 50 files"),
        ("MOST_DIRECTORY_BYTES", 2_000, "too many names"),
        ("MOST_UNPACKED_BYTES", 10 << 20, "more than 10 MB"),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(photographs, limit, most)
            with pytest.raises(ArchiveRefused, match=why):
                opened(zipped(many | {"x.jpg": bytes(11 << 20)}), table)


@pytest.mark.usefixtures("words")
def test_a_head_that_lies_about_a_size_gets_no_more_than_a_photograph_may_have() -> None:
    """The head says three bytes, and a gigabyte would come."""
    raw = bytearray(zipped({"a.jpg": bytes(20 << 20)}).getvalue())
    for mark, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = raw.index(mark) + place
        raw[at : at + 4] = (3).to_bytes(4, "little")
    found = opened(io.BytesIO(bytes(raw)), b"number,photograph\n1,a.jpg\n")
    with pytest.raises(ArchiveRefused) as refused:
        found.pictures(found.sitters[0])
    assert "damaged in the ZIP" in str(refused.value.args[0])


def test_what_lies_on_the_disk_of_a_photograph_is_unreadable_and_reads_the_same_from_anywhere(tmp_path: Path) -> None:
    content = os.urandom(1_000) + b"\xff\xd8\xff the photograph" * 5_000
    file = veiled.new(tmp_path)
    for at in range(0, len(content), 777):
        file.write(content[at : at + 777])
    file.flush()
    assert list(tmp_path.iterdir()) == [], "it has no name"
    raw = os.pread(file._file.fileno(), 1 << 20, 0)
    assert len(raw) == len(content)
    assert b"photograph" not in raw
    again = file.again()
    file.close()
    for at in (0, 1, 15, 16, 999, 4_099, len(content) - 1):
        again.seek(at)
        assert again.read(100) == content[at : at + 100]
    again.close()


@pytest.fixture(scope="module")
def operator(office: Office, browsers: dict[str, Browser]) -> Iterator[Browser]:
    found = running.signed_in(office, "operator")
    agreed = ("1007", "1008", "1009")
    for number in agreed:
        found.submit(f"/people/{number}/consent", basis="consent", agreed="y")
    yield found
    for number in agreed:  # and their templates: other files enrol the same face
        found.submit(f"/people/{number}/withdraw")


TABLE = "number,photograph\n1007,good.jpg\n1008,letter.jpg\n1009,nobody.png\n1010,other.jpg\n4711,third.jpg\n1011,gone.jpg\n"


def test_photographs_are_looked_at_first_then_used_once_and_every_refusal_is_named(
    office: Office, browsers: dict[str, Browser], operator: Browser, photograph: bytes
) -> None:
    files = {
        "good.jpg": photograph,
        "letter.jpg": b"%PDF-1.7",
        "nobody.png": nobody(),
        "other.jpg": photograph,
        "third.jpg": photograph,
    }
    brought = zipped(files, TABLE).getvalue()
    answer = operator.submit("/people/photographs", files={"archive": ("p.zip", brought, "application/zip")})
    where = answer.headers["location"]
    page = running.ended(operator, where)
    said = text_of(page)
    assert "Good 1" in said
    assert "Refused 5" in said
    for why in (
        "neither a JPEG nor a PNG",
        "no face found",
        "no consent in force",
        "Nobody here has that employee number",
        "does not lie",
    ):
        assert why in said, why
    assert operator.get("/people/1007").text.count("Enrolled from a photograph") == 0, "nothing is kept yet"
    assert text_of(operator.get(where)) == said, "its address shows it again"
    assert [browsers[role].get(where).status_code for role in ("auditor", "administrator")] == [403, 404]
    rows = operator.get(f"{where}/report.csv").content.decode("utf-8-sig").splitlines()
    assert len(rows) == 7
    assert "gone.jpg does not lie in the ZIP" in "".join(rows)
    done = running.ended(operator, operator.submit(where, form=f"{where}/enrol").headers["location"])
    assert "1 people are enrolled; the photographs are gone" in text_of(done)
    assert operator.get(where).status_code == 404, "they were used"
    with office.admin() as admin:
        templates = {person.number: person.templates for person in admin.people()}
    assert [templates[number] for number in ("1007", "1008", "1009", "1010", "1011")] == [1, 0, 0, 0, 0]
    lying = [path for path in office.folder.root.rglob("*") if path.is_file() and photograph[64:128] in path.read_bytes()]
    assert lying == []


def nobody() -> bytes:
    """A picture without a face."""
    import cv2
    import numpy as np

    return bytes(cv2.imencode(".png", np.full((480, 640, 3), 127, np.uint8))[1])


def test_photographs_can_be_dropped_and_what_is_no_zip_is_said_beside_the_field(operator: Browser, photograph: bytes) -> None:
    answer = operator.submit("/people/photographs", files={"archive": ("p.zip", b"no", "application/zip")})
    assert answer.status_code == 422
    assert "no ZIP file" in answer.text
    table = ("t.csv", b"number,photograph\n1008,a.jpg\n", "text/csv")
    padded = zipped({"a.jpg": photograph, "pad.bin": os.urandom(700_000)}).getvalue()  # too large for memory
    answer = operator.submit("/people/photographs", files={"archive": ("p.zip", padded, "application/zip"), "table": table})
    where = answer.headers["location"]
    report = text_of(running.ended(operator, where))
    assert "Good" in report or "this face is enrolled already, under employee number" in report  # as tests before left it
    assert operator.submit(where, form=f"{where}/drop").status_code == 302
    assert operator.get(where).status_code == 404


@pytest.mark.usefixtures("browsers")
def test_an_auditor_brings_no_photographs_and_a_forged_form_does_nothing(office: Office, operator: Browser) -> None:
    auditor = running.signed_in(office, "auditor")
    assert auditor.get("/people/photographs").status_code == 403
    forged = operator.client.post(
        "/people/photographs", files={"archive": ("p.zip", zipped({}).getvalue())}, headers={"Origin": office.url}
    )
    assert forged.status_code == 400


def test_no_temporary_file_of_the_system_is_used_for_a_photograph(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """At the kiosk daemon's socket, where several come in one question."""
    from device.api import serving

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(tempfile, "SpooledTemporaryFile", lambda *_, **__: pytest.fail("something was kept"))
    seen: list[int] = []

    def take() -> dict[str, int]:
        seen.extend(len(file.read()) for file in flask.request.files.getlist("photograph"))
        return {}

    app = serving.application("kiosk", (serving.Route("POST", "/v1/take", take),), ())
    pictures = [(io.BytesIO(bytes(3 << 20)), "1"), (io.BytesIO(bytes(1 << 20)), "2")]
    answer = app.test_client().post("/v1/take", data={"photograph": pictures}, headers={"Host": "kiosk"})
    assert (answer.status_code, seen) == (200, [3 << 20, 1 << 20])
