"""Convolution and pooling: sums, means and maxima over windows of an image."""
