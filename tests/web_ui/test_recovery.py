"""Where the code stands with which a lost password is set anew."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from device.api import WebClient
from tests.web_ui import test_uploads
from web_ui.house import house
from web_ui.roles import Role

client = test_uploads.client  # an administrator, ada, without a second factor


def test_the_code_of_an_administrator_without_a_second_factor_is_on_no_screen(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever stands in the hall reads the screen, and may know the user name; root alone reads the console."""
    asked: dict[str, bool] = {}
    monkeypatch.setattr(WebClient, "ask_recovery", lambda _kiosk, account, *, console: asked.update({account: console}))
    with client.application.test_request_context():
        accounts = house().accounts
        for name, role in (("grace", Role.ADMINISTRATOR), ("olaf", Role.OPERATOR), ("ute", Role.AUDITOR)):
            accounts.add(name, role, "correct horse battery", must_change=False)
        grace = accounts.by_name("grace")
        assert grace is not None
        accounts.set_totp(grace, "JBSWY3DPEHPK3PXP")
    said = {"HTTP_ACCEPT_LANGUAGE": "en"}
    pages = set()
    for name in ("ada", "grace", "olaf", "ute", "nobody"):
        answer = client.post("/recover", data={"name": name}, base_url=test_uploads.ORIGIN, environ_overrides=said)
        page = client.get(answer.headers["location"], base_url=test_uploads.ORIGIN, environ_overrides=said)
        pages.add(page.get_data(as_text=True).replace(f"user {name},", "user").replace(f"name={name}", "name="))
    assert asked == {"ada": True, "grace": False, "olaf": False, "ute": False}
    assert len(pages) == 1, "no page says which accounts there are, or of what role"
    assert "sudo daka web code" in pages.pop()
