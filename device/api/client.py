"""One caller of one unix socket of the kiosk daemon, and what can go wrong with it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Self, TypeVar

sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # its command line: 4 MB of rich and pygments in every daemon

import cattrs  # noqa: E402
import httpx  # noqa: E402

from device import messages  # noqa: E402
from device.api.answers import Reason, reason  # noqa: E402
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

    def __init__(self, kind: str, sentence: str, said: Reason | None = None) -> None:
        super().__init__(sentence)
        self.kind, self.said = kind, said or reason(sentence)


class Client:
    """A caller of one unix socket of the kiosk daemon, or of another one that says WHO it is."""

    WHO = "the kiosk daemon"

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
            raise KioskAway(
                f"{self.WHO} does not answer on {self._socket} ({type(error).__name__}); start it with `daka run`, "
                "or check that your user is in the socket's group"
            ) from error
        if response.is_error:
            raise _refusal(response)
        return response

    def _get(self, path: str, answer: type[Answer], *, timeout_s: float = TIMEOUT_S, **parameters: Any) -> Answer:
        return messages.CODEC.structure(self._ask("GET", path, params=parameters, timeout_s=timeout_s).json(), answer)

    def _post(self, path: str, answer: type[Answer], **fields: Any) -> Answer:
        return self._post_slowly(path, answer, TIMEOUT_S, **fields)

    def _post_slowly(self, path: str, answer: type[Answer], timeout_s: float, /, **fields: Any) -> Answer:
        return messages.CODEC.structure(self._ask("POST", path, json=fields, timeout_s=timeout_s).json(), answer)


def _refusal(response: httpx.Response) -> KioskRefused:
    try:
        body = response.json()
        said = messages.CODEC.structure(body["said"], Reason) if "said" in body else None
        return KioskRefused(str(body["kind"]), str(body["error"]), said)
    except (ValueError, KeyError, TypeError, cattrs.BaseValidationError):
        return KioskRefused("unexpected", f"the kiosk daemon answered {response.status_code}; its log says why")
