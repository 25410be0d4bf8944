"""A derivation's file may do whatever a program can: the command says what, in one line, and goes on."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from manual_backprop import verify
from manual_backprop.cli import main
from manual_backprop.derive.command_line import isolated_process
from manual_backprop.derive.command_line.isolated_process import MOST_LINES, _place_in
from manual_backprop.derive.command_line.messages import LONGEST_MESSAGE, words_of

pytestmark = pytest.mark.usefixtures("forked")
LIMITS = ("0.5", "4", "16", "64")  # seconds: on a loaded machine it takes longer to come to the line
FORWARD = "import torch\n\ndef forward(x):\n    return 2 * x\n\n"
RIGHT = FORWARD + "def backward(g, x):\n    return 2 * g\n"


def judge(tmp_path: Path, text: str, *options: str, name: str = "derivation.py") -> int:
    file = tmp_path / name
    file.write_text(text)
    return main(["verify", f"{file}:backward", "--shapes", "(5,3)", *options])


def backward(body: str) -> str:
    return f"{FORWARD}def backward(g, x):\n    {body}\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("def backward(:\n", "SyntaxError"),
        ("import a_module_that_is_not_there\n", "ModuleNotFoundError: No module named 'a_module_that_is_not"),
        ("open('/nowhere/at/all')\n", "raises FileNotFoundError"),
        ("\n\nraise SystemExit(0)\n", "raises SystemExit: 0 (line 3)"),
        ("raise KeyboardInterrupt\n", "raises KeyboardInterrupt"),
        ("input()\n", "raises EOFError"),
        ("raise ValueError('x' * 10**7)\n", "raises ValueError: xxx"),
        (r"raise ValueError('a\n\x1b[31m\ud800b')", "raises ValueError: a [31m b"),
        ("import os\nos._exit(0)\n", "ends the process that runs it (exit code 0)"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n", "(SIGKILL)"),
        (
            backward("class Stop(BaseException): pass\n    raise Stop('now')"),
            "raises Stop: now (line 8, in back",
        ),
        (backward("raise KeyboardInterrupt"), "raises KeyboardInterrupt (line 7, in backward)"),
        ("x = " + "(" * 10_000, "raises"),
        ("\0", "raises"),
    ],
)
def test_what_a_file_does_instead_is_one_line(
    text: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert judge(tmp_path, text) == 3
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert len(captured.err) < 1000
    assert captured.err.startswith("manual-backprop verify: error: ")
    assert says in captured.err


def test_a_backward_that_leaves_is_judged_as_one_that_raises(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert judge(tmp_path, backward("raise SystemExit(0)")) == 1
    assert "your derivation raises SystemExit: 0" in capsys.readouterr().out


def forward(body: str) -> str:
    return f"def forward(x):\n    {body}\n\ndef backward(g, x):\n    return g\n"


SWALLOWS = "while True:\n        try:\n            pass\n        except BaseException: pass"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("\nwhile True:\n    pass\n", r", line [23]: "),
        (forward("while True: x = x + 0"), r", line 2, in forward: "),
        (forward("import time; time.sleep(1000)"), r", line 2, in forward: "),
        (forward("sum(range(10**14))"), r", line 2, in forward: "),  # one call that keeps the lock
        (forward(SWALLOWS), r", line [2-5], in forward: "),
        (backward("while True: pass"), r", line 7, in backward: "),  # the forward is judged before
    ],
)
def test_what_hangs_is_named_with_its_line(
    text: str, place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = re.escape(str(tmp_path / "dérivation.py"))

    def named_within(limit: str) -> bool:
        assert judge(tmp_path, text, "--time-limit", limit, name="dérivation.py") == 3
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.count("\n") == 1
        assert f"still running after {limit} s (--time-limit)" in captured.err
        return re.search(rf"{file}{place}still running", captured.err) is not None

    assert any(named_within(limit) for limit in LIMITS)


def test_a_file_that_stops_the_watch_is_ended_all_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(isolated_process, "STARTING", 0.5)
    stops_the_watch = "import faulthandler\nfaulthandler.cancel_dump_traceback_later()\n"
    text = stops_the_watch + "open('stopped', 'w')\nwhile True: pass\n"
    monkeypatch.chdir(tmp_path)

    def ended_without_the_watch(limit: str) -> bool:
        assert judge(tmp_path, text, "--time-limit", limit) == 3
        ended = f"derivation.py: still running after {limit} s" in capsys.readouterr().err
        return ended and (tmp_path / "stopped").exists()

    assert any(ended_without_the_watch(limit) for limit in LIMITS)


def test_ctrl_c_stops_the_file_too(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    (tmp_path / "derivation.py").write_text(
        f"import os, time\nopen({str(pid)!r}, 'w').write(str(os.getpid()))\nwhile True: time.sleep(1)\n"
    )
    arguments = ["verify", f"{tmp_path}/derivation.py:backward", "--shapes", "(5,3)", "--time-limit", "600"]
    process = subprocess.Popen(
        [sys.executable, "-m", "manual_backprop", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell starts what runs in its background with Ctrl-C ignored, and that is inherited.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while not pid.exists() or not pid.read_text():
        assert process.poll() is None
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert (process.returncode, out, err) == (130, "", "Stopped.\n")
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


def test_the_innermost_line_of_the_main_thread_is_named() -> None:
    stack = (
        "Timeout (0:00:01)!\nThread 0x1 (most recent call first):\n"
        '  File "a.py", line 3 in worker\n\n'
        "Thread 0x2 (most recent call first):\n"
        '  File "torch/x.py", line 9 in f\n'
        '  File "a.py", line 7 in backward\n'
        '  File "a.py", line 1 in <module>\n'
    )
    assert _place_in(stack, Path("a.py")) == ", line 7, in backward"
    assert _place_in(stack, Path("b.py")) == ""


@pytest.mark.parametrize("limit", ["0", "-1", "nan", "inf", "1e9"])
def test_a_time_limit_that_is_none_is_refused(
    limit: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert judge(tmp_path, RIGHT, "--time-limit", limit) == 2
    assert "--time-limit must be above 0" in capsys.readouterr().err


@pytest.mark.parametrize("how", ["print('y' * 100)", "__import__('os').write(2, b'y' * 100 + b'\\n')"])
def test_what_a_file_prints_does_not_drown_the_report(
    how: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    body = (
        f"for _ in range(2_000): {how}"
        if how.startswith("print")
        else f"for _ in range(2_000):\n        {how}"
    )
    assert judge(tmp_path, backward(f"{body}\n    return 2 * g")) == 0
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert len(lines) < MOST_LINES + 10
    assert lines[0] == "y" * 100
    assert "bytes were printed)" in captured.out
    assert "∂L/∂x        right" in captured.out
    assert captured.err == ""


def test_the_json_is_only_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert judge(tmp_path, RIGHT + "print('hello\\x1b[31m')\n", "--json") == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["status"] == "right"
    assert captured.err == "hello [31m\n"


def test_threads_exit_handlers_and_children_do_not_keep_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lingering = (
        "import atexit, subprocess, threading, time\n"
        "atexit.register(time.sleep, 1000)\n"
        "threading.Thread(target=time.sleep, args=(1000,)).start()\n"
        "subprocess.Popen(['sleep', '1000'])\n"
    )
    started = time.monotonic()
    assert judge(tmp_path, lingering + RIGHT, "--time-limit", "2000") == 0
    assert time.monotonic() - started < 1000
    assert "right" in capsys.readouterr().out


def test_a_report_and_its_pictures_come_from_the_other_process(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "report.png"
    assert judge(tmp_path, RIGHT, "--plot", str(picture)) == 0
    assert picture.stat().st_size > 10_000
    capsys.readouterr()
    assert judge(tmp_path, RIGHT, "--plot", str(tmp_path / "nowhere" / "report.png")) == 4
    captured = capsys.readouterr()
    assert "right" in captured.out
    assert captured.err.count("\n") == 1


def test_a_module_beside_the_caller_does_not_replace_one_of_python(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("open('executed', 'w')\n")
    (tmp_path / "derivation.py").write_text(RIGHT)
    command = (
        "import sys; sys.path = [p for p in sys.path if p]; from manual_backprop.cli import main; main()"
    )
    arguments = ["verify", "derivation.py:backward", "--shapes", "(5,3)"]
    done = subprocess.run(
        [sys.executable, "-P", "-c", command, *arguments], cwd=tmp_path, capture_output=True, text=True
    )
    assert "right" in done.stdout, done.stderr
    assert not (tmp_path / "executed").exists()


class UnreadableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    ("error", "due"),
    [
        (UnreadableError(), "UnreadableError: its message cannot be read"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
        (ValueError("a\nb\t\x00c"), "ValueError: a b c"),
        (ValueError("x" * 10**6), f"ValueError: {'x' * LONGEST_MESSAGE}…"),
    ],
)
def test_what_was_raised_is_said_in_one_short_line(error: BaseException, due: str) -> None:
    assert words_of(error) == due


def test_nothing_in_a_report_is_markup_in_a_notebook() -> None:
    def raises(g: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        raise ValueError("</pre><script>alert(1)</script><img src=x onerror=alert(1)>")

    html = verify(torch.exp, raises, shapes=[(3,)])._repr_html_()
    assert "&lt;script&gt;" in html
    assert "<script" not in html
    assert "<img src=x" not in html
