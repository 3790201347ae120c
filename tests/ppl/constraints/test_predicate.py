"""Predicates: verdicts, memory, bytes, masks; the laws of constraints with and without an exact mask."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable

import numpy as np
import pytest

from steersman.inference.testing import ConstraintLaws
from steersman.ppl.constraints.errors import Unsatisfiable
from steersman.ppl.constraints.masks import has, tokens_of
from steersman.ppl.constraints.predicate import PredicateError, PredicateState, Verdict, predicate

module = importlib.import_module("steersman.ppl.constraints.predicate")  # the package exports the function


class Spelt:
    """A tokenizer of a few byte strings; token 0 is special. It encodes byte by byte."""

    def __init__(self, *pieces: bytes) -> None:
        self.token_bytes = (b"", *pieces)

    def encode(self, text: str) -> tuple[int, ...]:
        return tuple([self.token_bytes.index(bytes([b])) for b in text.encode()])

    def decode(self, tokens: Iterable[int]) -> str:
        return b"".join(self.token_bytes[t] for t in tokens).decode(errors="replace")


LETTERS = Spelt(b"a", b"b", b"c", b"ab", b"bc", b"a")
BYTES = Spelt(b"a", "é".encode(), b"\xc3", b"\xa9", b"\xe2\x82", b"\xac", b"a\xc3", b"\xff")


def sorted_letters(text: str) -> Verdict | bool | None:
    """Letters in alphabetical order, three of them at least."""
    if list(text) != sorted(text):
        return Verdict.DEAD
    return True if len(text) >= 3 else None


class TestLaws(ConstraintLaws):
    constraint = predicate(sorted_letters)
    tokenizer = LETTERS
    texts = ("abc", "aab", "bcc", "", "ab", "ba", "cab", "aaaa")


class TestLawsOfExactMasks(TestLaws):
    constraint = predicate(sorted_letters, exact=True)


class TestLawsOverBytes(ConstraintLaws):
    constraint = predicate(lambda text: "aa" not in text and (text.endswith("é") or None), exact=True)
    tokenizer = BYTES
    texts = ("aé", "é", "a", "aa", "aéé", "€é")


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [(True, "satisfied"), (np.True_, "satisfied"), (None, "undecided"), (False, "dead"), (Verdict.DEAD, "dead"),
     ("undecided", "undecided")],
)
def test_answers(answer: object, verdict: str) -> None:
    """What each answer means."""
    assert predicate(lambda text: answer).verdict("x") is Verdict(verdict)  # type: ignore[arg-type, return-value]


@pytest.mark.parametrize("answer", [1, 0, "yes", 0.5, [], Verdict])
def test_no_answers(answer: object) -> None:
    """Anything else is one error that names the predicate, the text and what it may answer."""
    with pytest.raises(PredicateError, match=r"predicate\(rhymes\) answered .* about the text 'moon': .*SATISFIED"):
        predicate(lambda text: answer, name="rhymes").verdict("moon")  # type: ignore[arg-type, return-value]


def test_exceptions_say_about_which_text() -> None:
    """An exception of fn is raised as it is, with a note."""

    def broken(text: str) -> bool:
        return text[5] == "a"

    with pytest.raises(IndexError) as caught:
        predicate(broken).verdict("moon")
    assert caught.value.__notes__ == ["(raised by predicate(broken) asked about the text 'moon')"]


def test_bad_arguments() -> None:
    """What cannot be called, coroutines, caps that are no number of rejections; a constraint dead from the start."""

    async def later(text: str) -> bool:
        return True

    with pytest.raises(TypeError, match="fn is a function of one text, got str"):
        predicate("a+")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="async function"):
        predicate(later)  # type: ignore[arg-type]
    for cap in (-1, 1.5, True):
        with pytest.raises(ValueError, match=f"cap={cap} must be a whole number"):
            predicate(sorted_letters, cap=cap)  # type: ignore[arg-type]
    with pytest.raises(Unsatisfiable, match=r"says dead \(or False\) of the empty text.*answer None"):
        predicate(lambda text: text.endswith("!")).start(LETTERS)


def test_a_broken_promise_names_both_texts() -> None:
    """A continuation of a dead text that is alive is an error when it is seen: after the dead text, inside a token
    whose beginning was called dead, and among the tokens of an exact mask."""

    def even(text: str) -> bool | None:
        return None if not text else len(text) % 2 == 0

    message = r"called 'a' dead and its continuation 'ab' satisfied: answer None"
    start = predicate(even).start(LETTERS)
    assert start.advance(1).dead
    with pytest.raises(PredicateError, match=message):
        _ = start.advance(1).advance(2).accepting
    with pytest.raises(PredicateError, match=message):
        _ = start.advance(4).dead
    with pytest.raises(PredicateError, match=message):
        predicate(even, exact=True).start(LETTERS).mask()


def test_verdicts_are_remembered_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """fn is asked once about a text while the memory holds it; the memory never exceeds its bound, and forgets what
    was used least recently."""
    monkeypatch.setattr(module, "VERDICTS", 10)
    asked: list[str] = []

    def fn(text: str) -> None:
        asked.append(text)

    c = predicate(fn)  # type: ignore[arg-type]
    for i in range(10):
        c.verdict(str(i))
    c.verdict("0")
    assert len(asked) == 10
    c.verdict("new")
    assert len(c._known) == 10 and "0" in c._known and "1" not in c._known
    for i in range(1000):
        c.verdict(f"again {i}")
    assert len(c._known) == 10


def test_masks_are_remembered_within_bounds() -> None:
    """The exact mask of a text is made once; the memory of masks is bounded."""
    asked: list[str] = []

    def fn(text: str) -> bool | None:
        asked.append(text)
        return None

    c = predicate(fn, exact=True)
    start = c.start(LETTERS)
    start.mask()
    before = len(asked)
    assert before <= 6  # once for the text itself, once for each distinct piece
    c.start(LETTERS).mask()
    assert len(asked) == before
    for i in range(2 * module.MASKS):
        PredicateState(c, start.vocabulary, str(i), b"", 0).mask()
    assert c.mask.cache_info().currsize == module.MASKS


def test_incomplete_characters() -> None:
    """fn is asked about whole characters: before the rest of one has come, about what is before it, and such a text is
    not accepted; bytes that no UTF-8 continues are dead, and the exact mask knows it."""
    asked: list[str] = []

    def fn(text: str) -> bool:
        asked.append(text)
        return True

    tokens = {piece: t for t, piece in enumerate(BYTES.token_bytes)}
    start = predicate(fn).start(BYTES)
    half = start.advance(tokens[b"a\xc3"])
    assert start.accepting and not half.accepting and not half.dead
    assert half.advance(tokens[b"\xa9"]).accepting
    assert half.advance(tokens[b"a"]).dead and start.advance(tokens[b"\xff"]).dead
    assert half.advance(tokens[b"a"]).advance(tokens[b"a"]).dead
    assert set(asked) == {"", "a", "aé"}
    assert half.key() == start.advance(1).advance(tokens[b"\xc3"]).key() != start.advance(1).key()
    exact = predicate(fn, exact=True).start(BYTES).advance(tokens[b"a\xc3"])
    assert tokens_of(exact.mask()) == [tokens[b"\xa9"], tokens[b"\xac"]]
    assert not predicate(fn).matches(b"a\xc3") and predicate(fn).matches("aé".encode())


def test_masks_and_combinations() -> None:
    """Without `exact` nothing is known of the mask; `&` keeps what the other part knows, and the smaller cap."""
    loose, tight = predicate(sorted_letters, cap=500), predicate(sorted_letters, exact=True)
    assert loose.start(LETTERS).mask() is None and not loose.start(LETTERS).exact
    both = (loose & tight).start(LETTERS)
    assert not both.exact and both.cap == 500
    mask = both.advance(2).mask()
    assert mask is not None and [t for t in range(7) if has(mask, t)] == [2, 3, 5]
    assert (predicate(sorted_letters, cap=3) | loose).start(LETTERS).cap == 3
    assert tight.start(LETTERS).advance(3).advance(1).mask().any() is np.False_  # type: ignore[union-attr]


def test_matches() -> None:
    """A whole text is in the language where fn is satisfied with it: undecided is not enough."""
    c = predicate(lambda text: bool(re.fullmatch("a+b", text)) or None)
    assert c.matches("aab") and c.matches(b"ab") and not c.matches("a") and not c.matches("abb")
