"""Functions between the layers: elementwise ones, and softmax over a dimension."""
