"""The program in a reply."""

from __future__ import annotations

import re
import textwrap

_FENCE = re.compile(
    r"^[ \t]*(?P<mark>`{3,}|~{3,})[^\n]*\n(?P<body>.*?)(?:^[ \t]*(?P=mark)[`~]*[ \t]*$|\Z)", re.M | re.S
)


def extract(reply: str) -> str:
    """The last fenced block that holds a program, else the last fenced block, else the whole reply; "" if there is
    nothing. A block whose end is missing goes on to the end of the reply."""
    reply = reply.replace("\r\n", "\n")
    blocks = [m["body"] for m in _FENCE.finditer(reply)]
    programs = [b for b in blocks if re.search(r"^\s*program\b", b, re.M)]
    found = (programs or blocks or [reply])[-1]
    found = textwrap.dedent(found).strip()
    return f"{found}\n" if found else ""
