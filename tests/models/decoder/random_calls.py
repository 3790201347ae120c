"""Random sequences of calls to a decoder, each answer held against a reference without caches."""

from __future__ import annotations

import numpy as np
from llama_reference import Reference

from steersman.models.decoder import Decoder

V = 61
ROUNDING = 6e-5  # of float32: on average 1.5e-6, in the context that magnifies it most up to 3.4e-5


def random_tokens(rng: np.random.Generator, n: int) -> tuple[int, ...]:
    return tuple(int(t) for t in rng.integers(2, V, n))


def random_calls(decoder: Decoder, reference: Reference, seed: int, calls: int = 80) -> None:
    """Every kind of call over a growing, forking, shrinking, revisited set of contexts."""
    rng = np.random.default_rng(seed)
    pool = [random_tokens(rng, n) for n in (1, 5, 20, 24)]
    for _ in range(calls):
        n = int(rng.integers(1, 13))
        rows = [pool[i] for i in rng.integers(0, len(pool), n)]
        action = rng.integers(0, 6)
        want = np.array([reference.next(p) for p in rows])
        if action <= 1:
            t = rng.uniform(0.3, 2.0, n) if rng.random() < 0.5 else None
            tokens, log_q, log_p = decoder.draw(rows, rng.uniform(size=n), t)
            np.testing.assert_allclose(log_p, want[np.arange(n), tokens], rtol=0, atol=ROUNDING)
            if t is None:
                np.testing.assert_allclose(log_q, log_p, rtol=0, atol=1e-6)
            pool += [(*p, int(k)) for p, k in zip(rows, tokens, strict=True)]
        elif action == 2:
            tokens = rng.integers(0, V, n).astype(np.int32)
            np.testing.assert_allclose(decoder.score(rows, tokens), want[np.arange(n), tokens], rtol=0, atol=ROUNDING)
        elif action == 3:
            tails = [random_tokens(rng, int(rng.integers(0, 20))) for _ in rows]
            for got, p, tail in zip(decoder.score_sequences(rows, tails), rows, tails, strict=True):
                np.testing.assert_allclose(got, reference.score(p, tail), rtol=0, atol=ROUNDING)
            pool += [p + tail for p, tail in zip(rows, tails, strict=True)]
        elif action == 4:
            np.testing.assert_allclose(decoder.top(rows), want.max(1), rtol=0, atol=ROUNDING)
            np.testing.assert_allclose(decoder.log_probs(rows), want, rtol=0, atol=ROUNDING)
        else:
            masks = rng.uniform(size=(n, V)) < 0.5
            mass = np.logaddexp.reduce(np.where(masks, want, -np.inf), axis=1)
            np.testing.assert_allclose(decoder.log_mass(rows, masks), mass, rtol=0, atol=ROUNDING)
        pool = [p for p in pool if len(p) < 60]
        cut = pool[int(rng.integers(len(pool)))]
        pool.append(cut[: int(rng.integers(1, len(cut) + 1))])  # MCMC goes back to a prefix
        pool = [pool[i] for i in rng.permutation(len(pool))[:24]]
