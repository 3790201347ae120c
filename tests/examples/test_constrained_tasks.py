"""The examples of constraints on the embedded model, in small; judges that share nothing with the constraints.

The judges: `re`, jsonschema, lark's Earley parser, Python's own arithmetic.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import partial
from typing import Any

import jsonschema
import lark
import pytest
from task_texts import N, texts

from examples import arithmetic, character_record, dialogue, paragraphs
from steersman.inference import SMC, Importance, infer
from steersman.models import NeuralLM
from steersman.ppl import Constraint, Text, grammar, json_schema, predicate, program, regex, sample


def earley(source: str) -> Callable[[str], Any]:
    """Raises UnexpectedInput where the text is not in the language."""
    parser = lark.Lark(source, parser="earley", lexer="dynamic_complete")
    return parser.parse


def value_of(expression: str) -> int:
    """What Python makes of an expression in words."""
    names = {word: i + 1 for i, word in enumerate(
        ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"])}
    assert re.fullmatch(r"[a-z]+( (and|times) [a-z]+)*", expression), expression
    return int(eval(expression.replace(" and ", " + ").replace(" times ", " * "), {"__builtins__": {}}, names))


@pytest.mark.slow
def test_records_are_valid(lm: NeuralLM) -> None:
    """Every record is JSON that the schema accepts, by jsonschema."""
    posterior = infer(character_record.record(lm), SMC(N, resample_at=tuple(character_record.VALUES)), seed=1)
    for text in texts(posterior):
        record = json.loads(text)
        jsonschema.validate(record, character_record.SCHEMA, jsonschema.Draft202012Validator)
        assert list(record) == ["name", "animal", "age", "says"] and len(record["says"]) == 2


def test_expressions_are_worth_twelve(lm: NeuralLM) -> None:
    """Grammar and predicate together leave right expressions only, of at most three numbers."""
    worth = arithmetic.EXPRESSION & predicate(partial(arithmetic.is_worth, 12, 3))
    for text in texts(infer(arithmetic.expression(lm, worth), SMC(N), seed=1)):
        assert value_of(text) == 12 and len(re.split(" and | times ", text)) <= 3, text


def test_every_expression_is_listed() -> None:
    """The list that the example compares with has all texts of the value: counted by Python's arithmetic."""
    ones = list(arithmetic.NUMBERS)
    twos = [f"{a} {op} {b}" for a in ones for op in ("and", "times") for b in ones]
    threes = [f"{a} {op} {b}" for a in twos for op in ("and", "times") for b in ones]
    expected = {" " + text for text in [*ones, *twos, *threes] if value_of(text) == 12}
    assert set(arithmetic.every(12, 3)) == expected and len(expected) == 149


@pytest.mark.slow
def test_dialogues_parse(lm: NeuralLM) -> None:
    """Lark's Earley parser accepts every dialogue, and `lines` finds in the tree what stands in the text."""
    parse = earley(dialogue.DIALOGUE.source)
    for text in texts(infer(dialogue.dialogue(lm), SMC(N), seed=1)):
        parse(text)
        lines = dialogue.lines(text)
        assert [who for who, _ in lines] == ["tom", "lily"] * 2
        said = [f'\n"{what}" {"asked" if what[-1] == "?" else "said"} {who.title()}.' for who, what in lines]
        assert "".join(said) == text


def test_paragraphs_start_with_the_letters(lm: NeuralLM) -> None:
    """Paragraphs of two or three sentences each, whose first letters are those of the word."""
    sentence = r'[^.!?"\n]+\.'
    pattern = "\n".join(rf"{letter}{sentence}(?: [A-Z]{sentence}){{1,2}}" for letter in "SO")
    for text in texts(infer(paragraphs.paragraphs(lm, "SO"), SMC(N, resample_at="paragraph"), seed=1)):
        assert re.fullmatch(pattern, text), text


@program
async def told(lm: NeuralLM, where: Constraint, stop: str | None) -> Text:
    return await sample(lm.text("Tom had a box.", where=where, stop=stop, max_tokens=40), "text")


PATTERN = r" (He|She|It) [a-z]{2,9}( [a-z]{1,9}){1,4}[.!]( [A-Z][a-z ]+\.)?"
SCHEMA = {
    "type": "object",
    "properties": {
        "box": {"enum": ["red", "big", "old"]},
        "toys": {"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": 20}, "maxItems": 2},
        "open": {"type": ["boolean", "null"]},
    },
    "required": ["box", "open"],
    "additionalProperties": False,
}
NESTED = r"""
    start: " " talk "."
    talk: WHO " said (" talk ")" | WHO " saw a " THING
    WHO: "Tom" | "Lily" | "He"
    THING: /[a-z]{3,6}/
"""


def matches(text: str) -> None:
    assert re.fullmatch(PATTERN, text), text


def validates(text: str) -> None:
    jsonschema.validate(json.loads(text), SCHEMA, jsonschema.Draft202012Validator)


CASES: dict[str, tuple[Constraint, Callable[[str], Any]]] = {
    "regex": (regex(PATTERN), matches),
    "json_schema": (json_schema(SCHEMA, whitespace="compact"), validates),
    "grammar": (grammar(NESTED), earley(NESTED)),
}


@pytest.mark.parametrize("stop", [None, "\n"])
@pytest.mark.parametrize("kind", CASES)
def test_every_output_is_accepted(lm: NeuralLM, kind: str, stop: str | None) -> None:
    """However a text ends, an independent judge accepts it. The draws are those of the masks, every one of them."""
    where, accept = CASES[kind]
    posterior = infer(told(lm, where, stop), Importance(N), seed=1)
    found = {trace.value for trace in posterior.traces if trace is not None}
    assert len(found) > 4 and ("eos" if stop is None else "stop") in {text.finish for text in found}
    for text in found:
        accept(str(text))


@pytest.mark.parametrize("kind", CASES)
def test_the_judges_can_refuse(kind: str) -> None:
    """A judge that accepts everything would prove nothing."""
    for bad in ("", " He", '{"box":"red"}', " Tom said (He saw a cat.", "{}"):
        with pytest.raises((AssertionError, ValueError, jsonschema.ValidationError, lark.exceptions.UnexpectedInput)):
            CASES[kind][1](bad)
