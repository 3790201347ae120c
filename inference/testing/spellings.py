"""Every way of spelling a text with the tokens of a vocabulary, by plain recursion over bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from steersman.ppl.constraints.vocabulary import Tokenizer, Vocabulary


class Spellings:
    """Tokens as bytes, and nothing else: no code of a constraint, so that constraints can be judged by it."""

    def __init__(self, tokenizer: Tokenizer | Vocabulary) -> None:
        self.vocabulary = Vocabulary.of(tokenizer)
        self._tokens: dict[bytes, list[int]] = {}
        for token, piece in enumerate(self.vocabulary.token_bytes):
            if piece:
                self._tokens.setdefault(piece, []).append(token)

    def join(self, tokens: Iterable[int]) -> bytes:
        return b"".join(self.vocabulary.token_bytes[t] for t in tokens)

    def able(self, data: bytes) -> list[bool]:
        """[len(data) + 1]: whether the bytes from each position on can be spelt."""
        able = [False] * len(data) + [True]
        for at in range(len(data) - 1, -1, -1):
            able[at] = any(able[end] and data[at:end] in self._tokens for end in self._ends(data, at))
        return able

    def all(self, data: bytes) -> Iterator[tuple[int, ...]]:
        """Every spelling, without repetition; there are exponentially many."""
        able = self.able(data)

        def rest(at: int) -> Iterator[tuple[int, ...]]:
            if at == len(data):
                yield ()
            for token, end in self._first(data, at, able):
                for tail in rest(end):
                    yield (token, *tail)

        return rest(0)

    def draw(self, data: bytes, choose: Callable[[int], int]) -> tuple[int, ...] | None:
        """One spelling, ``choose(n)`` picking one of n tokens at every step; None where there is none."""
        able, at, out = self.able(data), 0, []
        while at < len(data):
            options = self._first(data, at, able)
            if not options:
                return None
            token, at = options[choose(len(options))]
            out.append(token)
        return tuple(out)

    def viable(self, language: Sequence[bytes], prefix: bytes) -> tuple[set[int], set[int]]:
        """The tokens after `prefix` that some text of a finite language goes through: those whose rest can be spelt,
        and those that only have to begin a text. They differ where bytes are no tokens."""
        least: set[int] = set()
        most: set[int] = set()
        for data in language:
            if data.startswith(prefix) and len(data) > len(prefix):
                able = self.able(data)
                most.update(t for t, _ in self._first(data, len(prefix), [True] * len(able)))
                least.update(t for t, _ in self._first(data, len(prefix), able))
        return least, most

    def _first(self, data: bytes, at: int, able: Sequence[bool]) -> list[tuple[int, int]]:
        """The tokens that may stand at a position, each with its end."""
        return [(t, end) for end in self._ends(data, at) if able[end] for t in self._tokens.get(data[at:end], ())]

    def _ends(self, data: bytes, at: int) -> range:
        return range(at + 1, min(len(data), at + self.vocabulary.longest) + 1)
