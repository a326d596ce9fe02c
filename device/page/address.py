"""Where the page is found: the loopback socket, and the token of this boot that its address carries.

The token is in the fragment of the address, which no browser sends: it is read by the page alone and shown with every question, so
that neither another web page nor another user's program can ask in its place.
"""

from __future__ import annotations

import hmac
import os
import secrets
import socket
from dataclasses import dataclass
from pathlib import Path

from device.errors import DeviceError

LOOPBACK = "127.0.0.1"
TOKEN_BYTES = 24


class PageError(DeviceError):
    """The page cannot be served; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Address:
    """The page's address: `host` as a browser writes it into the Host header, and the token of this boot."""

    host: str
    token: str

    @property
    def origin(self) -> str:
        return f"http://{self.host}"

    @property
    def url(self) -> str:
        """What is typed, or what the display opens."""
        return f"{self.origin}/#{self.token}"

    def is_token(self, shown: str) -> bool:
        """Whether somebody shows the token, compared in constant time."""
        return hmac.compare_digest(self.token.encode("utf-8"), shown.encode("utf-8", "replace"))


def listener(passed: socket.socket | None, port: int) -> socket.socket | None:
    """The socket that systemd passed, or one of our own on loopback; None where there shall be no page (port 0)."""
    if passed is not None:
        return _checked(passed)
    if not port:
        return None
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((LOOPBACK, port))
        made.listen(16)
    except OSError as error:
        made.close()
        raise PageError(
            f"the kiosk page cannot listen on {LOOPBACK}:{port} ({error.strerror}); end whoever has it, or set page.port to another"
        ) from error
    return made


def _checked(passed: socket.socket) -> socket.socket:
    """Loopback only, whoever wrote the unit."""
    name = passed.getsockname()
    if passed.family != socket.AF_INET or name[0] != LOOPBACK:
        passed.close()
        raise PageError(f"the socket handed over for the page is not on {LOOPBACK}; set ListenStream={LOOPBACK}:PORT in its unit")
    return passed


def settle(listening: socket.socket, file: Path, boot_id: str) -> Address:
    """The address of this boot, written to `file` (0640) for the display; the same token until the machine starts anew.

    So an open page goes on by itself when this daemon was restarted.
    """
    host = f"{LOOPBACK}:{listening.getsockname()[1]}"
    token = _kept_token(file, boot_id) or f"{_mark(boot_id)}.{secrets.token_urlsafe(TOKEN_BYTES)}"
    address = Address(host, token)
    try:
        file.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        draft = file.with_suffix(".new")
        draft.unlink(missing_ok=True)
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640), "w", encoding="ascii") as written:
            os.fchmod(written.fileno(), 0o640)  # the umask of a service takes the group's right away
            written.write(f"{address.url}\n")
        draft.replace(file)
    except OSError as error:
        raise PageError(f"{file} cannot be written ({error.strerror}); the display could not find the page") from error
    return address


def _kept_token(file: Path, boot_id: str) -> str:
    try:
        token = file.read_text(encoding="ascii").strip().partition("#")[2]
    except (OSError, UnicodeDecodeError):
        return ""
    return token if token.startswith(f"{_mark(boot_id)}.") and len(token) > TOKEN_BYTES else ""


def _mark(boot_id: str) -> str:
    return boot_id.replace("-", "")[:8]
