"""The derivations of files as tests of pytest."""

import os
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from manual_backprop.derive.command_line.naming import split_name
from manual_backprop.derive.command_line.requests import CannotRead, raised
from manual_backprop.testing.messages import with_summary
from manual_backprop.verify.command import Request
from manual_backprop.verify.files.derivations import Derivation

OPTION = "--verify-gradients"


class Collection:
    """The files that the option names, and which of their derivations.

    A file on the command line is one of the paths to be tested, and the only one if no other is named. In
    `addopts`, it is one of `testpaths`, which a path on the command line stands in for.

    Attributes:
        names: of each file, the derivations that are meant; none where all are.
    """

    def __init__(self, config: pytest.Config) -> None:
        on_command_line = any(arg.startswith(OPTION) for arg in config.invocation_params.args)
        self.names = _named(
            config.option.verify_gradients,
            config.invocation_params.dir if on_command_line else config.rootpath,
        )
        source = config.args_source
        if on_command_line:
            if source is not source.ARGS:
                config.args, config.args_source = [], source.ARGS
        elif source is source.ARGS or config.invocation_params.dir != config.rootpath:
            return
        there = {_absolute(config.invocation_params.dir / arg.split("::")[0]) for arg in config.args}
        config.args += [str(path) for path in self.names if path not in there]

    @pytest.hookimpl(wrapper=True)
    def pytest_collect_file(
        self, file_path: Path, parent: pytest.Collector
    ) -> Generator[None, list[pytest.Collector], list[pytest.Collector]]:
        """Collect the derivations of a file, beside its tests if its name is that of a file of tests."""
        collectors = yield
        if file_path not in self.names:
            return collectors
        patterns = parent.config.getini("python_files")
        if not any(file_path.match(pattern) for pattern in patterns):
            collectors = [each for each in collectors if not isinstance(each, pytest.Module)]
        own: DerivationFile = DerivationFile.from_parent(parent, path=file_path)
        own.only = tuple(self.names[file_path])
        return [*collectors, own]


def _named(asked: list[str], folder: Path) -> dict[Path, list[str]]:
    found: dict[Path, list[str]] = {}
    for what in asked:
        path, name = split_name(what)
        file = _absolute(folder / path)
        if file.is_dir():
            raise pytest.UsageError(f"{OPTION} {what}: it is a folder, name a file in it")
        before = found.get(file)
        meant_whole = not name or before == []
        found[file] = [] if meant_whole else [*dict.fromkeys([*(before or ()), name])]
    return found


def _absolute(path: Path) -> Path:
    """As pytest writes it: links are not followed."""
    return Path(os.path.abspath(path))


class DerivationFile(pytest.File):
    """A file whose derivations are tests.

    Attributes:
        only: the names of those that are meant; none where all are.
    """

    only: tuple[str, ...] = ()

    def collect(self) -> Iterator[pytest.Item]:
        """Run the file, with the files beside it to be imported, as pytest runs a file of tests."""
        folder = str(self.path.parent)
        if folder not in sys.path:
            sys.path.insert(0, folder)
        request = Request(str(self.path), None, listed=True, only=self.only)
        try:
            request.check()
            derivations = request.derivations()
        except CannotRead as error:
            raise self.CollectError(str(error)) from None
        except SystemExit as error:
            raise self.CollectError(raised(self.path, error)) from None
        for derivation in derivations:
            yield DerivationItem.from_parent(
                self, name=derivation.name, request=request, derivation=derivation
            )


class DerivationItem(pytest.Item):
    """A derivation: it passes if it is right, and fails if it is wrong or could not be judged."""

    def __init__(self, *, request: Request, derivation: Derivation, **options: Any) -> None:
        super().__init__(**options)
        self.request = request
        self.derivation = derivation

    def runtest(self) -> None:
        """Judge it."""
        judged = self.request.judge(self.derivation)
        if judged.status != "right":
            pytest.fail(with_summary(judged), pytrace=False)

    def reportinfo(self) -> tuple[Path, None, str]:
        """The headline of a failure."""
        return self.path, None, self.name
