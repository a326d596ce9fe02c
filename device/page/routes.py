"""The page's routes, wired to the kiosk's parts: the shell, the scene, the mirror, and what a person may do."""

from __future__ import annotations

import json

from flask import Response, request

from device import messages, server
from device.page.application import PageRoute, Role
from device.page.mirror import Mirror, Picture
from device.page.scenery import Scenery
from device.page.shell import Shell

MOST_WAIT_S = 25.0


def routes(shell: Shell, scenery: Scenery, mirror: Mirror) -> tuple[PageRoute, ...]:
    """What the page may ask without doing anything."""

    def scene() -> Response:
        asked = request.args
        after, wait_s = int(server.number_argument("after", 2**53)), server.number_argument("wait_s", MOST_WAIT_S)
        found = scenery.wait(asked.get("boot", ""), after, asked.get("seen", ""), wait_s)
        body = messages.CODEC.unstructure(found) | {"digest": found.digest()}
        return Response(json.dumps(body), mimetype="application/json")

    def frame() -> Response:
        number, wait_s = int(server.number_argument("after", 2**53)), server.number_argument("wait_s", MOST_WAIT_S)
        picture = mirror.after(number, wait_s, always=request.args.get("always") == "1")
        return Response(status=204) if picture is None else picture_answer(picture, scenery.waiting())

    return (
        *shell.routes(),
        PageRoute("GET", "/v1/scene", Role.PERSON, scene),
        PageRoute("GET", "/v1/frame", Role.PERSON, frame),
    )


def picture_answer(picture: Picture, waiting: str) -> Response:
    """A frame, and beside it in the headers which faces it shows and what the kiosk waits for at this moment."""
    response = Response(picture.jpeg, mimetype="image/jpeg")
    response.headers["Daka-Frame"] = str(picture.number)
    response.headers["Daka-Faces"] = json.dumps(messages.CODEC.unstructure(picture.faces))
    response.headers["Daka-Waiting"] = waiting
    response.headers["Daka-Age-Ms"] = f"{picture.age_ms:.1f}"
    return response
