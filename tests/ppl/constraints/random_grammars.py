"""Small random grammars in Lark's syntax, random patterns, and Lark's Earley parser as the judge of texts."""

from __future__ import annotations

import itertools
import random

from lark import Lark
from lark.exceptions import UnexpectedInput

TERMINALS = [
    '"a"', '"b"', '"ab"', '"ba"', '"c"', '"aab"', "/a+/", "/b+/", "/ab?/", "/[ab]/", "/a|ab/", "/[ab]+/", "/a*b/",
    "/.*?b/", "/(ab)+/", "/[^a]/", "/a[ab]?c/", "/c+b/", "/b|ba?c/", "/c(ba)?/", '"B"i', '("a" | "ab") "c"?',
]  # fmt: skip
IGNORED = ['"c"', "/c+/", "/ +/", '" "', "/[bc]+/", "/a/", "/ca?/", "/[c ]+|b/", "/cb|cba/", "/(cb?)+/"]


def random_grammar(seed: int, ignored: bool) -> str:
    """One to three rules over one to four terminals; many are ambiguous, recursive, empty, or cannot finish."""
    r = random.Random(seed)
    terminals = r.sample(TERMINALS, r.randint(1, 4))
    names, rules = "ABCD"[: len(terminals)], ["start", "x", "y"][: r.randint(1, 3)]

    def item() -> str:
        one = r.choice([*names, *names, *rules, f"({r.choice(names)} | {r.choice([*names, *rules])})"])
        return one + r.choice(["", "", "", "", "*", "?", "+"])

    def alternative() -> str:
        return " ".join(item() for _ in range(r.randint(0 if r.random() < 0.2 else 1, 3)))

    lines = [f"{name}: {' | '.join(alternative() for _ in range(r.randint(1, 2)))}" for name in rules]
    lines += [f"{name}: {terminal}" for name, terminal in zip(names, terminals, strict=True)]
    lines += [f"%ignore {r.choice(IGNORED)}" for _ in range(r.randint(1, 2) if ignored else 0)]
    return "\n".join(lines)


def random_pattern(r: random.Random, depth: int) -> str:
    kind = r.randrange(9 if depth else 2)
    if kind < 2:
        return r.choice(["a", "b", "c", "[ab]", "[^a]", ".", r"\w", "(?<!a)", "(?<=b)", "(?i:B)"])
    if kind < 4:
        return random_pattern(r, depth - 1) + random_pattern(r, depth - 1)
    if kind == 4:
        return f"(?:{random_pattern(r, depth - 1)}|{random_pattern(r, depth - 1)})"
    if kind == 5:
        return f"(?:{random_pattern(r, depth - 1)}|)"
    times = r.choice(["*", "+", "?", "*?", "+?", "??", "{1,2}", "{2}", "{0,2}?", "{1,}"])
    return f"(?:{random_pattern(r, depth - 1)}){times}"


def texts(alphabet: str, longest: int) -> list[str]:
    return ["".join(t) for n in range(longest + 1) for t in itertools.product(alphabet, repeat=n)]


def some_texts(seed: int, alphabet: str, many: int) -> list[str]:
    """All texts of up to three characters, and some of four to six."""
    r = random.Random(seed)
    return texts(alphabet, 3) + ["".join(r.choices(alphabet, k=r.randint(4, 6))) for _ in range(many)]


def judge(source: str, start: str = "start") -> Lark:
    return Lark(source, start=start, parser="earley", lexer="dynamic_complete")


def accepts(lark: Lark, text: str) -> bool:
    """Whether Lark finds a tree. It raises RuntimeError where it finds two roots (the end of the text may be ignored or
    not), so then the text is in the language."""
    try:
        lark.parse(text)
    except UnexpectedInput:
        return False
    except RuntimeError as error:
        assert "multiple start symbol" in str(error), error
    return True
