"""The adapter of the grammar engine: its states are values, bounded in memory, safe from the engine's traps."""

from __future__ import annotations

import itertools
import multiprocessing
import threading
from functools import cached_property
from typing import Any

import numpy as np
import pytest

from steersman import models
from steersman.inference.testing import ConstraintLaws, Spellings
from steersman.models.tokenizer import SymbolTokenizer
from steersman.ppl.constraints import (
    CannotCombine,
    ConstraintError,
    EngineConstraint,
    Unsatisfiable,
    choice,
    predicate,
    regex,
    words,
)
from steersman.ppl.constraints.both import Both
from steersman.ppl.constraints.definition import Definition
from steersman.ppl.constraints.either import EitherState
from steersman.ppl.constraints.engine import EngineState
from steersman.ppl.constraints.engine.root import Root
from steersman.ppl.constraints.engine.roots import KEPT, root_of
from steersman.ppl.constraints.engine.tokens import engine_tokenizer
from steersman.ppl.constraints.masks import tokens_of
from steersman.ppl.constraints.protocol import Constraint, State
from steersman.ppl.constraints.vocabulary import Tokenizer, Vocabulary


class Pieces:
    """A vocabulary of byte strings; the empty ones are special."""

    def __init__(self, *pieces: bytes) -> None:
        self.token_bytes = pieces

    def encode(self, text: str) -> tuple[int, ...]:
        found = Spellings(self).draw(text.encode(), lambda n: n - 1)
        if found is None:
            raise ValueError(f"cannot spell {text!r}")
        return found


BYTES = Pieces(b"", *[bytes([b]) for b in range(256)], b"ab", b"", "é".encode(), b"\xa9a", b"a", b" the")


class Nested(EngineConstraint):
    """Balanced parentheses around a's: no regular language."""

    def definition(self, prefix: str) -> Definition:
        return Definition(f"{prefix}_s", (f'{prefix}_s: ("(" {prefix}_s ")" | "a")+',), None, 1)

    def __repr__(self) -> str:
        return "Nested()"


class Raw(EngineConstraint):
    """Any rules."""

    def __init__(self, expression: str, *rules: str) -> None:
        self.given = Definition(expression, rules)

    def definition(self, prefix: str) -> Definition:
        return self.given

    def __repr__(self) -> str:
        return "Raw()"


class TestBytes(ConstraintLaws):
    """A vocabulary with every byte, two special tokens, and tokens that end inside of characters."""

    constraint: Constraint = regex(r"(\w|é a)+( the)?")
    tokenizer: Tokenizer = BYTES
    texts = ("éa", "ab the", "é a", "", " ", "日本", "the the", "\ud7ff", "a\x00")


class TestNested(ConstraintLaws):
    """A language that is not regular."""

    constraint: Constraint = Nested()
    tokenizer: Tokenizer = Pieces(b"(", b")", b"a", b"((", b"))", b"a)", b"(a", b"")
    texts = ("a", "(a)", "((a)a)", "aa(a)", "()", ")", "((a)")
    language = None

    def test_against_a_counter(self) -> None:
        """All strings up to eight characters."""
        for n in range(8):
            for chars in itertools.product("()a", repeat=n):
                depth, ok, last = 0, n > 0, ""
                for c in chars:
                    depth += {"(": 1, ")": -1, "a": 0}[c]
                    ok = ok and depth >= 0 and not (last == "(" and c == ")")
                    last = c
                assert self.constraint.matches("".join(chars)) == (ok and depth == 0), chars


class TestUnion(ConstraintLaws):
    """A union of languages of which one is not regular: each is read by itself, so that a terminal of the one does not
    eat what the other needs ("aa" of /a+/ would hide "a" then "ab")."""

    constraint: Constraint = regex("a+") | Raw("x_s", 'x_s: "a" "ab" | "b" x_s')
    tokenizer: Tokenizer = Pieces(b"a", b"b", b"ab", b"aa", b"")
    texts = ("a", "aa", "aab", "baab", "bb", "ab")

    def test_all_strings(self) -> None:
        """The union of the two, listed."""
        for n in range(7):
            for chars in map("".join, itertools.product("ab", repeat=n)):
                expected = (n > 0 and set(chars) == {"a"}) or chars == "b" * (n - 3) + "aab"
                assert self.constraint.matches(chars) == expected, chars


