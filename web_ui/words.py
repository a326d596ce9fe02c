"""Words for what the kiosk's answers name by a key; and its refusals as sentences in the reader's language."""

from __future__ import annotations

from flask_babel import gettext, lazy_gettext

from device.api import KioskRefused

_ = lazy_gettext

DIRECTIONS = {"in": _("In"), "out": _("Out")}
METHODS = {
    "face": _("Face"), "face+pin": _("Face and PIN"), "face+number": _("Face and number"), "face+badge": _("Face and badge"),
    "qr+pin": _("QR code and PIN"), "badge+pin": _("Badge and PIN"), "office": _("By the office"),
    "face+qr": _("Face and QR code"), "pin": _("PIN"), "qr": _("QR code"), "badge": _("Badge"), "supervisor": _("Supervisor"),
}  # fmt: skip
STATES = {"counts": _("Counts"), "disputed": _("Disputed"), "voided": _("Voided")}
QUALITIES = {"synced": _("Exact"), "corrected": _("Corrected"), "unsynced": _("Not sure")}
LIVENESS = {"passed": _("Passed"), "not_assessed": _("Not assessed"), "failed": _("Failed")}
CAPTURES = {"camera": _("Camera"), "simulated": _("Simulated")}
ROLES = {"administrator": _("Administrator"), "operator": _("Operator"), "auditor": _("Auditor")}
ROLE_MEANINGS = {
    "administrator": _("May do everything: settings, accounts, people, punches."),
    "operator": _("May change people and punches, and look at everything else."),
    "auditor": _("May look at everything and export it, and change nothing."),
}
BASES = {"consent": _("Consent"), "contract": _("Contract"), "legal_duty": _("Legal duty")}
REQUESTS = {"access": _("Access"), "correction": _("Correction"), "erasure": _("Erasure"), "objection": _("Objection")}
OUTCOMES = {"granted": _("Granted"), "partly": _("Granted in part"), "refused": _("Refused")}
ERASURES = {
    "asked": _("The person asked for it"), "left": _("The person has left"), "retention": _("Its time was over"),
    "tombstone": _("Erased at another kiosk"), "came_back": _("Came back after an erasure"),
}  # fmt: skip
STEPS = {
    "add": _("Will be added"), "change": _("Will be changed"), "same": _("Stays as it is"), "end": _("Will end"),
    "refuse": _("Refused"),
}  # fmt: skip
PURGES = {
    "template": _("Face not used for long"), "unrenewed": _("A new text was not agreed to"), "left": _("The last day is past"),
}  # fmt: skip
POSES = {
    "forward": _("looks straight ahead"), "turn_left": _("turns the head to the left"),
    "turn_right": _("turns the head to the right"),
}  # fmt: skip
CAMERA_STATES = {
    "streaming": _("Working"), "opening": _("Starting"), "away": _("Away"), "black": _("Covered or dark"),
    "not_running": _("Not running"), "ended": _("Ended"),
}  # fmt: skip
CLOCK_SOURCES = {"server": _("The server"), "ntp": _("NTP"), "operator": _("An operator"), "none": _("Nobody")}
LOCK_EVENTS = {
    "verified": _("Person verified"), "head": _("Length of the log"), "broken": _("Log cut or put back"), "boot": _("Switched on"),
    "armed": _("Waits for the press"), "stamp": _("Stamp counted"), "stamped": _("Stamped"),
    "unfinished": _("Counted, power failed"), "closed": _("Ended without a press"), "refused": _("Refused by the lock"),
    "session_refused": _("Stranger refused"), "tamper": _("Opened by force"), "tamper_cleared": _("Alarm taken back"),
    "drop": _("Fell"), "battery_low": _("Battery low"), "paired": _("Paired"), "forgotten": _("Pairing removed"),
    "renamed": _("Renamed"), "epoch": _("Older approvals void"), "no_factor": _("Pressed without the finger"),
}  # fmt: skip
LOCK_STAGES = {
    "waiting": _("About to begin"), "pairing": _("Pairing"), "connecting": _("The lock is called"),
    "asking_server": _("The server is asked"), "press": _("Waits for the press at the lock"),
    "reading_log": _("The lock's log is read"),
}  # fmt: skip
WHYS = {
    "stranger": _("Not enrolled"), "too_soon": _("Repeated within the gap"), "simulated": _("Simulated camera"),
    "liveness_failed": _("A picture or a screen"), "not_recorded": _("Could not be recorded"),
    "not_them": _("Not the person named"),
    "face_not_enough": _("Looks like somebody else"),
}  # fmt: skip
ACTIONS = {
    "person_added": _("Person added"), "template_made_from_photograph": _("Enrolled from a photograph"),
    "templates_made_at_kiosk": _("Enrolled at the kiosk"),
    "look_alikes_vouched_for": _("Look-alikes vouched for"), "face_card_issued": _("Face card issued"),
    "face_card_revoked": _("Face card revoked"), "site_evaluated": _("Site evaluated"), "setting_changed": _("Setting changed"),
    "restarted": _("Kiosk restarted"), "lock_paired": _("Lock paired"), "lock_renamed": _("Lock renamed"),
    "lock_removed": _("Lock removed"), "list_imported": _("List imported"), "roster_applied": _("Roster applied"),
    "consent_text_published": _("Consent text published"),
    "person_changed": _("Person changed"), "person_ended": _("Person ended"), "pin_assigned": _("PIN assigned"),
    "pin_removed": _("PIN removed"), "badge_given": _("Badge given"), "badges_removed": _("Badges removed"),
    "code_issued": _("QR code issued"), "codes_removed": _("QR codes removed"), "phone_issued": _("Phone connected"),
    "phone_removed": _("Phone removed"), "web_account_added": _("Account added"), "web_account_removed": _("Account removed"),
    "web_role_changed": _("Role changed"), "web_password_changed": _("Password changed"),
    "web_password_reset": _("Password reset"), "web_password_recovered": _("Password recovered at the kiosk"),
    "web_second_factor_on": _("Second factor switched on"), "web_second_factor_off": _("Second factor switched off"),
    "web_sessions_ended": _("Sessions ended"), "web_signed_in": _("Signed in"), "web_sign_in_failed": _("Sign-in failed"),
    "web_exported": _("Punches exported"), "web_request_opened": _("Request opened"), "web_request_closed": _("Request closed"),
    "web_notice_read": _("Policy notice read"),
}  # fmt: skip
KINDS = {
    "genesis": _("Journal begun"), "boot": _("Kiosk started"), "person": _("Person announced"), "consent": _("Consent"),
    "audit": _("Change"), "time": _("Trusted time"), "void": _("Punch voided"), "correction": _("Punch corrected"),
    "dispute": _("Punch disputed"),
    "desired": _("Wanted by the enterprise"), "erasure": _("Erasure"), "lock": _("Lock"),
    "health": _("Health"),
}  # fmt: skip
ACTS = {"given": _("Consent given"), "withdrawn": _("Consent withdrawn")}
REASONS = {
    "first_start": _("First start"), "damaged_journal": _("The journal was damaged"),
    "restored_backup": _("Restored from a backup"), "reset": _("Reset"),
}  # fmt: skip

# The kiosk daemon explains itself in English. Its reasons that an office meets, in the reader's language, by their kind.
REFUSALS = {
    "CorrectionRefused": _("This punch cannot be changed so; it may have been voided or replaced already."),
    "TooLate": _("The time to change this punch at the kiosk is over."),
    "NumberTaken": _("That employee number belongs to somebody already."),
    "PersonUnknown": _("Nobody here has that employee number."),
    "ConsentMissing": _("There is no consent in force. Record it first, or offer another way to clock in."),
    "StorageFull": _("The kiosk's disk is full; nothing was changed. Free some room."),
    "StorageReadOnly": _("The kiosk's disk takes no writes; nothing was changed. Check the disk."),
    "StorageFailing": _("The kiosk's disk reports errors; nothing was changed. Replace it."),
}


def sentence(error: KioskRefused) -> str:
    """Why the kiosk said no; what has no translation is shown in its own words."""
    return str(REFUSALS.get(error.kind) or gettext(str(error)))
