"""Two Jacobians compared entry by entry: some are missing, others come besides, or all stand elsewhere."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod

import torch
from torch import Tensor

from manual_backprop.derive.writing.dialects import Dialect
from manual_backprop.verify.diagnosis.explanations import Explanation
from manual_backprop.verify.findings import Diagnosis

MOST_LOST = 3  # one in so many entries keeps something: zeros may be assigned over the others
MOST_IN_PLACE = 4  # one in so many entries has moved, else it is a few places that are wrong
FEWEST = 4  # entries of a Jacobian that say something


@dataclass(frozen=True, eq=False)
class Compared:
    """The Jacobian of the forward, and the one that a derivation stands for, at one point.

    Attributes:
        right, yours: (outputs, numbers of the input).
        outputs: the positions of the outputs among all.
        shape: of the forward's output.
        tolerance: relative to the largest right entry: entries that are closer are the same.
        language: that the derivation is written in.
    """

    right: Tensor
    yours: Tensor
    outputs: Tensor
    shape: tuple[int, ...]
    tolerance: float
    language: Dialect

    @cached_property
    def rounding(self) -> float:
        """The difference that says nothing."""
        return self.tolerance * float(self.right.abs().max())

    @cached_property
    def nonzero(self) -> Tensor:
        """Where the right one is not zero."""
        return self.right.abs() > self.rounding

    @cached_property
    def kept(self) -> Tensor:
        """Where yours is not zero."""
        return self.yours.abs() > self.rounding

    @cached_property
    def same(self) -> Tensor:
        """Where yours is the right one."""
        return (self.yours - self.right).abs() <= self.rounding

    @property
    def is_part(self) -> bool:
        """Whether each entry of yours is the right one, or zero."""
        return bool((self.same | ~self.kept).all())

    @property
    def is_more(self) -> bool:
        """Whether all right entries are there that are not zero."""
        return bool(self.same[self.nonzero].all())

    @property
    def is_elsewhere(self) -> bool:
        """Whether each row has the right entries, in whatever order; said only where most are zero."""
        ours, theirs = self.yours.sort(1).values, self.right.sort(1).values
        if not FEWEST <= int(self.nonzero.sum()) <= self.nonzero.numel() // 2:
            return False
        return bool(((ours - theirs).abs() <= self.rounding).all())


def assigned(compared: Sequence[Compared]) -> Iterator[Explanation]:
    """Of what several outputs bring to a number of the input, only the last or the first is kept."""
    if not all(c.is_part and c.nonzero.any() for c in compared) or all(c.same.all() for c in compared):
        return
    for parts in range(len(compared[0].shape), 0, -1):
        for which in ("last", "first"):
            counts = [_kept_of(c, parts, which) for c in compared]
            if all(count is not None for count in counts):
                several, most = next(filter(None, counts))
                size = compared[0].right.shape[1]
                text = (
                    f"Contributions are missing: {several} of the {size} entries get them from several "
                    f"outputs (up to {most}), and of these only the {which} is kept: "
                    f"add ({compared[0].language.add}), do not assign"
                )
                likely = which == "last" and not _is_diagonal(compared[0].kept)
                complexity = 3 if not likely else 2 if _of_one_slice(compared[0]) else 1
                yield Explanation(complexity, Diagnosis("assigned", f"{text}.", 0.0, likely))
                return


def _of_one_slice(compared: Compared) -> bool:
    """Whether it is the same slice of the output, such as the last example, whose contributions are kept."""
    outputs = compared.outputs[compared.kept.any(1)]
    indices = torch.unravel_index(outputs, compared.shape)
    alone = any(len(i.unique()) == 1 < size for i, size in zip(indices, compared.shape, strict=True))
    return alone and not (compared.nonzero.sum(0) == 1).any()


def _is_diagonal(entries: Tensor) -> bool:
    return entries.shape[0] == entries.shape[1] and not entries.tril(-1).any() and not entries.triu(1).any()


def _kept_of(compared: Compared, parts: int, which: str) -> tuple[int, int] | None:
    """How many entries get several contributions, and how many at most.

    The outputs that share their first `parts` indices bring one contribution. None if another one is kept.
    """
    size = prod(compared.shape[parts:])
    blocks = compared.outputs // size
    distinct = blocks.unique()
    brings = torch.stack([compared.nonzero[blocks == b].any(0) for b in distinct])
    kept = torch.stack([compared.kept[blocks == b].any(0) for b in distinct])
    of_kept = kept[(blocks[:, None] == distinct).int().argmax(1)]
    if (kept.sum(0) > 1).any() or (compared.nonzero & of_kept & ~compared.kept).any():
        return None
    several = (brings.sum(0) > 1) & kept.any(0)
    if not several.any() or int(kept.any(0).sum()) * MOST_LOST < int(brings.any(0).sum()):
        return None
    order = brings.flip(0) if which == "last" else brings
    due = order.int().argmax(0)
    due = len(distinct) - 1 - due if which == "last" else due
    if (kept.int().argmax(0) != due)[several].any():
        return None
    return int((brings.sum(0) > 1).sum()), int(brings.sum(0).max())


def more_entries(compared: Sequence[Compared]) -> Iterator[Explanation]:
    """All right entries, and others where zeros are due."""
    if not all(c.is_more for c in compared) or all(c.same.all() for c in compared):
        return
    if any(int(c.nonzero.sum()) < FEWEST for c in compared):
        return
    due, found = (int(t.sum()) for t in (compared[0].nonzero, compared[0].kept))
    text = (
        f"All right entries of the Jacobian are there, and others besides ({found}, due {due}): the gradient "
        "also goes where nothing flows. Is a mask left out, or does a whole window or row get what is due to "
        "one place in it?"
    )
    yield Explanation(3, Diagnosis("more-entries", text, 0.0, True))


def elsewhere(compared: Sequence[Compared]) -> Iterator[Explanation]:
    """The right entries of each output, in other places."""
    if not all(c.is_elsewhere for c in compared):
        return
    moved, count = (sum(int(n) for n in ns) for ns in zip(*map(_moved, compared), strict=True))
    if not moved or moved * MOST_IN_PLACE < count:
        return
    ours, theirs = ([getattr(c, name) for c in compared] for name in ("kept", "nonzero"))
    fixed, picked = (all(torch.equal(t, side[0]) for t in side) for side in (ours, theirs))
    text = "The right numbers stand in other places"
    if fixed and not picked:
        text += ": yours are at the same places at every point, the right ones where the data pick them"
    yield Explanation(3, Diagnosis("other-places", f"{text}.", 0.0, False))


def _moved(compared: Compared) -> tuple[int, int]:
    """How many entries stand elsewhere, of how many."""
    return int((compared.nonzero & ~compared.same).sum()), int(compared.nonzero.sum())
