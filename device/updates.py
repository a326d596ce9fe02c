"""A release from signed metadata to running software, and back again by itself where it does not hold.

Nothing is unpacked before its signature, length and digest hold; nothing below the floor is taken, nor older than what runs unless
somebody at the machine says so; the step that switches is one rename, and what was tried is written down before it. The metadata is
TUF's: Targets, by a key that the newest Root names (release_roots). Once a version holds, only the one before it stays beside it.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import stat
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tuf.api.exceptions import LengthOrHashMismatchError, RepositoryError
from tuf.api.metadata import Metadata, TargetFile, Targets

from device import ended, release_files, release_roots
from device.errors import DeviceError
from device.release_files import METADATA_SUFFIX as METADATA_SUFFIX
from device.release_files import MOST_ARCHIVE_BYTES as MOST_ARCHIVE_BYTES
from device.sentences import parts, say

SWITCHING = "switching"  # activate.sh's, from its first step to its last
MOST_METADATA_BYTES = 1 << 20
COPY_BYTES = 1 << 20
MOST_REMEMBERED = 20
AGAIN = timedelta(hours=20)  # what failed for a passing reason is tried the next night, not every ten minutes
PROBATION = timedelta(hours=24)  # a version that falls within this time after the switch goes by itself


class UpdateRefused(DeviceError):
    """The release is not taken; nothing has changed. The message says why and what to do."""


class UpdateNotNow(UpdateRefused):
    """The release may be as it should; something else has to be put right first, and then it is taken."""


class UnderWay(UpdateNotNow):
    """Somebody else is at it just now."""


class UpdateFailed(DeviceError):
    """The release was tried and did not hold, or could not be tried; what ran before runs again."""


@dataclass(frozen=True, slots=True)
class Release:
    """A verified release: what it is for, the archive it came in, and the oldest version that may run once it holds."""

    version: str
    python: str
    arch: str
    archive: Path
    floor: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known about updates on this machine. `outcome`: none, trying, holds, went_back, refused; `at` is UTC.

    `floor` is the oldest version that may run, `wants` what it becomes once `version` holds; `before` ran before `version`, and is
    what it goes back to. `archive` is the name of the file that was tried, `mark` its mark (release_files).
    `stood`: the journal's last record before the switch; the new version has to write another, after a power cut as well.
    `saw`: whether the camera gave pictures before it; one that did not is nothing against the new version.
    `tried`: the marks of what was tried to its end; `not_held`: the SHA-256 of archives that were signed and did not hold.
    `said`: `why` once more, by name and values, for pages in another language.
    `runs`: the version that the last switch made run ("" where an older version wrote this): what somebody installed by hand
    since is none of this standing's.
    `back_to`: what runs again since the last version that did not hold; "" once another holds, whatever is refused meanwhile.
    `waits`: what has to be put right before anything can be tried (`waits_said`: for pages); "" once it is.
    `held`, `held_at`: the mark of what runs since the last switch, and since when; a later refusal does not end its probation.
    """

    outcome: str = "none"
    version: str = ""
    before: str = ""
    at: str = ""
    why: str = ""
    said: dict[str, Any] = field(default_factory=dict)
    floor: str = ""
    wants: str = ""
    stood: int = 0
    saw: bool = True
    archive: str = ""
    mark: str = ""
    tried: tuple[str, ...] = ()
    not_held: tuple[str, ...] = ()
    held: str = ""
    held_at: str = ""
    runs: str = ""
    back_to: str = ""
    waits: str = ""
    waits_said: dict[str, Any] = field(default_factory=dict)

    def is_done_with(self, mark: str, now: datetime) -> bool:
        """Whether these bytes are not tried now: they were to their end, or failed for a passing reason not long ago."""
        if mark in self.tried or release_files.archive_of(mark) in self.not_held:
            return True
        return (
            bool(mark)
            and self.mark == mark
            and self.outcome in ("refused", "none")
            and abs(now - datetime.fromisoformat(self.at)) < AGAIN
        )


def number(version: str) -> tuple[int, ...]:
    """A version as something to compare; UpdateRefused for one that is none."""
    parts = version.split(".")
    if not all(part.isdecimal() and len(part) <= 6 for part in parts) or len(parts) > 4:
        raise UpdateRefused(say("update.no_version", version=repr(version)))
    return tuple(int(part) for part in parts)


def below(version: str, floor: str) -> bool:
    """Whether `version` is older than the oldest that may run."""
    return number(_made_as(version) or "0") < number(_made_as(floor) or "0")


