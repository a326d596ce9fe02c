"""What the kiosk is called and whose it is: what pages may change of that, and the commands for what they may not."""

from __future__ import annotations

import pytest

from tests.web_ui import running
from tests.web_ui.running import PASSWORD, Browser, Office, text_of

CONSEQUENCE = "those of before keep the old one for good"


@pytest.mark.usefixtures("browsers")
def test_a_place_is_renamed_with_ones_own_password_and_on_record(office: Office) -> None:
    administrator = running.signed_in(office, "administrator")
    asked = administrator.submit("/settings/kiosk", form="/settings", device__site="South gate")
    assert CONSEQUENCE in text_of(asked)
    assert 'value="Main gate"' in administrator.get("/settings/kiosk").text, "nothing is written yet"
    assert administrator.send(asked, current="not the password").status_code == 422
    assert administrator.send(asked, current=PASSWORD).status_code == 302
    assert 'value="South gate"' in administrator.get("/settings/kiosk").text
    assert "device.site = South gate" in text_of(administrator.get("/audit?kind=audit"))
    again = administrator.submit("/setup", site="Main gate")
    assert CONSEQUENCE in text_of(again), "the wizard asks as well"
    assert administrator.send(again, current=PASSWORD).status_code == 302


def test_leaving_and_the_name_in_the_records_are_roots_and_the_page_has_the_commands(
    browsers: dict[str, Browser], auditor: Browser
) -> None:
    page = auditor.get("/settings/kiosk")
    for said in ("None; it works on its own", "kiosk-7", "./install.sh --name kiosk-2", "sudo daka leave"):
        assert said in text_of(page), said
    assert "disabled" in page.text
    assert browsers["operator"].client.post("/settings", data={"device.site": "x"}).status_code in (400, 403)
