"""Block-quantised weights made into a plain fp32 ONNX graph that ONNX Runtime runs; done once, when the weights are fetched.

Every rewrite is exact: the numbers of the published weights, nothing trained, nothing rounded. Never runs at recognition time.
"""

from __future__ import annotations

import enum
import importlib
import statistics
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import checker, helper, numpy_helper

from models import heads, session
from models.errors import FoldError

ROUNDS = 9  # runs of each form, taken in turns so that a busy moment hurts all alike; the median counts
AGREEMENT = 0.9999  # least cosine to the plain form; all forms are exact, so less means that a kernel is wrong here

Numbers = NDArray[Any]

_Unparsable: type[Exception] = importlib.import_module("google.protobuf.message").DecodeError  # protobuf ships no types


class Form(enum.StrEnum):
    """How PRelu is computed. All give the same numbers; which is fastest depends on the processor."""

    PRELU = "prelu kept"
    RELU = "relu+arithmetic"  # relu(x) + slope * (x - relu(x))
    MAX = "max"  # max(x, slope * x), for slopes up to 1; relu+arithmetic in a layer that has a steeper one
    NEGATIVE = "negative part by depthwise convolutions"  # x + (1 - slope) * relu(-x): two passes, in the blocked layout


@dataclass(frozen=True, slots=True)
class Choice:
    """The fastest form on this machine, and the median time of one run of each form that agreed, milliseconds."""

    model: bytes
    form: Form
    milliseconds: Mapping[str, float]


def detector(source: bytes) -> bytes:
    """YuNet for pictures of any size whose sides are multiples of 32, one output a grid (see `heads`). Raises FoldError."""
    model = _parsed(plain_detector(source))
    heads.merge(model.graph)
    return _serialised(model)


def plain_detector(source: bytes) -> bytes:
    """The same with the outputs as published, as other programs expect them. Raises FoldError."""
    model = _parsed(source)
    _dequantise(model.graph)
    for dimension, name in zip(model.graph.input[0].type.tensor_type.shape.dim[2:], ("height", "width"), strict=True):
        dimension.dim_param = name
    for output in model.graph.output:  # (1, cells, values): the number of cells follows from the size
        output.type.tensor_type.shape.dim[1].dim_param = f"{output.name}_cells"
    return _serialised(model)


def embedder(source: bytes, form: Form = Form.PRELU) -> bytes:
    """SFace, plain, in the form asked for. Raises FoldError."""
    model = _parsed(source)
    _dequantise(model.graph)
    if form is not Form.PRELU:
        _rewrite_prelu(model.graph, form)
    return _serialised(model)


def fastest_embedder(source: bytes) -> Choice:
    """Every form of SFace, timed here with one thread; one that this machine's kernels get wrong is left out. Raises FoldError."""
    graphs = {form: embedder(source, form) for form in Form}
    chip = np.random.default_rng(0).integers(0, 256, (1, 3, 112, 112)).astype(np.float32)
    sessions = {form: session.Session(graph) for form, graph in graphs.items()}
    plain = _direction(sessions[Form.PRELU], chip)
    agreeing = {form: opened for form, opened in sessions.items() if float(plain @ _direction(opened, chip)) >= AGREEMENT}
    if not agreeing:
        raise FoldError("SFace gives no usable numbers here; please report the processor and the version of ONNX Runtime")
    times = _times(agreeing, chip)
    best = min(times, key=lambda form: times[form])
    return Choice(graphs[best], best, {form.value: round(taken, 3) for form, taken in times.items()})


def _times(sessions: Mapping[Form, session.Session], chip: session.Tensor) -> dict[Form, float]:
    taken: dict[Form, list[float]] = {form: [] for form in sessions}
    for _ in range(ROUNDS):
        for form, opened in sessions.items():
            started = time.perf_counter()
            opened.run(opened.outputs, {opened.inputs[0]: chip})
            taken[form].append((time.perf_counter() - started) * 1e3)
    return {form: statistics.median(values) for form, values in taken.items()}


def _direction(opened: session.Session, chip: session.Tensor) -> session.Tensor:
    vector = opened.run(opened.outputs, {opened.inputs[0]: chip})[0].reshape(-1)
    return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)


def _parsed(source: bytes) -> onnx.ModelProto:
    try:
        return onnx.load_model_from_string(source)
    except _Unparsable as error:
        raise FoldError("the weights are no ONNX model; run: daka models fetch") from error


def _serialised(model: onnx.ModelProto) -> bytes:
    _drop_what_nobody_reads(model.graph)
    try:
        checker.check_model(model)
    except checker.ValidationError as error:
        raise FoldError("folding gave no valid ONNX model; these are not the weights that this version knows") from error
    return bytes(model.SerializeToString(deterministic=True))


