"""What the names of functions say: which is a forward, which is a backward, and of what."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Role = Literal["forward", "backward", "derivative", "plain"]
ROLES: dict[str, Role] = {
    **dict.fromkeys(("forward", "forwards", "fwd", "fprop"), "forward"),
    **dict.fromkeys(
        ("backward", "backwards", "bwd", "back", "bprop", "backprop", "vjp", "pullback"), "backward"
    ),
    **dict.fromkeys(
        ("grad", "grads", "gradient", "gradients", "prime", "derivative", "deriv", "d"), "derivative"
    ),
}
LOSSES = ("loss", "cost", "objective", "error", "energy", "likelihood", "j")
STRONG = ("backward", "forward")  # a function that is called so is one; "grad" is in many other names
VARIANTS = re.compile(
    r"alt|alternative|naive|fast|slow|simple|vectori[sz]ed|loops?|im2col|strided|numpy|np|torch|jax|v?\d+|new|"
    r"old|my|mine|own|wrong|bad|broken|buggy|right|good|correct|correctly|fixed|solution|student|ref|reference|"
    r"fn|func|function|pass|manual|custom|hand|written|impl|version|expected|true|plain|autograd"
)
CHECKS = {"test", "check", "verify", "assert", "numerical", "numeric", "eval", "approx", "compare"}
LOOKED_FOR = (
    "NAME_forward and NAME_backward, NAME and NAME_grad, forward and backward, classes with forward and "
    "backward, with loss and gradient or with params and loss, and functions that return a loss and its "
    "gradients"
)


@dataclass(frozen=True)
class Name:
    """The parts of a function's name.

    Attributes:
        role: what it is: "forward" of "conv_forward_naive".
        stem: of what it is: "conv".
        variant: which of several it is: "naive".
    """

    role: Role
    stem: str
    variant: str = ""


def words_in(name: str) -> list[str]:
    """The words of "batchNorm_backward2": batch, norm, backward, 2."""
    camel = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    parts = [part.lower() for part in camel.split("_") if part]
    numbered = (re.fullmatch(r"(\D+)(\d+)", part) for part in parts)
    return [
        word
        for part, found in zip(parts, numbered, strict=True)
        for word in (found.groups() if found and found[1] in ROLES else (part,))
    ]


def parsed(name: str) -> Name:
    """What a name says of a function."""
    words = words_in(name)
    roles = [ROLES.get(word) for word in words]
    for strong in (True, False):
        for at in reversed(range(len(words))):
            role = roles[at]
            if role is None or (role in STRONG) != strong:
                continue
            before, after = words[:at], words[at + 1 :]
            if not strong and (len(words) == 1 or (before and any(map(_is_no_variant, after)))):
                continue  # "grad" in the middle, as in numerical_grad_of
            stem, variant = (
                (before, after) if before and not all(map(_is_variant, before)) else (after, before)
            )
            own, variants = _without_variants(stem)
            return Name(role, "".join(own), "".join([*variants, *variant]))
    own, variants = _without_variants(words)
    return Name("plain", "".join(own or words), "".join(variants if own else ()))


def _without_variants(words: list[str]) -> tuple[list[str], list[str]]:
    """The words without those at the end, or at the beginning, that tell variants of one thing apart."""
    own = list(words)
    variants: list[str] = []
    while own and _is_variant(own[-1]):
        variants.insert(0, own.pop())
    while own and _is_variant(own[0]):
        variants.insert(0, own.pop(0))
    return own, variants


def _is_variant(word: str) -> bool:
    return VARIANTS.fullmatch(word) is not None


def _is_no_variant(word: str) -> bool:
    return not _is_variant(word)


def is_check(name: str) -> bool:
    """Whether it is the name of a test of a derivation, rather than of one."""
    return bool(CHECKS.intersection(words_in(name)))


def forward_of(backward: str, names: Iterable[str]) -> str | None:
    """Which of the names is that of the forward of a backward; None if none is.

    Of several, "conv_forward_naive" and "conv_forward_fast", it is the one of the same variant, or else the
    first that has none, or else the first.
    """
    names = list(names)
    sought = parsed(backward)
    stems = {sought.stem}
    if backward.startswith("d") and sought.role == "plain":  # dsigmoid
        stems = {parsed(backward[1:]).stem}
    best: tuple[int, str] | None = None
    for name in names:
        found = parsed(name)
        if name == backward or found.role not in ("forward", "plain") or found.stem not in stems:
            continue
        if not found.stem and found.role == "plain":
            continue
        rank = 2 * _distance(found.variant, sought.variant) + (found.role == "plain")
        if best is None or rank < best[0]:
            best = rank, name
    return best[1] if best else loss_of(backward, names)


def loss_of(gradient: str, names: Iterable[str]) -> str | None:
    """Which of the names is that of a loss whose gradient this is: compute_cost of compute_gradient."""
    own = words_in(gradient)
    if not any(ROLES.get(word) == "derivative" for word in own):
        return None
    sought = [[loss if word in ROLES else word for word in own] for loss in LOSSES]
    found = [name for name in names if words_in(name) in sought]
    return min(found, key=lambda name: ("_" in name) != ("_" in gradient), default=None)


def _distance(variant: str, sought: str) -> int:
    return 0 if variant == sought else 1 if not variant else 2


def is_backward(name: str) -> bool:
    """Whether a function of this name is a backward, rather than one that has a gradient in its name."""
    return parsed(name).role == "backward"
