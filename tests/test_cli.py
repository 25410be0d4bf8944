"""The command as a shell sees it: lines, exit codes, and never a traceback."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from manual_backprop import __version__
from manual_backprop.cli import main

COMMAND = [sys.executable, "-m", "manual_backprop"]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("", "required: COMMAND"),
        ("fly", "invalid choice: 'fly'"),
        ("train --batch-size 0", "--batch-size must be at least 1, not 0"),
        ("train --epochs 0", "--epochs must be at least 1, not 0"),
        ("train --epochs many", "argument --epochs: invalid int value: 'many'"),
        ("train --lr -0.1", "--lr must be a finite number above 0, not -0.1"),
        ("train --lr nan", "--lr must be a finite number above 0, not nan"),
        ("train --momentum 1", "--momentum must be at least 0 and below 1, not 1.0"),
        ("train --hidden 128,x", "'128,x' is not a list of sizes such as 128 or 128,64"),
        ("train --hidden 128,0", "--hidden must be whole numbers above 0"),
        ("train --activation swish", "--activation must be relu, sigmoid or tanh, not swish"),
        ("train --engine steam", "--engine must be functions, autograd or explicit, not steam"),
        ("train --device tpu", "--device must be auto, cpu, cuda or mps, not tpu"),
        ("train --dataset cifar", "--dataset must be mnist, fashion-mnist or sample, not cifar"),
        ("train --seed -1", "--seed must be from 0"),
        ("train --wings 2", "unrecognized arguments: --wings 2"),
        ("train --resume run --lr 0.2 --seed 1", "--lr, --seed cannot be changed by --resume"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(
    arguments: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code = main(arguments.split())
    except SystemExit as stop:
        code = stop.code  # type: ignore[assignment]
    captured = capsys.readouterr()
    assert code == 2
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert message in captured.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("train --dataset sample --out {file}/run", "cannot write into the output folder"),
        ("train --resume {folder}", "there is no {folder}/checkpoint.pt"),
        ("train --dataset sample --lr 1e30 --epochs 1 --out {folder}/nan", "no finite number"),
        pytest.param(
            "train --dataset sample --device cuda",
            "--device cuda: PyTorch finds no such device here",
            marks=pytest.mark.skipif("__import__('torch').cuda.is_available()", reason="there is one"),
        ),
    ],
)
def test_a_failure_is_one_line_and_exit_code_1(
    arguments: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    places = {"file": tmp_path / "file", "folder": tmp_path}
    assert main(arguments.format(**places).split()) == 1
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert message.format(**places) in captured.err


def test_it_trains_says_what_it_reached_and_where_it_is(tmp_path: Path) -> None:
    out = tmp_path / "run"
    done = run("train", "--dataset", "sample", "--epochs", "2", "--hidden", "17", "--out", str(out))
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert len(lines) == 3
    assert re.match(
        r"epoch 1/2   loss \d\.\d{4}   training +\d+\.\d\d%   test +\d+\.\d\d% .* images/s", lines[0]
    )
    assert lines[-1].endswith(f"Everything is in {out}")


def test_ctrl_c_finishes_the_step_and_the_run_can_go_on(tmp_path: Path) -> None:
    out = tmp_path / "run"
    process = subprocess.Popen(
        [*COMMAND, "train", "--dataset", "sample", "--epochs", "100000", "--out", str(out)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.readline()  # the first epoch is done
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.count("\n") == 1
    assert f"manual-backprop train --resume {out}" in err
    done = len((out / "metrics.csv").read_text().splitlines()) - 1
    resumed = run("train", "--resume", str(out), "--epochs", str(done + 1))
    assert resumed.returncode == 0, resumed.stderr


def test_a_reader_that_goes_away_gets_no_traceback(tmp_path: Path) -> None:
    command = [*COMMAND, "train", "--dataset", "sample", "--epochs", "3", "--out", str(tmp_path / "run")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait(timeout=60) == 1
    process.stderr.close()


def test_version_and_help() -> None:
    assert run("--version").stdout == f"manual-backprop {__version__}\n"
    text = run("train", "--help").stdout
    for option in ("--hidden", "--activation", "--engine", "--epochs", "--batch-size", "--lr", "--momentum"):
        assert option in text
    for option in ("--device", "--seed", "--data-dir", "--dataset", "--out", "--resume", "--dtype"):
        assert option in text
    assert max(map(len, text.splitlines())) <= 80


def test_importing_the_package_imports_nothing_that_only_training_needs() -> None:
    program = "import sys, manual_backprop; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()
    for module in ("torchvision", "matplotlib", "mlxtend", "manual_backprop.training"):
        assert module not in loaded


def test_the_full_set_is_not_needed_and_neither_is_torchvision(tmp_path: Path) -> None:
    arguments = ["train", "--epochs", "1", "--out", str(tmp_path / "run"), "--data-dir", "none"]
    program = (
        "import sys; sys.modules['torchvision'] = None\n"
        f"from manual_backprop.cli import main; sys.exit(main({arguments}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "install torch and torchvision together" in done.stdout


def test_record_shows_a_step_of_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, page = tmp_path / "run", tmp_path / "step.html"
    assert main(["train", "--dataset", "sample", "--epochs", "1", "--hidden", "16", "--out", str(run)]) == 0
    capsys.readouterr()
    assert main(["record", "--checkpoint", str(run), "--digit", "7", "--page", str(page)]) == 0
    assert "∂L/∂W¹ = δ¹ᵀ x" in capsys.readouterr().out
    assert '"classes": ["0", "1"' in page.read_text()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--digit", "10"], "--digit must be from 0 to 9, not 10"),
        (["--lr", "0"], "--lr must be a number above 0, not 0.0"),
        (["--steps", "0"], "--steps must be at least 1, not 0"),
    ],
)
def test_record_refuses_what_cannot_be_meant(
    arguments: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    main(["train", "--dataset", "sample", "--epochs", "1", "--hidden", "16", "--out", str(run)])
    assert main(["record", "--checkpoint", str(run), *arguments]) == 2
    assert says in capsys.readouterr().err
