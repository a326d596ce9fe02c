"""What is under way at the locks, as people watch it: each change has a number, and whoever waits is woken by the next."""

from __future__ import annotations

import asyncio
import dataclasses
import secrets
import threading

from device.api import reason, serving
from device.api.bridge import DONE, FAILED, STILL, LockJob
from device.sentences import say
from firmware_bridge.lock.errors import JobUnknown, NobodyCompares

KEPT = 64  # finished jobs, in memory only; what lasts is the lock's own log


class Jobs:
    """Safe to use from several threads; the work itself runs in the bridge's one event loop."""

    def __init__(self) -> None:
        self._jobs: dict[str, LockJob] = {}
        self._changed = threading.Condition()

    def new(self, lock: str, work: str) -> LockJob:
        """One more."""
        job = LockJob(secrets.token_hex(8), lock, work)
        with self._changed:
            finished = [one.id for one in self._jobs.values() if one.state != STILL]
            for old in finished[: max(0, len(finished) - KEPT)]:
                del self._jobs[old]
            self._jobs[job.id] = job
        return job

    def tell(self, job: str, **what: object) -> None:
        """Change what is shown."""
        with self._changed:
            before = self._jobs[job]
            self._jobs[job] = dataclasses.replace(before, change=before.change + 1, **what)  # type: ignore[arg-type]
            self._changed.notify_all()

    def done(self, job: str, sentence: str = "") -> None:
        """It is over, and well."""
        self.tell(job, state=DONE, stage="done", sentence=sentence, said=reason(sentence), number="", seconds=0)

    def failed(self, job: str, why: str, sentence: str) -> None:
        """It is over, and this is why."""
        self.tell(job, state=FAILED, stage="failed", why=why, sentence=sentence, said=reason(sentence), number="", seconds=0)

    def get(self, job: str, after: int = -1, wait_s: float = 0.0) -> LockJob:
        """How it stands, once it has changed after `after`, is over, or the time is up."""
        with self._changed:
            if job not in self._jobs:
                raise JobUnknown(say("lock.job_unknown"))
            serving.wait(self._changed, lambda: self._jobs[job].change > after or self._jobs[job].state != STILL, wait_s)
            return self._jobs[job]


class Comparison:
    """Numbers that a person compares, asked from the loop and answered from any thread."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._waiting: dict[str, asyncio.Future[bool]] = {}

    async def ask(self, job: str, number: int) -> bool:
        """Show the number with the job and wait for the answer."""
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting[job] = answer
        self._jobs.tell(job, stage="compare", number=f"{number:06d}")
        try:
            return await answer
        finally:
            del self._waiting[job]
            self._jobs.tell(job, stage="pairing", number="")

    def answer(self, job: str, same: bool) -> None:
        """What the person said; NobodyCompares if nobody was asked."""
        answer = self._waiting.get(job)
        if answer is None or answer.done():
            raise NobodyCompares(say("lock.nobody_compares"))
        answer.get_loop().call_soon_threadsafe(_settle, answer, same)


def _settle(answer: asyncio.Future[bool], same: bool) -> None:
    if not answer.done():
        answer.set_result(same)
