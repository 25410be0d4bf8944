"""Lines that are too long, laid out as ruff does."""

WIDTH = 88  # of a line of code, its indentation included


def laid_out(text: str, depth: int) -> list[str]:
    """A line, or the lines of its last bracket: the inside in one, or each part in one.

    Args:
        text: without its indentation.
        depth: how far it is indented.
    """
    if len(text) + depth <= WIDTH or text[-1] not in ")]:":
        return [text]
    end = text[len(text.rstrip(":")) - 1 :]
    at = _opening(text[: len(text) - len(end) + 1])
    start, parts = text[: at + 1], _parts(text[at + 1 : len(text) - len(end)])
    if not parts:
        return [text]
    inside = f"    {', '.join(parts)}"
    if _is_call(start) and len(inside) + depth <= WIDTH:
        return [start, inside, end]
    lines = [start]
    for part in parts:
        *first, last = laid_out(part, depth + 4)
        lines += [f"    {line}" for line in first] + [f"    {last},"]
    return [*lines, end]


def _is_call(start: str) -> bool:
    """Whether a bracket opens the arguments of a call, and not a list or tuple."""
    return start.endswith("(") and len(start) > 1 and (start[-2].isalnum() or start[-2] in "_])")


def _opening(text: str) -> int:
    """Where the bracket opens that closes at the end."""
    open_brackets = 0
    for at in range(len(text) - 1, -1, -1):
        open_brackets += (text[at] in ")]") - (text[at] in "([")
        if not open_brackets:
            return at
    return 0


def _parts(inside: str) -> list[str]:
    """What stands between the commas."""
    parts, depth, start, quoted = [], 0, 0, False
    for at, letter in enumerate(inside):
        quoted ^= letter == '"'
        depth += (letter in "([") - (letter in ")]")
        if letter == "," and not depth and not quoted:
            parts.append(inside[start:at].strip())
            start = at + 1
    parts.append(inside[start:].strip())
    return [part for part in parts if part]
