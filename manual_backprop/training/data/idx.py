"""IDX, the format of MNIST's files: what the head of a file promises is checked before the file is read.

A magic number (two zero bytes, 8 for unsigned bytes, the number of dimensions), a big-endian 32-bit size for
each dimension, then the bytes. A head of 16 bytes can promise far more than any memory holds, and a reader
that believes it fails where it stands; so the promise is first held against the length of the file.

Source: LeCun, Cortes and Burges, "The MNIST database of handwritten digits", the section on its file formats.
"""

import struct
from math import prod
from pathlib import Path

UNSIGNED_BYTES = 8
MOST = 1_000_000  # examples: MNIST has 60,000, its largest relative 814,255


def sizes_of(path: Path, dimensions: int) -> tuple[int, ...]:
    """The sizes that the head promises, and the file's length keeps.

    Args:
        path: an IDX file of unsigned bytes.
        dimensions: 3 for images, 1 for labels.

    Raises:
        ValueError: it is no such file, shorter or longer than its head says, empty, or far too large.
        OSError: it cannot be read.
    """
    length = 4 + 4 * dimensions
    with path.open("rb") as file:
        head = file.read(length)
    if len(head) < length:
        raise ValueError(f"{path.name} has {len(head)} bytes, too few for a head")
    magic, *sizes = struct.unpack(f">{1 + dimensions}I", head)
    due = 256 * UNSIGNED_BYTES + dimensions
    if magic != due:
        raise ValueError(f"{path.name} begins with {magic:#010x}, where {due:#010x} is due")
    promised, there = length + prod(sizes), path.stat().st_size
    if promised != there:
        raise ValueError(f"{path.name} should have {promised:,} bytes by its head, but has {there:,}")
    if not 0 < sizes[0] <= MOST:
        raise ValueError(f"{path.name} holds {sizes[0]:,} examples, where 1 to {MOST:,} are read")
    return tuple(sizes)
