"""Several processes make the steps that one would make."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.training.sharing import CASES

ROOT = Path(__file__).parent.parent.parent


def torchrun(count: int, *command: str, limit: float = 300) -> subprocess.CompletedProcess[str]:
    """Run a program in `count` processes that know of each other."""
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "torch.distributed.run",
            "--standalone",
            f"--nproc-per-node={count}",
            *command,
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT), "GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=limit,
    )


@pytest.fixture(scope="module", params=[2, 4])
def differences(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    file = tmp_path_factory.mktemp("shared") / "differences.json"
    done = torchrun(request.param, "tests/training/sharing.py", str(file))
    assert done.returncode == 0, done.stderr
    found: dict[str, float] = json.loads(file.read_text())
    assert found.pop("processes") == request.param
    return found


@pytest.mark.parametrize("case", CASES)
def test_shares_of_a_batch_add_up_to_its_gradient(case: str, differences: dict[str, float]) -> None:
    assert differences[case] < 1e-12
