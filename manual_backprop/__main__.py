"""`python -m manual_backprop` is `manual-backprop`."""

import sys

from manual_backprop.cli import main

if __name__ == "__main__":
    sys.exit(main())
