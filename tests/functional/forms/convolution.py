"""Convolution and pooling."""

FORMS = {
    "avg_pool2d": """
        image, 2 | image, (2, 3) | image, [2, 3] | image, 2, () | image, 2, [] | image, 2, None |
        image, (2, 3), stride=() | image, (2,), (1,) | image, 2, 1, (1,) | image, 2, 1, () | image, () |
        image, 2, (1, 2, 3) | image, 2, 1, 1, True, False, 3 | image, 2, divisor_override=-2 |
        image, 2, divisor_override=0 | image, torch.tensor(2) | image, (torch.tensor(2), 2) |
        image, np.int64(2) | image, (np.int64(2), 3) | image, np.array([2, 3]) | image, torch.tensor([2, 3]) |
        image, 2.0 | image, True | image, "a" | image, 2, ceil_mode=1 | image, 2, count_include_pad=0 |
        image, 2, padding=2 | image, 2, -1 | image, 2, 0 | image, 7 | image[0], 2 | x, 2 |
        input=image, kernel_size=2 | image, torch.Size([2, 3]) | image, 2, divisor_override=2.0 |
        image, 2, divisor_override=True | image, 2, divisor_override=torch.tensor(3) |
        image, 2, 3, 1, ceil_mode=True | image, 2, padding=(1, 0), ceil_mode=True, count_include_pad=False |
        image, (True, 2) | image, 2, stride=(1, 2) | image, 2, torch.tensor(1) | image, None |
        image, 2, None, None
    """,
    "max_pool2d": """
        image, 2 | image, (2, 3) | image, [2, 3] | image, 2, () | image, 2, [] | image, 2, None |
        image, (2, 3), stride=() | image, (2,), (1,) | image, 2, 1, (1,) | image, 2, 1, () |
        image, 2, 1, 0, () | image, () | image, 2, 1, 1, 1, True | image, 2, return_indices=True |
        image, 2, 1, 1, 1, True, True | image, torch.tensor(2) | image, np.int64(2) |
        image, (np.int64(2), 3) | image, 2.0 | image, True | image, 2, ceil_mode=1 | image, 2, padding=2 |
        image, 2, -1 | image, 2, 0 | image, 7 | image[0], 2 | x, 2 | input=image, kernel_size=2 |
        image, 2, dilation=2 | image, 2, dilation=(1, 3), padding=1 | image, 2, return_indices=1 |
        image, torch.Size([2, 3]) | image, 2, 3, 1, 1, True, return_indices=True |
        image.detach(), 2, 3, 1, 4, return_indices=True | image.detach(), 2, 1, 1, 5, return_indices=True |
        image.detach(), 2, 1, 1, 5, True, return_indices=True | image, 2, dilation=0 | n4, 2 | image, None |
        image, 2, None, None | image.detach(), (1, 2), 1, (0, 1), (1, 7), return_indices=True |
        image.detach(), 2, 4, 1, 6, True, True |
        image.detach(), (2, 2), 1, (1, 1), (6, 1), return_indices=True
    """,
    "adaptive_avg_pool2d": """
        image, 2 | image, (2, 3) | image, [2, None] | image, (None, None) | image, None | image, (2,) |
        image, () | image, (1, 2, 3) | image, 2.0 | image, -1 | image[0], 2 | x, 2 | image, True |
        image, torch.Size([2, 3]) | input=image, output_size=1 | image, (torch.tensor(2), 3)
    """,
    "conv2d": """
        image, kernels | image, kernels, kernel_bias | image, kernels, None, 2 | image, kernels, None, (2,) |
        image, kernels, None, [2, 1] | image, kernels, None, 1, "same" | image, kernels, None, 1, "valid" |
        image, kernels, padding=(1, 0) | image, kernels, padding=[1] | image, kernels, stride=() |
        image, kernels, padding=() | image, kernels, dilation=() | image, kernels, stride=None |
        image, kernels, stride=torch.tensor(2) | image, kernels, stride=np.int64(2) |
        image, kernels, stride=(np.int64(2), 1) | image, kernels, stride=2.0 | image, kernels, stride=True |
        image, kernels, groups=torch.tensor(1) | image, kernels, groups=np.int64(1) |
        image, kernels, groups=1.0 | image, kernels, groups=True | image, kernels, dilation=2 |
        image, kernels[:, :2], groups=2 | image[0], kernels | input=image, weight=kernels |
        image, kernels, stride=torch.Size([2, 1]) | image, kernels, padding="a" |
        image, kernels, stride=(1, 2, 3) | image, kernels, stride=0 | image, kernels, padding=-1 |
        image, kernels, kernel_bias, 2, 1, 1, 1
    """,
}
