"""Texts as a terminal may print them: what a model or a program says must not move its cursor or change its colours."""

from __future__ import annotations

import re

_COMMANDS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def visible(text: str) -> str:
    r"""The text with control characters (but not tabs and ends of lines) and those that turn the direction of writing
    spelled out, "\x1b"."""
    return _COMMANDS.sub(lambda found: ascii(found[0])[1:-1], text)
