"""One unix socket of a daemon and its routes: the same rules for every daemon of the kiosk.

A route that no caller is declared for does not exist; a request with another Host, or with an Origin, is refused; nothing that is
answered may be kept.
"""

from __future__ import annotations

import io
import json
import os
import socket
import stat
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import waitress.server
from flask import Flask, Request, Response, abort, has_request_context, request
from waitress import wasyncore
from werkzeug.exceptions import ClientDisconnected, HTTPException

from device import messages, sentences
from device.api.client import HOST
from device.errors import DeviceError

MOST_BODY_BYTES = 32 * 1024 * 1024  # a photograph for enrolment
MOST_WAIT_S = 30.0
LOOK_EVERY_S = 0.25  # whether whoever asked is still there
MOST_PATH_BYTES = 107  # unix(7): sun_path has 108, one of them the final zero


class InMemory(Request):
    """A request whose files never touch a disk: they are photographs."""

    def _get_file_stream(self, *_: Any, **__: Any) -> io.BytesIO:
        return io.BytesIO()


Refusals = tuple[tuple[type[Exception], int], ...]


class ListenError(DeviceError):
    """The socket cannot be made where it should be; the message says where and why."""


class Serving(Protocol):
    """A server that runs until it is closed."""

    def run(self) -> None: ...
    def close(self) -> None: ...

    def unanswered_s(self) -> float:
        """For how long somebody has waited, without a break, for a thread to be free: all of them hang, or the loop does."""
        ...


@dataclass(frozen=True, slots=True)
class Route:
    """One thing that one kind of caller may ask."""

    method: str
    path: str
    answer: Callable[[], Any]


def is_ours(host: str) -> bool:
    """What our own clients say."""
    return host == HOST


def is_loopback(host: str) -> bool:
    """What our own clients say, or whoever comes through a port of this machine's loopback."""
    return is_ours(host) or host.rpartition(":")[0] in ("127.0.0.1", "localhost")


