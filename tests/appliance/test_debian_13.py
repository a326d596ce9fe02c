"""The newer Debian in short. A punch arrives, what is killed or hangs comes back, a release stays, no daemon does what it must not.

`make long` does the rest there, with the screen.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.appliance import test_appliance as at_length
from tests.appliance.conftest import LONG_ENOUGH, Appliance, Workshop, raised, release

pytestmark = pytest.mark.timeout(1_800)  # as in test_appliance.py


@pytest.fixture(scope="module", params=["trixie"])
def newer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, workshop: Workshop) -> Iterator[Appliance]:
    for made in raised(workshop, request.param, tmp_path_factory.mktemp("newer")):
        made.begin()
        yield made


def test_on_debian_13_a_punch_arrives(newer: Appliance) -> None:
    newer.wait("a punch arrives", lambda: newer.enterprise.punches() >= 1)


def test_on_debian_13_daemons_that_are_killed_come_back_and_the_next_punch_arrives(newer: Appliance) -> None:
    at_length.test_daemons_that_are_killed_come_back_and_the_next_punch_arrives(newer)


def test_on_debian_13_daemons_that_hang_are_ended_by_the_watchdog_and_come_back(newer: Appliance) -> None:
    at_length.test_daemons_that_hang_are_ended_by_the_watchdog_and_come_back(newer)


def test_on_debian_13_a_signed_release_is_tried_and_stays(newer: Appliance) -> None:
    newer.trust()
    archive = release(newer, "0.1.1")
    assert "0.1.1 runs and holds" in newer.call("daka", "update", "apply", *LONG_ENOUGH, str(archive))
    assert newer.call("ls", "/opt/daka/versions").split() == ["0.1.0", "0.1.1"]
    newer.somebody_comes()


def test_on_debian_13_no_daemon_can_do_what_it_must_not(newer: Appliance) -> None:
    at_length.test_no_daemon_can_do_what_it_must_not(newer)
