"""What is named on a command line: a function in a file, or an operation of the package by its name."""
