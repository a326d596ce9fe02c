"""The demonstration with a real camera: one look for enrolment, and the decisions as they come."""

from __future__ import annotations

import threading
import time

import cv2
from rich.console import Console

from device import api, camera, clock
from device.demonstration.theatre import DemonstrationFailed
from device.sight import Sight

LOOK_S = 20.0
GOOD_FACE_PX = 110


def photograph(source: str, eyes: Sight, console: Console) -> bytes:
    """One picture with one large face, as PNG in memory; DemonstrationFailed says what the camera lacked."""
    console.print("Look into the camera ...")
    watched = camera.open_source(source, clock.SystemClock())
    sentence = ""

    def give_up() -> None:
        nonlocal sentence
        sentence = watched.status().sentence
        watched.close()

    patience = threading.Timer(LOOK_S, give_up)
    patience.start()
    try:
        for frame in watched.frames():
            faces = eyes.detector.faces(frame.pixels)
            if len(faces) == 1 and faces[0].box.height >= GOOD_FACE_PX:
                return cv2.imencode(".png", frame.pixels)[1].tobytes()
    finally:
        patience.cancel()
        watched.close()
    raise DemonstrationFailed(f"no single face at least {GOOD_FACE_PX} pixels tall was seen in {LOOK_S:.0f} s. {sentence}")


def announce(client: api.AdminClient, seconds: float, console: Console) -> None:
    """Print each decision as it is made."""
    deadline, number = time.monotonic() + seconds, 0
    while time.monotonic() < deadline:
        for decision in client.decisions(number, wait_s=1.0):
            number = decision.number
            receipt = f"#{decision.seq} {decision.hash[:12]}" if decision.hash else ""
            who, came_of_it = decision.name or "somebody", decision.why or decision.direction
            console.print(f"{decision.at[11:19]} {who}: {decision.outcome} {came_of_it} {receipt}")
