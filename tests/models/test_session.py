"""ONNX Runtime, as we load it, keeps to itself: no socket, no file, no processor time at rest; seen from the kernel's side."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from models import session, weights
from models.errors import BadInput, ModelError
from models.session import Session

REPO = Path(__file__).resolve().parents[2]
OPENING = "open,openat,openat2"
CHANGING = "creat,truncate,mkdir,mkdirat,rename,renameat,renameat2,unlink,unlinkat,link,linkat,symlink,symlinkat"
RESTING_S = 3  # a statistics library calls home a while after it was loaded, not at once

RECOGNISE = f"""
import sys, time
from pathlib import Path
import numpy as np
from models import align, detect, embed, weights
ready = weights.ready(Path(sys.argv[1]))
detector, embedder = detect.Detector(ready.detector, threads=2), embed.Embedder(ready.embedder, threads=2)
print("ran", len(detector.faces(np.zeros((240, 320, 3), np.uint8))), embedder.embed(np.zeros((112, 112, 3), np.uint8)).shape)
time.sleep({RESTING_S})
"""
MISBEHAVE = """
import socket, sys
from pathlib import Path
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close()
(Path.home() / "device-id").write_text("1")
"""


def traced(program: str, home: Path, *arguments: str, patience_s: float = 60) -> list[str]:
    """The calls of a child, and of all its threads and children, that touch the network or could change a file."""
    trace = home.parent / "trace"
    environment = {
        key: value for key, value in os.environ.items() if key != session.TELEMETRY_SWITCH and not key.startswith("XDG_")
    }
    environment |= {"HOME": str(home), "TMPDIR": str(home), "PYTHONPATH": str(REPO), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [
        "strace",
        "-f",
        "-qq",
        "-e",
        f"trace=%network,{OPENING},{CHANGING}",
        "-o",
        str(trace),
        sys.executable,
        "-c",
        program,
        *arguments,
    ]
    subprocess.run(command, env=environment, cwd=home, check=True, timeout=patience_s, stdout=subprocess.DEVNULL)
    return [line for line in trace.read_text().splitlines() if is_suspicious(line)]


def is_suspicious(line: str) -> bool:
    """A socket of any family, or a file opened to be written or changed otherwise; reading a file is neither."""
    if re.search(r"\b(open|openat|openat2)\(", line):
        return bool(re.search(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC", line)) and '"/dev/null"' not in line
    return bool(re.match(r"\d+ +[a-z]\w*\(", line))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    if shutil.which("strace") is None:
        pytest.skip("strace is missing; install it: apt-get install strace")
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def test_loading_and_running_the_models_opens_no_socket_and_writes_no_file(home: Path, weights_directory: Path) -> None:
    assert traced(RECOGNISE, home, str(weights_directory)) == []
    assert list(home.iterdir()) == []


def test_the_trace_would_show_a_socket_and_a_file(home: Path) -> None:
    suspicious = "\n".join(traced(MISBEHAVE, home))
    assert "socket(AF_INET" in suspicious
    assert "device-id" in suspicious


def run_python(program: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if key != session.TELEMETRY_SWITCH}
    environment["PYTHONPATH"] = str(REPO)
    return subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_the_switch_is_set_before_the_library_is_there() -> None:
    found = run_python("import models.session, os, sys; print(os.environ['ORT_DISABLE_TELEMETRY'], 'onnxruntime' in sys.modules)")
    assert found.stdout.split() == ["1", "True"]


def test_a_library_that_somebody_loaded_without_the_switch_is_refused() -> None:
    # An empty stand-in under the library's name: loading the real one without its switch is what must never happen, here neither.
    found = run_python("import sys, types; sys.modules['onnxruntime'] = types.ModuleType('onnxruntime'); import models.session")
    assert found.returncode != 0
    assert "RuntimeUnfit: onnxruntime was imported before ORT_DISABLE_TELEMETRY=1 was set" in found.stderr.replace(
        "models.errors.", ""
    )


def test_threads_at_rest_burn_no_processor_time(ready: weights.Ready) -> None:
    opened = Session(ready.detector, threads=2)
    feed = {"input": np.zeros((1, 3, 256, 320), np.float32)}
    shares = []
    for _ in range(5):
        opened.run(opened.outputs, feed)
        started, used = time.monotonic(), time.process_time()
        time.sleep(0.1)
        shares.append((time.process_time() - used) / (time.monotonic() - started))
    assert sorted(shares)[2] < 0.1  # a spinning worker takes 0.4 of this time


def test_what_the_runtime_refuses_is_our_own_error(ready: weights.Ready) -> None:
    opened = Session(ready.detector)
    with pytest.raises(ModelError, match="failed while it ran"):
        opened.run(opened.outputs, {"input": np.zeros((1, 4, 32, 32), np.float32)})
    with pytest.raises(ModelError, match="failed while it ran"):
        opened.run(["no such output"], {"input": np.zeros((1, 3, 32, 32), np.float32)})
    with pytest.raises(BadInput, match="threads"):
        Session(ready.detector, threads=0)
