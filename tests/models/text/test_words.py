"""`lm.word`: where words end, what they weigh, under constraints, proposals and products; against sums over all draws.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from toy_tokens import byte_lm

from steersman.inference import MH, Enumerate, Importance, Kernel, block, infer, site, suffix
from steersman.inference.testing import OracleModel, check_chain, check_kernel, check_measure, check_method
from steersman.models import TableLM, TextDistribution, gated
from steersman.models.text import WordEnd
from steersman.ppl import Text, assess, choice, observe, program, regex, sample, simulate
from steersman.ppl.constraints.vocabulary import Vocabulary

PIECES = [b"", b" a", b"b", b" ", b".", b"-", b"b'b ", b"a.", b"a", b"'"]
LM = byte_lm(PIECES, seed=1)
# "é" is C3 A9 and "—", a dash that is no hyphen, is E2 80 94: in parts, and glued
SPLIT = byte_lm([b"", b"a", b" ", b"\xc3", b"\xa9", b"\xe2\x80", b"\x94", b"\x94a", b"-\xe2", b"\xff"], seed=2)

Draw = tuple[tuple[int, ...], str, str, str | None]


def word_in(data: bytes) -> tuple[bytes, str] | None:
    """The word and the character behind it, by regular expressions over what is read; None while it may go on."""
    missing = re.search(rb"(\xc3|\xe2[\x80-\xbf]?)$", data)  # the first bytes of a character
    whole = len(data) if missing is None else missing.start()
    text = data[:whole].decode(errors="surrogateescape")
    found = re.match(r"[\W_]*[^\W_]+(?:['’\-][^\W_]+)*", text)
    rest = "" if found is None else text[found.end() :]
    if found is None or rest in ("", "'", "’", "-"):
        return None
    return found[0].encode(errors="surrogateescape"), "�" if "\udc80" <= rest[0] <= "\udcff" else rest[0]


def endings(text: Any) -> Iterator[tuple[Draw, float]]:
    """Every draw of a word and its log-probability, by the definition."""
    lm, limit = text.lm, text.max_tokens

    def go(tokens: tuple[int, ...], data: bytes) -> Iterator[Draw]:
        for token, piece in enumerate(lm.tokenizer.token_bytes):
            more, new = (*tokens, token), data + piece
            if token in lm.eos:
                yield more, data.decode(errors="replace"), "eos", None
            elif (found := word_in(new)) is not None:
                yield more, found[0].decode(errors="replace"), "stop", found[1]
            elif len(more) == limit:
                yield more, new.decode(errors="replace"), "length", None
            else:
                yield from go(more, new)

    for draw in go((), b""):
        contexts = [text.context + draw[0][:k] for k in range(len(draw[0]))]
        steps = zip(contexts, draw[0], strict=True)
        yield draw, math.fsum(lm.next(c, temperature=text.temperature).log_probs()[t] for c, t in steps)


@program
async def drawn(text: Any, proposal: Any = None) -> Draw:
    value = await sample(text, "word", proposal=proposal)
    return value.tokens, str(value), value.finish, value.stop


def imposed(text: TextDistribution, tokens: tuple[int, ...]) -> Text:
    done = assess(drawn(text), {f"word/token#{k}": t for k, t in enumerate(tokens)})
    assert done.trace is not None
    return done.trace["word"]  # type: ignore[no-any-return]


@pytest.mark.parametrize(("pieces", "word", "finish", "stop"), [
    (" a|b|.", " ab", "stop", "."),
    (" |\"|a|\"", ' "a', "stop", '"'),  # what stands before the first letter is kept
    ("a|-|b| ", "a-b", "stop", " "),
    ("a|-| b", "a", "stop", "-"),  # a hyphen that no letter follows is no part of it; known one token later
    ("a|'|'", "a", "stop", "'"),
    ("'|t| ", "'t", "stop", " "),
    ("a|’t b", "a’t", "stop", " "),
    ("a|-|é.", "a-é", "stop", "."),
    ("a|4|_", "a4", "stop", "_"),
    ("न|म|स|्|त|े| ", "नमस्ते", "stop", " "),  # vowel signs are no letters, but belong to them
    (" |.|<eos>", " .", "eos", None),
    ("a|-|<eos>", "a-", "eos", None),
    ("a|b|a|b|a|b|a|b", "abababab", "length", None),
])
def test_where_words_end(pieces: str, word: str, finish: str, stop: str | None) -> None:
    """At the first character behind the letters that is no part of a word, which is cut and recorded."""
    tokens = pieces.split("|")
    vocabulary = [b"", *dict.fromkeys(t.encode() for t in tokens if t != "<eos>")]
    lm = byte_lm(vocabulary)
    own = tuple(0 if t == "<eos>" else vocabulary.index(t.encode()) for t in tokens)
    value = imposed(lm.word("", max_tokens=8), own)
    assert (str(value), value.finish, value.stop, value.tokens) == (word, finish, stop, own)


@pytest.mark.parametrize(("lm", "prompt", "temperature"), [(LM, "b", 1.0), (LM, "", 1.7), (SPLIT, "a", 1.0)])
def test_words_are_a_distribution(lm: TableLM, prompt: str, temperature: float) -> None:
    """Every draw of the definition, no other, each with the density of its tokens; they sum to one."""
    text = lm.word(prompt, max_tokens=3, temperature=temperature)
    expected = dict(endings(text))
    posterior = infer(drawn(text), Enumerate())
    found = posterior.probabilities()
    assert set(found) == set(expected) and {"stop", "eos", "length"} == {d[2] for d in found}
    assert posterior.log_evidence == pytest.approx(0, abs=1e-9)
    assert all(found[d] == pytest.approx(math.exp(log_p), rel=1e-9) for d, log_p in expected.items())


@pytest.mark.parametrize("lm", [LM, SPLIT], ids=["words", "split"])
def test_words_are_read_again(lm: TableLM) -> None:
    """Each word spells itself: its score is that of its tokens; context + word has its bytes, and its own tokens as far
    as they lie inside it."""
    text = lm.word("a", max_tokens=3)
    pieces = lm.tokenizer.token_bytes
    for draw, log_p in endings(text):
        value = Text(draw[1], draw[0], (), draw[2], draw[3])
        assert lm.spells(value)
        assert TextDistribution.log_prob([text], [value])[0] == pytest.approx(log_p, rel=1e-9)
        data = b"".join(pieces[t] for t in draw[0])
        said = word_in(data)[0] if draw[2] == "stop" else data  # type: ignore[index]
        if draw[2] != "stop" or said.decode(errors="ignore").encode() == said:
            assert b"".join(pieces[t] for t in lm.tokens_of(value)) == said
        whole = [k for k in range(len(draw[0]) + 1) if b"".join(pieces[t] for t in draw[0][:k]) == said]
        if whole and lm is LM:
            assert lm.tokens_of(value) == tuple(t for t in draw[0][: whole[0]] if t)


def test_a_plain_str() -> None:
    """It ends by its last character, if that ends the word, or like a text; what goes on behind its word is none."""
    text = LM.word("b", max_tokens=3)
    scores = {draw[0]: log_p for draw, log_p in endings(text)}

    @program
    async def seen(value: str) -> None:
        await observe(text, value)

    known = {" ab.": (1, 2, 4), " a ": (1, 3), " a": (1, 0), " a- ": (1, 5, 3), " a-b": (1, 5, 2)}
    for value, tokens in known.items():
        assert assess(seen(value), {}).log_weight == pytest.approx(scores[tokens], rel=1e-9), value
    for value in (" a b", "b.b", " a. "):
        assert assess(seen(value), {}).log_weight == -math.inf


CONSTRAINTS = {
    "regex": regex(" ?(a|b|ab|a-b|b'b|)"), "two letters": regex("[^ab]*[ab]-?[ab]"),
    "choice": choice([" a", " ab", "b'b", "a"]), "dash": regex("[^a]*(a|b-)"),
}


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_conditioned_words(name: str) -> None:
    """where= is the exact conditional over the words as they are cut, and log Z is log P(C)."""
    constraint = CONSTRAINTS[name]
    text = LM.word("b", max_tokens=3)
    mass = {d: math.exp(log_p) for d, log_p in endings(text) if constraint.matches(d[1])}
    z = math.fsum(mass.values())
    assert len(mass) > 5
    posterior = infer(drawn(LM.word("b", max_tokens=3, where=constraint)), Enumerate())
    found = posterior.probabilities()
    assert posterior.log_evidence == pytest.approx(math.log(z), abs=1e-9)
    assert set(found) == set(mass)
    assert all(found[d] == pytest.approx(p / z, rel=1e-9) for d, p in mass.items())


@pytest.mark.parametrize("lm", [LM, SPLIT], ids=["words", "split"])
def test_tokens_that_touch_an_end(lm: TableLM) -> None:
    """Exactly those after which the word has ended, or may have ended already."""
    rule, vocabulary = WordEnd(), Vocabulary.of(lm.tokenizer)
    going, seen = [b""], 0
    for _ in range(3):
        more = [d + p for d in going for p in vocabulary.token_bytes if p]
        for data in going:
            touching = rule.touching(vocabulary, data)
            for t, piece in enumerate(vocabulary.token_bytes):
                if piece:
                    ended = rule.first(data + piece, len(data)) is not None
                    assert (t in touching) == (ended or bool(rule.open(data + piece)))
                    seen += ended
        going = [d for d in more if rule.first(d, 0) is None]
    assert seen


PROPOSALS: dict[str, Callable[[Any], Any]] = {
    "another prompt": lambda lm: lm.word(".", temperature=1.5),
    "a text": lambda lm: lm.text("", max_tokens=3),
    "gated": lambda lm: gated(lm.word("b", max_tokens=3), lm.word(" ", max_tokens=3), 0.5),
}


@pytest.mark.parametrize("where", [None, CONSTRAINTS["regex"]], ids=["free", "where"])
@pytest.mark.parametrize("name", PROPOSALS)
def test_proposed_words(name: str, where: Any) -> None:
    """Whatever the proposal can draw, each with its probability and weight, adds up to the target, exactly."""

    def build(wrap: Callable[[TableLM], TableLM]) -> Any:
        lm = wrap(LM)
        return drawn(lm.word("b", max_tokens=3, where=where), PROPOSALS[name](lm))

    report = check_measure(lambda resampler: Importance(1), OracleModel(name, build))
    assert report.passed, report


@pytest.mark.parametrize("where", [None, CONSTRAINTS["regex"]], ids=["free", "where"])
def test_favoured_words(where: Any) -> None:
    """E[Zhat f] = Z E[f] where a phrase is favoured."""
    text = LM.word("b", max_tokens=3, where=where)
    report = check_method(Importance(8), drawn(text, text.favouring(" ab", 1.0)), runs=150, error_bars=False, seed=2)
    assert report.passed, report


@pytest.mark.parametrize("move", [suffix(), block(length=2), site()], ids=lambda k: k.name)
@pytest.mark.parametrize("where", [None, CONSTRAINTS["regex"]], ids=["free", "where"])
def test_moves_leave_words_invariant(move: Kernel, where: Any) -> None:
    """Blocks, suffixes and whole words are drawn anew, and weighed right."""
    report = check_kernel(move, drawn(LM.word("b", max_tokens=3, where=where)), chains=300, steps=2)
    assert report.passed, report


def test_chains_find_the_law_of_words() -> None:
    """Metropolis-Hastings from anywhere comes to the law that enumeration gives."""
    report = check_chain(MH(300, 6, suffix(), warmup=6), drawn(LM.word("b", max_tokens=3)), seed=1)
    assert report.passed, report


def test_products_of_words() -> None:
    """(lm ** 2).word: the squared probability of every word, and log Z the log of their sum; also with where=."""
    scores = dict(endings(LM.word("b", max_tokens=3)))
    for where in (None, CONSTRAINTS["regex"]):
        mass = {d: math.exp(2 * s) for d, s in scores.items() if where is None or where.matches(d[1])}
        posterior = infer(drawn((LM**2).word("b", max_tokens=3, where=where)), Enumerate())
        assert posterior.log_evidence == pytest.approx(math.log(math.fsum(mass.values())), abs=1e-9)
        assert set(posterior.probabilities()) == set(mass)
    with pytest.raises(ValueError, match="end alike, but stop is the end of a word"):
        LM.word("b", max_tokens=3) * LM.text("b", stop=".", max_tokens=3)


def test_words_make_a_text() -> None:
    """Word by word the context goes on behind each word, so the next one begins with what ended it."""
    lm = byte_lm([b"", b" a", b" b", b".", b"a"], eos=None, seed=3)

    @program
    async def line() -> tuple[list[str], str]:
        context, words = lm.context("a a"), []
        for _ in range(3):
            word = await sample(lm.word(context), "word")
            context, words = context + word, [*words, word]
        return words, str(context)

    for seed in range(5):
        words, text = simulate(line(), seed).value
        assert "a a" + "".join(words) == text


def test_repr_and_bad_arguments() -> None:
    """A word prints what it is, and refuses what a text refuses."""
    assert repr(LM.word("b", max_tokens=3)) == "lm.word('b', max_tokens=3)"
    for wrong in ({"max_tokens": 0}, {"temperature": 0.0}):
        with pytest.raises(ValueError, match=r"max_tokens|temperature"):
            LM.word("b", **wrong)  # type: ignore[call-overload]
