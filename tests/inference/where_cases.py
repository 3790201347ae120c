"""Constraints of every kind, and their languages told by others: `re`, `jsonschema`, lark's Earley parser, Python."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import product
from typing import Any

import jsonschema
import lark
import numpy as np

from steersman.models import TableLM
from steersman.ppl.constraints import Constraint, canonical, choice, predicate, regex, substring, words
from steersman.ppl.constraints.grammar import grammar
from steersman.ppl.constraints.json_schema import json_schema
from tests.models.small_bpe import small_bpe

Draw = tuple[tuple[int, ...], str]
"""The tokens of a text, its end included, and how it ended."""


@dataclass(frozen=True, eq=False)
class Case:
    """One constraint, and its language told otherwise.

    candidates: texts of which all those of the language are; every prefix that matters is a prefix of one. judge:
    whether a text is in it. outside: what a text outside it is weighed by. own: only the tokenizer's spellings count.
    warmup: how many suffix moves forget the start.
    """

    constraint: Constraint
    judge: Callable[[str], Any]
    candidates: list[str]
    max_tokens: int = 5
    stop: str | None = None
    prompt: str = ""
    outside: float = 0.0
    own: bool = False
    table: TableLM | None = None
    warmup: int = 30

    @cached_property
    def lm(self) -> TableLM:
        return self.table or leaning(self.candidates)

    @cached_property
    def members(self) -> dict[bytes, float]:
        weights = {s.encode(): 1.0 if self.judge(s) else self.outside for s in self.candidates}
        return {s: w for s, w in weights.items() if w > 0}

    @property
    def options(self) -> dict[str, Any]:
        return {"max_tokens": self.max_tokens, "stop": self.stop}

    def truth(self) -> tuple[float, dict[Draw, float]]:
        """log P(C) and the exact conditional: every sequence of tokens that leads to a text of the language."""
        context, pieces, mass = self.lm.context(self.prompt).tokens, self.lm.tokenizer.token_bytes, {}
        prefixes = {s[:n] for s in self.members for n in range(len(s) + 1)}

        def alive(data: bytes) -> bool:
            begun = range(len(self.stop)) if self.stop else (0,)
            return any(
                data[len(data) - n :] == (self.stop or "").encode()[:n]
                and (data in prefixes if n == 0 else data[: len(data) - n] in self.members)
                for n in begun if n <= len(data)
            )

        def go(tokens: tuple[int, ...], data: bytes) -> None:
            for token, piece in enumerate(pieces):
                more, new = (*tokens, token), data + piece
                at = new.find(self.stop.encode()) if self.stop and piece else -1
                if token in self.lm.eos:
                    end, value = "eos", data
                elif at >= 0:
                    end, value = "stop", new[:at]
                elif len(more) == self.max_tokens:
                    end, value = "length", new
                else:
                    if alive(new):
                        go(more, new)
                    continue
                if value in self.members:
                    spelt = more[:-1] if end == "eos" else more
                    if not self.own or self.lm.tokenizer.encode(value.decode()) == spelt:
                        log_p = self.lm.score_sequences([context], [more])[0].sum()
                        mass[more, end] = self.members[value] * math.exp(log_p)

        go((), b"")
        z = math.fsum(mass.values())
        return math.log(z), {draw: m / z for draw, m in mass.items()}


def leaning(texts: list[str], longer: float = 0.0) -> TableLM:
    """A random bigram table over the small vocabulary, in which the tokens that spell these texts have most of the
    mass: else the shortest text would have it all. longer: what a logit gains by every byte of its token; few texts are
    then cut by the length limit."""
    pieces = small_bpe().token_bytes
    usual = [not piece or any(piece in s.encode() for s in texts) for piece in pieces]
    lean = np.where(usual, 5.0 + longer * np.array([len(piece) for piece in pieces]), 0.0)
    rng = np.random.default_rng(5)
    logits = rng.normal(size=(len(pieces) + 1, len(pieces))) + lean
    return TableLM(logits, tokenizer=small_bpe())


PATTERN = r"(the )?(cat|red)s?[.!]?"
PHRASES = ["".join(s) for s in product(["", "the "], ["cat", "red", "dog"], ["", "s", "ss"], ["", ".", "!", ".!"])]
SUM = 'start: n ("+" n)*\nn: "1" | "2" | "12"'
SUMS = ["".join(s) for n in range(6) for s in product("12+", repeat=n)]
SCHEMA = {
    "type": "object", "properties": {"age": {"type": "integer", "minimum": 1, "maximum": 21}}, "required": ["age"],
    "additionalProperties": False,
}
RECORDS = [f'{{"{key}":{n}}}' for key in ("age", "tag") for n in range(-3, 130)]
SCRIBBLES = ["".join(s) for n in range(5) for s in product("cat ", repeat=n)]
MEMBERS = ["cat", "the cat", "red", "ca", "redcat", "hat"]


def even(text: str) -> bool | None:
    """Satisfied by as many c as t, dead once it is too long or has other letters."""
    if len(text) > 4 or set(text) - set("cat "):
        return False
    return True if text.count("c") == text.count("t") else None


def fits(text: str) -> bool:
    """Whether a text is compact JSON for an instance."""
    try:
        value = json.loads(text)
        jsonschema.validate(value, SCHEMA)
    except (ValueError, jsonschema.ValidationError):
        return False
    return json.dumps(value, separators=(",", ":")) == text


@cache
def earley() -> lark.Lark:
    return lark.Lark(SUM, parser="earley", lexer="dynamic_complete")


def parses(text: str) -> bool:
    try:
        earley().parse(text)
    except lark.exceptions.LarkError:
        return False
    return True


def full(pattern: str) -> Callable[[str], bool]:
    return lambda text: re.fullmatch(pattern, text) is not None


def letters() -> TableLM:
    """A tiny table, one token for each symbol."""
    return TableLM.random(4, seed=8, scale=1.2)


LETTERS = ["".join(s) for n in range(5) for s in product("abc", repeat=n)]


CASES: dict[str, Callable[[], Case]] = {
    "regex": lambda: Case(regex(PATTERN), full(PATTERN), PHRASES),
    "regex, stop": lambda: Case(regex(PATTERN), full(PATTERN), PHRASES, stop=" s", prompt="The", max_tokens=4),
    "regex, short": lambda: Case(regex(PATTERN), full(PATTERN), PHRASES, max_tokens=2),
    "grammar": lambda: Case(grammar(SUM), parses, SUMS, max_tokens=4),
    "json_schema": lambda: Case(json_schema(SCHEMA, whitespace="compact"), fits, RECORDS, max_tokens=6,
                                table=leaning(RECORDS, longer=1.0)),
    "choice": lambda: Case(choice(MEMBERS), lambda s: s in MEMBERS, MEMBERS),
    "predicate": lambda: Case(predicate(even), lambda s: even(s) is True, SCRIBBLES, max_tokens=3),
    "words": lambda: Case(words(["cat", "red", "he"], max=2), full("(cat|red|he)( (cat|red|he))?"),
                          ["".join(s) for n in range(4) for s in product(["cat", "red", "he", " "], repeat=n)]),
    "substring": lambda: Case(substring("the cat"), lambda s: s in "the cat",
                              ["the cat"[i:j] for i in range(8) for j in range(i, 8)], max_tokens=3),
    "and": lambda: Case(regex(PATTERN) & regex(r"(re|ca).*") & predicate(lambda s: len(s) < 5),
                        lambda s: full(PATTERN)(s) and s[:2] in ("re", "ca") and len(s) < 5, PHRASES),
    "or": lambda: Case(regex(PATTERN) | choice(["he", "the", "12"]) | predicate(even),
                       lambda s: full(PATTERN)(s) or s in ("he", "the", "12") or even(s) is True,
                       [*PHRASES, "he", "the", "12", *SCRIBBLES], max_tokens=2),
    "canonical": lambda: Case(regex(PATTERN) & canonical(), full(PATTERN), PHRASES, own=True, max_tokens=8,
                              warmup=300),
    "soft": lambda: Case(regex("a*b|c").softly(2.0), full("a*b|c"), LETTERS, max_tokens=3, outside=math.exp(-2.0),
                         table=letters()),
    "soft and hard": lambda: Case(regex("a*b|c").softly(1.0) & predicate(lambda s: None if s[-1:] == "a" else True),
                                  full("a*b|c"), [s for s in LETTERS if s[-1:] != "a"], max_tokens=4,
                                  outside=math.exp(-1.0), table=letters()),
    "symbols": lambda: Case(regex("(ab|ca*)+"), full("(ab|ca*)+"), LETTERS, max_tokens=4, table=letters(), warmup=300),
}


@cache
def case(name: str) -> Case:
    return CASES[name]()
