"""The kiosk's end of joining over HTTPS: TLS whose authority was pinned by the invitation, and nothing else of the network."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import httpx

from device import messages
from device.messages import joining
from device.sentences import say
from device.tls_files import NO_CHECK_TIME, JoinRefused

TIMEOUT_S = 10.0
EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)  # before this software was written; a clock that says so was never set


class JoinUnreachable(JoinRefused):
    """Nobody answers as they should at this moment; worth trying again."""


class Enrolment:
    """One conversation with the enterprise's join service."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def ask(self, request: bytes) -> str:
        """Hand the request in; the id under which its answer is fetched. JoinRefused with the service's own sentence."""
        return str(self._call("POST", "/v1/join", content=request).json()["id"])

    def answer(self, number: str) -> bytes | None:
        """The sealed answer, or None while a person has not confirmed the code yet."""
        response = self._call("GET", f"/v1/join/{number}")
        return response.content if response.status_code == 200 else None

    def _call(self, method: str, path: str, content: bytes | None = None) -> httpx.Response:
        try:
            response = self._http.request(method, path, content=content)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise JoinUnreachable(say("join.no_service", why=error)) from error
        if response.is_error:
            raise (JoinUnreachable if response.status_code >= 500 else JoinRefused)(_sentence(response))
        return response


@contextmanager
def opened(invitation: messages.Invitation) -> Iterator[Enrolment]:
    """A connection to the invitation's address that only the pinned authority can vouch for."""
    authority = _authority(invitation)
    context = ssl.create_default_context(cadata=authority)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if datetime.now(UTC) < EARLIEST:  # a clock that was never set judges no dates; the authority is pinned all the same
        context.verify_flags |= NO_CHECK_TIME
    with httpx.Client(base_url=invitation.url, verify=context, timeout=TIMEOUT_S, trust_env=False) as http:
        yield Enrolment(http)


def _authority(invitation: messages.Invitation) -> str:
    """The authority's certificate, PEM. It is fetched from whoever answers, and used only if its digest is the pinned one."""
    anybody = ssl.create_default_context()
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
    try:
        with httpx.Client(base_url=invitation.url, verify=anybody, timeout=TIMEOUT_S, trust_env=False) as http:
            found = http.get("/v1/ca")
            found.raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise JoinUnreachable(say("join.nobody", url=invitation.url, why=type(error).__name__)) from error
    if len(found.content) > joining.MOST_BYTES or hashlib.sha256(found.content).hexdigest() != invitation.ca:
        raise JoinRefused(say("join.somebody_else", url=invitation.url))
    return found.text


def _sentence(response: httpx.Response) -> str:
    try:
        return say("join.no", why=response.json()["error"])
    except (ValueError, KeyError, TypeError):
        return say("join.answered", status=response.status_code)
