"""Rewrites an ONNX model with int8 weights so that it multiplies in int8. Pure: bytes in, bytes out.

The bundled model's file stores int8 weights and turns them into floats when it is loaded, which takes four
times the memory and twice the time. Here `MatMul(x, Cast(q) * scale)` becomes `DynamicQuantizeMatMul(x, q,
scale)`, a look-up in a table of floats becomes one in the table of int8, and the check of every softmax for
NaN goes, since no text is empty. The file is edited on the level of protobuf's wire format: its own package
would be larger than the model. https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

GRAPH, OPSET = 7, 8  # of a model
NODE, INITIALIZER = 1, 5  # of a graph
INPUT, OUTPUT, OP_TYPE, ATTRIBUTE, DOMAIN = 1, 2, 4, 5, 7  # of a node
DIMS, TENSOR_NAME = 1, 8  # of a tensor
ATTRIBUTE_NAME, ATTRIBUTE_INT, ATTRIBUTE_TYPE = 1, 3, 20
FLOAT: Final = 1
INT_ATTRIBUTE: Final = 2
VARINT, EIGHT_BYTES, BYTES, FOUR_BYTES = 0, 1, 2, 5
CONTRIB: Final = "com.microsoft"

Value = int | memoryview
Parts = list[tuple[int, bytes | memoryview]]


@dataclass(frozen=True, slots=True)
class Node:
    """One operation. `raw` is its message, for what is left as it is."""

    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    raw: memoryview


@dataclass(slots=True)
class Tables:
    """What the rewriting knows. `quantized`: a float table by name → its int8 values and scales."""

    quantized: dict[str, tuple[str, str]] = field(default_factory=dict)
    casts: dict[str, str] = field(default_factory=dict)
    checks: dict[str, str] = field(default_factory=dict)
    flat_scales: set[str] = field(default_factory=set)


def in_int8(model: bytes) -> bytes | None:
    """The rewritten model; None when it is not of the known form."""
    graph = next((value for number, _, value in fields(memoryview(model)) if number == GRAPH), None)
    if not isinstance(graph, memoryview):
        return None
    nodes = [
        _node(value) for number, _, value in fields(graph) if number == NODE and not isinstance(value, int)
    ]
    tables = _tables(nodes)
    new = [encoded for node in nodes for encoded in _rewritten(node, tables)]
    if not tables.flat_scales or _uses_floats(nodes, tables):
        return None
    rest = [span for number, span in spans(memoryview(model)) if number != GRAPH]
    return b"".join([*rest, message(GRAPH, _graph(graph, new, tables)), message(OPSET, _opset())])


def _tables(nodes: Iterable[Node]) -> Tables:
    tables = Tables()
    for node in nodes:
        if node.op == "Cast" and node.inputs[0].endswith("_q"):
            tables.casts[node.outputs[0]] = node.inputs[0]
        elif node.op == "Mul" and node.inputs[0] in tables.casts:
            tables.quantized[node.outputs[0]] = (tables.casts[node.inputs[0]], node.inputs[1])
        elif node.op == "IsNaN":
            tables.checks[node.outputs[0]] = node.inputs[0]
    return tables


def _rewritten(node: Node, tables: Tables) -> Iterator[bytes]:
    """What takes the node's place, in order."""
    first, out = node.inputs[0] if node.inputs else "", node.outputs[0]
    if out in tables.casts or out in tables.quantized or out in tables.checks:
        return
    if node.op == "MatMul" and node.inputs[1] in tables.quantized:
        values, scales = tables.quantized[node.inputs[1]]
        tables.flat_scales.add(scales)
        yield operation("DynamicQuantizeMatMul", (first, values, scales), out, domain=CONTRIB)
    elif node.op == "Gather" and first in tables.quantized:
        values, scales = tables.quantized[first]
        yield operation("Gather", (values, node.inputs[1]), f"{out}_q")
        yield operation("Gather", (scales, node.inputs[1]), f"{out}_s")
        yield operation("Cast", (f"{out}_q",), f"{out}_f", to=FLOAT)
        yield operation("Mul", (f"{out}_f", f"{out}_s"), out)
    elif node.op == "Where" and tables.checks.get(first) == node.inputs[2]:
        yield operation("Identity", (node.inputs[2],), out)
    else:
        yield bytes(node.raw)


