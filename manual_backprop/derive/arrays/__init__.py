"""NumPy code on torch tensors: each of NumPy's functions is the torch function that stands for it."""
