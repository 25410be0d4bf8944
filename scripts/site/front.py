"""The front page's picture: one real training step, drawn when the site is built."""

import sys
from pathlib import Path

from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).parent.parent))

from readme_picture import one_step

PICTURE = """<figure class="front">
<div class="wide">{}</div>
<div class="narrow">{}</div>
<figcaption>One real digit in a 784-128-10 network, after one epoch of training: forward to the predicted
probabilities, and backward from p − one-hot to the gradients of the weights.</figcaption>
</figure>
"""


def write(app: Sphinx) -> None:
    """For wide pages and for narrow ones; the style sheet shows one of the two."""
    folder = Path(app.srcdir) / "front"
    folder.mkdir(exist_ok=True)
    pictures = [figure._repr_html_() for figure in one_step()]  # type: ignore[attr-defined]
    (folder / "picture.html").write_text(PICTURE.format(*pictures), encoding="utf-8")
