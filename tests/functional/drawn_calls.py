"""How a call of each operation is drawn: a new operation has its line here."""

import torch

from tests.functional.drawn import (
    ANY,
    FINITE,
    ONE,
    REDUCTION,
    TO_ADD,
    TWO,
    Calls,
    attended,
    calls,
    channels,
    classified,
    condition_of,
    features,
    mask_of,
    of_two,
    places_in,
    recurrent,
    yes_or_no,
)
from tests.functional.samples import inf

OF_ONE_NUMBER = "abs clone exp hardsigmoid hardswish log neg relu rsqrt sigmoid silu sqrt tanh"

JOINED = "23 13 | 23 23 | 3 3 3 | 0 23 | 03 23 | 23 | - - | 23 21"
LAYERS = (
    "23 23 | 23 23 2 | 3 23 2 | 223 23 | 11 11 1 | 03 23 2 | 20 20 2 | 20 20 | 23 03 0 | 23 22"
    "| 23 23 3 | 23 3 | 3 3"
)
PRODUCTS = (
    "23 32 | 3 3 | 23 3 | 3 32 | 223 31 | 23 231 | 2123 232 | 03 32 | 20 02 | 11 11 | 0 0 | 23 23"
    "| 223 332 | - 3"
)
PROBABILITIES = "23 23 | 23 23 3 | 3 3 | 232 232 | 03 03 | 11 11 | 23 23 2"
IMAGES = "1143 | 2235 | 234 | 0144 | 1111 | 1033 | 33"
CONVOLVED = (
    "1143 2123 2 | 2235 1232 | 243 2211 2 | 0144 1133 | 1111 1111 | 1233 2122 | 1233 2322 | 1122 1133 1"
)

DIMS = (0, -1, 1, 2, (0,), (0, -1), (0, 1), (0, 2), (0, 0))
INDICES = (
    *(0, -1, 3, slice(1, None), slice(0, 0), (), ..., None, (..., 0), (slice(None), 1), [0, 0]),
    *(torch.tensor([1, 0, 1]), torch.tensor([0, 5])),
)
POOLING = {"stride": (1, 2, (1, 2), 0), "padding": (0, 1, (1, 0)), "ceil_mode": (True, False)}
KERNEL = {"kernel_size": (1, 2, 3, (2, 1), (1, 3))}

EACH_BY_ITSELF: dict[str, Calls] = {
    **dict.fromkeys(OF_ONE_NUMBER.split(), calls(ONE, ANY)),
    "elu": calls(ONE, ANY, alpha=(0.3, -0.3, 0.0, 2)),
    "gelu": calls(ONE, ANY, approximate=("none", "tanh", "exact")),
    "hardtanh": calls(ONE, ANY, min_val=(-1.0, -0.3, 0.0, 2.0, -inf), max_val=(1.0, 0.1, 6.0, inf)),
    "leaky_relu": calls(ONE, ANY, negative_slope=(0.3, 0.0, -0.3, 2)),
    "softplus": calls(ONE, ANY, beta=(3, -2.0, 0.5), threshold=(1, 0.5, 1000.0)),
    "dropout": calls(ONE, ANY, mask_of),
    "add": of_two(alpha=(2, -0.5, 0)),
    "sub": of_two(alpha=(2, -0.5, 0)),
    "mul": of_two(),
    "div": of_two(rounding_mode=(None, "floor", "trunc", "up")),
    "pow": calls(TWO, ANY),
    "where": calls(TWO, ANY, condition_of),
    "broadcast_to": calls(ONE, ANY, always={"size": ((3,), (2, 3), (0, 3), (2, 2, 3), (-1, 3), (1, 1))}),
    "cat": calls(JOINED, ANY, dim=(0, 1, -1, 2)),
    "stack": calls(JOINED, ANY, dim=(0, 1, -1, 3)),
    "getitem": calls(ONE, ANY, always={"index": INDICES}),
    "permute": calls(ONE, ANY, always={"dims": ((), (0,), (1, 0), (0, 1), (-1, 0), (2, 0, 1), (0, 0))}),
    "reshape": calls(
        ONE, ANY, always={"shape": ((), (-1,), (1, -1), (3, 1), (6,), (3, 2), (0, 7), (-1, -1))}
    ),
    "split": calls(
        ONE, ANY, always={"split_size_or_sections": (1, 2, 7, 0, [1, 2], [3], -1)}, dim=(0, -1, 1)
    ),
}
"""Each number of the result comes from one number of each input, and is known to its own roundings."""

