"""Pages that only a form leads to: what is asked again, what is shown once, reports, a sitting, every kind of no."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime

from playwright.sync_api import Page

from models.evaluation import presentation
from models.evaluation.about import About
from models.evaluation.presentation import Attempt, Outcome
from tests.web_ui.looks import says, visit
from tests.web_ui.running import Office

PASSPHRASE = "seven old harbour lamps"


def settings_asked_again(page: Page, office: Office) -> None:
    page.goto(f"{office.url}/settings")
    page.locator("[id='liveness.passive']").uncheck()
    page.get_by_role("button", name="Write the settings").click()
    page.get_by_role("heading", name="Change these settings?").wait_for()


def report(page: Page, office: Office) -> None:
    page.goto(f"{office.url}/recognition")
    for name, content in (("report.json", b'{"people": {"count": 12}, "fmr": {"at": 0.49}}'), ("report.html", measured().encode())):
        page.get_by_label("Report").set_input_files({"name": name, "mimeType": "text/html", "buffer": content})
        page.get_by_role("button", name="Keep the report").click()
        page.get_by_role("link", name=name).wait_for()
    page.get_by_role("link", name="report.json").click()
    page.get_by_role("heading", name="report.json").wait_for()


def measured() -> str:
    """As `daka evaluate --attacks` writes it."""
    outcomes = [Attempt(species, outcome) for species in ("", "print") for outcome in Outcome for _ in range(9)]
    about = About(
        "Liveness", datetime(2026, 1, 2, tzinfo=UTC), "synced", "a machine", {"daka": "1"}, {"yunet": "0" * 64}, {"a": "b"}
    )
    return presentation.page(presentation.counted(outcomes, "learned", 0, "f" * 64), about)


def refused_backup(page: Page, office: Office) -> None:
    page.goto(f"{office.url}/backups/restore")
    page.get_by_label("Backup").set_input_files({"name": "b", "mimeType": "a/b", "buffer": b"no backup at all"})
    page.get_by_label("Passphrase").fill(PASSPHRASE)
    page.get_by_role("button", name="Look into it").click()
    page.locator(".flash.error").wait_for()


def list_refused(page: Page, office: Office) -> None:
    table = "number,name,expires\n9001,王芳,\n9002,,\n9003,Ada,tomorrow\n9001,Again,\n"
    page.goto(f"{office.url}/people/import")
    page.get_by_label("CSV file").set_input_files({"name": "l.csv", "mimeType": "text/csv", "buffer": table.encode()})
    page.get_by_role("button", name="Look at the list").click()
    page.locator(".counts").wait_for()


def photographs_refused(page: Page, office: Office) -> None:
    """Nobody of these has agreed; what the ZIP lacks is said as well."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("1004.jpg", b"\xff\xd8\xff")
        made.writestr("table.csv", "number,photograph\n1004,1004.jpg\n1005,1005.jpg\n")
    page.goto(f"{office.url}/people/photographs")
    page.get_by_label("ZIP file").set_input_files({"name": "p.zip", "mimeType": "application/zip", "buffer": archive.getvalue()})
    page.get_by_role("button", name="Look at the photographs").click()
    page.locator(".counts").wait_for()


def pin_shown(page: Page, office: Office) -> None:
    page.goto(f"{office.url}/people/1004/ways")
    page.get_by_role("button", name="Draw a new PIN").click()
    says(page, "shown once")


def code_shown(page: Page, office: Office) -> None:
    page.goto(f"{office.url}/people/1004/ways")
    page.get_by_role("button", name="Make a new code").click()
    says(page, "Print this code")


def wrong_password(page: Page, office: Office) -> None:
    page.goto(f"{office.url}/people/1005/erase")
    page.get_by_label("Your password").fill("not the password")
    page.get_by_role("button", name="Erase for good").click()
    page.locator(".error").first.wait_for()


def punch_voided(page: Page, office: Office) -> None:
    page.goto(f"{office.url}/punches/12/void")
    page.get_by_label("Reason").fill("a colleague's badge")
    page.get_by_role("button", name="Void").click()
    page.locator("h1:text('Punch 12')").wait_for()


def chain_checked(page: Page, office: Office) -> None:
    page.goto(f"{office.url}/sync")
    page.get_by_role("button", name="Check the whole chain").click()
    page.locator(".flash").wait_for()


def kiosk_says_no(page: Page, office: Office) -> None:
    visit(page, f"{office.url}/people/nobody", 404)


def sitting_under_way(page: Page, office: Office) -> None:
    """Nobody sits before that kiosk; while somebody is about to press "Stop" the page does not renew itself."""
    page.goto(f"{office.url}/people/1006/consent")
    page.get_by_label("The person has read this text").check()
    page.get_by_role("button", name="Record the consent").click()
    page.wait_for_url(f"{office.url}/people/1006")
    page.goto(f"{office.url}/people/1006/sitting")
    page.get_by_role("button", name="Begin at the kiosk").click()
    page.get_by_role("button", name="Stop").focus()


def sitting_ended(page: Page, office: Office) -> None:
    page.get_by_role("button", name="Stop").click()
    says(page, "It ended before all poses were there")


BEHIND_FORMS = {
    "settings-asked-again": settings_asked_again, "report": report, "restore-refused": refused_backup,
    "import-refused": list_refused, "photographs-refused": photographs_refused, "pin-shown": pin_shown, "code-shown": code_shown,
    "wrong-password": wrong_password, "punch-voided": punch_voided, "chain-checked": chain_checked, "kiosk-says-no": kiosk_says_no,
    "sitting-under-way": sitting_under_way, "sitting-ended": sitting_ended,
}  # fmt: skip
