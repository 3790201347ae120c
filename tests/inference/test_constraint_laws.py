"""The laws of constraints: a correct one obeys all of them, and each has mutants that it must see."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import pytest

from steersman.inference.testing import ConstraintLaws, Listed, Spellings
from steersman.inference.testing.listed import ListedState
from steersman.ppl.constraints.masks import Packed, has, pack_tokens
from steersman.ppl.constraints.protocol import State
from steersman.ppl.constraints.vocabulary import Tokenizer, Vocabulary


class Pieces:
    """A vocabulary of byte strings, encoded greedily; the end-of-text token 0 has no bytes."""

    def __init__(self, *pieces: bytes) -> None:
        self.token_bytes = (b"", *pieces)

    def encode(self, text: str) -> tuple[int, ...]:
        found = Spellings(self).draw(text.encode(), lambda n: n - 1)  # options come in order of length
        if found is None:
            raise ValueError(f"cannot spell {text!r}")
        return found


# more tokens than one word of a mask holds; "é" is C3 A9
PIECES = Pieces(
    b"a", b"b", b"c", b"ab", b"bc", b"abc", b"ca", b"\xc3", b"\xa9", b"\xa9a", "é".encode(), b"ab",
    *[b"z" * k for k in range(1, 30)],
)
TEXTS = ["", "a", "ab", "abc", "cab", "é", "éa", "abca", "zzz", "aé", "bb"]
LANGUAGE = ["a", "abc", "abca", "cab", "é", "aéa", "zzz"]


class Laws(ConstraintLaws):
    constraint = Listed(LANGUAGE)
    tokenizer: Tokenizer = PIECES
    texts = TEXTS
    language: Sequence[str] = LANGUAGE


class TestListed(Laws):
    """The laws pass what is right."""


class TestListedByBytes(Laws):
    """Masks that are too wide are lawful where a state says so."""

    constraint = Listed(LANGUAGE, knows="bytes")


class TestListedWithoutMasks(Laws):
    """States without any mask."""

    constraint = Listed(LANGUAGE, knows="nothing")


class TestMissingBytes(Laws):
    """Where a byte is no token, texts that cannot be spelt are not viable."""

    tokenizer = Pieces(b"a", b"ab", b"bc", b"ca")
    texts = ("", "a", "abca", "bca", "aa")


class Wide(ListedState):
    """Calls its mask exact, which holds a token that leads nowhere."""

    def mask(self) -> Packed | None:
        return super().mask() | pack_tokens([2], self.vocabulary.size)


class Narrow(ListedState):
    """Forgets the longest token, and calls what it leads to dead."""

    def advance(self, token: int) -> State:
        child = super().advance(token)
        return type(self)(self.spellings, (), child.read, self.knows) if token == 6 else child  # type: ignore[attr-defined]

    def mask(self) -> Packed | None:
        return super().mask() & ~pack_tokens([6], self.vocabulary.size)


class Forced(ListedState):
    """The mask holds only the shortest tokens, as an engine that forces them would have it."""

    def mask(self) -> Packed | None:
        mask = super().mask()
        return mask & pack_tokens([1, 2, 3, 8, 9, 11, 13], self.vocabulary.size)


class Special(ListedState):
    """The end-of-text token is in the mask where the text may end."""

    def mask(self) -> Packed | None:
        return super().mask() | pack_tokens([0] if self.accepting else [], self.vocabulary.size)


class Padded(ListedState):
    """The bits behind the vocabulary are set."""

    def mask(self) -> Packed | None:
        mask = super().mask().copy()
        mask[-1] |= np.uint32(1 << 31)
        return mask


class Filled(ListedState):
    """A batch has the mask of its first state everywhere."""

    @staticmethod
    def fill(states: Sequence[State], out: Packed) -> None:
        out[:] = states[0].mask()


class Revived(ListedState):
    """A dead state comes to life at the next token."""

    def advance(self, token: int) -> State:
        return type(self)(self.spellings, (b"a",), b"", self.knows) if self.dead else super().advance(token)


class Hasty(ListedState):
    """Dead as soon as no token but the last one is left."""

    @property
    def dead(self) -> bool:
        return not any(len(s) > len(self.read) + 1 for s in self.texts) and not self.accepting


class Spelt(ListedState):
    """Accepts only what was read in more than one token."""

    count = 0

    def advance(self, token: int) -> State:
        child = super().advance(token)
        child.count = self.count + 1  # type: ignore[attr-defined]
        return child

    @property
    def accepting(self) -> bool:
        return super().accepting and self.count != 1

    def key(self) -> Hashable:
        return super().key(), self.count


class Endless(ListedState):
    """Accepts every prefix of a text."""

    @property
    def accepting(self) -> bool:
        return bool(self.texts)


class Written(ListedState):
    """`advance` changes the state and returns it."""

    def advance(self, token: int) -> State:
        child: Any = super().advance(token)
        self.__dict__.update({k: v for k, v in child.__dict__.items() if k != "_mask"})
        self.__dict__.pop("_mask", None)
        return self


class Shared(ListedState):
    """Children write into the mask of their parent."""

    def advance(self, token: int) -> State:
        self._mask[:] = 0
        return super().advance(token)


class Blind(ListedState):
    """The key forgets what was read."""

    def key(self) -> Hashable:
        return len(self.texts)


class Lengths(ListedState):
    """The key knows how much was read, and what may come next, but not what may come later."""

    def key(self) -> Hashable:
        return len(self.read), self.mask().tobytes(), self.accepting, self.dead


class Free(ListedState):
    """Tokens that are not allowed weigh nothing, finitely."""

    def log_weight(self, token: int) -> float:
        return 0.0


class Undefined(ListedState):
    """The weight of a dead end is NaN."""

    def log_weight(self, token: int) -> float:
        return super().log_weight(token) if self.texts else math.nan


class Silent(ListedState):
    """The end of a text that is not in the language is free of charge."""

    @property
    def log_end(self) -> float:
        return 0.0


class Deaf(ListedState):
    """`allows` asks the mask although it is not exact."""

    def allows(self, token: int) -> bool:
        mask = self.mask()
        return mask is None or has(mask, token)


LAWS = {
    Wide: ["test_mask_is_the_viable_set", "test_masks_are_counted"],
    Narrow: ["test_masks_are_counted", "test_texts_have_no_dead_prefix", "test_accepting_is_matching"],
    Forced: ["test_mask_is_the_viable_set", "test_masks_are_counted", "test_texts_have_no_dead_prefix"],
    Special: ["test_masks_are_well_formed"],
    Padded: ["test_masks_are_well_formed"],
    Filled: ["test_batch_is_single"],
    Revived: ["test_dead_stays_dead"],
    Hasty: ["test_texts_have_no_dead_prefix"],
    Spelt: ["test_accepting_is_matching"],
    Endless: ["test_accepting_is_matching"],
    Written: ["test_advance_changes_nothing"],
    Shared: ["test_advance_changes_nothing"],
    Blind: ["test_equal_keys_have_equal_futures", "test_batch_is_single"],
    Lengths: ["test_equal_keys_have_equal_futures"],
    Free: ["test_weights_are_log_weights"],
    Undefined: ["test_weights_are_log_weights"],
    Silent: ["test_weights_are_log_weights", "test_accepting_is_matching"],
    Deaf: ["test_mask_is_the_viable_set"],
}


@pytest.mark.parametrize(("mutant", "law"), [(m, law) for m, laws in LAWS.items() for law in laws],
                         ids=lambda x: x if isinstance(x, str) else x.__name__)
def test_mutants_are_caught(mutant: type[ListedState], law: str) -> None:
    """Every law sees the bugs that it is there for."""

    class Broken(Listed):
        def start(self, tokenizer: Tokenizer | Vocabulary) -> ListedState:
            state = super().start(tokenizer)
            return mutant(state.spellings, state.texts, state.read, state.knows)

    laws = Laws()
    if mutant is Lengths:
        laws.texts = laws.language = ["abba", "cbbb"]
    laws.constraint = Broken(laws.language, knows="bytes" if mutant is Deaf else "mask")
    with pytest.raises(AssertionError):
        getattr(laws, law)()


class Mistaken(Listed):
    """`matches` reads bytes as another text."""

    def matches(self, text: str | bytes) -> bool:
        return super().matches(text if isinstance(text, str) else text + b"a")


class TooLong(Listed):
    """Overstates how long its texts are."""

    least_bytes = 3


@pytest.mark.parametrize("constraint", [Mistaken(LANGUAGE), TooLong(LANGUAGE)], ids=repr)
def test_bytes_are_text_catches(constraint: Listed) -> None:
    """The law of `matches` and `least_bytes` sees both."""
    laws = Laws()
    laws.constraint = constraint
    with pytest.raises(AssertionError):
        laws.test_bytes_are_text()


def test_every_law_has_a_mutant() -> None:
    """No law is there that nothing fails."""
    laws = {name for name in vars(ConstraintLaws) if name.startswith("test_")}
    assert laws == {law for some in LAWS.values() for law in some} | {"test_bytes_are_text"}


def test_a_failure_names_the_prefix() -> None:
    """The message of a failed law tells the constraint, the text read and what was found."""

    class Broken(Listed):
        def start(self, tokenizer: Tokenizer | Vocabulary) -> ListedState:
            state = super().start(tokenizer)
            return Silent(state.spellings, state.texts, state.read, state.knows)

    laws = Laws()
    laws.constraint = Broken(["abc"])
    with pytest.raises(AssertionError, match=r"Listed\(\['abc'\]\) after '' = \[\]: log_end"):
        laws.test_weights_are_log_weights()


def test_unlisted_languages_are_skipped() -> None:
    """Masks are counted only where the whole language is given."""
    laws = Laws()
    laws.language = None
    with pytest.raises(pytest.skip.Exception, match="not listed"):
        laws.test_masks_are_counted()


def test_spellings() -> None:
    """All of them, none twice; only those exist that reach the end."""
    spellings = Spellings(Pieces(b"a", b"ab", b"b", b"ab", b"cab"))
    ab = [(1, 3), (2,), (4,)]
    assert sorted(spellings.all(b"abab")) == sorted((*x, *y) for x in ab for y in ab)
    assert list(spellings.all(b"")) == [()]
    assert list(spellings.all(b"abc")) == []
    assert spellings.draw(b"abc", lambda n: 0) is None
    assert spellings.draw(b"abcab", lambda n: n - 1) == (4, 5)
    assert spellings.able(b"cabc") == [False] * 4 + [True]
    assert spellings.able(b"bcab") == [True, True, True, True, True]
    assert spellings.viable([b"abcab", b"c", b"abb"], b"ab") == ({3, 5}, {3, 5})
    assert spellings.viable([b"abc"], b"") == (set(), {1, 2, 4})
