"""`regex`: the language is that of `re.fullmatch`, and its masks are the tokens that can still become a match."""

from __future__ import annotations

import itertools
import re
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from steersman.ppl.constraints.errors import BadSource
from steersman.ppl.constraints.masks import tokens_of
from steersman.ppl.constraints.patterns.classes import characters, joined, matched
from steersman.ppl.constraints.regex import regex
from steersman.ppl.constraints.vocabulary import Vocabulary

ALPHABET = "ab\né"
LONGEST = 6
STRINGS = ["".join(s) for n in range(LONGEST + 1) for s in itertools.product(ALPHABET, repeat=n)]


class Pieces:
    """Whole characters, several at once, a special token, and the two halves of é."""

    token_bytes = (*(s.encode() for s in ("a", "b", "\n", "é", "ab", "ba", "aa", "éa", "bé\n", "a")),
                   b"", b"\xc3", b"\xa9")

    def encode(self, text: str) -> tuple[int, ...]:
        raise NotImplementedError


PIECES = Pieces()
WHOLE = range(10)


class Made(NamedTuple):
    """A pattern, and how many characters complete any beginning of a match, at most."""

    pattern: str
    weight: int


# Each holds a character of the alphabet, and what is viable is so with characters of the alphabet.
ATOMS = ["a", "b", r"\n", "é", ".", "[ab]", "[^a]", r"\w", r"\W", r"\s", r"\S", r"\D", r"[^\n]", r"[\wé]", r"[^\w]",
         "(?i:A)", "(?i:[^B])", "(?i:É)", "(?s:.)", r"(?a:\w)", r"(?a:\W)", r"\x61", "[a-b]", "[^a-b]", r"[\s\S]",
         "(?i:[A-B])"]
QUANTIFIERS = [("*", 0, 1), ("+", 1, 1), ("?", 0, 1), ("{2}", 2, 2), ("{0,2}", 0, 2), ("{1,2}", 1, 2), ("{2,}", 2, 2),
               ("{0}", 0, 0), ("*?", 0, 1), ("+?", 1, 1), ("??", 0, 1), ("{,2}", 0, 2)]


def patterns() -> st.SearchStrategy[Made]:
    def grow(inner: st.SearchStrategy[Made]) -> st.SearchStrategy[Made]:
        return st.one_of(
            st.lists(inner, min_size=1, max_size=3).map(
                lambda parts: Made("".join(p.pattern for p in parts), sum(p.weight for p in parts))),
            st.lists(inner, min_size=1, max_size=3).map(
                lambda parts: Made(f"(?:{'|'.join(p.pattern for p in parts)})", max(p.weight for p in parts))),
            st.tuples(inner, st.sampled_from(QUANTIFIERS)).map(
                lambda it: Made(f"({it[0].pattern}){it[1][0]}", it[0].weight * it[1][2])),
        )

    leaves = st.one_of(st.sampled_from(ATOMS).map(lambda s: Made(s, 1)), st.just(Made("", 0)))
    return st.recursive(leaves, grow, max_leaves=6)


def viable(pattern: str, flags: int) -> set[bytes]:
    """The beginnings of matches, as bytes, of matches up to LONGEST characters."""
    compiled = re.compile(pattern, flags)
    found: set[bytes] = set()
    for s in STRINGS:
        if compiled.fullmatch(s):
            data = s.encode()
            found.update(data[:i] for i in range(len(data) + 1))
    return found


FLAGS = st.sampled_from([0, re.IGNORECASE, re.DOTALL, re.ASCII, re.MULTILINE | re.DOTALL, re.VERBOSE, re.I | re.S])
CALM = settings(max_examples=120, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.filter_too_much])


@CALM
@given(patterns(), FLAGS, st.data())
def test_the_language_is_that_of_fullmatch(made: Made, flags: int, data: st.DataObject) -> None:
    """matches(s) == (re.fullmatch(pattern, s, flags) is not None), for strings inside and outside the language, and no
    match is shorter than least_bytes."""
    constraint, compiled = regex(made.pattern, flags), re.compile(made.pattern, flags)
    inside = [s for s in STRINGS[:1365] if compiled.fullmatch(s)]
    tried = data.draw(st.lists(st.one_of(st.sampled_from(STRINGS), st.sampled_from(inside or STRINGS),
                                         st.text("aAbBéÉ\n 1_K\u212a", max_size=6)), min_size=20, max_size=20))
    for s in tried:
        assert constraint.matches(s) == (compiled.fullmatch(s) is not None), (made.pattern, flags, s)
    assert all(len(s.encode()) >= constraint.least_bytes for s in inside)


