"""The enterprise's policy over the kiosk's own settings: what counts at once, what at the next start, and when that comes."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from device import config, following, kiosk, messages, policy, state
from device.kiosk import running
from device.messages import Content
from tests.device import parts
from tests.device.test_downlink import NOW

OWN = config.Config()


def content(**settings: str) -> Content:
    return Content(policy=messages.Policy("hr:li", {name.replace("__", "."): value for name, value in settings.items()}))


def test_every_class_of_data_has_its_setting() -> None:
    days = dict.fromkeys(policy.RETENTION, 77)
    found, problems = policy.overlaid(OWN, Content(retention=messages.Retention("dpo:wu", days)))
    assert problems == ()
    assert found.journal.keep_days == 77
    assert {
        found.retention.templates_days,
        found.retention.unrenewed_days,
        found.retention.audit_days,
        found.retention.left_days,
    } == {77}


def test_the_published_names_and_limits_are_those_of_the_settings() -> None:
    """Else: python -m device.policy."""
    assert messages.schema.read("policy") == policy.published()


def test_what_is_taken_back_is_the_kiosks_own_again() -> None:
    governed = policy.Governed(OWN, content(attend__min_gap_s="90.0"))
    assert governed.now.attend.min_gap_s == 90.0
    governed.settle(Content())
    assert governed.now == OWN


def test_shifts_can_be_decided_from_afar_and_a_bad_one_is_named() -> None:
    good, _ = policy.overlaid(OWN, content(attend__shifts="'office 09:00-18:00'"))
    assert good.attend.shifts == "office 09:00-18:00"
    bad, problems = policy.overlaid(OWN, content(attend__shifts="'office'"))
    assert bad == OWN
    assert [problem.item for problem in problems] == ["attend.shifts"]


@pytest.mark.parametrize(
    ("settings", "restarts"),
    [
        ({"attend__min_gap_s": "90.0"}, False),
        ({"journal__keep_days": "60"}, False),
        ({"retention__left_days": "10.0"}, False),
        ({"attend__change_within_s": "60.0"}, True),
        ({"attend__change_within_s": "5.0"}, False),  # a result stays for longer
        ({"recognition__votes": "3"}, True),
    ],
)
def test_only_what_is_read_at_the_start_asks_for_one(settings: dict[str, str], restarts: bool) -> None:
    now, problems = policy.overlaid(OWN, content(**settings))
    assert problems == ()
    assert following.needs_restart(OWN, now) is restarts


def test_the_daemon_starts_afresh_only_when_nobody_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "QUIET_LOOK_S", 0.02)
    quiet, stop = threading.Event(), threading.Event()
    thread = threading.Thread(target=kiosk.restart_when_quiet, args=(quiet.is_set, stop))
    thread.start()
    assert not stop.wait(0.2)
    quiet.set()
    assert stop.wait(5)
    thread.join(5)


def test_a_message_reaches_whom_this_kiosk_knows_under_another_id(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    found = following.Following(state.Folder(tmp_path), OWN)
    notices = (
        messages.Notice("notice-1", parts.ADA, "for Ada", NOW, NOW, "hr:li"),
        messages.Notice("notice-2", "", "for all", NOW, NOW, "hr:li"),
    )
    found.kept.applied(messages.Place(100, 1), Content(notices=notices))
    found.kept.learn_aliases([messages.Alias(parts.ADA, parts.BOB)])
    assert [one.person for one in found.notices()] == [parts.BOB, ""]
    found.kept.close()
