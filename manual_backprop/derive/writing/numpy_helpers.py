"""The functions that NumPy has not, as a file in NumPy writes them for itself.

A helper takes the options that the file gives it, and no others.
"""

from collections.abc import Callable, Collection

from manual_backprop.derive.writing.layout import laid_out

SHORT = {
    "sigmoid": """
def sigmoid(x):
    return np.exp(-np.logaddexp(0, -x))  # 1 / (1 + exp(-x)), which overflows
""",
    "softmax": """
def softmax(x, axis):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)
""",
    "log_softmax": """
def log_softmax(x, axis):
    c = x - x.max(axis=axis, keepdims=True)
    return c - np.log(np.exp(c).sum(axis=axis, keepdims=True))
""",
    "xlogy": """
def xlogy(x, y):
    return np.where(x == 0, 0, x * np.log(np.where(x == 0, 1, y)))
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
    body = [*_padded(options), "kernel = k.shape[2:]", *_windows(options)]
    if "groups" not in options:
        body.append('return np.einsum("nchwij,mcij->nmhw", windows, k, optimize=True)')
    else:
        body += [
            "n, _, *rest = windows.shape",
            "windows = windows.reshape(n, groups, -1, *rest)",
            "k = k.reshape(groups, -1, *k.shape[1:])",
            'z = np.einsum("ngchwij,gmcij->ngmhw", windows, k, optimize=True)',
            "return z.reshape(n, -1, *rest[:2])",
        ]
    return _function("conv2d", "x, k", options, body)


def _unfold(options: Collection[str]) -> str:
    body = [
        *_padded(options),
        *_windows(options),
        "n, c, h, w = windows.shape[:4]",
        "columns = windows.transpose(0, 1, 4, 5, 2, 3)",
        "return columns.reshape(n, c * kernel[0] * kernel[1], h * w)",
    ]
    return _function("unfold", "x, kernel", options, body)


def _padded(options: Collection[str]) -> list[str]:
    if "padding" not in options:
        return []
    return ["x = np.pad(x, [(0, 0), (0, 0), *((p, p) for p in padding)])"]


def _windows(options: Collection[str]) -> list[str]:
    body, size, steps = [], "kernel", []
    if "dilation" in options:
        body.append("d, e = dilation")
        body.append("size = (d * (kernel[0] - 1) + 1, e * (kernel[1] - 1) + 1)")
        size = "size"
    if "stride" in options:
        body.append("s, t = stride")
    body.append(f"windows = np.lib.stride_tricks.sliding_window_view(x, {size}, (2, 3))")
    if "dilation" in options:
        steps.append("::d, ::e")
    if steps or "stride" in options:
        steps.insert(0, "::s, ::t" if "stride" in options else ":, :")
        body.append(f"windows = windows[:, :, {', '.join(steps)}]")
    return body


def _conv_transpose2d(options: Collection[str]) -> str:
    body = [f"{letters} = {option}" for option, letters in LETTERS.items() if option in options]
    body.append("(h, w), kernel = g.shape[2:], k.shape[2:]")
    if "groups" in options:
        body += [
            "g = g.reshape(len(g), groups, -1, h, w)",
            "k = k.reshape(groups, -1, *k.shape[1:])",
            'columns = np.einsum("ngmhw,gmcij->ngcijhw", g, k, optimize=True)',
            "columns = columns.reshape(len(g), -1, *kernel, h, w)",
        ]
    else:
        body.append('columns = np.einsum("nmhw,mcij->ncijhw", g, k, optimize=True)')
    for n, axis in (("h", 0), ("w", 1)):
        rows = f"{_times(LETTERS['stride'][3 * axis], f'({n} - 1)', options, 'stride')}"
        span = _times(LETTERS["dilation"][3 * axis], f"(kernel[{axis}] - 1)", options, "dilation")
        rest = f" + output_padding[{axis}]" if "output_padding" in options else ""
        body.append(f"{['height', 'width'][axis]} = {rows} + {span} + 1{rest}")
    body.append("x = np.zeros((*columns.shape[:2], height, width), columns.dtype)")
    return _function("conv_transpose2d", "g, k", options, [*body, *_added(options)])


def _fold(options: Collection[str]) -> str:
    body = [f"{letters} = {option}" for option, letters in LETTERS.items() if option in options]
    more = {0: " + 2 * p", 1: " + 2 * q"} if "padding" in options else {0: "", 1: ""}
    body.append(f"height, width = size[0]{more[0]}, size[1]{more[1]}")
    for n, axis, whole in (("h", 0, "height"), ("w", 1, "width")):
        span = _times(LETTERS["dilation"][3 * axis], f"(kernel[{axis}] - 1)", options, "dilation")
        count = f"{whole} - {span}" if "dilation" in options else f"{whole} - kernel[{axis}] + 1"
        if "stride" in options:
            step = LETTERS["stride"][3 * axis]
            rest = f"{whole} - {span} - 1" if "dilation" in options else f"{whole} - kernel[{axis}]"
            count = f"({rest}) // {step} + 1"
        body.append(f"{n} = {count}")
    body += [
        "columns = columns.reshape(len(columns), -1, *kernel, h, w)",
        "x = np.zeros((*columns.shape[:2], height, width), columns.dtype)",
    ]
    return _function("fold", "columns, size, kernel", options, [*body, *_added(options)])


LETTERS = {"stride": "s, t", "padding": "p, q", "dilation": "d, e"}


def _times(letter: str, count: str, options: Collection[str], option: str) -> str:
    return f"{letter} * {count}" if option in options else count.strip("()")


def _added(options: Collection[str]) -> list[str]:
    """Each place of the kernel is added to the rows and columns that it saw."""
    body = ["for i, j in np.ndindex(*kernel):"]
    if {"stride", "dilation"} & set(options):
        for name, at, n, axis in (("rows", "i", "h", 0), ("places", "j", "w", 1)):
            start = _times(LETTERS["dilation"][3 * axis], at, options, "dilation")
            end = _times(LETTERS["stride"][3 * axis], n, options, "stride")
            step = f", {LETTERS['stride'][3 * axis]}" if "stride" in options else ""
            body.append(f"    {name} = slice({start}, {start} + {end}{step})")
        body.append("    x[:, :, rows, places] += columns[:, :, i, j]")
    else:
        body.append("    x[:, :, i : i + h, j : j + w] += columns[:, :, i, j]")
    inner = "x[:, :, p : height - p, q : width - q]" if "padding" in options else "x"
    return [*body, f"return {inner}"]


def _function(name: str, given: str, options: Collection[str], body: list[str]) -> str:
    said = {
        "stride": "(1, 1)",
        "padding": "(0, 0)",
        "dilation": "(1, 1)",
        "groups": "1",
        "output_padding": "(0, 0)",
    }
    parameters = [*given.split(", "), *(f"{n}={default}" for n, default in said.items() if n in options)]
    head = laid_out(f"def {name}({', '.join(parameters)}):", 0)
    return "\n".join([*head, *(f"    {line}" for line in body)])


WINDOWS: dict[str, Callable[[Collection[str]], str]] = {
    "conv2d": _conv2d,
    "conv_transpose2d": _conv_transpose2d,
    "unfold": _unfold,
    "fold": _fold,
}
