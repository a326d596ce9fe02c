"""Joining from the web UI: begun by whoever reads the kiosk's screen, and by nobody who has the web daemon alone."""

from __future__ import annotations

from device import api, messages
from tests.device import parts
from tests.web_ui.running import Browser, Office, text_of

ROOT = messages.public_key_text(parts.signing_key(7))
WHERE = "/setup/enterprise"


def invitation(device: str = "kiosk-7", root: str = ROOT) -> str:
    return messages.write_invitation(messages.Invitation("https://127.0.0.1:1", root, "0" * 64, "t" * 32, device))


def test_an_invitation_counts_with_the_code_on_the_kiosks_screen_and_never_without(
    office: Office, browsers: dict[str, Browser]
) -> None:
    page = browsers["administrator"]
    for wrong in ("hello", invitation("kiosk-8")):
        answer = page.submit(WHERE, invitation=wrong)
        assert answer.status_code == 422
        assert wrong in answer.text, "what was typed stays"
    assert office.code() == ""
    asked = page.submit(WHERE, invitation=invitation())
    assert "on the kiosk's screen now" in text_of(asked)
    with office.admin() as screen:
        notice = screen.web_notice()
    assert (notice.host, notice.root_begins.replace(" ", "")) == ("127.0.0.1", ROOT.removeprefix("ed25519:")[:12])
    code = notice.code
    another = invitation(root=messages.public_key_text(parts.signing_key(8)))
    exchanged = page.send(asked, invitation=another, code=code)
    assert exchanged.status_code == 422
    assert "not the code on the kiosk" in text_of(exchanged), "it counts for the enterprise that the screen names"
    refused = page.send(asked, invitation=invitation(), code="0" * 8 if code != "0" * 8 else "1" * 8)
    assert refused.status_code == 422
    assert "not the code on the kiosk" in text_of(refused)
    assert "Show the code" in text_of(page.get(WHERE)), "nothing has begun"
    with api.JoinClient(office.folder.admin_socket) as client:
        client.end_joining("cli:root")
    assert office.code() == "", "who gave it up keeps the screen from no other code"


def test_a_kiosks_name_is_not_for_the_web_ui_to_change(office: Office, browsers: dict[str, Browser]) -> None:
    before = office.folder.config.read_text("utf-8")
    answer = browsers["administrator"].submit("/settings", device__id="kiosk-8")
    assert answer.status_code == 422
    assert "another name is chosen before the first start" in answer.text
    assert office.folder.config.read_text("utf-8") == before
