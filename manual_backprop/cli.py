"""The command `manual-backprop`.

Exit codes: 0 success, 1 failure, 2 an invalid option, 128 + n stopped by signal n. An error is one line on
standard error.
"""

import json
import os
import sys
from argparse import SUPPRESS, ArgumentParser, ArgumentTypeError, RawDescriptionHelpFormatter
from collections.abc import Sequence
from math import isfinite
from pathlib import Path
from typing import Any, NoReturn

from manual_backprop import __version__, benchmark, record
from manual_backprop.training import Failure, Interrupted, TrainingConfig, UsageError, resume, train
from manual_backprop.training.config import (
    ACTIVATIONS,
    DATASETS,
    DEVICES,
    DTYPES,
    ENGINES,
    LOSSES,
    MODELS,
    OPTIMIZERS,
    PRECISIONS,
)
from manual_backprop.training.device import resolve_device
from manual_backprop.training.run import network_of
from manual_backprop.verify.command import CannotRead, Form, Request, answer_to
from manual_backprop.verify.isolated_process import answer_in_isolation

LONGEST_LINE = 2000  # characters of an error: what it quotes may have any length
WITH_RESUME = ("epochs", "target_accuracy", "device", "data_dir")
LONGEST_LIMIT = 1_000_000
VERIFY_EXAMPLES = """examples:
  manual-backprop verify derivation.py:backward --shapes "(5,3) (7,3) (7,)"
  manual-backprop verify linear
"""
EXAMPLES = """examples:
  manual-backprop train
  manual-backprop train --hidden 256,128 --activation sigmoid --lr 0.5
  manual-backprop train --model cnn --lr 0.01 --momentum 0.9
  manual-backprop train --engine autograd --seed 3 --out runs/autograd
  manual-backprop train --resume runs/autograd --epochs 20
"""