OF_SUMS: dict[str, Calls] = {
    "sum": calls(ONE, always={"dim": DIMS}, keepdim=(True, False), dtype=(None, torch.float64)) | calls(ONE),
    "mean": calls(ONE, always={"dim": DIMS}, keepdim=(True, False), dtype=(None, torch.float64)) | calls(ONE),
    "var": calls(ONE, dim=DIMS, keepdim=(True, False), correction=(0, 1, 0.5)),
    "std": calls(ONE, dim=DIMS, keepdim=(True, False), correction=(0, 1, 0.5)),
    "softmax": calls(ONE, ANY, always={"dim": (0, -1, 1, 2)}, dtype=(None, torch.float64)),
    "log_softmax": calls(ONE, ANY, always={"dim": (0, -1, 1, 2)}, dtype=(None, torch.float64)),
    "linear": calls(LAYERS),
    "linear_relu": calls(LAYERS),
    "linear_sigmoid": calls(LAYERS),
    "matmul": calls(PRODUCTS),
    "addmm": calls(
        "22 23 32 | 2 23 32 | - 23 32 | 21 23 32 | 2 03 32 | 22 20 02 | 3 23 32 | 22 23 22",
        beta=(0, 2.0, -0.5),
        alpha=(0, 2, -0.5),
    ),
    "nll_loss": classified(),
    "cross_entropy": classified(smoothed=True),
    "linear_cross_entropy": classified(smoothed=True, layer=True),
    "cross_entropy_probabilities": calls(PROBABILITIES, reduction=REDUCTION, label_smoothing=(0.3,)),
    "mse_loss": calls("3 3 | 23 23 | - - | 03 03 | 23 23 23 | 11 11", reduction=(*REDUCTION, "avg")),
    "l1_loss": calls("3 3 | 23 23 | - - | 03 03 | 11 11", reduction=(*REDUCTION, "avg")),
    "huber_loss": calls("3 3 | 23 23 | - - | 03 03 | 11 11", reduction=REDUCTION, delta=(0.3, 2, 0.0, -1.0)),
    "kl_div": calls(
        "3 3 | 23 23 | - - | 03 03 | 11 11", FINITE, reduction=("none", "sum"), always={"log_target": (True,)}
    ),
    "binary_cross_entropy_with_logits": yes_or_no(),
    "embedding": calls("23 | 31 | 20", TO_ADD, places_in),
    "conv2d": calls(
        CONVOLVED,
        stride=(1, 2, (1, 2), 0),
        padding=(0, 1, (1, 0), "same", "valid"),
        dilation=(1, 2),
        groups=(1, 2),
    ),
    "avg_pool2d": calls(
        IMAGES, always=KERNEL, **POOLING, count_include_pad=(False,), divisor_override=(3, -2)
    ),
    "max_pool2d": calls(IMAGES, ANY, always=KERNEL, **POOLING, dilation=(1, 2)),
    "adaptive_avg_pool2d": calls(IMAGES, always={"output_size": (1, 2, 5, (2, 3), (None, 1), 0, -1)}),
    "batch_norm": channels(grouped=False),
    "group_norm": channels(grouped=True),
    "layer_norm": features(2),
    "rms_norm": features(1),
    "rnn_tanh": recurrent(1, 1),
    "rnn_relu": recurrent(1, 1),
    "lstm": recurrent(4, 2),
    "scaled_dot_product_attention": attended(((), (2,), (1, 2), (0,)), is_causal=(True,), scale=(0.7, 2.0)),
    "attention_and_weights": attended(((2, 2), (1, 3)), average=(True, False)),
}
"""A number of the result, or of a gradient, may be a sum, known to roundings of its largest summand."""

CALLS = EACH_BY_ITSELF | OF_SUMS
