"""From a derivation to findings: which gradient is right, and whether the given one is."""