def _made_as(running: str) -> str:
    """The version of what lies beside: what was installed over the same version has a mark of its bundle after a plus sign."""
    return running.partition("+")[0]


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Whoever changes anything in `folder`, or what runs, does it alone; UnderWay. It ends with the process, however that does."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UnderWay("another update is under way, or a restore or an installation; wait until it has ended") from error
        yield
    finally:
        os.close(descriptor)


def taken_in(archive: Path, folder: Path) -> Path:
    """A copy of the archive and its metadata in a folder of root's own: what is verified is then what is unpacked.

    Whoever brought the archive may still write to it. UpdateRefused: no plain file, too large, or no room.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    for path, most in ((archive.with_name(archive.name + METADATA_SUFFIX), MOST_METADATA_BYTES), (archive, MOST_ARCHIVE_BYTES)):
        try:
            _copy(path, folder / path.name, most)
        except UpdateRefused:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        except OSError as error:
            shutil.rmtree(folder, ignore_errors=True)
            said = "update.unreadable_copy" if path is archive else "update.no_signature"
            raise UpdateRefused(say(said, path=path, why=error.strerror)) from error
    return folder / archive.name


def _copy(path: Path, to: Path, most: int) -> None:
    """Not a byte beyond `most`; a pipe or a device in the place of a file is refused without waiting for it."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as source, to.open("wb") as copy:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_size > most:
            raise UpdateRefused(say("update.not_plain", name=path.name, most=most >> 20))
        wanted = found.st_size * release_files.ROOM_FACTOR + release_files.SPARE_BYTES
        if wanted > shutil.disk_usage(to.parent).free:
            raise UpdateNotNow(say("update.room", name=path.name, wanted=wanted >> 20))
        left = found.st_size
        while left and (chunk := source.read(min(COPY_BYTES, left))):
            copy.write(chunk)
            left -= len(chunk)


def verified(archive: Path, roots: release_roots.Roots, floor: str, now: datetime | None) -> Release:
    """The release in `archive`, whose signed metadata lies beside it.

    `now` is None while the clock cannot be trusted: then the expiry is not looked at.
    """
    file, signed = _signed(archive.with_name(archive.name + METADATA_SUFFIX), archive.name, roots, now)
    if now is not None and signed.expires < now:
        raise UpdateRefused(say("update.ran_out", day=f"{signed.expires:%Y-%m-%d}"))
    said = {name: str(file.unrecognized_fields.get("custom", {}).get(name, "")) for name in ("version", "python", "arch", "floor")}
    if number(said["version"]) < number(floor or "0"):
        raise UpdateRefused(say("update.below_floor", version=said["version"], floor=floor))
    try:
        with archive.open("rb") as opened:
            file.verify_length_and_hashes(opened)
    except LengthOrHashMismatchError as error:
        raise UpdateRefused(say("update.changed", name=archive.name)) from error
    except OSError as error:
        raise UpdateRefused(say("update.unreadable", path=archive, why=error.strerror)) from error
    return Release(said["version"], said["python"], said["arch"], archive, said["floor"])


def _signed(metadata: Path, name: str, roots: release_roots.Roots, now: datetime | None) -> tuple[TargetFile, Targets]:
    try:
        raw = metadata.read_bytes()[: MOST_METADATA_BYTES + 1]
        if len(raw) > MOST_METADATA_BYTES:
            raise UpdateRefused(say("update.large_signature", name=metadata.name))
        read = Metadata[Targets].from_bytes(raw)
        roots.check(read, now)
        return read.signed.targets[name], read.signed
    except OSError as error:
        raise UpdateRefused(say("update.no_signature", path=metadata, why=error.strerror)) from error
    except KeyError as error:
        raise UpdateRefused(say("update.other_signature", name=metadata.name, archive=name)) from error
    except release_roots.RootsUnreadable as error:
        raise UpdateNotNow(str(error)) from error
    except release_roots.RootRefused as error:
        raise UpdateRefused(say("update.root_refused", name=metadata.name, why=error)) from error
    except (RepositoryError, ValueError, AttributeError) as error:
        raise UpdateRefused(say("update.not_signed", name=metadata.name)) from error


@dataclass(frozen=True, slots=True)
class Before:
    """How the kiosk stands before a switch: the journal's last record, whether the camera gives pictures, the journal's trouble."""

    last: int = 0
    sees: bool = True
    trouble: str = ""


