"""Files are judged in processes forked from one interpreter, which is quick."""

import pytest

from manual_backprop.derive.command_line import isolated_process
from tests.verify.forked import ForkedProcess


@pytest.fixture
def forked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command judges files in forked processes; what is started as a subprocess is not changed."""
    monkeypatch.setattr(isolated_process, "start", ForkedProcess)
