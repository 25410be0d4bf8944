"""What `verify` says in words, of what cannot be judged, and from the shell."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import manual_backprop
import manual_backprop.functional as F
from manual_backprop import verify
from manual_backprop.cli import main
from manual_backprop.verify.reporting.pictures import STEPS, errors_by_step
from tests.verify.gallery.functions import linear

LINEAR = [(5, 3), (7, 3), (7,)]
DERIVATION = """
def forward(x, weight, bias):
    return x @ weight.T + bias

def backward(grad_output, x, weight, bias):
    return grad_output @ weight, grad_output.T @ x, grad_output.sum(1)
"""


def wrong_bias(grad_output: Tensor, x: Tensor, W: Tensor, b: Tensor) -> tuple[Tensor, ...]:
    return grad_output @ W, grad_output.T @ x, grad_output.sum(1)


def test_the_report_says_in_words_what_is_wrong_and_what_would_be_right() -> None:
    text = str(verify(linear, wrong_bias, shapes=LINEAR))
    assert "∂L/∂x        right" in text
    assert "∂L/∂W        right" in text
    assert "∂L/∂b        WRONG    expected shape (7,), got (5,)" in text
    assert "summed over dimension 1; summed over 0 it is exactly" in text
    assert max(map(len, text.splitlines())) <= 80


def test_what_is_due_is_a_line_of_the_right_backward_where_grad_output_was_merely_scaled() -> None:
    def backward(grad_output: Tensor, x: Tensor) -> Tensor:
        return grad_output * (1 - 1 / len(x))

    (verdict,) = verify(lambda x: x - x.mean(0), backward, shapes=[(5, 3)]).verdicts
    assert "return grad_output * (1 - 1 / len(x))" in verdict.departure
    assert verdict.departure.endswith("due is grad_output - grad_output.sum(0) / 5")


def test_the_diagnosis_is_in_the_failure_of_an_assertion() -> None:
    report = verify(linear, wrong_bias, shapes=LINEAR)
    assert not report
    assert "summed over dimension 1" in repr(report)


def test_the_report_is_json_with_the_names_of_its_fields() -> None:
    content = json.loads(verify(linear, wrong_bias, shapes=LINEAR).to_json())
    assert [verdict["status"] for verdict in content["verdicts"]] == ["right", "right", "malformed"]
    assert content["verdicts"][2]["diagnoses"][0]["name"] == "wrong-dimension"
    assert content["oracles"] == ["autograd", "central differences", "complex step", "the adjoint identity"]


def test_it_says_whether_an_upstream_gradient_of_ones_would_have_hidden_the_mistake() -> None:
    sigma = torch.sigmoid
    ignored = verify(sigma, lambda g, x: sigma(x) * (1 - sigma(x)), shapes=[(5, 3)])
    assert ignored.verdicts[0].passes_with_ones
    assert "An upstream gradient of ones would have hidden this." in str(ignored)
    zeros = verify(lambda x: x.softmax(1), lambda g, x: torch.zeros_like(x), shapes=[(5, 3)])
    assert zeros.verdicts[0].passes_with_ones


def test_a_name_that_is_not_the_only_one_is_not_certain() -> None:
    report = verify(lambda x: 2 * x, lambda g, x: g, shapes=[(5, 3)])
    diagnoses = report.verdicts[0].diagnoses
    assert [d.name for d in diagnoses] == ["local-derivative", "factor"]
    assert not any(d.certain for d in diagnoses)
    assert "Consistent with" in str(report)


def test_a_forgotten_epsilon_is_not_taken_for_float32() -> None:
    def forward(x: Tensor) -> Tensor:
        return x / (x.square().sum() + 1e-4).sqrt()

    def backward(g: Tensor, x: Tensor) -> Tensor:
        norm = x.square().sum().sqrt()
        return g / norm - x * (g * x).sum() / norm**3

    (verdict,) = verify(forward, backward, shapes=[(5, 3)]).verdicts
    assert verdict.status == "wrong"
    assert verdict.diagnoses[0].name == "forward-option"
    assert "0 in place of 0.0001" in verdict.diagnoses[0].text


def test_what_nothing_explains_stays_unnamed_and_says_where_it_is() -> None:
    def backward(g: Tensor, x: Tensor) -> Tensor:
        grad = g * x.exp()
        grad[2] = grad[2].flip(0)
        return grad

    report = verify(torch.exp, backward, shapes=[(5, 3)])
    assert report.verdicts[0].diagnoses == ()
    assert "The error grows × 2 when grad_output doubles" in " ".join(str(report).split())
    assert "Wrong only at [2] of dimension 0 (size 5)" in str(report)
    assert "No known mistake explains it." in str(report)


@pytest.mark.parametrize(
    ("backward", "message"),
    [
        (lambda g, x: None, "None, but this input has a gradient"),
        (lambda g, x: 1.0, "expected a Tensor, got float"),
        (lambda g, x: (g, g), "returns 2 gradients for 1 inputs (x)"),
        (lambda g, x: g @ g, "raises RuntimeError"),
        (lambda g: g, "raises TypeError"),
        (lambda g, x: g * float("nan"), "yours is nan at [0, 0]"),
        (lambda g, x: g[0], "expected shape (5, 3), got (3,)"),
        (lambda g, x: g + 0j, "complex128, but the input is torch.float64"),
    ],
)
def test_what_is_no_gradient_is_told_apart_from_a_wrong_one(backward: Any, message: str) -> None:
    def forward(x: Tensor) -> Tensor:
        return 3 * x

    report = verify(forward, backward, shapes=[(5, 3)])
    assert report.status == "malformed"
    assert report.exit_code == 1
    assert message in " ".join(str(report).split())


@pytest.mark.parametrize(
    ("forward", "message"),
    [
        (lambda x: x * x.detach(), "does the forward detach something"),
        (lambda x: x + torch.randn_like(x), "returns a different value each time"),
        (lambda x: (x * 4).round() * x, "jumps|detach|kink"),
    ],
)
def test_when_the_oracles_disagree_the_derivation_is_not_blamed(forward: Any, message: str) -> None:
    report = verify(forward, lambda g, x: g, shapes=[(5, 3)])
    if report.status == "unjudged":
        assert report.exit_code == 3
        assert any(part in str(report).replace("\n", " ") for part in message.split("|"))
    else:
        assert "jumps" in message  # no step crossed a jump: then autograd is right


@pytest.mark.parametrize(
    ("forward", "message"),
    [
        (lambda x: x.add_(1), "the forward modifies its input x in place"),
        (lambda x: {"x": x}, "the forward must return one floating-point Tensor, got dict"),
        (lambda x: x.argmax(1), "the forward must return one floating-point Tensor, got torch.int64"),
        (lambda x: x / 0, "the forward's output is inf at [0, 0]"),
        (lambda x: x @ x, "the forward raises RuntimeError"),
        (lambda x: x.detach(), "no differentiable step leads"),
    ],
)
def test_a_forward_that_cannot_be_judged_is_told_so(forward: Any, message: str) -> None:
    report = verify(forward, lambda g, x: g, shapes=[(5, 3)])
    assert report.exit_code == 3
    assert message in " ".join(str(report).replace("-inf", "inf").split())


class SigmoidWithAPlus(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, z: Tensor) -> Tensor:
        a = z.sigmoid()
        ctx.save_for_backward(a)
        return a

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Tensor:
        (a,) = ctx.saved_tensors
        return grad_output * a * (1 + a)


def test_an_autograd_function_is_judged_against_its_reference() -> None:
    (verdict,) = verify(SigmoidWithAPlus, against=torch.sigmoid, shapes=[(5, 3)]).verdicts
    assert verdict.name == "z"
    assert verdict.status == "wrong"
    assert verdict.diagnoses[0].name == "term-sign"


def network(library: Any, dtype: torch.dtype = torch.float64) -> torch.nn.Sequential:
    return torch.nn.Sequential(library.Linear(7, 5), library.ReLU(), library.Linear(5, 3)).to(dtype)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_every_parameter_of_a_model_with_its_loss_is_judged(dtype: torch.dtype) -> None:
    images, labels = torch.randn(11, 7, dtype=dtype), torch.arange(11) % 3
    ours = network(manual_backprop.nn, dtype), F.cross_entropy
    twin = network(torch.nn, dtype), torch.nn.functional.cross_entropy
    report = verify(ours, against=twin, inputs=[images, labels])
    assert report
    assert [v.name for v in report.verdicts] == ["input", "0.weight", "0.bias", "2.weight", "2.bias"]


def test_a_model_with_a_wrong_operation_is_wrong_below_it_and_right_above() -> None:
    class WrongSigmoid(torch.nn.Module):
        def forward(self, z: Tensor) -> Tensor:
            return SigmoidWithAPlus.apply(z)  # type: ignore[no-any-return]

    ours, twin = network(torch.nn), network(torch.nn)
    ours[1], twin[1] = WrongSigmoid(), torch.nn.Sigmoid()
    report = verify(ours, against=twin, shapes=[(11, 7)])
    status = {verdict.name: verdict.status for verdict in report.verdicts}
    assert status == {
        "input": "wrong",
        "0.weight": "wrong",
        "0.bias": "wrong",
        "2.weight": "right",
        "2.bias": "right",
    }


def test_models_with_other_parameters_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="have different parameters"):
        verify(network(torch.nn), against=torch.nn.Linear(7, 3), shapes=[(11, 7)])


def test_the_pictures_are_of_all_that_was_judged(tmp_path: Path) -> None:
    report = verify(linear, wrong_bias, shapes=LINEAR)
    report.plot(tmp_path / "report.png")
    assert (tmp_path / "report.png").stat().st_size > 10_000
    assert len(report.plot().axes) > 5
    assert {type(report.plot(tmp_path / f"a.{kind}")) for kind in ("svg", "pdf")} == {type(None)}
    with pytest.raises(OSError, match=r"No such file or directory: .*nowhere"):
        report.plot(tmp_path / "nowhere" / "report.png")
    with pytest.raises(ValueError, match="Format 'xyz' is not supported"):
        report.plot(tmp_path / "report.xyz")
    with pytest.raises(ValueError, match="nothing to plot"):
        verify(lambda x: x.detach(), lambda g, x: g, shapes=[(3,)]).plot(tmp_path / "none.png")


def test_differences_are_exact_to_the_square_of_the_step_until_rounding_and_never_on_a_kink() -> None:
    report = verify(torch.relu, lambda g, x: g * (x > 0), shapes=[(5, 3)])
    assert report.evidence is not None
    curves = errors_by_step(report.evidence.problem, report.evidence.draw, 0)
    assert min(curves["float64"]) < 1e-12 < 1e-9 < min(curves["float32"])
    assert min(curves["float64, on a kink"]) > 0.01
    report = verify(torch.sin, lambda g, x: g * x.cos(), shapes=[(5, 3)])
    assert report.evidence is not None
    curves = errors_by_step(report.evidence.problem, report.evidence.draw, 0)
    steps = dict(zip(STEPS, curves["float64"], strict=True))
    by_square = [error / h**2 for h, error in steps.items() if 0.001 < h < 0.1]
    assert max(by_square) < 1.1 * min(by_square)
    assert max(curves["complex step"][:10]) < 1e-14
    assert "float64, on a kink" not in curves


def test_integer_inputs_are_passed_on_and_have_no_verdict() -> None:
    target = torch.tensor([0, 2, 1, 1, 0])
    report = verify(F.cross_entropy, against=torch.nn.functional.cross_entropy, shapes=[(5, 3), target])
    assert report
    assert [verdict.name for verdict in report.verdicts] == ["input"]


@pytest.mark.parametrize("frozen", [False, True])
def test_numbers_drawn_for_a_module_are_of_the_type_of_its_parameters(frozen: bool) -> None:
    ours, twin = network(manual_backprop.nn, torch.float32), network(torch.nn, torch.float32)
    for model in (ours, twin):
        model.requires_grad_(not frozen)
    if frozen:
        twin.load_state_dict(ours.state_dict())
    report = verify(ours, against=twin, shapes=[(11, 7)])
    assert report
    assert "roundings of float32" in " ".join(str(report).split())


def test_a_forward_that_raises_only_with_gradients_cannot_be_judged() -> None:
    def forward(x: Tensor) -> Tensor:
        return x.exp() if not torch.is_grad_enabled() else x.exp().requires_grad_(False)

    report = verify(forward, lambda g, x: g * x.exp(), shapes=[(5, 3)])
    assert "differentiated by autograd, raises RuntimeError" in " ".join(str(report).split())


@pytest.mark.usefixtures("forked")
def test_from_the_shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "derivation.py"
    file.write_text(DERIVATION)
    assert main(["verify", f"{file}:backward", "--against", "forward", "--shapes", "(5,3) (7,3) (7,)"]) == 1
    assert "summed over dimension 1" in capsys.readouterr().out
    file.write_text(DERIVATION.replace("sum(1)", "sum(0)"))
    assert main(["verify", f"{file}:backward", "--shapes", "(5,3) (7,3) (7,)", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["status"] == "right"
    assert main(["verify", "linear"]) == 0
    picture = tmp_path / "report.png"
    assert main(["verify", "sigmoid", "--plot", str(picture)]) == 0
    assert picture.exists()
    assert main(["verify", "sigmoid", "--plot", str(tmp_path / "missing" / "report.png")]) == 4


@pytest.mark.usefixtures("forked")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["verify", "{nothing_fits}:backward"],
            "no shapes were found that fit: the forward raises NameError",
        ),
        (["verify", "{file}:backward", "--shapes", "5x3"], "expected a list of shapes"),
        (["verify", "{file}:backward", "--shapes", "(5,-3)"], "expected a list of shapes"),
        (["verify", "{broken}:backward", "--shapes", "(5,3)"], "raises ZeroDivisionError"),
    ],
)
def test_from_the_shell_wrong_usage_is_one_line(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file.py").write_text(DERIVATION)
    (tmp_path / "broken.py").write_text("1 / 0")
    (tmp_path / "nothing_fits.py").write_text("def forward(x): return y\ndef backward(g, x): return g\n")
    places = {name: tmp_path / f"{name}.py" for name in ("file", "broken", "nothing_fits")}
    assert main([argument.format(**places) for argument in arguments]) == (
        3 if "raises Zero" in message else 2
    )
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert message in captured.err
