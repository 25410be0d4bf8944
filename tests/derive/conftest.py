"""Files are read in processes forked from one interpreter, as for verify."""

from tests.verify.conftest import forked

__all__ = ["forked"]
