"""Where reading as much as possible loses texts: found whenever it happens, and avoided by the exact form."""

from __future__ import annotations

import random
import re
import warnings

import pytest
from random_grammars import accepts, judge, random_grammar, random_pattern, some_texts, texts

from steersman.ppl.constraints import BadSource, LexerAmbiguity, grammar
from steersman.ppl.constraints.grammar.automaton import Automaton, automaton
from steersman.ppl.constraints.grammar.characters import Alphabet, category
from steersman.ppl.constraints.grammar.pattern import Lacks, Machine


def words_of(pattern: str, **options: bool) -> tuple[Automaton, Alphabet]:
    machine = Machine(pattern)
    alphabet = Alphabet(s for step in machine.steps for s in (step.characters, step.behind) if s is not None)
    return (Automaton(machine, alphabet, **options) if options else automaton(machine, alphabet)), alphabet


def is_word(words: Automaton, alphabet: Alphabet, text: str) -> bool:
    state: int | None = 0
    for c in text:
        state = words.next[state].get(alphabet.atom(c)) if state is not None else None
    return state is not None and state in words.accepting


def check_patterns(seed: int, many: int) -> int:
    r, read = random.Random(seed), 0
    candidates = texts("abc", 4) + ["".join(r.choices("abc", k=6)) for _ in range(50)]
    for _ in range(many):
        pattern = random_pattern(r, 4)
        try:
            words, alphabet = words_of(pattern)
        except Lacks:
            continue
        read += 1
        compiled = re.compile(pattern)
        for text in candidates:
            match = compiled.match(text)
            assert is_word(words, alphabet, text) == (match is not None and match.end() == len(text)), (pattern, text)
    return read


def test_automata_are_what_re_prefers() -> None:
    """The automaton of a terminal accepts w iff re.match(pattern, w) is all of w, for random patterns with lazy
    repetitions, empty alternatives and lookbehinds."""
    assert check_patterns(seed=1, many=500) > 300


@pytest.mark.slow
def test_automata_are_what_re_prefers_more() -> None:
    """The same, for many patterns."""
    assert check_patterns(seed=2, many=8000) > 5000


@pytest.mark.parametrize("pattern", [r"\w", r"\d", r"\s", r"\W", "(?i:[k-sß])", "(?i:[^a-k])", r"(?a:\w)", "(?i:µ)"])
def test_character_sets_are_those_of_re(pattern: str) -> None:
    """One character is a word iff `re` matches it: categories, case (with the special cases of Unicode), negation."""
    words, alphabet = words_of(pattern)
    compiled = re.compile(pattern)
    codes = [*range(0x250), *range(0x370, 0x400), *range(0x1E80, 0x1F00), 0x2028, 0x212A, 0x212B, 0xFB05, 0x1F600]
    for c in map(chr, codes):
        assert is_word(words, alphabet, c) == bool(compiled.fullmatch(c)), (pattern, c)
    assert category(r"\d", False) != category(r"\d", True)


def check_grammars(seeds: range, ignored: bool, many: int) -> dict[str, int]:
    seen = {"exact": 0, "spelt": 0, "munched": 0, "lost": 0}
    for seed in seeds:
        source = random_grammar(seed, ignored)
        try:
            exact = grammar(source)
        except BadSource:
            continue
        lark = judge(source)
        candidates = some_texts(seed, "abc ", many) if ignored else some_texts(seed, "abc", many)
        inside = {text: accepts(lark, text) for text in candidates}
        assert not exact.warnings
        for text, known in inside.items():
            assert exact.matches(text) == known, (seed, source, text)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", LexerAmbiguity)
            munched = grammar(source, exact=False)
        lost = [text for text, known in inside.items() if known and not munched.matches(text)]
        more = [text for text, known in inside.items() if not known and munched.matches(text)]
        assert not more, (seed, source, more)
        assert caught or not lost, (seed, source, lost)
        assert (len(caught) > 0) == bool(munched.warnings)
        seen["exact"] += 1
        seen["spelt"] += bool(exact.spelt)
        seen["munched"] += bool(caught)
        seen["lost"] += bool(lost)
    return seen


