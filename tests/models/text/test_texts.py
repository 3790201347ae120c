"""`lm.text`: how texts end, what they weigh, and that no byte is lost."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from toy_tokens import SPLIT, byte_lm

from steersman.models import ContextTooLong, TableLM, TextDistribution
from steersman.ppl import Key, OutsideSupport, Text, assess, enumerate_traces, observe, program, sample, simulate

GLUED = TableLM.random(6, seed=4, vocabulary=["<eos>", "a", "b.", ".c", "!d", "e"])
BYTES = byte_lm(SPLIT, seed=1)


@program
async def told(text: TextDistribution) -> Text:
    return await sample(text, "line")


def score(text: TextDistribution, value: Any) -> float:
    return float(TextDistribution.log_prob([text], [value])[0])


def by_hand(text: TextDistribution, tokens: tuple[int, ...]) -> float:
    """The sum of log p of these tokens, each from its own next-token distribution."""
    contexts = [text.context + tokens[:k] for k in range(len(tokens))]
    return math.fsum(
        text.lm.next(c, temperature=text.temperature).log_probs()[t] for c, t in zip(contexts, tokens, strict=True)
    )


def draw_with(text: TextDistribution, tokens: tuple[int, ...]) -> Text:
    """The text that these tokens make, imposed one by one."""
    done = assess(told(text), {f"line/token#{k}": t for k, t in enumerate(tokens)})
    assert done.trace is not None
    return done.trace["line"]  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("stops", "limit", "tokens", "text", "finish", "stop"),
    [
        (None, 3, (1, 5, 0), "ae", "eos", None),
        (None, 3, (1, 0), "a", "eos", None),
        (None, 3, (0,), "", "eos", None),
        (None, 3, (1, 5, 1), "aea", "length", None),
        (None, 1, (2,), "b.", "length", None),
        (".", 9, (1, 2), "ab", "stop", "."),  # ends a token
        (".", 9, (1, 3), "a", "stop", "."),  # begins a token
        ("b", 9, (1, 2), "a", "stop", "b"),  # inside a token: what follows it is cut too
        (".!", 9, (2, 4), "b", "stop", ".!"),  # across two tokens
        ("ea.c", 9, (2, 5, 1, 3), "b.", "stop", "ea.c"),  # across three
        (["!d", "."], 9, (1, 3), "a", "stop", "."),  # any of several
        (["b.", "."], 9, (2,), "", "stop", "b."),  # the one that begins first
        ([".", "b."], 9, (2,), "", "stop", "b."),
        (["c", ".c"], 9, (1, 3), "a", "stop", ".c"),
        ("ae", 2, (1, 5), "", "stop", "ae"),  # the stop string comes before the limit
        ("aa", 3, (1, 5, 1), "aea", "length", None),
        (["zz"], 2, (1, 0), "a", "eos", None),
    ],
)
def test_how_texts_end(
    stops: Any, limit: int, tokens: tuple[int, ...], text: str, finish: str, stop: str | None
) -> None:
    """Stop string (inside, at the edge of, or across tokens), end of text, length: whichever comes first, recorded."""
    d = GLUED.text("a", stop=stops, max_tokens=limit)
    value = draw_with(d, tokens)
    assert (str(value), value.finish, value.stop, value.tokens) == (text, finish, stop, tokens)
    assert value.log_p == pytest.approx(by_hand(d, tokens), rel=1e-12)
    assert score(d, value) == pytest.approx(by_hand(d, tokens), rel=1e-12)


texts = st.builds(
    lambda lm, prompt, stops, limit, t: lm.text(prompt, stop=stops, max_tokens=limit, temperature=t),
    st.sampled_from([GLUED, BYTES]), st.sampled_from(["", "a", "aa"]),
    st.sampled_from([None, ".", "a.", "b.c", [".", "aa"], "é", "€."]), st.integers(1, 6),
    st.sampled_from([1.0, 0.5, 2.0]),
)


@settings(deadline=None)
@given(texts, st.integers(0, 2**32))
def test_the_density_of_a_draw_is_its_score(text: TextDistribution, seed: int) -> None:
    """log_p of the drawn site = sum over its tokens = log_prob of the value = assess of it."""
    trace = simulate(told(text), seed).trace
    assert trace is not None
    value = trace.value
    assert trace.log_joint == pytest.approx(value.log_p, rel=1e-12)
    assert score(text, value) == pytest.approx(value.log_p, rel=1e-12)
    again = assess(told(text), {"line": value})
    assert again.log_weight == pytest.approx(value.log_p, rel=1e-12) and again.trace is not None
    assert again.trace.value == value and again.trace.value.tokens == value.tokens
    assert [s.value for s in again.trace.site("line").sub.sites()] == list(value.tokens)


@pytest.mark.parametrize("temperature", [1.0, 1.6])
@pytest.mark.parametrize("stop", [None, ".", "ea", ["a.", "d"]])
def test_the_densities_of_all_texts_sum_to_one(stop: Any, temperature: float) -> None:
    """Texts are a probability distribution: every ending is an event, none is lost."""
    found = list(enumerate_traces(told(GLUED.text("e", stop=stop, max_tokens=3, temperature=temperature))))
    assert math.fsum(math.exp(w) for _, w in found) == pytest.approx(1, abs=1e-12)
    assert len({t.value.tokens for t, _ in found}) == len(found)
    d = GLUED.text("e", stop=stop, max_tokens=3, temperature=temperature)
    scores = TextDistribution.log_prob([d] * len(found), [t.value for t, _ in found])
    assert scores == pytest.approx([w for _, w in found], rel=1e-12)


def test_the_score_of_a_plain_str() -> None:
    """A str ends with the stop string it completes, at the limit, or with the end of text; encoded as it stands."""
    d = GLUED.text("a", stop=".", max_tokens=3)

    def lp(*tokens: int) -> float:
        return by_hand(d, tokens)

    assert score(d, "ab.") == pytest.approx(lp(1, 2))
    assert score(d, "ae") == pytest.approx(lp(1, 5, 0))
    assert score(d, "aea") == pytest.approx(lp(1, 5, 1))
    assert score(d, "") == pytest.approx(lp(0))
    endless = TableLM.random(3, eos=None).text("", max_tokens=2)
    assert math.isfinite(score(endless, "ab")) and score(endless, "a") == -math.inf  # nothing ends it after one token


@pytest.mark.parametrize(
    ("stops", "limit", "value"),
    [
        (".", 9, "b.a"),  # goes on after a stop
        (".", 3, "aaaa"),  # longer than the limit
        (None, 9, Text("a", (1,), (0.0,), "length")),  # ends for no reason
        (None, 9, Text("aa", (1, 0, 1), (0.0,) * 3, "length")),  # goes on after the end of text
        (None, 3, Text("ab", (1, 2), (0.0,) * 2, "stop", ".")),  # cut at a stop string that is none here
        (".", 9, Text("ae", (1, 5), (0.0,) * 2, "length")),
    ],
)
def test_impossible_values_score_minus_infinity(stops: Any, limit: int, value: str) -> None:
    """A wrong end, or tokens after the end, cannot be drawn."""
    d = GLUED.text("a", stop=stops, max_tokens=limit)
    assert score(d, value) == -math.inf
    assert assess(told(d), {"line": value}).trace is None
    both = TextDistribution.log_prob([d, d], [value, Text("e", (5, 0), (0.0, 0.0), "eos")])
    assert both[0] == -math.inf and math.isfinite(both[1])


def test_a_text_of_another_model_is_read_as_it_stands() -> None:
    """Judging another model's text: tokens that do not spell it here are not its tokens here."""
    other = TableLM.random(6, seed=9, vocabulary=["e", "<eos>", "a", "!d", "b.", ".c"], eos=1)
    value = draw_with(other.text("", max_tokens=3), (2, 0, 1))
    assert value == "ae"
    d = GLUED.text("", max_tokens=5)
    assert score(d, value) == score(d, "ae") == pytest.approx(by_hand(d, (1, 5, 0)), rel=1e-12)


