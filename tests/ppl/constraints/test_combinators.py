"""`&`, `|` and `softly` of any constraints: the laws, and sums over all short texts."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steersman.inference.testing import ConstraintLaws, Listed, Spellings
from steersman.ppl.constraints import CannotCombine, Unsatisfiable, canonical
from steersman.ppl.constraints.both import Both, BothState
from steersman.ppl.constraints.either import Either
from steersman.ppl.constraints.masks import Packed, tokens_of
from steersman.ppl.constraints.protocol import Constraint, State
from steersman.ppl.constraints.soft import Soft
from steersman.ppl.constraints.vocabulary import Tokenizer, Vocabulary


class Pieces:
    """A vocabulary of byte strings, encoded greedily; the end-of-text token 0 has no bytes."""

    def __init__(self, *pieces: bytes) -> None:
        self.token_bytes = (b"", *pieces)

    def encode(self, text: str) -> tuple[int, ...]:
        found = Spellings(self).draw(text.encode(), lambda n: n - 1)
        if found is None:
            raise ValueError(f"cannot spell {text!r}")
        return found


ABC = Pieces(b"a", b"b", b"c", b"ab", b"bc", b"ca", b"abc", b"aa", b"ab")
TEXTS = ["".join(s) for n in range(5) for s in product("abc", repeat=n)]
SHORT = ["", "a", "ab", "abc", "abca", "bca", "cab", "aaab", "cc"]


class Length(Constraint):
    """Texts of so many bytes, whatever they are. It has no masks, and thinks nothing of it: `exact` stays True."""

    def __init__(self, length: int) -> None:
        self.length = length

    def start(self, tokenizer: Tokenizer | Vocabulary) -> State:
        return LengthState(Vocabulary.of(tokenizer), self.length)

    def matches(self, text: str | bytes) -> bool:
        return len(text.encode() if isinstance(text, str) else text) == self.length

    def __repr__(self) -> str:
        return f"Length({self.length})"


class LengthState(State):
    def __init__(self, vocabulary: Vocabulary, left: int) -> None:
        self.vocabulary, self.left = vocabulary, left

    @property
    def accepting(self) -> bool:
        return self.left == 0

    @property
    def dead(self) -> bool:
        return self.left < 0

    def advance(self, token: int) -> State:
        left = self.left - len(self.vocabulary.token_bytes[token])
        return LengthState(self.vocabulary, -1 if self.dead else left)

    def mask(self) -> Packed | None:
        return None

    def key(self) -> Hashable:
        return LengthState, max(-1, self.left)


class Laws(ConstraintLaws):
    tokenizer = ABC
    texts = SHORT
    examples = 20


ONE = Listed(["a", "abc", "abca", "cab", "aaab"])
TWO = Listed(["abc", "abca", "bca", "cc", "abab"])
BLIND = Listed(["", "abc", "abca", "cab", "caa"], knows="nothing")
VAGUE = Listed(["", "ab", "abca", "bca"], knows="bytes")


class TestBoth(Laws):
    """Two exact parts."""

    constraint = ONE & TWO


class TestBothWithoutMask(Laws):
    """One part has no mask and says so, one has a mask that is too wide."""

    constraint = ONE & BLIND & VAGUE


class TestBothWithMasklessPart(Laws):
    """One part has no mask, and calls itself exact: the mask of the other is not all that is asked."""

    constraint = TWO & Length(3)


class TestEither(Laws):
    """Two exact parts, of which one dies first; the masks are counted."""

    constraint = ONE | TWO
    language = ("a", "abc", "abca", "cab", "aaab", "bca", "cc", "abab")


class TestEitherWithoutMask(Laws):
    """Parts without exact masks; the parts that are left decide."""

    constraint = ONE | BLIND | VAGUE | Length(2)


class TestSoft(Laws):
    """An exact constraint, made soft."""

    constraint = ONE.softly(1.5)


class TestSoftWithoutMask(Laws):
    """Parts without masks or exactness under the soft one."""

    constraint = (BLIND | VAGUE).softly(0.25)


class TestBothWithSoft(Laws):
    """Penalties add up, beside a hard part."""

    constraint = TWO.softly(1.0) & (ONE | BLIND) & Length(3).softly(0.5)


class TestNested(Laws):
    """Unions of intersections of unions."""

    constraint = ((ONE | TWO) & (BLIND | VAGUE)) | (Length(2) & TWO)


class TestWithCanonical(Laws):
    """A factor that looks at tokens."""

    constraint = (ONE | TWO) & canonical()

    def weigh(self, tokens: tuple[int, ...]) -> float:  # type: ignore[override]
        text = Spellings(ABC).join(tokens).decode()
        return 0.0 if (ONE | TWO).matches(text) and ABC.encode(text) == tuple(tokens) else -math.inf


Weigh = Callable[[str], float]


@st.composite
def expressions(draw: st.DrawFn, depth: int = 3) -> tuple[Constraint, Weigh]:
    """A constraint, and what it weighs every text by, from sets."""
    kind = draw(st.sampled_from(["listed", "both", "either", "soft"] if depth else ["listed"]))
    if kind == "listed":
        texts = draw(st.lists(st.sampled_from(TEXTS), min_size=1, max_size=12, unique=True))
        listed = Listed(texts, draw(st.sampled_from(["mask", "bytes", "nothing"])))
        return listed, lambda text: 0.0 if text in texts else -math.inf
    a, of_a = draw(expressions(depth - 1))
    if kind == "soft":
        penalty = draw(st.sampled_from([0.5, 1.0, 4.0]))
        if not a.hard:
            return a, of_a
        return a.softly(penalty), lambda text: 0.0 if of_a(text) == 0.0 else -penalty
    b, of_b = draw(expressions(depth - 1))
    if kind == "both":
        return a & b, lambda text: of_a(text) + of_b(text)
    if not (a.hard and b.hard):
        return a, of_a
    return a | b, lambda text: max(of_a(text), of_b(text))


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(expressions(), st.integers(0, 1000))
def test_all_short_texts(expression: tuple[Constraint, Weigh], seed: int) -> None:
    """Of every text up to four letters: `matches`, its weight, and the product of the weights of its tokens, in two
    spellings drawn at random, are what sets say; masks miss no token that leads to a text."""
    constraint, weigh = expression
    spellings, rng = Spellings(ABC), np.random.default_rng(seed)
    try:
        start = constraint.start(ABC)
    except Unsatisfiable:
        assert all(weigh(text) == -math.inf for text in TEXTS) or not constraint.hard, "some text is in the language"
        return
    for text in TEXTS:
        assert constraint.log_weight(text) == weigh(text)
        assert not constraint.hard or constraint.matches(text) == (weigh(text) == 0.0)
        for _ in range(2):
            tokens = spellings.draw(text.encode(), lambda n: int(rng.integers(n)))
            assert tokens is not None
            state, total = start, 0.0
            for token in tokens:
                mask = state.mask()
                if weigh(text) > -math.inf:
                    assert state.allows(token) and (mask is None or token in tokens_of(mask))
                total += state.log_weight(token)
                state = state.advance(token)
            assert total + state.log_end == pytest.approx(weigh(text))


def test_contradictions_are_refused() -> None:
    """A common beginning that is missing is seen at once; a later dead end is none of `start`'s business."""
    with pytest.raises(Unsatisfiable, match=r"Listed\(\['abc'\]\) & Listed\(\['bca'\]\): the parts contradict"):
        (Listed(["abc"]) & Listed(["bca"])).start(ABC)
    with pytest.raises(Unsatisfiable, match="contradict"):
        (Listed(["abc"]) & Listed([""])).start(ABC)
    assert (Listed(["", "abc"]) & Listed(["", "bca"])).start(ABC).accepting
    assert not (Listed(["abc"]) & Listed(["abb"])).start(ABC).dead
    with pytest.raises(Unsatisfiable, match="can spell none"):
        (Listed(["abc"]) & Listed(["xyz"])).start(ABC)


