"""Table models whose tokens are awkward: several characters, or parts of one."""

from __future__ import annotations

from collections.abc import Iterable

from steersman.models import TableLM


class ByteTokenizer:
    """Tokens are byte strings, encoded greedily, longest first; characters may be split over tokens."""

    def __init__(self, pieces: list[bytes]) -> None:
        self.token_bytes = tuple(pieces)

    def encode(self, text: str) -> tuple[int, ...]:
        data, out = text.encode(), []
        while data:
            best = max((i for i, p in enumerate(self.token_bytes) if p and data.startswith(p)),
                       key=lambda i: len(self.token_bytes[i]))
            out.append(best)
            data = data[len(self.token_bytes[best]) :]
        return tuple(out)

    def decode(self, tokens: Iterable[int]) -> str:
        return b"".join(self.token_bytes[t] for t in tokens).decode(errors="replace")


def byte_lm(pieces: list[bytes], *, eos: int | None = 0, seed: int = 0) -> TableLM:
    """A random bigram model over byte tokens; token 0 ends a text and has no bytes."""
    return TableLM.random(len(pieces), seed=seed, scale=1.0, eos=eos, tokenizer=ByteTokenizer(pieces))


# "é" is C3 A9, "€" is E2 82 AC: whole, in halves, and glued to what follows
SPLIT = [
    b"", b"a", b".", "é".encode(), b"\xc3", b"\xa9", b"\xe2", b"\x82", b"\xac", b"\xac.", b"\xa9a.", b"b.c", b"b", b"c",
    "�".encode(),
]
