"""How a sandbox talks to the grading process: frames of JSON and plain arrays, never pickles.

A frame is two lengths (four bytes each, big-endian), that many bytes of JSON, and that many bytes
of tensors in the safetensors format. Whoever reads a frame trusts nothing in it.
"""

from __future__ import annotations

import json
import socket
import struct
import time
from dataclasses import dataclass
from typing import Any

import torch

from course_lib.exercises.engine.comparing import Foreign
from course_lib.exercises.engine.judging import Run

HEADER_LIMIT = 4 << 20
"""The most bytes of JSON in a frame."""

PAYLOAD_LIMIT = 64 << 20
"""The most bytes of tensors in a frame."""

TEXT_LIMIT = 4000
"""The most characters that are kept of any text of a student's."""

_BITS = 1023
"""The most binary digits of a whole number that is sent: any such can be made a float."""

_SIZES = struct.Struct(">II")


class BadFrame(ValueError):
    """What came is no frame, or is larger than a frame may be."""


class Silence(Exception):
    """Nothing came in time."""


@dataclass(frozen=True)
class Frame:
    """One message: plain JSON data, the bytes of its tensors, and how many bytes it took."""

    data: dict[str, Any]
    tensors: bytes = b""
    size: int = 0


def send(channel: socket.socket, data: dict[str, Any], tensors: bytes = b"") -> None:
    """Write one frame."""
    text = json.dumps(data).encode()
    channel.sendall(_SIZES.pack(len(text), len(tensors)) + text + tensors)


def receive(channel: socket.socket, deadline: float, payload_limit: int = PAYLOAD_LIMIT) -> Frame:
    """Read one frame.

    Args:
        channel: where it comes from.
        deadline: by `time.monotonic`, when to give up.
        payload_limit: the most bytes of tensors that are read.

    Raises:
        EOFError: the other side has closed the channel.
        Silence: the deadline has passed.
        BadFrame: too large, or not JSON with an object at its top.
    """
    text_size, size = _SIZES.unpack(_read(channel, _SIZES.size, deadline))
    if text_size > HEADER_LIMIT or size > payload_limit:
        raise BadFrame("The sandbox sent more than an answer can be.")
    text = _read(channel, text_size, deadline)
    tensors = _read(channel, size, deadline)
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise BadFrame("The sandbox sent something that is no result.") from None
    if not isinstance(data, dict):
        raise BadFrame("The sandbox sent something that is no result.")
    return Frame(data, tensors, text_size + size)


def _read(channel: socket.socket, count: int, deadline: float) -> bytes:
    parts = bytearray()
    while len(parts) < count:
        left = deadline - time.monotonic()
        if left <= 0:
            raise Silence
        channel.settimeout(left)
        try:
            part = channel.recv(min(count - len(parts), 1 << 20))
        except TimeoutError:
            raise Silence from None
        except OSError:
            raise EOFError from None
        if not part:
            raise EOFError
        parts += part
    return bytes(parts)


def pack_runs(runs: list[Run]) -> tuple[list[dict[str, Any]], bytes]:
    """Runs as plain JSON data and the bytes of their tensors."""
    from safetensors.torch import save

    tensors: dict[str, torch.Tensor] = {}
    packed = []
    for run in runs:
        outputs = run.outputs
        packed.append(
            {
                "outputs": None
                if outputs is None
                else {name: _pack(value, tensors) for name, value in outputs.items()},
                "finding": run.finding[:TEXT_LIMIT],
                "traceback": run.traceback[:TEXT_LIMIT],
                "symptom": run.symptom[:TEXT_LIMIT],
                "calls": [call[:200] for call in run.calls[:1000]],
                "warned": [text[:400] for text in run.warned[:2]],
            }
        )
    return packed, save(tensors)


def unpack_runs(packed: Any, tensors: bytes) -> list[Run]:
    """The runs that `pack_runs` packed, from bytes that nobody vouches for.

    Raises:
        BadFrame: they are none.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        loaded = load(tensors)
        return [_unpack_run(run, loaded) for run in packed]
    except (SafetensorError, KeyError, TypeError, ValueError, AttributeError, RuntimeError):
        raise BadFrame("The sandbox sent something that is no result.") from None
    except (RecursionError, OverflowError):
        raise BadFrame("The sandbox sent something that is no result.") from None


def _unpack_run(run: dict[str, Any], loaded: dict[str, torch.Tensor]) -> Run:
    outputs = run["outputs"]
    if outputs is None and not run["finding"] and not run["traceback"]:
        raise ValueError
    return Run(
        outputs=None
        if outputs is None
        else {str(name): _unpack(value, loaded) for name, value in outputs.items()},
        finding=_text(run["finding"]),
        traceback=_text(run["traceback"]),
        symptom=_text(run["symptom"]),
        calls=tuple(_text(call) for call in run["calls"]),
        warned=tuple(_text(text) for text in run["warned"]),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value[:TEXT_LIMIT]


def _pack(value: Any, tensors: dict[str, torch.Tensor]) -> dict[str, Any]:
    if isinstance(value, torch.Tensor):
        odd = _oddity(value)
        if odd:
            return {"foreign": f"a tensor of shape {tuple(value.shape)}, {odd}"}
        name = str(len(tensors))
        if value.is_complex():
            tensors[name] = torch.view_as_real(value.resolve_conj()).contiguous()
            return {"complex": name}
        tensors[name] = value.resolve_neg().contiguous()
        return {"tensor": name}
    if isinstance(value, Foreign):
        return {"foreign": value.description[:TEXT_LIMIT]}
    if isinstance(value, list):
        return {"list": [_pack(item, tensors) for item in value]}
    if isinstance(value, str):
        return {"plain": value[:TEXT_LIMIT]}
    if isinstance(value, int) and value.bit_length() > _BITS:
        return {"foreign": f"a whole number of {value.bit_length():,} bits"}
    return {"plain": value}


def _oddity(value: torch.Tensor) -> str:
    """Why a tensor is no plain array, as an end of a description, or nothing."""
    if value.device.type != "cpu":
        return str(value.device)
    if value.layout is not torch.strided:
        return str(value.layout)
    return str(value.dtype) if value.is_quantized else ""


def _unpack(value: dict[str, Any], loaded: dict[str, torch.Tensor]) -> Any:
    ((kind, content),) = value.items()
    match kind:
        case "tensor":
            return loaded[content]
        case "complex":
            return torch.view_as_complex(loaded[content])
        case "foreign":
            return Foreign(_text(content))
        case "list":
            return [_unpack(item, loaded) for item in content]
        case "plain" if content is None or isinstance(content, bool | int | float | str):
            return content
    raise ValueError
