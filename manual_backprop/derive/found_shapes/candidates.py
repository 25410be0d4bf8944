"""What each argument may be, the most plausible first: from documentation, from code, from names."""

import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from manual_backprop.derive.found_shapes.code_hints import read
from manual_backprop.derive.found_shapes.company import CLASSIFYING, Candidates, Company, is_weight
from manual_backprop.derive.found_shapes.conventions import (
    GATES,
    MASK,
    TARGET,
    constants,
    layer,
    matches,
    usual,
)
from manual_backprop.derive.found_shapes.dimensions_in_code import Seen
from manual_backprop.derive.found_shapes.documented import Stated, documentation_of, stated_by, stated_in
from manual_backprop.derive.found_shapes.guesses import (
    Dims,
    Floats,
    Guess,
    Integers,
    Options,
    Path,
    Plain,
    Truths,
    dims_of,
    with_symbol,
)

AGAINST = 8.0  # what contradicts the code or the documentation is tried last
OPTIONAL_KEYS = {"running_mean", "running_var"}
DICTIONARY = r"\w+_params?|params?|parameters|config|cfg|opts?|options|hp|hyperparams"


class Arguments:
    """What the arguments of a function may be.

    Args:
        parameters: those without a default.
        functions: whose documentation and code is read: the forward, and its backward.
    """

    def __init__(
        self, parameters: Sequence[inspect.Parameter], functions: Iterable[Callable[..., Any]]
    ) -> None:
        functions = list(functions)
        self.parameters = [p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
        self.code = read(functions)
        self._text = "\n".join(documentation_of(function) for function in functions)
        paths = [path for p in self.parameters for path in self._of_parameter(p)]
        self._company = Company([key or parameter for parameter, key in paths], self.code)
        self._aliases: dict[str, str] = {}
        self.paths = sorted(paths, key=lambda path: self._company.unlike_data(path[1] or path[0]))
        self._data = next((key or parameter for parameter, key in self.paths), "")
        self._align()

    def __call__(self, path: Path) -> Candidates:
        """What stands at a path may be."""
        parameter = self._parameter(path)
        if path[1] is not None:
            self._company.add(path[1])
            return self._array(path, path[1], parameter)
        if self.is_dictionary(parameter):
            keys = self._seen(path[0]).keys.keys() - OPTIONAL_KEYS
            return [(0.0, Options(tuple((key, self.option(path[0], key)[0]) for key in sorted(keys))))]
        return self._array(path, path[0], parameter)

    def option(self, parameter: str, key: str) -> tuple[Any, ...]:
        """The values of an option, the most plausible first."""
        compared = self.code.of(parameter).strings.get(key) or self.code.of(key).strings.get(None) or []
        usual_ones = constants(key) or (1, 0.5, True)
        if key == "stride" and any(k.startswith("pool") for k in self._seen(parameter).keys):
            usual_ones = (2, 1)
        if not compared:
            return usual_ones
        return ("train", *compared) if "train" in compared else tuple(dict.fromkeys(compared))

    def is_dictionary(self, parameter: inspect.Parameter) -> bool:
        """Whether the code has entries of it, or its name or annotation says so."""
        name, annotation = parameter.name, parameter.annotation
        if annotation is dict or str(annotation).lower().startswith(("dict", "mapping", "typing.dict")):
            return True
        return bool(self._seen(name).keys) or matches(DICTIONARY, name)

    def is_array(self, key: str) -> bool:
        """Whether an entry of this key is an array that has a gradient."""
        return bool(layer(key)) or (
            bool(usual(key) or any(matches(p, key) for p, _ in GATES))
            and key not in ("k", "bias", "affine", "scale", "h")
        )

    def _of_parameter(self, parameter: inspect.Parameter) -> list[Path]:
        keys = [key for key in self._seen(parameter.name).keys if self.is_array(key)]
        if keys and self.is_dictionary(parameter):
            return [(parameter.name, key) for key in keys]
        return [(parameter.name, None)]

    def _seen(self, name: str) -> Seen:
        return self.code.seen.get(name, Seen())

    def _stated(self, name: str, parameter: inspect.Parameter) -> Stated | None:
        by_annotation = stated_by(parameter.annotation) if name == parameter.name else None
        return by_annotation or stated_in(self._text, name)

    @property
    def products(self) -> bool:
        """Whether there are products of matrices in the code."""
        return self._company.products

    def is_weight(self, path: Path) -> bool:
        """Whether a matrix of weights stands at a path."""
        return is_weight(path[1] or path[0])

    def _parameter(self, path: Path) -> inspect.Parameter:
        return next(p for p in self.parameters if p.name == path[0])

    def _align(self) -> None:
        """Usual symbols are called as the code calls them: the N~ of conventions is the batch of x.shape."""
        for path in self.paths:
            name = path[1] or path[0]
            dims = self._known_dims(name, self._parameter(path)) or ()
            shapes = [d for _, guess in self._company.usual(name) if len(d := dims_of(guess)) == len(dims)]
            for known in shapes[:1]:
                for (factor, symbol), (own, alias) in zip(dims, known, strict=True):
                    if factor == own and alias.endswith("~") and symbol not in self._aliases.values():
                        self._aliases.setdefault(alias, symbol)
            if not self._company.first:
                candidates = [*self._company.usual(name), *self._company.unusual(name)]
                plain = self._alias(self._named_by_code(candidates[0][1], self._seen(name)))
                self._company.first = dims or dims_of(plain)

    def _known_dims(self, name: str, parameter: inspect.Parameter) -> Dims | None:
        stated, seen = self._stated(name, parameter), self._seen(name)
        if stated and stated.dims is not None:
            return self._with_windows(stated.dims, name)
        if seen.rank:
            return self._with_windows(
                tuple((1, seen.symbols.get(i, f"{name}.{i}")) for i in range(seen.rank)), name
            )
        return None

    def _with_windows(self, dims: Dims, name: str) -> Dims:
        """A convolution's weight is (F, C, HH, WW), and its windows are smaller than the image."""
        data = self._company.first
        alike = len(dims) > 2 and len(dims) == len(data) and name != self._data
        kernel = is_weight(name) or self._seen(name).kernel or alike
        if not self.code.windows or not kernel or (self._company.images and len(dims) < 3):
            return dims
        channels = dims[:2] if len(dims) > 2 else ()
        if alike and "." in channels[1][1]:  # no name in the code
            channels = channels[0], data[1]
        windows = ("KL~",) if len(dims) - len(channels) == 1 else ("KH~", "KW~")
        return (*channels, *((1, window) for window in windows))

    def _array(self, path: Path, name: str, parameter: inspect.Parameter) -> Candidates:
        seen, stated = self._seen(name), self._stated(name, parameter)
        kind = parameter.annotation if path[1] is None else None
        if scalars := self._scalars(name, kind):
            return scalars
        integer = seen.integer or (stated is not None and stated.integer)
        found = [*self._company.usual(name), *self._company.unusual(name)]
        found = [(cost + self._against(guess, seen, stated), guess) for cost, guess in found]
        dims = self._known_dims(name, parameter)
        if dims is not None:
            found.insert(0, (self._price(dims, stated), self._of_kind(dims, name, integer, stated)))
        found = [(cost, self._alias(self._named_by_code(guess, seen))) for cost, guess in found]
        least: dict[Guess, float] = {}
        for cost, guess in found:
            least[guess] = min(cost, least.get(guess, cost))
        return sorted(((cost, guess) for guess, cost in least.items()), key=lambda c: c[0])

    def _price(self, dims: Dims, stated: Stated | None) -> float:
        """What is stated is surest, then what the code has a name for."""
        if stated:
            return -0.1
        return 0.05 if any("." in symbol for _, symbol in dims) else -0.05

    def _of_kind(self, dims: Dims, name: str, integer: bool, stated: Stated | None) -> Guess:
        if (stated and stated.truth) or matches(MASK, name):
            return Truths(dims)
        if integer:
            return Integers(dims)
        if matches(TARGET, name) and dims == self._company.first and self.code.called & CLASSIFYING:
            return Integers(dims, one_hot=True)
        return Floats(dims)

    def _scalars(self, name: str, kind: Any) -> Candidates:
        """What is annotated, used or named as a number, a flag or a string."""
        strings = self._seen(name).strings.get(None)
        if kind in (str, "str") or strings:
            return [(0.1 * i, Plain(value)) for i, value in enumerate(self.option(name, name))]
        values = constants(name)
        for type_, usual_ones in ((bool, (True, False)), (int, (2, 1, 3)), (float, (0.5, 1.0))):
            if kind in (type_, type_.__name__):
                values = tuple(v for v in values if type(v) is type_) or usual_ones
                return [(0.3 * i, Plain(value)) for i, value in enumerate(values)]
        return []

    def _against(self, guess: Guess, seen: Seen, stated: Stated | None) -> float:
        if isinstance(guess, Plain | Options):
            return AGAINST if stated or seen.rank else 0.0
        rank = len(guess.dims)
        wrong = bool(seen.rank and rank != seen.rank) or rank < seen.least
        wrong |= seen.integer and not isinstance(guess, Integers | Truths)
        return AGAINST * wrong + (AGAINST if stated and stated.dims is not None else 0)

    def _named_by_code(self, guess: Guess, seen: Seen) -> Guess:
        for place, symbol in seen.symbols.items():
            dims = dims_of(guess)
            if place < len(dims) and "." in dims[place][1]:
                guess = with_symbol(guess, dims[place][1], (1, symbol))
        return guess

    def _alias(self, guess: Guess) -> Guess:
        for symbol in [s for _, s in dims_of(guess)]:
            if symbol in self._aliases:
                guess = with_symbol(guess, symbol, (1, self._aliases[symbol]))
        return guess
