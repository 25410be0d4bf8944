"""Arguments that are not given are found by trying, for every form of a derivation, and said."""

import inspect
import json
from pathlib import Path

import pytest

from manual_backprop.cli import main
from tests.verify.files.test_listed import lines_of
from tests.verify.forms import objects

pytestmark = pytest.mark.usefixtures("forked")
FILE = """
import numpy as np

def affine_forward(x, w, b):
    return x @ w + b, (x, w, b)

def affine_backward(dout, cache):
    x, w, b = cache
    return dout @ w.T, x.T @ dout, dout.sum(axis=1)

def norm_forward(x, gamma, beta, mode):
    if mode == "test":
        return x * gamma + beta, None
    if mode != "train":
        raise ValueError(mode)
    std = np.sqrt(x.var(axis=0) + 1e-5)
    xhat = (x - x.mean(axis=0)) / std
    return gamma * xhat + beta, (xhat, std, gamma)

def norm_backward(dout, cache):
    xhat, std, gamma = cache
    d = dout * gamma
    dx = (d - d.mean(0) - xhat * (d * xhat).mean(0)) / std
    return dx, (dout * xhat).sum(0), dout.sum(0)

def softmax_loss(x, y):
    p = np.exp(x - x.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    rows = np.arange(len(x))
    loss = -np.log(p[rows, y]).mean()
    dx = p.copy()
    dx[rows, y] -= 1
    return loss, dx / len(x)

class Affine:
    def __init__(self, in_features, out_features):
        self.W = np.ones((in_features, out_features))
        self.b = np.zeros(out_features)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.dW = self.x.T @ dout
        self.db = dout.sum(0)
        return dout @ self.W.T

class Net:
    def __init__(self, input_dim=3 * 32 * 32, hidden_dim=100, num_classes=10, scale=1e-3):
        self.params = {
            "W1": scale * np.ones((input_dim, hidden_dim)), "W2": scale * np.ones((hidden_dim, num_classes))
        }

    def loss(self, X, y=None):
        h = np.tanh(X @ self.params["W1"])
        scores = h @ self.params["W2"]
        if y is None:
            return scores
        loss, d = softmax_loss(scores, y)
        dh = d @ self.params["W2"].T * (1 - h ** 2)
        return loss, {"W1": X.T @ dh, "W2": h.T @ d}

class Sized:
    def __init__(self, activation):
        self.activation = activation.name

    def forward(self, x): return x
    def backward(self, dout): return dout

def unfit(x): return x @ missing
def unfit_backward(dout, x): return dout
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "layers.py").write_text(FILE)
    monkeypatch.chdir(tmp_path)


def test_each_form_is_judged_without_a_shape_being_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "layers.py"]) == 1
    captured = capsys.readouterr()
    said = lines_of(captured.out)
    assert captured.err == ""
    assert said["affine_backward"] == "WRONG   db: expected shape (7,), got (5,)"
    assert said["norm_backward"] == (
        'right   With x (5, 3), gamma (3,), beta (3,), mode "train", found by trying.'
    )
    assert said["softmax_loss"] == "right   With x (5, 3), y 5 integers below 3, found by trying."
    assert said["Affine"] == (
        "right   With Affine(in_features=3, out_features=5). With x (5, 3), found by trying."
    )
    assert said["Net"].startswith(
        "right   With Net(input_dim=3, hidden_dim=5, num_classes=4). With X (5, 3), y 5 integers below "
    )
    assert said["Sized"] == (
        "could not be judged: Sized could not be made with arguments that were found: name an object of it"
    )
    assert said["unfit_backward"] == (
        "could not be judged: no shapes were found that fit: the forward raises NameError: name 'missing' is "
        "not defined (layers.py:71, in unfit: def unfit(x): return x @ missing); "
        'give one for each input, such as --shapes "(5,3) (7,3) (7,)"'
    )
    assert "With x (5, 3), w (3, 7), b (7,), found by trying." in captured.out


LOSSES = """
import numpy as np

def mse_loss(w, X, y): return np.mean((X @ w - y) ** 2)
def mse_loss_grad(w, X, y): return 2 * X.T @ (X @ w - y) / len(y)

def nll(mu, log_sigma, x): return np.sum(log_sigma + (x - mu) ** 2 * np.exp(-2 * log_sigma) / 2)
def nll_grad(mu, log_sigma, x):
    r = (x - mu) * np.exp(-log_sigma)
    return -np.sum(r) * np.exp(-log_sigma), np.sum(1 - r ** 2)

