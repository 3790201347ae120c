"""Memory is planned: what fits is computed, the rest runs in chunks with the same result, or says what would fit."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from llama_reference import Reference
from random_calls import random_calls, random_tokens

from steersman import models
from steersman.models import ModelError, OutOfMemory
from steersman.models.decoder import Decoder, bank, programs
from steersman.models.decoder.attention import Trunk
from steersman.models.decoder.forward import Feed
from steersman.models.decoder.memory import Memory

Small = tuple[Path, Reference]


def plan(decoder: Decoder) -> Memory:
    return decoder._engine.device.memory


def least(folder: Path, tokens: int = 1, **changes: Any) -> int:
    """The least memory with which contexts of so many tokens fit."""
    memory = plan(Decoder.from_folder(folder, **changes))
    return memory.error(tokens).need


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_tiny_memory_changes_no_answer(small: Small, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: with the least memory that holds the longest context every answer is that of the reference, and arrays on
    the device never take more than was allowed.
    """
    folder, reference = small
    before = sum(a.nbytes for a in jax.live_arrays())
    decoder = Decoder.from_folder(folder, max_rows=16, memory=least(folder, 80))
    memory, seen = plan(decoder), []

    def spy(*args: Any, **kwargs: Any) -> Any:
        seen.append(sum(a.nbytes for a in jax.live_arrays()) - before)
        return feed(*args, **kwargs)

    feed = programs.feed
    monkeypatch.setattr(bank.programs, "feed", spy)
    random_calls(decoder, reference, seed)
    assert max(seen) <= memory.weights + memory.caches and decoder.stats.bytes <= memory.caches
    assert decoder.stats.rounds > 0


