"""face_recognition (dlib) in a Python of its own: `PYTHON dlib_process.py`, one command a line, one line of JSON an answer.

Knows nothing of Daka: it runs where Daka is not installed. `load FILE` takes a picture as numpy saved it (RGB), `run` finds, aligns
and embeds its face and says how many there were, `vector` also gives the numbers of the largest, `hold N` keeps N templates.
"""

import json
import sys
from typing import Any

import face_recognition  # type: ignore[import-not-found]
import numpy as np


def largest(picture: Any) -> Any:
    """Where the largest face is, or none: (top, right, bottom, left)."""
    found = face_recognition.face_locations(picture)
    return max(found, key=lambda box: box[2] - box[0]) if found else None


def encoded(picture: Any) -> Any:
    """128 numbers of the largest face, or none."""
    box = largest(picture)
    return None if box is None else face_recognition.face_encodings(picture, [box])[0]


def main() -> None:
    """Until standard input ends."""
    picture, held = None, None
    for line in sys.stdin:
        command, _, rest = line.strip().partition(" ")
        answer: dict[str, object] = {}
        if command == "load":
            picture = np.load(rest)
        elif command == "run":
            answer = {"found": encoded(picture) is not None}
        elif command == "vector":
            vector = encoded(picture)
            answer = {"vector": None if vector is None else vector.tolist()}
        elif command == "hold":
            held = np.random.default_rng(1).standard_normal((int(rest), 128))
            answer = {"held": len(held)}
        print(json.dumps(answer), flush=True)


main()
