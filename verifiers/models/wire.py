"""Messages of protocol buffers, as far as servers' prediction calls need them.

https://protobuf.dev/programming-guides/encoding/
"""

from collections.abc import Iterator

import numpy as np

LENGTH = 2
VARINT, FIXED64, FIXED32 = 0, 1, 5
DTYPE, SHAPE, CONTENT, FLOATS = 1, 2, 4, 5
"""Fields of a TensorProto: tensorflow/core/framework/tensor.proto."""
FLOAT32 = 1


def field(number: int, value: bytes | str | int) -> bytes:
    """Return a field: bytes, text or a message with its length, a number as a varint."""
    if isinstance(value, int):
        return _varint(number << 3 | VARINT) + _varint(value)
    raw = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | LENGTH) + _varint(len(raw)) + raw


def fields(message: bytes) -> Iterator[tuple[int, bytes | int]]:
    """Yield number and value of each field; bytes of those with a length, numbers of the others.

    Raises
    ------
    ValueError
        Where a field has a type that no message here uses.
    """
    place = 0
    while place < len(message):
        key, place = _read_varint(message, place)
        number, kind = key >> 3, key & 7
        if kind == VARINT:
            value, place = _read_varint(message, place)
            yield number, value
            continue
        if kind == LENGTH:
            size, place = _read_varint(message, place)
        elif kind in (FIXED32, FIXED64):
            size = 4 if kind == FIXED32 else 8
        else:
            text = f"field {number} has wire type {kind}"
            raise ValueError(text)
        yield number, message[place : place + size]
        place += size


def first(message: bytes, number: int) -> bytes:
    """Return the bytes of the first field of this number; none if it is absent, which is its default."""
    return next(
        (value for found, value in fields(message) if found == number and isinstance(value, bytes)), b""
    )


def tensor(values: np.ndarray) -> bytes:
    """Return a TensorProto of float32 numbers."""
    sizes = b"".join(field(2, field(1, size)) for size in values.shape)
    return field(DTYPE, FLOAT32) + field(SHAPE, sizes) + field(CONTENT, values.tobytes())


def floats(message: bytes) -> np.ndarray:
    """Return the numbers of a TensorProto of float32, which has them as raw bytes or as a packed list."""
    return np.frombuffer(first(message, CONTENT) or first(message, FLOATS), np.float32)


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    found.append(value)
    return bytes(found)


def _read_varint(message: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[place]
        place += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, place
