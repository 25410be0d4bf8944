"""Which sizes must be equal, as the error says that code raises where they are not."""

import re
from itertools import combinations

Equal = tuple[int, int]

DIRECTLY = (  # the two sizes, as NumPy and PyTorch write them
    r"size (\d+) is different from (\d+)",
    r"(\d+) \(dim \d+\) != (\d+) \(dim \d+\)",
    r"\(\d+x(\d+) and (\d+)x\d+\)",
    r"tensor a \((\d+)\) must match the size of tensor b \((\d+)\)",
    r"expanded size of the tensor \((\d+)\) must match the existing size \((\d+)\)",
    r"to have (\d+) channels, but got (\d+) channels",
    r"Expected size (\d+) but got size (\d+)",
    r"has size (\d+) for operand \d+ which does not broadcast with previously seen size (\d+)",
    r"expected tensor \[(\d+)\] and src \[(\d+)\]",
    r"batch_size \((\d+)\) to match target batch_size \((\d+)\)",
    r"has size (\d+) and the array at index \d+ has size (\d+)",
    r"should contain (\d+) elements not (\d+)",
    r"dimension is (\d+) but corresponding boolean dimension is (\d+)",
)
SHAPE = re.compile(r"[(\[]\s*(\d+(?:\s*,\s*(?:\d+|newaxis))*)\s*,?\s*[)\]]")
OUTSIDE = re.compile(r"index (\d+) is out of bounds for (?:axis|dimension) \d+ with size (\d+)")


def equalities(error: BaseException, sizes: set[int]) -> list[tuple[Equal, ...]]:
    """Which of the sizes may have to be equal for the error to vanish, the most plausible first.

    Args:
        error: what the code raised.
        sizes: those that are known: other numbers in the message say nothing of themselves.
    """
    text = str(error)
    found: list[tuple[Equal, ...]] = []
    for pattern in DIRECTLY:
        found += [((int(m[1]), int(m[2])),) for m in re.finditer(pattern, text)]
    shapes = [[int(n) for n in re.findall(r"\d+", m[1])] for m in SHAPE.finditer(text)]
    for one, other in combinations(shapes[:4], 2):
        pairs = [
            (a, b) for a, b in zip(reversed(one), reversed(other), strict=False) if a != b and 1 not in (a, b)
        ]
        found += [tuple(pairs), *((pair,) for pair in pairs)]
        found += [((a, b),) for a, b in zip(one, other, strict=False) if a != b and 1 not in (a, b)]
    if outside := OUTSIDE.search(text):
        index, size = int(outside[1]), int(outside[2])
        found += [((size, other),) for other in sorted(sizes) if other > index]
    numbers = [int(n) for n in dict.fromkeys(re.findall(r"\d+", text))]
    found += [((a, b),) for a, b in combinations(numbers, 2) if {a, b} <= sizes]
    known = [
        pairs
        for pairs in found
        if pairs and all(a != b and min(a, b) > 1 and {a, b} & sizes for a, b in pairs)
    ]
    return list(dict.fromkeys(known))[:12]
