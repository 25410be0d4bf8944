"""What arguments may be by their names, each seen beside the others."""

import re
from collections.abc import Sequence

from manual_backprop.derive.found_shapes.code_hints import PRODUCTS, Reader
from manual_backprop.derive.found_shapes.conventions import (
    BIAS,
    DATA,
    GATES,
    IMAGE,
    INDEX,
    MASK,
    RECURRENT,
    SCALING,
    SECOND_BIAS,
    SECOND_WEIGHT,
    SEQUENCE,
    STATE,
    TARGET,
    WEIGHT,
    Usual,
    constants,
    layer,
    matches,
    of_layer,
    usual,
)
from manual_backprop.derive.found_shapes.guesses import Dims, Floats, Guess, Integers, Plain, Truths
from manual_backprop.derive.found_shapes.hypothesis import freshly

Candidates = list[tuple[float, Guess]]
FRESH: Usual = ((0, "0 1"), (1.5, "0"), (2, "0 1 2"), (2.5, "0 1 2 3"), (2.5, ""))
WEIGHTS = r"w|weights?|theta|kernels?|filters?|filt|ker"
BIASES = r"b|bias(?:es)?|beta|gamma|scale|shift"
CLASSIFYING = {
    *("log", "log2", "log1p", "log_softmax", "softmax", "logsumexp", "logaddexp"),
    *("cross_entropy", "nll_loss"),
}
HEADS = r"(?:n_?|num_?)?heads?|h"