@CALM
@given(patterns(), FLAGS, st.lists(st.sampled_from(WHOLE), max_size=2))
def test_masks_are_the_viable_tokens(made: Made, flags: int, tokens: list[int]) -> None:
    """Token t is in the mask if and only if some match begins with the text so far and t; a state is accepting where
    the text so far matches, and dead where no match begins with it."""
    prefix = b"".join(PIECES.token_bytes[t] for t in tokens)
    assume(made.weight + len(prefix.decode()) + 3 <= LONGEST)
    possible = viable(made.pattern, flags)
    assume(possible)
    state = regex(made.pattern, flags).start(PIECES)
    for token in tokens:
        state = state.advance(token)
    allowed = set(tokens_of(state.mask()))
    expected = {t for t in WHOLE if prefix + PIECES.token_bytes[t] in possible}
    assert allowed & set(WHOLE) == expected, (made.pattern, flags, prefix)
    assert 10 not in allowed
    for half in (11, 12):
        assert half in allowed or prefix + PIECES.token_bytes[half] not in possible
    assert [state.allows(t) for t in range(13)] == [t in allowed for t in range(13)]
    assert state.accepting == (re.fullmatch(made.pattern, prefix.decode(), flags) is not None)
    assert state.dead == (prefix not in possible)


@pytest.mark.slow
@CALM
@given(patterns(), patterns(), st.data())
def test_what_is_put_together_is_what_re_puts_together(a: Made, b: Made, data: st.DataObject) -> None:
    """`|`, then and repeat are `|`, juxtaposition and {m,n} of `re`; `&` is both."""
    one, other = regex(a.pattern), regex(b.pattern)
    p, q = re.compile(a.pattern), re.compile(b.pattern)
    pairs = [
        (one | other, lambda s: p.fullmatch(s) or q.fullmatch(s)),
        (one & other, lambda s: p.fullmatch(s) and q.fullmatch(s)),
        (one.then(other), re.compile(f"(?:{a.pattern})(?:{b.pattern})").fullmatch),
        (one.repeat(1, 2), re.compile(f"(?:{a.pattern}){{1,2}}").fullmatch),
        (one.repeat(), re.compile(f"(?:{a.pattern})*").fullmatch),
        ((one | other).then(one.repeat(0, 1)), re.compile(f"(?:{a.pattern}|{b.pattern})(?:{a.pattern})?").fullmatch),
    ]
    tried = data.draw(st.lists(st.sampled_from(STRINGS[:400]), min_size=15, max_size=15))
    for constraint, oracle in pairs:
        for s in tried:
            assert constraint.matches(s) == bool(oracle(s)), (constraint, s)


@pytest.mark.parametrize(("a", "b"), [
    (r"\w", r"(?:\w|é|)"), (r"\w|(?:ab|(?:\w|é))", "é"), ("[é-ÿ]|a", "(?:[é-ÿ]|ü)|b"), (r"[^\s\S]|a", r"[^\s\S]"),
    ("(?i:a)|b|(?:c|(?i:é))", "É|x|^a|x|$"),
])
def test_alternatives_of_one_character(a: str, b: str) -> None:
    """They are merged, without which the engine panics at some; the language stays."""
    both = regex(a) | regex(b)
    for text in ["", *map(chr, range(0x250)), "ab", "aa", "éé"]:
        assert both.matches(text) == bool(re.fullmatch(f"{a}|{b}", text)), text


@pytest.mark.parametrize("item", [
    r"\w", r"\W", r"\d", r"\s", ".", "[^a-z]", "(?i:k)", "(?i:[s-t])", r"[^\W\d_]", r"(?a:\w)",
])
def test_every_character_of_unicode(item: str) -> None:
    """A class holds exactly the characters that `re` says, asked through the engine for a spread of all characters."""
    constraint, compiled = regex(item), re.compile(item)
    tried = [*range(0x250), 0x2126, 0x212A, 0x17F, 0xDF, 0x1E9E, *range(0x250, 0x110000, 997)]
    for code in tried:
        if not 0xD800 <= code <= 0xDFFF:
            assert constraint.matches(chr(code)) == bool(compiled.fullmatch(chr(code))), hex(code)