class Parser(ArgumentParser):
    """An ArgumentParser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        """Print what is wrong and exit with code 2."""
        self.exit(2, f"{self.prog}: error: {message} (see {self.prog} --help)\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line (by default the process's own) and return its exit code."""
    parser = Parser(prog="manual-backprop", description="Backpropagation with hand-written gradients.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _add_train(commands)
    _add_verify(commands)
    _add_record(commands)
    _add_bench(commands)
    options = vars(parser.parse_args(arguments))
    command = options.pop("command")
    try:
        exit_code = {"train": _train, "verify": _verify, "record": _record, "bench": _bench}[command](options)
        sys.stdout.flush()
        return exit_code
    except (UsageError, CannotRead) as error:
        return _say(f"manual-backprop {command}: error: {error}", 2)
    except Failure as error:
        return _say(f"manual-backprop {command}: {error}", 1)
    except Interrupted as stop:
        return _say(str(stop), stop.exit_code)
    except KeyboardInterrupt:
        return _say("Stopped.", 130)
    except BrokenPipeError:  # whoever reads the lines has gone, as `head` does; nothing is left to say
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _say(line: str, exit_code: int) -> int:
    line = "".join(c if c.isprintable() else " " for c in line)
    print(line if len(line) <= LONGEST_LINE else line[:LONGEST_LINE] + "…", file=sys.stderr)
    return exit_code


def _train(options: dict[str, Any]) -> int:
    folder = options.pop("resume", None)
    if folder is None:
        out = options.pop("out", None)
        train(TrainingConfig(**options), out)
        return 0
    fixed = [f"--{name.replace('_', '-')}" for name in options if name not in WITH_RESUME]
    if fixed:
        raise UsageError(f"{', '.join(fixed)} cannot be changed with --resume: the run keeps its own")
    resume(folder, options)
    return 0


def _verify(options: dict[str, Any]) -> int:
    limit = options["time_limit"]
    if not 0 < limit <= LONGEST_LIMIT:
        raise UsageError(f"--time-limit must be above 0 and at most {LONGEST_LIMIT}, got {limit:g}")
    colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    form: Form = "json" if options["json"] else "coloured" if colour else "text"
    request = Request(options["derivation"], options["against"], options["shapes"], form, options["plot"])
    if ":" in request.derivation:
        answer, printed = answer_in_isolation(request, limit)
        if printed:
            print(printed, file=sys.stderr if form == "json" else sys.stdout)
    else:
        answer = answer_to(request)
    if answer.report:
        print(answer.report)
    if answer.error:
        raise CannotRead(answer.error)
    return answer.exit_code


def _record(options: dict[str, Any]) -> int:
    if not (isfinite(options["lr"]) and options["lr"] > 0):
        raise UsageError(f"--lr must be a number above 0, got {options['lr']}")
    if options["steps"] < 1:
        raise UsageError(f"--steps must be at least 1, got {options['steps']}")
    model, data, loss = network_of(options["checkpoint"], options["data_dir"])
    label = options["digit"]
    if label is not None and not 0 <= label < len(data.classes):
        raise UsageError(f"--digit must be from 0 to {len(data.classes) - 1}, got {label}")
    at = 0 if label is None else int((data.test_labels == label).nonzero()[0])
    example = data.test_images[at : at + 1], data.test_labels[at : at + 1]
    lr, steps = options["lr"], options["steps"]
    recording = record(model, *example, loss=loss, lr=lr, steps=steps, classes=data.classes)
    print(recording)
    for option, write in (("page", recording.page), ("plot", recording.plot)):
        if options[option] is not None:
            try:
                print(f"{option}: {write(options[option])}")
            except (OSError, ValueError) as error:
                raise Failure(f"--{option} {options[option]}: {error}") from error
    return 0


def _bench(options: dict[str, Any]) -> int:
    device = resolve_device(options["device"])
    if options["rounds"] < 1:
        raise UsageError(f"--rounds must be at least 1, got {options['rounds']}")
    if options["json"] is not None and not options["json"].parent.is_dir():  # before minutes are spent
        raise UsageError(f"--json {options['json']}: there is no folder {options['json'].parent}")
    results = benchmark.run(device, options["rounds"], large=False)
    if options["json"] is not None:
        options["json"].write_text(json.dumps(benchmark.as_json(device, *results), indent=2) + "\n")
    return 0


def _add_record(commands: Any) -> None:
    parser = commands.add_parser(
        "record",
        help="make one training step and show every number in it",
        description="Make a training step on one test image and show it as a table, a page or a picture.",
    )
    parser.add_argument("--checkpoint", type=Path, metavar="RUN", help="a run folder (default: untrained)")
    parser.add_argument("--digit", type=int, metavar="N", help="the class of the image (default: any)")
    parser.add_argument("--lr", **_number(float, 0.1, "learning rate η"), default=0.1)
    parser.add_argument("--steps", **_number(int, 1, "number of training steps"), default=1)
    parser.add_argument("--page", type=Path, metavar="FILE", help="write the page, an HTML file")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="write the picture")
    parser.add_argument(
        "--data-dir", metavar="DIR", help="folder of torchvision's data sets (default: the run's)"
    )


def _add_bench(commands: Any) -> None:
    parser = commands.add_parser(
        "bench",
        help="time the hand-written gradients against the built-in ones",
        description="Time a training step of each engine, and each operation forward and backward.",
    )
    parser.add_argument("--device", **_choice(DEVICES, "auto", "where to compute: "), default="auto")
    parser.add_argument("--rounds", **_number(int, 30, "rounds of measurements"), default=30)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything measured to this file")


