"""`ConstraintLaws`: what every constraint has to obey, as a mixin of tests for people who write one."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from steersman.ppl.constraints.masks import has, tokens_of
from steersman.ppl.constraints.protocol import State

from .constraint_reader import ConstraintReader, Reading, prefixes_of


class ConstraintLaws(ConstraintReader):
    """Inherit in a pytest class, and say what to test:

        class TestMine(ConstraintLaws):
            constraint = Mine()
            tokenizer = models.load().tokenizer
            texts = ["in the language", "outside it", ""]
            language = None                                # all its texts, if they are few: the masks are then counted

    The texts, and what comes of splicing two of them, are spelt with the tokens of `encode` and at random, down to
    single bytes. Needs `hypothesis`. Override `strategy` for other texts, and `weigh` for constraints that look at
    tokens rather than at text.
    """

    def test_accepting_is_matching(self) -> None:
        """Autoregressive factorisation: the product of the weights of the tokens and of the end is the weight of the
        text, whatever the spelling; `accepting` says whether it is positive."""

        def law(reading: Reading) -> None:
            for tokens in (reading.tokens, reading.again):
                states = self._states(tokens)
                total = math.fsum(s.log_weight(t) for s, t in zip(states, tokens, strict=False)) + states[-1].log_end
                expected = self.weigh(tokens)
                assert math.isclose(total, expected, abs_tol=1e-9), self._say(tokens, "weighs", total, expected)
                assert states[-1].accepting == (expected > -math.inf), self._say(tokens, "accepting")

        self._try(law)

    def test_mask_is_the_viable_set(self) -> None:
        """`allows(t)` is `not advance(t).dead`; it is the bit of the mask where the state is exact, and implies it
        elsewhere."""

        def law(reading: Reading) -> None:
            for state, tokens in self._walk(reading):
                mask = state.mask()
                for token in self._probed(state, reading.seed):
                    allowed, dead = state.allows(token), state.advance(token).dead
                    assert allowed != dead, self._say(tokens, f"allows({token})", allowed, not dead)
                    if mask is not None and (state.exact or allowed):
                        assert has(mask, token) == allowed, self._say(tokens, f"bit {token} of the mask", not allowed)

        self._try(law)

    def test_masks_are_counted(self) -> None:
        """On a finite language: the mask holds the tokens that some text of it goes through, and no others."""
        import pytest

        if self.language is None:
            pytest.skip("this language is not listed")
        spellings, whole = self._spellings, [s.encode() for s in self.language]

        def law(reading: Reading) -> None:
            for state, tokens in self._walk(reading):
                least, most = spellings.viable(whole, spellings.join(tokens))
                allowed = {t for t in tokens_of(self._vocabulary.ordinary) if state.allows(t)}
                assert least <= allowed <= most, self._say(tokens, "allowed tokens", allowed, least)
                mask = state.mask()
                if mask is not None:
                    assert least <= set(tokens_of(mask)), self._say(tokens, "mask", tokens_of(mask), least)

        self._try(law)

    def test_masks_are_well_formed(self) -> None:
        """[ceil(V / 32)] uint32, no special token, and the bits behind the vocabulary are 0."""

        def law(reading: Reading) -> None:
            for state, tokens in self._walk(reading):
                mask = state.mask()
                if mask is not None:
                    assert mask.dtype == np.uint32 and mask.shape == (self._vocabulary.words,), self._say(tokens)
                    extra = tokens_of(mask & ~self._vocabulary.ordinary)
                    assert not extra, self._say(tokens, "special tokens or padding in the mask", extra)

        self._try(law)

    def test_batch_is_single(self) -> None:
        """`fill` writes the mask of every state, whoever else is in the batch."""

        def law(reading: Reading) -> None:
            states = [*self._states(reading.tokens), *self._states(reading.again)]
            out = np.full((len(states), self._vocabulary.words), 0xAAAAAAAA, np.uint32)
            type(states[0]).fill(states, out)
            for state, row in zip(self._states(reading.tokens) + self._states(reading.again), out, strict=True):
                mask = state.mask()
                alone = self._vocabulary.ordinary if mask is None else mask
                assert (row == alone).all(), self._say(reading.tokens, "filled", tokens_of(row), tokens_of(alone))

        self._try(law)

    def test_dead_stays_dead(self) -> None:
        """Prefix monotonicity: after a dead prefix everything is dead, nothing is allowed, and no text is accepted."""

        def law(reading: Reading) -> None:
            was = False
            for state, tokens in self._walk(reading):
                assert state.dead or not was, self._say(tokens, "alive again")
                was = state.dead
                if was:
                    assert not state.accepting, self._say(tokens, "dead and accepting")
                    for token in self._probed(state, reading.seed):
                        assert not state.allows(token), self._say(tokens, f"dead, allows({token})")

        self._try(law)

    def test_texts_have_no_dead_prefix(self) -> None:
        """A text of positive weight is alive and allowed all the way."""

        def law(reading: Reading) -> None:
            for tokens in (reading.tokens, reading.again):
                if self.weigh(tokens) > -math.inf:
                    for i, state in enumerate(self._states(tokens)):
                        assert not state.dead, self._say(tokens[:i], "dead")
                        assert i == len(tokens) or state.allows(tokens[i]), self._say(tokens[:i], f"allows {tokens[i]}")

        self._try(law)

    def test_advance_changes_nothing(self) -> None:
        """States are values: what a state says is the same before and after its children (of several tokens, and
        theirs) have been asked, and forks do not know of each other."""

        def law(reading: Reading) -> None:
            fresh = [self._seen(s) for s in self._states(reading.tokens)]
            states = self._states(reading.tokens)
            for state, tokens in zip(states, prefixes_of(reading.tokens), strict=True):
                before = self._seen(state)
                forks = [(t, state.advance(t)) for t in self._probed(state, reading.seed)[:8]]
                for token in reading.again:
                    for _, fork in forks:
                        self._seen(fork.advance(token))
                assert self._seen(state) == before, self._say(tokens, "changed by advance", self._seen(state), before)
                for token, fork in forks:
                    alone = self._states((*tokens, token))[-1]
                    assert self._seen(fork) == self._seen(alone), self._say((*tokens, token), "is another as a fork")
            assert [self._seen(s) for s in states] == fresh, self._say(reading.tokens, "changed by its children")

        self._try(law)

    def test_equal_keys_have_equal_futures(self) -> None:
        """Keys are hashable; states of one key agree in everything, and so do their children."""
        found: dict[Any, tuple[State, tuple[int, ...]]] = {}

        def law(reading: Reading) -> None:
            ways = (reading.tokens, reading.again, tuple(reversed(reading.tokens)), reading.tokens[1:])
            for way in ways:
                for state, tokens in zip(self._states(way), prefixes_of(way), strict=True):
                    other, where = found.setdefault(state.key(), (state, tokens))
                    why = self._say(tokens, "has the key of", self._text(where))
                    assert self._seen(state)[1:] == self._seen(other)[1:], why
                    for token in self._probed(state, reading.seed)[:8]:
                        assert self._seen(state.advance(token))[1:] == self._seen(other.advance(token))[1:], why
                        assert state.log_weight(token) == other.log_weight(token), why
                    for token in reading.tokens:
                        state, other = state.advance(token), other.advance(token)
                        assert self._seen(state)[1:] == self._seen(other)[1:], why

        self._try(law)

    def test_weights_are_log_weights(self) -> None:
        """A weight is -inf for what is not allowed, or where the text may not end, and only there; elsewhere it is
        finite, and 0 if the constraint is hard."""

        def lawful(weight: float, possible: bool) -> bool:
            if not possible:
                return weight == -math.inf
            return weight == 0.0 if self.constraint.hard else math.isfinite(weight)

        def law(reading: Reading) -> None:
            for state, tokens in self._walk(reading):
                assert lawful(state.log_end, state.accepting), self._say(tokens, "log_end", state.log_end)
                for token in self._probed(state, reading.seed):
                    weight = state.log_weight(token)
                    assert lawful(weight, state.allows(token)), self._say(tokens, f"log_weight({token})", weight)

        self._try(law)

    def test_bytes_are_text(self) -> None:
        """`matches` says the same of a str and of its UTF-8 bytes; no text is shorter than `least_bytes`."""

        def law(reading: Reading) -> None:
            text, data = self._text(reading.tokens), self._spellings.join(reading.tokens)
            assert self.constraint.matches(text) == self.constraint.matches(data), repr(text)
            assert len(data) >= self.constraint.least_bytes or not self.constraint.matches(text), repr(text)

        self._try(law)
