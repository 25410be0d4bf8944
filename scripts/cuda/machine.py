"""What the figures depend on: the machine, the versions, and how fast it copies and multiplies."""

import os
import platform
import subprocess
from functools import partial
from typing import Any

import torch

from manual_backprop import __version__
from manual_backprop.benchmark.timing import machine
from scripts.cuda.measure import alternate, bandwidth, in_full_precision
from scripts.cuda.section import Items, Settings, table


def items(settings: Settings) -> Items:
    """The names and numbers of versions, and the rates."""
    return {"versions": lambda: versions(settings), "rates": lambda: measured_rates(settings)}


def versions(settings: Settings) -> dict[str, Any]:
    """Names and numbers."""
    device = torch.device(settings.device)
    found: dict[str, Any] = {**machine(device), "manual_backprop": __version__, "system": platform.platform()}
    try:
        import torchvision

        found["torchvision"] = torchvision.__version__
    except (ImportError, RuntimeError) as error:  # RuntimeError: built for another torch
        found["torchvision"] = f"not here: {error}"
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        found |= {
            "compute capability": f"{properties.major}.{properties.minor}",
            "memory": f"{properties.total_memory / 2**30:.1f} GiB",
            "multiprocessors": properties.multi_processor_count,
            "driver": driver(),
            "CUDA": torch.version.cuda,
            "cuDNN": torch.backends.cudnn.version(),
        }
    return found


def driver() -> str:
    """Its version."""
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        told = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        return f"unknown: {error}"
    lines = told.stdout.split()
    return lines[0] if lines else "unknown"


def measured_rates(settings: Settings) -> dict[str, float]:
    """Of a copy in bytes a second, and of products of matrices in floating-point operations a second."""
    found, n = {"copy": bandwidth(settings)}, 8192 if settings.device == "cuda" else 512
    with in_full_precision(settings):
        for dtype in ("float32", "bfloat16"):
            a = torch.randn(n, n, device=settings.device, dtype=getattr(torch, dtype))
            out = torch.empty_like(a)
            timed = alternate({"product": partial(torch.mm, a, a, out=out)}, 5, settings)
            found[dtype] = 2 * n**3 / timed["product"].median
    return found


def page(results: dict[str, Any]) -> str:
    """Markdown."""
    rows = [[name, str(value)] for name, value in results.get("versions", {}).items()]
    if rates := results.get("rates"):
        rows.append(["a copy", f"{rates['copy'] / 1e9:,.0f} GB/s, read and written"])
        rows += [
            [f"a product in {dtype}", f"{rates[dtype] / 1e12:,.2f} TFLOP/s"]
            for dtype in ("float32", "bfloat16")
        ]
    rows.append(["environment", " ".join(f"{k}={v}" for k, v in os.environ.items() if k in VARIABLES) or "–"])
    return table(["", ""], rows)


VARIABLES = ("CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "PYTORCH_CUDA_ALLOC_CONF", "NVIDIA_TF32_OVERRIDE")
