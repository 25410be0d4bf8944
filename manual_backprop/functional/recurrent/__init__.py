"""Recurrent layers: backpropagation through time, written out."""
