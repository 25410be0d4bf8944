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
    r"with (\d+) elements, but got bias of size \[(\d+)\]",
    r"should contain (\d+) elements not (\d+)",
    r"dimension is (\d+) but corresponding boolean dimension is (\d+)",
)
SHAPE = re.compile(r"[(\[]\s*(\d+(?:\s*,\s*(?:\d+|newaxis))*)\s*,?\s*[)\]]")
UNSTATED = 1.0  # that two numbers of a message are to be equal, where it does not say so
OUTSIDE = re.compile(r"index (\d+) is out of bounds for (?:axis|dimension) \d+ with size (\d+)")


def equalities(error: BaseException, sizes: set[int]) -> list[tuple[float, tuple[Equal, ...]]]:
    """Which of the sizes may have to be equal for the error to vanish, with how implausible that is.

    Args:
        error: what the code raised.
        sizes: those that are known: other numbers in the message say nothing of themselves.
    """
    text = str(error)
    found: list[tuple[Equal, ...]] = []
    leading: list[tuple[Equal, ...]] = []
    for pattern in DIRECTLY:
        found += [((int(m[1]), int(m[2])),) for m in re.finditer(pattern, text)]
    direct = bool(found)
    shapes = [[int(n) for n in re.findall(r"\d+", m[1])] for m in SHAPE.finditer(text)]
    for one, other in combinations(shapes[:4], 2):
        differing = [
            (a, b) for a, b in zip(reversed(one), reversed(other), strict=False) if a != b and 1 not in (a, b)
        ]
        found += [tuple(differing), *((pair,) for pair in differing)]
        leading += [((a, b),) for a, b in zip(one, other, strict=False) if a != b and 1 not in (a, b)]
    if outside := OUTSIDE.search(text):
        index, size = int(outside[1]), int(outside[2])
        found += [((size, other),) for other in sorted(sizes) if other > index]
    stated = len(found)
    numbers = [int(n) for n in dict.fromkeys(re.findall(r"\d+", text))]
    if not direct:
        found += leading + [((a, b),) for a, b in combinations(numbers, 2) if {a, b} <= sizes]
    prices: dict[tuple[Equal, ...], float] = {}
    for place, pairs in enumerate(found):
        if pairs and all(a != b and min(a, b) > 1 and {a, b} & sizes for a, b in pairs):
            prices.setdefault(pairs, 0.05 * len(prices) + UNSTATED * (place >= stated))
    return [(price, pairs) for pairs, price in prices.items()][:12]