def test_values_that_are_no_text() -> None:
    """Only a str can be scored."""
    with pytest.raises(OutsideSupport, match="a text is a str, got int"):
        score(GLUED.text("", max_tokens=1), 3)


@settings(deadline=None)
@given(texts, st.integers(0, 2**32), st.text(alphabet="abé.€", max_size=4))
@example(BYTES.text("a", max_tokens=1), 3, "a")
def test_contexts_reproduce_every_byte(text: TextDistribution, seed: int, more: str) -> None:
    """context + text + more says exactly prompt + drawn bytes + more: also where a stop string cut a token, and where
    the text ends inside a character."""
    lm = text.lm
    if lm is GLUED and text.stops:
        return  # its alphabet has no symbol for what is left of a cut token
    more = more if lm is BYTES else "ae"
    trace = simulate(told(text), seed).trace
    assert trace is not None
    value = trace.value
    pieces = b"".join(lm.tokenizer.token_bytes[t] for t in value.tokens)
    said = pieces if value.stop is None else pieces[: _cut(lm, value)]
    longer = text.context + value + more
    data = b"".join(lm.tokenizer.token_bytes[t] for t in longer.tokens)
    assert said.decode(errors="replace") == value
    if _is_text(said) or value.stop is None:
        assert data == str(text.context).encode() + said + more.encode()
    if _is_text(said):
        assert str(longer) == str(text.context) + value + more
    if value.stop is None:  # whole tokens stay the model's own
        own = [t for t in value.tokens if t not in lm.eos]
        assert list((text.context + value).tokens) == [*text.context.tokens, *own]


