"""The kiosk's own files, opened by a command while no daemon has them: whatever the daemon does for those who ask, done here.

Loaded only then: a command that asks the running daemon needs no model and no camera, and answers in a third of the time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from device import api, clock, desired, desk, erasure, keys, kiosk, messages, post, sight, state, terms, timekeeping
from device.commands.context import Context
from device.commands.joining_on_files import OnFiles
from device.config import Config
from device.consenting import ConsentOffice
from device.holdings import Holdings
from device.journal import Journal
from device.people import Directory
from device.personnel import Personnel
from device.retention import Retention
from device.site import Site


@dataclass(frozen=True, slots=True)
class Opened:
    """The files of a kiosk whose daemon is down; nobody holds a gallery that would have to be told of changes."""

    context: Context
    settings: Config
    journal: Journal
    directory: Directory
    clock: timekeeping.Timekeeper

    def append(self, body: messages.Body) -> object:
        """A record of now."""
        return self.journal.append(body, self.clock.now())

    def office(self) -> desk.Desk:
        chosen = self.settings
        return desk.Desk(
            self.journal,
            self.directory,
            self.clock,
            lambda: sight.load(self.context.weights(), chosen.recognition),
            terms.promise(chosen),
            chosen.people.other_kiosks(),
        )

    def carrier(self) -> post.Post:
        """Records that are carried by hand."""
        return post.Post(self.journal, self.settings, self.clock, self.context.folder.root)

    def joining(self) -> OnFiles:
        """Joining and leaving."""
        return OnFiles(self.context.folder, self.settings.device.id, self.office(), self.append)

    def personnel(self) -> Personnel:
        """The directory and its credentials."""
        return Personnel(self.journal, self.directory, self.clock, api.zone_of(self.settings.device.time_zone))

    def eraser(self) -> erasure.Eraser:
        """The one place where people end."""
        return erasure.Eraser(self.journal, self.directory, self.clock, self.context.folder.root)

    def keeper(self) -> Retention:
        """What is kept, and for how long."""
        limits = self.settings.retention
        return Retention(self.journal, self.directory, self.eraser(), self.clock, lambda person: None, lambda: limits)

    def holdings(self) -> Holdings:
        """What is held about a person."""
        return Holdings(self.journal, self.directory, self.clock)

    def site(self) -> Site:
        """The other kiosks of the site."""
        consents = ConsentOffice(self.journal, self.directory, self.clock, lambda person: None)
        sealed_by = keys.sealing_key(self.context.folder.keys)
        return Site(self.journal, self.directory, self.eraser(), self.clock, sealed_by, consents, self._aliases)

    def _aliases(self) -> Mapping[str, str]:
        kept = desired.Kept(self.context.folder.desired)
        try:
            return kept.aliases()
        finally:
            kept.close()


def opened(context: Context, *, check_key: bool = True) -> Opened:
    """Only under the daemon's lock."""
    settings = context.config()
    time_source = timekeeping.Timekeeper(clock.SystemClock(), terms.time_limits(settings))
    files = kiosk.open_files(
        context.folder,
        settings.device.id,
        time_source,
        replace_damaged=False,
        check_key=check_key,
        may_be_locked=check_key and terms.may_be_locked(settings),
    )
    time_source.resume(files.journal.anchors(time_source.now().boot_id), files.journal.append)
    return Opened(context, settings, files.journal, files.directory, time_source)


def start_over(context: Context, by: str) -> int:
    """Give up what a lost device key sealed; says how many templates went."""
    with state.locked(context.folder):
        at = opened(context, check_key=False)
        at.append(messages.Audit("device_key_given_up", by))
        gone = at.directory.start_over()
        at.directory.check_device_key()
        context.folder.keys_copied.unlink(missing_ok=True)  # a copy that somebody has is of the lost one
        return gone
