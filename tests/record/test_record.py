"""A recorded step is the step: its numbers are autograd's, its sums add up, and the model stays as it was."""

import copy
import re
from collections.abc import Callable
from itertools import combinations, pairwise
from pathlib import Path

import pytest
import torch

from manual_backprop import functional as F
from manual_backprop import nn, record
from manual_backprop.record.call import Call, Value
from manual_backprop.record.figure import figure


def network(*sizes: int, activation: type[torch.nn.Module] = nn.ReLU) -> torch.nn.Sequential:
    torch.manual_seed(0)
    layers: list[torch.nn.Module] = []
    for features_in, features_out in pairwise(sizes):
        layers += [nn.Linear(features_in, features_out, dtype=torch.float64), activation()]
    return torch.nn.Sequential(*layers[:-1])


IMAGES = torch.randn(7, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
LABELS = torch.tensor([0, 1, 2, 0, 1, 2, 0])
WEIGHT = torch.ones((), dtype=torch.float64, requires_grad=True)


@pytest.mark.parametrize("activation", [nn.ReLU, nn.Sigmoid, nn.Tanh, torch.nn.ReLU])
@pytest.mark.parametrize("loss", [F.cross_entropy, torch.nn.functional.cross_entropy])
def test_every_gradient_is_autograds(
    activation: type[torch.nn.Module], loss: Callable[..., torch.Tensor]
) -> None:
    model = network(5, 11, 3, activation=activation)
    step = record(model, IMAGES, LABELS, loss=loss)
    twin = copy.deepcopy(model)
    torch.nn.functional.cross_entropy(twin(IMAGES), LABELS).backward()
    for name, parameter in twin.named_parameters():
        torch.testing.assert_close(step.value(name).gradient, parameter.grad, msg=name)
    assert [call.operation for call in step.calls][::2] == ["linear", "linear"]


def test_a_linear_layers_gradients_are_the_products_of_what_was_recorded() -> None:
    step = record(network(5, 11, 3), IMAGES, LABELS, loss=F.cross_entropy)
    z1, a1, z2 = (step.value(symbol) for symbol in ("z¹", "a¹", "z²"))
    torch.testing.assert_close(step.value("W²").gradient, z2.gradient.T @ a1.tensor)
    torch.testing.assert_close(a1.gradient, z2.gradient @ step.value("W²").tensor)
    torch.testing.assert_close(z1.gradient, a1.gradient * step.calls[1].local_derivative())
    assert step.calls[1].line() == "a¹ = max(0, z¹)"
    assert step.calls[2].backward_line(1) == "∂L/∂W² = δ²ᵀ a¹"


@pytest.mark.parametrize("loss", [F.cross_entropy, torch.nn.functional.cross_entropy])
def test_hand_written_operations_are_set_beside_their_twins(loss: Callable[..., torch.Tensor]) -> None:
    step = record(network(5, 11, 3), IMAGES, LABELS, loss=loss)
    assert all(call.by_hand and call.ulps and max(call.ulps.values()) < 8 for call in step.calls)
    assert all(parameter.ulps is not None for parameter in step.parameters)


def test_the_update_and_the_loss_after_it_are_what_a_step_does() -> None:
    model = network(5, 11, 3)
    step = record(model, IMAGES, LABELS, loss=F.cross_entropy, lr=0.3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.3)
    F.cross_entropy(model(IMAGES), LABELS).backward()
    optimizer.step()
    for parameter, after in zip(step.parameters, model.parameters(), strict=True):
        torch.testing.assert_close(parameter.after, after.detach())
    assert step.loss_after == pytest.approx(F.cross_entropy(model(IMAGES), LABELS).item(), rel=1e-12)


def test_the_model_stays_as_it_was() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(5, 4), torch.nn.BatchNorm1d(4), torch.nn.Dropout(0.5))
    before, random = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    record(model, IMAGES.float(), LABELS, loss=F.cross_entropy, steps=3)
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name]), name
    assert all(p.grad is None for p in model.parameters())
    assert torch.equal(torch.get_rng_state(), random)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def test_several_steps_are_gradient_descent() -> None:
    recording = record(network(5, 11, 3), IMAGES, LABELS, loss=F.cross_entropy, lr=0.5, steps=4)
    for step, following in zip(recording.steps, recording.steps[1:], strict=False):
        assert following.loss == pytest.approx(step.loss_after, rel=1e-12)


def test_the_gradients_of_a_tensor_used_twice_add_up() -> None:
    step = record(lambda a: (a * a) * a, 3.0)
    a = step.value("a")
    assert float(a.gradient) == 27
    assert sorted(
        float(g) for call in step.calls for at, g in call.gradients.items() if call.inputs[at] is a
    ) == [9, 9, 9]
    assert "= 27: used 3 times" in step.table(80)


