"""Records carried in a file are taken exactly once with those from the broker; what is wrong is named and never half taken."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from device import messages
from enterprise import carrying, keys
from enterprise.commands import main as commands
from tests.enterprise.conftest import Office, open_office
from tests.enterprise.kiosk import Kiosk


def exported(kiosk: Kiosk, file: Path, step: int = 4) -> Path:
    lines = [kiosk.batch(first, min(first + step - 1, kiosk.last)) for first in range(1, kiosk.last + 1, step)]
    file.write_bytes(b"\n".join(lines) + b"\n")
    return file


def rows(office: Office) -> list[tuple[object, ...]]:
    return office.rows("SELECT seq, hash FROM record ORDER BY seq")


def test_a_file_and_the_broker_together_give_each_record_once(office: Office, kiosk: Kiosk, tmp_path: Path) -> None:
    office.ingester.take(kiosk.name, kiosk.batch(1, 6))
    report = carrying.take(office.ingester, exported(kiosk, tmp_path / "stick"))
    assert (report.stored, report.duplicates, report.refused) == (4, 6, [])
    again = carrying.take(office.ingester, tmp_path / "stick")
    assert (again.stored, again.duplicates) == (0, 10)
    assert rows(office) == [(seq, kiosk.hash_of(seq).hex()) for seq in range(1, 11)]
    assert office.ingester.take(kiosk.name, kiosk.batch(1, 10)).duplicates == 10


def test_a_file_that_begins_too_late_is_refused_with_where_to_begin(office: Office, kiosk: Kiosk, tmp_path: Path) -> None:
    (tmp_path / "stick").write_bytes(kiosk.batch(5, 10))
    report = carrying.take(office.ingester, tmp_path / "stick")
    assert report.refused == ["line 1: hole: begins at 5, expected 1"]
    assert rows(office) == []


def test_a_changed_record_is_refused_and_the_lines_before_it_stay(office: Office, kiosk: Kiosk, tmp_path: Path) -> None:
    file = exported(kiosk, tmp_path / "stick")
    lines = file.read_bytes().splitlines()
    lines[1] = lines[1].replace(b"Building 4", b"Building 5")
    file.write_bytes(b"\n".join(lines))
    report = carrying.take(office.ingester, file)
    assert report.stored == 4
    assert [sentence.split(": ")[1] for sentence in report.refused] == ["bad_signature", "hole"]


def test_a_kiosk_that_nobody_vouched_for_is_not_taken(office: Office, tmp_path: Path) -> None:
    stranger = Kiosk("kiosk-9")
    report = carrying.take(office.ingester, exported(stranger, tmp_path / "stick"))
    assert "untrusted" in report.refused[0]


def test_the_receipt_is_what_the_kiosk_believes(office: Office, kiosk: Kiosk, tmp_path: Path) -> None:
    report = carrying.take(office.ingester, exported(kiosk, tmp_path / "stick"))
    assert office.answer(report.answers[kiosk.name], kiosk).upto == 10


@given(st.binary(max_size=300), st.integers(0, 10_000), st.binary(min_size=1, max_size=4))
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_noise_in_a_file_is_named_and_stores_nothing_false(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes, place: int, patch: bytes
) -> None:
    folder = tmp_path_factory.mktemp("noise")
    office, kiosk = open_office(f"sqlite:///{folder}/records.db"), Kiosk()
    office.trust(kiosk)
    kiosk.punch(3)
    good = kiosk.batch(1, 4)
    place %= len(good)
    (folder / "stick").write_bytes(noise + b"\n" + good[:place] + patch + good[place + len(patch) :] + b"\n" + good + b"\n")
    report = carrying.take(office.ingester, folder / "stick")
    assert rows(office) == [(seq, kiosk.hash_of(seq).hex()) for seq in range(1, 5)]
    assert sum(report.verdicts.values()) >= 1
    office.store.close()


def test_the_command_says_what_became_of_each_file(address: str, office: Office, kiosk: Kiosk, tmp_path: Path) -> None:
    file = exported(kiosk, tmp_path / "stick")
    good = CliRunner().invoke(commands.daka_enterprise, ["import", str(file), "--database", address])
    assert (good.exit_code, "10 stored, 0 were here already, 0 parked" in good.output) == (0, True)
    file.write_text('number,name\n1001,王芳\n{"source": 7}\n[]\n', encoding="utf-8")
    bad = CliRunner().invoke(commands.daka_enterprise, ["import", str(file), "--database", address])
    assert (bad.exit_code, bad.output.count("no line of a file that daka export has written")) == (1, 4)
    assert office.alarms() == [], "a wrong file is nobody's attack"


def test_one_receipt_covers_several_files_of_one_kiosk_and_there_is_none_for_two(
    address: str, office: Office, kiosk: Kiosk, tmp_path: Path
) -> None:
    other = office.trust(Kiosk("kiosk-2"))
    (tmp_path / "early").write_bytes(kiosk.batch(1, 4) + b"\n")
    files = [tmp_path / "early", exported(kiosk, tmp_path / "all"), exported(other, tmp_path / "other")]
    key = keys.create(tmp_path / "keys")

    def take(answer: Path, *chosen: Path) -> Result:
        words = ["import", *chosen, "--keys", tmp_path / "keys", "--answer", answer, "--database", address]
        return CliRunner().invoke(commands.daka_enterprise, [str(word) for word in words])

    refused = take(tmp_path / "both.answer", files[1], files[2])
    assert "these are of kiosk-1, kiosk-2" in str(refused.exception)
    assert not (tmp_path / "both.answer").exists()
    assert take(tmp_path / "one.answer", files[0], files[1]).output.count("the receipt for kiosk-1 is in") == 1
    data = messages.open_envelope((tmp_path / "one.answer").read_bytes(), "acknowledgement", kiosk.name)
    messages.verify_signed(data, key.public_key(), messages.Purpose.ACKNOWLEDGEMENT, kiosk.name)
    assert data["upto"] == 10


def test_an_epoch_of_another_kiosk_in_the_same_file_is_taken_too(office: Office, kiosk: Kiosk, tmp_path: Path) -> None:
    other = office.trust(Kiosk("kiosk-2"))
    first, second = exported(kiosk, tmp_path / "a"), exported(other, tmp_path / "b")
    (tmp_path / "both").write_bytes(first.read_bytes() + second.read_bytes())
    report = carrying.take(office.ingester, tmp_path / "both")
    assert (report.stored, set(report.answers)) == (11, {kiosk.name, other.name})
    assert messages.parse(report.answers[other.name])["data"]["upto"] == 1
