"""How many people are searched, from which score, and what a site's own measurement changes about it."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from device import gallery, people
from device.gallery import Keeper, Promise, Terms
from models import manifest, match, openset
from models.evaluation import site
from tests.device import parts
from tests.device.test_people import AGREED, EMBEDDER, KEY


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[people.Directory]:
    found = people.Directory(tmp_path / "people.db", KEY)
    yield found
    found.close()


def enrol(directory: people.Directory, vectors: NDArray[np.float32]) -> None:
    for number, vector in enumerate(vectors):
        person = f"p-{number:032x}"
        directory.add(people.Person(person, str(number), "x", "en", False, 0), parts.START)
        directory.agree(person, AGREED, parts.START)
        directory.add_template(person, EMBEDDER, "photograph", vector, parts.START)


def faces(count: int, alike: float = 0.0) -> NDArray[np.float32]:
    """Random faces; `alike` is the cosine that they have in common."""
    random = np.random.default_rng(5)
    found = random.standard_normal((count, 128))
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    common = random.standard_normal(128)
    found = np.sqrt(1 - alike) * found + np.sqrt(alike) * common / np.linalg.norm(common)
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True), dtype=np.float32)


ATTEMPTS = Promise()
STRICT = Promise(0.03)


def terms(promise: Promise = ATTEMPTS) -> Terms:
    calibration = manifest.load().calibration
    assert calibration is not None
    return Terms(calibration.limits, promise, calibration.one_to_one)


def test_the_promise_is_about_whole_attempts_and_so_a_look_has_to_keep_to_less(directory: people.Directory) -> None:
    one_look = Keeper(directory, EMBEDDER, terms(Promise(0.05, looks=1, votes=1))).most_people()
    attempts = Keeper(directory, EMBEDDER, terms()).most_people()
    assert one_look == 368
    assert attempts == 243
    assert openset.false_positives(terms().bounds[-1].false_match_rate, attempts) * 3 / 2 <= 0.05


def test_a_change_of_the_gallery_waits_for_the_search_under_way(
    directory: people.Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrol(directory, faces(3))
    keeper, beside, order = Keeper(directory, EMBEDDER, terms()), list[threading.Thread](), list[str]()

    def change() -> None:
        keeper.renew("p-nobody")
        order.append("changed")

    def search(*_: object) -> None:
        beside.append(threading.Thread(target=change))
        beside[0].start()
        time.sleep(gallery.GIVE_WAY_S / 2)
        order.append("found")

    monkeypatch.setattr(match, "best", search)
    keeper.known.nearest(faces(1)[0])
    beside[0].join(5)
    assert order == ["found", "changed"]


def test_measuring_a_small_site_does_not_raise_its_threshold(directory: people.Directory) -> None:
    enrol(directory, faces(60))
    keeper = Keeper(directory, EMBEDDER, terms())
    before = keeper.known.search_from
    keeper.measure_site(parts.START)
    assert before is not None
    assert keeper.known.search_from is not None
    assert keeper.known.search_from <= before


def test_a_site_whose_people_look_alike_loses_what_the_shipped_limits_allowed(directory: people.Directory) -> None:
    enrol(directory, faces(40, alike=0.6))
    keeper = Keeper(directory, EMBEDDER, terms(STRICT))
    assert keeper.known.search_from is not None
    keeper.measure_site(parts.START)
    assert keeper.known.search_from is None
    assert keeper.most_people() <= 1


def test_a_measured_site_may_grow_to_twice_its_people_and_no_further(directory: people.Directory) -> None:
    enrol(directory, faces(200))
    keeper = Keeper(directory, EMBEDDER, terms(STRICT))
    assert keeper.known.search_from is None
    measured = keeper.measure_site(parts.START)
    assert keeper.known.search_from is not None
    assert keeper.most_people() == measured.most_people <= site.GROWTH * 200


def test_what_an_earlier_version_measured_is_still_gone_by(directory: people.Directory, tmp_path: Path) -> None:
    enrol(directory, faces(30))
    keeper = Keeper(directory, EMBEDDER, terms())
    keeper.measure_site(parts.START)
    with sqlite3.connect(tmp_path / "people.db") as connection:
        (text,) = connection.execute("SELECT bounds FROM site_measurement").fetchone()
        connection.execute("UPDATE site_measurement SET bounds = ?", (json.dumps(json.loads(text)["bounds"]),))
    found = directory.site_measurement()
    assert found is not None
    assert (found.named, found.at_least) == ((), ())
    assert Keeper(directory, EMBEDDER, terms()).known.search_from is not None


def test_people_who_come_and_go_are_counted_as_they_would_be_afresh(directory: people.Directory) -> None:
    vectors = faces(90)
    enrol(directory, vectors[:89])
    keeper = Keeper(directory, EMBEDDER, terms())
    person = "p-" + "f" * 32
    directory.add(people.Person(person, "new", "x", "en", False, 0), parts.START)
    directory.agree(person, AGREED, parts.START)
    for vector in (vectors[89], vectors[89]):  # two templates of one person
        directory.add_template(person, EMBEDDER, "photograph", vector, parts.START)
        keeper.renew(person)
    assert keeper.known.search_from == Keeper(directory, EMBEDDER, terms()).known.search_from
    with_them = keeper.known.search_from
    for gone in (person, f"p-{0:032x}", f"p-{1:032x}"):
        directory.withdraw(gone)
        keeper.renew(gone)
    assert keeper.known.search_from == Keeper(directory, EMBEDDER, terms()).known.search_from
    assert with_them is not None
    assert keeper.known.search_from is not None
    assert keeper.known.search_from < with_them
