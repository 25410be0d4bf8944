"""Run by itself: files that derive wrote, on the inputs beside them, without this package.

    python run_sources.py FOLDER

Of each file, FOLDER/answers.json gets the largest difference from autograd's numbers, relative to the largest
of these, or what went wrong. In float32, NumPy's files have to stay in it.
"""

import json
import sys
import traceback
from pathlib import Path

import numpy as np


def module_of(file):
    scope = {"__name__": file.stem}
    exec(compile(file.read_text(), str(file), "exec"), scope)
    return scope


def difference(given, due):
    given = np.asarray(given)
    if given.shape != due.shape:
        return f"shape {given.shape}, due {due.shape}"
    return float(np.abs(given - due).max(initial=0) / max(np.abs(due).max(initial=0), 1))


def listed(gradients):
    return list(gradients) if isinstance(gradients, tuple) else [gradients]


def with_numpy(scope, inputs, upstream, differentiable, dtype):
    inputs = [x.astype(dtype) if x.dtype == np.float64 else x for x in inputs]
    output, cache = scope["forward"](*inputs)
    gradients = listed(scope["backward"](upstream.astype(dtype), cache))
    for result in (output, *(g for g in gradients if g is not None)):
        assert result.dtype == dtype, f"{result.dtype} from {np.dtype(dtype)}"
    return output, gradients


def with_torch(scope, inputs, upstream, differentiable, kind):
    import torch

    inputs = [torch.from_numpy(x.copy()) for x in inputs]
    upstream = torch.from_numpy(upstream.copy())
    if kind == "torch":
        output, cache = scope["forward"](*inputs)
        return output, listed(scope["backward"](upstream, cache))
    leaves = [x.requires_grad_(bool(d)) for x, d in zip(inputs, differentiable, strict=True)]
    output = scope["Derived"].apply(*leaves)
    wanted = [x for x in leaves if x.requires_grad]
    return output.detach(), list(torch.autograd.grad(output, wanted, upstream, allow_unused=True))


def answer(file, case, kind):
    inputs = [case[f"input{i}"] for i in case["used"]]
    differentiable = [i in case["differentiable"] for i in case["used"]]
    due = [case["output"], *(case[f"gradient{i}"] for i in case["differentiable"])]
    scope = module_of(file)
    if kind == "numpy":
        with_numpy(scope, inputs, case["upstream"], differentiable, np.float32)
        output, gradients = with_numpy(scope, inputs, case["upstream"], differentiable, np.float64)
    else:
        output, gradients = with_torch(scope, inputs, case["upstream"], differentiable, kind)
    given = [output, *gradients]
    assert len(given) == len(due), f"{len(given)} results, due {len(due)}"
    off = [difference(np.zeros_like(d) if g is None else g, d) for g, d in zip(given, due, strict=True)]
    return next((x for x in off if isinstance(x, str)), None) or max(off)


def main(folder):
    answers = {}
    for kind in ("numpy", "torch", "function"):
        for file in sorted(folder.glob(f"*_{kind}.py")):
            case = np.load(folder / f"{file.stem.rsplit('__', 1)[0]}.npz")
            try:
                answers[file.name] = answer(file, case, kind)
            except Exception:
                answers[file.name] = traceback.format_exc()
        assert kind != "numpy" or "torch" not in sys.modules
    assert "manual_backprop" not in sys.modules
    (folder / "answers.json").write_text(json.dumps(answers))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
