"""Tokenizers: text to tokens and back, exact to the byte."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any, Protocol


class Tokenizer(Protocol):
    """token_bytes[i] is what token i stands for (empty for special tokens); decode(encode(s)) == s."""

    @property
    def token_bytes(self) -> Sequence[bytes]: ...

    def encode(self, text: str) -> tuple[int, ...]: ...

    def decode(self, tokens: Iterable[int]) -> str: ...


class SymbolTokenizer:
    """One token for each symbol of a small alphabet, for table models.

    Symbols must be distinct and not empty, and none may begin another, so that encoding is unambiguous.
    """

    def __init__(self, symbols: Sequence[str], special: Iterable[int] = ()) -> None:
        special = frozenset(special)
        plain = [s for i, s in enumerate(symbols) if i not in special]
        if len(set(plain)) != len(plain) or "" in plain:
            raise ValueError(f"the symbols of a vocabulary must be distinct and not empty, got {list(symbols)}")
        for a in plain:
            for b in plain:
                if a != b and b.startswith(a):
                    raise ValueError(f"symbol {a!r} begins symbol {b!r}: text could be read in two ways")
        self.symbols = tuple(symbols)
        self.token_bytes = tuple(b"" if i in special else s.encode() for i, s in enumerate(symbols))
        self._ids = {s: i for i, s in enumerate(symbols) if i not in special}

    def encode(self, text: str) -> tuple[int, ...]:
        out, at = [], 0
        while at < len(text):
            symbol = next((s for s in self._ids if text.startswith(s, at)), None)
            if symbol is None:
                raise ValueError(f"{text[at:at + 10]!r} (position {at}) is not in the vocabulary {list(self._ids)}")
            out.append(self._ids[symbol])
            at += len(symbol)
        return tuple(out)

    def decode(self, tokens: Iterable[int]) -> str:
        return b"".join(self.token_bytes[t] for t in tokens).decode()


class HuggingFaceTokenizer:
    """A fast tokenizer of `transformers`, with the bytes of every token. Raises ValueError for what has no bytes.

    The bytes are read from the vocabulary itself: byte-level alphabets (GPT-2, Llama 3, Qwen) are mapped back to
    bytes, sentencepiece pieces have their word mark turned into a space and <0xNN> pieces into that byte.
    """

    def __init__(self, tokenizer: Any, vocab_size: int) -> None:
        self._backend = tokenizer.backend_tokenizer
        special = set(tokenizer.all_special_ids)
        byte_level = "ByteLevel" in self._backend.to_str().split('"model"')[0] or _is_byte_level(tokenizer)
        pieces: list[bytes] = []
        for i in range(vocab_size):
            piece = tokenizer.convert_ids_to_tokens(i) if i < len(tokenizer) else None
            pieces.append(b"" if piece is None or i in special else _piece_bytes(piece, byte_level))
        self.token_bytes = tuple(pieces)
        self.special = frozenset(special)

    @cached_property
    def merges(self) -> tuple[tuple[int, int, int], ...] | None:
        """(left, right, joined) of every merge in the order of application; None unless this is byte-pair encoding."""
        model = json.loads(self._backend.to_str())["model"]
        if model["type"] != "BPE":
            return None
        of, pairs = model["vocab"], [m.split(" ", 1) if isinstance(m, str) else m for m in model["merges"]]
        return tuple([(of[a], of[b], of[a + b]) for a, b in pairs])

    def encode(self, text: str) -> tuple[int, ...]:
        try:
            return tuple(self._backend.encode(text, add_special_tokens=False).ids)
        except TypeError:  # it names neither the text nor what is wrong with it
            why = "a lone surrogate has no bytes" if isinstance(text, str) else "a text is a str"
            raise ValueError(f"cannot encode {text!r:.60}: {why}") from None

    def decode(self, tokens: Iterable[int]) -> str:
        return b"".join(self.token_bytes[t] for t in tokens).decode(errors="replace")


def _is_byte_level(tokenizer: Any) -> bool:
    return "Ġ" in "".join(tokenizer.convert_ids_to_tokens(list(range(min(len(tokenizer), 2000)))))


def _piece_bytes(piece: str, byte_level: bool) -> bytes:
    if byte_level:
        try:
            return bytes(_BYTE_OF[c] for c in piece)
        except KeyError:  # an added token, written as plain text
            return piece.encode()
    if len(piece) == 6 and piece.startswith("<0x") and piece.endswith(">"):
        return bytes([int(piece[3:5], 16)])
    return piece.replace("▁", " ").encode()


def _byte_alphabet() -> dict[str, int]:
    """The printable stand-ins that byte-level vocabularies write bytes with (Radford et al. 2019, GPT-2)."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    table = {chr(b): b for b in printable}
    others = [b for b in range(256) if b not in printable]
    table.update({chr(0x100 + i): b for i, b in enumerate(others)})
    return table


_BYTE_OF = _byte_alphabet()
