"""Weighted sums: the linear layer, matrix products, and a linear layer fused with its activation."""
