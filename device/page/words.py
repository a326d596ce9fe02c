"""Every sentence of the page, by name, in English; its other languages stand in `translations/`, a gettext catalogue each.

A test finds a sentence that is missing, untranslated, or asked for by the page and not here. Curly brackets hold what is filled in.
"""

from __future__ import annotations

from functools import cache
from importlib import resources

from babel.messages import Catalog, pofile

LANGUAGES = ("zh-CN", "zh-TW", "en")

ENGLISH = {
    # The terminal at rest
    "idle.come": "Step in front of the camera",
    "idle.other": "Or use another way below",
    "mirror.private": "This picture is not kept",
    "mirror.label": "Mirror picture of the camera",
    "clock.unknown": "Time not known yet",
    # What the kiosk waits for
    "waiting.too_far": "Come a little closer",
    "waiting.too_near": "Step back a little",
    "waiting.outside": "Come to the middle",
    "waiting.too_dark": "Too dark: turn towards the light",
    "waiting.too_bright": "Too bright: turn away from the light",
    "waiting.turned_away": "Look straight at the screen",
    "waiting.tilted": "Hold your head upright",
    "waiting.blurred": "Hold still for a moment",
    "waiting.eyes_covered": "Your eyes are covered: use another way below, or show them",
    "waiting.mouth_covered": "A mask covers your face: take it off, or use your badge",
    "waiting.two_people": "One at a time: please step forward",
    "waiting.moving": "Please stop here for a moment",
    "waiting.too_close": "Please stand a little apart",
    "waiting.your_turn_soon": "One moment: you are next",
    "waiting.spent": "Use another way below, or step back and come again",
    "waiting.looking": "Looking …",
    "waiting.challenge": "Please do what is asked here",
    "waiting.say_who": "First your number, badge or code",
    "waiting.other_way": "Another way is being used",
    "waiting.done": "Done",
    "outline.meant": "Please look here",
    # What to do to show that a living person stands there
    "challenge.blink": "Blink your eyes",
    "challenge.turn_left": "Turn your head to your left",
    "challenge.turn_right": "Turn your head to your right",
    "challenge.smile": "Smile",
    "challenge.open_mouth": "Open your mouth",
    "challenge.forward": "Look straight at the screen",
    # Results
    "done.in": "Clocked in",
    "done.out": "Clocked out",
    "done.break": "On a break",
    "done.back": "Back from the break",
    "done.recorded": "Recorded",
    "direction.in": "In",
    "choose.label": "Which way",
    "direction.out": "Out",
    "direction.break": "Break",
    "direction.back": "Back",
    "receipt": "Receipt {seq}",
    "result.not_me": "Not me",
    "result.to_out": "Change to out",
    "result.to_in": "Change to in",
    "result.to_break": "It is a break",
    "result.changed": "Changed",
    "result.disputed": "You are not clocked in yet: use number and PIN, or another way below. A person will look at this record",
    "result.not_changed": "Could not be changed. Tell the office",
    "result.stranger": "Not recognised",
    "result.new_text": "New consent text: please read",
    "result.message": "You have a message",
    # Refusals
    "why.stranger": "Try again from a little closer, or use another way below",
    "why.unsure": "Not sure who you are. Look straight at the screen, or use another way below",
    "why.too_soon": "Already recorded a moment ago",
    "why.simulated": "This terminal shows recorded pictures: it clocks nobody in",
    "why.liveness_failed": "A living face is needed: no picture, no screen",
    "why.not_recorded": "Not recorded. Please write your name and the time on the paper list",
    "why.not_them": "The face is not that of this number, badge or code",
    "why.face_not_enough": "Please use badge, QR code or PIN as well",
    "why.expired": "Your access has ended. Ask at the office",
    "why.for_seal": "You came for the seal: nothing was stamped, and you were not clocked in. To clock in, wait half a minute",
    "why.wrong": "Number or PIN is not right",
    "why.wait": "Too many wrong tries. Please wait {seconds} seconds",
    "why.code_wait": "Too many wrong codes. Please wait {seconds} seconds",
    "why.pin_must_change": "Please choose a PIN of your own first",
    "why.pin_unfit": "Choose another: 6 to 12 digits, not all the same or in a row, not your number, not the old one",
    "why.unknown_code": "This QR code is not known here",
    "why.unknown_badge": "This badge is not known here",
    "why.unknown_person": "Nobody here has this number",
    "why.card_refused": "This face card is not good here, or no longer",
    "why.clock_unsure": "A phone's code needs the right time: use another way for now",
    "why.nothing_completes": "A badge or code alone is not enough. Ask at the office for a PIN",
    "why.ticket_gone": "That took too long. Please begin again",
    "why.not_a_supervisor": "Only a supervisor can do this",
    "why.one_factor": "Supervisor: badge or code first, then the PIN",
    "why.not_oneself": "Nobody vouches for themselves",
    "why.no_reason": "Please choose a reason",
    "why.switched_off": "This way is switched off here. Use another",
    "why.not_read": "The disk could not be read. Please try once more",
    "why.disk": "The disk could not be read or written. Please try once more, and tell the office if it fails again",
    "why.text_changed": "The consent text has changed meanwhile, and nothing was agreed to. Close this and read the new one",
    "why.file_camera": "This terminal shows recorded pictures: no face can be enrolled",
    "why.occupied": "Somebody else is being enrolled. Please try again in a moment",
    "why.one_at_a_time": "One at a time: finish here first, then show the other badge or code once more",
    "why.other": "That did not work. Use another way, or ask for help",
    # The bar that is always there
    "bar.pin": "PIN",
    "bar.qr": "QR code",
    "bar.badge": "Badge",
    "bar.help": "Help",
    "bar.language": "Language",
    "bar.easy": "Easy mode",
    "bar.easy_off": "Normal mode",
    "bar.label": "Ways to clock in, and help",
    "language.choose": "Choose a language",
    "close": "Close",
    "cancel": "Cancel",
    "ok": "OK",
    "erase": "Erase",
    "wait": "One moment",
    # PIN pad
    "pin.title": "Clock in with number and PIN",
    "pin.number": "Your employee number",
    "pin.pin": "Your PIN",
    "pin.new": "Choose a new PIN, 6 to 12 digits",
    "pin.again": "The new PIN once more",
    "pin.differ": "The two were not the same. Choose again",
    "pin.changed": "Your PIN is changed",
    "pin.pad": "Digits",
    "pin.letters": "Letters",
    "pin.entered": "{count} digits entered",
    # QR code and badge
    "qr.title": "Show your QR code",
    "qr.how": "Hold it in front of the camera, a hand's breadth away",
    "qr.no_camera": "The camera is away. Use number and PIN, or your badge",
    "badge.title": "Use your badge",
    "badge.how": "Hold your badge to the reader",
    "complete.face": "Now look into the camera",
    "complete.pin": "Now your PIN",
    # Help
    "verify.how": "How do you show who you are?",
    "verify.pin": "Number and PIN",
    "verify.face": "Number and face",
    "verify.phone": "The code on my phone",
    "verify.office": "None of these? The office does it for you, at any time.",
    "verify.ask_office": "Neither of these? Ask the office for one.",
    "verify.not_seen": "Your face was not recognised in time. Try again, or use another way",
    "verify.not_enough": "A badge or printed code alone does not show that it is you. Use your phone's code, or another way",
    "help.title": "Help",
    "help.supervisor": "A supervisor clocks me in",
    "help.mine": "My last records",
    "help.seal": "Stamp with the company's seal",
    "help.messages": "Messages",
    "help.pin": "Change my PIN",
    "help.face": "Face recognition: agree or withdraw",
    "help.privacy": "What this terminal keeps",
    "help.office": "For administrators",
    "privacy.1": "The camera picture is shown here and forgotten. No picture is stored, none is sent.",
    "privacy.2": "Whoever has agreed has a face template here: encrypted numbers."
    " It goes only to terminals that the text names, and into sealed backups.",
    "privacy.3": (
        "Each punch is recorded for your employer: identifier, time, place, in, out or break, way used; by face, how sure it "
        "was and whether a living person was seen; by supervisor, who vouched and why. So is what you agree to, take back, "
        "change or dispute."
    ),
    "privacy.4": "Face recognition is a choice. Number and PIN, QR code and badge count the same.",
    "privacy.5": "You may withdraw at any time; your template is then destroyed at once.",
    "privacy.contact": "Whom to ask about your data: {contact}",
    "privacy.contact.none": "Questions about your data: ask the office.",
    # A supervisor
    "supervisor.title": "A supervisor clocks somebody in",
    "supervisor.pin": "Supervisor: your PIN",
    "supervisor.whom": "Employee number of the person to clock in",
    "supervisor.why": "Why?",
    "supervisor.show": "Please fetch a supervisor. They show their badge or QR code here",
    "supervisor.reason.forgotten": "Badge, phone or PIN forgotten",
    "supervisor.reason.not_recognised": "Not recognised",
    "supervisor.reason.unable": "Cannot use the other ways now",
    "supervisor.reason.new": "New, nothing set up yet",
    "supervisor.reason.device": "Camera or reader does not work",
    # A stamp with the contract lock
    "seal.title": "Stamp",
    "seal.which": "What do you want to stamp?",
    "seal.none": "Nothing is approved for you to stamp at the moment",
    "seal.left": "{left} of {all} left, until {until}",
    "seal.face": "Step in front of the camera",
    "seal.press": "Now press the button on the seal: {seconds} s",
    "seal.press_finger": "Now press the button on the seal, with your finger on its reader: {seconds} s",
    "seal.done": "Stamped: {used} of {all}",
    "seal.unfinished": "Counted ({used} of {all}), but the power failed: look at the paper. If it is missing, tell the office",
    "seal.stage.connecting": "The seal is called",
    "seal.stage.asking_server": "The enterprise is asked",
    "seal.stage.reading_log": "The seal's record is kept",
    "seal.why.not_live": "Not recognised as a living person. Begin again",
    "seal.why.nobody_came": "Nobody came before the camera in time. Begin again",
    "seal.why.count": "All stamps of this approval have been made",
    "seal.why.expired": "This approval has expired",
    "seal.why.access_ended": "Your access has ended. Ask at the office",
    "seal.why.face_not_enough": "Somebody here looks too much like you: the approval must ask for your PIN, too. Tell the office",
    "seal.why.epoch": "This approval was revoked",
    "seal.why.tampered": "The seal was opened by force or fell. Tell the office",
    "seal.why.LockNotSeen": "The seal was not heard. Wake it with its button and bring it near",
    "seal.why.NeverSeen": "Known here by a photograph only. Be enrolled at this terminal first",
    "seal.why.EnrolmentOver": "This terminal may use the seal no more: its time is over. Tell the office",
    "seal.why.LogBehind": "This terminal's papers for the seal have to be renewed. Tell the office",
    "seal.why.ended": "Ended; nothing was stamped",
    "seal.why.not_pressed": "The button was not pressed in time; nothing was counted",
    "seal.why.not_yet": "This approval is not valid yet",
    "seal.why.server": "The server must be reached first. Try again later or tell the office",
    "seal.why.busy": "The seal is in use. Try again in a moment",
    "seal.why.far": "The seal cannot be reached. Bring it nearer and try again; nothing is stamped twice",
    "seal.why.pairing": "The seal has to be paired with this terminal again. Tell the office",
    "seal.why.bluetooth": "There is no Bluetooth here at the moment. Tell the office",
    "seal.why.bridge": "What speaks to the seal does not run at the moment. Tell the office",
    "seal.why.stranger": "This seal is not what it was. Do not use it, and tell the office",
    "seal.why.not_for_this": "This approval is not for this seal, terminal, document or person. Tell the office",
    "seal.why.late": "That took too long. Begin again",
    "seal.why.unknown": "It is not known whether it was stamped. Look at the paper, and tell the office",
    "seal.why.other": "It did not work. Nothing is stamped twice; try again or tell the office",
    # My records, messages
    "mine.title": "My last records",
    "mine.none": "No records on this terminal yet",
    "mine.not_counted": "Counts no more:",
    "mine.voided": "Voided by the office: {why}",
    "mine.corrected": "Corrected by the office: {why}. Receipt {seq} counts in its place",
    "mine.changed": "Changed at the terminal. Receipt {seq} counts in its place",
    "mine.disputed": "Disputed. It counts until somebody at the office has looked at it",
    "messages.title": "Messages",
    "messages.none": "No messages",
    "messages.new": "There are messages",
    "method.face": "face",
    "method.face+pin": "face and PIN",
    "method.face+number": "number and face",
    "method.face+badge": "badge and face",
    "method.face+qr": "QR code and face",
    "method.pin": "number and PIN",
    "method.qr": "QR code",
    "method.badge": "badge",
    "method.qr+pin": "QR code and PIN",
    "method.badge+pin": "badge and PIN",
    "method.supervisor": "supervisor",
    "method.office": "by the office",
    # What stands in the way
    "condition.storage_full.title": "No room left for records",
    "condition.storage_full.way": (
        "Please write your name and the time on the paper list, and tell the office. Nothing recorded so far is lost."
    ),
    "condition.storage_failing.title": "Records cannot be written",
    "condition.storage_failing.way": (
        "Please try once more. If it says no again: write your name and the time on the paper list, and tell the office."
    ),
    "condition.camera_away.title": "The camera is away",
    "condition.camera_away.way": (
        "Number and PIN and the badge work as ever. The camera comes back by itself once it is plugged in."
    ),
    "condition.camera_black.title": "The camera sees nothing",
    "condition.camera_black.way": "Take the cover off the lens or switch the light on. Number and PIN and the badge work as ever.",
    "condition.locked.title": "Faces are not recognised yet",
    "condition.locked.way": "The terminal waits for its server to unlock it. Number and PIN, badge and code work as ever.",
    "condition.clock_unknown.title": "The time is not known yet",
    "condition.clock_unknown.way": "You can clock in: the record gets its right time as soon as the terminal knows it.",
    "condition.clock_unsure.title": "Time not confirmed",
    "condition.clock_unsure.way": "You can clock in: if the time is wrong, the record is corrected by itself.",
    "condition.server_away.title": "Server away",
    "condition.server_away.way": "{backlog} records are kept here and sent later. You can clock in as ever.",
    "condition.simulated.title": "Demonstration",
    "condition.simulated.way": "The pictures come from a file, not from a camera.",
    # The daemon is away
    "away.title": "One moment please",
    "away.sentence": "The terminal is starting and comes back by itself.",
    "away.long": "It takes longer than usual. Please write your name and the time on the paper list, and tell the office.",
    "token.title": "This page has not been let in",
    "token.sentence": "Open the address that daka run prints, or restart the display. Until then, please use the paper list.",
    # For administrators
    "notice.title": "For administrators",
    "notice.first": "Make the first administrator",
    "notice.recovery": "New password for {account}",
    "notice.join": "Join an enterprise",
    "notice.whose": "Go on only if this is your enterprise: its address, and how its root key begins",
    "notice.compare": "The enterprise compares this code and confirms it",
    "notice.address": "In a browser on this network, open",
    "notice.code": "and type this code",
    "notice.fingerprint": "Compare the certificate's fingerprint",
    "notice.none": "The administrators' pages are not running.",
    # Consent and enrolment at the kiosk
    "enrol.title": "Face recognition",
    "enrol.verify": "First: who are you?",
    "enrol.agree": "I agree",
    "enrol.refuse": "I do not agree",
    "enrol.refused": "Good. Clock in with number and PIN, QR code or badge: they count the same.",
    "enrol.unchanged": "Agreed before? Nothing was changed: the face is recognised until you withdraw",
    "enrol.withdraw": "Withdraw my consent",
    "enrol.sure": "Your face template is destroyed at once. The other ways stay.",
    "enrol.nothing": "You have not agreed to face recognition; there is nothing to withdraw.",
    "enrol.start": "Take the pictures now",
    "enrol.failed": "Nothing was kept. Try again, or ask at the office",
    "enrol.another_face": (
        "This is not the face that is kept under this number. If you look different now, ask the office to remove the old one, "
        "then come back here. The other ways work as before."
    ),
    "enrol.office": "Now ask the office to take your picture.",
    "enrol.later": "No pictures can be taken at the moment. Come back here later: Help, face recognition.",
    "enrol.withdrawn": "Withdrawn. Your face template is destroyed.",
    "enrol.has": "You have agreed. Face templates kept: {count}.",
    "enrol.done": "Done. From now on look into the camera.",
    "enrol.other": "Other ways, just as good",
}


@cache
def read(language: str) -> Catalog:
    """The catalogue of a language other than English, as translators have it."""
    file = resources.files("device.page").joinpath("translations", f"{language.replace('-', '_')}.po")
    with file.open("rb") as opened:
        return pofile.read_po(opened, locale=language.replace("-", "_"), abort_invalid=True)


def catalogue(language: str) -> dict[str, str]:
    """Every sentence in `language`; where a translation is missing, the English one, so that nobody sees a name."""
    if language == "en":
        return dict(ENGLISH)
    found = read(language)
    return {name: _translated(found, name, english) or english for name, english in ENGLISH.items()}


def _translated(found: Catalog, name: str, english: str) -> str:
    message = found.get(english, context=name)
    return str(message.string) if message is not None and not message.fuzzy else ""
