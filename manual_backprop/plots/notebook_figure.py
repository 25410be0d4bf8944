"""A figure as a notebook takes it, whether or not pyplot was told to draw there."""

from io import BytesIO

from matplotlib.figure import Figure

from manual_backprop.plots.svg import inline


class NotebookFigure(Figure):
    """A matplotlib Figure that a notebook's cell shows when it is the cell's value."""

    def _repr_html_(self) -> str:
        return inline(self)

    def _repr_png_(self) -> bytes:
        """For a frontend that shows no HTML."""
        content = BytesIO()
        self.savefig(content, format="png")
        return content.getvalue()
