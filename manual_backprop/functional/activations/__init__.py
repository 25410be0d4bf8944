"""Functions between the layers: elementwise ones, softmax over a dimension, dropout."""
