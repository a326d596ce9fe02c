"""What reaches the network never loads what sees a face; asked of a real process, not of the source."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.device import parts

NEVER = (
    "cv2", "numpy", "onnxruntime", "mediapipe", "models", "device.camera", "device.people", "device.templates", "device.recognise",
    "device.journal", "device.sight", "device.desk", "sqlite3",
)  # fmt: skip


def loaded_by(statement: str) -> set[str]:
    program = f"{statement}\nimport sys\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], cwd=parts.REPO, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "statement",
    ["import device.commands.run_uplink", "import device.uplink, device.mqtt, device.api, device.messages"],
)
def test_the_uplink_loads_nothing_that_sees_a_face(statement: str) -> None:
    loaded = loaded_by(statement)
    assert "device.uplink" in loaded
    assert not loaded & set(NEVER)


def test_the_uplink_is_small() -> None:
    """60 MB at most with four batches under way (`make carriers` measures it): 57 when it has loaded everything."""
    program = "import device.commands.run_uplink; print(open('/proc/self/status').read())"
    done = subprocess.run([sys.executable, "-c", program], cwd=parts.REPO, capture_output=True, text=True, check=True)
    (resident,) = (int(line.split()[1]) for line in done.stdout.splitlines() if line.startswith("VmRSS:"))
    assert resident < 58 * 1_024
    assert not loaded_by("import device.commands.run_uplink") & {"rich", "pygments"}


def test_neither_does_the_command_line_on_its_way_to_the_uplink() -> None:
    """As `daka run uplink` comes there: through the main group and the run group."""
    statement = (
        "import click\nfrom device.commands.main import daka\n"
        "run = daka.get_command(click.Context(daka), 'run')\nassert run.get_command(click.Context(run), 'uplink')"
    )
    loaded = loaded_by(statement)
    assert "device.commands.run_uplink" in loaded
    assert not {name for name in loaded if name.partition(".")[0] in ("cv2", "numpy", "onnxruntime", "mediapipe")}


def test_the_kiosk_does_load_it_so_that_this_test_can_fail() -> None:
    assert {"cv2", "numpy", "onnxruntime", "device.camera"} <= loaded_by("import device.commands.run_kiosk")


@pytest.mark.parametrize("command", ["office", "personnel", "sisters", "enrol", "join", "update"])
def test_neither_does_a_command_that_only_asks_the_running_daemon(command: str) -> None:
    """Models and camera would take a second of a processor each time, more on a kiosk's own."""
    loaded = loaded_by(f"import device.commands.{command}")
    assert f"device.commands.{command}" in loaded
    assert not loaded & {"cv2", "numpy", "onnxruntime", "mediapipe", "device.camera", "device.sight", "device.desk"}
