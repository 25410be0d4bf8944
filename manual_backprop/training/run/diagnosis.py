"""Where the numbers stopped being finite.

The loop looks at its numbers a few times a second at most, so that looking costs nothing. When one of them is
not finite any more, the step that did it lies some way back. It is found by making the steps since the last
checkpoint again, one at a time: they give the same bits.
"""

from typing import Any

from manual_backprop.training.run.loop import NotFinite, Trainer
from manual_backprop.training.run.progress import Progress


def rewind(trainer: Trainer, good: dict[str, Any], progress: Progress) -> int | None:
    """Bring `trainer` to the state before the first step with a number that is not finite; which one it is.

    Args:
        trainer: one whose `train_epoch` raised NotFinite.
        good: a state of it before that, in the same epoch.
        progress: what the user sees.

    Returns:
        The step, counted from 1. None, and the state `good`, if all numbers were finite this time: a device
        that does not give the same bits again.
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
