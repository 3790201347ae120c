"""Draws by two-level inverse CDF, alone: exact probabilities, no token of mass zero, whatever the uniform."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from steersman.models.decoder.draw import block_size, draw, log_probs_of, split_uniforms, unpack, weigh
from steersman.ppl.constraints.masks import pack, words


def tokens_of(logits: np.ndarray, u: np.ndarray, t: float | None = None, mask: np.ndarray | None = None) -> np.ndarray:
    """One distribution, many uniforms."""
    log_z = np.logaddexp.reduce(logits.astype(np.float64)).astype(np.float32)[None]
    n = len(u)
    temps = None if t is None else np.full(n, t, np.float32)
    masks = None if mask is None else np.broadcast_to(pack(mask), (n, words(len(mask))))
    rows = np.zeros(n, np.int32)
    return np.asarray(_draw(logits[None].astype(np.float32), log_z, rows, temps, masks, split_uniforms(u)))


@jax.jit
def _draw(logits: jax.Array, log_z: jax.Array, rows: jax.Array, t: jax.Array, m: jax.Array, u: jax.Array) -> jax.Array:
    return draw(weigh(logits, log_z, rows, t, m), u)


@pytest.mark.parametrize("V", [1, 2, 7, 64, 97, 1000, 1009, 4096])
def test_grid_reproduces_each_mass(V: int) -> None:
    """Law: over an even grid of n uniforms each token is drawn n p times, up to the two ends of its interval."""
    rng = np.random.default_rng(V)
    logits = rng.normal(size=V) * 2
    p = np.exp(logits - np.logaddexp.reduce(logits))
    n = 1 << 14
    counts = np.bincount(tokens_of(logits, (np.arange(n) + 0.5) / n), minlength=V)
    assert np.abs(counts - n * p).max() <= 2.01


def test_intervals_are_exact_beyond_float32() -> None:
    """Law: the length of a token's interval is its probability to 1e-13, relative 1e-5, down to masses of 1e-10, where
    plain float32 cumulative sums (spacing 6e-8 near 1) are off by many times the mass itself.
    """
    V = 300
    logits = np.random.default_rng(0).normal(size=V).astype(np.float32)
    small = [5, 150, 298, 299]
    logits[small] = np.array([-18, -17, -16, -13], np.float32)
    exact = np.exp(logits.astype(np.float64) - np.logaddexp.reduce(logits.astype(np.float64)))
    for token in small:
        start, end = (_passing(logits, exact, token, after) for after in (False, True))
        assert abs(end - start - exact[token]) < 1e-13 + 1e-5 * exact[token]


def _passing(logits: np.ndarray, p: np.ndarray, token: int, after: bool) -> float:
    """The uniform at which the draws, in their order, reach (or pass) a token, by bisection.

    Order: blocks as they come but the largest last; inside each, tokens as they come but the largest last.
    """
    b = block_size(len(p))
    blocks = np.array([p[i : i + b].sum() for i in range(0, len(p), b)])

    def rank(t: int) -> tuple[bool, int, bool, int]:
        block = t // b
        return block == blocks.argmax(), block, t % b == p[block * b : (block + 1) * b].argmax(), t % b

    low, high = 2.0**-60, 1 - 2.0**-53
    for _ in range(60):
        middle = (low + high) / 2
        drawn = rank(int(tokens_of(logits, np.full(1, middle))[0]))
        if drawn > rank(token) or (drawn == rank(token) and not after):
            high = middle
        else:
            low = middle
    return high


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32),
    st.sampled_from([2.0**-60, 2.0**-30, 1e-9, 0.5, 1 - 2.0**-24, 1 - 2.0**-53]),
    st.sampled_from([None, 1e-6, 0.3, 50.0]),
    st.floats(0.01, 1.0),
)
def test_never_a_masked_token(seed: int, u: float, t: float | None, allowed: float) -> None:
    """Law: at the extremes of the uniform, too, the token is allowed and has positive probability."""
    rng = np.random.default_rng(seed)
    V = 83
    logits = rng.normal(size=V) * rng.choice([0.0, 1.0, 30.0])
    mask = rng.uniform(size=V) < allowed
    mask[rng.integers(V)] = True
    tokens = tokens_of(logits, np.full(4, u), t, mask)
    assert mask[tokens].all()
    q = np.where(mask, logits / (t or 1.0), -np.inf)
    assert (q[tokens] > q.max() - 104).all()  # exp(-104) is 0 in float32


def test_chi_square() -> None:
    """Law: random uniforms give the tempered, masked distribution (chi-square, fixed seed, p > 1e-4)."""
    rng = np.random.default_rng(1)
    V, n = 50, 1 << 14
    logits, mask = rng.normal(size=V) * 2, rng.uniform(size=V) < 0.6
    q = np.where(mask, np.exp(logits / 0.8), 0)
    q /= q.sum()
    counts = np.bincount(tokens_of(logits, rng.uniform(size=n), 0.8, mask), minlength=V)
    assert counts[~mask].sum() == 0
    common = n * q > 5
    observed, expected = [*counts[common], counts[~common].sum()], [*(n * q[common]), n * q[~common].sum()]
    assert chisquare(observed, expected).pvalue > 1e-4


def test_log_probabilities() -> None:
    """Law: log q is that of the tempered, masked distribution, log p that of the plain one; masked means -inf."""
    rng = np.random.default_rng(2)
    logits = rng.normal(size=(3, 20)).astype(np.float32)
    log_z = np.logaddexp.reduce(logits, axis=1)
    masks = np.ones((2, 20), bool)
    masks[0, 4] = False
    weighed = weigh(logits, log_z, np.array([2, 1]), np.array([0.5, 2.0], np.float32), pack(masks))
    log_q, log_p = log_probs_of(weighed, np.array([4, 4]))
    q = logits[1] / 2.0
    assert log_q[0] == -np.inf and abs(log_q[1] - (q[4] - np.logaddexp.reduce(q))) < 1e-5
    np.testing.assert_allclose(log_p, logits[[2, 1], 4] - log_z[[2, 1]], atol=1e-6)


@pytest.mark.parametrize(("V", "size"), [(4096, 64), (1, 1), (32000, 160), (50257, 224), (128256, 334)])
def test_block_size(V: int, size: int) -> None:
    """Law: a divisor near the root if there is one, so that nothing is padded."""
    assert block_size(V) == size


@pytest.mark.parametrize("V", [1, 31, 32, 33, 64, 83, 1000])
def test_unpack(V: int) -> None:
    """Law: the device reads packed masks like the host writes them, also where V is no multiple of 32 and the bits
    behind it are set."""
    masks = np.random.default_rng(V).uniform(size=(5, V)) < 0.5
    packed = pack(masks)
    assert (np.asarray(jax.jit(unpack, static_argnums=1)(packed, V)) == masks).all()
    packed[:, -1] |= np.uint32((0xFFFFFFFF << V % 32) & 0xFFFFFFFF if V % 32 else 0)
    assert (np.asarray(unpack(packed, V)) == masks).all()


def test_nothing_left() -> None:
    """Law: a row whose mask leaves only logits of -inf draws with log q = -inf and no NaN; log p stays."""
    logits = np.array([[0.0, -np.inf, 1.0]], np.float32)
    log_z = np.logaddexp.reduce(logits, axis=1)
    for t in (None, np.array([0.0, 2.0], np.float32)):
        masks = pack(np.array([[False, True, False], [False, True, True]]))
        weighed = weigh(logits, log_z, np.zeros(2, np.int32), t, masks)
        tokens = draw(weighed, split_uniforms(np.array([0.7, 0.7])))
        log_q, log_p = log_probs_of(weighed, tokens)
        assert tokens.tolist() == [0, 2] and log_q.tolist() == [-np.inf, 0.0] and np.isfinite(log_p).all()