def _uses_floats(nodes: Iterable[Node], tables: Tables) -> bool:
    """Whether an operation other than those that were rewritten reads a table of floats."""
    known = {("MatMul", 1), ("Gather", 0)}
    return any(
        name in tables.quantized and (node.op, at) not in known
        for node in nodes
        for at, name in enumerate(node.inputs)
    )


def _graph(graph: memoryview, nodes: Iterable[bytes], tables: Tables) -> bytes:
    parts: list[bytes | memoryview] = [message(NODE, node) for node in nodes]
    for (number, span), (_, _, value) in zip(spans(graph), fields(graph), strict=True):
        tensor = value if number == INITIALIZER and isinstance(value, memoryview) else None
        if tensor is not None and _tensor_name(tensor) in tables.flat_scales:
            parts.append(message(INITIALIZER, _flat(tensor)))
        elif number != NODE:
            parts.append(span)
    return b"".join(parts)


def _tensor_name(tensor: memoryview) -> str:
    return next((_text(value) for number, _, value in fields(tensor) if number == TENSOR_NAME), "")


def _flat(tensor: memoryview) -> bytes:
    """The tensor with one dimension."""
    count = 1
    for number, _, value in fields(tensor):
        if number == DIMS and isinstance(value, int):
            count *= value
    rest = [span for number, span in spans(tensor) if number != DIMS]
    return b"".join([varint(DIMS << 3 | VARINT), varint(count), *rest])


def _node(raw: memoryview) -> Node:
    inputs, outputs, op = [], [], ""
    for number, _, value in fields(raw):
        if number == INPUT:
            inputs.append(_text(value))
        elif number == OUTPUT:
            outputs.append(_text(value))
        elif number == OP_TYPE:
            op = _text(value)
    return Node(op, tuple(inputs), tuple(outputs), raw)


def operation(op: str, inputs: Iterable[str], out: str, *, domain: str = "", to: int | None = None) -> bytes:
    """A node with one output; `to` is its attribute of that name."""
    parts = [message(INPUT, name.encode()) for name in inputs]
    parts += [message(OUTPUT, out.encode()), message(OP_TYPE, op.encode())]
    if domain:
        parts.append(message(DOMAIN, domain.encode()))
    if to is not None:
        number = varint(ATTRIBUTE_INT << 3 | VARINT) + varint(to)
        kind = varint(ATTRIBUTE_TYPE << 3 | VARINT) + varint(INT_ATTRIBUTE)
        parts.append(message(ATTRIBUTE, message(ATTRIBUTE_NAME, b"to") + number + kind))
    return b"".join(parts)


def _opset() -> bytes:
    return message(1, CONTRIB.encode()) + varint(2 << 3 | VARINT) + varint(1)


def _text(value: Value) -> str:
    return "" if isinstance(value, int) else bytes(value).decode()


def fields(data: memoryview) -> Iterator[tuple[int, int, Value]]:
    """Number, wire type and value of each field, in order."""
    for number, kind, _, start, end, value in _scan(data):
        yield number, kind, data[start:end] if kind == BYTES else value


def spans(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Number of each field, and its bytes with the key."""
    for number, _, key, _, end, _ in _scan(data):
        yield number, data[key:end]


def _scan(data: memoryview) -> Iterator[tuple[int, int, int, int, int, int]]:
    """Per field: number, wire type, start of the key, start and end of the value, the value of a number."""
    at = 0
    while at < len(data):
        key = at
        tag, at = _varint_at(data, at)
        number, kind, value, start = tag >> 3, tag & 7, 0, at
        if kind == VARINT:
            value, at = _varint_at(data, at)
        elif kind == BYTES:
            size, start = _varint_at(data, at)
            at = start + size
        elif kind in (EIGHT_BYTES, FOUR_BYTES):
            at += 8 if kind == EIGHT_BYTES else 4
        else:
            raise ValueError(f"wire type {kind} at byte {key}")
        yield number, kind, key, start, at, value


def _varint_at(data: memoryview, at: int) -> tuple[int, int]:
    value, shift = 0, 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
        shift += 7


def varint(value: int) -> bytes:
    """As protobuf writes a number that is not negative."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(encoded) + bytes([value])


def message(number: int, content: bytes) -> bytes:
    """A field of bytes: a text or an inner message."""
    return varint(number << 3 | BYTES) + varint(len(content)) + content
