"""How walk-ups of living people and of attacks ended: counts, and the rates of ISO/IEC 30107-3 with exact limits. Pure."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from models.evaluation import html, limits
from models.evaluation.about import About
from models.evaluation.errors import TooLittle
from models.evaluation.limits import Estimate


class Outcome(enum.StrEnum):
    """How one walk-up ended, by the passive signs alone."""

    LIVE = "live"
    NOT_ASSESSED = "not_assessed"  # nothing spoke against it: it would have been clocked in, and marked so
    CHALLENGED = "challenged"
    REFUSED = "refused"
    NOT_ACQUIRED = "not_acquired"  # no face that was large and good enough


@dataclass(frozen=True, slots=True)
class Attempt:
    """One walk-up; `species` names the kind of attack and is empty for a living person."""

    species: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Row:
    """All walk-ups of one kind. `wrong`: APCER of a species, BPCER of living people; `challenged`: left to the active challenge."""

    species: str
    attempts: int
    counts: dict[Outcome, int]
    wrong: Estimate
    challenged: Estimate
    not_acquired: Estimate


@dataclass(frozen=True, slots=True)
class Presentations:
    """The whole measurement. `level` is what the kiosk can know: `raster`, or `learned` with the MiniFASNet pair."""

    level: str
    genuine: Row | None
    species: tuple[Row, ...]
    unreadable: int
    digest: str


UNMEASURED = (
    "The active challenge: nothing here follows its prompts, so whoever is challenged counts as neither accepted nor refused.",
    "Masks, make-up, puppets, and video that is fed in behind the camera, unless a species above is one of these.",
    "Species, cameras, lights and people unlike those of this folder: the rates hold as far as what was shown resembles yours.",
    "Whether attacks would also have been recognised as somebody: an attack counts as accepted when nothing spoke against it.",
)


def counted(attempts: Sequence[Attempt], level: str, unreadable: int, digest: str) -> Presentations:
    """Each kind by itself, never their mean. Raises TooLittle."""
    if not attempts:
        raise TooLittle("no video or picture could be used; put clips into genuine/ and attacks/SPECIES/")
    names = sorted({attempt.species for attempt in attempts} - {""})
    genuine = [attempt.outcome for attempt in attempts if not attempt.species]
    rows = tuple(_row(name, [attempt.outcome for attempt in attempts if attempt.species == name]) for name in names)
    return Presentations(level, _row("", genuine) if genuine else None, rows, unreadable, digest)


def _row(species: str, outcomes: list[Outcome]) -> Row:
    counts = {outcome: outcomes.count(outcome) for outcome in Outcome}
    answered = len(outcomes) - counts[Outcome.NOT_ACQUIRED]
    accepted = counts[Outcome.LIVE] + counts[Outcome.NOT_ASSESSED]
    wrong = accepted if species else counts[Outcome.REFUSED]
    return Row(
        species,
        len(outcomes),
        counts,
        _estimate(wrong, answered),
        _estimate(counts[Outcome.CHALLENGED], answered),
        _estimate(counts[Outcome.NOT_ACQUIRED], len(outcomes)),
    )


def _estimate(events: int, of: int) -> Estimate:
    return Estimate(events / of if of else 0.0, events, of, limits.exact(events, of), None)


def document(found: Presentations, about: About) -> dict[str, Any]:
    """Ready for `json.dumps`."""
    return {
        "version": 1,
        "title": about.title,
        "at": about.at.isoformat(),
        "machine": about.machine,
        "versions": dict(about.versions),
        "weights_sha256": dict(about.digests),
        "options": dict(about.options),
        "level": found.level,
        "data_sha256": found.digest,
        "files_unreadable": found.unreadable,
        "genuine": None if found.genuine is None else _plain(found.genuine, "bpcer", "bpnrr"),
        "species": [_plain(row, "apcer", "apnrr") for row in found.species],
        "apcer_worst_species": max((row.wrong.value for row in found.species if row.wrong.of), default=None),
        "not_measured": list(UNMEASURED),
    }


def _plain(row: Row, rate: str, unanswered: str) -> dict[str, Any]:
    return {
        "species": row.species,
        "attempts": row.attempts,
        "outcomes": {outcome.value: count for outcome, count in row.counts.items()},
        rate: _rate(row.wrong),
        "challenged": _rate(row.challenged),
        unanswered: _rate(row.not_acquired),
    }


def _rate(rate: Estimate) -> dict[str, Any]:
    return {"value": rate.value, "events": rate.events, "of": rate.of, "limits": [rate.limits.low, rate.limits.high]}


def page(found: Presentations, about: About) -> str:
    """A page for an auditor to keep: counts, rates and limits, never a face or a file's name."""
    level = {
        "learned": "the raster of prints and screens, flicker, and the MiniFASNet pair",
        "raster": "the raster of prints and screens, and flicker; the learned model is not installed",
    }.get(found.level, found.level)
    headings = ("species", "attempts", "accepted", "challenged", "refused", "no face", "APCER", "challenged")
    living = ("attempts", "accepted", "challenged", "refused", "no face", "BPCER", "challenged")
    parts = [
        f"<h1>{escape(about.title)}</h1>",
        f'<p class="quiet">{about.at:%Y-%m-%d %H:%M:%S} UTC (clock {escape(about.clock)}), {escape(about.machine)}</p>',
        f"<p>Passive liveness at level <b>{escape(found.level)}</b>: {level}. One clip is one walk-up, judged as at a kiosk.</p>",
        "<h2>Attacks, each species by itself</h2>",
        html.table(headings, ([escape(row.species), *_cells(row)] for row in found.species))
        if found.species
        else "<p>Not measured: no attack was shown.</p>",
        "<h2>Living people</h2>",
        html.table(living, [_cells(found.genuine)]) if found.genuine else "<p>Not measured: nobody was shown.</p>",
        html.quiet(
            "APCER: share of the attacks with a face that were accepted. BPCER: share of the living people with a face who were "
            "refused. Small figures: exact 95 % limits (Clopper, Pearson). Terms as in ISO/IEC 30107-3; no conformity is claimed."
        ),
        "<h2>What was not measured</h2>",
        html.notes((*UNMEASURED, f"{found.unreadable:,} files could not be read.")),
        *html.origin(about, {"SHA-256 of the clips": found.digest}),
    ]
    return html.whole(about.title, parts)


def _cells(row: Row) -> list[str]:
    counts = row.counts
    accepted = counts[Outcome.LIVE] + counts[Outcome.NOT_ASSESSED]
    numbers = (row.attempts, accepted, counts[Outcome.CHALLENGED], counts[Outcome.REFUSED], counts[Outcome.NOT_ACQUIRED])
    return [*(f"{number:,}" for number in numbers), _percent(row.wrong), _percent(row.challenged)]


def _percent(rate: Estimate) -> str:
    if not rate.of:
        return "–<small>nothing to count</small>"
    return f"{rate.value:.1%}<small>{rate.limits.low:.1%} to {rate.limits.high:.1%}</small>"
