"""One caller of one unix socket of the kiosk daemon, and what can go wrong with it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Self, TypeVar

sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # its command line: 4 MB of rich and pygments in every daemon

import httpx  # noqa: E402

from device import messages, sentences  # noqa: E402
from device.api.answers import reason  # noqa: E402
from device.errors import DeviceError  # noqa: E402

HOST = "kiosk"  # the exact Host that the daemon answers to; anything else is another page's or program's request
TIMEOUT_S = 10.0

Answer = TypeVar("Answer")


class KioskError(DeviceError):
    """Asking the kiosk daemon failed."""


class KioskAway(KioskError):
    """Nobody answers on the socket: the daemon is down, or this user may not ask."""


class KioskRefused(KioskError):
    """The daemon understood and said no; `kind` is the name of the reason, the text its sentence, `said` the same for pages."""

    def __init__(self, kind: str, sentence: str) -> None:
        super().__init__(sentence)
        self.kind, self.said = kind, reason(sentence)


class Client:
    """A caller of one unix socket of the kiosk daemon, or of another one, by what WHO names among the sentences."""

    WHO = "what.kiosk"

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        transport = httpx.HTTPTransport(uds=str(socket))
        self._http = httpx.Client(transport=transport, base_url=f"http://{HOST}", timeout=TIMEOUT_S, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the connection back."""
        self._http.close()

    def _ask(self, method: str, path: str, *, timeout_s: float = TIMEOUT_S, **rest: Any) -> httpx.Response:
        try:
            response = self._http.request(method, path, timeout=timeout_s, **rest)
        except httpx.HTTPError as error:
            who = sentences.say(self.WHO)
            raise KioskAway(sentences.say("away.no_answer", who=who, socket=self._socket, why=type(error).__name__)) from error
        if response.is_error:
            raise _refusal(response, self.WHO)
        return response

    def _get(self, path: str, answer: type[Answer], *, timeout_s: float = TIMEOUT_S, **parameters: Any) -> Answer:
        return messages.CODEC.structure(self._ask("GET", path, params=parameters, timeout_s=timeout_s).json(), answer)

    def _post(self, path: str, answer: type[Answer], **fields: Any) -> Answer:
        return self._post_slowly(path, answer, TIMEOUT_S, **fields)

    def _post_slowly(self, path: str, answer: type[Answer], timeout_s: float, /, **fields: Any) -> Answer:
        return messages.CODEC.structure(self._ask("POST", path, json=fields, timeout_s=timeout_s).json(), answer)


def _refusal(response: httpx.Response, who: str) -> KioskRefused:
    try:
        body = response.json()
        said = sentences.heard(body.get("said"))
        return KioskRefused(str(body["kind"]), said if isinstance(said, sentences.Sentence) else str(body["error"]))
    except (ValueError, KeyError, TypeError, AttributeError):
        return KioskRefused("unexpected", sentences.say("away.answered", who=sentences.say(who), status=response.status_code))