def _dequantise(graph: onnx.GraphProto) -> None:
    """Replaces DequantizeLinear, and the Reshape behind it, by the fp32 numbers that they stand for."""
    stored = {tensor.name: tensor for tensor in graph.initializer}
    folded: dict[str, Numbers] = {}
    kept = []
    for node in graph.node:
        if node.op_type == "DequantizeLinear" and node.input[0] in stored:
            folded[node.output[0]] = _dequantised(node, [numpy_helper.to_array(stored[name]) for name in node.input])
        elif node.op_type == "Reshape" and node.input[0] in folded:
            folded[node.output[0]] = folded[node.input[0]].reshape(numpy_helper.to_array(stored[node.input[1]]))
        else:
            kept.append(node)
    _replace(graph.node, kept)
    graph.initializer.extend(numpy_helper.from_array(values, name) for name, values in folded.items())
    del graph.value_info[:]  # shapes noted for values that are gone, or that are free now


def _dequantised(node: onnx.NodeProto, inputs: list[Numbers]) -> Numbers:
    """(stored - zero point) * scale; ONNX DequantizeLinear-21. With `block_size` a scale serves that many along `axis`."""
    stored, scale = inputs[0], inputs[1]
    zero = inputs[2] if len(inputs) > 2 else np.zeros_like(scale, dtype=stored.dtype)
    attributes = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
    block = int(attributes.get("block_size", 0))
    if block and scale.shape != stored.shape:
        axis = int(attributes.get("axis", 1))
        scale, zero = (np.repeat(part, block, axis=axis).take(range(stored.shape[axis]), axis=axis) for part in (scale, zero))
    return np.asarray((stored.astype(np.float32) - zero.astype(np.float32)) * scale.astype(np.float32), dtype=np.float32)


def _rewrite_prelu(graph: onnx.GraphProto, form: Form) -> None:
    stored = {tensor.name: tensor for tensor in graph.initializer}
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        if node.op_type != "PRelu":
            nodes.append(node)
            continue
        slopes = numpy_helper.to_array(stored[node.input[1]]).astype(np.float32).reshape(-1)
        for part in _prelu_parts(node.input[0], node.output[0], slopes, form):
            (nodes if isinstance(part, onnx.NodeProto) else graph.initializer).append(part)
    _replace(graph.node, nodes)


def _prelu_parts(x: str, y: str, slopes: Numbers, form: Form) -> Iterator[onnx.NodeProto | onnx.TensorProto]:
    """Nodes and constants that compute y = PRelu(x) with one slope per channel."""
    if form is Form.NEGATIVE:
        yield from _prelu_by_its_negative_part(x, y, slopes)
        return
    yield numpy_helper.from_array(slopes.reshape(-1, 1, 1), f"{y}_slope")
    if form is Form.MAX and bool((slopes <= 1).all()):
        yield helper.make_node("Mul", [x, f"{y}_slope"], [f"{y}_scaled"])
        yield helper.make_node("Max", [x, f"{y}_scaled"], [y])
        return
    yield helper.make_node("Relu", [x], [f"{y}_positive"])
    yield helper.make_node("Sub", [x, f"{y}_positive"], [f"{y}_negative"])
    yield helper.make_node("Mul", [f"{y}_negative", f"{y}_slope"], [f"{y}_scaled"])
    yield helper.make_node("Add", [f"{y}_positive", f"{y}_scaled"], [y])


def _prelu_by_its_negative_part(x: str, y: str, slopes: Numbers) -> Iterator[onnx.NodeProto | onnx.TensorProto]:
    """ONNX Runtime fuses the Relu into the first convolution and the Add into the second: each is one pass over the layer."""
    channels = len(slopes)
    yield numpy_helper.from_array(np.full((channels, 1, 1, 1), -1, dtype=np.float32), f"{y}_minus")
    yield numpy_helper.from_array((1 - slopes).reshape(-1, 1, 1, 1), f"{y}_rest")
    yield helper.make_node("Conv", [x, f"{y}_minus"], [f"{y}_turned"], group=channels, kernel_shape=[1, 1])
    yield helper.make_node("Relu", [f"{y}_turned"], [f"{y}_negative"])
    yield helper.make_node("Conv", [f"{y}_negative", f"{y}_rest"], [f"{y}_lift"], group=channels, kernel_shape=[1, 1])
    yield helper.make_node("Add", [f"{y}_lift", x], [y])


def _drop_what_nobody_reads(graph: onnx.GraphProto) -> None:
    """Constants without a reader, and inputs that are constants or dangle: ONNX Runtime refuses or cannot fold over them."""
    read = {name for node in graph.node for name in node.input}
    constants = [tensor for tensor in graph.initializer if tensor.name in read]
    names = {tensor.name for tensor in constants}
    _replace(graph.initializer, constants)
    _replace(graph.input, [value for value in graph.input if value.name in read and value.name not in names])


def _replace(field: Any, values: list[Any]) -> None:
    """Protobuf's repeated fields cannot be assigned to."""
    del field[:]
    field.extend(values)
