"""An evaluation as JSON: every rate with its counts and both pairs of limits. Rates are fractions, thresholds cosines; no names."""

from __future__ import annotations

from typing import Any

from models.evaluation.about import About
from models.evaluation.folds import Accuracy
from models.evaluation.identification import Trial
from models.evaluation.limits import Estimate, Limits
from models.evaluation.measure import Acquisition, Evaluation, Subgroup
from models.evaluation.verification import Claim, Point, Target

VERSION = 1


def document(found: Evaluation, about: About) -> dict[str, Any]:
    """The whole evaluation, ready for `json.dumps`."""
    return {
        "version": VERSION,
        "title": about.title,
        "at": about.at.isoformat(),
        "clock": about.clock,
        "machine": about.machine,
        "versions": dict(about.versions),
        "weights_sha256": dict(about.digests),
        "options": dict(about.options),
        "acquisition": _acquisition(found.acquisition),
        "comparison": {
            "people": found.people,
            "pairs": "all" if found.all_pairs else "listed",
            "genuine_pairs": found.genuine_pairs,
            "genuine_people": found.genuine_people,
            "impostor_pairs": found.impostor_pairs,
            "resamples": found.resamples,
        },
        "targets": [_asked(target) for target in found.targets],
        "supported": [_asked(claim) for claim in found.claims],
        "thresholds": [_point(point) for point in found.points],
        "galleries": [_trial(trial) for trial in found.trials],
        "ten_folds": _ten_folds(found.ten_folds),
        "subgroups": [_subgroup(group) for group in found.subgroups],
        "suspect_impostor_scores": list(found.suspects),
    }


def _acquisition(acquisition: Acquisition) -> dict[str, Any]:
    return {
        "people": acquisition.people,
        "photographs": acquisition.photographs,
        "files_ignored": acquisition.ignored,
        "failure_to_acquire": _estimate(acquisition.failed),
        "reasons": {reason.value: count for reason, count in acquisition.reasons.items()},
        "several_faces": acquisition.several,
        "face_taken_not_the_tallest": acquisition.not_nearest,
        "which_face": acquisition.which.value,
        "pairs_lost": {"genuine": acquisition.lost_genuine, "impostor": acquisition.lost_impostor},
        "data_sha256": acquisition.digest,
    }


def _ten_folds(found: Accuracy | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {"accuracy": found.mean, "standard_deviation": found.deviation, "folds": list(found.folds), "pairs": found.pairs}


def _asked(answer: Target | Claim) -> dict[str, Any]:
    return {"rate": answer.rate, "point": None if answer.point is None else _point(answer.point)}


def _point(point: Point) -> dict[str, Any]:
    return {
        "threshold": point.threshold,
        "fmr": _estimate(point.fmr),
        "fnmr": _estimate(point.fnmr),
        "fnmr_by_identity": _estimate(point.fnmr_by_identity),
        "tar": 1 - point.fnmr.value,
        "tar_by_identity": 1 - point.fnmr_by_identity.value,
    }


def _trial(trial: Trial) -> dict[str, Any]:
    return {
        "size": trial.size,
        "threshold": trial.threshold,
        "repeats": trial.repeats,
        "fpir": _optional(trial.fpir),
        "fnir": _optional(trial.fnir),
        "mistaken_for_another": _optional(trial.mistaken),
        "fpir_modelled": trial.modelled,
        "fpir_modelled_upper": trial.modelled_high,
    }


def _subgroup(group: Subgroup) -> dict[str, Any]:
    return {
        "name": group.name,
        "people": group.people,
        "photographs": group.photographs,
        "failure_to_acquire": _estimate(group.failed),
        "thresholds": [_point(point) for point in group.points],
    }


def _optional(estimate: Estimate | None) -> dict[str, Any] | None:
    return None if estimate is None else _estimate(estimate)


def _estimate(estimate: Estimate) -> dict[str, Any]:
    return {
        "value": estimate.value,
        "events": estimate.events,
        "of": estimate.of,
        "limits": _limits(estimate.limits),
        "limits_independent": _limits(estimate.independent),
        "limits_by_person": None if estimate.by_person is None else _limits(estimate.by_person),
    }


def _limits(limits: Limits) -> list[float]:
    return [limits.low, limits.high]
