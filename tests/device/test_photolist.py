"""Many people from a table and a folder: each whole or not at all, every refusal with its reason."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from device import desk, journal, people, photolist, sight
from device.commands.main import daka
from device.enrolment import EnrolmentRefused
from device.photolist import ListRefused
from tests.device import parts

Photograph = Callable[[str], bytes]
BY = "cli:hr"


@pytest.fixture
def folder(tmp_path: Path, photograph: Photograph) -> Path:
    found = tmp_path / "photographs"
    found.mkdir()
    for name in ("obama", "obama2", "person_b_1", "person_b_2", "impostor_2"):
        (found / f"{name}.jpg").write_bytes(photograph(name))
    (found / "broken.jpg").write_bytes(b"not a picture")
    return found


@pytest.fixture
def office(tmp_path: Path, opened: journal.Journal, eyes: sight.Sight) -> Iterator[desk.Desk]:
    directory = people.Directory(tmp_path / "people.db", bytes(range(32)))
    found = desk.Desk(opened, directory, parts.Clock(), lambda: eyes)
    for number in ("1", "2", "3", "4"):
        found.add_person(number, f"Employee {number}", "en", BY)
    for number in ("1", "2", "4"):
        found.give_consent(number, "en", "consent", BY)
    yield found
    directory.close()


def table(folder: Path, *rows: tuple[str, str]) -> Path:
    path = folder / "people.csv"
    path.write_text("number,photograph\n" + "".join(f"{number},{name}\n" for number, name in rows), encoding="utf-8")
    return path


def test_everybody_is_enrolled_whole_or_not_at_all_and_each_refusal_says_why(office: desk.Desk, folder: Path) -> None:
    entries = photolist.read(
        table(
            folder,
            ("1", "obama.jpg"),
            ("1", "obama2.jpg"),
            ("2", "person_b_1.jpg"),
            ("2", "broken.jpg"),
            ("3", "impostor_2.jpg"),
            ("4", "obama.jpg"),
            ("9", "obama.jpg"),
            ("8", "absent.jpg"),
        ),
        folder,
    )
    outcomes = {one.number: one for one in photolist.enrol(entries, office, BY)}
    assert outcomes["1"] == photolist.Outcome("1", 2, 2)
    assert "photograph 2: the photograph cannot be used" in outcomes["2"].why
    assert "consent" in outcomes["3"].why
    assert "enrolled already, under employee number 1" in outcomes["4"].why
    assert "9" in outcomes["9"].why
    assert "cannot be read" in outcomes["8"].why
    assert [person.templates for person in office.people()] == [2, 0, 0, 0]


def test_photographs_of_two_people_under_one_number_are_refused(office: desk.Desk, photograph: Photograph) -> None:
    with pytest.raises(EnrolmentRefused, match="photograph 2 does not show the face of the first"):
        office.enrol_several("1", (photograph("obama"), photograph("person_b_1")), BY)
    with pytest.raises(EnrolmentRefused, match="from 1 to 10 photographs, not 0"):
        office.enrol_several("1", (), BY)
    assert office.people()[0].templates == 0


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "needs the columns number and photograph"),
        ("number;photograph\n1;a.jpg\n", "needs the columns"),
        ("number,photograph\n", "names nobody"),
        ("number,photograph\n1,\n", "line 2: both number and photograph"),
        ("number,photograph\n1,../secret.jpg\n", "line 2: ../secret.jpg does not lie in"),
        ("number,photograph\n1,/etc/passwd\n", "does not lie in"),
        ("number,photograph\n1,a.jpg\n1,a.jpg\n", "line 3: a.jpg stands there twice"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_before_anybody_is_enrolled(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "people.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ListRefused, match=sentence):
        photolist.read(path, tmp_path)


def test_a_table_that_is_no_text_or_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_bytes(b"\xff\xfe\x00\x01")
    for name in ("people.csv", "absent.csv"):
        with pytest.raises(ListRefused, match="save it as CSV in UTF-8"):
            photolist.read(tmp_path / name, tmp_path)


def test_the_command_reports_each_person(tmp_path: Path, folder: Path) -> None:
    state, report = tmp_path / "state", tmp_path / "report.csv"
    for command in (["people", "add", "1", "Ada"], ["people", "consent", "1", "--yes"], ["people", "add", "2", "Bob"]):
        assert CliRunner().invoke(daka, ["--state", str(state), *command]).exit_code == 0
    path = table(folder, ("1", "obama.jpg"), ("1", "obama2.jpg"), ("2", "person_b_1.jpg"))
    done = CliRunner().invoke(daka, ["--state", str(state), "enrol-list", str(path), "--report", str(report)])
    assert done.exit_code == 1, done.output
    assert "1 of 2 people are enrolled" in done.output
    rows = list(csv.DictReader(report.open(encoding="utf-8")))
    assert [(row["number"], row["photographs"], row["templates"]) for row in rows] == [("1", "2", "2"), ("2", "1", "0")]
    assert rows[0]["why_not"] == ""
    assert "consent" in rows[1]["why_not"]
