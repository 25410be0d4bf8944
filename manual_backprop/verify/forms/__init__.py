"""The forms in which people have a derivation, each as the problem that is judged."""
