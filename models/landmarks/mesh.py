"""What is known about one face: points, blendshapes, pose. Pure numpy."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float32]  # (478, 3) x, y, z: pixels of the frame, z towards the back, in the scale of x
Coefficients = NDArray[np.float32]  # (52,) 0 to 1

POINTS = 478
BLENDSHAPES = (
    *("neutral", "brow_down_left", "brow_down_right", "brow_inner_up", "brow_outer_up_left", "brow_outer_up_right"),
    *("cheek_puff", "cheek_squint_left", "cheek_squint_right", "eye_blink_left", "eye_blink_right"),
    *("eye_look_down_left", "eye_look_down_right", "eye_look_in_left", "eye_look_in_right", "eye_look_out_left"),
    *("eye_look_out_right", "eye_look_up_left", "eye_look_up_right", "eye_squint_left", "eye_squint_right"),
    *("eye_wide_left", "eye_wide_right", "jaw_forward", "jaw_left", "jaw_open", "jaw_right", "mouth_close"),
    *("mouth_dimple_left", "mouth_dimple_right", "mouth_frown_left", "mouth_frown_right", "mouth_funnel", "mouth_left"),
    *("mouth_lower_down_left", "mouth_lower_down_right", "mouth_press_left", "mouth_press_right", "mouth_pucker"),
    *("mouth_right", "mouth_roll_lower", "mouth_roll_upper", "mouth_shrug_lower", "mouth_shrug_upper"),
    *("mouth_smile_left", "mouth_smile_right", "mouth_stretch_left", "mouth_stretch_right", "mouth_upper_up_left"),
    *("mouth_upper_up_right", "nose_sneer_left", "nose_sneer_right"),
)
"""The coefficients in the graph's order, ARKit's names; left and right are the person's own."""
_PLACE = {name: place for place, name in enumerate(BLENDSHAPES)}

# Points by their number in the mesh; right is the person's own right, which is left in the picture
RIGHT_EYE_OUTER, LEFT_EYE_OUTER = 33, 263
RIGHT_EYE_INNER, LEFT_EYE_INNER = 133, 362
FOREHEAD, CHIN = 10, 152

# From the directions of two lines on the face to the pose that MediaPipe's own geometry pipeline reports: least squares on 186
# pictures (sample photographs and LFW, upright and rolled by 20 degrees). Standard deviation of the rest: 0.8, 1.6 and 0.9 degrees.
TURN_SCALE, NOD_SCALE, NOD_SHIFT_DEG = 0.913, 0.916, 3.4


@dataclass(frozen=True, slots=True)
class Pose:
    """Degrees from facing the camera. `turn`: towards the person's own left; `nod`: up; `tilt`: clockwise in the picture."""

    turn_deg: float
    nod_deg: float
    tilt_deg: float


@dataclass(frozen=True, slots=True, eq=False)
class Mesh:
    """One face. Both arrays are read-only."""

    points: Points
    blendshapes: Coefficients
    pose: Pose

    @staticmethod
    def of(points: NDArray[np.floating], blendshapes: NDArray[np.floating]) -> Mesh:
        """From (478, 3) points in pixels of the frame and (52,) coefficients."""
        placed = np.array(points, dtype=np.float32)
        shapes = np.array(blendshapes, dtype=np.float32)
        placed.setflags(write=False)
        shapes.setflags(write=False)
        return Mesh(placed, shapes, pose(placed))

    def shape(self, name: str) -> float:
        """One blendshape by its name, 0 to 1."""
        return float(self.blendshapes[_PLACE[name]])

    def __repr__(self) -> str:
        return "Mesh(...)"  # points of a face stay out of logs


def pose(points: Points) -> Pose:
    """How the head is held, from the line through the outer corners of the eyes and the one from forehead to chin."""
    across = (points[LEFT_EYE_OUTER] - points[RIGHT_EYE_OUTER]).astype(np.float64)
    down = (points[CHIN] - points[FOREHEAD]).astype(np.float64)
    turn = math.degrees(math.atan2(across[2], math.hypot(across[0], across[1])))
    nod = math.degrees(math.atan2(-down[2], math.hypot(down[0], down[1])))
    tilt = math.degrees(math.atan2(across[1], across[0]))
    return Pose(TURN_SCALE * turn, NOD_SCALE * nod + NOD_SHIFT_DEG, tilt)
