"""Whatever standard output and error are: the answer and the files are there, and the exit code is right."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from manual_backprop import benchmark
from manual_backprop.cli import main
from manual_backprop.cli.streams import READABLE, can_show
from tests.training.conftest import leave_undrawn

ROOT = Path(__file__).parents[2]
ENCODINGS = ("ascii", "cp1252", "latin-1", "cp437", "utf-16", "utf-8")


@pytest.fixture
def redirected(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], tuple[io.BytesIO, io.BytesIO]]:
    """Gives the process streams of an encoding; what is written to them."""

    def redirect(encoding: str) -> tuple[io.BytesIO, io.BytesIO]:
        files = io.BytesIO(), io.BytesIO()
        for name, file in zip(("stdout", "stderr"), files, strict=True):
            monkeypatch.setattr(sys, name, io.TextIOWrapper(file, encoding=encoding))
        return files

    return redirect


def exit_code(*arguments: str) -> Any:
    try:
        return main(arguments)
    except SystemExit as stop:
        return stop.code


HELP = (f"{command} --help" for command in ("train", "verify", "derive", "record", "bench"))
QUICK = ("verify linear", "derive layer_norm", "--help", *HELP)


@pytest.mark.parametrize(
    ("encoding", "arguments"),
    [
        *product(ENCODINGS, QUICK),
        ("cp1252", "train --dataset sample --epochs 1 --hidden 3 --out {folder}/läuft-δ"),
        ("ascii", "bench --rounds 1 --device cpu --json {folder}/b.json"),
    ],
)
def test_in_any_encoding_a_command_says_all_that_it_says_in_utf_8(
    encoding: str,
    arguments: str,
    redirected: Callable[[str], tuple[io.BytesIO, io.BytesIO]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    leave_undrawn(monkeypatch)
    monkeypatch.setattr(benchmark, "BATCHES", (7,))
    monkeypatch.setattr(benchmark, "operations", lambda *_: {})
    out, err = redirected(encoding)
    assert exit_code(*arguments.format(folder=tmp_path).split()) == 0
    sys.stderr.flush()
    said = out.getvalue().decode(encoding)
    assert err.getvalue() == b""
    assert said.endswith("\n")
    assert "?" not in said
    if arguments == "verify linear":
        assert said.startswith("∂L/∂" if encoding.startswith("utf") else "dL/d")
    assert sys.stdout.errors == "strict"  # as it was


@pytest.mark.parametrize(
    ("text", "readable"),
    [
        ("∂L/∂W¹ = δ¹ᵀ x − η", "dL/dW1 = delta1T x - eta"),
        ("aˡ⁻¹ → ‖Σₙ λ‖ ≤ ½ × ∞ …", "al-1 -> ||sum_n lambda|| <= 1/2 x inf ..."),
        ("café, Größe, m̂", "cafe, Gro?e, m^"),
        ("名前.py", "??.py"),
        ("a\udcffb", "a\\xffb"),
        ("µ, Δ, ϑ", "mu, Delta, theta"),
        ("\ud800", "?"),
    ],
)
def test_what_ascii_cannot_show_is_spelled(text: str, readable: str) -> None:
    assert text.encode("ascii", READABLE).decode() == readable


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_character_is_replaced_by_some_that_the_encoding_has(encoding: str) -> None:
    everything = "".join(map(chr, range(0x20, 0x11000)))
    assert can_show(everything.encode(encoding, READABLE).decode(encoding), sys.stdout)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_an_error_is_a_line_in_any_encoding(
    encoding: str, redirected: Callable[[str], tuple[io.BytesIO, io.BytesIO]]
) -> None:
    _, err = redirected(encoding)
    assert exit_code("train", "--activation", "Größe-名前-∂") == 2
    sys.stderr.flush()
    assert "--activation must be relu, sigmoid or tanh" in err.getvalue().decode(encoding)


def test_json_can_be_read_in_any_encoding(
    tmp_path: Path, redirected: Callable[[str], tuple[io.BytesIO, io.BytesIO]]
) -> None:
    file = tmp_path / "d.py"
    file.write_text("def forward(δ): return 2 * δ\ndef backward(g, δ): return g\n", encoding="utf-8")
    out, _ = redirected("ascii")
    assert main(["verify", f"{file}:backward", "--shapes", "(5,)", "--json"]) == 1
    assert json.loads(out.getvalue())["verdicts"][0]["name"] == "δ"


def test_what_a_derivation_prints_does_not_depend_on_the_encoding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    file = tmp_path / "d.py"
    file.write_text(
        "print('∂ is here')\ndef forward(x): return 2 * x\ndef backward(g, x): return 2 * g\n",
        encoding="utf-8",
    )
    assert main(["verify", f"{file}:backward", "--shapes", "(5,)"]) == 0
    assert "∂ is here" in capsys.readouterr().out


def shell(line: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """A line for bash, with `$M` for the command."""
    program = f'M="{sys.executable} -m manual_backprop"; {line}'
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    variables |= {"PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(["bash", "-c", program], capture_output=True, env=variables, timeout=120)


def test_the_page_and_the_run_are_utf_8_where_nothing_else_is(tmp_path: Path) -> None:
    page = tmp_path / "p.html"
    done = shell(f"$M record --page {page}", LC_ALL="C", PYTHONIOENCODING="cp1252", PYTHONUTF8="0")
    assert done.returncode == 0, done.stderr
    assert done.stderr == b""
    assert "dL/dW¹ = delta¹T x" in done.stdout.decode("cp1252")
    assert "∂L/∂W¹" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("line", "code", "out", "err"),
    [
        ("$M verify relu >&-", 0, b"", b""),
        ("$M verify relu 2>&-", 0, b"right", b""),
        ("$M verify nothing >&- 2>&- <&-", 2, b"", b""),
        ("$M train --dataset sample --epochs 1 --hidden 3 --out {folder}/run <&- >&- 2>&-", 0, b"", b""),
        ("$M verify relu > /dev/full", 4, b"", b"cannot write standard output: No space left on device\n"),
        ("$M verify nothing 2> /dev/full", 2, b"", b""),
        ("exec 3> >(true); wait $!; $M record --page {folder}/p.html >&3", 141, b"", b""),
        ("exec 3> >(true); wait $!; $M verify nothing 2>&3", 2, b"", b""),
        ("exec 3> >(true); wait $!; $M train --help >&3", 141, b"", b""),
    ],
)
def test_a_closed_a_full_and_a_broken_stream(
    line: str, code: int, out: bytes, err: bytes, tmp_path: Path
) -> None:
    done = shell(line.format(folder=tmp_path))
    assert (done.returncode, b"Traceback" in done.stderr) == (code, False), done.stderr
    assert done.stdout == out or (out and out in done.stdout)
    assert done.stderr.endswith(err)
    assert err or not done.stderr
    if "train --dataset" in line:
        assert (tmp_path / "run" / "summary.json").exists()
        assert (tmp_path / "run" / "checkpoint.pt").read_bytes().startswith(b"PK")  # and nothing else in it
    if "--page" in line:
        assert (tmp_path / "p.html").exists()


def test_streams_that_python_has_taken_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a program without a console."""
    leave_undrawn(monkeypatch)
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    options = ["--dataset", "sample", "--epochs", "1", "--hidden", "3", "--out", str(tmp_path / "run")]
    assert main(["train", *options]) == 0
    assert main(["verify", "nothing"]) == 2
    assert sys.stdout is None