def test_a_part_that_cannot_be_spelt() -> None:
    """A union drops it, and fails only where none is left, telling why of each."""
    either = Listed(["xyz"]) | Listed(["abc"])
    state = either.start(ABC)
    for token in ABC.encode("abc"):
        state = state.advance(token)
    assert state.accepting
    with pytest.raises(Unsatisfiable, match=r"no part can be met: .*'x'.*; .*'y'"):
        (Listed(["x"]) | Listed(["y"])).start(ABC)


def test_soft_constraints_have_no_union() -> None:
    """A sum of weights is no product along the text, and what is soft cannot be made softer."""
    for soft in (ONE.softly(1.0), TWO & ONE.softly(1.0)):
        with pytest.raises(CannotCombine, match=r"is soft: write \(a \| b\)\.softly"):
            soft | ONE
        with pytest.raises(CannotCombine, match="is soft"):
            ONE | soft
        with pytest.raises(CannotCombine, match="is soft already"):
            soft.softly(2.0)


@pytest.mark.parametrize("penalty", [0.0, -1.0, math.inf, math.nan])
def test_bad_penalties(penalty: float) -> None:
    """A penalty is positive and finite."""
    with pytest.raises(ValueError, match="softly: the penalty is a positive, finite number of nats, got"):
        ONE.softly(penalty)