def test_norms_are_not_said_to_add_up() -> None:
    step = record(lambda x: (x * x).sum() + x.sum(), torch.tensor([3.0, 4.0], requires_grad=True))
    (line,) = [line for line in step.table(80).splitlines() if line.endswith("used 3 times")]
    assert line == "∂L/∂x: ‖11.4‖, of ‖5‖ (from 1), ‖5‖ (from 1), ‖1.41‖ (from 3): used 3 times"


def test_an_operation_visited_too_early_loses_gradients() -> None:
    def doubled_twice(a: torch.Tensor) -> torch.Tensor:
        b = a + a
        return b + b

    step = record(doubled_twice, 1.0)
    assert float(step.value("a").gradient) == 4
    assert float(step.early["a"]) == 2
    assert not record(lambda x, y: 2 * (x + y), 3.0, 4.0).early


def test_xor_and_one_neuron_are_recorded_to_single_numbers() -> None:
    step = record(lambda w, b: (F.sigmoid(w + b) - 1) ** 2, 0.3, -0.1)
    s = 1 / (1 + torch.tensor(-0.2, dtype=torch.float64).exp())
    assert float(step.value("w").gradient) == pytest.approx((2 * (s - 1) * s * (1 - s)).item())


def test_what_is_overwritten_in_place_keeps_its_numbers() -> None:
    model = torch.nn.Sequential(nn.Linear(5, 4), nn.ReLU(inplace=True), nn.Linear(4, 3))
    step = record(model, IMAGES.float(), LABELS, loss=F.cross_entropy)
    assert bool((step.value("z¹").tensor < 0).any())
    assert torch.equal(step.value("a¹").tensor, step.value("z¹").tensor.clamp(min=0))


