"""The commands of `manual-backprop` and their options."""

from argparse import (
    SUPPRESS,
    ArgumentParser,
    ArgumentTypeError,
    BooleanOptionalAction,
    RawDescriptionHelpFormatter,
)
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from manual_backprop import __version__
from manual_backprop.cli.example import IN_A_PAGE
from manual_backprop.training import TrainingConfig
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

EXIT_CODES = """exit codes:
  0      done; of verify: the derivation is right
  1      of verify: the derivation is wrong
  2      the command line is not valid, or names nothing that is there
  3      it cannot be done here or now; of verify: it could not be judged;
         of derive: it cannot be written out
  4      a file, a folder or standard output cannot be written
  128+n  stopped by signal n: 130 by Ctrl-C, 141 if nobody reads the output
"""
DERIVE_EXAMPLES = """examples:
  manual-backprop derive net.py:forward --shapes "(64,784) (10,784) (64,)<10"
  manual-backprop derive net.py:forward --shapes "(5,3) (7,3)" --out back.py
  manual-backprop derive layer_norm --elementary
"""
VERIFY_EXAMPLES = """examples:
  manual-backprop verify layers.py
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


def parser() -> ArgumentParser:
    """The parser of the whole command line; `command` names the command."""
    parser = Parser(
        prog="manual-backprop", description="Backpropagation with hand-written gradients.", **_ending()
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for add in (_add_train, _add_verify, _add_derive, _add_record, _add_bench):
        add(commands)
    return parser


def _add_record(commands: Any) -> None:
    parser = commands.add_parser(
        "record",
        help="make one training step and show every number in it",
        description="Make a training step on test images: as a table, a page or a picture.",
        **_ending(),
    )
    parser.add_argument("--checkpoint", type=Path, metavar="RUN", help="a run folder (default: untrained)")
    parser.add_argument(
        "--digit",
        type=int,
        metavar="N",
        help="the class of the images (default: any; of the first hundred, the one with the highest loss "
        "comes first)",
    )
    parser.add_argument(
        "--examples",
        type=int,
        metavar="N",
        help=f"number of test images in the batch (default: 1; with --page {IN_A_PAGE}, where the network is "
        "an mlp, which can be trained in the page)",
    )
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
        **_ending(),
    )
    parser.add_argument("--device", **_choice(DEVICES, "auto", "where to compute: "), default="auto")
    parser.add_argument("--rounds", **_number(int, 30, "rounds of measurements"), default=30)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything measured to this file")


def _add_verify(commands: Any) -> None:
    parser = commands.add_parser(
        "verify",
        help="say whether a derivation is right and, if not, what is wrong with it",
        description="Judge a derivation: right or wrong and, where it is wrong, what the mistake is.",
        **_ending(VERIFY_EXAMPLES),
    )
    parser.add_argument(
        "derivation",
        nargs="+",
        help="file.py:function, a class or a loss with its gradients in the place of the function; "
        "a file, of which all derivations are judged; or the name of an operation of this package",
    )
    parser.add_argument(
        "--against",
        metavar="NAME",
        help="the forward function, in the same file (default: found by its name)",
    )
    parser.add_argument(
        "--shapes",
        metavar="SHAPES",
        help='shapes of the inputs, such as "(5,3) (7,3) (7,)", by name with flags and options too: '
        "\"x=(5,3) y=(5,)<10 mode='train'\" (default: found by trying)",
    )
    parser.add_argument(
        "--cache",
        action=BooleanOptionalAction,
        help="the forward returns a cache too, which the backward takes (default: seen from what it returns)",
    )
    _add_time_limit(parser)
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("--plot", metavar="FILE", help="save the gradients as a picture (.png, .svg, .pdf)")


def _add_derive(commands: Any) -> None:
    parser = commands.add_parser(
        "derive",
        help="write the backward of a forward down, as formulas or as code",
        usage="%(prog)s [-h] [--shapes SHAPES] [options] forward",  # argparse breaks no group of options
        description="Write the backward of a forward down, a line for each gradient, and prove it.",
        **_ending(DERIVE_EXAMPLES),
    )
    parser.add_argument(
        "forward",
        help="file.py:function, a module or its class in the place of the function, "
        "or the name of an operation of this package",
    )
    parser.add_argument(
        "--shapes",
        metavar="SHAPES",
        help='shapes of the inputs, such as "(64,784) (10,784) (64,)<10", '
        "of which the last stands for 64 class numbers below 10",
    )
    parser.add_argument(
        "--elementary", action="store_true", help="take softmax, norms and losses apart into arithmetic"
    )
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument("--torch", action="store_true", help="print a file that needs torch alone")
    forms.add_argument("--numpy", action="store_true", help="print a file that needs NumPy alone")
    forms.add_argument("--function", action="store_true", help="print a torch.autograd.Function")
    forms.add_argument("--latex", action="store_true", help="print the formulas in LaTeX")
    forms.add_argument("--markdown", action="store_true", help="print tables in Markdown, formulas in LaTeX")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="write to this file; .py takes torch's code, .tex LaTeX, .md Markdown, unless it is said",
    )
    _add_time_limit(parser)


def _add_time_limit(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--time-limit",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="limit for all that the file does (default: 60)",
    )


def _add_train(commands: Any) -> None:
    defaults = TrainingConfig
    parser = commands.add_parser(
        "train",
        help="train a network on MNIST",
        description="Train a network on MNIST with hand-written gradients.",
        **_ending(EXAMPLES),
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
    learning.add_argument(
        "--fused",
        action="store_true",
        default=SUPPRESS,
        help="compile the hand-written backwards of large tensors (for the engine functions)",
    )
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


def _ending(examples: str = "") -> dict[str, Any]:
    """What stands below the options, as it is written."""
    parts = [part for part in (examples, EXIT_CODES) if part]
    return {"epilog": "\n".join(parts), "formatter_class": RawDescriptionHelpFormatter}


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
