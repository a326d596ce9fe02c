"""How far long work of this daemon is: whoever began it under a key of their own asks as often as they like, from any page."""

from __future__ import annotations

import threading
from collections import OrderedDict

from flask import request

from device import api
from device.server import Route, optional_field
from device.telling import Tell, silent

MOST_KEPT = 16
MOST_LETTERS = 64


class Board:
    """The work of this process by the keys of those who began it; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._works: OrderedDict[str, api.Work] = OrderedDict()

    def teller(self, key: str) -> Tell:
        """Tells this board about the work of that key; nobody where there is no key."""
        if not 0 < len(key) <= MOST_LETTERS:
            return silent

        def tell(doing: str, done: int, of: int) -> None:
            with self._lock:
                self._works[key] = api.Work(doing, done, of)
                self._works.move_to_end(key)
                while len(self._works) > MOST_KEPT:
                    self._works.popitem(last=False)

        return tell

    def asked(self) -> Tell:
        """Tells about the work whose key is in this request, in its body or in its query."""
        return self.teller(optional_field("work") or request.args.get("work", ""))

    def standing(self, key: str) -> api.Work:
        """How far that work is; nothing where nothing is known of it."""
        with self._lock:
            return self._works.get(key, api.Work())

    def routes(self) -> tuple[Route, ...]:
        """What whoever began it may ask."""
        return (Route("GET", "/v1/work", lambda: self.standing(request.args.get("key", ""))),)
