"""Arithmetic, number by number, with broadcasting."""
