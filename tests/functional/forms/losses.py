"""Losses, and their deprecated flags."""

FORMS = {
    "mse_loss": """
        x, m | x, m, False | x, m, True | x, m, None, False | x, m, None, True | x, m, False, False |
        x, m, size_average=False | x, m, size_average=True, reduce=True | x, m, reduce=False |
        x, m, size_average=False, reduction="none" | x, m, reduction="sum" | x, m, reduction="none" |
        x, m, reduction="a" | x, m, reduction=None | x, m, size_average=0 | x, m, reduce=0 |
        input=x, target=m | x, m, reduction="batchmean" | x, m[:1] | x[:, :1], m | x, v |
        x, v, reduction="none" | x, b5 | x, m, weight=m.detach().abs() |
        x, m, weight=m.detach().abs(), reduction="sum" | x, m, weight=v.detach()
    """,
    "l1_loss": """
        x, m | x, m, False | x, m, True | x, m, None, False | x, m, None, True | x, m, False, False |
        x, m, size_average=False | x, m, size_average=True, reduce=True | x, m, reduce=False |
        x, m, size_average=False, reduction="none" | x, m, reduction="sum" | x, m, reduction="none" |
        x, m, reduction="a" | x, m, reduction=None | x, m, size_average=0 | x, m, reduce=0 |
        input=x, target=m | x, m, reduction="batchmean" | x, m[:1] | x, v | x, v, reduction="none" | x, b5 |
        x, m, weight=m.detach().abs(), reduction="none"
    """,
    "smooth_l1_loss": """
        x, m | x, m, False | x, m, True | x, m, None, False | x, m, None, True | x, m, False, False |
        x, m, size_average=False | x, m, size_average=True, reduce=True | x, m, reduce=False |
        x, m, size_average=False, reduction="none" | x, m, reduction="sum" | x, m, reduction="none" |
        x, m, reduction="a" | x, m, reduction=None | x, m, size_average=0 | x, m, reduce=0 |
        input=x, target=m | x, m, reduction="batchmean" | x, m[:1] | x, v, reduction="sum" | x, m, beta=0 |
        x, m, beta=0.0 | x, m, beta=-1 | x, m, beta=2 | x, m, None, None, "sum", 0.5 |
        x, m, beta=np.float64(0.5) | x, m, beta=torch.tensor(0.5) | x, m, beta=None | x, m, beta="a"
    """,
    "kl_div": """
        x, p | x, p, False | x, p, True | x, p, None, False | x, p, None, True | x, p, False, False |
        x, p, size_average=False | x, p, size_average=True, reduce=True | x, p, reduce=False |
        x, p, size_average=False, reduction="none" | x, p, reduction="sum" | x, p, reduction="none" |
        x, p, reduction="a" | x, p, reduction=None | x, p, size_average=0 | x, p, reduce=0 |
        input=x, target=p | x, p, reduction="batchmean" | x, p[:1] | x, p, log_target=True |
        x, p, None, None, "sum" | x, p, reduction="sum", log_target=1 |
        x, p, size_average=False, reduction="batchmean"
    """,
    "binary_cross_entropy_with_logits": """
        x, s | x, s, None, False | x, s, None, True | x, s, None, None, False | x, s, None, None, True |
        x, s, None, False, False | x, s, size_average=False | x, s, size_average=True, reduce=True |
        x, s, reduce=False | x, s, size_average=False, reduction="none" | x, s, reduction="sum" |
        x, s, reduction="none" | x, s, reduction="a" | x, s, reduction=None | x, s, size_average=0 |
        x, s, reduce=0 | input=x, target=s | x, s, reduction="batchmean" | x, s, v.detach() |
        x, s, pos_weight=w | x, s, w, pos_weight=w, reduction="none" | x, s[:1] | x, s > 0.5 |
        x, (s > 0.5).long() | x, s, w[0] | x, s, b5.detach() | x, s, pos_weight=w.double()
    """,
    "huber_loss": """
        x, m[:1] | x, v, reduction="none" | x, v, reduction="sum" | x, m, "sum" | x, m, "none", 0.5 |
        x, m, delta=2 | x, m, delta=0 | x, m, delta=-1.0 | x, m, delta=np.float64(0.5) |
        x, m, delta=torch.tensor(0.5) | x, m, delta="a" | x, m, delta=True | x, m, weight=m.detach().abs() |
        x, m, reduction="a" | x, m, delta=None | x, m, size_average=False
    """,
    "nll_loss": """
        x, y | x, y, w | x, y, None, False | x, y, None, True | x, y, None, None, 1 |
        x, y, None, None, -100, False | x, y, reduce=False | x, y, reduce=True | x, y, size_average=False |
        x, y, w, size_average=False, reduce=True | x, y, reduction="none" |
        x, y, ignore_index=torch.tensor(1) | x, y, ignore_index=np.int64(1) | x, y, ignore_index=1.0 |
        x, y, ignore_index=None | x, y.int() | x, y.to(torch.uint8) | x, y.float() | v, y[0] | image, y4 |
        x, y, reduction="batchmean" | input=x, target=y | x, y, w, reduction="none", ignore_index=2 |
        x, y, ignore_index=True
    """,
    "cross_entropy": """
        x, y | x, y, w | x, y, None, False | x, y, None, True | x, y, None, None, 1 |
        x, y, None, None, -100, False | x, y, reduce=False | x, y, size_average=False |
        x, y, reduction="none" | x, y, label_smoothing=0.1 | x, y, label_smoothing=1 |
        x, y, label_smoothing=2 | x, y, label_smoothing=np.float64(0.1) |
        x, y, label_smoothing=torch.tensor(0.1) | x, y, label_smoothing=None | x, p | x, p, w |
        x, p, size_average=False | x, p, reduce=False | x, p, label_smoothing=0.1, reduction="sum" |
        x, p, None, None, 1 | x, y.int() | x, y.to(torch.uint8) | v, y[0] | v, p[0] | image, y4 |
        x, y, reduction="batchmean" | x, y, ignore_index=np.int64(1) | x, y, ignore_index=torch.tensor(1) |
        x, y, ignore_index=1.0 | input=x, target=y | x, y, w, label_smoothing=0.1, ignore_index=2 |
        x, y, ignore_index=None
    """,
}
