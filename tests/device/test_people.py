"""People, consent and sealed templates: none without the other, and nothing left behind."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from device import people, templates
from device.people import Agreement, ConsentMissing, Directory, NumberTaken, Person, PersonUnknown
from device.templates import TemplateError, WrongDeviceKey
from tests.device import parts

KEY = bytes(range(32))
EMBEDDER = "e" * 64
CAT = "p-" + "ef" * 16
AGREED = Agreement("1", "en", "0" * 64, "consent", "cli:hr")


def vector(seed: int) -> NDArray[np.float32]:
    found = np.random.default_rng(seed).normal(size=128).astype(np.float32)
    return np.asarray(found / np.linalg.norm(found), dtype=np.float32)


def add(directory: Directory, person: str, number: str, *, agreed: bool = True, templates_made: int = 1) -> None:
    directory.add(Person(person, number, f"Name {number}", "en", False, 0), parts.START)
    if agreed:
        directory.agree(person, AGREED, parts.START)
        for made in range(templates_made):
            directory.add_template(person, EMBEDDER, "photograph", vector(made + int(number)), parts.START)


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Directory]:
    found = Directory(tmp_path / "people.db", KEY)
    yield found
    found.close()


def test_no_template_comes_to_be_without_a_consent_in_force(directory: Directory) -> None:
    add(directory, parts.ADA, "1", agreed=False)
    with pytest.raises(ConsentMissing, match="daka people consent"):
        directory.add_template(parts.ADA, EMBEDDER, "photograph", vector(1), parts.START)
    with pytest.raises(ConsentMissing):
        directory.require_consent(parts.ADA)
    assert directory.get(parts.ADA).templates == 0
    directory.agree(parts.ADA, AGREED, parts.START)
    directory.add_template(parts.ADA, EMBEDDER, "photograph", vector(1), parts.START)
    assert directory.get(parts.ADA).templates == 1
    directory.withdraw(parts.ADA)
    with pytest.raises(ConsentMissing):
        directory.add_template(parts.ADA, EMBEDDER, "photograph", vector(1), parts.START)


def test_the_list_is_read_once_and_anew_after_every_change(directory: Directory) -> None:
    add(directory, parts.ADA, "1")
    first = directory.list()
    assert directory.list() is first
    directory.withdraw(parts.ADA)
    assert directory.list()[0].has_consent is False
    directory.close()
    add(directory, parts.BOB, "7", agreed=False)
    assert [person.number for person in directory.list()] == ["1", "7"]


def test_nobody_unknown_gets_a_template(directory: Directory) -> None:
    with pytest.raises(ConsentMissing):
        directory.add_template(parts.BOB, EMBEDDER, "photograph", vector(1), parts.START)


def test_a_template_comes_back_as_it_was(directory: Directory) -> None:
    add(directory, parts.ADA, "1", templates_made=2)
    add(directory, parts.BOB, "7")
    found = directory.templates(EMBEDDER).whole
    assert [person for person, _ in found] == [parts.ADA, parts.ADA, parts.BOB]
    for (_, opened), seed in zip(found, (1, 2, 7), strict=True):
        np.testing.assert_array_equal(opened, vector(seed))
    assert directory.templates("another embedder").whole == ()


def test_a_template_without_a_consent_in_force_is_not_opened(directory: Directory, tmp_path: Path) -> None:
    add(directory, parts.ADA, "1")
    with sqlite3.connect(tmp_path / "people.db") as connection:
        connection.execute("DELETE FROM consent")
    assert directory.templates(EMBEDDER).whole == ()


def stored(path: Path, query: str) -> list[bytes]:
    connection = sqlite3.connect(path)
    found = [bytes(row[0]) for row in connection.execute(query)]
    connection.close()
    return found


def pieces(secret: bytes) -> list[bytes]:
    return [secret[at : at + 16] for at in range(0, len(secret) - 15, 8)]


def test_withdrawal_leaves_no_byte_of_template_or_key_in_any_file(directory: Directory, tmp_path: Path) -> None:
    path = tmp_path / "people.db"
    add(directory, parts.ADA, "1", templates_made=3)
    add(directory, parts.BOB, "7")
    for number in range(20, 60):
        add(directory, f"p-{number:032x}", str(number))
    secrets = stored(path, f"SELECT sealed FROM template WHERE person = '{parts.ADA}'")
    secrets += stored(path, f"SELECT wrapped FROM person_key WHERE person = '{parts.ADA}'")
    others = stored(path, f"SELECT sealed FROM template WHERE person = '{parts.BOB}'")
    assert len(secrets) == 4
    assert any(pieces(secrets[0])[3] in file.read_bytes() for file in tmp_path.iterdir()), "the search itself must be able to find"
    assert directory.withdraw(parts.ADA) == 3
    everything = b"".join(file.read_bytes() for file in sorted(tmp_path.iterdir()))
    assert {file.name for file in tmp_path.iterdir()} >= {"people.db", "people.db-wal", "people.db-shm"}
    for secret in secrets:
        for piece in pieces(secret):
            assert piece not in everything
    assert others[0] in everything
    assert directory.templates(EMBEDDER).whole[0][0] == parts.BOB
    assert directory.agreement(parts.ADA) is None
    assert (directory.get(parts.ADA).has_consent, directory.get(parts.ADA).templates) == (False, 0)


def test_the_vector_itself_is_never_in_the_file(directory: Directory, tmp_path: Path) -> None:
    add(directory, parts.ADA, "1")
    everything = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    for piece in pieces(vector(1).tobytes()):
        assert piece not in everything
    assert KEY not in everything


def test_two_people_never_share_a_key_and_two_seals_never_look_alike(directory: Directory, tmp_path: Path) -> None:
    for person, number in ((parts.ADA, "1"), (parts.BOB, "7")):
        directory.add(Person(person, number, "x", "en", False, 0), parts.START)
        directory.agree(person, AGREED, parts.START)
        for _ in range(2):
            directory.add_template(person, EMBEDDER, "photograph", vector(1), parts.START)
    assert len(set(stored(tmp_path / "people.db", "SELECT sealed FROM template"))) == 4
    assert len(set(stored(tmp_path / "people.db", "SELECT wrapped FROM person_key"))) == 2


def test_swapped_templates_do_not_open(directory: Directory, tmp_path: Path) -> None:
    add(directory, parts.ADA, "1")
    add(directory, parts.BOB, "7")
    with sqlite3.connect(tmp_path / "people.db") as connection:
        (ada,), (bob,) = connection.execute("SELECT sealed FROM template ORDER BY id").fetchall()
        connection.execute("UPDATE template SET sealed = ? WHERE person = ?", (bob, parts.ADA))
        connection.execute("UPDATE template SET sealed = ? WHERE person = ?", (ada, parts.BOB))
    opened = directory.templates(EMBEDDER)
    assert opened.whole == ()
    assert opened.damaged == {parts.ADA, parts.BOB}


def test_one_damaged_template_or_key_leaves_everybody_elses_open(directory: Directory, tmp_path: Path) -> None:
    for person, number in ((parts.ADA, "1"), (parts.BOB, "7"), (CAT, "11")):
        add(directory, person, number, templates_made=2)
    with sqlite3.connect(tmp_path / "people.db") as connection:
        connection.execute("UPDATE template SET sealed = zeroblob(540) WHERE id = (SELECT min(id) FROM template)")
        connection.execute("UPDATE person_key SET wrapped = zeroblob(60) WHERE person = ?", (parts.BOB,))
    opened = directory.templates(EMBEDDER)
    assert [person for person, _ in opened.whole] == [parts.ADA, CAT, CAT]
    assert opened.damaged == {parts.ADA, parts.BOB}
    assert directory.templates_of(parts.BOB, EMBEDDER).damaged == {parts.BOB}


def test_swapped_with_their_keys_they_do_not_open_either(directory: Directory, tmp_path: Path) -> None:
    add(directory, parts.ADA, "1")
    add(directory, parts.BOB, "7")
    with sqlite3.connect(tmp_path / "people.db") as connection:
        for table, column in (("template", "sealed"), ("person_key", "wrapped")):
            rows = dict(connection.execute(f"SELECT person, {column} FROM {table}").fetchall())
            for person, other in ((parts.ADA, parts.BOB), (parts.BOB, parts.ADA)):
                connection.execute(f"UPDATE {table} SET {column} = ? WHERE person = ?", (rows[other], person))
    with pytest.raises(TemplateError):
        directory.templates(EMBEDDER)


def test_another_wrapping_key_opens_nothing(directory: Directory, tmp_path: Path) -> None:
    add(directory, parts.ADA, "1")
    directory.close()
    other = Directory(tmp_path / "people.db", bytes(32))
    with pytest.raises(WrongDeviceKey, match=r"keys/wrapping\.key is not the one"):
        other.templates(EMBEDDER)
    other.close()


SEALED_FOR_ADA = templates.new_person_key(KEY, parts.ADA)
SEALED = templates.seal(KEY, SEALED_FOR_ADA, parts.ADA, EMBEDDER, vector(1))


@given(st.integers(0, len(SEALED) - 1), st.integers(0, 7), st.booleans())
def test_one_flipped_bit_of_seal_or_key_is_an_error_never_raw_bytes(place: int, bit: int, in_key: bool) -> None:
    wrapped, sealed = bytearray(SEALED_FOR_ADA), bytearray(SEALED)
    target = wrapped if in_key else sealed
    target[place % len(target)] ^= 1 << bit
    with pytest.raises(TemplateError):
        templates.open_sealed(KEY, bytes(wrapped), parts.ADA, EMBEDDER, bytes(sealed))


@given(st.integers(0, len(SEALED) - 1))
def test_a_seal_cut_anywhere_is_an_error(length: int) -> None:
    with pytest.raises(TemplateError):
        templates.open_sealed(KEY, SEALED_FOR_ADA, parts.ADA, EMBEDDER, SEALED[:length])
    with pytest.raises(TemplateError):
        templates.open_sealed(KEY, SEALED_FOR_ADA[: length % len(SEALED_FOR_ADA)], parts.ADA, EMBEDDER, SEALED)


@pytest.mark.parametrize(("person", "embedder"), [(parts.BOB, EMBEDDER), (parts.ADA, "f" * 64)])
def test_a_seal_is_bound_to_its_person_and_its_embedder(person: str, embedder: str) -> None:
    np.testing.assert_array_equal(templates.open_sealed(KEY, SEALED_FOR_ADA, parts.ADA, EMBEDDER, SEALED), vector(1))
    with pytest.raises(TemplateError):
        templates.open_sealed(KEY, SEALED_FOR_ADA, person, embedder, SEALED)


def test_even_under_one_and_the_same_key_a_template_stays_its_persons() -> None:
    raw = bytes(range(32))
    ada, bob = (templates._seal(KEY, raw, f"daka/v1/person-key/{person}") for person in (parts.ADA, parts.BOB))
    sealed = templates.seal(KEY, ada, parts.ADA, EMBEDDER, vector(1))
    np.testing.assert_array_equal(templates.open_sealed(KEY, ada, parts.ADA, EMBEDDER, sealed), vector(1))
    with pytest.raises(TemplateError):
        templates.open_sealed(KEY, bob, parts.BOB, EMBEDDER, sealed)


@pytest.mark.parametrize("wrong", [np.zeros(127, np.float32), np.zeros(128, np.float64), np.zeros((1, 128), np.float32)])
def test_only_vectors_of_the_right_shape_are_sealed(wrong: NDArray[np.float32]) -> None:
    with pytest.raises(TemplateError, match="128"):
        templates.seal(KEY, SEALED_FOR_ADA, parts.ADA, EMBEDDER, wrong)


def test_an_employee_number_belongs_to_one_person(directory: Directory) -> None:
    add(directory, parts.ADA, "1")
    with pytest.raises(NumberTaken, match="daka people list"):
        directory.check_free("1")
    with pytest.raises(NumberTaken):
        directory.add(Person(parts.BOB, "1", "Bob", "en", False, 0), parts.START)
    directory.check_free("2")
    assert [person.person for person in directory.list()] == [parts.ADA]


def test_unknown_people_are_said_to_be_unknown(directory: Directory) -> None:
    with pytest.raises(PersonUnknown, match="4711"):
        directory.by_number("4711")
    with pytest.raises(PersonUnknown):
        directory.get(parts.BOB)
    with pytest.raises(PersonUnknown):
        directory.agree(parts.BOB, AGREED, parts.START)


def test_everybody_is_listed_by_number_and_found_again_after_a_restart(directory: Directory, tmp_path: Path) -> None:
    add(directory, parts.BOB, "20", agreed=False)
    add(directory, parts.ADA, "10")
    directory.close()
    again = Directory(tmp_path / "people.db", KEY)
    assert [(person.number, person.has_consent, person.templates) for person in again.list()] == [
        ("10", True, 1),
        ("20", False, 0),
    ]
    assert again.agreement(parts.ADA) == AGREED
    assert len(again.templates(EMBEDDER).whole) == 1
    again.close()


def test_the_file_is_the_owners_alone(directory: Directory, tmp_path: Path) -> None:
    add(directory, parts.ADA, "1")
    assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o600}


def test_every_reason_to_refuse_a_change_is_one_kind_of_error() -> None:
    assert all(issubclass(kind, people.PeopleError) for kind in (NumberTaken, PersonUnknown, ConsentMissing))
