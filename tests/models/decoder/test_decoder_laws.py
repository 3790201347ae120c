"""The decoder against a reference without any cache: whatever was asked before, the answers are those of the model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from llama_reference import Reference

from steersman.models.decoder import Decoder
from steersman.models.errors import ContextTooLong, EmptyMask, ModelError
from steersman.ppl.constraints.masks import pack

CLOSE = {"rtol": 0, "atol": 2e-5}
V = 61


def prompt(seed: int, n: int) -> tuple[int, ...]:
    return tuple(int(t) for t in np.random.default_rng(seed).integers(2, V, n))


def test_prefill_and_step_decode(decoder: Decoder, reference: Reference) -> None:
    """Law: prefill of a prompt and one-token steps after it both give the model's distribution."""
    for n in (1, 7, 16, 17):
        p = prompt(n, n)
        for _ in range(3):
            got = decoder.log_probs([p])[0]
            np.testing.assert_allclose(got, reference.next(p), **CLOSE)
            p += (int(got.argmax()),)


def test_chunked_prefill(decoder: Decoder, reference: Reference) -> None:
    """Law: a prompt longer than one chunk, cut into several passes, gives the same logits; so does a full window."""
    p = prompt(1, 128)
    np.testing.assert_allclose(decoder.log_probs([p])[0], reference.next(p), **CLOSE)
    np.testing.assert_allclose(decoder.log_probs([p[:1] + p[:100]])[0], reference.next(p[:1] + p[:100]), **CLOSE)


def test_forks_equal_recomputation(decoder: Decoder, reference: Reference) -> None:
    """Law: logits of forked contexts equal recomputed logits, when children of one parent diverge and fork again."""
    rng = np.random.default_rng(0)
    population = [prompt(2, 20)] * 12
    for _ in range(12):
        tokens, _, log_p = decoder.draw(population, rng.uniform(size=12))
        for p, t, lp in zip(population, tokens, log_p, strict=True):
            assert abs(reference.next(p)[t] - lp) < 2e-5
        grown = [(*p, int(t)) for p, t in zip(population, tokens, strict=True)]
        population = [grown[i] for i in rng.choice(12, 12, p=rng.dirichlet(np.full(12, 0.3)))]
    assert decoder.stats.moves > 0


def test_trunk_is_fed_once(decoder: Decoder) -> None:
    """Law: a shared prompt costs its length once, whatever the number of rows; a step costs one position a row."""
    rng = np.random.default_rng(1)
    p = prompt(3, 30)
    tokens, _, _ = decoder.draw([p] * 16, rng.uniform(size=16))
    assert decoder.stats.positions == 30
    children = [(*p, int(t)) for t in tokens]
    decoder.draw(children, rng.uniform(size=16))
    assert decoder.stats.positions == 30 + len(set(children))
    assert decoder.stats.moves == 0  # the trunk is shared, so that its children copy nothing


def test_interleaved_prompts(decoder: Decoder, reference: Reference) -> None:
    """Law: two populations with prompts of their own, advanced in turn, stay exact, and neither is fed twice."""
    rng = np.random.default_rng(4)
    prompts = [prompt(5, 18), prompt(6, 33)]
    rows = [[p] * 8 for p in prompts]
    for step in range(10):
        for k in (0, 1):
            tokens, _, log_p = decoder.draw(rows[k], rng.uniform(size=8))
            want = [reference.next(p)[t] for p, t in zip(rows[k], tokens, strict=True)]
            np.testing.assert_allclose(log_p, want, **CLOSE)
            rows[k] = [(*p, int(t)) for p, t in zip(rows[k], tokens, strict=True)]
        if step == 1:
            decoder.stats.reset()
    assert decoder.stats.positions <= 8 * 8 * 2


def test_mixed_batch(decoder: Decoder, reference: Reference) -> None:
    """Law: prompts that share nothing, of any length, in one batch."""
    rows = [prompt(10 + n, n) for n in (1, 3, 9, 17, 30, 30, 64, 2)]
    for _ in range(3):
        np.testing.assert_allclose(decoder.log_probs(rows), [reference.next(p) for p in rows], **CLOSE)
        rows = [(*p, 5) for p in rows]


