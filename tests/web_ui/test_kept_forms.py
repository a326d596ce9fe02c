"""What was typed while the kiosk daemon is away stays, and is sent again with one button; secrets are typed again."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse
from wtforms import PasswordField

from tests.web_ui import running
from tests.web_ui.running import Browser, Office, text_of
from web_ui import forms, people_forms
from web_ui.roles import Role

HERE = "https://localhost"


@dataclass
class Signed:
    """An administrator at the application itself, in this process; the kiosk daemon is away."""

    client: FlaskClient

    def token(self) -> str:
        """Of the session of now."""
        page = self.client.get("/people/new", base_url=HERE).text
        return str(re.findall(r'name="csrf_token" type="hidden" value="([^"]+)"', page)[-1])

    def post(self, path: str, **typed: str) -> TestResponse:
        """Send a form of this session."""
        data = {"csrf_token": self.token(), **typed}
        return self.client.post(path, data=data, base_url=HERE, headers={"Origin": HERE, "Accept-Language": "en"})


@pytest.fixture
def signed(tmp_path: Path) -> Iterator[Signed]:
    parts, app = running.alone(tmp_path)
    with app.test_request_context():
        account = parts.accounts.add("ada", Role.ADMINISTRATOR, running.PASSWORD, must_change=False)
    client = app.test_client()
    with client.session_transaction(base_url=HERE) as session:
        session["_user_id"], session["_fresh"] = parts.sessions.begin(account, "127.0.0.1", "test").get_id(), True
    yield Signed(client)
    parts.store.close()


def test_what_was_sent_while_the_kiosk_was_away_is_sent_again_with_one_button(office: Office, afresh: dict[str, Browser]) -> None:
    operator = afresh["operator"]
    opened = operator.get("/people/new")
    office.stop("kiosk")
    try:
        away = operator.send(opened, number="7001", name='A "long" typed name', language="zh-TW")
    finally:
        office.start("kiosk")
        office.wait()
    assert away.status_code == 503
    assert "tries again by itself" not in away.text
    assert "Send again" in away.text
    added = operator.send(away)
    assert (added.status_code, added.headers["location"]) == (302, "/people/7001"), text_of(added)
    assert 'A "long" typed name' in text_of(operator.get("/people/7001")).replace("&#34;", '"')


def test_passwords_are_not_kept_and_every_other_line_is(signed: Signed) -> None:
    lines = "first line\r\nsecond line"
    answer = signed.post("/people/1001/erase?from=list", reason="left", current="a secret of mine", second="123456", more=lines)
    assert answer.status_code == 503
    assert "a secret of mine" not in answer.text
    assert "123456" not in answer.text
    assert 'name="reason" value="left"' in answer.text
    assert lines in answer.text


def test_what_is_kept_goes_to_the_very_address_that_was_asked(signed: Signed) -> None:
    """A number may hold signs of an address: to write it out anew could name somebody else."""
    answer = signed.post("/people/A%2541/erase", reason="left")
    assert 'name="reason" value="left"' in answer.text
    assert re.search(r'<form method="post">[^<]*<input[^>]*csrf_token', answer.text), (
        "a form without an address has that of its page"
    )
    assert "A%41" not in answer.text


def test_a_page_that_keeps_something_offers_no_other_language(signed: Signed) -> None:
    """In another one it would be fetched anew, without what is kept."""
    away = signed.post("/people/new", number="7002", name="Kept", language="en")
    assert 'name="number" value="7002"' in away.text
    assert "_language" not in away.text
    assert 'class="inline languages"' not in away.text
    assert 'class="inline languages"' in signed.client.get("/people", base_url=HERE).text


def test_whoever_only_chose_another_language_has_it_chosen_by_sending_again(signed: Signed) -> None:
    """They did not send the form yet: sent again, it is shown, and done no more than before."""
    away = signed.post("/people/1001/erase", reason="left", _language="zh-TW")
    assert 'name="_language" value="zh-TW"' in away.text


def test_a_page_of_somebody_elses_gets_nothing_kept(signed: Signed) -> None:
    """Or a form that was slipped under somebody would come back with a good token in it."""
    answer = signed.client.post("/people/new", data={"number": "7003"}, base_url=HERE, headers={"Origin": HERE})
    assert answer.status_code == 400
    assert "7003" not in answer.text


def secrets_of(room: object) -> set[str]:
    """The fields of all forms of a module that nobody but their owner may see again."""
    found = set()
    for form in (one for _, one in inspect.getmembers(room, inspect.isclass) if issubclass(one, forms.Form)):
        for name in dir(form):
            field = getattr(form, name)
            if not hasattr(field, "field_class"):
                continue
            code = (field.kwargs.get("render_kw") or {}).get("autocomplete") == "one-time-code"
            if code or issubclass(field.field_class, PasswordField):
                found.add(name)
    return found


def test_every_secret_of_every_form_is_among_those_that_are_never_kept() -> None:
    named = secrets_of(forms) | secrets_of(people_forms)
    assert {"current", "second", "passphrase", "code"} <= named
    assert named <= forms.NEVER_KEPT
    assert "secret" in forms.NEVER_KEPT, "of the second factor, in a hidden field"
