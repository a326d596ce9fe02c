"""Where the templates' key comes from at a start: from this machine alone, or only together with a share that the server hands out.

With `device.unlock = "server"` the persons' keys are wrapped under a key that is made of the device key and the share, which lies
on no disk of the kiosk: without it no template opens, while PINs, badges and codes, which the device key seals, count as ever.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import Response, request

from device import api, messages, server
from device.errors import DeviceError
from device.messages import unlock as words
from device.people import Directory
from device.sentences import say
from device.server import Route

log = logging.getLogger(__name__)

WAITS = say("unlock.waits")


class ShareRefused(DeviceError):
    """The share does not open the templates, or was not asked for; nothing has changed."""


def template_key(device_key: bytes, share: bytes) -> bytes:
    """AES-256 key of which neither half suffices, 32 bytes."""
    return HKDF(hashes.SHA256(), 32, share, b"daka/v1/template-key").derive(device_key)


class Unlocking:
    """One kiosk daemon's; safe to use from several threads. `opened` is called when the templates can be read from now on."""

    def __init__(
        self,
        by_server: bool,
        device: str,
        directory: Directory,
        journal: Ed25519PrivateKey,
        device_key: bytes,
        servers: Callable[[], Iterable[Ed25519PublicKey]],
    ) -> None:
        """`by_server`: the templates are to be locked by a share from now on; else a lock of before is taken away once it opens.

        `servers`: the keys whose word counts, as they do for acknowledgements: whoever carries the share must not choose it.
        """
        self._by_server, self._device, self._directory = by_server, device, directory
        self._journal, self._device_key, self._servers = journal, device_key, servers
        self._ephemeral = X25519PrivateKey.generate()
        self._asked: words.UnlockRequest | None = None
        self._settled = not by_server and not directory.is_locked
        self._lock = threading.Lock()
        self._why = ""
        self.opened: Callable[[], None] = lambda: None

    @property
    def is_locked(self) -> bool:
        """Whether no template can be read."""
        return self._directory.is_locked

    @property
    def why(self) -> str:
        """Why it is locked still; "" where it is not."""
        if not self.is_locked:
            return ""
        return say("unlock.waits_because", why=self._why) if self._why else WAITS

    def request(self) -> bytes | None:
        """What the server is asked at this start; None when nothing is to be asked."""
        with self._lock:
            if self._settled:
                return None
            self._asked, payload = words.write_request(self._device, self._ephemeral, self._journal)
            return payload

    def fail(self, why: str) -> None:
        """The server could not be asked, or said no."""
        if why != self._why:
            log.warning("not unlocked: %s", why)
        self._why = why

    def take(self, answer: bytes) -> None:
        """The server's answer; ShareRefused where it opens nothing."""
        with self._lock:
            if self._settled or self._asked is None:
                raise ShareRefused(say("unlock.not_asked"))
            try:
                share = words.open_answer(answer, self._asked, self._ephemeral, self._servers())
            except messages.MessageError as error:
                log.warning("the server's answer is not believed: %s", error)
                raise ShareRefused(say("unlock.not_for_us")) from error
            key = template_key(self._device_key, share)
            if not self._directory.unlock(key):
                raise ShareRefused(say("unlock.other_share"))
            if not self._by_server:
                self._directory.rewrap(self._device_key)
            self._settled, self._why = True, ""
        log.info("the templates are unlocked")
        self.opened()


def uplink_routes(unlocking: Unlocking) -> tuple[Route, ...]:
    """What the uplink may ask and bring."""

    def asked() -> Response:
        payload = unlocking.request()
        return Response(status=204) if payload is None else Response(payload, mimetype="application/json")

    def answer() -> api.Done:
        unlocking.take(request.get_data())
        return api.Done()

    def failure() -> api.Done:
        (why,) = server.json_fields("why")
        unlocking.fail(server.said_or(why))
        return api.Done()

    return (
        Route("GET", "/v1/unlock-request", asked),
        Route("POST", "/v1/unlock-answer", answer),
        Route("POST", "/v1/unlock-failure", failure),
    )