def test_exact_is_lark_and_munching_warns() -> None:
    """On random grammars and texts: the exact form accepts what Lark accepts; with exact=False no text is gained, and
    texts are lost only where a LexerAmbiguity was given. Both happen."""
    seen = check_grammars(range(45), ignored=False, many=60)
    assert seen["exact"] > 25 and seen["lost"] > 3 and seen["exact"] > seen["munched"], seen


def test_ignored_text_is_skipped_as_lark_skips_it() -> None:
    """The same with %ignore: before every terminal and at the end, each as far as it can go."""
    seen = check_grammars(range(1000, 1030), ignored=True, many=60)
    assert seen["exact"] > 15 and seen["lost"] > 3 and seen["exact"] > seen["munched"], seen


@pytest.mark.slow
@pytest.mark.parametrize("ignored", [False, True])
def test_many_grammars(ignored: bool) -> None:
    """The same, for many grammars."""
    assert check_grammars(range(2000, 2700), ignored, many=120)["lost"] > 50


def test_a_terminal_that_begins_the_next() -> None:
    """start: A B with A: /a+/, B: "ab": the lexer would take every a and never find B."""
    source = 'start: A B\nA: /a+/\nB: "ab"'
    assert [t for t in texts("ab", 5) if grammar(source).matches(t)] == ["aab", "aaab", "aaaab"]
    with pytest.warns(LexerAmbiguity, match=r"A may end where A could go on, as in 'aa'"):
        munched = grammar(source, exact=False)
    assert not any(munched.matches(t) for t in texts("ab", 5))


def test_keywords_and_names() -> None:
    """Lark (dynamic_complete) reads "ifx" as "if" and a name: so do we, and munching would not."""
    source = 'start: "if" NAME | NAME "=" NAME\nNAME: /[a-z]+/\n%ignore " "'
    assert all(grammar(source).matches(t) for t in ("ifx", "if x", "ifx=y", "if = x"))
    with pytest.warns(LexerAmbiguity, match=r"\"if\" may end where NAME could go on, as in 'ifa'"):
        munched = grammar(source, exact=False)
    assert munched.matches("if x") and not munched.matches("ifx")


def test_characters_that_share_a_first_byte() -> None:
    """The lexer reads bytes: behind A it would follow the first byte of é (c3) into A, and miss è (c3 a8)."""
    source = 'start: A "è"\nA: "a" "é"*'
    assert all(grammar(source).matches(t) for t in ("aè", "aéè", "aééè")) and not grammar(source).matches("aé")
    with pytest.warns(LexerAmbiguity):
        assert not grammar(source, exact=False).matches("aè")


def test_no_false_alarm_for_usual_grammars() -> None:
    """Strings, numbers and white space as in lark.common are read in one piece each; nothing is spelt out."""
    source = """
        start: value
        value: "[" [value ("," value)*] "]" | ESCAPED_STRING | SIGNED_NUMBER | "true" | NAME "(" value ")"
        %import common (ESCAPED_STRING, SIGNED_NUMBER, WS, CPP_COMMENT)
        NAME: /[A-Z]\\w*/
        %ignore WS
        %ignore CPP_COMMENT
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error", LexerAmbiguity)
        assert grammar(source, exact=False).spelt == grammar(source).spelt == ()


def test_ignored_text_that_needs_more_than_a_look_at_one_character() -> None:
    """An ignored terminal that may begin to go on and fail, where something else may begin like that, is refused."""
    with pytest.raises(BadSource, match="one character ahead") as caught:
        grammar('start: "a" /x.?/\n%ignore /-(xy)*/')
    assert (caught.value.line, caught.value.column) == (2, 9)
    lark = judge(source := 'start: "a" "b"\n%ignore /(\\r?\\n)+/')
    for text in ("a\nb", "a\r\n\nb", "a\n\rb", "a\r\n\r\nb\n", "\nab\r", "a\rb"):
        assert grammar(source).matches(text) == accepts(lark, text), text
