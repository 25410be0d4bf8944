"""The pytest plugin: `pytest --verify-gradients layers.py` judges each derivation of a file as a test.

It is installed beside the package, as a module of its own, because pytest imports it in every project,
whenever it starts. The package, and torch with it, is imported only where the option is given.
"""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.getgroup("manual_backprop").addoption(
        "--verify-gradients",
        action="append",
        default=[],
        metavar="FILE",
        help="judge the derivations of FILE, a test each, or only file.py::function; may be repeated. On the "
        "command line FILE is one of the paths that are tested, in addopts it is one of testpaths",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Collect the files that are named."""
    if config.option.verify_gradients:
        from manual_backprop.testing.collection import Collection

        config.pluginmanager.register(Collection(config), "manual_backprop.testing.collection")
