"""YuNet's twelve small heads as three: an exact rewrite that spares the detector a seventh of its time.

As published, each of the three grids has four heads (class, object, box, landmarks) of 1, 1, 4 and 10 channels, every one followed
by a transposition. ONNX Runtime's blocked kernels take 8 or 16 channels at once, so the four are laid beside each other: 16.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from models.errors import FoldError

STRIDES = (8, 16, 32)
HEADS = ("cls", "obj", "bbox", "kps")
CHANNELS = 16
LAYOUT = (
    "Sigmoid",
    "Reshape",
    "Transpose",
)  # what stands behind a head's last convolution; `detect` does it for the few that count


def merge(graph: onnx.GraphProto) -> None:
    """Replaces the outputs `cls_8` ... `kps_32` by `grid_8`, `grid_16`, `grid_32`, (1, 16, rows, columns) each: two numbers
    before their sigmoid, four of the box, ten of the landmarks. Raises FoldError where the graph is built in another way."""
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    made_by = {output: node for node in graph.node for output in node.output}
    outputs = []
    for stride in STRIDES:
        last = [_convolution(made_by, f"{head}_{stride}") for head in HEADS]
        first = [_convolution(made_by, node.input[0]) for node in last]
        if len({node.input[0] for node in first}) != 1:
            raise FoldError("YuNet's heads do not start from one layer; these are not the weights that this version knows")
        _lay_side_by_side(graph, stored, first, [first[0].input[0], f"narrow_{stride}"], {"kernel_shape": [1, 1]})
        depthwise: dict[str, Any] = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "group": CHANNELS}
        _lay_side_by_side(graph, stored, last, [f"narrow_{stride}", f"grid_{stride}"], depthwise)
        shape: list[Any] = [1, CHANNELS, f"rows_{stride}", f"columns_{stride}"]
        outputs.append(helper.make_tensor_value_info(f"grid_{stride}", onnx.TensorProto.FLOAT, shape))
    del graph.output[:]
    graph.output.extend(outputs)
    _drop_nodes_that_nobody_reads(graph)


def _convolution(made_by: dict[str, onnx.NodeProto], name: str) -> onnx.NodeProto:
    """The convolution from which `name` comes, but for its layout."""
    node = made_by.get(name)
    while node is not None and node.op_type in LAYOUT:
        node = made_by.get(node.input[0])
    if node is None or node.op_type != "Conv" or len(node.input) != 3:
        raise FoldError(f"YuNet's head {name} is no convolution; these are not the weights that this version knows")
    return node


def _lay_side_by_side(
    graph: onnx.GraphProto,
    stored: dict[str, NDArray[np.float32]],
    parts: list[onnx.NodeProto],
    ends: list[str],
    attributes: dict[str, Any],
) -> None:
    """One convolution from `ends[0]` to `ends[1]` whose channels are those of `parts`, in their order."""
    names = [f"{ends[1]}_weights", f"{ends[1]}_bias"]
    for name, at in zip(names, (1, 2), strict=True):
        graph.initializer.append(numpy_helper.from_array(np.concatenate([stored[part.input[at]] for part in parts]), name))
    graph.node.append(helper.make_node("Conv", [ends[0], *names], [ends[1]], **attributes))


def _drop_nodes_that_nobody_reads(graph: onnx.GraphProto) -> None:
    read = {output.name for output in graph.output}
    kept = []
    for node in reversed(graph.node):
        if read.intersection(node.output):
            kept.append(node)
            read.update(node.input)
    del graph.node[:]
    graph.node.extend(reversed(kept))
