"""Long work beside the pages: started by one request, watched by others, forgotten after an hour."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from device.api import KioskError, KioskRefused, Reason, reason

log = logging.getLogger(__name__)

KEPT_S = 3_600.0
MOST_AT_ONCE = 2
MOST_FILES = 2  # of one account, the one under way among them


@dataclass
class Job:
    """One piece of work; `done` of `total` steps of what it is `doing` (total 0: unknown). `error` is a sentence (`said`: of the
    kiosk's, by name), `refused` the kiosk's own no where it said one, `result` whatever was asked for.

    `extent` is what it covered, where that is not what was asked for; `file` is what it writes, if it writes one; `held` is what a
    later step needs of it, and is closed with the work.
    """

    key: str
    account: int
    kind: str
    started_s: float
    doing: str = ""
    done: int = 0
    total: int = 0
    extent: str = ""
    result: Any = None
    file: Path | None = None
    held: Any = None
    error: str = ""
    said: Reason = field(default_factory=Reason)
    refused: KioskRefused | None = None
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def running(self) -> bool:
        return not self.ended.is_set()


class NotDone(Exception):
    """Work that ends with a sentence for whoever began it, in English as web_ui/words.py has it."""


class TooMuch(Exception):
    """As much work is going on as this machine should do beside its own."""


class Jobs:
    """The work of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: dict[str, Job] = {}

    def start(self, account: int, kind: str, work: Callable[[Job], Any]) -> Job:
        """Begin; TooMuch if enough goes on already."""
        with self._lock:
            self._sweep()
            if sum(job.running for job in self._jobs.values()) >= MOST_AT_ONCE:
                raise TooMuch
            self._make_room(account)
            job = Job(secrets.token_urlsafe(16), account, kind, time.monotonic())
            self._jobs[job.key] = job
        threading.Thread(target=self._run, args=(job, work), name=f"job-{kind}", daemon=True).start()
        return job

    def are_running(self) -> bool:
        """Whether any work goes on."""
        with self._lock:
            return any(job.running for job in self._jobs.values())

    def find(self, key: str, account: int) -> Job | None:
        """That job, if it is this account's."""
        with self._lock:
            job = self._jobs.get(key)
        return job if job is not None and job.account == account else None

    def keep(self, account: int, kind: str, result: Any, held: Any = None) -> Job:
        """What was found at once, for a later step; it takes the place of what this account has kept of that kind."""
        job = Job(secrets.token_urlsafe(16), account, kind, time.monotonic(), result=result, held=held)
        job.ended.set()
        self.drop(account, kind)
        with self._lock:
            self._sweep()
            self._jobs[job.key] = job
        return job

    def take(self, key: str, account: int) -> Job | None:
        """That job, if it is this account's and has ended, for the last time: what it holds is the caller's to close."""
        with self._lock:
            job = self._jobs.get(key)
            return self._jobs.pop(key) if job is not None and job.account == account and not job.running else None

    def give_back(self, job: Job) -> None:
        """What was taken could not be used now; it stands at its address as before."""
        with self._lock:
            self._jobs[job.key] = job

    def drop(self, account: int, kind: str) -> None:
        """Forget what this account has of that kind, and what it holds."""
        with self._lock:
            for job in [job for job in self._jobs.values() if not job.running and (job.account, job.kind) == (account, kind)]:
                self._forget(job)

    def _run(self, job: Job, work: Callable[[Job], Any]) -> None:
        try:
            job.result = work(job)
        except KioskError as error:
            job.error, job.said = str(error), reason(str(error))
            job.refused = error if isinstance(error, KioskRefused) else None
        except NotDone as error:
            job.error = str(error)
        except Exception:
            job.error = "the work was not finished; the log of the web daemon says why"
            log.exception("job %s failed", job.kind)
        finally:
            if job.error and job.file is not None:
                job.file.unlink(missing_ok=True)  # half a file serves nobody, and takes room
            job.ended.set()

    def sweep(self) -> None:
        """Forget what is old, and its file with the names in it; not only when somebody begins something new."""
        with self._lock:
            self._sweep()

    def _sweep(self) -> None:
        old = [job for job in self._jobs.values() if not job.running and time.monotonic() - job.started_s > KEPT_S]
        for job in old:
            self._forget(job)

    def _make_room(self, account: int) -> None:
        """Before one more of this account: its oldest finished files go."""
        files = [job for job in self._jobs.values() if job.account == account and job.file is not None and not job.running]
        for job in files[: max(0, len(files) + 1 - MOST_FILES)]:
            self._forget(job)

    def _forget(self, job: Job) -> None:
        del self._jobs[job.key]
        if job.file is not None:
            job.file.unlink(missing_ok=True)
        if job.held is not None and hasattr(job.held, "close"):
            job.held.close()
