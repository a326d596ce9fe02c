"""Records that the enterprise wants once more: sent from the same place at each hello until they have arrived there again.

The server answers with how far it is, which such records do not change. So one batch is under way at a time: an answer that comes
meanwhile is that batch's.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import replace

from device import api, database, desired
from device.desired import Resend

log = logging.getLogger(__name__)


class Resending:
    """What is left of it for the journal's epoch, durable in `kept`. Safe to use from several threads."""

    def __init__(self, kept: desired.Kept | None, epoch: str) -> None:
        self._kept, self._lock = kept, threading.Lock()
        found = kept.resend if kept else None
        self._left = found if found is not None and found.epoch == epoch else None
        self._under_way = 0  # the last record of the batch that waits for its answer; 0 for none
        self.waits_for_hello = self._left is not None

    def want(self, wanted: Resend) -> None:
        """From the next hello on; of two wishes the earlier beginning counts. StorageError: it is not wanted yet."""
        with self._lock:
            left = min(self._left, wanted, key=lambda one: one.after) if self._left else wanted
            self._keep(left)
            self._left, self.waits_for_hello = left, True

    def greeted(self) -> None:
        """A hello was made: an answer to what was under way before it may still come, and says nothing of what will be."""
        self._under_way = 0

    def sent(self, last: int) -> None:
        """A batch that ends there is on its way."""
        self._under_way = last

    def answered(self, cursor: api.Cursor) -> api.Cursor:
        """Where the uplink stands by the server's answer: in what is sent once more, while any of that is left."""
        with self._lock:
            if self._left is None or (self.waits_for_hello and not cursor.answers_hello):
                return cursor
            self.waits_for_hello = False
            left = replace(self._left, after=self._under_way or self._left.after)
            self._under_way = 0
            self._note(left if left.after < cursor.upto else None)
            return replace(cursor, upto=left.after, window=1) if self._left else cursor

    def _note(self, left: Resend | None) -> None:
        if left == self._left:
            return
        self._left = left
        try:
            self._keep(left)
        except database.StorageError as error:
            log.warning("how far records were sent again is not kept; a start sends them again: %s", error)

    def _keep(self, left: Resend | None) -> None:
        if self._kept is not None:
            self._kept.keep_resend(left)