@pytest.mark.parametrize("other", [1, "a", None])
def test_only_constraints_combine(other: object) -> None:
    """Anything else is a TypeError of the operator."""
    with pytest.raises(TypeError, match="unsupported operand"):
        ONE & other  # type: ignore[operator]
    with pytest.raises(TypeError, match="unsupported operand"):
        ONE | other  # type: ignore[operator]


def test_what_they_look_like() -> None:
    """Expressions are shown so that they read as they were written; nested ones of a kind are one."""
    a, b, c = (Length(n) for n in (1, 2, 3))
    assert repr(a & b & c) == "Length(1) & Length(2) & Length(3)"
    assert repr((a & b) | c) == "(Length(1) & Length(2) | Length(3))"
    assert repr((a | b) & c) == "(Length(1) | Length(2)) & Length(3)"
    assert repr((a & b).softly(2)) == "(Length(1) & Length(2)).softly(2)"
    assert repr((a | b).softly(0.5)) == "(Length(1) | Length(2)).softly(0.5)"
    assert isinstance(a & (b & c), Both) and len((a & (b & c)).parts) == 3
    assert isinstance(a | (b | c), Either) and len((a | (b | c)).parts) == 3
    assert isinstance(a.softly(1), Soft)


def test_least_bytes() -> None:
    """The longest of an intersection, the shortest of a union, nothing of a soft constraint."""
    a, b = Listed(["abc"]), Listed(["a", "abc"])
    assert ((a & b).least_bytes, (a | b).least_bytes, a.softly(1.0).least_bytes) == (3, 1, 0)


def test_exactness() -> None:
    """A mask is exact where all parts have exact ones."""
    assert (ONE & TWO).start(ABC).exact and (ONE | TWO).start(ABC).exact
    assert not (ONE & BLIND).start(ABC).exact and not (ONE | VAGUE).start(ABC).exact
    assert not (TWO & Length(3)).start(ABC).exact
    assert BLIND.softly(1.0).start(ABC).exact
    assert (BLIND & Length(3)).start(ABC).mask() is None
    dying = (ONE | BLIND).start(ABC)
    assert not dying.exact
    assert dying.advance(ABC.encode("aa")[0]).exact, "the part without a mask is dead"


def test_equal_keys_share_masks() -> None:
    """A union forgets its dead parts; intersections and unions of the same parts are told apart."""
    both, either = (ONE & TWO).start(ABC), (ONE | TWO).start(ABC)
    assert both.key() != either.key()
    out = np.zeros((3, both.vocabulary.words), np.uint32)
    State.fill([both, either, (ONE & TWO).start(ABC)], out)
    assert (out[0] == out[2]).all() and (out[0] != out[1]).any()
    assert isinstance(both, BothState) and both.advance(1).key() == (ONE & TWO).start(ABC).advance(1).key()
    aa = ABC.token_bytes.index(b"aa")
    assert (ONE | TWO).start(ABC).advance(aa).key() == (ONE | Listed(["cc"])).start(ABC).advance(aa).key()
