"""How pictures, recorded steps, reports and derivations are shown: as files, live in a notebook."""

import os
import pickle
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from manual_backprop import derive, nn, plots, record, verify
from manual_backprop import functional as F
from tests.training.forked import alone


def figure() -> Any:
    return plots.curves({"y": ([0.0, 1.0], [0.0, 1.0])}, title="", xlabel="", ylabel="")


def recording() -> Any:
    return record(nn.Linear(3, 2), torch.rand(5, 3), torch.zeros(5).long(), loss=F.cross_entropy)


def report() -> Any:
    return verify(torch.sin, lambda grad_output, x: -grad_output * x.cos(), shapes=[(5,)])


def derivation() -> Any:
    return derive(torch.tanh, shapes=[(5,)])


@pytest.mark.parametrize(
    ("thing", "name", "begins"),
    [
        (figure, "a.png", b"\x89PNG"),
        (recording, "a.html", b"<!DOCTYPE html>"),
        (report, "a.png", b"\x89PNG"),
        (derivation, "a.md", b"**Forward**"),
    ],
    ids=["figure", "recording", "report", "derivation"],
)
def test_a_script_leaves_a_file_and_says_where(
    thing: Any, name: str, begins: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plots.show(thing(), tmp_path / name)
    assert (tmp_path / name).read_bytes()[: len(begins)].lower() == begins.lower()
    said = capsys.readouterr().out
    assert f"(saved: {tmp_path / name})" in said
    assert ("∂L/∂x0" in said or "WRONG" in said) == (thing is report)
    assert ("backward, from" in said) == (thing is derivation)


def test_what_a_script_shows_is_written_over_no_file_of_the_readers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.png").write_text("mine")
    for name in ("a.png", "folder/b.png"):
        plots.show(figure(), name)
        saved = Path(capsys.readouterr().out.removeprefix("(saved: ").rstrip(")\n"))
        assert saved.parts[-len(Path(name).parts) :] == Path(name).parts
        assert saved.read_bytes().startswith(b"\x89PNG")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize("thing", [figure, recording, report, derivation])
def test_a_notebook_shows_it_and_leaves_no_file(
    thing: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[Any] = []
    notebook = SimpleNamespace(get_ipython=object, display=SimpleNamespace(display=shown.append))
    notebook.version_info = (9, 0)  # which matplotlib asks for
    monkeypatch.setitem(sys.modules, "IPython", notebook)
    plots.show(thing(), tmp_path / "file")
    assert list(tmp_path.iterdir()) == []
    (seen,) = shown
    if thing is figure:
        assert seen._repr_html_().startswith("<svg")
        assert seen._repr_png_().startswith(b"\x89PNG")
    elif thing is derivation:
        assert r"$\frac{\partial L}" in seen._repr_markdown_()
    else:
        assert seen._repr_html_().startswith("<iframe" if thing is recording else "<pre>")


@pytest.mark.parametrize("thing", [recording, report])
def test_a_plot_without_a_path_is_a_figure_that_a_notebook_shows(thing: Any) -> None:
    formatters = pytest.importorskip("IPython.core.formatters")
    drawn = thing().plot()
    content, _ = formatters.DisplayFormatter().format(drawn)
    assert content["image/png"].startswith(b"\x89PNG")
    assert isinstance(drawn, pytest.importorskip("matplotlib.figure").Figure)
    pickle.loads(pickle.dumps(drawn))


def test_a_report_in_a_notebook_colours_its_verdicts_and_holds_its_pictures() -> None:
    html = report()._repr_html_()
    assert '<b style="color:#D55E00">WRONG</b>' in html
    assert "<svg" in html


def test_no_name_in_a_report_can_run_script() -> None:
    def forward(x: torch.Tensor) -> torch.Tensor:
        raise ValueError("<script>alert(1)</script>")

    html = verify(forward, lambda grad_output, x: x, shapes=[(2,)])._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def drawn_under(backend: str, folder: Path) -> tuple[str, str, bytes]:
    """In a process that has not imported matplotlib: what the user finds of their backend, and a picture."""
    assert "matplotlib" not in sys.modules
    os.environ["MPLBACKEND"] = backend
    file = folder / "a.png"
    plots.heat_map([[1.0, 2.0]], ["a"], ["b", "c"], title="", label="", log=True).savefig(file)
    return (
        os.environ["MPLBACKEND"],
        str(sys.modules["matplotlib"].rcParams._get("backend")),
        file.read_bytes(),
    )


@pytest.mark.parametrize(
    ("backend", "there"),
    [
        ("svg", True),
        ("tkagg", True),
        ("module://nowhere", True),  # it is looked for when a window is to be opened
        ("nonsense", False),
        ("", False),
    ],
)
def test_no_backend_is_needed_and_the_users_is_left_alone(backend: str, there: bool, tmp_path: Path) -> None:
    variable, chosen, picture = alone(drawn_under, backend, tmp_path)
    assert variable == backend
    assert (chosen == backend) is there
    assert picture.startswith(b"\x89PNG")


def test_a_command_draws_whatever_backend_it_inherits(tmp_path: Path) -> None:
    """As a notebook sets it, say, for all that it starts; the file of a derivation may draw too."""
    file = tmp_path / "d.py"
    file.write_text(
        "import matplotlib.pyplot\ndef forward(x): return 2 * x\ndef backward(g, x): return 2 * g\n"
    )
    picture = tmp_path / "report.png"
    command = [sys.executable, "-m", "manual_backprop", "verify", f"{file}:backward", "--shapes", "(5,)"]
    environment = {**os.environ, "MPLBACKEND": "nonsense"}
    done = subprocess.run(
        [*command, "--plot", str(picture)], env=environment, capture_output=True, timeout=120
    )
    assert (done.returncode, done.stderr) == (0, b""), done.stdout
    assert picture.read_bytes().startswith(b"\x89PNG")
