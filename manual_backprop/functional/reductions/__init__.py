"""Sums, means and deviations over dimensions."""