def _cut(lm: TableLM, value: Text) -> int:
    """Where the stop string begins: the shortest cut after which the bytes read as the value."""
    assert value.stop is not None
    data = b"".join(lm.tokenizer.token_bytes[t] for t in value.tokens)
    return next(
        n for n in range(len(data) + 1)
        if data[n:].startswith(value.stop.encode()) and data[:n].decode(errors="replace") == value
    )


def _is_text(data: bytes) -> bool:
    return data.decode(errors="ignore").encode() == data


@pytest.mark.parametrize(
    ("tokens", "stop", "kept"),
    [
        ((1, 11), ".", (1, 12)),  # "a" + "b.c", cut inside: "b" is encoded anew
        ((1, 11), "b", (1,)),  # nothing of the token is left
        ((1, 2), ".", (1,)),
        ((6, 7, 9), ".", (6, 7, 8)),  # the cut token holds the last byte of "€": that character is encoded anew
        ((4, 10), ".", (3, 1)),  # "é" was split before the cut token: encoded as whole characters
        ((1, 0), None, (1,)),
        ((1, 1, 4), None, (1, 1, 4)),  # the limit is inside a character: the tokens stay
    ],
)
def test_tokens_of_a_cut_text(tokens: tuple[int, ...], stop: str | None, kept: tuple[int, ...]) -> None:
    """tokens_of: own tokens as far as they lie inside the text, the rest encoded anew, no byte changed."""
    value = draw_with(BYTES.text("", stop=stop, max_tokens=len(tokens)), tokens)
    assert BYTES.tokens_of(value) == kept
    assert BYTES.tokens_of(str(value)) == BYTES.tokenizer.encode(str(value)) if "�" not in value else True


def test_split_characters_become_whole_again() -> None:
    """The halves of "é" as two tokens are one "é" in the text; a half at the end reads as U+FFFD."""
    assert draw_with(BYTES.text("", max_tokens=3), (1, 4, 5)) == "aé"
    half = draw_with(BYTES.text("", max_tokens=2), (1, 4))
    assert half == "a�"
    assert str(BYTES.context("") + half + 5) == "aé"
    assert draw_with(BYTES.text("", stop="é", max_tokens=5), (1, 4, 5)).finish == "stop"


