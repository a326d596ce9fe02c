"""What a page shows in its reader's language: each of these has a name and values, and is at the same time the English text itself.

Logs and the command line have the text. What goes over a socket to the pages is the name with the values (`device.api.Reason`),
and the pages have the words; a test holds the two against each other. What another daemon says of itself comes the same way.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from device.sentences import house, locks, server

MOST_LETTERS = 2_000
DEEPEST = 4  # sentences in sentences

ENGLISH = {
    # The camera
    "camera.opening": "Camera {name} is being opened.",
    "camera.working": "The camera is working.",
    "camera.working_but": "The camera is working. Pictures that could not be read: {skipped}.",
    "camera.black": (
        "The camera gives only black pictures. Take the cover off the lens, switch the light on, or check the camera's cable."
    ),
    "camera.hangs": "Camera {name} hangs: no picture for {seconds} s. Plug it in again.",
    "camera.closed": "The camera has been closed.",
    "camera.folder_over": "The camera has ended: {count} pictures, of which {skipped} could not be read.",
    "camera.video_over": "The camera has ended: the video is over.",
    "camera.video_damaged": "The camera has ended: the video is damaged from here on.",
    "camera.failed": "Camera {name} failed; the log says how. It is tried again by itself.",
    "camera.not_open": "Camera {path} is not open.",
    "camera.reading": "Camera {path} failed while reading ({why}). Unplug it and plug it in again.",
    "camera.no_camera": "{path} is not a camera device. Cameras are listed by: v4l2-ctl --list-devices",
    "camera.unplugged": "Camera {path} was unplugged. Plug it in again; it comes back by itself.",
    "camera.no_pictures": "Camera {path} gives no pictures any more. Check its cable; it comes back by itself.",
    "camera.busy_or_second": (
        "Camera {path} is busy, or it is no camera: another program may be using it (fuser -v {path} names it, close it), or this "
        "is a camera's second device, without pictures (v4l2-ctl --list-devices; try the first one)."
    ),
    "camera.missing": "There is no camera at {path}: no such device. Plug one in, or name another one.",
    "camera.permission": "Permission denied for camera {path}. Put its user into the group video and log in again.",
    "camera.busy": "Camera {path} is busy: another program uses it. Close that one (fuser -v {path} names it).",
    "camera.cannot_open": "Camera {path} cannot be opened: {why}. Unplug it and plug it in again.",
    "camera.stage_folder": "The stage's folder cannot be read: {why}. Make it; the stage goes on by itself.",
    "camera.stage_rename": "A walk-up cannot be renamed in the stage's folder: {why}. Make the folder writable.",
    # Why nothing is installed now
    "wait.clock": "the clock is not set, so nobody knows whether it is time for maintenance",
    "wait.window": "updates are installed between {begins} and {ends}",
    "wait.occupied": "somebody stands at the kiosk",
    "wait.trouble": "the journal is in trouble, which is put right first: {why}",
    # What came of a release, as root has it
    "update.no_version": "{version} is no version; a release is named like 1.2.3",
    "update.unreadable_copy": "{path} cannot be read or copied ({why}); fetch it again",
    "update.no_signature": "{path} cannot be read ({why}); a release comes with its signature",
    "update.not_plain": "{name} is no plain file of at most {most} MB; fetch it again",
    "update.room": "{name} wants {wanted} MB free; free some room, then try again",
    "update.ran_out": "its signature ran out on {day}; get a newer release, or check the clock",
    "update.below_floor": "{version} is older than {floor}, the oldest that may run here; take a newer release",
    "update.changed": "{name} is not what was signed: changed, or cut short; fetch it again",
    "update.unreadable": "{path} cannot be read ({why})",
    "update.large_signature": "{name} is far too large for a signature; fetch it again",
    "update.other_signature": "{name} does not sign {archive}; take both files under the names that they were made with",
    "update.not_signed": "{name} is not signed by the enterprise's update key; get the release from them",
    "update.root_refused": "{name} is not signed by the enterprise's update key: {why}; get the release from them",
    "update.runs": "{version} runs already",
    "update.older": "{version} is older than {running}, which runs; by hand: daka update apply --older",
    "update.waits": "{version} lies beside what runs and waits: {why}",
    "update.power": "the power went before the switch",
    "update.by_hand": "{running} was installed by hand meanwhile",
    "update.fell": "{unit} failed again and again",
    "update.did_not_hold": "{version} did not hold ({why}); {before} runs again",
    "update.unpack": "{name} cannot be unpacked ({why}); is the disk full? Nothing has changed",
    "update.no_bundle": "{name} holds no bundle; make one with make bundle",
    "update.key_missing": "{path} is missing: sudo daka update key, with what `daka-enterprise keys show update` prints",
    "update.arch": "the release is for {arch}, this machine is {machine}",
    "update.python": "the release is for Python {python}, which is not here; get the one for this Debian",
    "update.not_installed": "{version} is not installed beside what runs",
    # What came of an upgrade check, as the uplink has it
    "upgrade.cannot_ask": "{url} cannot be asked ({why}): see uplink.renew_url and uplink.ca",
    "upgrade.answer": "the enterprise's answer to the upgrade check cannot be read",
    "upgrade.room": "{version} wants {wanted} MB; free some room",
    "upgrade.not_given": "{name} is not given out ({status}); asked again later",
    "upgrade.switched_off": "fetching was switched off",
    "upgrade.broke_off": "{version} broke off at {got} of {length} bytes; it goes on from there",
    "upgrade.longer": "{name} is longer than it was said to be",
    "upgrade.damaged": "{name} came damaged; it is fetched again",
    "upgrade.too_much": "the enterprise's server answers with far too much",
    "upgrade.server_away": "the enterprise's server cannot be asked for updates ({why})",
    "upgrade.none": "the enterprise's server offers no updates ({status})",
    # What is wrong with a picture
    "picture.claim": "its header claims {claim}; make it smaller",
    "picture.damaged": "it is damaged; save it again or take another one",
    "picture.cut": "it is damaged or cut short; copy it again or take another one",
    "picture.kind": "it is neither a JPEG nor a PNG; convert it to one of them",
    "picture.no_file": "there is no such file",
    "picture.unreadable": "it cannot be read: {why}",
    "picture.large": "it has more than {most} MB; make it smaller",
    "picture.png": "its PNG header is cut short; copy it again",
    "picture.jpeg": "its JPEG header is cut short or damaged; copy it again",
    # Why no template is made
    "enrol.unreadable": "the photograph cannot be used: {why}",
    "enrol.too_far": "the photograph cannot be used: the face is too small; use a larger or closer one",
    "enrol.too_near": "the photograph cannot be used: the face is larger than the picture; use one with some room around the face",
    "enrol.outside": "the photograph cannot be used: the face is cut off by the picture's edge; use one that shows it whole",
    "enrol.too_dark": "the photograph cannot be used: the face is too dark; use one in better light",
    "enrol.too_bright": "the photograph cannot be used: the face is too bright; use one without glare",
    "enrol.turned_away": "the photograph cannot be used: the face is turned away; use one from the front",
    "enrol.blurred": "the photograph cannot be used: the face is blurred; use a sharper one",
    "enrol.tilted": "the photograph cannot be used: the head is tilted; use one in which it is upright",
    "enrol.eyes_covered": (
        "the photograph cannot be used: the eyes are covered; use one without dark glasses, and nothing before the face"
    ),
    "enrol.mouth_covered": "the photograph cannot be used: the mouth is covered; use one without a mask or hand before the face",
    "enrol.how_many": "a person is enrolled from 1 to {most} photographs, not {count}",
    "enrol.one_of": "photograph {number}: {why}",
    "enrol.other_face": "photograph {number} does not show the face of the first; check whose they are",
    "enrol.no_face": "no face found in the photograph; use one that shows the face from the front, well lit",
    "enrol.faces": "{count} faces in the photograph; use one that shows only this person",
    "enrol.small": "the face is {height} pixels tall, {needed} are needed; use a larger or closer photograph",
    "enrol.known": (
        "this face is enrolled already, under employee number {number}; check the photograph, or, if they are two people who look "
        "alike, add --look-alike-of {number}: both then need a badge, QR code or PIN with the face"
    ),
    "enrol.another_face": (
        "this is not the face that is enrolled under this number; if this person looks different now, or the enrolled face cannot "
        "be read any more, the office removes it (web UI, or daka people remove-face NUMBER), then they are enrolled anew"
    ),
    "enrol.none": "no face is enrolled under employee number {number}; there is nothing to remove",
    "enrol.file_camera": "this camera is a file; templates of pictures are made from photographs, or set allow_simulated",
    "enrol.occupied": "somebody is being enrolled at this kiosk just now; wait, or end that first",
    "enrol.too_long": "not done within {seconds} s; begin again",
    "enrol.first_pose": "the face is not that of the first pose; one person at a time, please begin again",
    "enrol.not_live": "a living face is needed: no picture, no screen",
    # Why a line of a list, or what somebody typed of a person, is refused
    "list.no_csv": "the list is no CSV file from line {line} on, look at the quotation marks there, and save it as CSV, UTF-8",
    "list.long": "the list has more than {most} lines; split it",
    "list.consent": "consent is the person's own act and no column of a list; take the column out",
    "list.columns": "the first line names columns among {columns}, number and name among them, each once; here: {found}",
    "list.nobody": "the list has nobody in it, its first line names the columns alone",
    "list.shortened": "a spreadsheet has shortened a number (1.00E+12); make that column Text there and save it again",
    "list.fields": "it has more or fewer fields than the first line",
    "list.expires": "expires is a date such as 2026-12-31, or a time such as 2026-12-31T18:00+08:00",
    "list.long_gone": "whose last day was {days} days ago is erased within the hour; check the year, or erase the person",
    "list.zone": "expires has a time without a zone; write 2026-12-31T18:00+08:00",
    "list.supervisor": "supervisor is yes or no",
    "list.opaque": "a person's opaque id is p- and 32 hexadecimal digits",
    "list.language": "language is one of {languages}",
    "list.letters": "{what} needs {least} to {most} letters, none of them a control character",
    "list.private": "it has a letter of private use, as files have that are read in another encoding than their own; name theirs",
    "what.number": "an employee number",
    "what.name": "a name",
    "what.group": "a group",
    "what.reference": "the law or contract",
    "list.erased": "that person was erased here, and nothing brings them back; a new employment needs a new id",
    "list.holder": "employee number {number} belongs to {person} here; send that id, or have the number changed first",
    "list.taken": "a badge or code of this line belongs to somebody else here; take it from them first",
    "list.repeated": "line {line} has the same number, id, badge or code",
    "pin.digits": "a PIN has {least} to {most} digits and nothing else",
    "pin.easy": "a PIN of one digit, or of digits in a row, is the first that anybody tries; choose another",
    "pin.number": "a PIN must not be the employee number; choose another",
    "pin.same": "the new PIN must differ from the old one",
    "code.badge": "this badge belongs to somebody else here; take it from them first, or give another one",
    "code.qr": "this qr belongs to somebody else here; take it from them first, or give another one",
    "code.letters": "a badge or code has 4 to {most} printable letters",
    "code.secret": "a face card or a phone's code changes or is secret; it cannot be given to somebody as a static code",
    **locks.ENGLISH,
    **server.ENGLISH,
    **house.ENGLISH,
}


class Sentence(str):
    """An English sentence that knows its name, its values, and which of the values are sentences themselves."""

    name: str
    values: Mapping[str, str]
    inner: Mapping[str, Sentence]

    def __str__(self) -> str:
        return self  # so that the text of an exception is still the sentence


def say(name: str, /, **values: object) -> Sentence:
    """The sentence of that name, filled in; an exception is filled in by its text."""
    filled = {key: str(value) for key, value in values.items()}
    made = Sentence(ENGLISH[name].format(**filled))
    made.name = name
    made.inner = {key: text for key, text in filled.items() if isinstance(text, Sentence)}
    made.values = {key: str.__str__(text) for key, text in filled.items()}
    return made


def parts(text: str) -> dict[str, Any]:
    """Name, values and text of a sentence, for JSON; of any other text there is the text alone."""
    if not isinstance(text, Sentence):
        return {"name": "", "values": {}, "text": text, "inner": {}}
    inner = {key: parts(one) for key, one in text.inner.items()}
    return {"name": text.name, "values": dict(text.values), "text": str.__str__(text), "inner": inner}


def heard(told: object) -> str:
    """What another daemon says, from its `parts`: the sentence anew if it is one of ours, else its text; nothing unprintable."""
    return _heard(told, DEEPEST)


def _heard(told: object, deepest: int) -> str:
    if not isinstance(told, Mapping):
        return ""
    name, values, inner = str(told.get("name", "")), told.get("values"), told.get("inner")
    if name not in ENGLISH or not isinstance(values, Mapping) or not isinstance(inner, Mapping) or not deepest:
        return printable(told.get("text"))
    filled = {str(key): printable(value) for key, value in values.items()}
    try:
        return say(name, **(filled | {str(key): _heard(one, deepest - 1) for key, one in inner.items()}))
    except KeyError:  # of another version: it fills in something else
        return printable(told.get("text"))


def printable(text: object) -> str:
    """A text that reaches terminals and pages, and is text there and nothing else; "" for anything but text."""
    found = text if isinstance(text, str) else ""
    return "".join(letter if letter.isprintable() else " " for letter in found[:MOST_LETTERS])
