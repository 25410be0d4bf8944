"""Attention: sums of values, weighted by how well queries and keys agree."""