def test_a_text_proposed_by_another_weighs_correctly() -> None:
    """Enumerated exactly: E_q[exp(weight) f] = E_p[f] for a proposal from another prompt and temperature; the end is
    the target's, whatever stop strings and limit the proposal has."""
    target = GLUED.text("a", stop=".", max_tokens=3)
    for proposal in (GLUED.text("", max_tokens=1, stop="e", temperature=2.0), GLUED.text("eee", max_tokens=9)):

        @program
        async def model(q: TextDistribution = proposal) -> Text:
            return await sample(target, "line", proposal=q)

        for trace, log_joint in enumerate_traces(model()):
            site = trace.site("line")
            assert site.log_q == pytest.approx(by_hand(proposal, trace.value.tokens), rel=1e-12)
            assert log_joint == site.log_p == pytest.approx(score(target, trace.value), rel=1e-12)
        for seed in range(20):
            drawn = simulate(model(), seed)
            assert drawn.trace is not None
            site = drawn.trace.site("line")
            assert drawn.log_weight == pytest.approx(site.log_p - site.log_q, abs=1e-12)


def test_draws_come_from_the_proposals_own_context() -> None:
    """An empty prompt is a prompt: with a certain proposal the first token is the one of that prompt."""
    logits = np.full((4, 3), -50.0)
    logits[3, 1], logits[1, 2], logits[2, 2], logits[0, 0] = 0, 0, 0, 0  # first an "a", then "b" for ever
    lm = TableLM(logits, eos=None, vocabulary=["c", "a", "b"])

    @program
    async def model() -> Text:
        return await sample(lm.text("b", max_tokens=2, temperature=50.0), "line", proposal=lm.text("", max_tokens=2))

    trace = simulate(model(), 0).trace
    assert trace is not None and trace.value == "ab"


def test_observing_a_text_is_one_call() -> None:
    """log p of a whole text, one teacher-forced call for all particles, no tokens drawn."""

    calls: list[int] = []

    class Spy(TableLM):
        def score_sequences(self, prefixes: Any, continuations: Any) -> Any:
            calls.append(len(prefixes))
            return super().score_sequences(prefixes, continuations)

    lm = Spy(np.zeros((4, 3)))

    @program
    async def model(value: str) -> None:
        await observe(lm.text("a", max_tokens=4), value)

    from steersman.ppl import Particle, advance

    particles = [Particle(model(v), i) for i, v in enumerate(["a", "ab", "aaaaa"])]
    advance(particles, Key(0))
    assert calls == [2]  # the third is impossible
    assert [p.log_weight for p in particles[:2]] == pytest.approx([2 * math.log(1 / 3), 3 * math.log(1 / 3)])
    assert particles[2].dead


def test_score_is_an_effect() -> None:
    """lm.score: log p of the tokens of a str, its end not included."""

    @program
    async def model() -> float:
        return await GLUED.score("a", "eb.")

    expected = GLUED.next("a").log_probs()[5] + GLUED.next("ae").log_probs()[2]
    assert simulate(model()).value == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"max_tokens": 0}, "at least 1"),
        ({"max_tokens": 2.5}, "whole number.*got 2.5"),
        ({"max_tokens": 1, "temperature": 0.0}, "positive"),
        ({"max_tokens": 1, "temperature": math.nan}, "positive"),
        ({"max_tokens": 1, "stop": ""}, "not be empty"),
        ({"max_tokens": 1, "stop": ["a", ""]}, "not be empty"),
        ({"max_tokens": 1, "stop": ["a", 3]}, r"must be a str .*got \['a', 3\]"),
    ],
)
def test_bad_texts(arguments: dict[str, Any], words: str) -> None:
    """What is no distribution over texts is refused when it is made."""
    with pytest.raises(ValueError, match=words):
        GLUED.text("a", **arguments)


def test_texts_that_do_not_fit_the_context_window() -> None:
    """Prompt and limit together must fit; both numbers are named."""
    lm = TableLM.random(3)
    lm.max_length = 4
    assert lm.text("aa", max_tokens=2)
    for make in (lambda: lm.text("aa", max_tokens=3), lambda: lm.context("aaaa")):
        with pytest.raises(ContextTooLong, match=r"5 tokens .* 4 positions"):
            make()


def test_repr() -> None:
    """A text distribution prints what it is."""
    assert repr(GLUED.text("a", stop=".", max_tokens=2)) == "lm.text('a', stop=['.'], max_tokens=2)"
