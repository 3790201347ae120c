"""`words`, `choice`, `substring`: languages that can be listed."""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Sequence

import pytest

from steersman.inference.testing import ConstraintLaws, Spellings
from steersman.ppl.constraints import ConstraintError, Unsatisfiable, choice, regex, substring, words
from steersman.ppl.constraints.protocol import Constraint
from steersman.ppl.constraints.vocabulary import Tokenizer

STRINGS = ["".join(s) for n in range(7) for s in itertools.product("ab,", repeat=n)]


class Pieces:
    """A vocabulary of byte strings, encoded greedily; the end-of-text token 0 has no bytes. More tokens than one word
    of a mask holds; "é" is C3 A9."""

    token_bytes = (b"", b"a", b"b", b"c", b" ", b",", b"ab", b"a b", b"b ", b"\xc3", b"\xa9", b"\xa9a", "é".encode(),
                   b"ab", *[b"z" * k for k in range(1, 30)])

    def encode(self, text: str) -> tuple[int, ...]:
        found = Spellings(self).draw(text.encode(), lambda n: n - 1)  # options come in order of length
        if found is None:
            raise ValueError(f"cannot spell {text!r}")
        return found


class Laws(ConstraintLaws):
    tokenizer: Tokenizer = Pieces()
    texts = ("", "a", "ab", "abc", "éa", "aé", "a b", "a b a", "zzz", "b,ab", "ab ab ")


class TestChoice(Laws):
    """The laws, with masks counted over the members."""

    language: Sequence[str] = ("a", "abc", "ab,", "éa", "", "zzz")
    constraint: Constraint = choice(language)


class TestWords(Laws):
    """The laws, with masks counted over all texts of one to three words."""

    language: Sequence[str] = [" ".join(t) for n in (1, 2, 3) for t in itertools.product(("a", "ab", "é"), repeat=n)]
    constraint: Constraint = words(["a", "ab", "é"], max=3)


class TestSubstring(Laws):
    """The laws, with masks counted over all passages."""

    language: Sequence[str] = sorted({"abcéab z"[i:j] for i in range(9) for j in range(i, 9)})
    constraint: Constraint = substring("abcéab z")


class TestBoth(Laws):
    """The laws of an intersection, which is one lexeme: the masks have no dead ends."""

    language: Sequence[str] = ("ab", "abab", "é")
    constraint: Constraint = choice(["ab", "abab", "aba", "é", "zz"]) & regex("(ab)*|.")


class TestThen(Laws):
    """The laws where one language follows another and the boundary is ambiguous: munching "ab" would lose "abc"."""

    language: Sequence[str] = ("abc", "abbc", "aabc", "aabbc")
    constraint: Constraint = words(["a", "ab", "aab"], max=1).then(choice(["bc", "c"])) & regex("a+b+c")


@pytest.mark.parametrize("separator", ["", ",", "b"])
@pytest.mark.parametrize(("least", "most"), [(1, None), (0, None), (0, 0), (0, 1), (1, 1), (2, 3), (2, None), (0, 2)])
def test_words_are_joined(separator: str, least: int, most: int | None) -> None:
    """The texts are exactly separator.join of least to most of the words."""
    given = ["a", "ab", "b"]
    up_to = 7 if most is None else most
    joined = {separator.join(t) for n in range(least, up_to + 1) for t in itertools.product(given, repeat=n)}
    constraint = words(given, separator, least, most)
    found = {s for s in STRINGS if constraint.matches(s)}
    assert found == joined & set(STRINGS)
    assert constraint.least_bytes <= min(map(len, found)) or not found


def test_words_say_how_long_a_text_is() -> None:
    """least_bytes counts the shortest word and the separators."""
    assert words(["aa", "é"], ", ", 3).least_bytes == 10
    assert choice(["éé", "aaaaa"]).least_bytes == 4
    assert words(["a"], min=0).least_bytes == 0


def test_a_choice_has_its_members_and_no_others() -> None:
    """Members with every kind of character that means something in a pattern or a grammar."""
    members = ["", "a|b", '"', "\\", "\\x41", "\\u0041", "/", "(a)*", "%ignore", "\n", "\x00\x7f\x80", "😀", " # ", "é"]
    constraint = choice(members)
    state = regex("x").then(constraint).then(regex("y"))
    for text in [*members, "A", "a", "aa", "x41", "b"]:
        assert constraint.matches(text) == (text in members) == constraint.matches(text.encode())
        assert state.matches(f"x{text}y") == (text in members), text
    assert constraint.members == tuple(members) and constraint.tokenizations == "all"
    assert choice(["a"], tokenizations="canonical").tokenizations == "canonical"


def test_large_choices() -> None:
    """Thousands of members are one language, and so are words out of thousands."""
    rng = random.Random(1)
    members = sorted({"".join(rng.choices("abcdefgh", k=7)) for _ in range(3000)})
    constraint, many = regex("").then(choice(members)), words(members)
    for text in members[::300]:
        assert constraint.matches(text) and not constraint.matches(text + "a") and many.matches(f"{text} {members[7]}")


def test_passages_of_a_text() -> None:
    """substring(t) is `s in t`, for every string; by words it is a run of whole chunks."""
    rng = random.Random(2)
    for _ in range(10):
        source = "".join(rng.choices("ab,", k=rng.randrange(12)))
        assert [substring(source).matches(s) for s in STRINGS] == [s in source for s in STRINGS]
        chunks = re.findall(r"\w+|\W", source)
        runs = {"".join(chunks[i:j]) for i in range(len(chunks) + 1) for j in range(i, len(chunks) + 1)}
        by_word = substring(source, chunk="word")
        assert [by_word.matches(s) for s in STRINGS] == [s in runs for s in STRINGS], source


def test_passages_of_a_long_text() -> None:
    """The automaton is linear in the text: any passage of one of 20000 characters is found, and what is not, is not."""
    rng = random.Random(3)
    source = "".join(rng.choices("abcdefghij ", k=20_000))
    constraint = substring(source) & regex(".+")
    for at in range(0, 19_000, 3_000):
        passage = source[at:at + 200]
        assert constraint.matches(passage) and not constraint.matches(passage + "z")
    assert not constraint.matches("")


@pytest.mark.parametrize(("make", "why"), [
    (lambda: choice([]), "empty"), (lambda: choice(["a", "b", "a"]), "'a' is there twice"),
    (lambda: choice("ab"), r"write \['ab'\]"), (lambda: choice(["a", 3]), "member 1 is no str"),  # type: ignore[list-item]
    (lambda: choice(["\ud800"]), "surrogate"), (lambda: choice(["a"], tokenizations="best"), "canonical"),  # type: ignore[arg-type]
    (lambda: words([]), "empty"), (lambda: words(["a", ""]), "a word is empty"), (lambda: words(["a", "a"]), "twice"),
    (lambda: words(["a"], min=2, max=1), "min=2, max=1"), (lambda: words(["a"], min=-1), "min=-1"),
    (lambda: substring("a", chunk="line"), "chunk"), (lambda: substring(3), "str"),  # type: ignore[arg-type]
])
def test_mistakes(make: object, why: str) -> None:
    """Each has one clear error."""
    with pytest.raises(ConstraintError, match=why):
        make()  # type: ignore[operator]


def test_a_language_that_the_vocabulary_cannot_spell() -> None:
    """It is refused where the text would begin, and the bytes that are missing are named."""
    with pytest.raises(Unsatisfiable, match=r"choice\(\['q', 'É'\]\).*'q' or 0xC3"):
        choice(["q", "É"]).start(type("T", (), {"token_bytes": (b"a", b"", b"\xa9"), "encode": None})())
