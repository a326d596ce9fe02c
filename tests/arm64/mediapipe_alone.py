"""MediaPipe's face landmarker by itself on one photograph: what the product's probe has to find out.

usage: mediapipe_alone.py TASK PHOTOGRAPH
"""

from __future__ import annotations

import sys

import cv2
import mediapipe
from mediapipe.tasks import python as tasks
from mediapipe.tasks.python import vision


def main() -> None:
    task, photograph = sys.argv[1:]
    options = vision.FaceLandmarkerOptions(base_options=tasks.BaseOptions(model_asset_path=task))
    picture = cv2.imread(photograph)
    assert picture is not None, f"{photograph} is no picture"
    pixels = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
    with vision.FaceLandmarker.create_from_options(options) as landmarker:
        found = landmarker.detect(mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=pixels))
    print(f"MediaPipe {mediapipe.__version__} found {len(found.face_landmarks[0])} points")


if __name__ == "__main__":
    main()
