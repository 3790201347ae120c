"""What ends a text before its end-of-text token and its length limit do: `StopStrings`; see `WordEnd` for another."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from steersman.ppl.constraints.vocabulary import Vocabulary


class Stops(ABC):
    """A rule that finds where a text stops, in its bytes. A value: equal rules are one."""

    def __bool__(self) -> bool:
        """Whether it ever stops a text."""
        return True

    @abstractmethod
    def first(self, data: bytes, before: int) -> tuple[int, str] | None:
        """Where the first stop begins and what it is; data[:before] holds none."""

    @abstractmethod
    def open(self, data: bytes) -> tuple[int, ...]:
        """Where a stop may have begun that more bytes would complete; data holds none that is complete."""

    @abstractmethod
    def touching(self, vocabulary: Vocabulary, data: bytes) -> tuple[int, ...]:
        """The tokens that, after this data, complete a stop, begin one, or go on with one."""

    @abstractmethod
    def completed_by(self, value: str) -> bool:
        """Whether the end of this text, written with its stop, completes a stop."""

    @abstractmethod
    def described(self) -> Any:
        """What two texts that stop alike have in common."""


class StopStrings(Stops):
    """The first occurrence of any of these strings; of those that begin at one place, the one named first.

    Raises ValueError for what is no str, or an empty one.
    """

    def __init__(self, strings: Sequence[str]) -> None:
        if not all(isinstance(s, str) and s for s in strings):
            raise ValueError(f"a stop string must be a str and not be empty, got {list(strings)}")
        self.strings = tuple(strings)
        self._encoded = tuple([s.encode() for s in self.strings])
        self._reach = max(map(len, self._encoded), default=1) - 1  # this many of the last bytes may begin a stop

    def __bool__(self) -> bool:
        return bool(self.strings)

    def first(self, data: bytes, before: int) -> tuple[int, str] | None:
        found: tuple[int, str] | None = None
        for stop, encoded in zip(self.strings, self._encoded, strict=True):
            at = data.find(encoded, max(0, before - len(encoded) + 1))
            if at >= 0 and (found is None or at < found[0]):
                found = (at, stop)
        return found

    def open(self, data: bytes) -> tuple[int, ...]:
        held = range(max(0, len(data) - self._reach), len(data))
        return tuple([at for at in held if any(stop.startswith(data[at:]) for stop in self._encoded)])

    def touching(self, vocabulary: Vocabulary, data: bytes) -> tuple[int, ...]:
        return _touching(vocabulary, self._encoded, _open(self._encoded, data))

    def completed_by(self, value: str) -> bool:
        return value.endswith(self.strings)

    def described(self) -> list[str]:
        return sorted(set(self.strings))

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, StopStrings) and self.strings == other.strings

    def __hash__(self) -> int:
        return hash(self.strings)

    def __repr__(self) -> str:
        return repr(list(self.strings))


def _open(stops: tuple[bytes, ...], data: bytes) -> tuple[bytes, ...]:
    """What would complete the stop strings that the data may have begun."""
    return tuple([
        stop[n:] for stop in stops for n in range(1, min(len(stop), len(data) + 1)) if data.endswith(stop[:n])
    ])


@lru_cache(maxsize=256)
def _touching(vocabulary: Vocabulary, stops: tuple[bytes, ...], rests: tuple[bytes, ...]) -> tuple[int, ...]:
    """rests: what would complete the stop strings that have begun."""
    return tuple([
        t for t, piece in enumerate(vocabulary.token_bytes)
        if piece and (_open(stops, piece) or any(stop in piece for stop in stops)
                      or any(rest.startswith(piece) or piece.startswith(rest) for rest in rests))
    ])
