"""What pages say about the device is true: how it joins, whom to ask, where it goes, what liveness means, and the commands."""

from __future__ import annotations

import ast
from pathlib import Path

import flask
import pytest
from click.testing import CliRunner
from flask_babel import Babel

from device import api, config, selftest, settings
from device.commands.main import daka
from tests.web_ui import running
from tests.web_ui.running import Browser, Office, text_of
from web_ui.pages import privacy, recognition, sync
from web_ui.words import CHECK_FAILURES, CHECKS, CHOICES


def test_the_wizard_says_how_a_kiosk_joins_and_names_commands_that_there_are(browsers: dict[str, Browser]) -> None:
    page = text_of(browsers["administrator"].get("/setup/enterprise"))
    assert "daka-enterprise join invite kiosk-7" in page
    assert "daka join" in page
    assert "give back the broker" not in page
    shown = CliRunner().invoke(daka, ["join", "--help"]).output
    assert "INVITATION" in shown
    assert "--request" in shown


def test_whom_to_ask_is_named_in_the_wizard_and_shown_under_privacy(browsers: dict[str, Browser], auditor: Browser) -> None:
    administrator = browsers["administrator"]
    assert "Nobody is named" in text_of(auditor.get("/privacy"))
    assert administrator.submit("/setup", contact="Ms <b>Li</b>, 8-1234").status_code == 302
    page = auditor.get("/privacy").text
    assert "Ms &lt;b&gt;Li&lt;/b&gt;, 8-1234" in page
    assert administrator.submit("/setup", contact="").status_code == 302


def test_messages_have_their_switch_and_the_address_of_renewal_its_row(browsers: dict[str, Browser]) -> None:
    administrator = browsers["administrator"]
    assert "Messages: switch off" in administrator.get("/settings").text
    assert administrator.submit("/settings", form="page.messages").status_code == 302
    assert "Messages: switch on" in administrator.get("/settings").text
    assert administrator.submit("/settings", form="page.messages").status_code == 302
    assert "A new certificate, before the old one ends" in text_of(administrator.get("/privacy"))


def test_every_address_that_a_setting_names_is_among_the_outside_addresses(tmp_path: Path) -> None:
    """And each kind of question that is asked there is said."""
    settings = {name: value for section in config.Config.model_fields for name, value in named(section)}
    where = {name: f"{name.replace('_', '-')}.example" for name in settings if name.endswith((".host", "_url"))}
    assert {"uplink.host", "uplink.renew_url"} <= set(where)
    parts, app = running.alone(tmp_path)
    with app.test_request_context(headers={"Accept-Language": "en"}):
        rows = [" ".join(row) for row in privacy.outside_addresses({**settings, **where, "uplink.enabled": True})]
        nothing = [" ".join(row) for row in privacy.outside_addresses({**settings, "uplink.enabled": False})]
    parts.store.close()
    assert [address for address in where.values() if not any(address in row for row in rows)] == []
    asked = next(row for row in rows if where["uplink.renew_url"] in row)
    assert [word for word in ("certificate", "updates", "share") if word not in asked] == []
    assert len([row for row in rows if ".example" in row]) == len(where)
    assert ".example" not in "".join(nothing)


def named(section: str) -> list[tuple[str, object]]:
    """The settings of a section under their whole names, as they come."""
    return [(f"{section}.{name}", value) for name, value in getattr(config.Config(), section)]


@pytest.mark.parametrize("number", ["nan", "inf", "-inf"])
def test_what_is_no_number_to_write_down_is_said_beside_the_setting(browsers: dict[str, Browser], number: str) -> None:
    answer = browsers["administrator"].submit("/settings", attend__min_gap_s=number)
    assert answer.status_code == 422
    assert "This is not a number" in answer.text


def test_the_sync_page_names_the_self_test_that_there_is(auditor: Browser) -> None:
    assert "daka doctor --uplink" in auditor.get("/sync").text
    assert "--uplink" in CliRunner().invoke(daka, ["doctor", "--help"]).output


