"""Whatever the sequence of calls, caches never change an answer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from llama_reference import Reference

from steersman.models.decoder import Decoder

V = 61


@pytest.mark.parametrize(("seed", "max_rows", "max_banks"), [(0, 8, 1), (2, 8, 3)])
def test_random_calls(small: tuple[Path, Reference], seed: int, max_rows: int, max_banks: int) -> None:
    """Law: random sequences of draw, score, score_sequences, log_probs, log_mass over a growing, forking, shrinking,
    revisited set of contexts equal the reference, with so few slots and banks that eviction is constant.
    """
    folder, reference = small
    decoder = Decoder.from_folder(folder, max_rows=max_rows, max_banks=max_banks, cache_size=20_000)
    rng = np.random.default_rng(seed)

    def random_tokens(n: int) -> tuple[int, ...]:
        return tuple(int(t) for t in rng.integers(2, V, n))

    pool = [random_tokens(n) for n in (1, 5, 20, 24)]
    for _ in range(80):
        n = int(rng.integers(1, 13))
        rows = [pool[i] for i in rng.integers(0, len(pool), n)]
        action = rng.integers(0, 6)
        want = np.array([reference.next(p) for p in rows])
        if action <= 1:
            t = rng.uniform(0.3, 2.0, n) if rng.random() < 0.5 else None
            tokens, log_q, log_p = decoder.draw(rows, rng.uniform(size=n), t)
            np.testing.assert_allclose(log_p, want[np.arange(n), tokens], rtol=0, atol=3e-5)
            if t is None:
                np.testing.assert_allclose(log_q, log_p, rtol=0, atol=1e-6)
            pool += [(*p, int(k)) for p, k in zip(rows, tokens, strict=True)]
        elif action == 2:
            tokens = rng.integers(0, V, n).astype(np.int32)
            np.testing.assert_allclose(decoder.score(rows, tokens), want[np.arange(n), tokens], rtol=0, atol=3e-5)
        elif action == 3:
            tails = [random_tokens(int(rng.integers(0, 20))) for _ in rows]
            for got, p, tail in zip(decoder.score_sequences(rows, tails), rows, tails, strict=True):
                np.testing.assert_allclose(got, reference.score(p, tail), rtol=0, atol=3e-5)
            pool += [p + tail for p, tail in zip(rows, tails, strict=True)]
        elif action == 4:
            np.testing.assert_allclose(decoder.log_probs(rows), want, rtol=0, atol=3e-5)
        else:
            masks = rng.uniform(size=(n, V)) < 0.5
            mass = np.logaddexp.reduce(np.where(masks, want, -np.inf), axis=1)
            np.testing.assert_allclose(decoder.log_mass(rows, masks), mass, rtol=0, atol=3e-5)
        pool = [p for p in pool if len(p) < 60]
        cut = pool[int(rng.integers(len(pool)))]
        pool.append(cut[: int(rng.integers(1, len(cut) + 1))])  # MCMC goes back to a prefix
        pool = [pool[i] for i in rng.permutation(len(pool))[:24]]
    stats = decoder.stats
    assert stats.banks <= max_banks and stats.slots <= 4 * max_rows * max_banks
