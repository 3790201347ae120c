"""What a source must be before anything reads it."""

from __future__ import annotations

import re
import unicodedata

from .diagnostics import Diagnostic, SteerError
from .nodes import Span

LONGEST = 100_000
"""Characters of a file."""
FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029\ud800-\udfff]")
MOST = 20


def normalised(source: str, path: str) -> str:
    """Without a byte order mark, every line ending in "\\n" alone. Raises SteerError where the source is too long, or
    has characters that no text has."""
    text = source.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if len(text) > LONGEST:
        message = f"the file has {len(text)} characters; at most {LONGEST} are read"
        raise SteerError([Diagnostic("too-long", message, path, Span(1, 1, 1, 2), text[:100].split("\n", 1)[0],
                                     "move parts into files of their own and import them")])
    found = []
    for match in FORBIDDEN.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        start = text.rfind("\n", 0, match.start()) + 1
        column = match.start() - start + 1
        shown = FORBIDDEN.sub("\ufffd", text[start:].split("\n", 1)[0])
        code = ord(match[0])
        found.append(Diagnostic("strange-character", f"the character U+{code:04X} may not stand in a file", path,
                                Span(line, column, line, column + 1), shown, f"in a string write {_escape(code)}"))
        if len(found) == MOST:
            break
    if found:
        raise SteerError(found)
    return text


def _escape(code: int) -> str:
    return "another character" if 0xD800 <= code < 0xE000 else f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"


def misnamed(name: str) -> str | None:
    """How a name must be written instead, where it has another normal form (as Python reads it); "" where it cannot."""
    plain = unicodedata.normalize("NFKC", name)
    return None if plain == name and name.isidentifier() else plain if plain.isidentifier() else ""