def _add_verify(commands: Any) -> None:
    parser = commands.add_parser(
        "verify",
        help="say whether a derivation is right and, if not, what is wrong with it",
        description="Judge a derivation. Exit code 0: right, 1: wrong, 2: could not be judged.",
        epilog=VERIFY_EXAMPLES,
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("derivation", help="file.py:function, or the name of an operation of this package")
    parser.add_argument(
        "--against",
        default="forward",
        metavar="NAME",
        help="the forward function, in the same file (default: forward)",
    )
    parser.add_argument("--shapes", metavar="SHAPES", help='shapes of the inputs, such as "(5,3) (7,3) (7,)"')
    parser.add_argument(
        "--time-limit",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="limit for all that the file does (default: 60)",
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("--plot", metavar="FILE", help="save the gradients as a picture (.png, .svg, .pdf)")


def _add_train(commands: Any) -> None:
    defaults = TrainingConfig
    parser = commands.add_parser(
        "train",
        help="train a network on MNIST",
        description="Train a network on MNIST with hand-written gradients.",
        epilog=EXAMPLES,
        formatter_class=RawDescriptionHelpFormatter,
        argument_default=SUPPRESS,  # so that only what was given is passed on
    )
    network = parser.add_argument_group("network")
    network.add_argument("--model", **_choice(MODELS, defaults.model))
    network.add_argument(
        "--hidden",
        type=_sizes,
        metavar="N[,N…]",
        help=f"sizes of the mlp's hidden layers, or none (default: {','.join(map(str, defaults.hidden))})",
    )
    network.add_argument(
        "--activation", **_choice(ACTIVATIONS, defaults.activation, "after each hidden layer: ")
    )
    learning = parser.add_argument_group("training")
    learning.add_argument("--loss", **_choice(LOSSES, defaults.loss, "what is minimised: "))
    learning.add_argument("--engine", **_choice(ENGINES, defaults.engine, "how a step is made: "))
    learning.add_argument("--epochs", **_number(int, defaults.epochs, "passes over the training set"))
    learning.add_argument(
        "--target-accuracy",
        type=float,
        metavar="PERCENT",
        help="stop when this percentage of the test images is right, and say how long it took",
    )
    learning.add_argument("--batch-size", **_number(int, defaults.batch_size, "examples per step"))
    learning.add_argument("--lr", **_number(float, defaults.lr, "learning rate η"))
    learning.add_argument("--optimizer", **_choice(OPTIMIZERS, defaults.optimizer, "update rule: "))
    learning.add_argument(
        "--weight-decay", **_number(float, defaults.weight_decay, "λ of the penalty ½ λ ‖w‖²")
    )
    learning.add_argument("--momentum", **_number(float, defaults.momentum, "momentum μ, for sgd only"))
    learning.add_argument(
        "--seed", **_number(int, defaults.seed, "seed of initialisation, data order and dropout")
    )
    learning.add_argument(
        "--deterministic",
        action="store_true",
        default=SUPPRESS,
        help="use only algorithms that give the same bits on every run (on a CPU all do)",
    )
    learning.add_argument("--device", **_choice(DEVICES, defaults.device, "where to compute: "))
    learning.add_argument("--dtype", **_choice(DTYPES, defaults.dtype, "floating-point type: "))
    learning.add_argument(
        "--precision", **_choice(PRECISIONS, defaults.precision, "precision of matrix products: ")
    )
    files = parser.add_argument_group("data and results")
    files.add_argument(
        "--dataset",
        metavar="NAME",
        help=f"{', '.join(DATASETS)} (default: mnist, or its sample where MNIST is not available)",
    )
    files.add_argument(
        "--data-dir", metavar="DIR", help=f"folder of torchvision's data sets (default: {defaults.data_dir})"
    )
    files.add_argument("--out", type=Path, metavar="DIR", help="the run folder (default: a new one in runs/)")
    files.add_argument(
        "--resume", type=Path, metavar="RUN", help="continue the run in this folder with its own options"
    )


def _choice(choices: Sequence[str], default: str, what: str = "") -> dict[str, Any]:
    """An option that TrainingConfig checks, so that the error is the same as in Python."""
    return {"metavar": "NAME", "help": f"{what}{', '.join(choices)} (default: {default})"}


def _number(kind: type[int] | type[float], default: float, what: str = "") -> dict[str, Any]:
    return {
        "type": kind,
        "metavar": "N" if kind is int else "X",
        "help": f"{what} (default: {default})".strip(),
    }


def _sizes(text: str) -> tuple[int, ...]:
    """The text "128,64" → (128, 64), and "none" → ()."""
    try:
        return () if text in ("", "none") else tuple(int(size) for size in text.split(","))
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a list of sizes such as 128 or 128,64") from None
