"""Affine layers, normalisations and attention."""

FORMS = {
    "linear": """
        x, W | x, W, b7 | v, W | v, v | x, v | t3, W5 | input=x, weight=W, bias=None | x, W.half() |
        x, W, b7.half() | n, n | x, W, x0 | x, W, v | x0, W | x, W, b7[None]
    """,
    "matmul": """
        x, W.T | v, v | x, v | v, W.T | t3, W5.T | x, W | x0, x | n, n.T | x, n.T | input=x, other=v |
        z, z.T | x, z.T
    """,
    "mm": """
        x, W.T | x, v | v, x | x, n.T | n, n.T | input=x, mat2=W.T
    """,
    "bmm": """
        t3, t3.mT | x, x | input=t3, mat2=t3.mT | t3, x
    """,
    "mv": """
        x, v | x, x | input=x, vec=v | n, n[0]
    """,
    "dot": """
        v, v.detach() | x, v | input=v, tensor=v | v, b5 | v, n[0] | n[0], n[0]
    """,
    "addmm": """
        m7, x, W.T | b7, x, W.T | x0, x, W.T | m7, x, W.T, beta=2, alpha=0.5 | m7, x, W.T, beta=0 | m7, x, W |
        input=m7, mat1=x, mat2=W.T | m7, x, W.T, beta=np.float64(2.0) | m7, x, W.T, beta=torch.tensor(2.0) |
        m7, x, W.T, alpha=True | m7, x, W.T, alpha="a" | n[:, :1], n, n.T | n[:, :1], n, n.T, alpha=0.5 |
        m7.half(), x, W.T | m7, x, v | m7, x, W.T, beta=1j | t3, x, W.T | m7, x, W.T, beta=None
    """,
    "baddbmm": """
        x0, t3, t3.mT | t33, t3, t3.mT | t33, t3, t3.mT, beta=2, alpha=0.5 | t33, t3, t3.mT, beta=0 |
        t33, t3, t3 | t33[0], t3, t3.mT | input=t33, batch1=t3, batch2=t3.mT
    """,
    "einsum": """
        "nd,md->nm", x, W | "nd,md", x, W | "ij->ji", x | "ij->", x | "...d,md->...m", t3, W5 | "i,i", v, v |
        " n d , m d -> n m ", x, W | x, [0, 1], W, [2, 1], [0, 2] | "nd,md->nm", [x, W] | "ii->i", t33[0] |
        "ij,jk,kl->il", x, W.T, m7.T[:, :3].T | "nd,md->nm", n, n | "nd,md->nm", x, W.half() |
        "nd,dm->nm", x, W | "nd->nz", x | "nd,md->nm", x | "nd", x, W | "i->i", x0 | "->", x0 |
        "Nd,Md->NM", x, W | "ij,ij->ij", z, z
    """,
    "embedding": """
        i, W | i[None], W | i[0], W | i.int(), W | i.float(), W | i, W, 2 | i, W, -1 | i, W, 7 |
        i, W, padding_idx=None | i, W, scale_grad_by_freq=True | i, v | i + 7, W | i, W, np.int64(2) |
        i, W, torch.tensor(2) | i, W, 2.0 | input=i, weight=W | i, W, scale_grad_by_freq=1 |
        i.to(torch.uint8), W | i, n | [0, 1], W | i[:0], W | i, W, True | i, W, None, None, 2.0, True
    """,
    "layer_norm": """
        x, (3,) | x, [3] | x, 3 | x, torch.Size([3]) | x, (5, 3) | x, () | x, (2,) | x, (3,), v |
        x, (3,), v, v | x, (3,), None, v | x, (3,), eps=0 | x, (3,), eps=1 | x, (3,), eps=np.float64(0.1) |
        x, (3,), eps=torch.tensor(0.1) | x, (3,), eps="a" | x, (np.int64(3),) | x, (torch.tensor(3),) |
        x, (3.0,) | n, (3,) | x, (3,), v.half() | x, (3,), v.double() | x, (3,), b5 |
        input=x, normalized_shape=(3,) | x, (3,), eps=None | x, np.int64(3) | x, torch.tensor(3) |
        x, torch.tensor([3]) | x, (3,), eps=-1.0 | x, None | x, True
    """,
    "rms_norm": """
        x, (3,) | x, [3] | x, 3 | x, torch.Size([3]) | x, (5, 3) | x, () | x, (2,) | x, (3,), v |
        x, (3,), v, 1e-3 | x, (3,), eps=0 | x, (3,), eps=np.float64(0.1) | x, (3,), eps=None |
        x, (np.int64(3),) | n, (3,) | x, (3,), v.half() | x.half(), (3,), v | z, (3,) | x, (3,), b5 |
        x, np.int64(3) | x, (3,), n[0] | x, None | x, (3,), eps="a" | x, (3,), v.double() |
        x.bfloat16(), (3,), v | x, (3,), eps=torch.tensor(0.1)
    """,
    "group_norm": """
        image, 2 | image, 1 | image, 4 | image, 3 | image, 2, b4 | image, 2, b4, b4 | image, 2, None, b4 |
        image, num_groups=2, eps=0.1 | image, np.int64(2) | image, torch.tensor(2) | image, 2.0 |
        image, True | image.half(), 2, b4 | image, 2, b4.half() | n4, 2 | image, 2, v | x, 1 | v, 1 |
        image, 2, eps=0 | image, 2, eps="a" | image, 2, b4.double() | image, 2, eps=np.float64(0.1) |
        image, 2, eps=torch.tensor(0.1) | input=image, num_groups=2
    """,
    "batch_norm": """
        image, None, None, training=True | image, None, None, b4, b4, True |
        image, b4.detach(), b4.detach().abs() | image, b4.detach().clone(), b4.detach().abs(), training=True |
        image, b4.detach().clone(), b4.detach().abs(), training=True, momentum=None | image, None, None |
        image, None, None, training=True, eps=0 | image, None, None, training=True, eps=1 |
        image, None, None, training=True, eps=np.float64(0.1) | image, None, None, training=1 |
        image, b4.detach(), b4.detach().abs(), momentum=1 |
        image, b4.detach().clone(), b4.detach().abs(), training=True, momentum=1 |
        image, b4.detach().clone(), b4.detach().abs(), training=True, momentum=torch.tensor(0.1) |
        image, b4.detach().clone(), b4.detach().abs(), training=True, momentum=np.float64(0.1) |
        image.half(), None, None, b4, b4, True | image, None, None, b4.half(), None, True |
        image, b4.detach(), None | v, None, None, training=True | x, None, None, training=True |
        x[:1], None, None, training=True | n4, None, None, training=True | image, v.detach(), v.detach() |
        image, None, None, eps=torch.tensor(0.1), training=True |
        image, b4.detach(), b4.detach().abs(), eps="a"
    """,
    "scaled_dot_product_attention": """
        t3, t3, t3 | x, x, x | t3, t3, t3, square_mask | t3, t3, t3, square_mask.float() |
        t3, t3, t3, None, 0.0, True | t3, t3, t3, is_causal=True, scale=0.5 | t3, t3, t3, scale=1 |
        t3, t3, t3, scale=np.float64(0.5) | t3, t3, t3, scale=torch.tensor(0.5) |
        t3, t3, t3, square_mask, is_causal=True | t3, t3, t3, dropout_p=1.1 | t3, t3, t3, scale="a" |
        t3, t3, t3.half() | t3, t3, t3, square_mask.long() | n, n, n | q4, k4, k4, enable_gqa=True |
        q4, k4, k4 | query=t3, key=t3, value=t3 | v, v, v | t3, t3, t3, square_mask.double() |
        t3, t3, t3, square_mask.half() | t3, t3, t3, None, 0, 1 | t3, t3, t3, scale=0.0
    """,
}