def test_capacity_is_the_largest_population_that_fits(small: Small) -> None:
    """Law: so many slots fit into what is left by weights and working space, and one batch more does not."""
    folder, _ = small
    decoder = Decoder.from_folder(folder, max_rows=64, memory=least(folder) * 3)
    memory = plan(decoder)
    assert memory.weights + memory.working + memory.caches == memory.limit
    for tokens in (10, 64):
        n = decoder.capacity(tokens)
        assert memory.cache(n, 64) <= memory.caches < memory.cache(n + memory.least_rows, 64)
    assert decoder.capacity(128) < decoder.capacity(64)
    contexts = [random_tokens(np.random.default_rng(i), 10) for i in range(decoder.capacity(10))]
    decoder.log_probs(contexts[: n // 2])
    decoder.stats.reset()
    decoder.log_probs(contexts[n // 2 :])
    assert decoder.stats.rounds == 0


def test_what_is_there_is_not_fed_again(small: Small) -> None:
    """Law: where N contexts are extended in turn and S fit, S of them cost one token each, whatever their order."""
    folder, reference = small
    decoder = Decoder.from_folder(folder, max_rows=64, memory=least(folder) * 2)
    n, length = decoder.capacity(20) + 12, 20
    contexts = [random_tokens(np.random.default_rng(i), length) for i in range(n)]
    decoder.log_probs(contexts)
    held = decoder.stats.slots
    assert held < n and decoder.stats.rounds > 0
    decoder.stats.reset()
    longer = [(*c, 7) for c in contexts]
    got = decoder.log_probs(longer)
    assert decoder.stats.positions <= held + (n - held) * (length + 1)
    np.testing.assert_allclose(got, [reference.next(c) for c in longer], rtol=0, atol=3e-5)


@pytest.mark.parametrize("depth", [64, 128])
def test_plan_against_the_compiler(small: Small, depth: int) -> None:
    """Law: XLA asks for no more working space than was planned, nor does a cache take more; neither is 6 times less."""
    folder, _ = small
    decoder = Decoder.from_folder(folder, max_rows=64, memory=least(folder, depth) * 2)
    memory, device = plan(decoder), decoder._engine.device
    config, slots = decoder.config, 64
    state = jax.eval_shape(partial(programs.allocate, config=config, slots=slots, depth=depth, dtype="float32"))
    held = sum(a.size * a.dtype.itemsize for a in jax.tree.leaves(state))
    assert held <= memory.cache(slots, depth) < 2 * held
    used = []
    rows, positions = memory.rows(depth), memory.positions(depth)
    for B, C in ((rows, 1), (positions // 8, 8), (max(4, positions // 64), min(64, positions // 4))):
        feed = Feed(*np.zeros((4, B), np.int32), np.zeros((B, C), np.int32))  # type: ignore[call-arg]
        compiled = programs.feed.lower(device.params, state, Trunk(), feed, config=config, whole=False).compile()
        used.append(compiled.memory_analysis().temp_size_in_bytes)
    n = memory.draws
    for masks in (None, np.zeros((n, -(-config.vocab_size // 32)), np.uint32)):
        rows, uniforms, warm = np.zeros(n, np.int32), np.zeros((n, 2), np.float32), np.ones(n, np.float32)
        drawn = programs.draw_rows.lower(state.logits, state.log_z, rows, uniforms, warm, masks)
        used.append(drawn.compile().memory_analysis().temp_size_in_bytes)
    assert memory.working / 6 < max(used) <= memory.working


def test_too_little_memory_says_what_would_fit(small: Small) -> None:
    """Law: the memory that the error asks for is enough, one byte less is not; the length it offers can be used."""
    folder, reference = small
    with pytest.raises(OutOfMemory, match="no context would fit") as error:
        Decoder.from_folder(folder, memory=10_000)
    need = error.value.need
    with pytest.raises(OutOfMemory):
        Decoder.from_folder(folder, memory=need - 1)
    decoder = Decoder.from_folder(folder, memory=need)
    long = random_tokens(np.random.default_rng(0), 100)
    with pytest.raises(OutOfMemory, match=r"contexts of 100 tokens need .* up to 64 tokens would fit") as error:
        decoder.log_probs([long])
    assert "\n" not in str(error.value)
    np.testing.assert_allclose(decoder.log_probs([long[:64]])[0], reference.next(long[:64]), rtol=0, atol=3e-5)
    roomier = Decoder.from_folder(folder, memory=error.value.need)
    np.testing.assert_allclose(roomier.log_probs([long])[0], reference.next(long), rtol=0, atol=3e-5)
    with pytest.raises(ValueError, match="load\\(memory=0\\)"):
        models.load(folder, memory=0)


def test_the_allocator_is_translated(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    """An allocation that fails in spite of the plan is reported like one that was foreseen, and leaves a usable
    decoder; other errors of the device are not touched.
    """
    decoder = Decoder.from_folder(small[0])

    def fail(message: str) -> Any:
        def feed(*args: Any, **kwargs: Any) -> Any:
            raise jax.errors.JaxRuntimeError(message)

        return feed

    contexts = [(2, 3, 4), (2, 5)]
    want = decoder.log_probs(contexts)
    for calls in (lambda: decoder.log_probs([(2, 3, 4, 5)]), lambda: decoder.score_sequences([(2,)], [(3, 4, 7, 9)])):
        with monkeypatch.context() as patch:
            for name in ("feed", "feed_scored"):
                patch.setattr(bank.programs, name, fail("RESOURCE_EXHAUSTED: Out of memory allocating 1 bytes"))
            with pytest.raises(OutOfMemory, match="out of memory: contexts of"):
                calls()
            patch.setattr(bank.programs, "feed", fail("INTERNAL: something else"))
            with pytest.raises(jax.errors.JaxRuntimeError, match="something else"):
                decoder.log_probs([(2, 3, 4, 5)])
        decoder.clear()
        np.testing.assert_allclose(decoder.log_probs(contexts), want, rtol=0, atol=1e-6)


def test_a_model_error() -> None:
    """Callers who catch ModelError catch this, too."""
    assert issubclass(OutOfMemory, ModelError)
