"""The one place that loads ONNX Runtime and opens a model.

Promises that ONNX Runtime was told not to call its maker before it was loaded, that a model comes from bytes whose digest was
checked, and that a session at rest burns no processor time. Never reads a model from a path.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.errors import BadInput, ModelError, RuntimeUnfit

# From 1.29 on: without it a device id is kept in the home directory, and a host of its maker is looked up
TELEMETRY_SWITCH = "ORT_DISABLE_TELEMETRY"
QUIET = 3  # ONNX Runtime's severity "error": its warnings are about speed and would fill the journal

Tensor = NDArray[np.float32]


def _load_runtime() -> Any:
    """ONNX Runtime, with its statistics off. The environment is written here and nowhere else: the library offers no other way."""
    if "onnxruntime" in sys.modules and os.environ.get(TELEMETRY_SWITCH) != "1":
        raise RuntimeUnfit(f"onnxruntime was imported before {TELEMETRY_SWITCH}=1 was set; set it and start again")
    os.environ[TELEMETRY_SWITCH] = "1"
    return importlib.import_module("onnxruntime")


_runtime = _load_runtime()
VERSION = str(_runtime.__version__)


def _failures() -> tuple[type[Exception], ...]:
    """ONNX Runtime's errors have no common base below Exception; this is the list of them, so that nothing else is swallowed."""
    state = importlib.import_module("onnxruntime.capi.onnxruntime_pybind11_state")
    kinds = (kind for kind in vars(state).values() if isinstance(kind, type))
    return (*(kind for kind in kinds if issubclass(kind, Exception)), RuntimeError, ValueError)


FAILURES = _failures()


class Session:
    """A loaded model. `run` may be called from several threads."""

    def __init__(self, model: bytes, threads: int = 1) -> None:
        """`model`: a serialised ONNX graph of verified bytes. Raises ModelError where ONNX Runtime cannot load it."""
        if threads < 1:
            raise BadInput(f"threads must be 1 or more, not {threads}")
        try:
            self._session = _runtime.InferenceSession(model, _options(threads), providers=["CPUExecutionProvider"])
        except FAILURES as error:
            raise ModelError(f"ONNX Runtime {VERSION} cannot load this model ({_short(error)}); run: daka models fetch") from error
        self.inputs: tuple[str, ...] = tuple(str(node.name) for node in self._session.get_inputs())
        self.outputs: tuple[str, ...] = tuple(str(node.name) for node in self._session.get_outputs())

    def run(self, outputs: Sequence[str], feed: Mapping[str, Tensor]) -> list[Tensor]:
        """The named outputs for these inputs. Raises ModelError."""
        try:
            return [np.asarray(value, dtype=np.float32) for value in self._session.run(list(outputs), dict(feed))]
        except FAILURES as error:
            raise ModelError(f"ONNX Runtime {VERSION} failed while it ran a model ({_short(error)})") from error


def _options(threads: int) -> Any:
    options = _runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = QUIET
    options.graph_optimization_level = _runtime.GraphOptimizationLevel.ORT_ENABLE_ALL
    # Worker threads otherwise spin for a while after each run, waiting for the next; a kiosk stands idle most of the day.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    return options


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
