"""What the command line, and the web UI after it, may ask of the kiosk daemon: its routes on the admin socket."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Callable

from flask import request

from device import api, camera, claims, desk, line, people_counter, server, sitting, timekeeping
from device.server import Route
from device.telling import Tell, silent


def admin_routes(
    office: desk.Desk,
    board: line.Board,
    source: camera.Camera,
    counter: claims.Claims,
    keeper: timekeeping.Timekeeper | None = None,
    landmarks: str = "",
    device_key: str = "",
    locked: Callable[[], str] = lambda: "",
    teller: Callable[[], Tell] = lambda: silent,
) -> tuple[Route, ...]:
    """What the command line may ask."""

    boot = secrets.token_hex(8)

    def status() -> api.Status:
        why = locked()
        seen, standing = source.status(), keeper.standing() if keeper else timekeeping.Standing("none", 0, 0)
        return dataclasses.replace(
            office.status(),
            boot=boot,
            camera_state=seen.state,
            camera=seen.sentence,
            camera_said=api.reason(seen.sentence),
            simulated=source.simulated,
            waiting=board.waiting,
            trouble=board.trouble,
            trouble_said=api.reason(board.trouble),
            decisions=board.count,
            clock_source=standing.source,
            clock_disagrees_s=standing.disagrees_by_us / 1_000_000,
            landmarks=landmarks,
            prompt=board.prompt,
            device_key=device_key,
            locked=why,
            locked_said=api.reason(why),
        )

    def decisions() -> tuple[api.Decision, ...]:
        return board.after(int(server.number_argument("after", 2**53)), server.number_argument("wait_s", server.MOST_WAIT_S))

    return (
        Route("GET", "/v1/status", status),
        Route("GET", "/v1/decisions", decisions),
        Route("GET", "/v1/people", office.people),
        Route("POST", "/v1/people", lambda: office.add_person(*server.json_fields("number", "name", "language", "by"))),
        *people_counter.consent_routes(office.consents),
        *enrolment_routes(office),
        Route("POST", "/v1/claim", lambda: counter.number(*server.json_fields("number", "kind"))),
        Route("POST", "/v1/card-claim", lambda: counter.card(*server.json_fields("code"))),
        Route("POST", "/v1/site-evaluation", lambda: office.evaluate_site(server.json_fields("by")[0], teller())),
        Route("GET", "/v1/punches", lambda: office.punches(int(server.number_argument("after", 2**53)))),
        Route("GET", "/v1/verify", lambda: office.verify(teller())),
    )


def enrolment_routes(office: desk.Desk) -> tuple[Route, ...]:
    """Templates from photographs, kept here or on a card."""

    def enrol() -> api.Enrolled:
        asked = request.args
        return office.enrol(asked.get("number", ""), request.get_data(), asked.get("by", ""), asked.get("look_alike_of", ""))

    def enrol_several() -> api.Enrolled:
        asked, photographs = request.args, tuple(file.read() for file in request.files.getlist("photograph"))
        return office.enrol_several(asked.get("number", ""), photographs, asked.get("by", ""), asked.get("look_alike_of", ""))

    def look_at() -> api.Enrolled:
        photographs = tuple(file.read() for file in request.files.getlist("photograph"))
        return office.look_at(request.args.get("number", ""), photographs, request.args.get("by", ""))

    def issue_card() -> api.CardIssued:
        days = int(server.number_argument("days", desk.MOST_CARD_DAYS))
        return office.issue_card(request.args.get("number", ""), request.get_data(), request.args.get("by", ""), days)

    return (
        Route("POST", "/v1/enrolment", enrol),
        Route("POST", "/v1/enrolment-of-several", enrol_several),
        Route("POST", "/v1/enrolment-look", look_at),
        Route("POST", "/v1/face-removal", lambda: office.remove_face(*server.json_fields("number", "by"))),
        Route("POST", "/v1/card", issue_card),
        Route("POST", "/v1/card-revocation", lambda: office.revoke_cards(*server.json_fields("number", "by"))),
    )


def sitting_routes(sittings: sitting.Sittings) -> tuple[Route, ...]:
    """Enrolment before the kiosk's camera."""

    def standing() -> api.Sitting:
        return sittings.standing(int(server.number_argument("after", 2**53)), server.number_argument("wait_s", server.MOST_WAIT_S))

    return (
        Route("POST", "/v1/sitting", lambda: sittings.begin(*server.json_fields("number", "by", "look_alike_of"))),
        Route("GET", "/v1/sitting", standing),
        Route("POST", "/v1/sitting-end", sittings.end),
    )