def application(name: str, routes: tuple[Route, ...], refusals: Refusals, belongs: Callable[[str], bool] = is_ours) -> Flask:
    """A Flask application that answers exactly these routes, under a Host that `belongs`.

    `refusals` are the errors that are an answer, and their codes.
    """
    app = Flask(f"daka-{name}", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MOST_BODY_BYTES
    app.request_class = InMemory
    app.before_request(lambda: _refuse_strangers(belongs))
    for route in routes:
        app.add_url_rule(route.path, f"{route.method} {route.path}", plainly(route.answer), methods=[route.method])
    refuse_plainly(app, refusals)
    app.after_request(_never_kept)
    return app


def refuse_plainly(app: Flask, refusals: Refusals) -> None:
    """Whatever this application refuses is a kind and a sentence."""
    for kind, code in refusals:
        app.register_error_handler(kind, _refusal(code))
    app.register_error_handler(HTTPException, _plainly)


def _refuse_strangers(belongs: Callable[[str], bool]) -> None:
    """A browser that was tricked into asking sends an Origin or another Host."""
    if not belongs(request.headers.get("Host", "")) or "Origin" in request.headers:
        abort(403)


def plainly(answer: Callable[[], Any]) -> Callable[[], Response]:
    """A view that answers with the value as JSON, or with the response that it is already."""

    def view() -> Response:
        value = answer()
        if isinstance(value, Response):
            return value
        return Response(json.dumps(messages.CODEC.unstructure(value)), mimetype="application/json")

    return view


def _refusal(code: int) -> Callable[[Exception], Response]:
    def handler(error: Exception) -> Response:
        kind = getattr(error, "kind", type(error).__name__)  # a refusal that another daemon has said keeps its name
        body = {"kind": kind, "error": str(error), "said": sentences.parts(str(error))}
        return Response(json.dumps(body), status=code, mimetype="application/json")

    return handler


def _plainly(error: HTTPException) -> Response:
    """What Flask itself refuses, in the same form as our own refusals; an error that nobody foresaw is in the log."""
    body = {"kind": error.name, "error": error.description or error.name}
    return Response(json.dumps(body), status=error.code or 500, mimetype="application/json")


def _never_kept(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response


def number_argument(name: str, most: float) -> float:
    """A number from the query, 400 unless it is one between 0 and `most`."""
    try:
        value = float(request.args.get(name, "0"))
    except ValueError:
        abort(400)
    if not 0 <= value <= most:
        abort(400)
    return value


def asker_is_gone() -> Callable[[], bool]:
    """Tells whether whoever asked the request under way has hung up; for what waits long, and would keep a thread from others."""
    found: Callable[[], bool] = request.environ.get("waitress.client_disconnected", lambda: False)
    return found


def wait(condition: threading.Condition, is_ready: Callable[[], bool], wait_s: float) -> bool:
    """Wait, with `condition` held, until it `is_ready`; False if it is not within `wait_s`.

    ClientDisconnected as soon as whoever asked the request under way has gone: they keep no thread, and are handed nothing that was
    meant for the next. Outside of a request it waits like any condition.
    """
    is_gone = asker_is_gone() if has_request_context() else lambda: False
    deadline = time.monotonic() + wait_s
    while not is_gone():
        if is_ready():
            return True
        if (left := deadline - time.monotonic()) <= 0:
            return False
        condition.wait(min(LOOK_EVERY_S, left))
    raise ClientDisconnected


def json_fields(*names: str) -> tuple[str, ...]:
    """The named text fields of the JSON body, 400 unless they are all there."""
    body = request.get_json(silent=True)
    if not isinstance(body, dict) or not all(isinstance(body.get(name), str) for name in names):
        abort(400)
    return tuple(body[name] for name in names)


def optional_field(name: str) -> str:
    """A text field of the JSON body that may be left out, "" then; 400 for anything but text."""
    body = request.get_json(silent=True)
    value = body.get(name, "") if isinstance(body, dict) else ""
    if not isinstance(value, str):
        abort(400)
    return value


def said_or(text: str) -> str:
    """What the body says by name (`said`), as a sentence of ours; else its text, and nothing unprintable."""
    body = request.get_json(silent=True)
    said = sentences.heard(body.get("said")) if isinstance(body, dict) else ""
    return said or sentences.printable(text)


def listen(path: Path) -> socket.socket:
    """A unix socket at `path` that its group may use; a stale one from an earlier run is replaced."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        if path.exists() and stat.S_ISSOCK(path.stat().st_mode):
            path.unlink()
        listener.bind(str(path))
        os.chmod(path, 0o660)
        listener.listen(16)
    except OSError as error:
        listener.close()
        raise ListenError(f"no socket at {path}: {error.strerror or error}; a path may have {MOST_PATH_BYTES} bytes") from error
    return listener


def serve(app: Flask, listener: socket.socket, threads: int) -> Serving:
    """A waitress server for one socket; run it in a thread of its own, close it from any."""
    channels: dict[int, Any] = {}
    inner = waitress.server.create_server(
        app,
        map=channels,
        sockets=[listener],
        threads=threads,
        ident="daka",
        max_request_body_size=MOST_BODY_BYTES,
        inbuf_overflow=MOST_BODY_BYTES,  # no temporary file: what comes may be a photograph
        clear_untrusted_proxy_headers=True,
        channel_request_lookahead=1,  # else nobody reads from a connection whose answer waits, and a hang-up is not seen
    )
    return _Waitress(inner, channels)


class _Waitress:
    """Ends its loop from inside: a descriptor that another thread closes under it is a traceback, or by then another's file.

    The trigger stays open: a worker that is still answering pulls it once more.
    """

    def __init__(self, inner: Any, channels: dict[int, Any]) -> None:
        self._inner, self._channels = inner, channels
        self._stop = threading.Event()
        self._nobody_waited_at = time.monotonic()

    def unanswered_s(self) -> float:
        return time.monotonic() - self._nobody_waited_at

    def run(self) -> None:
        while not self._stop.is_set():
            if not self._inner.task_dispatcher.queue:
                self._nobody_waited_at = time.monotonic()
            wasyncore.loop(timeout=1.0, use_poll=True, map=self._channels, count=1)
        for channel in list(self._channels.values()):
            if channel is self._inner:
                wasyncore.dispatcher.close(channel)  # its own close would take the trigger along
            elif channel is not self._inner.trigger:
                channel.close()
        self._inner.task_dispatcher.shutdown(timeout=1)

    def close(self) -> None:
        self._stop.set()
        self._inner.pull_trigger()
