"""What may be asked about joining, by whom: all of it on the command line, the uplink's part, and what the web UI may."""

from __future__ import annotations

import base64
from dataclasses import replace

from flask import request

from device import api, membership, server, state
from device.admission import Admission
from device.joining import JoinRefused
from device.sentences import say
from device.server import Route
from device.webcodes import JOIN, WebCodes, naming


class WrongCode(JoinRefused):
    """Not what stands on the screen."""


class AdmissionCounter:
    """The routes of one kiosk daemon."""

    def __init__(self, admission: Admission, codes: WebCodes, folder: state.Folder) -> None:
        self._admission, self._codes, self._folder = admission, codes, folder

    def for_admins(self) -> tuple[Route, ...]:
        """The command line: whoever may open that socket."""
        return (
            *self._common(),
            Route("POST", "/v1/join", self._begin),
            Route("GET", "/v1/join-request", self._request),
            Route("POST", "/v1/join-answer", self._answer),
            Route("POST", "/v1/leave", lambda: self._admission.leave(*server.json_fields("by"))),
            Route("GET", "/v1/web-notice", self.at_console),
        )

    def for_web(self) -> tuple[Route, ...]:
        """The web UI, which reads no screen: a person who does has to type what stands there."""
        return (*self._common(), Route("POST", "/v1/join-at-kiosk", self._at_kiosk))

    def for_uplink(self) -> tuple[Route, ...]:
        """Whoever carries it."""
        return (
            Route("GET", "/v1/join-order", self._admission.join_order),
            Route("POST", "/v1/join-key", self._key),
            Route("POST", "/v1/join-answer", self._answer),
            Route("POST", "/v1/join-failure", self._failure),
        )

    def notice(self) -> api.WebNotice:
        """What the screen says to administrators: a code to type, or the one that the enterprise compares."""
        return self._with_comparison(self._codes.notice())

    def at_console(self) -> api.WebNotice:
        """The same for root's command line, with codes that are on no screen."""
        return self._with_comparison(self._codes.notice(console=True))

    def _with_comparison(self, said: api.WebNotice) -> api.WebNotice:
        asked = None if said.code else self._admission.compared()
        return naming(replace(said, code=asked[0], purpose="joining"), asked[1]) if asked else said

    def _common(self) -> tuple[Route, ...]:
        return (
            Route("GET", "/v1/joining", self._admission.standing),
            Route("POST", "/v1/join-end", self._end),
        )

    def _end(self) -> api.Joining:
        (by,) = server.json_fields("by")
        self._codes.end_joining()
        return self._admission.end(by)

    def _begin(self) -> api.Joining:
        invitation, by, replaces, carried = server.json_fields("invitation", "by", "replace", "carried")
        return self._admission.begin(invitation, by, replace=replaces == "yes", carried=carried == "yes")

    def _at_kiosk(self) -> api.Joining:
        """Without a code one is shown on the screen, for this invitation alone. A kiosk that belongs to somebody is not given away
        from afar."""
        invitation, code, by = server.json_fields("invitation", "code", "by")
        if membership.read(self._folder.enterprise) is not None:
            raise JoinRefused(say("join.joined"))
        invited = self._admission.check(invitation)
        if not code:
            self._codes.ask_joining(invited)
            return self._admission.standing()
        checked = self._codes.check(JOIN, invited.digest, code)
        if not checked.right:
            raise WrongCode(say("join.wrong_code", seconds=f"{checked.wait_s:.0f}"))
        return self._admission.begin(invitation, by)

    def _request(self) -> api.JoinOrder:
        return api.JoinOrder(request=base64.b64encode(self._admission.join_request()).decode("ascii"))

    def _answer(self) -> api.Joining:
        return self._admission.join_answer(request.get_data())

    def _key(self) -> api.Done:
        self._admission.join_key(*server.json_fields("number", "csr"))
        return api.Done()

    def _failure(self) -> api.Done:
        number, why, for_good = server.json_fields("number", "why", "for_good")
        self._admission.join_failed(number, server.said_or(why), for_good=for_good == "yes")
        return api.Done()