class Company:
    """The names of arguments, and what they are likely to be.

    Args:
        names: of all arguments, and of the entries of dictionaries of arrays.
        code: what the code has of them.

    Attributes:
        first: the dimensions of the data, which targets and masks have too.
        images: the data has four dimensions.
    """

    def __init__(self, names: Sequence[str], code: Reader) -> None:
        self.first: Dims = ()
        self._names = list(names)
        self._code = code
        self.products = code.multiplied or bool(code.called & PRODUCTS) or not code.is_read
        ranks = [code.seen[n].rank or code.seen[n].least for n in names if n in code.seen]
        self.images = code.channels or max(ranks, default=0) > 3
        self._indexed = any(self._is_index(n) for n in names)
        self._binary = any(matches(TARGET, n) and code.seen[n].binary for n in names if n in code.seen)
        self._classified = bool(code.called & CLASSIFYING)

    def add(self, name: str) -> None:
        """One more name, that of an entry which the code has asked for."""
        if name not in self._names:
            self._names.append(name)

    @property
    def _layers(self) -> list[int]:
        return [place[1] for name in self._names if (place := layer(name))]

    def usual(self, name: str) -> Candidates:
        """What an argument of this name may be."""
        others = [n for n in self._names if n != name]
        values = constants(name) if others else ()
        if matches(TARGET, name) and others:
            return self._targets(name)
        if matches(MASK, name):
            masks = (0.0, Truths(self.first)), (0.5, Floats(self.first)), (0.6, Truths(self.first[:-1]))
            return [*masks, (0.8, Truths(dims_in("T S")))]
        arrays = self._of_layer(name) or self._beside(name, others)
        found: Candidates = [(cost, Floats(dims_in(shape, self._code.factor))) for cost, shape in arrays]
        if self._is_later(name):
            found = [(cost, freshly((name, None), guess)) for cost, guess in found]
        if self._is_index(name):
            indices = (0.0, "N T"), (0.2, "N"), (0.5, "")
            found = [*((cost, Integers(dims_in(shape))) for cost, shape in indices), *found]
        worse = 1.0
        if values and not arrays and not _is_letter(name):
            worse = 0.0
            found = [(1.0, Floats(())), (1.1, Floats(self.first[-1:])), (1.5, Floats(self.first))]
        return [*found, *((worse + 0.1 * i, Plain(value)) for i, value in enumerate(values))]

    def unusual(self, name: str) -> Candidates:
        """What an argument may be that its name says nothing of."""
        said = (usual(name) and not self._is_plain_letter(name)) or layer(name) or matches(TARGET, name)
        said = said or bool(constants(name) and not _is_letter(name))
        worse = 2.0 if said and len(self._names) > 1 else 0.0
        scalar = 2.5 if worse or self._names[0] == name else 0.6
        arrays = [
            (scalar if not shape else cost, tuple((1, f"{name}.{n}") for n in shape.split()))
            for cost, shape in FRESH
        ]
        numbers = (2, 0.5, True) if len(self._names) > 1 else ()
        return [
            *((cost + worse, Floats(dims)) for cost, dims in arrays),
            *((3.5 + worse + 0.1 * i, Plain(value)) for i, value in enumerate(numbers)),
        ]

    def unlike_data(self, name: str) -> int:
        """0 for a name of data, 1 for one that may be data, more for weights, targets and options."""
        if usual(name) in (DATA, IMAGE):
            return 0
        if any(matches(pattern, name) for pattern in (TARGET, MASK)):
            return 3
        if constants(name) and not _is_letter(name):
            return 4
        return 2 if (usual(name) and self._beside(name, self._names)) or layer(name) else 1

    def _is_index(self, name: str) -> bool:
        seen = self._code.seen.get(name)
        other = matches(rf"{TARGET}|{MASK}", name)
        return not other and (matches(INDEX, name) or bool(seen and seen.integer))

    def _of_layer(self, name: str) -> Usual:
        """A layer's arrays: the first layer takes the data."""
        place = layer(name)
        if place is None:
            return ()
        below = f"L{min(self._layers) - 1}"
        return tuple((cost, re.sub(rf"{below}\b", "D", shape)) for cost, shape in of_layer(*place))

    def _beside(self, name: str, others: Sequence[str]) -> Usual:
        """The usual shapes, in the order that the other names and the code make plausible."""
        found = usual(name) or next((shapes for pattern, shapes in GATES if matches(pattern, name)), ())
        if not found or self._is_plain_letter(name):
            return ()
        if any(usual(o) == STATE and o not in "cC" for o in others):
            if any(matches(r"u_?[a-z]?", o) for o in others) and matches("w_?h", name):
                return GATES[0][1]
            for pattern, shapes in GATES:
                if matches(pattern, name):
                    return shapes
        if name in ("v", "V", "c"):  # a second layer's, after W and b
            second = {"v": SECOND_WEIGHT, "V": SECOND_WEIGHT, "c": SECOND_BIAS}[name]
            if not any((usual(o) == STATE and o not in "cC") or matches("q", o) for o in others):
                return second
        if matches(r"w|x_?w|w_?in", name) and any(matches(RECURRENT, o) for o in others):
            return ((0, "D kH"), (0.5, "kH D"))
        data = [o for o in others if usual(o) == DATA and not self._is_index(o)]
        if self._indexed and matches(WEIGHTS, name) and not data:
            return ((0, "V D"), *found)
        if self._binary and name.lower() in ("w", "weights", "theta", "b", "bias"):
            return ((0, "" if name.lower() in ("b", "bias") else "D"), *found)
        if any(matches(HEADS, o) for o in others) and matches(r"w_?[qkvo]", name):
            return ((0, "D D"), *found)
        if self._code.windows and matches(WEIGHTS, name):
            return tuple((cost - 2 if "K" in shape else cost + 0.5, shape) for cost, shape in found)
        if self._code.windows and found == DATA and not self.images:
            return ((0.8, "D"), *found)
        seen = self._code.seen.get(name)
        if found == DATA and seen and any(usual(o) == STATE for o in others):
            if seen.steps:
                return SEQUENCE
            if seen.least == 2:
                return ((0, "N T D"), *found)
        if self.images and found == DATA:
            return ((0, "N C H W"), *((cost + 1, shape) for cost, shape in found))
        if self.images and matches(BIASES, name):
            mapped = "F" if matches(r"b|bias(?:es)?", name) and self._code.windows else "C"
            return ((0, mapped), (0.4, "1 C 1 1"), *found)
        if matches(r"b|bias(?:es)?", name) and any(matches(RECURRENT, o) for o in others):
            return ((0, "kH"), *found)
        if len(self._names) > 1 and not self.products and not self._code.windows:
            if matches(r"w|weights?|theta", name):
                return SCALING
            if matches(r"b|bias(?:es)?", name):
                return ((0, "D"), *found[1:])
        return found

    def _is_later(self, name: str) -> bool:
        """A weight or bias that is not the first one: its dimensions need not be those of the first."""
        alike = [n for n in self._names if usual(n) == usual(name) and not layer(n)]
        return usual(name) in (WEIGHT, BIAS) and not layer(name) and alike[0] != name

    def _is_plain_letter(self, name: str) -> bool:
        """A letter that means something in other company: b beside a, c without h, v without q."""
        names = set(self._names)
        if name in ("b", "B"):
            a = "a" if name == "b" else "A"
            return a in names or len(names) == 1 or names <= {"b", "c", "B", "C", "y"}
        if name.lower() == "c":
            if "b" in names and any(matches(WEIGHTS, n) for n in names):
                return False
            return not any(usual(n) == STATE for n in names - {name})
        if name.lower() in ("k", "v"):
            beside_w = name in ("v", "V") and any(matches("w", n) for n in names)
            return not beside_w and not any(n.lower() == "q" for n in names)
        if name.lower() == "u":
            return not any(usual(n) in (STATE, SEQUENCE) or n in ("w", "W") for n in names - {name})
        return name in ("h", "H") and len(names) == 1

    def _targets(self, name: str) -> Candidates:
        first = self.first or dims_in("N")
        seen = self._code.seen.get(name)
        found: Candidates = []
        if seen and seen.integer:
            steps: Dims = (*first[:1], (1, "T~"))
            shapes = [first[:-1], first[:1], (), steps, first] if len(first) > 1 else [(), first[:1]]
            found = [(-1 + 0.1 * i, Integers(dims)) for i, dims in enumerate(shapes)]
        weights = bool(self._layers) or any(matches(WEIGHTS, n) for n in self._names)
        if self._binary:
            found.append((-0.1, Integers(first[:1] if weights and not self._layers else first)))
        whole: Dims = ((1, f"{name}.0"), (1, f"{name}.1")) if weights else first
        found += [
            (0.0 if self._classified else 1.0, Integers(whole, one_hot=True)),
            (0.9 if self._classified else 0.4, Integers(whole)),
            (0.3 if self._classified else 0.0, Floats(whole)),
            (0.5, Integers(first[:1])),
            (0.9, Floats(first[:1])),
            (1.2, Floats(((1, f"{name}.0"),))),
            (1.5, Floats((*first[:1], (1, "")))),
            (2.0, Integers((*first[:1], (1, "")))),
            (2.0, Floats(())),
        ]
        if len(first) > 2:
            found.append((0.4, Integers(first[:-1])))
        if len(first) == 1:
            found.append((0.7, Integers(())))
        return found


def is_weight(name: str) -> bool:
    """Whether an argument of this name is a matrix of weights."""
    place = layer(name)
    return place[0] == "w" if place else matches(rf"w\w*|u|v|{WEIGHTS}", name)


def dims_in(text: str, factor: int = 1) -> Dims:
    """The dimensions "N kH" with the usual symbols, which are marked with ~."""
    dims = []
    for part in text.split():
        times, symbol = part[: -len(part.lstrip("k0123456789")) or None], part.lstrip("k0123456789")
        dims.append((factor if times == "k" else int(times or 1), f"{symbol}~" if symbol else ""))
    return tuple(dims)


def _is_letter(name: str) -> bool:
    """A name that is that of a constant in one place, and of an array in another."""
    return len(name) == 1 or name in ("beta", "gamma")
