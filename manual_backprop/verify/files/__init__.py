"""A file of derivations: which there are, each judged, a line for each."""
