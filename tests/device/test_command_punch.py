"""`daka punch` at a running kiosk: every way without a face from the keyboard, and a reason where it comes to nothing."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import click.testing
import pytest

from device import people_counter, server, state
from device.commands.context import Context
from device.commands.main import daka
from device.commands.punch import punch
from tests.device import parts
from tests.device.test_ways import OTHER, PIN, Counter, Make
from tests.device.test_ways import make as make


@pytest.fixture
def kiosk(make: Make) -> Iterator[tuple[Counter, Path]]:
    with tempfile.TemporaryDirectory(prefix="daka-") as name:
        counter, folder = make(), state.Folder(Path(name))
        routes = people_counter.ways_routes(counter.ways)
        serving = server.serve(server.application("admin", routes), server.listen(folder.admin_socket), 2)
        thread = threading.Thread(target=serving.run, daemon=True)
        thread.start()
        folder.config.write_text('[device]\ntime_zone = "Asia/Shanghai"\n', "utf-8")
        yield counter, folder.root
        serving.close()
        thread.join(5)


def call(folder: Path, *words: str, typed: str = "") -> click.testing.Result:
    return click.testing.CliRunner().invoke(punch, words, input=typed, obj=Context(state.Folder(folder)))


def test_number_and_pin_clock_in_and_say_the_receipt(kiosk: tuple[Counter, Path]) -> None:
    counter, folder = kiosk
    done = call(folder, "pin", "1001", typed=f"{PIN}\n")
    assert done.exit_code == 0, done.output
    assert f"Ada: in at 2026-11-23 17:00:00 +0800, record 2, {counter.journal.head().hash}" in done.output
    assert PIN not in done.output


def test_an_assigned_pin_is_changed_on_the_way(kiosk: tuple[Counter, Path]) -> None:
    counter, folder = kiosk
    counter.directory.credentials.set_pin(parts.BOB, "1002", PIN, parts.START, must_change=True)
    done = call(folder, "pin", "1002", typed=f"{PIN}\n918273\n918273\n")
    assert done.exit_code == 0, done.output
    assert counter.records()[0].person == parts.BOB


def test_a_badge_and_the_pin_that_completes_it(kiosk: tuple[Counter, Path]) -> None:
    counter, folder = kiosk
    done = call(folder, "badge", "badge-bob", typed=f"{OTHER}\n")
    assert done.exit_code == 0, done.output
    assert counter.records()[0].method == "badge+pin"


def test_a_supervisor_vouches_from_the_keyboard(kiosk: tuple[Counter, Path]) -> None:
    counter, folder = kiosk
    done = call(folder, "assist", "1001", "--reason", "forgotten", typed=f"badge-bob\n{OTHER}\n")
    assert done.exit_code == 0, done.output
    assert (counter.records()[0].assisted_by, counter.records()[0].reason) == (parts.BOB, "forgotten")


def test_what_comes_to_nothing_says_why(kiosk: tuple[Counter, Path]) -> None:
    _, folder = kiosk
    for _ in range(2):
        assert "wrong" in call(folder, "pin", "1001", typed="999998\n").output
    assert "the next try counts in 5 s" in call(folder, "pin", "1001", typed="999998\n").output
    nobody = call(folder, "code", "nobody-has-this")
    assert (nobody.exit_code, "unknown code" in nobody.output) == (1, True)


def test_the_command_is_there() -> None:
    assert daka.get_command(click.Context(daka), "punch") is punch
