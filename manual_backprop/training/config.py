"""The options of a training run, and the errors that its user reads."""

from dataclasses import dataclass, fields
from math import isfinite
from os import PathLike, fspath
from typing import Any

ENGINES = ("functions", "autograd", "explicit")
MODELS = ("mlp", "cnn", "rnn", "transformer")
ACTIVATIONS = ("relu", "sigmoid", "tanh")
LOSSES = ("cross_entropy", "mse")
OPTIMIZERS = ("sgd", "adam")
DATASETS = ("mnist", "fashion-mnist", "sample")
DEVICES = ("auto", "cpu", "cuda", "mps")
DTYPES = ("float32", "float64")
PRECISIONS = ("full", "tf32", "bfloat16")


class UsageError(Exception):
    """An invalid option: one line for the user, exit code 2."""

    exit_code = 2


class Failure(Exception):  # noqa: N818 - the user reads it; it is not a bug
    """What the options ask for cannot be done here or now: one line for the user, exit code 3."""

    exit_code = 3


class CannotWrite(Failure):
    """A file or folder that cannot be written: one line for the user, exit code 4."""

    exit_code = 4


@dataclass(frozen=True)
class TrainingConfig:
    """Everything that the numbers of a run depend on.

    Attributes:
        model: the network: a multilayer perceptron ("mlp") or one of the others in engines/models.py.
        hidden: units of each hidden layer of the "mlp"; () for none.
        activation: the non-linearity after each hidden layer of the "mlp".
        loss: what is minimised: the cross-entropy of the logits, or the mean squared error ("mse") between
            them and the one-hot labels.
        engine: how a step is made; all engines compute the same numbers.
        fused: let torch.compile make the backwards of large tensors, as inside `manual_backprop.fused()`; for
            the engine "functions". A compiled sum may round differently.
        epochs: passes over the training set.
        batch_size: examples per step; the last step of an epoch takes what is left.
        lr: the learning rate η.
        optimizer: "sgd", gradient descent, or "adam".
        momentum: μ, the factor of the last velocity: v ← μ v + ∂L/∂w, w ← w − η v; for "sgd" only.
        weight_decay: λ, which adds λ w to ∂L/∂w, the gradient of ½ λ ‖w‖².
        device: where to compute; "auto" takes CUDA or MPS where available.
        dtype: the floating-point type of data and parameters.
        precision: of the matrix products: that of `dtype` ("full"), TF32 (on CUDA only), or bfloat16. The
            parameters and their updates stay in float32.
        seed: of the initial parameters, the order of the examples, and dropout.
        deterministic: let PyTorch use only algorithms that give the same bits on every run; see device.py.
        data_dir: the folder that holds, or receives, torchvision's data sets, text or a path; kept as text.
        dataset: what to train on; None for MNIST, or its sample where MNIST cannot be had.
        target_accuracy: stop after the epoch in which this percentage of the test images is classified
            correctly; None to run all epochs.

    Raises:
        UsageError: an invalid value, with the values that are valid.
    """

    model: str = "mlp"
    hidden: tuple[int, ...] = (128,)
    activation: str = "relu"
    loss: str = "cross_entropy"
    engine: str = "functions"
    fused: bool = False
    epochs: int = 10
    batch_size: int = 64
    lr: float = 0.1
    optimizer: str = "sgd"
    momentum: float = 0.0
    weight_decay: float = 0.0
    device: str = "auto"
    dtype: str = "float32"
    precision: str = "full"
    seed: int = 0
    deterministic: bool = False
    data_dir: str | PathLike[str] = "data"
    dataset: str | None = None
    target_accuracy: float | None = None

    def __post_init__(self) -> None:
        if isinstance(self.data_dir, PathLike):
            object.__setattr__(self, "data_dir", fspath(self.data_dir))
        for field in fields(self):
            _require_kind(field.name, field.default, self)
        choices: dict[str, tuple[Any, ...]] = {
            "model": MODELS,
            "activation": ACTIVATIONS,
            "loss": LOSSES,
            "engine": ENGINES,
            "optimizer": OPTIMIZERS,
            "device": DEVICES,
            "dtype": DTYPES,
            "precision": PRECISIONS,
            "dataset": (*DATASETS, None),
        }
        for name, valid in choices.items():
            _require(getattr(self, name) in valid, name, _listed(valid), self)
        whole = isinstance(self.hidden, tuple | list) and all(type(n) is int and n > 0 for n in self.hidden)
        _require(whole, "hidden", "positive integers, such as 128 or 128,64", self)
        _require(self.epochs >= 1, "epochs", "at least 1", self)
        _require(self.batch_size >= 1, "batch_size", "at least 1", self)
        for name in ("epochs", "batch_size"):
            _require(getattr(self, name) < 2**63, name, "below 2^63", self)
        _require(isfinite(self.lr) and self.lr > 0, "lr", "a finite number above 0", self)
        _require(0 <= self.momentum < 1, "momentum", "at least 0 and below 1", self)
        sensible = isfinite(self.weight_decay) and self.weight_decay >= 0
        _require(sensible, "weight_decay", "a finite number, at least 0", self)
        if self.optimizer == "adam" and self.momentum:
            raise UsageError("--momentum is for --optimizer sgd: adam has its own moments")
        target = self.target_accuracy
        within = target is None or 0 < target <= 100
        _require(within, "target_accuracy", "a percentage above 0, up to 100", self)
        _require(0 <= self.seed < 2**63, "seed", "from 0 to 2^63 - 1", self)
        if self.model != "mlp":
            self._require_mlp_for("hidden", "activation")
            if self.engine == "explicit":
                raise UsageError(f"--engine explicit is for --model mlp, not {self.model}")
        if self.fused and self.engine != "functions":
            raise UsageError(f"--fused is for --engine functions, not {self.engine}")
        if self.precision != "full" and self.dtype != "float32":
            raise UsageError(f"--precision {self.precision} is for --dtype float32, not {self.dtype}")
        if self.device == "mps" and self.dtype == "float64":
            raise UsageError("--dtype float64 needs --device cpu or cuda: MPS has no float64")

    def _require_mlp_for(self, *names: str) -> None:
        for name in names:
            if getattr(self, name) != getattr(TrainingConfig, name):
                raise UsageError(f"--{name} is for --model mlp, not {self.model}")


def _require_kind(name: str, default: Any, config: TrainingConfig) -> None:
    """Refuse a value of another type, which a caller or a checkpoint may hold."""
    value = getattr(config, name)
    kind = {"hidden": object, "dataset": str, "target_accuracy": float}.get(name, type(default))
    if value is None and default is None:
        return
    words = {int: "an integer", float: "a number", str: "a string", bool: "True or False"}
    fits = isinstance(value, int | float if kind is float else kind)
    fits = fits and (kind is bool or not isinstance(value, bool))
    _require(fits, name, words.get(kind, ""), config)


def _require(valid: bool, name: str, expected: str, config: TrainingConfig) -> None:
    if not valid:
        option = "--" + name.replace("_", "-")
        raise UsageError(f"{option} must be {expected}, got {getattr(config, name)}")


def _listed(choices: tuple[Any, ...]) -> str:
    *first, last = (str(choice) for choice in choices if choice is not None)
    return f"{', '.join(first)} or {last}"
