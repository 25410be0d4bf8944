"""The readers of files, fed with what a coverage-guided fuzzer makes up.

    pip install atheris
    python scripts/fuzz_readers.py idx -max_total_time=60
    python scripts/fuzz_readers.py checkpoint -max_total_time=60 -max_len=65536 SEEDS

SEEDS is a folder of files to begin with, such as a copy of one run's checkpoint.pt: without one, few bytes
get past the archive's directory.

Anything but the exception that a user is told, one line, is a finding: the fuzzer stops and keeps the bytes.
The options behind the reader's name are libFuzzer's.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

try:
    import atheris
except ImportError:
    sys.exit("fuzz_readers needs atheris: pip install atheris")

import torch  # noqa: F401 - before, so that it is not instrumented: that takes minutes

with atheris.instrument_imports(include=["manual_backprop"]):
    from manual_backprop.training.config import Failure
    from manual_backprop.training.data.idx import sizes_of
    from manual_backprop.training.run import checkpoint


def read_idx(path: Path) -> None:
    for dimensions in (1, 3):
        try:
            sizes_of(path, dimensions)
        except ValueError:
            continue


def read_checkpoint(path: Path) -> None:
    try:
        checkpoint.load(path)
    except Failure:
        return


READERS: dict[str, Callable[[Path], None]] = {"idx": read_idx, "checkpoint": read_checkpoint}


def main() -> None:
    if len(sys.argv) < 2 or sys.argv[1] not in READERS:
        sys.exit(f"usage: fuzz_readers.py {'|'.join(READERS)} [options of libFuzzer]")
    read = READERS[sys.argv.pop(1)]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "file"

        def once(content: bytes) -> None:
            path.write_bytes(content)
            read(path)

        atheris.Setup(sys.argv, once)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
