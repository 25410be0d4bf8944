"""Numbers brought to mean 0 and variance 1: over the batch, the features or groups of channels."""
