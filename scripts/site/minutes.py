"""How long a tutorial takes: 200 words a minute, a minute for each prediction, five for each exercise."""

import re
from pathlib import Path

import jupytext

WORDS, PREDICTION, EXERCISE = 200, 1, 5
ASKS = re.compile(r"\*\*Predict:\*\*")
EXERCISES = re.compile(r"^\*\*\d+\.\d+\*\*", re.MULTILINE)


def minutes(tutorial: Path) -> int:
    """Of reading and answering, to the next five. Code is read as words are."""
    text = "\n".join(cell.source for cell in jupytext.read(tutorial, fmt="py:percent").cells)
    exact = (
        len(text.split()) / WORDS
        + PREDICTION * len(ASKS.findall(text))
        + EXERCISE * len(EXERCISES.findall(text))
    )
    return 5 * max(1, round(exact / 5))


def of_all(folder: Path) -> dict[str, int]:
    """By the name under which a page's text may use it, `minutes_05`."""
    return {f"minutes_{path.name[:2]}": minutes(path) for path in sorted(folder.glob("[0-9]*.py"))}
