"""What the kiosk's daemons say of themselves, in the reader's language, by the names that `device.sentences` gives to it."""

from __future__ import annotations

from flask_babel import lazy_gettext as _

from device.api import Reason
from web_ui.said import house, locks, server

SAID = {
    # The camera
    "camera.opening": _("Camera %(name)s is being opened."),
    "camera.working": _("The camera is working."),
    "camera.working_but": _("The camera is working. Pictures that could not be read: %(skipped)s."),
    "camera.black": _(
        "The camera gives only black pictures. Take the cover off the lens, switch the light on, or check the camera's cable."
    ),
    "camera.hangs": _("Camera %(name)s hangs: no picture for %(seconds)s s. Plug it in again."),
    "camera.closed": _("The camera has been closed."),
    "camera.folder_over": _("The camera has ended: %(count)s pictures, of which %(skipped)s could not be read."),
    "camera.video_over": _("The camera has ended: the video is over."),
    "camera.video_damaged": _("The camera has ended: the video is damaged from here on."),
    "camera.failed": _("Camera %(name)s failed; the log says how. It is tried again by itself."),
    "camera.not_open": _("Camera %(path)s is not open."),
    "camera.reading": _("Camera %(path)s failed while reading (%(why)s). Unplug it and plug it in again."),
    "camera.no_camera": _("%(path)s is not a camera device. Cameras are listed by: v4l2-ctl --list-devices"),
    "camera.unplugged": _("Camera %(path)s was unplugged. Plug it in again; it comes back by itself."),
    "camera.no_pictures": _("Camera %(path)s gives no pictures any more. Check its cable; it comes back by itself."),
    "camera.busy_or_second": _(
        "Camera %(path)s is busy, or it is no camera: another program may be using it (fuser -v %(path)s names it, close "
        "it), or this is a camera's second device, without pictures (v4l2-ctl --list-devices; try the first one)."
    ),
    "camera.missing": _("There is no camera at %(path)s: no such device. Plug one in, or name another one."),
    "camera.permission": _("Permission denied for camera %(path)s. Put its user into the group video and log in again."),
    "camera.busy": _("Camera %(path)s is busy: another program uses it. Close that one (fuser -v %(path)s names it)."),
    "camera.cannot_open": _("Camera %(path)s cannot be opened: %(why)s. Unplug it and plug it in again."),
    "camera.stage_folder": _("The stage's folder cannot be read: %(why)s. Make it; the stage goes on by itself."),
    "camera.stage_rename": _("A walk-up cannot be renamed in the stage's folder: %(why)s. Make the folder writable."),
    # Why nothing is installed now
    "wait.clock": _("the clock is not set, so nobody knows whether it is time for maintenance"),
    "wait.window": _("updates are installed between %(begins)s and %(ends)s"),
    "wait.occupied": _("somebody stands at the kiosk"),
    "wait.trouble": _("the journal is in trouble, which is put right first: %(why)s"),
    # What came of a release, as root has it
    "update.no_version": _("%(version)s is no version; a release is named like 1.2.3"),
    "update.unreadable_copy": _("%(path)s cannot be read or copied (%(why)s); fetch it again"),
    "update.no_signature": _("%(path)s cannot be read (%(why)s); a release comes with its signature"),
    "update.not_plain": _("%(name)s is no plain file of at most %(most)s MB; fetch it again"),
    "update.room": _("%(name)s wants %(wanted)s MB free; free some room, then try again"),
    "update.ran_out": _("its signature ran out on %(day)s; get a newer release, or check the clock"),
    "update.below_floor": _("%(version)s is older than %(floor)s, the oldest that may run here; take a newer release"),
    "update.changed": _("%(name)s is not what was signed: changed, or cut short; fetch it again"),
    "update.unreadable": _("%(path)s cannot be read (%(why)s)"),
    "update.large_signature": _("%(name)s is far too large for a signature; fetch it again"),
    "update.other_signature": _("%(name)s does not sign %(archive)s; take both files under the names that they were made with"),
    "update.not_signed": _("%(name)s is not signed by the enterprise's update key; get the release from them"),
    "update.root_refused": _("%(name)s is not signed by the enterprise's update key: %(why)s; get the release from them"),
    "update.runs": _("%(version)s runs already"),
    "update.older": _("%(version)s is older than %(running)s, which runs; by hand: daka update apply --older"),
    "update.waits": _("%(version)s lies beside what runs and waits: %(why)s"),
    "update.power": _("the power went before the switch"),
    "update.by_hand": _("%(running)s was installed by hand meanwhile"),
    "update.fell": _("%(unit)s failed again and again"),
    "update.did_not_hold": _("%(version)s did not hold (%(why)s); %(before)s runs again"),
    "update.unpack": _("%(name)s cannot be unpacked (%(why)s); is the disk full? Nothing has changed"),
    "update.no_bundle": _("%(name)s holds no bundle; make one with make bundle"),
    "update.key_missing": _("%(path)s is missing: sudo daka update key, with what `daka-enterprise keys show update` prints"),
    "update.arch": _("the release is for %(arch)s, this machine is %(machine)s"),
    "update.python": _("the release is for Python %(python)s, which is not here; get the one for this Debian"),
    "update.not_installed": _("%(version)s is not installed beside what runs"),
    # What came of an upgrade check, as the uplink has it
    "upgrade.cannot_ask": _("%(url)s cannot be asked (%(why)s): see uplink.renew_url and uplink.ca"),
    "upgrade.answer": _("the enterprise's answer to the upgrade check cannot be read"),
    "upgrade.room": _("%(version)s wants %(wanted)s MB; free some room"),
    "upgrade.not_given": _("%(name)s is not given out (%(status)s); asked again later"),
    "upgrade.switched_off": _("fetching was switched off"),
    "upgrade.broke_off": _("%(version)s broke off at %(got)s of %(length)s bytes; it goes on from there"),
    "upgrade.longer": _("%(name)s is longer than it was said to be"),
    "upgrade.damaged": _("%(name)s came damaged; it is fetched again"),
    "upgrade.too_much": _("the enterprise's server answers with far too much"),
    "upgrade.server_away": _("the enterprise's server cannot be asked for updates (%(why)s)"),
    "upgrade.none": _("the enterprise's server offers no updates (%(status)s)"),
    # What is wrong with a picture
    "picture.claim": _("its header claims %(claim)s; make it smaller"),
    "picture.damaged": _("it is damaged; save it again or take another one"),
    "picture.cut": _("it is damaged or cut short; copy it again or take another one"),
    "picture.kind": _("it is neither a JPEG nor a PNG; convert it to one of them"),
    "picture.no_file": _("there is no such file"),
    "picture.unreadable": _("it cannot be read: %(why)s"),
    "picture.large": _("it has more than %(most)s MB; make it smaller"),
    "picture.png": _("its PNG header is cut short; copy it again"),
    "picture.jpeg": _("its JPEG header is cut short or damaged; copy it again"),
    # Why no template is made
    "enrol.unreadable": _("the photograph cannot be used: %(why)s"),
    "enrol.too_far": _("the photograph cannot be used: the face is too small; use a larger or closer one"),
    "enrol.too_near": _(
        "the photograph cannot be used: the face is larger than the picture; use one with some room around the face"
    ),
    "enrol.outside": _("the photograph cannot be used: the face is cut off by the picture's edge; use one that shows it whole"),
    "enrol.too_dark": _("the photograph cannot be used: the face is too dark; use one in better light"),
    "enrol.too_bright": _("the photograph cannot be used: the face is too bright; use one without glare"),
    "enrol.turned_away": _("the photograph cannot be used: the face is turned away; use one from the front"),
    "enrol.blurred": _("the photograph cannot be used: the face is blurred; use a sharper one"),
    "enrol.tilted": _("the photograph cannot be used: the head is tilted; use one in which it is upright"),
    "enrol.eyes_covered": _(
        "the photograph cannot be used: the eyes are covered; use one without dark glasses, and nothing before the face"
    ),
    "enrol.mouth_covered": _("the photograph cannot be used: the mouth is covered; use one without a mask or hand before the face"),
    "enrol.how_many": _("a person is enrolled from 1 to %(most)s photographs, not %(count)s"),
    "enrol.one_of": _("photograph %(number)s: %(why)s"),
    "enrol.other_face": _("photograph %(number)s does not show the face of the first; check whose they are"),
    "enrol.no_face": _("no face found in the photograph; use one that shows the face from the front, well lit"),
    "enrol.faces": _("%(count)s faces in the photograph; use one that shows only this person"),
    "enrol.small": _("the face is %(height)s pixels tall, %(needed)s are needed; use a larger or closer photograph"),
    "enrol.known": _(
        "this face is enrolled already, under employee number %(number)s; check the photograph, or, if they are two people "
        "who look alike, add --look-alike-of %(number)s: both then need a badge, QR code or PIN with the face"
    ),
    "enrol.another_face": _(
        "this is not the face that is enrolled under this number; if this person looks different now, or the enrolled face cannot "
        "be read any more, the office removes it (web UI, or daka people remove-face NUMBER), then they are enrolled anew"
    ),
    "enrol.none": _("no face is enrolled under employee number %(number)s; there is nothing to remove"),
    "enrol.file_camera": _("this camera is a file; templates of pictures are made from photographs, or set allow_simulated"),
    "enrol.occupied": _("somebody is being enrolled at this kiosk just now; wait, or end that first"),
    "enrol.too_long": _("not done within %(seconds)s s; begin again"),
    "enrol.first_pose": _("the face is not that of the first pose; one person at a time, please begin again"),
    "enrol.not_live": _("a living face is needed: no picture, no screen"),
    # Why a line of a list, or what somebody typed of a person, is refused
    "list.no_csv": _("the list is no CSV file from line %(line)s on, look at the quotation marks there, and save it as CSV, UTF-8"),
    "list.long": _("the list has more than %(most)s lines; split it"),
    "list.consent": _("consent is the person's own act and no column of a list; take the column out"),
    "list.columns": _("the first line names columns among %(columns)s, number and name among them, each once; here: %(found)s"),
    "list.nobody": _("the list has nobody in it, its first line names the columns alone"),
    "list.shortened": _("a spreadsheet has shortened a number (1.00E+12); make that column Text there and save it again"),
    "list.fields": _("it has more or fewer fields than the first line"),
    "list.expires": _("expires is a date such as 2026-12-31, or a time such as 2026-12-31T18:00+08:00"),
    "list.long_gone": _("whose last day was %(days)s days ago is erased within the hour; check the year, or erase the person"),
    "list.zone": _("expires has a time without a zone; write 2026-12-31T18:00+08:00"),
    "list.supervisor": _("supervisor is yes or no"),
    "list.opaque": _("a person's opaque id is p- and 32 hexadecimal digits"),
    "list.language": _("language is one of %(languages)s"),
    "list.letters": _("%(what)s needs %(least)s to %(most)s letters, none of them a control character"),
    "list.private": _(
        "it has a letter of private use, as files have that are read in another encoding than their own; name theirs"
    ),
    "what.number": _("an employee number"),
    "what.name": _("a name"),
    "what.group": _("a group"),
    "what.reference": _("the law or contract"),
    "list.erased": _("that person was erased here, and nothing brings them back; a new employment needs a new id"),
    "list.holder": _("employee number %(number)s belongs to %(person)s here; send that id, or have the number changed first"),
    "list.taken": _("a badge or code of this line belongs to somebody else here; take it from them first"),
    "list.repeated": _("line %(line)s has the same number, id, badge or code"),
    "pin.digits": _("a PIN has %(least)s to %(most)s digits and nothing else"),
    "pin.easy": _("a PIN of one digit, or of digits in a row, is the first that anybody tries; choose another"),
    "pin.number": _("a PIN must not be the employee number; choose another"),
    "pin.same": _("the new PIN must differ from the old one"),
    "code.badge": _("this badge belongs to somebody else here; take it from them first, or give another one"),
    "code.qr": _("this qr belongs to somebody else here; take it from them first, or give another one"),
    "code.letters": _("a badge or code has 4 to %(most)s printable letters"),
    "code.secret": _("a face card or a phone's code changes or is secret; it cannot be given to somebody as a static code"),
    **locks.WORDS,
    **server.WORDS,
    **house.WORDS,
}


def said(reason: Reason) -> str:
    """The sentence as this page's reader reads it; what has no name is shown in its own words."""
    if reason.name not in SAID:
        return reason.text
    values = reason.values | {key: said(inner) for key, inner in reason.inner.items()}
    return str(SAID[reason.name]) % values