def compute_cost(x, y, w, b):
    cost = 0
    for i in range(len(x)):
        cost += (w * x[i] + b - y[i]) ** 2
    return cost / (2 * len(x))
def compute_gradient(x, y, w, b):
    e = w * x + b - y
    return np.mean(e * x), np.mean(e)

def sigmoid(x): return 1 / (1 + np.exp(-x))
def sigmoid_prime(a): return a * (1 - a)

class Net:
    def __init__(self, D=4, C=3): self.params = {"W": np.ones((D, C))}

    def loss(self, X, y=None):
        scores = X @ self.params["W"]
        if y is None:
            return scores
        d = scores - np.eye(scores.shape[1])[y]
        return 0.5 * np.sum(d ** 2), {"W": 2 * X.T @ d}

def pair_loss(U, V, user, i, j): return np.sum(np.sum(U[user] * (V[i] - V[j]), axis=-1))
def pair_loss_grad(U, V, user, i, j): return 0 * U, 0 * V
"""


def test_losses_are_judged_with_one_output_and_numbers_as_parameters_where_they_are_meant_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "losses.py").write_text(LOSSES)
    assert main(["verify", "losses.py"]) == 1
    said = lines_of(capsys.readouterr().out)
    assert said["mse_loss_grad"] == "right   With w (3,), X (5, 3), y (5,), found by trying."
    assert said["nll_grad"] == "right   With mu (), log_sigma (), x (5, 3), found by trying."
    assert said["compute_gradient"] == "right   With x (5,), y (5,), w (), b (), found by trying."
    assert said["sigmoid_prime"] == (
        "right   Judged as grad_output * sigmoid_prime(sigmoid(x)). With x (5, 3), found by trying."
    )
    assert said["Net"] == "WRONG   dW: Yours is the right one, × 2 (two)."
    assert said["pair_loss_grad"].startswith("WRONG   dU: Yours is zero")  # i and j are not the same


def test_the_objects_of_a_file_are_judged_without_a_shape_being_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "objects.py").write_text(inspect.getsource(objects))
    assert main(["verify", "objects.py"]) == 0
    said = lines_of(capsys.readouterr().out)
    classes = [n for n, value in vars(objects).items() if isinstance(value, type) and n != "Any"]
    assert [*said] == classes
    assert {line.partition(" ")[0] for line in said.values()} == {"right"}


@pytest.mark.parametrize(
    ("name", "shapes", "options"),
    [
        ("norm_backward", "x=(4,3) gamma=(3,) beta=(3,) mode='train'", []),
        ("norm_backward", "(4,3) (3,) (3,) 'train'", []),
        ("norm_backward", "(4,3) (3,) (3,) mode=train", ["--cache"]),
        ("norm_backward", "mode=test x=(4,3) gamma=(3,) beta=(3,)", []),
        ("softmax_loss", "(6,3) (6,)<3", []),
        ("Net", "X=(6,3) y=(6,)<4", []),
    ],
)
def test_arguments_are_given_by_position_and_by_name(
    name: str, shapes: str, options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["verify", f"layers.py:{name}", "--shapes", shapes, "--json", *options])
    report = json.loads(capsys.readouterr().out)
    is_test = shapes.startswith("mode=test")  # its cache is None, which the backward cannot unpack
    assert report["status"] == ("malformed" if is_test else "right")
    assert code == is_test
    assert "found by trying" not in report["remark"]


def test_arguments_by_name_are_for_the_forwards_that_have_them(capsys: pytest.CaptureFixture[str]) -> None:
    names = [f"layers.py:{name}" for name in ("affine_backward", "norm_backward")]
    shapes = "x=(4,3) w=(3,2) b=(2,) gamma=(3,) beta=(3,)"
    assert main(["verify", *names, "--shapes", shapes]) == 1
    said = lines_of(capsys.readouterr().out)
    assert said["affine_backward"] == "WRONG   db: expected shape (2,), got (4,)"
    assert said["norm_backward"].endswith('mode "train", found by trying.')  # they are not all that it needs


@pytest.mark.parametrize(
    ("shapes", "says"),
    [
        ("x=(4,3) x=(3,)", "invalid --shapes: x is given twice"),
        ("(4,3) x=(3,)", "invalid --shapes: x is given twice, by its position too"),
        ("x=(4,3) mode='train", "invalid --shapes: expected a shape such as (5,3), a number, 'a string'"),
        ("x=5", "invalid --shapes: expected a list of shapes"),
    ],
)
def test_arguments_that_are_none_are_told_in_a_line(
    shapes: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", "layers.py:affine_backward", "--shapes", shapes]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert says in captured.err
