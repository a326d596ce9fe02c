"""The report: one HTML page that needs nothing else, no script and no request, for an auditor to keep.

Every text from outside is escaped. Shows rates, counts, limits, digests and plots; of people only how many they are.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from models.evaluation import html, plots
from models.evaluation.about import About
from models.evaluation.acquire import Which
from models.evaluation.identification import Trial
from models.evaluation.limits import Estimate
from models.evaluation.measure import SUSPECT, Acquisition, Evaluation, Subgroup
from models.evaluation.verification import Claim, Point, Target

FEW_EVENTS = 10
MOST_LISTED = 200


def page(found: Evaluation, about: About) -> str:
    """The whole page."""
    parts = [
        f"<h1>{escape(about.title)}</h1>",
        f'<p class="quiet">{about.at:%Y-%m-%d %H:%M:%S} UTC (clock {escape(about.clock)}), {escape(about.machine)}</p>',
        *_summary(found),
        *_data(found),
        *_thresholds(found),
        *_claims(found),
        *_ten_folds(found),
        *_plots(found),
        *_galleries(found),
        *_subgroups(found),
        *_suspects(found),
        *_method(found),
        *_not_measured(found),
        *_origin(about, found.acquisition),
    ]
    return html.whole(about.title, parts)


def _summary(found: Evaluation) -> list[str]:
    kind = "all pairs of photographs" if found.all_pairs else "the pairs of a table"
    text = (
        f"{found.acquisition.photographs:,} photographs of {found.acquisition.people:,} people, compared as {kind}: "
        f"{found.genuine_pairs:,} genuine pairs (of {found.genuine_people:,} people) and {found.impostor_pairs:,} impostor pairs. "
        f"Failure to acquire: {found.acquisition.failed.events:,}."
    )
    rows = [_target_row(target) for target in found.targets]
    return [
        f"<p>{text}</p>",
        "<h2>Genuine pairs matched at a false match rate</h2>",
        html.table(("FMR", "threshold", "TAR, over all pairs", "TAR, mean of people", "false matches"), rows),
        html.quiet(
            "TAR (true accept rate) is 1 - FNMR. Small figures: 95 % limits, the wider of two kinds. Over all pairs, people with "
            "many photographs weigh most; in the mean of people each counts once."
        ),
    ]


def _target_row(target: Target) -> list[str]:
    point = target.point
    if point is None:
        return [_rate(target.rate), "–", "not measured: one impostor pair is already more", "–", "–"]
    return [
        _rate(target.rate),
        f"{point.threshold:.4f}",
        _accepted(point.fnmr),
        _accepted(point.fnmr_by_identity),
        f"{point.fmr.events:,} of {point.fmr.of:,}{_few(point.fmr)}",
    ]


def _data(found: Evaluation) -> list[str]:
    acquisition = found.acquisition
    rows = [[escape(reason.value), f"{count:,}"] for reason, count in acquisition.reasons.items()]
    rows.append(["all", f"{acquisition.failed.events:,} of {acquisition.failed.of:,}: {_percent(acquisition.failed)}"])
    which = {
        Which.CENTRAL: "the one nearest to the middle of the photograph counts",
        Which.NEAREST: "the tallest counts, as at a kiosk",
        Which.ONLY: "the photograph counts as a failure to acquire",
    }[acquisition.which]
    several = (
        f"{acquisition.several:,} photographs show several faces; there {which}. In {acquisition.not_nearest:,} of them the face "
        f"taken is not the tallest. {acquisition.ignored:,} files that are neither JPEG nor PNG were left out."
    )
    lost = (
        f" Pairs of the table that could not be compared: {acquisition.lost_genuine:,} genuine, {acquisition.lost_impostor:,} "
        "impostor; FMR and FNMR do not count them."
    )
    return [
        "<h2>Failure to acquire</h2>",
        html.table(("reason", "photographs"), rows),
        f"<p>{several}{'' if found.all_pairs else lost}</p>",
    ]


def _thresholds(found: Evaluation) -> list[str]:
    return [
        "<h2>Errors at a threshold</h2>",
        html.table(
            ("at or above", "FMR", "impostor pairs matched", "FNMR, over all pairs", "FNMR, mean of people"), _rows(found.points)
        ),
        html.quiet("These thresholds are those of the models' calibration and the product's defaults, whatever this data says."),
    ]


def _rows(points: Iterable[Point]) -> list[list[str]]:
    return [
        [
            f"{point.threshold:.4f}",
            _small_rate(point.fmr),
            f"{point.fmr.events:,} of {point.fmr.of:,}{_few(point.fmr)}",
            _percent(point.fnmr),
            _percent(point.fnmr_by_identity),
        ]
        for point in points
    ]


def _claims(found: Evaluation) -> list[str]:
    return [
        "<h2>Which false match rates this data supports</h2>",
        html.table(
            ("FMR at most", "", "from threshold", "upper 95 % limit there", "TAR, over all pairs"), map(_claim_row, found.claims)
        ),
        html.quiet(
            "A rate is supported only where the upper 95 % limit is at or below it. The thresholds lie within the impostor "
            "scores observed: no tail is extrapolated, and a threshold without any false match supports nothing. Suspect labels "
            "(below) are kept in and push these thresholds up."
        ),
    ]


def _ten_folds(found: Evaluation) -> list[str]:
    accuracy = found.ten_folds
    if accuracy is None:
        return []
    return [
        "<h2>Ten-fold accuracy</h2>",
        f"<p>{accuracy.mean:.4f}, standard deviation of the folds {accuracy.deviation:.4f}, {accuracy.pairs:,} pairs.</p>",
        html.quiet(
            "LFW's protocol: in the order of the table, each tenth of the pairs is decided with the threshold that is best for the "
            "other nine; a pair with a face that was not found counts as wrong. For comparison with published figures alone."
        ),
    ]


def _claim_row(claim: Claim) -> list[str]:
    point = claim.point
    if point is None:
        return [_rate(claim.rate), '<span class="no">not supported</span>', "–", "–", "–"]
    high = f"{_rate(point.fmr.limits.high, 2)}{_few(point.fmr)}"
    return [_rate(claim.rate), '<span class="yes">supported</span>', f"{point.threshold:.4f}", high, _accepted(point.fnmr)]


def _plots(found: Evaluation) -> list[str]:
    drawn = [
        (
            plots.roc(found),
            "ROC. Dots: the thresholds of the first table. Hatched: less than one impostor pair, nothing is known there.",
        ),
        (plots.det(found), "DET, both scales logarithmic."),
        (plots.errors(found), "Both errors by threshold. Bars: 95 % limits at the thresholds of the table; a bar alone: no event."),
        (plots.distributions(found), "Scores of all pairs."),
    ]
    return ["<h2>Curves</h2>", '<div class="plots">', *(_figure(*each) for each in drawn), "</div>"]


def _galleries(found: Evaluation) -> list[str]:
    if not found.trials:
        return [
            "<h2>Searching a gallery (1:N)</h2>",
            "<p>Not measured: there are too few people for the gallery sizes asked for.</p>",
        ]
    headings = ("people enrolled", "at or above", "FPIR", "1-(1-FMR)ᴺ", "FNIR", "taken for another")
    return [
        "<h2>Searching a gallery (1:N)</h2>",
        f"<p>People drawn at random are enrolled from one photograph each; all other photographs are searched for. Means of "
        f"{found.trials[0].repeats} draws. FPIR: a stranger is named. FNIR: an enrolled person is not named. The last column: an "
        "enrolled person is named as another.</p>",
        html.table(headings, map(_trial_row, found.trials)),
        html.quiet(
            "Small figures: 95 % limits that take each person of one draw for one trial. The formula is computed from FMR, not "
            "measured, in parentheses with FMR's upper limit; it assumes that the comparisons of one search are independent."
        ),
        '<div class="plots">',
        _figure(plots.galleries(found), "FPIR, one photograph a search. Dots and bars: measured, with limits. Dashes: 1-(1-FMR)ᴺ."),
        "</div>",
    ]


def _trial_row(trial: Trial) -> list[str]:
    computed = f"{_rate(trial.modelled)}<small>({_rate(trial.modelled_high)})</small>"
    fpir = "–" if trial.fpir is None else _small_rate(trial.fpir)
    rest = ["–" if rate is None else _percent(rate) for rate in (trial.fnir, trial.mistaken)]
    return [f"{trial.size:,}", f"{trial.threshold:.4f}", fpir, computed, *rest]


def _subgroups(found: Evaluation) -> list[str]:
    if not found.subgroups:
        return ["<h2>Subgroups</h2>", "<p>Not measured: no labels were given.</p>"]
    headings = ("subgroup", "at or above", "FMR", "impostor pairs matched", "FNMR, over all pairs", "FNMR, mean of people")
    parts = [
        "<h2>Subgroups</h2>",
        "<p>Impostor pairs are two people of the same subgroup, the harder case.</p>",
        html.table(("subgroup", "people", "photographs", "failure to acquire"), map(_subgroup_facts, found.subgroups)),
        html.table(headings, [[escape(group.name), *row] for group in found.subgroups for row in _rows(group.points)]),
    ]
    drawn = [point.threshold for point in found.points if any(group.points for group in found.subgroups)]
    if drawn:
        middle = min(drawn, key=lambda threshold: abs(threshold - SUSPECT))
        figure = _figure(plots.subgroups(found, middle), "FMR by subgroup, with 95 % limits.")
        parts.append(f'<div class="plots">{figure}</div>')
    return parts


def _subgroup_facts(group: Subgroup) -> list[str]:
    too_few = "" if group.points else "<small>too few to compare</small>"
    return [escape(group.name), f"{group.people:,}{too_few}", f"{group.photographs:,}", _percent(group.failed)]


def _suspects(found: Evaluation) -> list[str]:
    count = len(found.suspects)
    listed = ", ".join(f"{score:.3f}" for score in found.suspects[:MOST_LISTED])
    more = f" and {count - MOST_LISTED:,} lower ones" if count > MOST_LISTED else ""
    text = (
        f"{count:,} impostor pairs score {SUSPECT:.2f} or more. Often that is one person under two labels, a bystander's face, or "
        "close kin. They are kept in every number on this page."
    )
    return ["<h2>Pairs that look like label errors</h2>", f"<p>{text}</p>", f"<p>Scores: {listed}{more}.</p>" if count else ""]


def _method(found: Evaluation) -> list[str]:
    notes = (
        "A score is the cosine of two unit vectors, rounded down to a ten-thousandth; a pair at or above the threshold is a match. "
        "Detection, alignment and embedding are those of the product, from weights whose digests were checked.",
        "Limits as if trials were independent: Wilson's interval; at no event 1 - 0.05^(1/n), the exact one-sided limit.",
        f"Limits by person: pairs that share a person are not independent, so the people were drawn with replacement "
        f"{found.resamples:,} times (the subsets bootstrap, fixed seed) and the 2.5th and 97.5th percentiles taken. With fewer "
        f"than {FEW_EVENTS} events these limits are rough, which the tables mark; with none they cannot be had. The wider pair of "
        "limits is shown and used for every claim.",
        "Terms as in ISO/IEC 19795-1: FMR and FNMR are false match and non-match rates of comparisons, FPIR and FNIR those of "
        "searches. No conformity with that standard is claimed.",
    )
    return ["<h2>How it was measured</h2>", html.notes(notes)]


def _not_measured(found: Evaluation) -> list[str]:
    notes = [
        "Attempts at a kiosk: several looks, votes, quality gates, its own camera and light. Here a photograph stands for a look.",
        "Liveness: this page says nothing about a photograph held before the camera; `daka evaluate --attacks` does.",
        f"Any false match rate below one in {found.impostor_pairs:,}, and galleries larger than those above.",
        "People unlike those pictured: the rates hold for this set, and for others only as far as it resembles them.",
    ]
    if not found.subgroups:
        notes.append("Differences between groups of people: no labels were given.")
    return ["<h2>What was not measured</h2>", html.notes(notes)]


def _origin(about: About, acquisition: Acquisition) -> list[str]:
    return html.origin(about, {"SHA-256 of the photographs": acquisition.digest})


def _figure(svg: str, caption: str) -> str:
    return f"<figure>{svg}<figcaption>{escape(caption)}</figcaption></figure>"


def _few(estimate: Estimate) -> str:
    return "<small>few events</small>" if 0 < estimate.events < FEW_EVENTS else "<small>none seen</small>" * (not estimate.events)


def _rate(rate: float, places: int = 1) -> str:
    """`8.2e-4`; zero is zero."""
    if rate == 0:
        return "0"
    digits, power = f"{rate:.{places}e}".split("e")
    return f"{digits.removesuffix('.0')}e{int(power)}"


def _small_rate(estimate: Estimate) -> str:
    return f"{_rate(estimate.value)}<small>{_rate(estimate.limits.low)} to {_rate(estimate.limits.high)}</small>"


def _percent(estimate: Estimate) -> str:
    low, high = estimate.limits.low, estimate.limits.high
    return f"{estimate.value:.2%}<small>{low:.2%} to {high:.2%}</small>"


def _accepted(missed: Estimate) -> str:
    low, high = 1 - missed.limits.high, 1 - missed.limits.low
    return f"{1 - missed.value:.2%}<small>{low:.2%} to {high:.2%}</small>"
