"""No cache grows without bound, and what was evicted is only forgotten, never wrong."""

from __future__ import annotations

import numpy as np

from steersman.models.decoder import Decoder
from steersman.models.decoder.memo import ENTRY, TOKEN, TokenMemo, VectorMemo


def test_token_memo_is_bounded_and_evicts_the_least_recently_used() -> None:
    """Law: bytes stay below the limit; a prefix that was asked for survives one that was not."""
    memo = TokenMemo(3 * (ENTRY + TOKEN + 8 * 2))
    for k in range(3):
        memo.put((k, k), 7, -float(k))
    assert memo.get((0, 0), 7) == 0.0
    memo.put((3, 3), 7, -3.0)
    assert len(memo) == 3 and memo.get((1, 1), 7) is None and memo.get((0, 0), 7) == 0.0
    for k in range(1000):
        memo.put((k, 0, 1), k % 5, -1.0)
        assert memo.bytes <= memo.max_bytes
    for token in range(1000):
        memo.put((1,), token, -1.0)
        assert memo.bytes <= memo.max_bytes
    memo.clear()
    assert memo.bytes == 0 and len(memo) == 0


def test_vector_memo_is_bounded() -> None:
    """Law: the same for vectors; one larger than the whole cache is not kept."""
    memo = VectorMemo(10_000)
    for k in range(20):
        memo.put((k,), np.full(500, float(k), np.float32))
        assert memo.bytes <= 10_000
    kept = memo.get((19,))
    assert kept is not None and kept[0] == 19 and memo.get((0,)) is None
    memo.put((99,), np.zeros(10_000, np.float32))
    assert memo.bytes <= 10_000 and memo.get((99,)) is None


def test_vectors_are_remembered_and_answer_scores(decoder: Decoder) -> None:
    """Law: after log_probs, asking again or scoring any next token costs no forward pass and no transfer."""
    p = (4, 5, 6)
    vector = decoder.log_probs([p])[0]
    before = decoder.stats.readbacks
    assert np.array_equal(decoder.log_probs([p])[0], vector)
    assert decoder.score([p], [9])[0] == vector[9]
    assert decoder.stats.readbacks == before and decoder.stats.hits == 2


def test_answers_are_copies(decoder: Decoder) -> None:
    """Law: writing into an answer changes no later answer."""
    first = decoder.log_probs([(4, 5)])
    kept = first.copy()
    first[:] = 0
    assert np.array_equal(decoder.log_probs([(4, 5)]), kept)


def test_clear_drops_everything(decoder: Decoder) -> None:
    """Law: after clear nothing is held."""
    decoder.draw([(4, 5, 6)] * 3, [0.1, 0.5, 0.9])
    assert decoder.stats.slots > 0
    decoder.clear()
    assert (decoder.stats.banks, decoder.stats.slots, decoder.stats.capacity) == (0, 0, 0)
