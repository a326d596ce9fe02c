"""What the kiosk page is shown from."""

from __future__ import annotations

from collections.abc import Callable

from device import api, state
from device.following import Following
from device.kiosk.inside import Inside
from device.locks import room
from device.page import backstage, scenery, stamps, voice
from device.page import counter as page_counter


def behind(
    inside: Inside,
    folder: state.Folder,
    following: Following,
    stamping: room.Room,
    notice: Callable[[], api.WebNotice],
    owed: Callable[[], bool],
) -> backstage.Behind:
    """What the kiosk page is shown from."""
    directory, time_source = inside.files.directory, inside.time_source

    hands = page_counter.Counter(
        inside.config,
        inside.ways,
        inside.readers,
        inside.walk,
        inside.corrections,
        inside.affairs,
        inside.by_face,
        inside.sittings,
        inside.office.consents,
        time_source,
        following.notices,
        voice.Voice(),
        stamps.Stamps(inside.ways, stamping.desk) if inside.config.lock.enabled else None,
    )
    parts = scenery.Parts(
        config=inside.config,
        root=folder.root,
        board=inside.board,
        source=inside.source,
        journal=inside.files.journal,
        clock=time_source,
        language_of=lambda person: directory.get(person).language,
        has_new_text=lambda person: directory.consents.asked_again_at(person) is not None,
        has_message=lambda person: bool(hands.messages_to(person)),
        notice=notice,
        abilities=hands.abilities,
        sitting=lambda: inside.sittings.standing(0, 0.0),
        locked=lambda: bool(inside.walk.locked()),
        owed=owed,
        notices=lambda: page_counter.notices_for("", following.notices(), time_source.now()),
    )
    return backstage.Behind(parts, hands, lambda: inside.recogniser.outlines)
