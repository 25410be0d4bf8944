"""A recording as one HTML file that needs no server and no network."""

from manual_backprop.record.page.html import page

__all__ = ["page"]
