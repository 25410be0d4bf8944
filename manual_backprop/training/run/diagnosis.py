"""The step and the layer in which a value first was NaN or infinite.

The loop looks at its numbers a few times a second at most, so that looking costs nothing. When one of them is
NaN or infinite, the step that caused it lies some way back. It is found by repeating the steps since the last
checkpoint, one at a time: they give the same bits.
"""

from typing import Any

from manual_backprop.training.run.loop import NotFinite, Trainer
from manual_backprop.training.run.progress import Progress


def rewind(trainer: Trainer, good: dict[str, Any], progress: Progress) -> int | None:
    """Bring `trainer` to the state before the first step with a value that is not finite; return that step.

    Args:
        trainer: one whose `train_epoch` raised NotFinite.
        good: an earlier state of it, in the same epoch.
        progress: what the user sees.

    Returns:
        The step, counted from 1. None, and the state `good`, if all values were finite this time: the device
        does not give the same bits again.
    """
    trainer.load_state_dict(good)
    bad = None
    try:
        trainer.train_epoch(lambda: False, progress, one_by_one=True)
    except NotFinite:
        bad = trainer.step
    trainer.load_state_dict(good)
    if bad is not None and trainer.step < bad - 1:
        trainer.train_epoch(lambda: trainer.step == bad - 1, progress, one_by_one=True)
    return bad


def first_not_finite(trainer: Trainer) -> str:
    """Make the next step and name the first of its values, as they were computed, that is not finite."""
    images, labels = trainer.next_batch()
    with trainer.random:
        values = [("the images", images), *trainer.engine.values(images, labels)]
    values += [(f"{name} after its update", value) for name, value in trainer.parameters().items()]
    return next((name for name, value in values if not value.isfinite().all()), "the loss")
