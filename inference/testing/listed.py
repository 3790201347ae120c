"""`Listed`: the plainest constraint there is, a few texts held against the bytes read so far."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from functools import cached_property
from typing import Literal

from steersman.ppl.constraints.errors import Unsatisfiable
from steersman.ppl.constraints.masks import Packed, pack_tokens
from steersman.ppl.constraints.protocol import Constraint, State
from steersman.ppl.constraints.vocabulary import Tokenizer, Vocabulary

from .spellings import Spellings

Knows = Literal["mask", "bytes", "nothing"]


class Listed(Constraint):
    """The language is these texts. For tests: combinators and samplers are held against it.

    knows: how good the masks of its states are: exact ("mask"), only which bytes may come next ("bytes", not exact),
    or none at all ("nothing", not exact).
    """

    def __init__(self, texts: Iterable[str], knows: Knows = "mask") -> None:
        self.texts, self.knows = tuple(sorted(set(texts))), knows

    def start(self, tokenizer: Tokenizer | Vocabulary) -> ListedState:
        """Raises Unsatisfiable where no text can be spelt."""
        spellings = Spellings(tokenizer)
        texts = tuple([data for s in self.texts if spellings.able(data := s.encode())[0]])
        if not texts:
            raise Unsatisfiable(f"{self!r}: this vocabulary can spell none of the texts")
        return ListedState(spellings, texts, b"", self.knows)

    def matches(self, text: str | bytes) -> bool:
        return (text if isinstance(text, bytes) else text.encode()) in {s.encode() for s in self.texts}

    @property
    def least_bytes(self) -> int:
        return min((len(s.encode()) for s in self.texts), default=0)

    def __repr__(self) -> str:
        return f"Listed({list(self.texts)})"


class ListedState(State):
    """texts: those that begin with what was read."""

    def __init__(self, spellings: Spellings, texts: tuple[bytes, ...], read: bytes, knows: Knows) -> None:
        self.spellings, self.texts, self.read, self.knows = spellings, texts, read, knows
        self.vocabulary, self.exact = spellings.vocabulary, knows == "mask"

    @property
    def accepting(self) -> bool:
        return self.read in self.texts

    @property
    def dead(self) -> bool:
        return not self.texts

    def advance(self, token: int) -> State:
        read, at = self.read + self.vocabulary.token_bytes[token], len(self.read)
        kept = [s for s in self.texts if s.startswith(read) and self.spellings.able(s[at:])[len(read) - at]]
        return type(self)(self.spellings, tuple(kept), read, self.knows)

    @cached_property
    def _mask(self) -> Packed:
        least, _ = self.spellings.viable(self.texts, self.read)
        if self.knows == "bytes":
            first = {self.vocabulary.token_bytes[t][0] for t in least}
            least = {t for t, piece in enumerate(self.vocabulary.token_bytes) if piece and piece[0] in first}
        return pack_tokens(least, self.vocabulary.size)

    def mask(self) -> Packed | None:
        return None if self.knows == "nothing" else self._mask

    def key(self) -> Hashable:
        return (type(self), self.texts, self.read if self.texts else b"", self.knows)
