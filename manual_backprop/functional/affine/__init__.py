"""Weighted sums: the linear layer, matrix products, embeddings, a linear layer with its activation."""
