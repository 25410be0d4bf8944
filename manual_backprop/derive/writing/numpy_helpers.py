"""The functions that NumPy has not, as a file in NumPy writes them for itself.

A helper takes the options that the file gives it, and no others.
"""

from collections.abc import Callable, Collection

SHORT = {
    "sigmoid": """
def sigmoid(x):
    return np.exp(-np.logaddexp(0, -x))  # 1 / (1 + exp(-x)), which overflows
""",
    "softmax": """
def softmax(x, axis):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)
""",
    "log_softmax": """
def log_softmax(x, axis):
    c = x - x.max(axis, keepdims=True)
    return c - np.log(np.exp(c).sum(axis, keepdims=True))
""",
    "erf": """
def erf(x):
    return np.vectorize(math.erf, otypes=[x.dtype])(x)
""",
}


def helper(name: str, options: Collection[str]) -> str:
    """The source of a helper that is called with these options."""
    return (SHORT[name] if name in SHORT else WINDOWS[name](options)).strip("\n")


def _conv2d(options: Collection[str]) -> str:
    lines = ["def conv2d(x, w", *_defaults(options), "):"]
    body = ["n, kernel = len(x), w.shape[2:]"] if "groups" in options else ["kernel = w.shape[2:]"]
    body += _padded(options)
    body += _windows("kernel", options)
    if "groups" not in options:
        body.append('return np.einsum("nchwij,mcij->nmhw", windows, w, optimize=True)')
    else:
        body += [
            "windows = windows.reshape(n, groups, -1, *windows.shape[2:])",
            "w = w.reshape(groups, -1, *w.shape[1:])",
            'z = np.einsum("ngchwij,gmcij->ngmhw", windows, w, optimize=True)',
            "return z.reshape(n, -1, *z.shape[3:])",
        ]
    return _function(lines, body)


def _unfold(options: Collection[str]) -> str:
    lines = ["def unfold(x, kernel", *_defaults(options), "):"]
    body = [
        *_padded(options),
        *_windows("kernel", options),
        "n, c, h, w = windows.shape[:4]",
        "columns = windows.transpose(0, 1, 4, 5, 2, 3)",
        "return columns.reshape(n, c * kernel[0] * kernel[1], h * w)",
    ]
    return _function(lines, body)


def _padded(options: Collection[str]) -> list[str]:
    if "padding" not in options:
        return []
    return ["x = np.pad(x, [(0, 0), (0, 0), *((p, p) for p in padding)])"]


def _windows(kernel: str, options: Collection[str]) -> list[str]:
    size, every = kernel, []
    body = []
    if "dilation" in options:
        body.append(f"size = [d * (k - 1) + 1 for d, k in zip(dilation, {kernel})]")
        size = "size"
    body.append(f"windows = np.lib.stride_tricks.sliding_window_view(x, {size}, (2, 3))")
    every.append("::stride[0], ::stride[1]" if "stride" in options else ":, :")
    if "dilation" in options:
        every.append("::dilation[0], ::dilation[1]")
    if {"stride", "dilation"} & set(options):
        body.append(f"windows = windows[:, :, {', '.join(every)}]")
    return body


def _conv_transpose2d(options: Collection[str]) -> str:
    lines = ["def conv_transpose2d(g, w", *_defaults(options), "):"]
    grouped = "groups" in options
    body = ["n, _, *size = g.shape"]
    if grouped:
        body += [
            "g = g.reshape(n, groups, -1, *size)",
            "w = w.reshape(groups, -1, *w.shape[1:])",
        ]
    equation = '"ngmhw,gmcij->ngcijhw"' if grouped else '"nmhw,mcij->ncijhw"'
    body.append(f"columns = np.einsum({equation}, g, w, optimize=True)")
    if grouped:
        body.append("columns = columns.reshape(n, -1, *columns.shape[3:])")
    body += ["kernel = w.shape[-2:]", *_added("columns", options)]
    return _function(lines, body)


def _fold(options: Collection[str]) -> str:
    lines = ["def fold(columns, size, kernel", *_defaults(options), "):"]
    padded = ", ".join(f"size[{i}]{f' + 2 * padding[{i}]' if 'padding' in options else ''}" for i in (0, 1))
    count = (
        "("
        + ("n + 2 * p" if "padding" in options else "n")
        + " - "
        + ("d * (k - 1) - 1" if "dilation" in options else "k")
        + ")"
    )
    each = ["n", "k"]
    lists = ["size", "kernel"]
    for letter, option in (("p", "padding"), ("d", "dilation"), ("s", "stride")):
        if option in options:
            each.append(letter)
            lists.append(option)
    count += " // s + 1" if "stride" in options else " + 1"
    body = [
        f"places = [{count} for {', '.join(each)} in zip({', '.join(lists)})]",
        "columns = columns.reshape(len(columns), -1, *kernel, *places)",
        f"x = np.zeros((*columns.shape[:2], {padded}), columns.dtype)",
        *_loop(options),
    ]
    return _function(lines, body)


def _added(columns: str, options: Collection[str]) -> list[str]:
    """The image that the kernel's numbers are added to."""
    each, lists = ["n", "k"], ["size", "kernel"]
    for letter, option in (("s", "stride"), ("d", "dilation"), ("r", "output_padding")):
        if option in options:
            each.append(letter)
            lists.append(option)
    first = "(n - 1) * s" if "stride" in options else "n - 1"
    span = "d * (k - 1) + 1" if "dilation" in options else "k"
    rest = " + r" if "output_padding" in options else ""
    return [
        f"image = [{first} + {span}{rest} for {', '.join(each)} in zip({', '.join(lists)})]",
        "x = np.zeros((*columns.shape[:2], *image), columns.dtype)",
        *_loop(options),
    ]


def _loop(options: Collection[str]) -> list[str]:
    """Each place of the kernel is added to the rows and columns that it saw."""
    rows, columns = (_slice(axis, options) for axis in (0, 1))
    body = [
        "h, w = columns.shape[-2:]",
        "for i, j in np.ndindex(*kernel):",
        f"    x[:, :, {rows}, {columns}] += columns[:, :, i, j]",
    ]
    if "padding" in options:
        return [
            *body,
            "(top, left), (height, width) = padding, x.shape[2:]",
            "return x[:, :, top : height - top, left : width - left]",
        ]
    return [*body, "return x"]


def _slice(axis: int, options: Collection[str]) -> str:
    at, count = "ij"[axis], "hw"[axis]
    start = f"dilation[{axis}] * {at}" if "dilation" in options else at
    if "stride" in options:
        return f"{start} : {start} + stride[{axis}] * {count} : stride[{axis}]"
    return f"{start} : {start} + {count}"


def _defaults(options: Collection[str]) -> list[str]:
    said = {
        "stride": "(1, 1)",
        "padding": "(0, 0)",
        "dilation": "(1, 1)",
        "groups": "1",
        "output_padding": "(0, 0)",
    }
    return [f", {name}={default}" for name, default in said.items() if name in options]


def _function(head: list[str], body: list[str]) -> str:
    first = "".join(head)
    if len(first) > 88:
        name, rest = first.split("(", 1)
        first = f"{name}(\n    {rest.removesuffix('):')}\n):"
    return "\n".join([first, *(f"    {line}" for line in body)])


WINDOWS: dict[str, Callable[[Collection[str]], str]] = {
    "conv2d": _conv2d,
    "conv_transpose2d": _conv_transpose2d,
    "unfold": _unfold,
    "fold": _fold,
}