class TestEmbedded(ConstraintLaws):
    """The byte-level vocabulary of the embedded model, as it comes from its folder; texts in its own spelling and in
    others, é and the emoji in single bytes."""

    constraint: Constraint = regex(r"[A-Z]\w*('s)?( \w+|,)* ?[.!é😀]")
    texts = ("Once upon a time.", "The cat's hat, é", "A 😀", "no", "Éa!")
    examples = 25
    probes = 40

    @cached_property
    def tokenizer(self) -> Tokenizer:  # type: ignore[override]
        return models.load().tokenizer


def walk(constraint: Constraint, tokenizer: Tokenizer, tokens: list[int]) -> State:
    state = constraint.start(tokenizer)
    for token in tokens:
        state = state.advance(token)
    return state


@pytest.mark.parametrize("size", [1, 31, 32, 33, 63, 64, 65])
def test_the_end_of_the_engine_is_in_no_mask(size: int) -> None:
    """Whatever the size of the vocabulary: the engine's own token, index V, falls off; a finished text has an empty
    mask and is accepting, not dead."""
    pieces = Pieces(*[bytes([65 + i]) for i in range(size)])
    state = regex("A+").start(pieces).advance(0)
    assert tokens_of(state.mask()) == [0] and state.accepting and state.mask().shape == ((size + 31) // 32,)
    done = regex("A").start(pieces).advance(0)
    assert not done.mask().any() and done.accepting and not done.dead
    after = done.advance(0)
    assert after.dead and not after.accepting and not after.mask().any()
    assert after.advance(0).dead


def test_a_dead_end_is_not_an_end() -> None:
    """A text that cannot go on is dead, however little the vocabulary offers."""
    state = walk(regex("ab|c"), BYTES, [1 + ord("a")])
    assert not state.accepting and not state.dead
    assert walk(regex("ab|c"), BYTES, [1 + ord("a"), 1 + ord("c")]).dead


def test_special_tokens_are_in_no_language() -> None:
    """Even where every text is: they are not in the mask, not allowed, and lead to a dead state with a key of its
    own."""
    state = regex("(?s).*").start(BYTES)
    assert not {0, 258} & set(tokens_of(state.mask()))
    special = state.advance(258)
    assert special.dead and not state.allows(258) and special.key() != state.key() and special.advance(1).dead
    assert special.advance(1).key() == special.key()


def test_characters_in_pieces() -> None:
    """é is C3 A9: each half is offered where it can be completed, and only valid UTF-8 is."""
    state = regex("[éa]+").start(BYTES)
    whole, lead, trail, trail_a = 259, 1 + 0xC3, 1 + 0xA9, 260
    assert set(tokens_of(state.mask())) == {whole, lead, 1 + ord("a"), 261}
    half = state.advance(lead)
    assert set(tokens_of(half.mask())) == {trail, trail_a} and not half.accepting
    assert half.advance(trail).accepting and half.advance(trail).key() == state.advance(whole).key()
    anything = regex("(?s).*").start(BYTES)
    never = {1 + b for b in (0x80, 0xC0, 0xC1, 0xF5, 0xFF)}  # the engine marks its special tokens with FF
    assert not never & set(tokens_of(anything.mask())) and all(anything.advance(token).dead for token in never)
    assert not anything.advance(1 + 0xED).allows(1 + 0xA0)  # a surrogate


def test_texts_that_are_equal_are_read_once() -> None:
    """Two spellings of a text share a node: one matcher, one mask; so do constraints that are made twice."""
    one = regex("[ab]+").start(BYTES).advance(257)
    other = walk(regex("[ab]+"), BYTES, [1 + ord("a"), 1 + ord("b")])
    assert isinstance(one, EngineState) and isinstance(other, EngineState)
    assert one.key() == other.key() and one.mask() is other.mask() and one.node is other.node


def test_advance_asks_the_engine_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A chain of tokens is read when something is asked, in one go from the last text that is known."""
    grown: list[int] = []
    grow = Root.grow
    monkeypatch.setattr(Root, "grow", lambda self, node, tokens, text: grown.append(len(tokens)) or
                        grow(self, node, tokens, text))
    state = walk(regex("[ab]{3}c{300}"), BYTES, [257, *[1 + ord(c) for c in "a" + "c" * 300]])
    assert grown == []
    assert state.accepting and not state.dead and not state.mask().any()
    assert grown == [302]
    assert state.advance(1).dead and grown == [302, 1]


def test_memory_is_bounded() -> None:
    """A root forgets the texts that were used least recently, and states that still hold theirs stay right; a
    vocabulary forgets grammars in the same way."""
    vocabulary = Vocabulary(BYTES)
    grammar = regex("[a-z]*").defined.grammar()
    root = Root(vocabulary, engine_tokenizer(vocabulary), grammar, "test", bound=16)
    first = EngineState.start(root).advance(1 + ord("a"))
    mask = first.mask()
    states = [EngineState.start(root).advance(1 + ord("b")).advance(1 + ord("a") + i % 26) for i in range(26)]
    for state in states:
        assert not state.dead and len(root.nodes) <= 16
        first.advance(1 + ord("q")).mask()
    assert b"b" + b"a" not in root.nodes and b"bz" in root.nodes
    assert (first.mask() == mask).all() and states[0].mask().any() and states[0].advance(1 + ord("x")).accepting
    for i in range(KEPT + 10):
        regex(f"a{{{i + 1}}}").start(vocabulary)
    assert len(vocabulary.engine.kept) == KEPT


def test_what_was_used_is_kept() -> None:
    """The bound drops what is not used, not what is oldest."""
    vocabulary = Vocabulary(BYTES)
    root = Root(vocabulary, engine_tokenizer(vocabulary), regex("[a-z]*").defined.grammar(), "test", bound=4)

    def state(c: str) -> EngineState:
        return EngineState.start(root).advance(1 + ord(c))

    for c in "abcdefgh":
        assert not state(c).dead and not state("a").dead
    assert b"a" in root.nodes and b"b" not in root.nodes


def test_masks_cannot_be_written_into() -> None:
    """They are shared."""
    mask = regex("a").start(BYTES).mask()
    assert mask is not None
    with pytest.raises(ValueError, match="read-only"):
        mask[0] = 0


def test_fill_writes_rows() -> None:
    """A batch of states of several roots, dead ones included, into the rows of an array."""
    states = [walk(c, BYTES, t) for c in (regex("[ab]+"), words(["ab", "é"])) for t in ([], [257], [257, 257], [1])]
    out = np.full((len(states), states[0].vocabulary.words), 7, np.uint32)
    State.fill(states, out)
    for state, row in zip(states, out, strict=True):
        mask = state.mask()
        assert mask is not None and (row == mask).all()


def _hang(expression: str, rules: tuple[str, ...], queue: Any) -> None:
    state = Raw(expression, *rules).start(Pieces(b"a", b"b", b"ab", b"aab"))
    found = []
    for token in (0, 0, 1):
        found.append((tokens_of(state.mask() if state.mask() is not None else np.zeros(1, np.uint32)), state.dead))
        state = state.advance(token)
    queue.put((found, state.dead))


def test_no_hang_where_munching_leaves_nothing() -> None:
    """`A B` with A: /a+/ and B: "ab" makes the engine, as it comes, loop with growing memory. Through the adapter it
    answers: the a's are all read by A, so that b is never offered."""
    context = multiprocessing.get_context("spawn")
    queue: Any = context.Queue()
    worker = context.Process(target=_hang, args=("XA XB", ("XA: /a+/", 'XB: "ab"'), queue))
    worker.start()
    try:
        found, dead = queue.get(timeout=60)
    finally:
        worker.kill()
        worker.join()
    assert found == [([0], False)] * 3 and dead


def test_regular_languages_do_not_munch() -> None:
    """The same language put together from regular parts is one lexeme, and has its texts."""
    both = regex("a+").then(choice(["ab"]))
    state = walk(both, BYTES, [1 + ord("a")])
    assert 1 + ord("b") not in tokens_of(state.mask()) and state.allows(257)
    assert both.matches("aab") and both.matches("aaab") and not both.matches("ab")


def test_symbol_tokenizers() -> None:
    """A table model's alphabet: whole characters, with a token that ends a text."""
    tokenizer = SymbolTokenizer(["a", "b", "é", "<end>"], special=[3])
    state = regex("(ab|é)+").start(tokenizer)
    assert tokens_of(state.mask()) == [0, 2] and state.advance(2).accepting


def test_without_byte_fallback() -> None:
    """What no token begins is refused and named; what only a later token could spell is a dead end without a mask."""
    tokenizer = SymbolTokenizer(["a", "b"])
    with pytest.raises(Unsatisfiable, match=r"regex\('x\|é'\).* begin with the bytes 'x' or 0xC3"):
        regex("x|é").start(tokenizer)
    stuck = regex("ax").start(tokenizer).advance(0)
    assert not stuck.mask().any() and not stuck.accepting


@pytest.mark.parametrize("empty", [
    lambda: regex(r"[^\s\S]"), lambda: regex("a+") & regex("b+"), lambda: choice(["a"]).then(regex("[^\\w\\W]")),
])
def test_empty_languages(empty: Any) -> None:
    """They are made without complaint, match nothing, and cannot be begun."""
    assert not empty().matches("") and not empty().matches("a")
    with pytest.raises(Unsatisfiable, match="no text is in the language"):
        empty().start(BYTES)


def test_only_the_empty_text() -> None:
    """A language of one text without tokens is no contradiction."""
    state = regex("").start(BYTES)
    assert state.accepting and not state.mask().any() and not state.dead


def test_bad_grammars_are_refused() -> None:
    """What the engine says is passed on with the name of the language, from `start` and from `matches`."""
    bad = Raw("x_missing")
    with pytest.raises(ConstraintError, match=r"Raw\(\): the grammar engine refuses it.*x_missing"):
        bad.start(BYTES)
    with pytest.raises(ConstraintError, match="x_missing"):
        bad.matches("a")


def test_limits_of_the_engine_are_errors_not_dead_ends() -> None:
    """2000 readings of one text at once and the engine gives up, which must not look like a text without a future."""
    nested = Raw("x_s", 'x_s: "a" x_s | "b"')
    assert nested.matches("a" * 1000 + "b")
    with pytest.raises(ConstraintError, match=r"Raw\(\): too complex for the grammar engine: .*2000") as caught:
        nested.matches("a" * 3000 + "b")
    assert not isinstance(caught.value, Unsatisfiable)
    state = walk(nested, BYTES, [*[1 + ord("a")] * 3000, 1 + ord("b")])
    with pytest.raises(ConstraintError, match="too complex"):
        state.dead  # noqa: B018


def test_combinations_of_other_kinds() -> None:
    """`&` of languages of which one is not regular, and `|` with a predicate, are read side by side; then needs a
    grammar."""
    both = Nested() & regex(r".{1,5}")
    assert isinstance(both, Both) and both.matches("(a)") and not both.matches("((a))aa")
    assert isinstance((Nested() | regex("b")).start(BYTES), EitherState)
    assert (Nested() | regex("b")).then(regex("c")).repeat(2).matches("(a)cbc")
    test = predicate(lambda text: "satisfied")
    assert (regex("a") | test).matches("zzz") and not (regex("a") & test).matches("zzz")
    with pytest.raises(CannotCombine, match="predicate"):
        regex("a").then(test)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="min=3, max=2"):
        regex("a").repeat(3, 2)
    assert repr(regex("a").then(regex("b")).repeat(0, 2)) == "regex('a').then(regex('b')).repeat(0, 2)"


def test_threads() -> None:
    """Eight threads, on roots of their own and on states that were handed over, find what one thread finds."""
    constraint = regex("([ab]{2}|é)+( the)?")
    shared = constraint.start(Vocabulary.of(BYTES))
    ways = [[257, 257], [259, 1 + ord("a")], [1 + ord("a"), 257], [259, 262]] * 3
    expected = [walk(constraint, BYTES, way).mask().tobytes() for way in ways]  # type: ignore[union-attr]
    wrong: list[object] = []

    def work() -> None:
        try:
            for way, mask in list(zip(ways, expected, strict=True)) * 20:
                state: State = shared
                for token in way:
                    state = state.advance(token)
                if not state.mask().tobytes() == mask == walk(constraint, BYTES, way).mask().tobytes():  # type: ignore
                    wrong.append(way)
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_roots_are_made_once() -> None:
    """The same grammar in the same thread is the same root."""
    vocabulary = Vocabulary.of(BYTES)
    grammar = regex("abc").defined.grammar()
    assert root_of(vocabulary, grammar, "x") is root_of(vocabulary, grammar, "y")