@pytest.mark.parametrize(
    ("passive", "challenge", "said", "not_said"),
    [
        (True, "unsure", "When the signs leave it open, the kiosk asks", "may pass"),
        (True, "never", "nobody is asked to do anything", "may pass"),
        (False, "unsure", "a good picture of somebody may pass", "the kiosk asks for actions"),
        (False, "always", "At every walk-up the kiosk asks for actions", "may pass"),
    ],
)
def test_the_liveness_policy_is_said_as_it_is_set(passive: bool, challenge: str, said: str, not_said: str) -> None:
    values = {name: value for name, value, _ in config.settings()} | {
        "liveness.passive": passive,
        "liveness.challenge": challenge,
        "liveness.challenge_steps": 5,
        "liveness.challenge_answer_s": 4.0,
    }
    application = flask.Flask("words")
    Babel(application)
    with application.test_request_context():
        policy = " ".join(recognition.liveness_policy(values))
    assert said in policy
    assert not_said not in policy
    assert "They are 5 in random order, 4 seconds for each." in policy


def test_the_recognition_page_says_its_liveness_policy(auditor: Browser) -> None:
    assert "a photograph alone opens none" in text_of(auditor.get("/recognition"))


def test_whoever_asked_is_named_however_many_people_there_are(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(privacy, "MOST_PEOPLE", 2)
    with api.WebClient(office.folder.web_socket) as client:
        monkeypatch.setattr(privacy, "kiosk", lambda: client)
        last = client.people_page(sort="number", descending=True, limit=1).people[0]
        assert privacy.known({last.person}) == {last.person: last}
        assert privacy.known({last.person, "p-of-somebody-erased"}) == {last.person: last}
        assert privacy.known(set()) == {}


def test_a_camera_that_is_away_promises_no_code_that_it_would_have_to_see(auditor: Browser) -> None:
    page = text_of(auditor.get("/"))
    assert "no face and no QR code is seen; number and PIN and the badge go on" in page


def test_every_check_of_a_self_test_has_its_words() -> None:
    """As device.selftest names them; what is left out here would be shown in English."""
    tree = ast.parse(Path(selftest.__file__).read_text("utf-8"))
    findings = [call for call in ast.walk(tree) if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "Finding"]
    checks = {call.args[0].value for call in findings if isinstance(call.args[0], ast.Constant)}
    assert checks == set(CHECKS) == set(CHECK_FAILURES)


@pytest.mark.usefixtures("browsers")
def test_a_self_test_is_begun_from_the_page_and_says_why_there_is_no_way(office: Office) -> None:
    operator, auditor = running.signed_in(office, "operator"), running.signed_in(office, "auditor")
    assert "No self-test since" in text_of(operator.get("/sync/test"))
    assert operator.submit("/sync", form="/sync/test").headers["location"] == "/sync/test"
    assert "The uplink is switched off" in text_of(operator.get("/sync/test"))
    assert "The uplink is switched off" in text_of(auditor.get("/sync/test"))
    assert auditor.client.post("/sync/test").status_code in (400, 403)
    assert "Self-test begun" in text_of(operator.get("/audit"))


def test_a_self_test_shows_what_is_still_ahead() -> None:
    steps = (api.SelfTestStep("certificate", "good", "good for 90 days"), api.SelfTestStep("name resolution", "bad", "", ""))
    assert sync.ahead(())[:2] == ["certificate", "name resolution"]
    assert sync.ahead(steps) == ["TCP", "TLS", "authorisation", "topic rights", "acknowledgement"]


def test_settings_are_shown_in_words_and_never_as_a_programs_values(browsers: dict[str, Browser]) -> None:
    administrator = browsers["administrator"]
    for page in ("/recognition", "/settings", "/audit", "/privacy"):
        words = text_of(administrator.get(page))
        assert " True " not in words, page
        assert " False " not in words, page
    assert "liveness.challenge when the signs leave it open" in text_of(administrator.get("/recognition"))


def test_every_choice_of_a_setting_has_its_words(tmp_path: Path) -> None:
    """One without would be a program's word on somebody's page."""
    shown = settings.shown(tmp_path / "no-file.toml")
    choices = {one.name: set(one.choices) for one in shown if one.choices}
    assert len(choices) > 8
    assert {name: found - set(CHOICES.get(name, {})) for name, found in choices.items() if found - set(CHOICES.get(name, {}))} == {}
