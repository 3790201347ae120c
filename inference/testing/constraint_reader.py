"""`ConstraintReader`: reads texts with a constraint, in many spellings, on behalf of its laws."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from steersman.ppl.constraints.masks import tokens_of
from steersman.ppl.constraints.protocol import Constraint, State
from steersman.ppl.constraints.vocabulary import Tokenizer, Vocabulary

from .spellings import Spellings

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


class Reading(NamedTuple):
    """One way to read a text. again: another spelling of the same text. seed: for what else is picked."""

    tokens: tuple[int, ...]
    again: tuple[int, ...]
    seed: int


class ConstraintReader:
    """The settings of `ConstraintLaws`, and what its laws need."""

    constraint: Constraint
    tokenizer: Tokenizer
    texts: Sequence[str]
    language: Sequence[str] | None = None
    examples: int = 40
    """How many readings each law is tried on; the same ones in every run."""
    probes: int = 60
    """How many tokens are tried after every prefix, half of them from its mask; all, where there are no more."""

    def strategy(self) -> SearchStrategy[str]:
        """The texts to read."""
        from hypothesis import strategies as st

        given, cut = st.sampled_from(list(self.texts)), st.integers(0, max(map(len, self.texts), default=0))
        return given | st.builds(lambda a, i, b, j: a[:i] + b[j:], given, cut, given, cut)

    def weigh(self, tokens: Sequence[int]) -> float:
        """What a whole text of these tokens should be weighed by, in nats."""
        return self.constraint.log_weight(self._spellings.join(tokens))

    @cached_property
    def _spellings(self) -> Spellings:
        return Spellings(self.tokenizer)

    @property
    def _vocabulary(self) -> Vocabulary:
        return self._spellings.vocabulary

    def _states(self, tokens: Sequence[int]) -> list[State]:
        """The state of every prefix of these tokens, all of them new."""
        states = [self.constraint.start(self._vocabulary)]
        for token in tokens:
            states.append(states[-1].advance(token))
        return states

    def _walk(self, reading: Reading) -> list[tuple[State, tuple[int, ...]]]:
        return list(zip(self._states(reading.tokens), prefixes_of(reading.tokens), strict=True))

    def _probed(self, state: State, seed: int) -> list[int]:
        """Tokens to try: half from the mask, half from outside it."""
        ordinary = set(tokens_of(self._vocabulary.ordinary))
        mask = state.mask()
        inside = ordinary if mask is None else set(tokens_of(mask)) & ordinary
        rng, out = np.random.default_rng(seed), []
        for group in (sorted(inside), sorted(ordinary - inside)):
            many = min(len(group), max(self.probes // 2, self.probes - len(ordinary) + len(group)))
            out += rng.permutation(group)[:many].tolist()
        return out

    def _seen(self, state: State) -> tuple[Any, ...]:
        """All that a state says of itself; the key first."""
        mask = state.mask()
        return state.key(), None if mask is None else mask.tobytes(), state.accepting, state.dead, state.log_end

    def _text(self, tokens: Sequence[int]) -> str:
        return self._spellings.join(tokens).decode(errors="replace")

    def _say(self, tokens: Sequence[int], what: str = "mask", got: Any = "", expected: Any = "") -> str:
        instead = f", expected {expected!r:.200}" if expected != "" else ""
        return f"{self.constraint!r} after {self._text(tokens)!r} = {list(tokens)}: {what} {got!r:.200}{instead}"

    def _try(self, law: Callable[[Reading], None]) -> None:
        from hypothesis import HealthCheck, assume, given, settings
        from hypothesis import strategies as st

        spellings = self._spellings

        @st.composite
        def readings(draw: st.DrawFn) -> Reading:
            text = draw(self.strategy())
            found = spellings.draw(text.encode(), lambda n: draw(st.integers(0, n - 1)))
            assume(found is not None)
            assert found is not None
            own = tuple(self._vocabulary.encode(text))
            if spellings.join(own) != text.encode():  # a tokenizer that changes the text
                own = found
            ways = (own, found) if draw(st.booleans()) else (found, own)
            return Reading(*ways, draw(st.integers(0, 99)))

        def run(reading: Reading) -> None:
            law(reading)

        settings(
            max_examples=self.examples, deadline=None, derandomize=True, database=None, report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        )(given(readings())(run))()


def prefixes_of(tokens: Sequence[int]) -> list[tuple[int, ...]]:
    """From the empty one to the whole."""
    return [tuple(tokens[:i]) for i in range(len(tokens) + 1)]
