"""Questions to the server that a lock waits for, and their answers: handed to the uplink, and taken from it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from device.api import serving

BETWEEN_POLLS_S = 1.0  # the uplink asks all the time while it is connected; one that has not asked has no connection
MOST_WAITING = 16


@dataclass(frozen=True, slots=True)
class Question:
    """Which lock, and its challenge (base64)."""

    lock: str
    challenge: str


class Mailbox:
    """Safe to use from several threads."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._changed = threading.Condition()
        self._waiting: list[Question] = []  # to be carried
        self._awaited: set[Question] = set()  # carried or not
        self._answers: dict[Question, str] = {}
        self._polled = -BETWEEN_POLLS_S
        self._polling = 0

    def ask(self, question: Question, wait_s: float) -> str:
        """The server's answer, or nothing: at once where no uplink is connected, else after `wait_s` seconds."""
        with self._changed:
            if not self._is_carried() or len(self._waiting) >= MOST_WAITING:
                return ""
            self._waiting.append(question)
            self._awaited.add(question)
            self._changed.notify_all()
            try:
                serving.wait(self._changed, lambda: question in self._answers, wait_s)
            finally:
                self._awaited.discard(question)
                if question in self._waiting:
                    self._waiting.remove(question)
            return self._answers.pop(question, "")

    def next(self, wait_s: float) -> Question | None:
        """The uplink's side: the next question to carry, waiting up to `wait_s` for it. One that has gone takes none."""
        with self._changed:
            self._polling += 1
            try:
                serving.wait(self._changed, lambda: bool(self._waiting), wait_s)
            finally:
                self._polling -= 1
            self._polled = self._monotonic()
            return self._waiting.pop(0) if self._waiting else None

    def answer(self, question: Question, statement: str) -> None:
        """The uplink's side: what the server said. An answer that nobody waits for any more is dropped."""
        with self._changed:
            if question in self._awaited:
                self._answers[question] = statement
                self._changed.notify_all()

    def _is_carried(self) -> bool:
        return self._polling > 0 or self._monotonic() - self._polled < BETWEEN_POLLS_S