@dataclass(frozen=True)
class Hands:
    """What changes the machine, so that a test can bring its own: each raises UpdateFailed.

    `stage(folder)` installs an unpacked bundle beside the others, `activate(version)` switches and restarts,
    `holds(version, stood, saw)` is the gate: the models' answers, a camera frame if the camera `saw` before, a record after
    `stood`; `stands()` said both. `keep(versions)` removes every other version, never the one that runs. `has_screen`: one is
    connected for certain.
    """

    running: Callable[[], str]
    stage: Callable[[Path], None]
    activate: Callable[[str], None]
    holds: Callable[[str, int, bool], None]
    now: Callable[[], datetime]
    keep: Callable[[frozenset[str]], None]
    stands: Callable[[], Before]
    has_screen: Callable[[], bool]


class Updater:
    """Tries releases and remembers what came of it in `folder` (root's own). Whoever changes anything is `alone` in it."""

    def __init__(self, folder: Path, hands: Hands, publish: Callable[[Standing], None] = lambda standing: None) -> None:
        """`publish` is told of each standing, once it is on the disk."""
        self._folder, self._hands, self._publish = folder, hands, publish

    @property
    def standing(self) -> Standing:
        try:
            return _standing(json.loads((self._folder / "standing.json").read_text(encoding="utf-8")))
        except FileNotFoundError:
            return Standing()
        except (OSError, ValueError, TypeError) as error:
            raise UpdateFailed(f"{self._folder}/standing.json cannot be read; delete it, then updates go on") from error

    def apply(self, release: Release, *, older: bool = False, waits_for: Callable[[], str] = lambda: "") -> Standing:
        """Unpack, install beside, switch, look; where it does not hold, switch back. UpdateFailed says what happened.

        `older`: somebody at this machine wants to go down; else no old release comes back, however genuine its signature.
        `waits_for` is asked before the switch, minutes after the start: UpdateNotNow with its answer; what lies beside stays.
        """
        before = self._hands.running()
        if release.version == _made_as(before):
            raise UpdateRefused(say("update.runs", version=release.version))
        if not older and below(release.version, before):
            raise UpdateRefused(say("update.older", version=release.version, running=before))
        mark = release_files.mark(release.archive)
        self._hands.keep(frozenset({before, self.standing.before, release.version}))  # room, and nothing that failed earlier
        incoming = self._folder / "incoming"
        try:
            self._hands.stage(unpacked(release, incoming))
        finally:
            shutil.rmtree(incoming, ignore_errors=True)
        stands = self._hands.stands()
        if waits := waits_for() or (say("wait.trouble", why=stands.trouble) if stands.trouble else ""):
            raise UpdateNotNow(say("update.waits", version=release.version, why=waits))
        standing = replace(
            self.standing,
            outcome="trying",
            version=release.version,
            before=before,
            **_why(""),
            at=self._stamp(),
            wants=release.floor,
            stood=stands.last,
            saw=stands.sees,
            archive=release.archive.name,
            mark=mark,
            held="",
            held_at="",
        )
        self._write(standing)
        return self._prove(standing)

    def refuse(self, archive: str, mark: str, why: str, *, for_good: bool = True) -> Standing:
        """Remember a release that is not taken, so that nobody fetches it again and again: these bytes, whatever their name."""
        standing = replace(self.standing, outcome="refused", version="", archive=archive, mark=mark, **_why(why), at=self._stamp())
        return self._write(_ended(standing) if for_good else standing)

    def wait(self, why: str) -> Standing:
        """Say what has to be put right before a release can be tried, "" for nothing; none counts as tried."""
        standing = self.standing
        return standing if why == standing.waits else self._write(replace(standing, waits=why, waits_said=parts(why)))

    def settle(self) -> Standing:
        """What was being tried when the power went, or when whoever tried it was ended, is looked at now."""
        standing = self.standing
        self._publish(standing)
        if standing.outcome != "trying":
            if (self._folder / SWITCHING).exists():  # by hand: its units may be the new ones already, or half of them
                self._hands.activate(self._hands.running())
            return standing
        running = self._hands.running()
        if running not in (standing.version, standing.before):
            by_hand = _why(say("update.by_hand", running=running))
            return self._write(replace(standing, outcome="none", version="", wants="", **by_hand, at=self._stamp()))
        if running != standing.version:  # its units may be the new ones already, or half of them
            self._hands.activate(standing.before)
            power = _why(say("update.power"))
            return self._write(replace(standing, outcome="none", version="", wants="", **power, at=self._stamp()))
        return self._prove(standing)

    def fell(self, unit: str) -> Standing:
        """A daemon failed again and again: within its probation a new version goes."""
        standing = self.standing
        if unit.removesuffix(".service") in self._others():
            return standing
        if standing.outcome == "trying":  # and nobody guards it: whoever does is alone
            return self.settle()
        running = self._hands.running()
        young = standing.held_at and self._hands.now() - datetime.fromisoformat(standing.held_at) < PROBATION
        is_ours = running == (standing.runs or standing.version or running)
        if not young or not is_ours or standing.before in ("", running) or below(standing.before, standing.floor):
            return standing
        fallen = replace(standing, version=running, mark=standing.held, held="", held_at="")
        return self._go_back(fallen, say("update.fell", unit=unit))

    def look_for_falls(self, folder: Path) -> Standing:
        """What systemd's start limit is too quick to see: a daemon that has ended again and again since the switch (ended)."""
        standing = self.standing
        if standing.outcome == "trying":
            return self.settle()
        if not standing.held_at:
            return standing
        daemon = ended.again_and_again(folder, datetime.fromisoformat(standing.held_at), self._hands.now(), self._others())
        return self.fell(f"{daemon}.service") if daemon else standing

    def _others(self) -> frozenset[str]:
        """Daemons whose end says nothing against a version: others can bring it about."""
        return ended.ANYBODYS if self._hands.has_screen() else ended.ANYBODYS | {ended.DISPLAY}

    def _prove(self, standing: Standing) -> Standing:
        try:
            if self._hands.running() != standing.version or (self._folder / SWITCHING).exists():
                self._hands.activate(standing.version)
            self._hands.holds(standing.version, standing.stood, standing.saw)
        except UpdateFailed as error:
            went = self._go_back(standing, str(error))
            raise UpdateFailed(say("update.did_not_hold", version=standing.version, why=error, before=went.before)) from error
        floor = standing.floor if below(standing.wants, standing.floor) else standing.wants or standing.floor
        held = replace(
            standing, outcome="holds", at=self._stamp(), floor=floor, wants="", held=standing.mark, held_at=self._stamp(),
            runs=standing.version, back_to="",
        )  # fmt: skip
        written = self._write(_ended(held))
        self._hands.keep(frozenset({written.version, written.before}))
        return written

    def _go_back(self, standing: Standing, why: str) -> Standing:
        self._hands.activate(standing.before)
        not_held = _with(standing.not_held, release_files.archive_of(standing.mark))
        went = replace(standing, outcome="went_back", **_why(why), at=self._stamp(), not_held=not_held, back_to=standing.before)
        return self._write(_ended(went))

    def _stamp(self) -> str:
        return self._hands.now().isoformat()

    def _write(self, standing: Standing) -> Standing:
        """Durable before the next step: after a power cut it must be known what was tried."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self._folder / "standing.new"
        with draft.open("w", encoding="utf-8") as file:
            json.dump(asdict(standing), file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, self._folder / "standing.json")
        descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        self._publish(standing)
        return standing


def _standing(said: dict[str, Any]) -> Standing:
    """What a newer version wrote beside it is left out: after going back, the older one has to read it."""
    known = {one.name: said[one.name] for one in fields(Standing) if one.name in said}
    if known.get("outcome") == "went_back":  # an earlier version wrote no `back_to`
        known.setdefault("back_to", known.get("before", ""))
    for name in {"tried", "not_held"} & known.keys():
        known[name] = tuple(known[name])
    return Standing(**known)


def _why(text: str) -> dict[str, Any]:
    """Why something came of it, for people and for pages."""
    return {"why": str(text), "said": parts(text)}


def _ended(standing: Standing) -> Standing:
    return replace(standing, tried=_with(standing.tried, standing.mark))


def _with(marks: tuple[str, ...], mark: str) -> tuple[str, ...]:
    """The newest last; the oldest goes where there are too many."""
    return (*(one for one in marks if one != mark), mark)[-MOST_REMEMBERED:] if mark else marks


def _refuse_what_reaches_out(member: tarfile.TarInfo) -> None:
    """Plain files and folders below the bundle's own; Debian 12's Python has no filter for that yet."""
    parts = Path(member.name).parts
    if not (member.isfile() or member.isdir()) or Path(member.name).is_absolute() or ".." in parts:
        raise tarfile.ReadError(f"{member.name} would lie outside the bundle")


def unpacked(release: Release, into: Path) -> Path:
    """The bundle's folder, unpacked into an empty place; what was left there by an earlier try is gone first."""
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir(mode=0o700, parents=True)
    try:
        with tarfile.open(release.archive) as archive:
            for member in archive:
                _refuse_what_reaches_out(member)
                archive.extract(member, into)
    except (tarfile.TarError, OSError) as error:
        raise UpdateFailed(say("update.unpack", name=release.archive.name, why=error)) from error
    found = [path for path in into.iterdir() if (path / "install.sh").exists()]
    if len(found) != 1:
        raise UpdateRefused(say("update.no_bundle", name=release.archive.name))
    return found[0]
