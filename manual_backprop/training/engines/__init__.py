"""The ways to make a training step: with autograd, with this package's operations, or with neither."""

from manual_backprop.training.engines.engine import Engine, build

__all__ = ["Engine", "build"]
