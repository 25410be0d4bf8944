"""IDX, the format of MNIST's files: a file's header is checked before the file is read.

A magic number (two zero bytes, 8 for unsigned bytes, the number of dimensions), a big-endian 32-bit size for
each dimension, then the bytes. A header of 16 bytes can announce more data than any memory holds; a reader
that trusts it fails when it allocates. So its sizes are first compared with the length of the file.

Source: LeCun, Cortes and Burges, "The MNIST database of handwritten digits", the section on its file formats.
"""

import struct
from math import prod
from pathlib import Path

import torch
from torch import Tensor

UNSIGNED_BYTES = 8
MOST = 1_000_000  # examples: MNIST has 60,000, its largest relative 814,255


def sizes_of(path: Path, dimensions: int) -> tuple[int, ...]:
    """The sizes in the header, which the file's length agrees with.

    Args:
        path: an IDX file of unsigned bytes.
        dimensions: 3 for images, 1 for labels.

    Raises:
        ValueError: not such a file, or empty, far too large, or not as long as its header says.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return _sizes(path.name, file.read(_header(dimensions)), path.stat().st_size, dimensions)


def read(path: Path, dimensions: int) -> Tensor:
    """The numbers of an IDX file, uint8. Arguments and errors are those of `sizes_of`."""
    sizes_of(path, dimensions)  # before anything is read for them
    return parse(path.name, path.read_bytes(), dimensions)


def parse(name: str, content: bytes, dimensions: int) -> Tensor:
    """The numbers of an IDX file with this content, uint8; errors name it `name`.

    Raises:
        ValueError: as `sizes_of`.
    """
    sizes = _sizes(name, content[: _header(dimensions)], len(content), dimensions)
    numbers = torch.frombuffer(bytearray(content), dtype=torch.uint8, offset=_header(dimensions))
    return numbers.reshape(sizes)


def _header(dimensions: int) -> int:
    """Its length in bytes."""
    return 4 + 4 * dimensions


def _sizes(name: str, head: bytes, there: int, dimensions: int) -> tuple[int, ...]:
    """The sizes that a header announces to a file of `there` bytes."""
    length = _header(dimensions)
    if len(head) < length:
        raise ValueError(f"{name} has {len(head)} bytes, too few for a header")
    magic, *sizes = struct.unpack(f">{1 + dimensions}I", head)
    due = 256 * UNSIGNED_BYTES + dimensions
    if magic != due:
        raise ValueError(f"{name} begins with {magic:#010x}, expected {due:#010x}")
    promised = length + prod(sizes)
    if promised != there:
        raise ValueError(f"{name} should have {promised:,} bytes according to its header, but has {there:,}")
    if not 0 < sizes[0] <= MOST:
        raise ValueError(f"{name} holds {sizes[0]:,} examples, expected 1 to {MOST:,}")
    return tuple(sizes)