def test_overwriting_by_any_name_keeps_the_numbers_and_the_gradients() -> None:
    def model(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        h = x * w
        h += x  # by an operator
        h = torch.nn.functional.hardswish(h, True)  # by position
        return (h * h).sum()

    x, w = IMAGES[:2].clone(), IMAGES[2:4].clone().requires_grad_()
    step = record(model, x, w)
    (due,) = torch.autograd.grad(model(x, w), w)
    torch.testing.assert_close(step.value("w").gradient, due)
    assert all(call.by_hand and call.gradients for call in step.calls)
    found = {call.operation: call.output.tensor for call in reversed(step.calls)}  # the first of each name
    torch.testing.assert_close(found["mul"], x * w.detach())
    torch.testing.assert_close(found["update"], x * w.detach() + x)
    torch.testing.assert_close(found["hardswish"], torch.nn.functional.hardswish(found["update"]))


def test_an_operation_without_a_hand_written_backward_is_recorded_too() -> None:
    step = record(lambda x: torch.special.erfcx(x).sum(), IMAGES.clone().requires_grad_())
    assert [(call.operation, call.by_hand) for call in step.calls] == [
        ("special_erfcx", False),
        ("sum", True),
    ]
    assert step.calls[0].gradients[0].shape == IMAGES.shape
    assert "built in" in step.table(80)


def test_a_built_in_operation_is_not_given_the_line_of_another_order_of_arguments() -> None:
    def symbol(name: str) -> Value:
        return Value(name, "", "intermediate", torch.zeros(5))

    norm = Call("", "layer_norm", False, (symbol("x"), (5,), symbol("w")), [symbol("y")])
    assert norm.line() == "y = layer_norm(x, w)"
    assert norm.backward_line(1) == "∂L/∂w = layer_norm′(∂L/∂y)"


class Double(torch.autograd.Function):
    @staticmethod
    def forward(ctx: object, x: torch.Tensor) -> torch.Tensor:
        return 2 * x

    @staticmethod
    def backward(ctx: object, grad_output: torch.Tensor) -> torch.Tensor:
        return 2 * grad_output


def test_a_function_that_nothing_is_known_of_does_not_stop_the_recording() -> None:
    step = record(lambda x: Double.apply((x * x).sum()), IMAGES.clone().requires_grad_())
    torch.testing.assert_close(step.value("x").gradient, 4 * IMAGES)
    assert step.value("L").tensor == 2 * IMAGES.square().sum()
    step.table(80)
    step.html()


class States(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = torch.nn.LSTM(5, 3, dtype=torch.float64)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        output, (h, c) = self.lstm(x)
        return (output**2).sum() + h.sum() + c.exp().sum()


def test_each_output_of_an_operation_has_its_gradient() -> None:
    lstm = record(States(), IMAGES).calls[0]
    output, h, c = lstm.outputs
    assert [value.symbol for value in lstm.outputs] == ["h¹", "t₁", "t₂"]
    torch.testing.assert_close(output.gradient, 2 * output.tensor)
    torch.testing.assert_close(h.gradient, torch.ones_like(h.tensor))
    torch.testing.assert_close(c.gradient, c.tensor.exp())
    assert max(lstm.ulps.values()) < 100


@pytest.mark.parametrize("part", ["x[0] += y", "x[0].mul_(y)", "x[0] = y", "x.view(-1)[:5].exp_()"])
def test_what_is_written_over_a_part_changes_the_whole(part: str) -> None:
    def model(w: torch.Tensor) -> torch.Tensor:
        x, y = w * 1.5, w[1].sin()
        exec(part, {"x": x, "y": y})
        return (x * x).sum()

    w = IMAGES.clone().requires_grad_()
    step = record(model, w)
    (due,) = torch.autograd.grad(model(w), w)
    torch.testing.assert_close(step.value("w").gradient, due)
    *_, product, _ = step.calls
    torch.testing.assert_close(product.output.tensor, product.inputs[0].tensor * product.inputs[1].tensor)
    torch.testing.assert_close(product.output.tensor.sum(), torch.tensor(step.loss, dtype=torch.float64))


def test_an_error_of_the_model_is_the_models() -> None:
    runs = []

    def model(w: torch.Tensor) -> torch.Tensor:
        runs.append(w)
        raise RuntimeError("Output 0 is a view and is being modified inplace.")

    with pytest.raises(RuntimeError, match="Output 0 is a view"):
        record(model, IMAGES.clone().requires_grad_())
    assert len(runs) == 1

    def misfit(w: torch.Tensor) -> torch.Tensor:
        (w * 2)[0].add_(w.T)
        return w.sum()

    with pytest.raises(RuntimeError, match="must match the size"):
        record(misfit, IMAGES.clone().requires_grad_())


def test_running_statistics_move_once_in_a_step() -> None:
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(5, 3), torch.nn.BatchNorm1d(3)).double()
    recording = record(model, IMAGES, LABELS, loss=F.cross_entropy, steps=2)
    starts = [step.value("1.running_mean").tensor for step in recording.steps]
    assert torch.equal(starts[0], torch.zeros(3, dtype=torch.float64))
    model(IMAGES)
    torch.testing.assert_close(starts[1], model[1].running_mean)


def test_a_mask_of_minus_infinity_is_no_fault() -> None:
    def model(scores: torch.Tensor) -> torch.Tensor:
        masked = scores.masked_fill(torch.eye(5).bool(), float("-inf"))
        return (masked.softmax(1) * scores).sum()

    assert not any("finite" in line for line in record(model, IMAGES[:5].clone().requires_grad_()).remarks)
    faulty = record(lambda x: (x.log() * x).sum(), torch.zeros(3, requires_grad=True))
    assert "not every number is finite" in faulty.remarks[0]


def test_what_is_wrong_with_a_step_is_said() -> None:
    dead = network(5, 11, 3)
    dead[0].bias.data[:] = torch.tensor([-100.0] * 4 + [100.0] * 7)
    assert "4 of 11 units dead" in str(record(dead, IMAGES, LABELS, loss=F.cross_entropy))
    saturated = network(5, 11, 3, activation=nn.Sigmoid)
    saturated[0].weight.data *= 1e4
    assert "saturated" in str(record(saturated, IMAGES, LABELS, loss=F.cross_entropy))
    deep = record(network(5, *[9] * 8, 3, activation=nn.Sigmoid), IMAGES, LABELS, loss=F.cross_entropy)
    assert any("z¹ (0): vanishing" in line for line in deep.remarks)
    assert not record(network(5, 9, 3, activation=nn.Tanh), IMAGES, LABELS, loss=F.cross_entropy).remarks


@pytest.mark.parametrize("width", [80, 120])
def test_the_table_keeps_to_its_width(width: int) -> None:
    step = record(network(5, *[9] * 8, 3, activation=nn.Sigmoid), IMAGES, LABELS, loss=F.cross_entropy)
    lines = step.table(width).splitlines()
    assert max(map(len, lines)) <= width
    rows = [line for line in lines if line[:2].strip().isdigit()]
    forward = [int(line[:2]) for line in rows][: len(step.calls)]
    backward = [int(line[:2]) for line in rows][len(step.calls) :]
    assert forward == sorted(forward)
    assert backward == sorted(backward, reverse=True)


@pytest.mark.parametrize("width", [80, 120])
def test_below_a_formula_in_the_table_stands_its_code(width: int) -> None:
    model = torch.nn.Sequential(*network(5, 11, 3), torch.nn.LayerNorm(3, dtype=torch.float64))
    lines = [
        line.strip() for line in record(model, IMAGES, LABELS, loss=F.cross_entropy).table(width).splitlines()
    ]

    def below(formula: str) -> list[str]:
        at = next(i for i, line in enumerate(lines) if formula in line) + 1
        end = next(i for i, line in enumerate(lines[at:], at) if not line or line[0].isdigit())
        return lines[at:end]

    assert below("z² = a¹ W²ᵀ") == ["z2 = a1 @ W2.T + b2"]
    assert below("∂L/∂W² = δ²ᵀ a¹") == ["dW2 = dz2.T @ a1"]
    centred, _, _, out = below("t₁ = (z² − μ)")
    norm = (
        (z2 := record(model, IMAGES, LABELS, loss=F.cross_entropy).value("z²").tensor)
        .sub(z2.mean(1, keepdim=True))
        .norm()
    )
    assert re.fullmatch(rf"centred = z2 - z2.mean\(1, keepdim=True\) +\(7,3\) +‖{norm:.3g}‖", centred)
    assert out == "t1 = xhat * weight3 + bias3"


def test_of_many_lines_of_code_the_table_shows_some() -> None:
    step = record(States(), IMAGES.repeat(3, 1))
    few, whole = (step.table(100, rows) for rows in (40, None))
    assert len(few.splitlines()) < 100
    assert len(re.findall("more …", few)) == 3  # lines of the forward and of a gradient; gradients
    assert "more …" not in whole


@pytest.mark.parametrize(
    ("arguments", "options", "error", "says"),
    [
        ((3, IMAGES), {}, TypeError, "must be a module or a function, got int"),
        ((network(5, 3), IMAGES), {}, ValueError, r"single number, got shape \(7, 3\)"),
        ((network(5, 3), IMAGES), {"loss": F.cross_entropy}, TypeError, "and then the target"),
        ((network(5, 3), IMAGES, LABELS), {"loss": 3}, TypeError, "a function of output and target, got int"),
        ((lambda x: x * 2, torch.ones(())), {}, ValueError, "not depend on anything that requires"),
        ((lambda x: (WEIGHT * x).sum(), IMAGES), {}, ValueError, "nothing to differentiate with respect to"),
        ((lambda x: x * 2, 1.0), {"lr": 0.0}, ValueError, "lr must be a positive number, got 0.0"),
        ((lambda x: x * 2, 1.0), {"steps": 0}, ValueError, "steps must be at least 1, got 0"),
    ],
)
def test_what_cannot_be_recorded_is_refused(
    arguments: tuple[object, ...], options: dict[str, object], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        record(*arguments, **options)


def test_the_figure_is_drawn(tmp_path: Path) -> None:
    step = record(network(5, *[9] * 8, 3), IMAGES, LABELS, loss=F.cross_entropy)
    assert step.plot(tmp_path / "step.png").stat().st_size > 10_000


class Named(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder_layers_of_the_model = torch.nn.Sequential(
            *(torch.nn.LayerNorm(5, dtype=torch.float64) for _ in range(4)),
            torch.nn.Linear(5, 3, dtype=torch.float64),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.encoder_layers_of_the_model(x)


@pytest.mark.parametrize("model", [network(5, 9, 3), Named()], ids=["small gradients", "long names"])
def test_no_two_texts_of_the_figure_overlap(model: torch.nn.Module) -> None:
    drawn = figure(record(model, 1e-4 * IMAGES, LABELS, loss=F.cross_entropy).steps[0])
    drawn.draw_without_rendering()
    texts = drawn.findobj(lambda artist: hasattr(artist, "get_text") and artist.get_text() != "")
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts if text.get_visible()]
    for (one, a), (other, b) in combinations(boxes, 2):
        beside = a.x1 <= b.x0 + 1 or b.x1 <= a.x0 + 1
        assert beside or a.y1 <= b.y0 + 1 or b.y1 <= a.y0 + 1, (one, other)


def test_a_figure_of_what_is_not_finite_is_drawn() -> None:
    assert figure(record(network(5, 3), IMAGES * float("nan"), LABELS, loss=F.cross_entropy).steps[0])


def test_a_call_knows_its_place() -> None:
    step = record(network(5, 11, 3), IMAGES, LABELS, loss=F.cross_entropy)
    assert [call.place for call in step.calls] == ["0", "1", "2", "loss"]
    assert all(isinstance(call, Call) for call in step.calls)