def test_temperature_and_mask(decoder: Decoder, reference: Reference) -> None:
    """Law: q = softmax(logits / temperature) on the mask; log_mass is the plain mass of the mask; p ignores both."""
    rng = np.random.default_rng(7)
    rows = [prompt(8, 12)] * 6 + [prompt(9, 5)] * 6
    t = rng.uniform(0.2, 3.0, 12)
    t[0] = 1.0
    masks = rng.uniform(size=(12, V)) < 0.3
    masks[:, 3] = True
    plain = np.array([reference.next(p) for p in rows])
    steered = np.where(masks, plain / t[:, None], -np.inf)
    steered -= np.logaddexp.reduce(steered, axis=1, keepdims=True)
    np.testing.assert_allclose(decoder.log_probs(rows, t, masks), steered, rtol=0, atol=1e-4)
    u = rng.uniform(size=12)
    tokens, log_q, log_p = decoder.draw(rows, u, t, masks)
    assert masks[np.arange(12), tokens].all()
    np.testing.assert_allclose(log_q, steered[np.arange(12), tokens], rtol=0, atol=1e-4)
    np.testing.assert_allclose(log_p, plain[np.arange(12), tokens], **CLOSE)
    np.testing.assert_allclose(decoder.score(rows, tokens, t, masks), log_q, rtol=0, atol=1e-6)
    np.testing.assert_allclose(
        decoder.log_mass(rows, masks), np.logaddexp.reduce(np.where(masks, plain, -np.inf), axis=1), **CLOSE
    )
    for packed, plainly in zip(decoder.draw(rows, u, t, pack(masks)), (tokens, log_q, log_p), strict=True):
        assert (packed == plainly).all()
    assert (decoder.log_mass(rows, pack(masks)) == decoder.log_mass(rows, masks)).all()
    assert decoder.score(rows[:1], [int(np.flatnonzero(~masks[0])[0])], t[:1], masks[:1])[0] == -np.inf


def test_the_most_probable_token(decoder: Decoder, reference: Reference) -> None:
    """Law: `top` is the largest log-probability at any temperature, of mixed prompts, and moves no vector: two numbers
    a row come back."""
    rows = [prompt(20 + n, n) for n in (1, 9, 30, 9, 64)] + [prompt(21, 1)]
    plain = np.array([reference.next(p) for p in rows])
    np.testing.assert_allclose(decoder.top(rows), plain.max(1), **CLOSE)
    for t in (0.2, 3.0):
        cooled = plain / t - np.logaddexp.reduce(plain / t, axis=1, keepdims=True)
        np.testing.assert_allclose(decoder.top(rows, np.full(len(rows), t)), cooled.max(1), rtol=0, atol=1e-4)
    mixed = decoder.top(rows, [1.0, 0.2, 3.0, 1.0, 0.2, 1.0])
    np.testing.assert_allclose(mixed[[0, 3, 5]], plain.max(1)[[0, 3, 5]], rtol=0, atol=1e-4)
    assert not decoder._engine.vectors
    with pytest.raises(ContextTooLong):
        decoder.top([prompt(1, 2000)])


def test_temperature_zero_is_greedy(decoder: Decoder, reference: Reference) -> None:
    """Law: the limit of temperature 0 puts all mass on the largest allowed logit."""
    p = prompt(11, 9)
    best = np.argsort(-reference.next(p))
    masks = np.ones((2, V), bool)
    masks[1, best[0]] = False
    tokens, log_q, log_p = decoder.draw([p, p], [0.01, 0.99], [0.0, 0.0], masks)
    assert tokens.tolist() == best[:2].tolist() and np.allclose(log_q, 0)
    np.testing.assert_allclose(log_p, reference.next(p)[tokens], **CLOSE)


def test_bad_masks(decoder: Decoder) -> None:
    """Law: nothing can be drawn from an empty mask; its mass is 0. What is no mask is refused."""
    masks = np.zeros((1, V), bool)
    assert decoder.log_mass([(0, 2)], masks)[0] == -np.inf
    with pytest.raises(EmptyMask, match="row 0"):
        decoder.draw([(0, 2)], [0.5], masks=masks)
    with pytest.raises(ModelError, match=r"or packed \(1, "):
        decoder.draw([(0, 2)], [0.5], masks=pack(masks)[:, :-1])
    with pytest.raises(ModelError, match="behind the vocabulary of 61"):
        decoder.draw([(0, 2)], [0.5], masks=np.full((1, 2), 0xFFFFFFFF, np.uint32))


def test_score_sequences(decoder: Decoder, reference: Reference) -> None:
    """Law: teacher-forced scores are the sums of the steps: any cuts, lengths, repeats, and empty continuations."""
    stem = prompt(12, 21)
    prefixes = [stem, stem, stem[:10], stem, prompt(13, 3), stem]
    tails = [prompt(14, 9), prompt(15, 70), stem[10:] + prompt(14, 9), (), prompt(16, 1), prompt(14, 9)]
    for got, p, tail in zip(decoder.score_sequences(prefixes, tails), prefixes, tails, strict=True):
        assert got.shape == (len(tail),)
        np.testing.assert_allclose(got, reference.score(p, tail), **CLOSE)


