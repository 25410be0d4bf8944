"""What the names of functions say: which is the forward of which backward."""

import pytest

from manual_backprop.derive.command_line.function_names import forward_of, is_backward, is_check

NAMES = [
    "affine_forward", "batchnorm_forward", "layernorm_forward", "layer_forward", "conv_forward_naive",
    "conv_forward_fast", "relu", "forward", "forward_rnn", "rnn_step_forward", "fwdLSTM", "sigmoid",
    "mse_loss", "gelu_fwd", "softmax", "Affine2Forward", "forward_pass",
]  # fmt: skip


@pytest.mark.parametrize(
    ("backward", "forward"),
    [
        ("affine_backward", "affine_forward"),
        ("backward_affine", "affine_forward"),
        ("affineBackward", "affine_forward"),
        ("affine_backward_wrong", "affine_forward"),
        ("wrong_affine_backward", "affine_forward"),
        ("batchnorm_backward_alt", "batchnorm_forward"),
        ("layer_norm_backward", "layernorm_forward"),
        ("layer_backward", "layer_forward"),
        ("conv_backward_naive", "conv_forward_naive"),
        ("conv_backward_fast", "conv_forward_fast"),
        ("conv_backward_im2col", "conv_forward_naive"),
        ("relu_backward", "relu"),
        ("relu_grad", "relu"),
        ("sigmoid_prime", "sigmoid"),
        ("sigmoid_derivative", "sigmoid"),
        ("d_sigmoid", "sigmoid"),
        ("dsigmoid", "sigmoid"),
        ("grad_sigmoid", "sigmoid"),
        ("mse_loss_grad", "mse_loss"),
        ("softmax_bprop", "softmax"),
        ("gelu_bwd", "gelu_fwd"),
        ("bwdLSTM", "fwdLSTM"),
        ("rnn_step_backward", "rnn_step_forward"),
        ("backward_rnn", "forward_rnn"),
        ("Affine2Backward", "Affine2Forward"),
        ("backward", "forward"),
        ("backward2", "forward"),
        ("my_backward", "forward"),
        ("backward_pass", "forward_pass"),
        ("dropout_backward", None),
        ("norm_backward", None),
        ("numerical_gradient", None),
        ("data", None),
    ],
)
def test_the_forward_of_a_backward(backward: str, forward: str | None) -> None:
    assert forward_of(backward, NAMES) == forward


LOSSES = ["loss", "computeCost", "compute_cost", "compute_cost_logistic", "costFunction", "J"]


@pytest.mark.parametrize(
    ("gradient", "loss"),
    [
        ("grad", "loss"),
        ("compute_gradient", "compute_cost"),
        ("computeGradient", "computeCost"),
        ("compute_gradient_logistic", "compute_cost_logistic"),
        ("costFunctionPrime", "costFunction"),
        ("gradient_function", "costFunction"),
        ("J_grad", "J"),
        ("gradient_descent", None),
        ("cost_history", None),
    ],
)
def test_the_loss_of_a_gradient(gradient: str, loss: str | None) -> None:
    assert forward_of(gradient, LOSSES) == loss


@pytest.mark.parametrize(
    ("name", "backward", "check"),
    [
        ("relu_backward", True, False),
        ("relu_grad", False, False),
        ("feedback", False, False),
        ("check_backward", True, True),
        ("test_relu_backward", True, True),
        ("eval_numerical_gradient", False, True),
    ],
)
def test_backwards_and_checks_of_them(name: str, backward: bool, check: bool) -> None:
    assert is_backward(name) is backward
    assert is_check(name) is check
