"""The words for `device.sentences.house`."""

from __future__ import annotations

from flask_babel import lazy_gettext as _

WORDS = {
    # The disk and its files
    "storage.full": _("%(file)s: the disk is full; free some room"),
    "storage.read_only": _("%(file)s: the disk takes no writes; check its mount and permissions"),
    "storage.damaged": _("%(file)s: the file is damaged"),
    "storage.failing": _("%(file)s: the disk reports an error; check or replace it"),
    "storage.other": _("%(file)s: %(why)s"),
    "storage.no_room_for_backup": _("the disk has no room for this backup; free some, then bring it again"),
    "storage.no_room_for_release": _("the disk has no room for a release; free some, then bring it again"),
    "storage.no_room_to_make": _(
        "the disk has no room for a backup beside the records to come; free some, or remove older backups"
    ),
    "backup.other_name": _(
        'the backup is of %(theirs)s, and this machine is %(mine)s: write id = "%(theirs)s" under [device] in %(path)s, then bring '
        "it again"
    ),
    # The line from a frame to a record
    "trouble.frame": _("a frame could not be handled; the log says why"),
    "trouble.not_recorded": _("the punch was not recorded: %(why)s"),
    # Punches that are put right
    "correction.gone": _("record %(seq)s is no punch that this kiosk still keeps"),
    "correction.voided": _("punch %(seq)s does not count any more; correct the one that stands in its place"),
    "correction.too_late": _("the time to change this punch at the kiosk is over; ask the office to correct it"),
    "correction.direction": _("%(given)s is no direction; it is in, out, break or back"),
    "correction.early": _("that time lies before the year %(year)s"),
    "correction.future": _("that time has not come yet"),
    "correction.long_ago": _("that time lies more than %(days)s days ago; check the year"),
    "correction.twice": _("that very punch counts already: record %(seq)s"),
    "correction.time": _("the time cannot be used: %(why)s"),
    "correction.reason": _("a reason has 1 to %(most)s letters, blanks alone are none"),
    # Whose signature makes a release
    "root.ran_out": _("root %(number)s ran out on %(day)s; the enterprise signs a newer one"),
    "root.not_signed": _("it is not signed by a key that root %(number)s of this machine names"),
    "root.unreadable_chain": _("the roots beside the signature cannot be read"),
    "root.unreadable": _("a root beside the signature cannot be read"),
    "root.none": _("what lies beside the signature is no root"),
    "root.kept_unreadable": _(
        "%(path)s cannot be read (%(why)s); delete it, and run: sudo daka update key KEY, with what `daka-enterprise keys show "
        "update` prints now"
    ),
    # A release that is brought
    "release.named": _("a release is named like daka-1.2.3-cp311-aarch64.tar; leave the names as the enterprise gave them"),
    "release.other_signature": _("this is the signature of another release than the one that came before it"),
    "release.order": _("the pieces of the release did not come in order; bring it again"),
    "release.too_large": _("this is far too large for a release"),
    # Settings
    "setting.unknown": _("%(name)s is not a setting; `daka config list` shows all of them"),
    "setting.roots": _("%(name)s is root's on this machine; set it in %(path)s"),
    "setting.by_hand": _("%(file)s is written in a way that cannot be changed from here; edit it by hand"),
    # Self-tests
    "selftest.under_way": _("a self-test is under way; its page shows how far it is"),
    "setting.ge": _("%(name)s: input should be greater than or equal to %(bound)s (got %(got)s)"),
    "setting.gt": _("%(name)s: input should be greater than %(bound)s (got %(got)s)"),
    "setting.le": _("%(name)s: input should be less than or equal to %(bound)s (got %(got)s)"),
    "setting.lt": _("%(name)s: input should be less than %(bound)s (got %(got)s)"),
    "setting.choice": _("%(name)s: input should be %(choices)s (got %(got)s)"),
    "setting.pattern": _("%(name)s: string should match pattern %(pattern)s (got %(got)s)"),
    "setting.long": _("%(name)s: string should have at most %(most)s characters"),
    "setting.wrong": _("%(name)s: %(why)s (got %(got)s)"),
    "setting.both": _("%(first)s; %(rest)s"),
    "setting.zone": _("%(zone)s is no time zone; write one such as Asia/Shanghai"),
    "setting.servers_name": _("that name is the server's own; choose another"),
    "setting.votes": _("recognition.looks_before_stranger must not be less than recognition.votes: nobody would ever be named"),
    "setting.live_order": _("liveness.spoof_below must not lie above liveness.live_from"),
    "setting.hours": _("it cannot be read: %(why)s"),
    "setting.no_tpm": _("device.unlock: the system hands no device key to this kiosk; there: sudo daka unlock tpm"),
    "setting.no_share": _("device.unlock: this kiosk has joined no server that could keep a share for it"),
    "setting.own_name": _(
        "device.id: the records of this kiosk are those of %(name)s; another name is chosen before the first start, in the "
        "settings file"
    ),
    # The server's signature for records
    "ack.not_servers": _("the acknowledgement is not the pinned server's: %(why)s"),
    "ack.other_epoch": _("the acknowledgement is for another epoch of this device"),
    "ack.not_here": _("the server has signed for record %(seq)s, which is not in this journal"),
    "ack.fork": _("the server has signed for another record %(seq)s than this journal holds: a fork"),
    # The chain of records
    "chain.broken": _("record %(seq)s: %(why)s"),
    "chain.all_missing": _("missing, and so is every other one"),
    "chain.first_missing": _("missing, though the server has not signed for it; the first one here is %(first)s"),
    "chain.missing": _("missing; the next one here is %(next)s"),
    "chain.stored": _("it is not stored as this journal stores records"),
    "chain.hash": _("its content does not match its hash"),
    "chain.elsewhere": _("it was made by another device, in another epoch or at another place"),
    "chain.filed": _("it is filed under another kind or time than its own"),
    "chain.before": _("it does not name the record before it"),
    "chain.time": _("the trusted time that it states is filed otherwise"),
    "chain.signature": _("its signature does not hold"),
    "chain.signed_missing": _("missing, though the server has signed for it"),
    "chain.signed_other": _("not the record that the server has signed for"),
    "chain.epoch": _("its epoch is gone from the file"),
    "chain.no_record": _("it is not a record"),
    # People's texts and templates
    "text.version": _("version %(version)s exists already, or is longer than 32 letters; give this text a new one"),
    "text.languages": _("a text is published in %(languages)s, each with 1 to %(most)s letters"),
    "text.letters": _("a text holds letters and line ends, no control characters"),
    "text.changed": _("the text has changed since it was shown; show the new one and ask again"),
    "consent.none": _("employee %(number)s has no consent in force; there is nothing to withdraw"),
    "template.locked": _("the kiosk waits for its server to unlock the templates; until then none can be made or read"),
    "template.sealed": _(
        "a sealed template or key does not open: it is damaged or belongs to another device key; restore keys/wrapping.key from"
        " the backup, or erase and enrol again"
    ),
    "template.pin": _(
        "a sealed PIN or phone does not open: it is damaged or belongs to another device key; set a new one for this person"
    ),
    "template.other_key": _(
        "none of %(count)s templates opens: keys/wrapping.key is not the one that they were sealed under; restore it from the "
        "backup, or withdraw the consents and enrol everybody again"
    ),
    "site.too_small": _("%(people)s people have a template; at least %(least)s are needed before their own scores bound anything"),
}
