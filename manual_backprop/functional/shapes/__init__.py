"""Shapes, order, choice and copies: every number goes somewhere, and its gradient comes back from there."""
