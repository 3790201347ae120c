"""Shapes are bucketed: a run compiles a handful of programs, and sizes follow the population without thrashing."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
from llama_reference import Reference

from steersman.models.decoder import Decoder, Stats, programs
from steersman.models.decoder.shapes import Shapes

PROMPT = tuple(range(2, 22))


def run(decoder: Decoder, rows: int, steps: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    population = [PROMPT] * rows
    for _ in range(steps):
        tokens, _, _ = decoder.draw(population, rng.uniform(size=rows))
        population = [(*p, t) for p, t in zip(population, tokens.tolist(), strict=True)]


def test_no_compilation_after_warm_up(decoder: Decoder) -> None:
    """Law: a run compiles at most seven programs, its repetition none; and the counter agrees with JAX's own."""
    run(decoder, 16, 40, 0)
    assert decoder.stats.compiles <= 7
    jitted = (programs.feed, programs.draw_rows, programs.move, programs.resize, programs.allocate)
    before = [f._cache_size() for f in jitted]
    decoder.stats.reset()
    decoder.clear()
    run(decoder, 16, 40, 1)
    assert decoder.stats.compiles == 0 and [f._cache_size() for f in jitted] == before


def test_equal_draws_compile_nothing(decoder: Decoder) -> None:
    """Law: when few of a population differ for a step, they are fed in the shape that is there."""
    run(decoder, 16, 4, 0)
    compiles = decoder.stats.compiles
    decoder.clear()
    rng = np.random.default_rng(1)
    few = [(*PROMPT, 2 + i % 3) for i in range(16)]
    decoder.draw([PROMPT] * 16, rng.uniform(size=16))
    decoder.draw(few, rng.uniform(size=16))
    assert decoder.stats.compiles == compiles


def test_steps_do_not_reshape(decoder: Decoder) -> None:
    """Law: the number of forward passes is one a step, and nothing is resized while it fits."""
    run(decoder, 16, 40, 0)
    assert decoder.stats.forwards == 40 and decoder.stats.resizes == 0 and decoder.stats.readbacks == 40


def test_population_shrinks_and_grows(small: tuple[Path, Reference]) -> None:
    """Law: when live contexts fall to half, the cache is compacted once that pays; it can grow again."""
    folder, reference = small
    decoder = Decoder.from_folder(folder, max_rows=32)
    decoder._engine.device.shapes.worth = 200  # as for a large model, whose wasted rows are dear
    rng = np.random.default_rng(0)
    rows = [PROMPT] * 32
    sizes = []
    for step in range(48):
        n = 32 if step < 6 or step > 40 else 5
        rows = (rows * 7)[:n]
        tokens, _, log_p = decoder.draw(rows, rng.uniform(size=n))
        for p, t, lp in zip(rows[:3], tokens, log_p, strict=False):
            assert abs(reference.next(p)[t] - lp) < 2e-5
        rows = [(*p, int(t)) for p, t in zip(rows, tokens, strict=True)]
        sizes.append(decoder.stats.slots)
    assert sizes[5] == 32 and min(sizes) == 8 and sizes[-1] == 32
    changes = sum(a != b for a, b in pairwise(sizes))
    assert changes <= 6 and decoder.stats.resizes == changes


def test_cache_deepens(decoder: Decoder, reference: Reference) -> None:
    """Law: contexts that outgrow the time bucket move to a deeper one unharmed."""
    run(decoder, 4, 70, 3)
    assert decoder.stats.resizes >= 1
    deep = tuple(int(t) for t in np.random.default_rng(0).integers(2, 61, 110))
    np.testing.assert_allclose(decoder.log_probs([deep])[0], reference.next(deep), rtol=0, atol=2e-5)


def test_shapes_spend_at_most_twice() -> None:
    """Law: a compiled shape is reused until the waste adds up to a compilation, then the right one is compiled."""
    shapes = Shapes(parameters=50_000_000, stats=Stats())
    assert shapes.worth == 1000
    assert shapes.fit("here", 16, 30) == (16, 32)
    for _ in range(2):
        assert shapes.fit("here", 4, 8) == (16, 32)  # wastes 480 each time
    assert shapes.fit("here", 4, 8) == (4, 8)
    assert shapes.fit("here", 3, 5) == (4, 8)
    assert shapes.fit("there", 3, 5) == (4, 8)
    assert shapes.fit("here", 3, 1) == (4, 8)


def test_counters_name_the_waste(decoder: Decoder) -> None:
    """Law: positions asked for plus padding is what was computed."""
    decoder.log_probs([PROMPT, PROMPT[:7]])
    s = decoder.stats
    assert s.positions >= 20 and s.padded > 0 and s.draws == 0
    decoder.stats.reset()
    assert decoder.stats.positions == 0 and decoder.stats.slots > 0
