"""Names by which other languages call the constants."""

from __future__ import annotations

FOREIGN = {"true": "True", "false": "False", "null": "None", "nil": "None", "undefined": "None"}