def test_score_after_draw_is_free(decoder: Decoder) -> None:
    """Law: scoring a token, or a text, that was just drawn touches no device."""
    rng = np.random.default_rng(3)
    p = [prompt(17, 8)] * 4
    rows, logs = list(p), np.zeros(4)
    for _ in range(6):
        tokens, _, log_p = decoder.draw(rows, rng.uniform(size=4), [0.5] * 4)
        rows = [(*r, int(t)) for r, t in zip(rows, tokens, strict=True)]
        logs += log_p
    before = decoder.stats.forwards, decoder.stats.readbacks
    scored = decoder.score_sequences(p, [r[8:] for r in rows])
    assert np.array_equal([s.sum() for s in scored], logs) or np.allclose([s.sum() for s in scored], logs, atol=1e-12)
    assert decoder.score([r[:-1] for r in rows], [r[-1] for r in rows]).shape == (4,)
    assert (decoder.stats.forwards, decoder.stats.readbacks) == before


def test_same_prefix_twice_costs_no_forward(decoder: Decoder) -> None:
    """Law: the logits after the last fed token stay resident."""
    p = prompt(18, 11)
    decoder.draw([p], [0.5])
    before = decoder.stats.forwards
    decoder.draw([p] * 3, [0.1, 0.2, 0.3], [0.5] * 3)
    decoder.log_probs([p])
    decoder.top([p], [0.5])
    decoder.log_mass([p], np.ones((1, V), bool))
    assert decoder.stats.forwards == before


@pytest.mark.slow
def test_many_rows_are_cut_into_batches(decoder: Decoder, reference: Reference) -> None:
    """Law: more rows than `max_rows` give the same answers, and live contexts are not thrown out in turn for ever."""
    rng = np.random.default_rng(5)
    rows = [prompt(19, 10)] * 40
    for step in range(8):
        tokens, _, log_p = decoder.draw(rows, rng.uniform(size=40))
        np.testing.assert_allclose(log_p, [reference.next(p)[t] for p, t in zip(rows, tokens, strict=True)], **CLOSE)
        rows = [(*p, int(t)) for p, t in zip(rows, tokens, strict=True)]
        if step == 5:
            decoder.stats.reset()
    assert decoder.stats.positions <= 80


def test_one_by_one_equals_batched(decoder: Decoder) -> None:
    """Law: the same prefixes and uniforms give the same tokens alone as together, and log-probabilities to 1e-5."""
    rng = np.random.default_rng(8)
    rows = [prompt(20, 14)[: 8 + k] for k in range(6)]
    u = rng.uniform(size=6)
    together = decoder.draw(rows, u)
    decoder.clear()
    alone = [decoder.draw([r], [x]) for r, x in zip(rows, u, strict=True)]
    assert [int(a[0][0]) for a in alone] == together[0].tolist()
    np.testing.assert_allclose([a[1][0] for a in alone], together[1], rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda d: d.draw([()], [0.5]), "empty prefix"),
        (lambda d: d.draw([(1,)], [1.0]), "strictly between"),
        (lambda d: d.draw([(1,)], [0.5, 0.5]), "1 uniforms"),
        (lambda d: d.draw([(1,)], [0.5], [-1.0]), "temperatures"),
        (lambda d: d.score([(1,)], [V]), "0..60"),
        (lambda d: d.draw([(1, 99)], [0.5]), "0..60"),
        (lambda d: d.score_sequences([(1,)], [(99,)]), "0..60"),
        (lambda d: d.top([(1,)], [-1.0]), "temperatures"),
        (lambda d: d.log_mass([(1,)], np.ones((1, 3), bool)), "shape"),
    ],
)
def test_bad_arguments(decoder: Decoder, call: Any, message: str) -> None:
    """Law: a bad argument is refused with its reason, and leaves the decoder usable."""
    with pytest.raises(ModelError, match=message):
        call(decoder)
    decoder.draw([(1, 2)], [0.5])


def test_context_too_long(decoder: Decoder) -> None:
    """Law: the window is used to its last position, and not beyond."""
    p = prompt(21, 128)
    decoder.draw([p], [0.5])
    with pytest.raises(ContextTooLong, match=r"129 tokens .* 128 positions"):
        decoder.draw([(*p, 3)], [0.5])
    with pytest.raises(ContextTooLong):
        decoder.score_sequences([p], [(3,)])


def test_no_rows(decoder: Decoder) -> None:
    """Law: an empty batch has an empty answer."""
    assert decoder.draw([], [])[0].shape == (0,)
    assert decoder.score([], []).shape == (0,) and decoder.log_probs([]).shape == (0, V)
    assert decoder.top([]).shape == (0,)
    assert decoder.log_mass([], np.zeros((0, V), bool)).shape == (0,) and decoder.score_sequences([], []) == []
