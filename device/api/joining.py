"""Joining an enterprise: asked for on the command line or in the web UI, answered by the kiosk daemon, carried by the uplink.

The kiosk daemon has the keys that sign and connects nowhere; the uplink has the key of its certificate and reaches the enterprise.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field

from device import messages, sentences
from device.api.answers import Reason
from device.api.client import Client

WORK_S = 120.0  # templates of thousands are destroyed one by one


@dataclass(frozen=True, slots=True)
class Joining:
    """How joining stands.

    `stage`: none, key (waits for the uplink to make its key), waiting (for a person at the enterprise, who compares `code`),
    failed, or settling (the kiosk daemon restarts with what came of it). `why` (for pages: `said`): the last trouble, also of one
    that is tried again.
    `url` and `root` are the invitation's. `member` is the root of the enterprise that was joined, `since` when; both "" for none.
    """

    stage: str = "none"
    device: str = ""
    code: str = ""
    url: str = ""
    root: str = ""
    why: str = ""
    member: str = ""
    since: str = ""
    said: Reason = field(default_factory=Reason)


@dataclass(frozen=True, slots=True)
class JoinOrder:
    """What the uplink is to do.

    `work`: none, key (a certificate request for `device`), or carry: hand `request` (base64) in at `url`, whose authority's
    certificate has the SHA-256 `ca`, and bring the answer. `number` names the request all along.
    """

    work: str = "none"
    number: str = ""
    device: str = ""
    url: str = ""
    ca: str = ""
    request: str = ""


@dataclass(frozen=True, slots=True)
class Left:
    """How many people's consents and templates are gone."""

    people: int


class JoinCarrier(Client):
    """The uplink's side."""

    def join_order(self) -> JoinOrder:
        """What is to be done now."""
        return self._get("/v1/join-order", JoinOrder)

    def join_key(self, number: str, csr: str) -> None:
        """The certificate request that was wanted."""
        self._ask("POST", "/v1/join-key", json={"number": number, "csr": csr})

    def join_answer(self, answer: bytes) -> Joining:
        """The enterprise's answer; KioskRefused, and nothing has changed, where it is not believed."""
        return messages.CODEC.structure(self._ask("POST", "/v1/join-answer", content=answer, timeout_s=WORK_S).json(), Joining)

    def join_failed(self, number: str, why: str, *, for_good: bool) -> None:
        """It could not be carried; without `for_good` it is tried again."""
        told = {"why": why, "said": sentences.parts(why)}
        self._ask("POST", "/v1/join-failure", json={"number": number, "for_good": "yes" if for_good else "no", **told})


class JoinClient(JoinCarrier):
    """The command line's side; the web UI has `joining`, `join_at_kiosk` and `end_joining` of it."""

    def joining(self) -> Joining:
        """How it stands."""
        return self._get("/v1/joining", Joining)

    def join(self, invitation: str, by: str, *, replace: bool = False, carried: bool = False) -> Joining:
        """Begin, or go on with the same invitation.

        `replace`: another enterprise is left for it. `carried`: request and answer go by hand, as files.
        """
        body = {"invitation": invitation, "by": by, "replace": _flag(replace), "carried": _flag(carried)}
        return self._post("/v1/join", Joining, **body)

    def join_at_kiosk(self, invitation: str, code: str, by: str) -> Joining:
        """The same for whoever can read the kiosk's screen: without `code` one is shown there, with it joining begins."""
        return self._post("/v1/join-at-kiosk", Joining, invitation=invitation, code=code, by=by)

    def join_request(self) -> bytes:
        """The request as it goes to the enterprise, by hand."""
        return base64.b64decode(self._get("/v1/join-request", JoinOrder).request)

    def end_joining(self, by: str) -> Joining:
        """Give up what waits for the enterprise."""
        return self._post("/v1/join-end", Joining, by=by)

    def leave(self, by: str) -> Left:
        """Leave the enterprise; the kiosk daemon restarts."""
        return messages.CODEC.structure(self._ask("POST", "/v1/leave", json={"by": by}, timeout_s=WORK_S).json(), Left)


def _flag(value: bool) -> str:
    return "yes" if value else "no"