def test_a_literal_without_case_asks_only_cased_characters() -> None:
    """The short way for one letter under IGNORECASE finds what asking about every character finds."""
    import importlib

    literal = importlib.import_module("re._constants").LITERAL
    everything = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x110000)]))
    for c in "kKsSſßẞiİıµμΐΐσςΣåÅθϴ1é":
        item, flags = (literal, ord(c)), int(re.IGNORECASE | re.UNICODE)
        assert characters(item, flags) == matched(item, flags, everything), c


def test_ranges_join() -> None:
    """Ranges that touch or overlap become one."""
    assert joined([(5, 9), (1, 2), (3, 3), (8, 12), (20, 20)]) == ((1, 3), (5, 12), (20, 20))


@pytest.mark.parametrize(("pattern", "text"), [
    (r"^ab$", "ab"), (r"\Aab\Z", "ab"), ("^(a|b$)$", "b"), ("(^a|^b)c", "bc"), ("(?m)^a$", "a"), ("(?:^)+a", None),
    ("a|^b$", "b"), ("(?x) ^ a  # an a\n $", "a"),
])
def test_anchors_at_the_ends(pattern: str, text: str | None) -> None:
    """Anchors at the ends of the pattern (of every way through it) ask nothing."""
    if text is None:
        with pytest.raises(BadSource, match="anchor"):
            regex(pattern)
    else:
        assert regex(pattern).matches(text) and not regex(pattern).matches(text + text)


@pytest.mark.parametrize(("pattern", "line", "column", "why"), [
    ("a(", 1, 2, "unterminated"), ("x\n[z-a]", 2, 2, "bad character range"), (r"(a)\1", 1, 4, "backreference"),
    (r"(?P<n>a)b(?P=n)", 1, 10, "backreference"), ("ab(?=c)", 1, 3, "lookaround"), ("(?<!a)b", 1, 1, "lookaround"),
    (r"[\b]\\b\b", 1, 8, "word boundary"), ("(?x) a # \\b\n \\b", 2, 2, "word boundary"),
    ("(a)(?(1)b|c)", 1, 4, "conditional"), ("(?>a+)b", 1, 1, "atomic"), ("[+]+ab++", 1, 8, "possessive"),
    ("a*^b", 1, 3, "anchor"), ("^a$|b$c", 1, 6, "anchor"),
    ("(?#\\b)a$b", 1, 8, "anchor"), (r"\101(a)\1", 1, 8, "backreference"), ("a{3,2}", 1, 3, "min repeat"),
    ("(?!)", 1, 1, "lookaround"), (r"[]\]$]a$a", 1, 8, "anchor"),
])
def test_mistakes_are_shown_where_they_are(pattern: str, line: int, column: int, why: str) -> None:
    """A bad pattern, and one with what the engine does not have, is refused with its place."""
    with pytest.raises(BadSource, match=why) as caught:
        regex(pattern)
    assert (caught.value.line, caught.value.column) == (line, column), str(caught.value)


@pytest.mark.parametrize("pattern", ["a{99999999999}", "(" * 5000 + ")" * 5000])
def test_patterns_beyond_python(pattern: str) -> None:
    """What `re` itself gives up on is one clear error, too."""
    with pytest.raises(BadSource):
        regex(pattern)


def test_compiled_patterns_and_types() -> None:
    """A compiled pattern brings its flags; patterns of bytes are refused."""
    assert regex(re.compile("a.", re.I | re.S)).matches("A\n")
    assert "IGNORECASE" in repr(regex("a", re.I)) and repr(regex("a")) == "regex('a')"
    with pytest.raises(TypeError, match="str"):
        regex(re.compile(b"a"))  # type: ignore[arg-type]


def test_surrogates_are_no_text() -> None:
    """A lone surrogate is in no language, and asking for one leaves nothing."""
    assert not regex(".").matches("\ud800") and not regex("\ud800|b").matches("a") and regex("\ud800|b").matches("b")
    assert Vocabulary.of(PIECES).size == 13


def test_reach() -> None:
    """With how many bytes a text of the language can begin: that of the longest viable prefix, found by `re` on all
    texts of the language that are short."""
    words = ["".join(letters) for n in range(7) for letters in itertools.product("abc", repeat=n)]
    language = [word for word in words if re.fullmatch("ab*c?(a|b)", word)]
    pattern = regex("ab*c?(a|b)")
    for text in (word for word in words if len(word) < 5):
        viable = max(k for k in range(len(text) + 1) if any(w.startswith(text[:k]) for w in language))
        assert pattern.reach(text.encode()) == viable, text
