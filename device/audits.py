"""Both sides of a change as a record says them: short enough for it, and so cut that they differ."""

from __future__ import annotations

MOST_LETTERS = 500
BEFORE_IT = 40  # letters that both have, so that one finds the place


def sides(name: str, before: object, after: object) -> tuple[str, str]:
    """`name = value` of both. Where one is too long, each from a little before the first difference on, with marks of the cut."""
    texts = str(before), str(after)
    room = MOST_LETTERS - len(name) - len(" = ")
    if max(map(len, texts)) <= room:
        return f"{name} = {texts[0]}", f"{name} = {texts[1]}"
    alike = next((place for place, both in enumerate(zip(*texts, strict=False)) if both[0] != both[1]), min(map(len, texts)))
    first = max(0, alike - BEFORE_IT)
    return f"{name} = {_cut(texts[0], first, room)}", f"{name} = {_cut(texts[1], first, room)}"


def _cut(text: str, first: int, room: int) -> str:
    part = f"{'…' if first else ''}{text[first:]}"
    return part if len(part) <= room else f"{part[: room - 1]}…"
