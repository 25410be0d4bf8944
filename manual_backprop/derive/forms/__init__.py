"""The forms in which people have a forward: in torch or NumPy, with a cache, flags and nested arguments."""
