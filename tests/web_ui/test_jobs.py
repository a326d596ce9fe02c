"""Long work beside the pages, and what becomes of its files."""

from __future__ import annotations

from pathlib import Path

import pytest

from web_ui import jobs
from web_ui.jobs import Job, Jobs


@pytest.mark.parametrize("fails", [True, False])
def test_the_file_of_old_work_goes_though_nobody_begins_anything_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    """An export holds names; half of one does, too."""

    def work(job: Job) -> Path:
        job.file = tmp_path / "punches.csv"
        job.file.write_text("Ada", encoding="utf-8")
        if fails:
            raise RuntimeError("the kiosk went away")
        return job.file

    kept = Jobs()
    job = kept.start(1, "csv", work)
    assert job.ended.wait(10)
    kept.sweep()
    assert (tmp_path / "punches.csv").exists() != fails, "its owner has an hour to fetch it; half a file goes at once"
    monkeypatch.setattr(jobs, "KEPT_S", -1.0)
    kept.sweep()
    assert not (tmp_path / "punches.csv").exists()
    assert kept.find(job.key, 1) is None


class Album:
    """Something that has to be closed."""

    closed = False

    def close(self) -> None:
        self.closed = True


def test_what_was_looked_at_is_kept_for_one_use_and_closed_with_the_next_look_or_with_time(monkeypatch: pytest.MonkeyPatch) -> None:
    kept, albums = Jobs(), [Album(), Album(), Album()]
    first = kept.keep(1, "look", "report", albums[0])
    second = kept.keep(1, "look", "report", albums[1])
    other = kept.keep(2, "look", "report", albums[2])
    assert kept.find(first.key, 1) is None
    assert [album.closed for album in albums] == [True, False, False]
    assert kept.take(second.key, 2) is None, "somebody else's"
    taken = kept.take(second.key, 1)
    assert taken is second
    assert kept.take(second.key, 1) is None, "it was used"
    kept.give_back(second)
    assert kept.find(second.key, 1) is second
    monkeypatch.setattr(jobs, "KEPT_S", -1.0)
    kept.sweep()
    assert kept.find(other.key, 2) is None
    assert [album.closed for album in albums] == [True, True, True]


def test_an_account_keeps_its_newest_files_alone(tmp_path: Path) -> None:
    """Each may have the size of all records; whoever begins one after the other would fill the disk that punches need."""

    def work(job: Job) -> Path:
        job.file = tmp_path / job.key
        job.file.write_bytes(b"punches")
        return job.file

    kept = Jobs()
    begun: list[Job] = []
    others = kept.start(2, "csv", work)
    assert others.ended.wait(10)
    for _ in range(4):
        begun.append(kept.start(1, "csv", work))
        assert begun[-1].ended.wait(10)
    newest = begun[-jobs.MOST_FILES :]
    assert {path.name for path in tmp_path.iterdir()} == {others.key, *(job.key for job in newest)}
    assert [kept.find(job.key, 1) is not None for job in begun] == [job in newest for job in begun]
