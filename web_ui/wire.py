"""HTTP as we take it from strangers: no body is read that no page asked for, and none whose length is not said first.

The library would read what the application left, or one chunk of any size, into memory in one piece.
"""

from __future__ import annotations

from cheroot.server import HTTPConnection, HTTPRequest


class Asked(HTTPRequest):
    """One request."""

    def read_request_headers(self) -> bool:
        """Whether it may go on; a refusal has been sent otherwise."""
        if not super().read_request_headers():  # type: ignore[no-untyped-call]
            return False
        if self.chunked_read:
            self.simple_response("411 Length Required", "Say how long it is; no browser sends a form in chunks.")
            return False
        if int(self.inheaders.get(b"Content-Length", 0)) < 0:
            self.simple_response("400 Bad Request", "Nothing is shorter than empty.")
            return False
        return True

    def send_headers(self) -> None:
        """What the application has left unread stays unread; the connection ends with the answer."""
        if getattr(self.rfile, "remaining", 0) > 0:
            self.close_connection = True
        super().send_headers()


class Connection(HTTPConnection):
    """One connection."""

    RequestHandlerClass = Asked
