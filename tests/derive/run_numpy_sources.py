"""Run by itself: files in NumPy that derive wrote, on the inputs beside them, where there is no torch.

    python run_numpy_sources.py FOLDER

Of each file, FOLDER/answers.json gets the largest difference of its outputs from those of the forward, and of
its gradients from what differences of the forward say, or what went wrong.
"""

import json
import sys
import traceback
from pathlib import Path

import numpy as np

sys.modules["torch"] = None
sys.modules["manual_backprop"] = None


def difference(given, due):
    given = np.asarray(given)
    if given.shape != due.shape:
        return f"shape {given.shape}, due {due.shape}"
    return float(np.abs(given - due).max(initial=0) / max(np.abs(due).max(initial=0), 1))


def largest(differences):
    return next((x for x in differences if isinstance(x, str)), None) or max(differences)


def listed(values):
    return list(values) if isinstance(values, tuple | list) else [values]


def numbered(case, name):
    return [case[f"{name}{i}"] for i in range(sum(key.startswith(name) for key in case))]


def answer(file, case):
    scope = {"__name__": file.stem}
    exec(compile(file.read_text(), str(file), "exec"), scope)
    *outputs, cache = scope[str(case["forward"])](*numbered(case, "input"))
    outputs = listed(outputs[0]) if len(outputs) == 1 else outputs
    gradients = listed(scope[str(case["backward"])](*numbered(case, "upstream"), cache))
    due, slopes = numbered(case, "output"), numbered(case, "gradient")
    assert (len(outputs), len(gradients)) == (len(due), len(slopes)), f"{len(outputs)}, {len(gradients)}"
    return [largest([*map(difference, outputs, due)]), largest([*map(difference, gradients, slopes)])]


def main(folder):
    answers = {}
    for file in sorted(folder.glob("*.py")):
        try:
            answers[file.stem] = answer(file, dict(np.load(folder / f"{file.stem.split('__')[0]}.npz")))
        except Exception:
            answers[file.stem] = traceback.format_exc()
    (folder / "answers.json").write_text(json.dumps(answers))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
