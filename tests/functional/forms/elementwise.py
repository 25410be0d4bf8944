"""Activations and arithmetic."""

FORMS = {
    "softmax": """
        x | x, 1 | x, -1 | x, dim=0 | x, None | x, 1, 3, torch.float64 | x, 1, dtype=torch.float64 |
        x, dim=np.int64(1) | x, torch.tensor(1) | x, 1.0 | x, True | x, 2 | x, "a" | x, (1,) | n, 1 |
        n, 1, dtype=torch.float32 | v | t3 | x0 | x0, 0 | x, 1, 5 | input=x, dim=1 | image |
        x, 1, dtype=torch.int64
    """,
    "log_softmax": """
        x | x, 1 | x, -1 | x, None | x, 1, 3, torch.float64 | x, dim=np.int64(1) | x, torch.tensor(1) |
        x, 1.0 | x, True | x, 2 | n, 1 | n, 1, dtype=torch.float32 | v | t3 | x0, 0
    """,
    "relu": """
        x | x, True | x.clone(), True | x.clone(), inplace=True | x, 1 | x.clone(), 1 | n | mask | input=x
    """,
    "relu6": """
        x | x.clone(), True | n
    """,
    "elu": """
        x | x, 0.5 | x, alpha=2 | x, np.float64(0.5) | x, torch.tensor(0.5) | x, "a" | x, True | x, None |
        x.clone(), 1.0, True | n | x, 1j
    """,
    "leaky_relu": """
        x | x, 0.1 | x, negative_slope=1 | x, np.float64(0.5) | x, torch.tensor(0.5) | x, "a" | x, True |
        x, None | x.clone(), 0.1, True | n
    """,
    "hardtanh": """
        x | x, -2, 2 | x, -2.0, 0.5 | x, 1.0, -1.0 | x, 0, 0 | x, min_val=np.float64(-0.5) |
        x, min_val=torch.tensor(-0.5) | x, "a" | x, True, 2 | x.clone(), -1, 1, True | n | n, -1.5, 1.5 |
        mask | x, None
    """,
    "softplus": """
        x | x, 2 | x, 0.5, 1 | x, beta=np.float64(0.5) | x, beta=torch.tensor(0.5) | x, threshold=-1 |
        x, "a" | x, True | x, 0 | n | x, None | x, -1.0
    """,
    "gelu": """
        x | x, approximate="tanh" | x, "tanh" | x, approximate="a" | x, approximate=None | n | input=x
    """,
    "silu": """
        x | x.clone(), True | n
    """,
    "hardswish": """
        x | x.clone(), True | n
    """,
    "hardsigmoid": """
        x | x.clone(), True | n
    """,
    "logsigmoid": """
        x | n | input=x
    """,
    "softsign": """
        x | n | z | mask
    """,
    "sigmoid": """
        x | n | mask | z | input=x
    """,
    "tanh": """
        x | n | z
    """,
    "dropout": """
        x, 0.0 | x, 1.0 | x, 0.5, False | x, 1 | x, 0 | x, -0.1 | x, 1.1 | x, "a" | n, 0.0 | n, 1.0 |
        n, 0.5, False | n, 0.5 | z, 1.0 | x, training=False | x.clone(), 1.0, inplace=True |
        x, np.float64(1.0) | x, torch.tensor(1.0) | x, None | x, 1.0, 1 | x, 0.5, 0 | input=x, p=1.0 |
        x, True
    """,
    "add": """
        x, m | x, 2 | x, 2.0 | x, m, alpha=2 | x, m, alpha=0.5 | x, 2, alpha=3 | x, torch.tensor(2.0) |
        x, torch.tensor(2) | x, np.float64(2.0) | x, np.float32(2.0) | x, np.int64(2) | x, True | x, mask |
        x, n | n, x | n, 2.5 | 2, x | 2.0, n | x, "a" | x, None | x, v | x, b5 | mask, mask |
        n, n, alpha=0.5 | x, m, alpha=True | mask, True | x, m, alpha=torch.tensor(2) | input=x, other=m |
        x, 1j | x, m.half() | x, m.double() | x, alpha=2, other=m | x, [1.0] | x, m, alpha="a" | x, m, 2 |
        n, n, alpha=2 | x, np.array([1.0, 2.0, 3.0]) | x, m, alpha=np.float64(2.0)
    """,
    "sub": """
        x, m | x, 2 | x, m, alpha=2 | x, torch.tensor(2.0) | x, np.float64(2.0) | x, True | mask, mask |
        x, mask | 2, x | x, n | n, 2.5 | x, v | n, n, alpha=0.5 | x, 1j | input=x, other=m | x, "a"
    """,
    "mul": """
        x, m | x, 2 | x, torch.tensor(2.0) | x, np.float64(2.0) | x, True | x, mask | mask, mask | 2, x |
        n, 2.5 | x, v | x, b5 | x, 1j | x, "a" | x, m, alpha=2 | x, m.half() | x, n
    """,
    "div": """
        x, m | x, 2 | x, torch.tensor(2.0) | x, np.float64(2.0) | x, True | 2, x | n, 2 | n, 2.5 | x, v |
        x, m, rounding_mode="trunc" | x, m, rounding_mode="floor" | n, 2, rounding_mode="floor" |
        x, m, rounding_mode="a" | x, m, rounding_mode=None | x, 1j | x, 0 | n, n | x, n | mask, 2
    """,
    "pow": """
        x.abs(), 2 | x, 2 | x, 2.0 | x, 0 | x.abs(), 0.5 | x.abs(), m | 2, x | 2.0, x | x, n | n, 2 | n, -1 |
        n, 0.5 | x, torch.tensor(2) | x, np.float64(2.0) | x, np.int64(3) | x, True | x, "a" | x, 1j |
        True, x | 0, x | x.abs(), v | exponent=2, input=x | n, n.abs() | mask, 2 | 2, 3
    """,
    "exp": """
        x | n | mask | z | 2.0
    """,
    "log": """
        x.abs() | n.abs() + 1 | z | mask
    """,
    "sqrt": """
        x.abs() | n.abs() | z | mask
    """,
    "rsqrt": """
        x.abs() | n.abs() + 1 | z | mask
    """,
    "neg": """
        x | n | mask | z | 2.0
    """,
    "abs": """
        x | n | mask | z | -2.0
    """,
    "square": """
        x | n | mask | z | 2.0
    """,
}
