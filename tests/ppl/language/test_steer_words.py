"""`lm.word` in programs of the language: bit-identical with Python."""

from __future__ import annotations

from typing import Any

import pytest

from steersman.inference import MH, SMC, Algorithm, Enumerate, Importance, block, infer, suffix
from steersman.models import TableLM
from steersman.ppl import condition, program, regex, sample
from steersman.ppl.language import SteerError, check, compile_source
from tests.ppl.language.test_steer_twins_exact import assert_same

LM = TableLM.random(5, seed=4, vocabulary=["<eos>", " ", "a", "b", "."])
SOURCE = r'''
program line(n: int = 2):
    context = lm.context("b")
    for i in range(n):
        any_word = lm.word(context, max_tokens=2)
        word ~ any_word using any_word.favouring(" ab", 1.5)
        condition word.stop != "." as "no full stop"
        context += word + (word.stop or "")
    return str(context)

program conditioned():
    word ~ lm.word("b", max_tokens=3, temperature=1.5, where=regex(r" a.*"))
    twice ~ (lm ** 2).word(lm.context("b") + word, max_tokens=2)
    return [word, word.stop, word.finish, twice]
'''
MODULE = compile_source(SOURCE, "words.steer", models={"lm": LM})


@program
async def line(n: int = 2) -> str:
    context = LM.context("b")
    for _ in range(n):
        text = LM.word(context, max_tokens=2)
        word = await sample(text, "word", proposal=text.favouring(" ab", 1.5))
        await condition(word.stop != ".", "no full stop")
        context = context + (word + (word.stop or ""))
    return str(context)


@program
async def conditioned() -> list[Any]:
    word = await sample(LM.word("b", max_tokens=3, temperature=1.5, where=regex(" a.*")), "word")
    twice = await sample((LM**2).word(LM.context("b") + word, max_tokens=2), "twice")
    return [word, word.stop, word.finish, twice]


@pytest.mark.parametrize("method", [
    Importance(30), SMC(30, resample_at="token"), MH(4, 10, suffix()), MH(4, 10, block()), Enumerate(),
], ids=["importance", "smc", "suffix", "block", "enumerate"])
@pytest.mark.parametrize("twin", [line, conditioned], ids=lambda p: p.__name__)
def test_words_are_those_of_python(twin: Any, method: Algorithm[Any]) -> None:
    """Values, weights, traces, log Z and tokens: equal to the last bit."""
    assert_same(infer(MODULE.programs[twin.__name__](), method, seed=5), infer(twin(), method, seed=5))


@pytest.mark.parametrize(("call", "words"), [
    ("lm.word(\"a\", stop=\".\")", "stop"), ("lm.word()", "prompt"), ("lm.word(\"a\", max_tokens=0)", "at least 1"),
])
def test_mistakes(call: str, words: str) -> None:
    """A stop string, no prompt and no tokens are found before anything runs."""
    found = check(f"program p():\n    word ~ {call}\n    return word\n")
    assert any(words in d.message and d.span.line == 2 for d in found)


def test_too_many_tokens() -> None:
    """The limit on items bounds max_tokens."""
    source = 'program p():\n    w ~ lm.word("b", max_tokens=1000000)\n    return w\n'
    module = compile_source(source, models={"lm": LM})
    with pytest.raises(SteerError, match="word: max_tokens=1000000 is too large"):
        infer(module.main(), Importance(1))
