"""What is said of the machine itself: its disk, its releases, its settings."""

from __future__ import annotations

ENGLISH = {
    # The disk and its files
    "storage.full": "{file}: the disk is full; free some room",
    "storage.read_only": "{file}: the disk takes no writes; check its mount and permissions",
    "storage.damaged": "{file}: the file is damaged",
    "storage.failing": "{file}: the disk reports an error; check or replace it",
    "storage.other": "{file}: {why}",
    "storage.no_room_for_backup": "the disk has no room for this backup; free some, then bring it again",
    "storage.no_room_for_release": "the disk has no room for a release; free some, then bring it again",
    "storage.no_room_to_make": "the disk has no room for a backup beside the records to come; free some, or remove older backups",
    "backup.other_name": (
        'the backup is of {theirs}, and this machine is {mine}: write id = "{theirs}" under [device] in {path}, then bring it again'
    ),
    # The line from a frame to a record
    "trouble.frame": "a frame could not be handled; the log says why",
    "trouble.not_recorded": "the punch was not recorded: {why}",
    # Punches that are put right
    "correction.gone": "record {seq} is no punch that this kiosk still keeps",
    "correction.voided": "punch {seq} does not count any more; correct the one that stands in its place",
    "correction.too_late": "the time to change this punch at the kiosk is over; ask the office to correct it",
    "correction.direction": "{given} is no direction; it is in, out, break or back",
    "correction.early": "that time lies before the year {year}",
    "correction.future": "that time has not come yet",
    "correction.long_ago": "that time lies more than {days} days ago; check the year",
    "correction.twice": "that very punch counts already: record {seq}",
    "correction.time": "the time cannot be used: {why}",
    "correction.reason": "a reason has 1 to {most} letters, blanks alone are none",
    # Whose signature makes a release
    "root.ran_out": "root {number} ran out on {day}; the enterprise signs a newer one",
    "root.not_signed": "it is not signed by a key that root {number} of this machine names",
    "root.unreadable_chain": "the roots beside the signature cannot be read",
    "root.unreadable": "a root beside the signature cannot be read",
    "root.none": "what lies beside the signature is no root",
    "root.kept_unreadable": (
        "{path} cannot be read ({why}); delete it, and run: sudo daka update key KEY, with what `daka-enterprise keys show "
        "update` prints now"
    ),
    # A release that is brought
    "release.named": "a release is named like daka-1.2.3-cp311-aarch64.tar; leave the names as the enterprise gave them",
    "release.other_signature": "this is the signature of another release than the one that came before it",
    "release.order": "the pieces of the release did not come in order; bring it again",
    "release.too_large": "this is far too large for a release",
    # Settings
    "setting.unknown": "{name} is not a setting; `daka config list` shows all of them",
    "setting.roots": "{name} is root's on this machine; set it in {path}",
    "setting.by_hand": "{file} is written in a way that cannot be changed from here; edit it by hand",
    # Self-tests
    "selftest.under_way": "a self-test is under way; its page shows how far it is",
    "setting.ge": "{name}: input should be greater than or equal to {bound} (got {got})",
    "setting.gt": "{name}: input should be greater than {bound} (got {got})",
    "setting.le": "{name}: input should be less than or equal to {bound} (got {got})",
    "setting.lt": "{name}: input should be less than {bound} (got {got})",
    "setting.choice": "{name}: input should be {choices} (got {got})",
    "setting.pattern": "{name}: string should match pattern {pattern} (got {got})",
    "setting.long": "{name}: string should have at most {most} characters",
    "setting.wrong": "{name}: {why} (got {got})",
    "setting.both": "{first}; {rest}",
    "setting.zone": "{zone} is no time zone; write one such as Asia/Shanghai",
    "setting.servers_name": "that name is the server's own; choose another",
    "setting.votes": "recognition.looks_before_stranger must not be less than recognition.votes: nobody would ever be named",
    "setting.live_order": "liveness.spoof_below must not lie above liveness.live_from",
    "setting.hours": "it cannot be read: {why}",
    "setting.no_tpm": "device.unlock: the system hands no device key to this kiosk; there: sudo daka unlock tpm",
    "setting.no_share": "device.unlock: this kiosk has joined no server that could keep a share for it",
    "setting.own_name": (
        "device.id: the records of this kiosk are those of {name}; another name is chosen before the first start, in the "
        "settings file"
    ),
    # The server's signature for records
    "ack.not_servers": "the acknowledgement is not the pinned server's: {why}",
    "ack.other_epoch": "the acknowledgement is for another epoch of this device",
    "ack.not_here": "the server has signed for record {seq}, which is not in this journal",
    "ack.fork": "the server has signed for another record {seq} than this journal holds: a fork",
    # The chain of records
    "chain.broken": "record {seq}: {why}",
    "chain.all_missing": "missing, and so is every other one",
    "chain.first_missing": "missing, though the server has not signed for it; the first one here is {first}",
    "chain.missing": "missing; the next one here is {next}",
    "chain.stored": "it is not stored as this journal stores records",
    "chain.hash": "its content does not match its hash",
    "chain.elsewhere": "it was made by another device, in another epoch or at another place",
    "chain.filed": "it is filed under another kind or time than its own",
    "chain.before": "it does not name the record before it",
    "chain.time": "the trusted time that it states is filed otherwise",
    "chain.signature": "its signature does not hold",
    "chain.signed_missing": "missing, though the server has signed for it",
    "chain.signed_other": "not the record that the server has signed for",
    "chain.epoch": "its epoch is gone from the file",
    "chain.no_record": "it is not a record",
    # People's texts and templates
    "text.version": "version {version} exists already, or is longer than 32 letters; give this text a new one",
    "text.languages": "a text is published in {languages}, each with 1 to {most} letters",
    "text.letters": "a text holds letters and line ends, no control characters",
    "text.changed": "the text has changed since it was shown; show the new one and ask again",
    "consent.none": "employee {number} has no consent in force; there is nothing to withdraw",
    "template.locked": "the kiosk waits for its server to unlock the templates; until then none can be made or read",
    "template.sealed": (
        "a sealed template or key does not open: it is damaged or belongs to another device key; restore keys/wrapping.key from"
        " the backup, or erase and enrol again"
    ),
    "template.pin": (
        "a sealed PIN or phone does not open: it is damaged or belongs to another device key; set a new one for this person"
    ),
    "template.other_key": (
        "none of {count} templates opens: keys/wrapping.key is not the one that they were sealed under; restore it from the "
        "backup, or withdraw the consents and enrol everybody again"
    ),
    "site.too_small": "{people} people have a template; at least {least} are needed before their own scores bound anything",
}
