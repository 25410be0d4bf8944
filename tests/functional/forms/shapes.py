"""Shapes, order and choice."""

FORMS = {
    "reshape": """
        x, (15,) | x, [15] | x, (-1,) | x, -1 | x, 15 | x, (3, 5) | x, 3, 5 | x, torch.Size([15]) |
        x, (torch.tensor(15),) | x, (np.int64(15),) | x, (15.0,) | x, () | x, (7,) | x, shape=(15,) |
        x[:1, :1], () | x, (-1, -1) | x, torch.tensor([3, 5]) | n, (15,) | x, None
    """,
    "flatten": """
        t3 | t3, 1 | t3, 0, 1 | t3, start_dim=-2 | t3, 2, 1 | x0 | t3, np.int64(1) | t3, torch.tensor(1) |
        t3, 1.0 | t3, 3 | n | t3, 1, end_dim=2
    """,
    "unflatten": """
        x, 1, (3, 1) | x, 1, [3, -1] | x, -1, (-1,) | x, 1, 3 | x, 1, (2, 2) | x, dim=0, sizes=(5, 1) |
        x, 2, (1,) | x, 1, torch.Size([3, 1]) | x, 1, () | x, np.int64(1), (3, 1) | x, 1, (np.int64(3), 1) |
        x, 1.0, (3, 1) | x, axis=1, sizes=(3, 1)
    """,
    "squeeze": """
        o | o, 0 | o, 1 | o, -1 | o, (0, 2) | o, [0, 2] | o, dim=0 | o, dim=(0, 2) | o, () | o, 3 | o, None |
        o, np.int64(0) | o, torch.tensor(0) | o, 0, 2 | o, dim=[0] | x0 | o, (0, 0) | input=o | o, 1.0 |
        o, axis=0
    """,
    "unsqueeze": """
        x, 0 | x, -1 | x, dim=1 | x, 3 | x, np.int64(1) | x, torch.tensor(1) | x, 1.0 | x, True | x0, 0 |
        x, None | input=x, dim=0 | x, axis=1
    """,
    "permute": """
        t3, (2, 0, 1) | t3, [2, 0, 1] | t3, 2, 0, 1 | t3, dims=(2, 0, 1) | t3, (-1, 0, 1) | t3, (0, 0, 1) |
        t3, (0, 1) | x0, () | t3, (np.int64(2), 0, 1) | t3, (torch.tensor(2), 0, 1) |
        t3, torch.Size([2, 0, 1]) | t3, (2.0, 0, 1) | input=t3, dims=(0, 1, 2) | v, 0 | v, (0,)
    """,
    "transpose": """
        t3, 0, 1 | t3, -1, 0 | t3, dim0=0, dim1=2 | t3, 0, 3 | t3, np.int64(0), 1 | t3, torch.tensor(0), 1 |
        t3, 0.0, 1 | x0, 0, 0 | x0, -1, 0 | x0, 0, 1 | t3, axis0=0, axis1=1 | t3, True, 0
    """,
    "t": """
        x | v | x0 | t3 | input=x
    """,
    "movedim": """
        t3, 0, 2 | t3, (0, 1), (2, 0) | t3, [0, 1], [2, 0] | t3, -1, 0 | t3, (0, 0), (1, 2) | t3, 0, (1,) |
        t3, (0,), 1 | t3, (), () | t3, np.int64(0), 1 | t3, torch.tensor(0), 1 | t3, 0, 3 | t3, 0.0, 1 |
        x0, 0, 0 | x0, (), () | t3, source=0, destination=1 | t3, (np.int64(0),), (1,) | x0, 0, -1
    """,
    "broadcast_to": """
        v, (5, 3) | v, [5, 3] | v, size=(5, 3) | v, (5, -1) | v, (5, 2) | v, torch.Size([5, 3]) | v, 5, 3 |
        v, 3 | x0, () | v, () | v, (np.int64(5), 3) | v, (torch.tensor(5), 3) | x0, 3 | v, (5.0, 3)
    """,
    "cat": """
        (x, m) | [x, m], 1 | (x, m), dim=-1 | (x, n) | (x, m.half()) | (x, mask) | (x,) | () | x | (x, v) |
        (x, torch.empty(0)) | (x, m), 2 | tensors=(x, m) | (x, m), np.int64(1) | (x, m), torch.tensor(1) |
        (x, m), 1.0 | (x, 1.0) | (x, m), axis=1 | (x0, x0) | (x, m), True | (n, n) | (x for x in (x, m)) |
        (x, z) | (x, m), axis=-1
    """,
    "stack": """
        (x, m) | [x, m], 1 | (x, m), dim=-1 | (x, n) | (x, m.half()) | (x, mask) | () | x | (x, v) |
        (x, m), 3 | tensors=(x, m) | (x, m), np.int64(1) | (x, m), torch.tensor(1) | (x, m), 1.0 | (x0, x0) |
        (n, n) | (x, z) | (x, m), axis=1
    """,
    "split": """
        x, 2 | x, [2, 3] | x, (2, 3) | x, 2, 1 | x, 2, dim=-1 | x, [2, 2] | x, 0 | x, -1 | x, np.int64(2) |
        x, torch.tensor(2) | x, 2.0 | x, [2.0, 3] | x, [np.int64(2), 3] | x, torch.tensor([2, 3]) |
        tensor=x, split_size_or_sections=2 | x, torch.Size([2, 3]) | x, 2, 2 | n, 2 | x, 10 | x0, 1 |
        x, [], 0 | x, [torch.tensor(2), 3] | x, 2, np.int64(1)
    """,
    "chunk": """
        x, 2 | x, 2, 1 | x, chunks=2, dim=-1 | x, 0 | x, np.int64(2) | x, torch.tensor(2) | x, 2.0 | x, 10 |
        x0, 1 | n, 2 | x, 2, 2 | x, 2, axis=1
    """,
    "unbind": """
        x | x, 1 | x, dim=-1 | x, 2 | x0 | x, np.int64(1) | x, torch.tensor(1) | x, 1.0 | n | x[:0] |
        input=x | x, axis=1
    """,
    "select": """
        x, 0, 1 | x, -1, -1 | x, dim=0, index=1 | x, 0, 5 | x, 2, 0 | x, 0, torch.tensor(1) |
        x, 0, np.int64(1) | x, torch.tensor(0), 1 | x, np.int64(0), 1 | x, 0, 1.0 | x0, 0, 0 | n, 0, 1 |
        x, 0, -6 | x, 0, True | x, axis=1, index=0
    """,
    "narrow": """
        x, 0, 1, 2 | x, 1, -1, 1 | x, dim=0, start=1, length=2 | x, 0, torch.tensor(1), 2 |
        x, 0, np.int64(1), 2 | x, 0, 1, np.int64(2) | x, 0, 1, torch.tensor(2) | x, 0, 4, 2 | x, 0, 5, 0 |
        x, 0, 1, -1 | x, 2, 0, 1 | x, 0, 1.0, 2 | x0, 0, 0, 1 | x, 0, 0, 0 | x, -2, -5, 5 |
        x, np.int64(0), 1, 2 | x, torch.tensor(0), 1, 2 | x[:0], 0, 0, 0 | x, axis=0, start=1, length=2
    """,
    "index_select": """
        x, 0, i | x, -1, i | x, dim=0, index=i | x, 0, i.int() | x, 0, i[0] | x, 0, i.float() |
        x, 0, i[None] | x, 0, i + 5 | x, 0, -i - 1 | x0, 0, i[1:2] | x0, 0, i[1] | x, 2, i |
        x, np.int64(0), i | x, torch.tensor(0), i | x, 0, [0, 1] | x, 0, i.to(torch.uint8) | x, 0, i > 1 |
        n, 0, i | x, 0, i[:0] | x0, -1, i[1:2] | x, axis=1, index=i
    """,
    "where": """
        mask, x, m | mask, x, 0.0 | mask, 1.0, x | mask, 1, x | mask, x, torch.tensor(0.0) | mask, 1.0, 2.0 |
        mask | mask, x | mask.to(torch.uint8), x, m | n, x, m | mask, x, n | mask, x, m.half() |
        mask, x, m.double() | mask[0], x, m | mask, x0, v | condition=mask, input=x, other=m | mask, x, z |
        mask, x, np.float64(2.0) | mask, n, 2.5 | mask, x, True | True, x, m | mask, x, None | mask, 1, 2 |
        mask, True, 2 | mask, x, 1j | mask, x, other=0.0 | mask, input=x, other=0.0 | mask, n, 2 |
        mask, x.half(), 2.0
    """,
    "masked_fill": """
        x, mask, 0.0 | x, mask, 1 | x, mask, torch.tensor(2.0) | x, mask, torch.tensor(2) | x, mask, x0 |
        x, mask[0], 0.0 | x, mask.to(torch.uint8), 0.0 | x, n, 0.0 | x, mask, v | x, mask, True | n, mask, 2 |
        n, mask, 2.5 | n, mask, True | x, mask, 1j | x, mask, np.float64(2.0) | x, mask, value=0.0 |
        input=x, mask=mask, value=1.0 | x, mask, float("-inf") | x.half(), mask, 1e6 | v, mask, 0.0 |
        x, mask, x0.half() | x, mask, x0.double() | x, mask, "a" | x, mask, None |
        x, mask, torch.tensor([2.0]) | mask, mask, 0 | mask, mask, 2.5 | z, mask, 1j | z, mask, x0 |
        x, mask, z[0, 0] | n, mask, torch.tensor(2.5) | n, mask, x0
    """,
    "clone": """
        x | n | x, memory_format=torch.contiguous_format | image, memory_format=torch.channels_last |
        input=x | x, memory_format=torch.channels_last | x, torch.preserve_format | x, memory_format=None |
        1.0
    """,
}
