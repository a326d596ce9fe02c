"""What can be wrong with an evaluation's input. Each text names the place and says what is expected there."""

from __future__ import annotations

from models.errors import ModelError


class EvaluationError(ModelError):
    """Nothing was measured, because of what was handed in."""


class BadFolder(EvaluationError):
    """The folder of photographs is missing, empty, or laid out in another way."""


class BadTable(EvaluationError):
    """The file of pairs or of subgroups does not fit its description or the folder; the text names the line."""


class TooLittle(EvaluationError):
    """The pictures could be read, but hold no genuine or no impostor pair, or too many of them."""
