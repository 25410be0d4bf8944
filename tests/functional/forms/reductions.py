"""Sums, means and deviations."""

FORMS = {
    "sum": """
        x, 1 | x, -1, True | x, [0, 1] | x, () | x, [] | x, None | x, None, True | x, keepdim=True |
        x, dim=None, keepdim=True | x, (0,), keepdim=True | x, dim=(0, -1) | x, axis=1 |
        x, axis=1, keepdims=True | x, 1, dtype=torch.float64 | x, dtype=torch.float64 | input=x |
        input=x, dim=1 | x, torch.tensor(1) | x, np.int64(1) | x, (np.int64(1),) | x, [torch.tensor(1)] |
        x, True | x, 1.0 | x, "a" | x, 2 | x, (0, 0) | x, 1, 1 | x, 1, None | x, dtype="float" |
        x, torch.Size([1]) | x, 1, dim=1 | x, 1, axis=1 | x, dim=1, axis=1 | x, foo=1 |
        x, None, dtype=torch.float64 | x, 1, keepdim=1 | x, 1, keepdim=None | n, 1 | mask |
        n, dtype=torch.float32 | x, dtype=torch.int64 | x0 | x0, 0 | x0, -1, True | x0, 1 | z, 1 |
        x, 0, False, dtype=None | 2.0 | [1.0] | x, keepdim=False | x, dim=True | x, dim=None | x, range(1)
    """,
    "mean": """
        x, 1 | x, -1, True | x, [0, 1] | x, () | x, [] | x, None | x, None, True | x, keepdim=True |
        x, dim=None, keepdim=True | x, (0,), keepdim=True | x, dim=(0, -1) | x, axis=1 |
        x, axis=1, keepdims=True | x, 1, dtype=torch.float64 | x, dtype=torch.float64 | input=x |
        input=x, dim=1 | x, torch.tensor(1) | x, np.int64(1) | x, True | x, 1.0 | x, "a" | x, 2 | x, (0, 0) |
        x, 1, 1 | x, 1, None | x, keepdims=True | n | n, dtype=torch.float32 | n, 1, dtype=torch.float32 |
        x, dtype=torch.int64 | mask | x0 | x0, 0 | x0, 1 | z, 1 | x, torch.Size([1]) | x, keepdim=False |
        x, dim=True | x, dim=1, axis=1
    """,
    "var": """
        x | x, 1 | x, -1 | x, (0, 1) | x, [0] | x, None | x, True | x, False | x, 1, True | x, 1, False |
        x, 1, True, True | x, 1, keepdim=True | x, keepdim=True | x, None, keepdim=True | x, None, True |
        x, None, True, True | x, unbiased=False | x, dim=1, unbiased=False | x, dim=None, unbiased=False |
        x, dim=None, unbiased=False, keepdim=True | x, 1, False, keepdim=True | x, correction=0 |
        x, correction=1.5 | x, 1, correction=2 | x, 1, correction=None |
        x, dim=None, correction=0, keepdim=True | x, 1, True, correction=0 | x, unbiased=False, correction=0 |
        x, True, correction=0 | x, correction=0, keepdim=True | x, axis=1 | x, axis=1, keepdims=True |
        x, 1, correction=True | x, 1, correction="a" | x, 1, unbiased=0 | x, 1, keepdim=1 |
        x, torch.tensor(1) | x, np.int64(1) | x, 1.0 | x, "a" | x, 2 | n | x0, correction=0 |
        x0, 0, correction=0 | x, False, True | x, False, keepdim=True | input=x | x, True, True |
        x, correction=np.float64(1.5) | x, torch.Size([1]) | x, (0, 0) | x, dtype=torch.float64 | mask |
        x, keepdim=False | x, dim=True | x, dim=False | x, unbiased=False, keepdim=True |
        x, 1, False, correction=None | x, unbiased=None | x, 1, None, True | x, [0], correction=0
    """,
    "std": """
        x | x, 1 | x, (0, 1) | x, [0] | x, None | x, False | x, 1, False | x, 1, True, True |
        x, keepdim=True | x, None, keepdim=True | x, None, True | x, unbiased=False |
        x, dim=None, unbiased=False | x, correction=0 | x, 1, True, correction=0 |
        x, unbiased=False, correction=0 | x, correction=0, keepdim=True | x, axis=1 | x, 1, keepdim=1 |
        x, torch.tensor(1) | x, np.int64(1) | x, 2 | n | x, False, True | x, False, keepdim=True |
        x, torch.Size([1]) | x, keepdim=False | x, dim=True | x, unbiased=False, keepdim=True |
        x, unbiased=None | x, [0], correction=0
    """,
}
