"""Wrong answers to the exercises of “How a child learns, and how a network does”."""

from typing import Any

WRONG: list[tuple[str, Any, str]] = [
    ("17.1", 101_770, "those are all parameters"),
    ("17.1", 101_632, "the gradient of the images"),
    ("17.1", 100_352, "that is W¹"),
    ("17.1", 1290, "a bias has no part"),
    ("17.1", 128, "from all ten outputs"),
    ("17.1", 0, "needs none"),
    ("17.2", lambda d, a1, a2, B1, B2: d @ B2 * (1 - a2**2), "that is δ²"),
    ("17.2", lambda d, a1, a2, B1, B2: d @ B1, "own units is missing"),
    ("17.2", lambda d, a1, a2, B1, B2: d @ B1 * (1 - a2**2), "that of the first hidden layer"),
    ("17.2", lambda d, a1, a2, B1, B2: d @ B1 * (1 - a1**2) * (1 - a2**2), "through no other layer"),
    ("17.2", lambda d, a1, a2, B1, B2: d @ B2 * (1 - a2**2) @ B1 * (1 - a1**2), "by B¹ alone"),
    ("17.2", lambda d, a1, a2, B1, B2: d @ B1 * (1 - a1.tanh() ** 2), "already the tanh"),
    ("17.2", lambda d, a1, a2, B1, B2: d @ B1.T * (1 - a1**2), "You transposed it"),
    ("17.3", lambda apart, lr, decay, steps: apart * (1 - lr * decay), "after one update"),
    ("17.3", lambda apart, lr, decay, steps: apart * (1 - lr * decay * steps), "what is left"),
    ("17.3", lambda apart, lr, decay, steps: apart * (1 - lr) ** steps, "λ is missing"),
    ("17.3", lambda apart, lr, decay, steps: apart * (1 - decay) ** steps, "η multiplies the decay"),
    ("17.3", lambda apart, lr, decay, steps: apart, "G is the same in both"),
    ("17.3", lambda apart, lr, decay, steps: apart * (1 - 2 * lr * decay) ** steps, "not twice"),
    ("17.3", lambda apart, lr, decay, steps: apart * (1 + lr * decay) ** steps, "the sign of the decay"),
]
