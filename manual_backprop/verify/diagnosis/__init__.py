"""Which mistake explains a wrong gradient."""
