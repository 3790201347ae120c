"""`substring(text)`: any passage of a text."""

from __future__ import annotations

import json
import re
from typing import Literal

from .choice import checked_texts
from .definition import Definition
from .engine.constraint import EngineConstraint
from .errors import ConstraintError


def substring(text: str, chunk: Literal["word"] | None = None) -> Substring:
    """A passage of the text, the empty one included (``substring(text) & regex(r"(?s).+")`` leaves it out): characters
    that follow each other in it, so that a model can quote but not invent. With ``chunk="word"`` a passage begins and
    ends between words (a run of letters, digits and underscores) and other characters, each of which stands alone.
    """
    return Substring(text, chunk)


class Substring(EngineConstraint):
    """See `substring`. Source: the suffix automaton of the text, of at most 2 n states (Blumer et al. 1985)."""

    def __init__(self, text: str, chunk: Literal["word"] | None = None) -> None:
        if chunk not in (None, "word"):
            raise ConstraintError(f'substring: chunk is None (characters) or "word", got {chunk!r}')
        if not isinstance(text, str):
            raise ConstraintError(f"substring: expected a str, got {text!r}")
        checked_texts("substring", [text])
        self.text, self.chunk = text, chunk
        self.chunks = tuple(text) if chunk is None else tuple(re.findall(r"\w+|\W", text))

    def definition(self, prefix: str) -> Definition:
        return Definition.of_terminal(prefix, f"%regex {json.dumps({'substring_chunks': self.chunks})}")

    def __repr__(self) -> str:
        shown = self.text if len(self.text) <= 40 else self.text[:37] + "..."
        return f"substring({shown!r}{'' if self.chunk is None else f', chunk={self.chunk!r}'})"
