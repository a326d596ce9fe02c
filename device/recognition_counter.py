"""What the administrators' page may ask about recognition: no score and no template of anybody."""

from __future__ import annotations

from device import desk, messages, people
from device.api.recognition import RecognitionStanding
from device.server import Route


def routes(office: desk.Desk, directory: people.Directory, level: str) -> tuple[Route, ...]:
    """`level` is that of the liveness check in force."""

    def standing() -> RecognitionStanding:
        keeper, measured = office.keeper(), directory.site_measurement()
        known = keeper.known
        return RecognitionStanding(
            known.search_from is not None,
            keeper.most_people(),
            len(set(known.gallery.persons)),
            known.search_from if known.search_from is not None else known.one_to_one,
            level,
            messages.write_time(measured.measured_at) if measured else "",
            measured.people if measured else 0,
            directory.likeness.pairs(),
        )

    return (Route("GET", "/v1/recognition", standing),)
