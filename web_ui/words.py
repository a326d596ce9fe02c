"""Words for what the kiosk's answers name by a key; and its refusals as sentences in the reader's language."""

from __future__ import annotations

import re
from collections.abc import Iterable

from flask_babel import gettext, lazy_gettext

from device.api import KioskRefused
from web_ui.said import said as said

_ = lazy_gettext

DIRECTIONS = {"in": _("In"), "out": _("Out"), "break": _("To a break"), "back": _("Back from a break")}
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
ON, OFF = _("On"), _("Off")
YES, NO = _("Yes"), _("No")
COMPLETIONS = {"face_or_pin": _("a face or a PIN"), "pin": _("a PIN"), "nothing": _("nothing: it clocks in by itself")}
SECTIONS = {
    "device": _("This kiosk"), "camera": _("Camera"), "models": _("Models"), "recognition": _("Recognition"),
    "liveness": _("Liveness"), "people": _("Sister kiosks"), "retention": _("What is too old"), "ways": _("PIN, badge, codes"),
    "attend": _("Attendance"), "journal": _("Journal"), "clock": _("Clock"), "uplink": _("Way to the server"),
    "updates": _("Updates"), "page": _("The kiosk's screen"), "lock": _("Contract locks"), "web": _("This web UI"),
}  # fmt: skip
CHOICES = {
    "device.language": {"zh-CN": "简体中文", "zh-TW": "繁體中文", "en": "English"},
    "device.unlock": {
        "file": _("a file on this card"), "tpm": _("this board's TPM"), "server": _("a share from the enterprise's server"),
    },
    "attend.breaks": {
        "by_shift": _("when the person's shift has a break"), "always": _("always"), "never": _("never"),
    },
    "models.landmarks": {"auto": _("the faster one that runs here"), "opencv": _("OpenCV: half the speed, 50 MB less memory")},
    "liveness.challenge": {
        "never": _("nobody is asked for actions"), "unsure": _("when the signs leave it open"), "always": _("at every walk-up"),
    },
    "ways.badge_completed_by": COMPLETIONS,
    "ways.qr_completed_by": COMPLETIONS,
    "attend.direction": {
        "last": _("the opposite of the last punch"), "schedule": _("the shifts below"),
        "button": _("a button at the kiosk; until it is pressed, the last punch"),
    },
    "page.names": {"full": _("the whole name"), "first": _("its first character"), "hidden": _("no name")},
    "page.theme": {"auto": _("as the display asks for it"), "light": _("light"), "dark": _("dark")},
    "page.speech": {
        "off": _("never"), "accessible": _("in the accessible mode"), "always": _("always"),
    },
}  # fmt: skip
LIVENESS_LEVELS = {
    "off": _("No signs are looked for: switched off, or the camera is simulated."),
    "raster": _("Prints and screens by their raster alone; the learned model is not installed."),
    "learned": _("Prints and screens by their raster, and what the learned model was trained on."),
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
COLUMNS = {
    "number": _("Employee number"), "name": _("Name"), "language": _("Language"), "group": _("Group"), "expires": _("Last day"),
    "pin": _("PIN"), "badge": _("Badge"), "qr": _("QR code"), "supervisor": _("Supervisor"),
}  # fmt: skip
OF_PERSON = re.compile(rf"; (?=(?:{'|'.join(COLUMNS)})(?: = |; |$))")  # a group may hold what parts two columns
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
POWER = {
    "no": _("No"),
    "now": _("Now"),
    "earlier": _("Since the machine started, not now"),
    "unknown": _("This machine does not say."),
}
LINKS = {
    "wired": _("Cable"), "wifi": _("Wi-Fi"), "mobile": _("Mobile network"), "other": _("Other"), "none": _("No way out"),
    "unknown": _("Not known: the uplink has not reported"),
}  # fmt: skip
DEVICE_KEYS = {
    "credential": _("Held by the machine"), "tpm": _("Held by the TPM"),
    "server": _("On this card, and with the server's share only"),
}  # fmt: skip
RADIOS = {"present": _("There"), "absent": _("None; contract locks need one"), "unknown": _("The system has no Bluetooth")}
CERTIFICATES = {"uplink": _("Certificate for the server"), "web": _("Certificate of these pages")}
ALARMS = {
    "hot": _("Too hot"), "throttled": _("Slowed down"), "under_voltage": _("Power supply too weak"),
    "disk_low": _("Disk nearly full"), "memory_low": _("Memory nearly full"), "records_wait": _("Records wait for more than a day"),
    "camera_away": _("Camera away or covered"), "radio_absent": _("No Bluetooth radio for the locks"),
    "certificate_ends": _("A certificate ends soon"), "daemon_falls": _("A daemon ends again and again"),
    "journal_trouble": _("Records cannot be written"), "clock_unsure": _("Nobody sets the clock"),
    "clock_disagrees": _("Server and NTP disagree about the time"), "update_went_back": _("An update did not hold"),
    "locked": _("Templates wait for the server's share"),
    "membership_damaged": _("The file that names the enterprise is damaged"),
}  # fmt: skip
ENDS = {
    "asked": _("It was told to"), "exit-code": _("It ended with an error"), "watchdog": _("It hung"),
    "oom-kill": _("Memory ran out"), "timeout": _("It did not answer in time"), "signal": _("It was killed"),
    "core-dump": _("It crashed"), "signal-KILL": _("It was killed"), "signal-TERM": _("It was told to"),
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
    "stranger": _("Not enrolled"), "unsure": _("Not sure who it was"), "too_soon": _("Repeated within the gap"),
    "simulated": _("Simulated camera"),
    "liveness_failed": _("A picture or a screen"), "not_recorded": _("Could not be recorded"),
    "not_them": _("Not the person named"),
    "face_not_enough": _("Looks like somebody else"),
}  # fmt: skip
ACTIONS = {
    "person_added": _("Person added"), "template_made_from_photograph": _("Enrolled from a photograph"),
    "templates_made_at_kiosk": _("Enrolled at the kiosk"), "face_removed": _("Enrolled face removed"),
    "look_alikes_vouched_for": _("Look-alikes vouched for"), "look_alikes_found": _("Look-alikes found"),
    "face_card_issued": _("Face card issued"),
    "face_card_revoked": _("Face card revoked"), "site_evaluated": _("Site evaluated"), "setting_changed": _("Setting changed"),
    "restarted": _("Kiosk restarted"), "self_test": _("Self-test begun"), "backup_made": _("Backup made"),
    "backup_removed": _("Backup removed"), "release_brought": _("Release brought"),
    "joining_begun": _("Joining begun"), "joining_ended": _("Joining given up"), "enterprise_joined": _("Enterprise joined"),
    "enterprise_left": _("Enterprise left"),
    "upgrade_check_asked": _("Upgrade check asked for"), "backup_keys_made": _("Keys sealed into a file"),
    "web_report_kept": _("Evaluation report kept"), "web_report_removed": _("Evaluation report removed"),
    "backup_restored": _("Backup restored"), "web_backup_taken": _("Backup downloaded"),
    "lock_paired": _("Lock paired"), "lock_renamed": _("Lock renamed"),
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
    "forked_journal": _("The server had signed for other records"),
    "left_enterprise": _("The enterprise of before was left"),
    "restored_backup": _("Restored from a backup"), "reset": _("Reset"),
}  # fmt: skip

# The self-test of the way to the server: its steps in order, and what each shows when it is as it should be.
CHECKS = {
    "certificate": _("Certificate of this device"), "name resolution": _("Name of the broker"), "TCP": _("Connection"),
    "TLS": _("Encryption, and who the broker is"), "certificate dates": _("Dates of the broker's certificate"),
    "authorisation": _("Entry at the broker"), "topic rights": _("Rights at the broker"),
    "acknowledgement": _("Signature of the server"),
}  # fmt: skip
VERDICTS = {"good": _("Good"), "note": _("Look at it"), "bad": _("Fails")}
CHECK_FAILURES = {
    "certificate": _("The certificate of this device cannot be used."),
    "name resolution": _("The name service does not know the broker's name."),
    "TCP": _("No connection to the broker comes about."),
    "TLS": _("What answers is not the broker that this device trusts."),
    "certificate dates": _("The broker's certificate and the clock do not fit together."),
    "authorisation": _("The broker does not let this device in."),
    "topic rights": _("The broker does not let this device read or write what is its own."),
    "acknowledgement": _("The server's signature does not come, or is not believed."),
}

UPDATE_OUTCOMES = {
    "none": _("No update has been tried yet."), "trying": _("Being tried"), "holds": _("Runs and holds"),
    "went_back": _("Did not hold; the version before runs again"), "refused": _("Refused; nothing was changed"),
}  # fmt: skip
UPGRADE_OUTCOMES = {
    "none": _("Not asked yet"), "nothing": _("Nothing newer"), "offered": _("A newer version is offered"),
    "fetching": _("Being fetched"), "fetched": _("Fetched; waits for its turn"), "failed": _("Could not be fetched"),
}  # fmt: skip
UPGRADE_FACTS = {
    "device_model": _("Device model"), "operating_system": _("Operating system"), "software_version": _("Software version"),
    "enterprise_id": _("Enterprise"), "network_state": _("Network"),
}  # fmt: skip
# Other sentences of the kiosk daemon, word for word.
SENTENCES = (_("the clock is not sure, so nothing counts as old"),)

# Why joining does not begin, word for word as the kiosk daemon says it.
JOIN_REFUSALS = (
    _("an invitation begins with daka-join:; this is none"),
    _("the invitation is damaged; copy or scan it again"),
)

# Why a backup is refused, word for word as device.backups says it.
BACKUP_REFUSALS = (
    _("a passphrase has 12 characters or more, of which six differ; unrelated words do well"),
    _("the backup cannot be opened: the passphrase is not the one that it was made with, or the file was changed"),
    _("the backup cannot be opened: the file was changed or cut short; take another copy of it"),
    _("this file is no backup of a kiosk, or was made by a newer version"),
    _("there is no backup of that name here"),
    _("the pieces of the backup did not come in order; bring it again"),
    _("no backup has been brought yet"),
    _(
        "the backup was made under another device key than the one that this machine's system holds; restore it as root, "
        "who puts that key in its place: sudo daka backup restore FILE --keys KEYS"
    ),
    _(
        "the backup hangs on other keys than those of this machine; bring them too, on its command line: "
        "daka backup restore FILE --keys KEYS"
    ),
    _("the backup has not been looked into yet; give its passphrase first"),
    _("the backup goes on after its end; take another copy of it"),
    _("the backup cannot be read; take another copy of it"),
    _("the backup holds what no backup of this version holds; update this kiosk first"),
    _("the backup lacks what a kiosk needs, or was made by a newer version; update this kiosk first"),
    _("people.db in the backup is damaged; take an older backup"),
    _("desired.db in the backup is damaged; take an older backup"),
    _("locks.db in the backup is damaged; take an older backup"),
    _("the backup was made by a newer version; update this kiosk first"),
    _("somebody was erased while the backup was made, and may be in it; make it again"),
    _("somebody was erased while the backup was opened; bring it again"),
    _("another backup was looked into since; look into yours again"),
    _("the backup would unpack to more than it is; take another copy of it"),
    _("the backup is of a kiosk of another enterprise; leave the one that this kiosk has joined first: daka leave"),
    _("the backup names another kiosk than the records here, under their key: it was changed; take another copy of it"),
)

# The kiosk daemon explains itself in English. Its reasons that an office meets, in the reader's language, by their kind.
REFUSALS = {
    "ListGone": _("The kiosk keeps the list of this export no more: it has restarted, or others were begun since. Begin again."),
    "NumberTaken": _("That employee number belongs to somebody already."),
    "PersonUnknown": _("Nobody here has that employee number."),
    "ConsentMissing": _("There is no consent in force. Record it first, or offer another way to clock in."),
    "StorageFull": _("The kiosk's disk is full; nothing was changed. Free some room."),
    "StorageReadOnly": _("The kiosk's disk takes no writes; nothing was changed. Check the disk."),
    "WrongCode": _("This is not the code on the kiosk's screen. Wait a moment, then try again."),
    "StorageFailing": _("The kiosk's disk reports errors; nothing was changed. Replace it."),
}

NO_ROOM_TO_EXPORT = "The kiosk's disk has no room for this file beside the records to come. Free some, then begin again."
SAID_OF_WORK = (_("The kiosk's disk has no room for this file beside the records to come. Free some, then begin again."),)

# What long work is doing, by the name that it tells; some of it is counted in bytes.
DOING = {
    "lines": _("The list is read and compared"), "pins": _("PINs are sealed"), "people": _("People are written"),
    "records": _("Records"), "key": _("The key is made from the passphrase; that is slow on purpose"),
    "handing": _("The file is brought to the kiosk"), "unpacking": _("The backup is opened"),
    "checking": _("What it holds is checked"), "punches": _("Punches are written"), "photographs": _("Photographs are looked at"),
    "templates": _("Templates are compared"), "thresholds": _("Error rates are worked out"),
    "archive": _("The release is brought to the kiosk"), "signature": _("Its signature is brought"),
}  # fmt: skip
IN_BYTES = ("handing", "unpacking", "archive", "signature")


def changed_to(text: str, action: str = "") -> str:
    """A side of a change as the journal has it, `name = value` for a setting; its keys and a program's True and False in words."""
    if action == "person_changed":
        return "; ".join(_of_person(*part.partition(" = ")) for part in OF_PERSON.split(text) if part)
    account, _colon, role = text.partition(": ")
    if role in ROLES:
        return f"{account}: {ROLES[role]}"
    if (found := {**REQUESTS, **OUTCOMES}.get(text)) is not None:
        return str(found)
    name, parted, value = text.partition(" = ")
    said = {"True": str(ON), "False": str(OFF)}.get(value) or str(CHOICES.get(name, {}).get(value, value)) or "–"
    return f"{name} = {said}" if parted else text


def _of_person(column: str, parted: str, value: str) -> str:
    said = str({"yes": YES, "no": NO}.get(value, value)) if column == "supervisor" else value
    return f"{COLUMNS.get(column, column)}{parted and ' = '}{(said or '–') if parted else ''}"


def columns(names: Iterable[str]) -> str:
    """What of somebody a list would change."""
    return ", ".join(str(COLUMNS.get(name, name)) for name in names)


def kiosk_says(text: str) -> str:
    """What another daemon says word for word as it stands in this module, in the reader's language."""
    return gettext(text) if text else ""


def sentence(error: KioskRefused) -> str:
    """Why the kiosk said no; what has no translation is shown in its own words."""
    if error.said.name:
        return said(error.said)
    return str(REFUSALS.get(error.kind) or gettext(str(error)))
