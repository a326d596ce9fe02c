"""The words for `device.sentences.locks`."""

from __future__ import annotations

from flask_babel import lazy_gettext as _

WORDS = {
    # The way to a lock
    "lock.bluetooth_away": _("there is no Bluetooth: check that bluetoothd runs and that an adapter is plugged in"),
    "lock.bluetooth_off": _("Bluetooth is switched off: switch it on with `bluetoothctl power on` or the switch of the device"),
    "lock.not_seen": _("the lock was not heard: wake it with its button, bring it within two metres, check its battery"),
    "lock.out_of_reach": _("the lock was heard but could not be reached: bring it nearer, end other connections to it"),
    "lock.link_lost": _("the connection to the lock broke off: bring it nearer and try again; a stamp is never made twice"),
    "lock.silent": _("the lock did not answer in time: bring it nearer and try again; a stamp is never made twice"),
    "lock.not_paired": _("the lock is not paired with this kiosk: pair it, with somebody at both who compares the numbers"),
    "lock.bond_stale": _(
        "the lock has forgotten this kiosk, or is another lock with its address: remove it here and pair it again"
    ),
    "lock.pairing_refused": _(
        "the pairing was refused: the numbers differed, nobody confirmed them in time, or the lock shows none"
    ),
    # What became of a stamp, or of what else was done at a lock
    "lock.stamped": _("stamped"),
    "lock.moving": _("stamped, as far as is known: the lock counted it, and its movement was not seen to end"),
    "lock.unfinished": _(
        "counted, but power failed while it moved: look at the paper, and ask for another approval if it is missing"
    ),
    "lock.not_pressed": _("nobody pressed the button in time; nothing was counted"),
    "lock.unpressed_end": _("ended before the button was pressed; nothing was counted"),
    "lock.unknown_end": _("it is not known what became of the stamp; look at the paper"),
    "lock.answers": _("%(name)s answers: firmware %(firmware)s, battery %(battery)s, %(events)s events on record"),
    "lock.log_kept": _("%(events)s events are on record"),
    "lock.lit": _("the lock that lights up is this one"),
    "lock.renamed": _("it is called %(name)s from now on"),
    "lock.removed": _("the lock is removed from this kiosk"),
    "lock.ended": _("it was ended before it was done"),
    "lock.unforeseen": _("something went wrong that nobody has thought of; the bridge's log says what"),
    "lock.paper": _("what the lock or the enterprise has written cannot be read; update the lock's firmware or this kiosk"),
    # What cannot be asked of a lock
    "lock.busy": _("something else is under way at this lock; wait until it is over, or end it"),
    "lock.no_such_work": _("%(name)s cannot be done at a lock; there is %(works)s"),
    "lock.name": _("a lock's name has 1 to %(most)s bytes of UTF-8, and nothing unprintable"),
    "lock.not_here": _("%(lock)s is not paired with this kiosk; pair it first"),
    "lock.address_taken": _("another lock has that address: %(lock)s; choose the one that is meant, or remove %(lock)s first"),
    "lock.job_unknown": _("nothing of that id is under way; it was long ago, or the bridge has restarted"),
    "lock.nobody_compares": _("there are no numbers to compare at the moment"),
    "lock.driver_unknown": _("there is no driver %(name)s for locks; there is: %(known)s"),
    "lock.memory_unwritten": _("%(path)s cannot be written (%(why)s); free some room or check its owner"),
    "lock.memory_unread": _("%(path)s cannot be read (%(why)s); restore it from the backup, or delete it and pair the locks again"),
    "lock.not_enrolled": _("the enterprise has not enrolled %(lock)s here; it does so with: daka-enterprise lock enrol"),
    "lock.enrolment_over": _(
        "%(lock)s was enrolled here until %(day)s; the enterprise enrols it anew: daka-enterprise lock enrol %(lock)s"
    ),
    "lock.grant_unknown": _("there is no such approval here; it may be over, revoked, or not have come down yet"),
    "lock.visit_unknown": _("nobody is at a lock under that ticket; choose the approval again"),
    "lock.never_seen": _("known here by a photograph alone, which may be of anybody; enrol at this kiosk first"),
    "lock.not_verified": _("the person was not verified for this approval, or too long ago; verify again"),
    "lock.verified_once": _("this verification stands for another stamp, and each stamp needs its own; verify again"),
    "lock.other_approval": _("the approval is for another lock"),
    "lock.log_refused": _("the log of %(lock)s is not what it was; do not stamp with it, ask the enterprise"),
    "lock.log_behind": _(
        "%(lock)s has dropped older events, which are at the enterprise and not here; it signs the papers anew: "
        "daka-enterprise lock sign %(lock)s"
    ),
    "lock.log_withheld": _(
        "%(lock)s keeps events back: its log has %(last)s, and it shows %(number)s; do not stamp with it, ask the enterprise"
    ),
    "lock.log_unread": _("the log of %(lock)s was not read to its end in this visit, so nothing is stamped"),
    "lock.other_head": _("the head answers another question than ours; read the log again"),
    "lock.malformed": _("the bridge and the kiosk do not understand each other; bring both to the same version"),
    # What a lock says no to, by the word of the profile
    "lock.no.busy": _("the lock is doing something else"),
    "lock.no.command": _("the lock does not understand the command; its firmware is older than this kiosk's software"),
    "lock.no.count": _("all stamps of this approval have been made"),
    "lock.no.document": _("the approval is for another document"),
    "lock.no.dual_control": _("the approval asks for two people at once, which this lock cannot do"),
    "lock.no.epoch": _("the approval was revoked"),
    "lock.no.expired": _("the approval has expired"),
    "lock.no.kiosk": _("the approval is for another kiosk, or the enrolment of this one has ended"),
    "lock.no.lock": _("the approval is for another lock"),
    "lock.no.log_full": _("the lock's log is full; it must reach the server before the next stamp"),
    "lock.no.not_armed": _("the lock was not waiting for a press"),
    "lock.no.not_yet": _("the approval is not valid yet"),
    "lock.no.offline": _("without the server only approvals of at most eight hours can be used"),
    "lock.no.person": _("the approval is for another person"),
    "lock.no.signature": _("the approval is not signed by the enterprise"),
    "lock.no.statement": _("the server's word is not for this session of this lock"),
    "lock.no.tampered": _("the lock was opened by force or dropped; the enterprise must clear it first"),
    "lock.no.time_unknown": _("the lock does not know the time; the server must be reached once"),
    "lock.no.use": _("the kiosk's word about the person does not hold"),
    "lock.no.other": _("the lock says no: %(why)s"),
    # A session with a lock
    "lock.another_answer": _("the lock answered something else than was asked; update its firmware or this kiosk"),
    "lock.unasked": _("the lock said something that nobody asked for; update its firmware or this kiosk"),
    "lock.no_standing": _("the lock did not say how it is; update its firmware or this kiosk"),
    "lock.not_understood": _("the lock's answer is not understood; update its firmware or this kiosk"),
    "lock.no_session": _("no session with %(lock)s: %(why)s; ask the enterprise whether it is enrolled here"),
    "lock.session_over": _("the session with the lock is over: %(why)s; try again"),
    "session.ended": _("the other end has ended the session"),
    "session.not_sealed": _("not a sealed message"),
    "session.changed": _("a sealed message was changed, repeated, left out, or belongs to another session"),
    "session.no_greeting": _("the lock did not answer the greeting"),
    "session.other_lock": _("this is not the lock %(lock)s: it cannot prove the key that the enterprise has pinned"),
    "session.no_key": _("not a key that a session can be made with"),
    "session.used_up": _("the session is used up; begin another"),
    "session.greeting_changed": _("the greeting was changed on its way, or answers another one"),
    "session.no_signature": _("the greeting holds no signature"),
    # A daemon that does not answer
    "away.no_answer": _(
        "%(who)s does not answer on %(socket)s (%(why)s); start it with `daka run`, or check that your user is in the socket's "
        "group"
    ),
    "away.answered": _("%(who)s answered %(status)s; its log says why"),
    "what.kiosk": _("the kiosk daemon"),
    "what.bridge": _("the lock's bridge"),
}
