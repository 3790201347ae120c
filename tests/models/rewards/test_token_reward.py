"""Rewards in JAX over padded token arrays: the numbers of the plain function, few shapes, no padding in them."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from steersman.inference import SMC, Enumerate, infer
from steersman.models import TableLM, token_reward
from steersman.models.rewards import BadReward
from steersman.ppl import CallFailed, call, factor, program, sample

LM = TableLM.random(4, seed=3)  # the symbols a, b, c and an end
(A,) = LM.tokenizer.encode("a")


def weighted(tokens: Any, lengths: Any) -> Any:
    """sum over positions t of token_t / (t + 1): the order counts, and so would any padding."""
    at = jnp.arange(tokens.shape[1])
    return jnp.where(at < lengths[:, None], (tokens + 1) / (at + 1), 0.0).sum(1)


def by_hand(text: str) -> float:
    return sum((t + 1) / (k + 1) for k, t in enumerate(LM.tokenizer.encode(text)))


def texts(n: int, longest: int, seed: int) -> list[str]:
    rng = np.random.default_rng(seed)
    return ["".join(rng.choice(list("abc"), rng.integers(0, longest + 1))) for _ in range(n)]


def test_numbers_are_those_of_each_text_alone() -> None:
    """Law: whatever company a text has, its reward is the function of its own tokens (float32 rounding)."""
    reward = token_reward(weighted, LM.tokenizer, max_rows=16)
    for n, longest, seed in ((1, 3, 0), (5, 9, 1), (40, 70, 2), (17, 300, 3)):
        batch = texts(n, longest, seed)
        np.testing.assert_allclose(reward.scores(batch), [by_hand(t) for t in batch], rtol=1e-5, atol=1e-6)
    assert reward("ab", "ca") == pytest.approx(by_hand("abca"))  # several arguments are one text


def test_a_handful_of_shapes() -> None:
    """Law: batches of any number and length share a few compiled programs, and a second run compiles none."""
    traced: list[tuple[int, ...]] = []

    def watched(tokens: Any, lengths: Any) -> Any:
        traced.append(tokens.shape)
        return weighted(tokens, lengths)

    reward = token_reward(watched, LM.tokenizer)
    sizes = np.random.default_rng(0).integers(1, 129, (60, 2)).tolist()
    for seed, (n, longest) in enumerate(sizes):
        reward.scores(texts(n, longest, seed))
    assert len(traced) == len(set(traced)) == reward.stats.compiles <= 7
    for seed, (n, longest) in enumerate(sizes):
        reward.scores(texts(n, longest, 1000 + seed))
    assert reward.stats.compiles == len(traced) <= 7


@pytest.mark.parametrize("reads", [
    lambda tokens, lengths: tokens.mean(1),
    lambda tokens, lengths: tokens[:, -1] * 1.0,
    lambda tokens, lengths: lengths / tokens.shape[1],
    lambda tokens, lengths: weighted(tokens, lengths) / len(lengths),
    lambda tokens, lengths: weighted(tokens, lengths) - weighted(tokens, lengths).mean(),
])  # fmt: skip
def test_a_function_that_reads_its_padding_is_refused(reads: Any) -> None:
    """Law: no result may depend on how a batch was padded: in length, in rows, or by what."""
    with pytest.raises(BadReward, match="depends on its padding"):
        token_reward(reads, LM.tokenizer).scores(["abca", "cc", "b"])


def test_a_function_of_another_shape_or_none_is_refused() -> None:
    """Bad input: the message says what shape was wanted; a function that cannot be compiled is named."""
    with pytest.raises(BadReward, match=r"array of shape \(8, 32\).*shape \(8,\)"):
        token_reward(lambda tokens, lengths: tokens, LM.tokenizer)("abc")

    def broken(tokens: Any, lengths: Any) -> Any:
        return tokens @ tokens

    with pytest.raises(BadReward, match="broken fails on tokens of shape"):
        token_reward(broken, LM.tokenizer)("abc")


def _program(reward: Any) -> Any:
    @program
    async def judged() -> str:
        text = await sample(LM.text("", max_tokens=3), "text")
        await factor(await call(reward, text), "reward")
        return str(text)

    return judged()


def test_one_call_for_all_particles() -> None:
    """Law: the posterior is that of the plain function, and a round is at most two runs of the compiled one."""
    reward = token_reward(weighted, LM)
    exact = infer(_program(lambda text: by_hand(text)), Enumerate())
    assert infer(_program(reward), Enumerate()).probabilities() == pytest.approx(exact.probabilities(), rel=1e-5)
    reward.scores(["a"] * 30)
    before = reward.stats.forwards
    posterior = infer(_program(reward), SMC(32), seed=1)
    assert reward.stats.forwards - before <= 6 and posterior.cost.rewards == 32  # texts end in one of three rounds
    assert abs(posterior.log_evidence - exact.log_evidence) < 5 * posterior.log_evidence_error


@pytest.mark.parametrize("on_error", ["raise", "kill"])
def test_a_nan_names_its_text_and_spares_the_others(on_error: Any) -> None:
    """Bad input: NaN for some texts ends the run with their name, or closes their particles alone: the posterior is
    then that of the texts that could be scored."""

    def log_of(tokens: Any, lengths: Any) -> Any:
        has_a = ((tokens == A) & (jnp.arange(tokens.shape[1]) < lengths[:, None])).any(1)
        return jnp.where(has_a, jnp.nan, weighted(tokens, lengths))

    reward = token_reward(log_of, LM, on_error=on_error)
    if on_error == "raise":
        with pytest.raises(CallFailed, match=r"log_of failed for particle \d+, \('.*a.*'\): it returned nan"):
            infer(_program(reward), Enumerate())
        return
    exact = infer(_program(lambda t: -math.inf if "a" in t else by_hand(t)), Enumerate())
    found = infer(_program(reward), Enumerate())
    assert found.probabilities() == pytest.approx(exact.probabilities(), rel=1e-5)
    assert found.log_evidence == pytest.approx(exact.log_evidence, abs=1e-5)


def test_empty_batch_and_empty_text() -> None:
    """Edges: no text at all, and a text without tokens."""
    reward = token_reward(weighted, LM)
    assert reward.scores([]).shape == (0,) and reward("") == 0.0
