"""The mesh on a face: MediaPipe as we load it beside MediaPipe as it comes, and OpenCV's way beside MediaPipe."""

from __future__ import annotations

import importlib
from collections.abc import Iterator

import cv2
import numpy as np

from bench.families.recognition import frame
from bench.registry import Pair, Setting, number
from models import weights
from models.detect import Detector
from models.landmarks import quiet
from models.landmarks.with_mediapipe import WithMediaPipe
from models.landmarks.with_opencv import WithOpenCv


@number(
    family="landmarks",
    name="478 points and 52 blendshapes, MediaPipe",
    ours="WithMediaPipe.find around the detector's box",
    peer="MediaPipe's FaceLandmarker on the whole frame",
    at_most=1.2,
)
def with_mediapipe(setting: Setting) -> Iterator[Pair]:
    """One face of 150 pixels in a 640x480 frame; the peer, too, gets no socket."""
    ready, pixels = weights.ready(setting.weights), frame(setting)
    face = Detector(ready.detector).faces(pixels)[0]
    ours = WithMediaPipe(ready.landmarker)
    library, vision = (importlib.import_module(name) for name in ("mediapipe", "mediapipe.tasks.python.vision"))
    base = library.tasks.BaseOptions(model_asset_buffer=ready.landmarker)
    options = vision.FaceLandmarkerOptions(base_options=base, num_faces=1, output_face_blendshapes=True)
    theirs = quiet.made_without_sockets(lambda: vision.FaceLandmarker.create_from_options(options))
    rgb = np.ascontiguousarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB))
    picture = library.Image(image_format=library.ImageFormat.SRGB, data=rgb)
    yield Pair(lambda: ours.find(pixels, face), lambda: theirs.detect(picture))
    theirs.close()
    ours.close()


@number(
    family="landmarks",
    name="478 points and 52 blendshapes, OpenCV",
    ours="WithOpenCv.find, the same three graphs",
    peer="WithMediaPipe.find",
    at_most=2.0,
)
def with_opencv(setting: Setting) -> Iterator[Pair]:
    """For processors that MediaPipe leaves behind."""
    ready, pixels = weights.ready(setting.weights), frame(setting)
    face = Detector(ready.detector).faces(pixels)[0]
    ours, theirs = WithOpenCv(ready.landmarker), WithMediaPipe(ready.landmarker)
    yield Pair(lambda: ours.find(pixels, face), lambda: theirs.find(pixels, face))
    theirs.close()
