"""Lines that say the same of one place after another, as a loop over the places."""

import re
from collections.abc import Collection, Sequence
from itertools import groupby

from manual_backprop.derive.writing.layout import WIDTH

INTEGER = re.compile(r"(?<![\w.])\d+(?![\w.])")
SLICE = re.compile(r"([^\[\],:]+):([^\[\],:]+)(?=[\],])")
LETTERS = ("i", "j", "k", "m", "n", "p", "q")
FEWEST = 4  # lines that are worth a loop
DEEPEST = 4
DEPTH = 8  # of a method's lines
Numbers = tuple[int, ...]
Loops = list[tuple[int, Numbers]]
"""How often each loop runs, the outermost first, and by how much its turns differ."""


def looped(lines: Sequence[str], taken: Collection[str]) -> list[str]:
    """The lines, those in loops that differ by their numbers alone, as these go up from line to line.

    Args:
        lines: of code.
        taken: names that no loop may have.
    """
    letters = [letter for letter in LETTERS if letter not in taken]
    found: list[str] = []
    for _, group in groupby(_summed(lines), key=lambda line: INTEGER.sub("0", line)):
        run = list(group)
        found += _loop(run, letters) or run
    short = all(len(line) + DEPTH <= WIDTH for line in found)
    return found if short and len(found) < len(lines) else list(lines)


def _summed(lines: Sequence[str]) -> list[str]:
    """What is put into zeros first is added as well, as what follows is."""
    found = list(lines)
    if len(lines) > 2 and re.match(r"\w+ = np\.zeros", lines[0]):
        place, _, value = lines[1].partition("] = ")
        for sign, rest in (("-", value[1:]), ("+", value)):
            if lines[2].partition("] ")[2].startswith(f"{sign}= ") and (sign == "+" or value.startswith("-")):
                found[1] = f"{place}] {sign}= {rest}"
                break
    return found


def _loop(run: Sequence[str], letters: Sequence[str]) -> list[str] | None:
    """The run as loops; None where its numbers follow no such order."""
    if len(run) < FEWEST:
        return None
    rows = [tuple(map(int, INTEGER.findall(line))) for line in run]
    adds = "+= " in run[0] or "-= " in run[0]
    for first, order in ((run[0], rows), *([(run[-1], rows[::-1])] if adds else [])):
        loops = _nested(order)
        goes_up = all(step >= 0 for _, steps in loops or () for step in steps)
        if loops is not None and len(loops) <= min(DEEPEST, len(letters)) and goes_up:
            return _written(first, order[0], loops, letters)
    return None


def _nested(rows: Sequence[Numbers]) -> Loops | None:
    """The loops whose turns give the rows one after the other."""
    count = len(rows)
    if count == 1:
        return []
    steps = _minus(rows[1], rows[0])
    for inner in (n for n in range(count, 1, -1) if count % n == 0):
        starts = range(0, count, inner)
        if all(_minus(rows[s + t + 1], rows[s + t]) == steps for s in starts for t in range(inner - 1)):
            outer = _nested([rows[s] for s in starts])
            return None if outer is None else [*outer, (inner, steps)]
    return None


def _minus(a: Numbers, b: Numbers) -> Numbers:
    return tuple(x - y for x, y in zip(a, b, strict=True))


def _written(line: str, base: Numbers, loops: Loops, letters: Sequence[str]) -> list[str]:
    places = iter(range(len(base)))

    def number(_: re.Match[str]) -> str:
        at = next(places)
        moving = [(s[at], letters[depth]) for depth, (_, s) in enumerate(loops) if s[at]]
        parts = [letter if step == 1 else f"{step} * {letter}" for step, letter in moving]
        return " + ".join([*parts, *([str(base[at])] if base[at] or not parts else [])])

    counts = ", ".join(str(count) for count, _ in loops)
    places_in_turn = f"range({counts})" if len(loops) == 1 else f"np.ndindex({counts})"
    head = f"for {', '.join(letters[: len(loops)])} in {places_in_turn}:"
    return [head, "    " + SLICE.sub(_spaced, INTEGER.sub(number, line))]


def _spaced(found: re.Match[str]) -> str:
    """A slice, with spaces about its colon where it is more than names and numbers."""
    start, stop = found[1].strip(), found[2].strip()
    lead = found[1][: len(found[1]) - len(found[1].lstrip())]
    return f"{lead}{start}:{stop}" if start.isalnum() and stop.isalnum() else f"{lead}{start} : {stop}"
