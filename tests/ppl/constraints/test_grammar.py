"""`grammar`: the language is what Lark's Earley parser accepts; masks are the viable tokens; trees have positions."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from lark.exceptions import UnexpectedInput
from random_grammars import accepts, judge, texts

from steersman.ppl.constraints import BadSource, State, grammar
from steersman.ppl.constraints.masks import tokens_of

ARITHMETIC = """
    start: sum
    ?sum: product | sum "+" product -> add | sum "-" product -> subtract
    ?product: atom | product "*" atom -> times | product "/" atom -> over
    ?atom: NUMBER | "-" atom -> negative | "(" sum ")"
    %import common (NUMBER, WS)
    %ignore WS
"""
JSON = """
    ?start: value
    ?value: object | array | ESCAPED_STRING | SIGNED_NUMBER | "true" | "false" | "null"
    array: "[" _list{value} "]"
    object: "{" _list{pair} "}"
    pair: ESCAPED_STRING ":" value
    _list{item}: [item ("," item)*]
    %import common (ESCAPED_STRING, SIGNED_NUMBER, WS)
    %ignore WS
"""
DIALOGUE = r"""
    start: line~1..3
    line: NAME ":" sentence+ "\n"
    sentence: WORD+ MARK
    NAME: /[A-Z][a-z]+/
    WORD: /[A-Za-zé']+/
    MARK: /[.!?]/
    %ignore " "
"""


def _sum(r: random.Random, depth: int = 3) -> str:
    gap = r.choice(["", "", " ", "\n"])
    if depth == 0 or r.random() < 0.3:
        return gap + r.choice(["1", "20", "3.5", ".5", "7e3", "1.E-2"]) + gap
    a, b = _sum(r, depth - 1), _sum(r, depth - 1)
    return r.choice([f"{a}+{b}", f"{a}-{b}", f"{a}*{b}", f"{a}/{b}", f"({a})", f"-{a}"])


def _value(r: random.Random, depth: int = 3) -> str:
    gap = r.choice(["", "", " ", "\t\n"])
    if depth == 0 or r.random() < 0.3:
        return gap + r.choice(['"a b"', r'"\"é\\"', '""', "-1.5e3", "+2", "true", "false", "null"]) + gap
    items = [_value(r, depth - 1) for _ in range(r.randint(0, 3))]
    if r.random() < 0.5:
        return f"[{','.join(items)}{gap}]"
    return "{" + ",".join(f'"k{i}"{gap}:{item}' for i, item in enumerate(items)) + "}"


def _dialogue(r: random.Random) -> str:
    def sentence() -> str:
        words = r.choices(["I", "see", "l'été", "Amina"], k=r.randint(1, 3))
        return r.choice(["", " "]).join(words) + r.choice(".!?")

    def line() -> str:
        return f"{r.choice(['Amina', 'Bo'])}:{' ' * r.randint(0, 2)}{sentence()}{sentence()}\n"

    return "".join(line() for _ in range(r.randint(1, 3)))


def _changed(text: str, r: random.Random, alphabet: str) -> str:
    at = r.randrange(len(text) + 1)
    return text[:at] + r.choice(["", r.choice(alphabet)]) + text[at + r.randint(0, 1):]


CASES = {"arithmetic": (ARITHMETIC, _sum), "json": (JSON, _value), "dialogue": (DIALOGUE, _dialogue)}


@pytest.mark.parametrize("name", CASES)
def test_large_grammars_accept_what_lark_accepts(name: str) -> None:
    """Sampled texts are in the language, and of those with one or two characters changed just the ones Lark accepts."""
    source, draw = CASES[name]
    language, lark, r = grammar(source), judge(source), random.Random(7)
    outside = 0
    for _ in range(60):
        text = draw(r)
        assert language.matches(text) and accepts(lark, text), text
        for _ in range(2):
            text = _changed(text, r, "+-*/(1.e \n\"\\{[,:ANé?")
            known = accepts(lark, text)
            outside += not known
            assert language.matches(text) == known, text
    assert outside > 20


class Pieces:
    """Single characters and every pair of them; é also in halves; one special token."""

    def __init__(self, alphabet: str) -> None:
        pieces = [c.encode() for c in alphabet] + [(a + b).encode() for a in alphabet for b in alphabet]
        self.token_bytes = (b"", *pieces, *((b"\xc3", b"\xa9") if "é" in alphabet else ()))

    def encode(self, text: str) -> tuple[int, ...]:
        raise NotImplementedError


# Grammar, alphabet, how long the beginnings are that masks are asked after, and a length within which every beginning
# of two more characters has been completed if it can be.
BOUNDED = [
    ('start: A B\nA: /a+/\nB: "ab"', "ab", 2, 6),
    ('start: "a" start "b" | "b"', "ab", 2, 9),
    ('start: x*\nx: "a" "b" | "ab" "a"\n%ignore "b"', "ab", 2, 6),
    ('start: A "é"\nA: "a" "é"*', "aé", 2, 6),
    ('start: /a.*?b/ "b"?', "ab", 2, 6),
    ('start: "a" "b" A?\nA: "a"\n%ignore /b+/', "ab", 2, 6),
    ('start: "(" start ")" | "a"', "(a)", 1, 7),
    ('start: (A | "ab" "b")~2\nA: /ab?a/', "ab", 4, 6),
]


@pytest.mark.parametrize(("source", "alphabet", "read", "longest"), BOUNDED)
def test_masks_are_the_viable_tokens(source: str, alphabet: str, read: int, longest: int) -> None:
    """After every short beginning, the mask holds just the tokens after which some text of the language goes on, found
    by trying all texts with Lark; `accepting` says whether Lark accepts the text so far."""
    language, lark, tokenizer = grammar(source), judge(source), Pieces(alphabet)
    members = {t.encode() for t in texts(alphabet, longest) if accepts(lark, t)}
    begins = {m[:n] for m in members for n in range(len(m) + 1)}
    reached = 0
    for text in texts(alphabet, read):
        state: State = language.start(tokenizer)
        for c in text:
            state = state.advance(tokenizer.token_bytes.index(c.encode()))
        data = text.encode()
        want = [i for i, piece in enumerate(tokenizer.token_bytes) if piece and data + piece in begins]
        mask = state.mask()
        assert mask is not None and tokens_of(mask) == want, (text, tokens_of(mask), want)
        assert state.dead == (data not in begins) and state.accepting == (data in members)
        reached += not state.dead
    assert reached > 1


@pytest.mark.parametrize("name", CASES)
def test_walks_along_masks_end_in_texts(name: str) -> None:
    """Tokens drawn from the masks never lead to a dead end; where `accepting`, Lark accepts the text."""
    source, draw = CASES[name]
    language, lark, r = grammar(source), judge(source), random.Random(3)
    alphabet = sorted(set("".join(draw(r) for _ in range(20))))
    tokenizer = Pieces("".join(alphabet))
    closing = {tokenizer.token_bytes.index(c.encode()) for c in alphabet if c in '\n.!?:)]}"'}
    ended = 0
    for _ in range(12):
        state, text = language.start(tokenizer), b""
        for step in range(60):
            mask = state.mask()
            assert mask is not None
            allowed = tokens_of(mask)
            if not allowed or (step > 10 and state.accepting):
                break
            ending = [token for token in allowed if token in closing] if step > 10 else []
            token = r.choice(ending or allowed)
            state, text = state.advance(token), text + tokenizer.token_bytes[token]
            assert not state.dead, text
            if state.accepting:
                ended += 1
                assert accepts(lark, text.decode()), text
        assert state.accepting or tokens_of(state.mask()), text  # type: ignore[arg-type]
    assert ended > 3


def test_least_bytes_is_the_shortest_text() -> None:
    """least_bytes equals the length of the shortest text that Lark accepts, in UTF-8."""
    for source in (
        'start: "a"*', 'start: A B\nA: /a+/\nB: "ab"', 'start: x x\nx: "é" | "ab" x', "start: /a{2,}?b/ | /[é-ü]b{2}/",
        'start: "a"~3..5 x\nx: | "a"', 'start: "(" start ")" | "aa"',
    ):  # fmt: skip
        lark = judge(source)
        members = [t for t in texts("abé", 5) if accepts(lark, t)]
        assert grammar(source).least_bytes == min(len(t.encode()) for t in members), source


def test_what_lark_offers() -> None:
    """Imports, templates, repetition, aliases, inlined rules, flags, priorities, %override and %extend mean what they
    mean in Lark; a rule of another name can be the start."""
    source = """
        begin: _pair{WORD, tail} | "X"i~2 -> twice | "(" [DIGIT] ")"
        ?!tail.2: "," begin | "ab" | "é".."ê"
        _pair{a, b}: a b
        %import common.LCASE_LETTER -> LETTER
        %import common (DIGIT, INT)
        WORD.3: LETTER~1..2
        %extend tail: "!"
    """
    language, lark = grammar(source, "begin"), judge(source, "begin")
    r = random.Random(0)
    candidates = texts("aé!", 3) + ["".join(r.choices("abxX(1),!éê", k=r.randint(1, 6))) for _ in range(500)]
    candidates += ["xX", "(1)", "()", "ab,xx", "b,(7)", "a,ab!", "abê", "aab"]
    assert sum(accepts(lark, t) for t in candidates) > 10
    for text in candidates:
        assert language.matches(text) == accepts(lark, text), text


def test_unused_definitions_do_no_harm() -> None:
    """Rules and terminals that the start does not need are dropped, even ones that could not finish."""
    language = grammar('start: "a"\nunused: unused "b"\nX: /(?=a)b/\n%declare Y')
    assert language.matches("a") and not language.matches("b")


def test_languages_with_one_text_or_none_but_the_empty() -> None:
    """The empty text, and text that is not UTF-8."""
    language = grammar('start: "a"?\n%ignore " "')
    assert language.matches("") and language.matches(" ") and language.matches(b" a ") and not language.matches(b"\xff")
    assert not language.matches("\ud800") and language.least_bytes == 0


def test_a_spelt_terminal_stays_fast_in_long_texts() -> None:
    """Terminals read character by character keep a bounded number of items: texts of 20,000 characters are read."""
    language = grammar("start: (WORD MARK?)+\nWORD: /[a-z]+/\nMARK: /[.!]/\n%ignore / +/")
    assert language.spelt == ("WORD",)
    assert language.matches("the quick fox. " * 1300) and not language.matches("the quick fox. " * 1300 + "..")


def test_trees_and_spans() -> None:
    """parse gives Lark's tree; spans are the parts of the text that the rules stand for, outer before inner."""
    text = " 1 + (20 - 3) * -((4)) "
    language = grammar(ARITHMETIC)
    assert [(s.rule, text[s.begin : s.end]) for s in language.spans(text)] == [
        ("start", "1 + (20 - 3) * -((4))"), ("add", "1 + (20 - 3) * -((4))"), ("times", "(20 - 3) * -((4))"),
        ("atom", "(20 - 3)"), ("subtract", "20 - 3"), ("negative", "-((4))"), ("atom", "((4))"), ("atom", "(4)"),
    ]  # fmt: skip
    assert language.parse(text) == judge(ARITHMETIC).parse(text)
    with pytest.raises(UnexpectedInput):
        language.parse("1 +")


@pytest.mark.parametrize("name", CASES)
def test_spans_are_texts_of_their_rules(name: str) -> None:
    """What a span of a rule covers is a text of the language that starts with this rule, and spans nest."""
    source, draw = CASES[name]
    language, r = grammar(source), random.Random(11)
    rules: dict[str, Callable[[str], bool]] = {}
    for rule in language._source.places.definitions:
        if rule.islower() and "{" not in rule and not rule.startswith("_"):
            rules[rule] = grammar(source, rule).matches
    checked = 0
    for _ in range(15):
        text = draw(r)
        around = [(0, len(text))]
        for span in language.spans(text):
            while not around[-1][0] <= span.begin <= span.end <= around[-1][1]:
                around.pop()
            around.append((span.begin, span.end))
            if span.rule in rules:
                checked += 1
                assert rules[span.rule](text[span.begin:span.end]), (span, text)
    assert checked > 14


def test_trees_where_the_end_could_be_ignored() -> None:
    """Where Lark finds two roots (a last part that is ignored or read), a tree is given all the same."""
    source = 'start: x+ | x+ "c"\nx: "a"\n%ignore "c"'
    with pytest.raises(RuntimeError, match="multiple start symbol"):
        judge(source).parse("aac")
    assert [(s.rule, s.begin) for s in grammar(source).spans("aac")] == [("start", 0), ("x", 0), ("x", 1)]
    assert grammar(source).parse("aac") == judge(source).parse("aa")


def test_bad_arguments() -> None:
    """Only a str is a source."""
    with pytest.raises(TypeError, match="source has to be a str"):
        grammar(["start: a"])  # type: ignore[arg-type]
    with pytest.raises(BadSource, match="no rule 'begin'"):
        grammar('start: "a"', "begin")
