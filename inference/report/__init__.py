"""A self-contained HTML page of a posterior: `report(posterior, "out.html")`.

The page needs no network and nothing but a browser: its style, script and data are in the file. What it draws of large
runs is bounded (`limits`), and it says what it leaves out.
"""

from .write import report

__all__ = ["report"]
