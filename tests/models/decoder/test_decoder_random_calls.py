"""Whatever the sequence of calls, caches never change an answer."""

from __future__ import annotations

from pathlib import Path

import pytest
from llama_reference import Reference
from random_calls import random_calls

from steersman.models.decoder import Decoder

V = 61


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "max_rows", "max_banks"), [(0, 8, 1), pytest.param(2, 8, 3, marks=pytest.mark.slow)])
def test_random_calls(small: tuple[Path, Reference], seed: int, max_rows: int, max_banks: int) -> None:
    """Law: random sequences of draw, score, score_sequences, log_probs, top, log_mass over a growing, forking,
    shrinking, revisited set of contexts equal the reference, with so few slots and banks that eviction is constant.
    """
    folder, reference = small
    decoder = Decoder.from_folder(folder, max_rows=max_rows, max_banks=max_banks, cache_size=20_000)
    random_calls(decoder, reference, seed)
    stats = decoder.stats
    assert stats.banks <= max_banks and stats.slots <= 4 * max_rows * max_banks
