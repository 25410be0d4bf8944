"""NumPy code that runs on torch tensors: each call of NumPy's becomes the call of torch's in its place."""
