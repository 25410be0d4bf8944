"""The command as a shell sees it: lines, exit codes, and never a traceback."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from manual_backprop import __version__
from manual_backprop.cli import main
from manual_backprop.training import TrainingConfig, train
from manual_backprop.verify.command import Request
from tests.training.forked import Forked, command

CODES = ["0", "1", "2", "3", "4", "128+n"]
COMMAND = [sys.executable, "-m", "manual_backprop"]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("", "required: COMMAND"),
        ("fly", "invalid choice: 'fly'"),
        ("train --batch-size 0", "--batch-size must be at least 1, got 0"),
        ("train --epochs 0", "--epochs must be at least 1, got 0"),
        ("train --epochs many", "argument --epochs: invalid int value: 'many'"),
        ("train --lr -0.1", "--lr must be a finite number above 0, got -0.1"),
        ("train --lr nan", "--lr must be a finite number above 0, got nan"),
        ("train --momentum 1", "--momentum must be at least 0 and below 1, got 1.0"),
        ("train --hidden 128,x", "'128,x' is not a list of sizes such as 128 or 128,64"),
        ("train --hidden 128,0", "--hidden must be positive integers"),
        ("train --activation swish", "--activation must be relu, sigmoid or tanh, got swish"),
        ("train --engine steam", "--engine must be functions, autograd or explicit, got steam"),
        ("train --fused --engine explicit", "--fused is for --engine functions, not explicit"),
        ("train --device tpu", "--device must be auto, cpu, cuda or mps, got tpu"),
        ("train --dataset cifar", "--dataset must be mnist, fashion-mnist or sample, got cifar"),
        ("train --seed -1", "--seed must be from 0"),
        ("train --wings 2", "unrecognized arguments: --wings 2"),
        ("bench --device tpu", "--device must be auto, cpu, cuda or mps, got tpu"),
        ("bench --device cuda:1", "--device must be auto, cpu, cuda or mps, got cuda:1"),
        ("bench --device CPU", "--device must be auto, cpu, cuda or mps, got CPU"),
        ("derive net.py:f --shapes (3,) --time-limit 0", "--time-limit must be above 0"),
        ("derive net.py:f --numpy --latex", "argument --latex: not allowed with argument --numpy"),
        ("bench --rounds 0", "--rounds must be at least 1, got 0"),
        ("train --resume run --lr 0.2 --seed 1", "--lr, --seed cannot be changed with --resume"),
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
    ("arguments", "code", "message"),
    [
        ("train --dataset sample --out {file}/run", 4, "cannot write into the output folder"),
        (
            "train --resume {folder}",
            3,
            "there is no {folder}/checkpoint.pt: --resume takes the folder of a run",
        ),
        ("train --resume {folder}/checkpoint.pt", 3, "there is no {folder}/checkpoint.pt: --resume takes"),
        ("record --checkpoint {folder}", 3, "there is no {folder}/checkpoint.pt: --checkpoint takes"),
        ("record --checkpoint {file}", 3, "there is no {file}/checkpoint.pt: --checkpoint takes"),
        ("record --checkpoint {folder}/checkpoint.pt", 3, "there is no {folder}/checkpoint.pt: --checkpoint"),
        ("derive relu --out {folder}/no/b.py", 4, "--out {folder}/no/b.py: there is no folder {folder}/no"),
        ("derive relu --out {folder}", 4, "--out {folder}: it is a folder"),
        ("derive relu --out {file}/b.py", 4, "--out {file}/b.py: there is no folder {file}"),
        ("bench --device mps", 3, "--device mps is not available here"),
        ("train --dataset sample --lr 1e30 --epochs 1 --out {folder}/nan", 3, "NaN or infinite"),
        pytest.param(
            "train --dataset sample --device cuda",
            3,
            "--device cuda is not available here",
            marks=pytest.mark.skipif("__import__('torch').cuda.is_available()", reason="there is one"),
        ),
    ],
)
def test_a_failure_is_one_line_and_has_an_exit_code_of_its_own(
    arguments: str, code: int, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    places = {"file": tmp_path / "file", "folder": tmp_path}
    assert main(arguments.format(**places).split()) == code
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
    out, log = tmp_path / "run", tmp_path / "log"
    options = "--dataset sample --hidden 17 --epochs 100000 --out".split()  # noqa: SIM905
    process = Forked(command, "train", *options, str(out), log=log)
    while not (out / "metrics.csv").exists():  # the first epoch is done
        assert process.process.is_alive(), log.read_text()
        time.sleep(0.01)
    process.signal(signal.SIGINT)
    assert process.end() == 130
    stopped = [line for line in log.read_text().splitlines() if not line.startswith("epoch ")]
    assert len(stopped) == 1
    assert stopped[0].endswith(f"manual-backprop train --resume {out}")
    done = len((out / "metrics.csv").read_text().splitlines()) - 1
    resumed = Forked(command, "train", "--resume", str(out), "--epochs", str(done + 1), log=log)
    assert resumed.end() == 0, log.read_text()


@pytest.mark.parametrize("buffered", [True, False])
def test_a_reader_that_goes_away_gets_no_traceback(buffered: bool) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    process = subprocess.Popen(
        [*COMMAND, "verify", "relu"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment if buffered else {**environment, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait(timeout=60) == 141
    process.stderr.close()


def test_what_cannot_be_written_is_told_after_the_answer_and_has_a_code_of_its_own(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing, page = tmp_path / "no" / "file", tmp_path / "page.html"
    file = tmp_path / "d.py"
    file.write_text("def forward(x): return 2 * x\ndef backward(g, x): return g\n")
    wrong = ["verify", f"{file}:backward", "--shapes", "(5,)"]
    for arguments, code, answer in (
        (["verify", "relu", "--plot", f"{missing}.png"], 4, "right"),
        (["verify", "relu", "--plot", f"{page}.strange"], 4, "right"),
        ([*wrong, "--plot", f"{missing}.png"], 1, "WRONG"),
        (
            ["record", "--checkpoint", str(trained), "--page", str(missing), "--plot", f"{page}.png"],
            4,
            "L = ",
        ),
        (
            ["record", "--checkpoint", str(trained), "--plot", f"{missing}.png", "--page", str(page)],
            4,
            "L = ",
        ),
        (["bench", "--json", str(missing)], 4, ""),
    ):
        assert main(arguments) == code
        captured = capsys.readouterr()
        assert captured.err.count("\n") == 1
        assert str(missing) in captured.err or f"{page}.strange" in captured.err
        assert answer in captured.out
    assert page.exists()
    assert page.with_suffix(".html.png").exists()


def test_a_mistake_of_the_package_is_not_taken_for_a_wrong_derivation(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Request, "answer", lambda request: 1 / 0)
    assert main(["verify", "relu"]) == 3
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_version_and_help(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def printed(*arguments: str) -> str:
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        assert stop.value.code == 0
        return capsys.readouterr().out

    monkeypatch.setenv("COLUMNS", "80")
    assert printed("--version") == f"manual-backprop {__version__}\n"
    text = printed("train", "--help")
    for option in ("--hidden", "--activation", "--engine", "--epochs", "--batch-size", "--lr", "--momentum"):
        assert option in text
    for option in ("--device", "--seed", "--data-dir", "--dataset", "--out", "--resume", "--dtype"):
        assert option in text
    for command_name in ("train", "verify", "derive", "record", "bench"):
        text = printed(command_name, "--help")
        assert max(map(len, text.splitlines())) <= 80
        assert re.findall(r"^  (\d\S*)", text[text.index("exit codes:") :], re.MULTILINE) == CODES


def test_importing_the_package_imports_nothing_that_only_training_needs() -> None:
    program = (
        "import sys, manual_backprop; print(*sys.modules); import manual_backprop.cli; print(*sys.modules)"
    )
    package, command_line = (
        line.split()
        for line in subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True
        ).stdout.splitlines()
    )
    for module in ("torchvision", "matplotlib", "mlxtend", "manual_backprop.training"):
        assert module not in package
    for module in ("torchvision", "matplotlib", "mlxtend"):
        assert module not in command_line


def test_the_full_set_is_not_needed_and_neither_is_torchvision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for module in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setitem(sys.modules, "torchvision", None)
    arguments = ["train", "--epochs", "1", "--hidden", "16", "--data-dir", "none"]
    assert main([*arguments, "--out", str(tmp_path / "run")]) == 0
    assert "install torch and torchvision together" in capsys.readouterr().out


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("trained") / "run"
    config = TrainingConfig(dataset="sample", epochs=1, hidden=(16,), device="cpu")
    return train(config, out, lambda line: None)


@pytest.fixture(scope="module")
def trained_cnn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("trained") / "cnn"
    config = TrainingConfig(dataset="sample", model="cnn", epochs=1, batch_size=500, device="cpu")
    return train(config, out, lambda line: None)


def recorded(page: Path) -> dict[str, Any]:
    """The data of a page."""
    found = re.search(r"<script[^>]*application/json[^>]*>(.*?)</script>", page.read_text("utf-8"), re.S)
    assert found is not None
    data: dict[str, Any] = json.loads(found[1])
    return data


@pytest.mark.parametrize(
    ("arguments", "batch", "classes"),
    [([], 32, 10), (["--examples", "1"], 1, 1), (["--examples", "12"], 12, 10), (["--digit", "7"], 32, 1)],
)
def test_the_page_of_an_mlp_has_a_batch_that_can_be_trained(
    arguments: list[str],
    batch: int,
    classes: int,
    trained: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    page = tmp_path / "step.html"
    assert main(["record", "--checkpoint", str(trained), "--page", str(page), *arguments]) == 0
    data = recorded(page)
    assert data["batch"] == batch
    assert len(set(data["steps"][0]["target"])) == classes
    assert data["steps"][0]["laboratory"] is not None
    assert re.search(rf"\({batch}, ?\d+\)", capsys.readouterr().out)


def test_the_page_of_another_network_has_one_image_and_shows_it_whole(
    trained_cnn: Path, tmp_path: Path
) -> None:
    page = tmp_path / "step.html"
    assert main(["record", "--checkpoint", str(trained_cnn), "--page", str(page)]) == 0
    data = recorded(page)
    assert data["batch"] == 1
    assert all(value["shown"] == value["rect"] for value in data["steps"][0]["values"])
    assert data["steps"][0]["laboratory"] is None


def test_a_batch_that_is_too_large_for_the_page_is_cut(trained: Path, tmp_path: Path) -> None:
    page = tmp_path / "step.html"
    assert main(["record", "--checkpoint", str(trained), "--examples", "1000", "--page", str(page)]) == 0
    assert page.stat().st_size < 3_000_000
    data = recorded(page)
    assert data["batch"] == 1000
    assert any(value["shown"] != value["rect"] for value in data["steps"][0]["values"])
    assert data["steps"][0]["laboratory"] is None


def test_record_shows_a_step_of_a_run(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "step.html"
    assert main(["record", "--checkpoint", str(trained), "--digit", "7", "--page", str(page)]) == 0
    assert "∂L/∂W¹ = δ¹ᵀ x" in capsys.readouterr().out
    assert '"classes": ["0", "1"' in page.read_text()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--digit", "10"], "--digit must be from 0 to 9, got 10"),
        (["--lr", "0"], "--lr must be a number above 0, got 0.0"),
        (["--steps", "0"], "--steps must be at least 1, got 0"),
        (["--examples", "0"], "--examples must be from 1 to 1000, the test images, got 0"),
        (["--examples", "1001"], "--examples must be from 1 to 1000, the test images, got 1001"),
        (
            ["--digit", "7", "--examples", "101"],
            "--examples must be from 1 to 100, the test images of class 7, got 101",
        ),
    ],
)
def test_record_refuses_what_cannot_be_meant(
    arguments: list[str], says: str, trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["record", "--checkpoint", str(trained), *arguments]) == 2
    assert says in capsys.readouterr().err
