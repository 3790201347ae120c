"""Each feature of an architecture moves log-probabilities by far more than the tolerance of `test_architectures`, so
that none can be lost.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax
import numpy as np
import pytest
from random_checkpoints import case_of, direct

from steersman.models.decoder.config import DecoderConfig
from steersman.models.decoder.params import Params
from steersman.models.decoder.rope import Rope, frequencies

pytest.importorskip("torch")
pytestmark = pytest.mark.slow  # PyTorch
Model = tuple[DecoderConfig, Params]


def without(**features: Any) -> Callable[[DecoderConfig, Params], Model]:
    return lambda config, params: (replace(config, **features), params)


def lost(part: str) -> Callable[[DecoderConfig, Params], Model]:
    """A part of every layer is not there."""

    def mutate(config: DecoderConfig, params: Params) -> Model:
        return config, params._replace(layers=tuple(layer._replace(**{part: None}) for layer in params.layers))

    return mutate


def no_bias(part: str) -> Callable[[DecoderConfig, Params], Model]:
    def mutate(config: DecoderConfig, params: Params) -> Model:
        bare = [layer._replace(**{part: getattr(layer, part)._replace(bias=None)}) for layer in params.layers]
        return config, params._replace(layers=tuple(bare))

    return mutate


def one_longer(config: DecoderConfig, params: Params) -> Model:
    return replace(config, windows=tuple(None if w is None else w + 1 for w in config.windows)), params


def one_rope(config: DecoderConfig, params: Params) -> Model:
    return replace(config, rotations=(0,) * config.layers), params


def plain_rope(config: DecoderConfig, params: Params) -> Model:
    """Frequencies that nothing stretches."""
    f = tuple(jax.numpy.asarray(frequencies(Rope(r.theta, fraction=r.fraction), config.head_dim)) for r in config.ropes)
    return config, params._replace(frequencies=f)


def amplitude_lost(config: DecoderConfig, params: Params) -> Model:
    return replace(config, ropes=tuple(replace(r, amplitude=1.0) for r in config.ropes)), params


def no_positions(config: DecoderConfig, params: Params) -> Model:
    return config, params._replace(positions=None)


NO_WINDOW = without(windows=(None,) * 3)
MUTANTS: list[tuple[str, str, Callable[[DecoderConfig, Params], Model]]] = [
    ("llama3, tied", "not stretched", plain_rope), ("llama, linear, biases", "not stretched", plain_rope),
    ("llama, linear, biases", "no bias", no_bias("gate_up")), ("llama, yarn", "not stretched", plain_rope),
    ("llama, yarn", "no amplitude", amplitude_lost),
    ("mistral", "no window", NO_WINDOW), ("mistral", "window one longer", one_longer),
    ("qwen2", "no window", NO_WINDOW), ("qwen2", "no bias", no_bias("qkv")),
    ("qwen2, tied, yarn", "not stretched", plain_rope), ("qwen2, tied, yarn", "no amplitude", amplitude_lost),
    ("qwen3", "no norm of queries", lost("q_norm")), ("qwen3", "no norm of keys", lost("k_norm")),
    ("smollm3", "positions everywhere", one_rope), ("smollm3, windows", "no window", NO_WINDOW),
    ("gemma", "embeddings not scaled", without(embed_scale=1.0)), ("gemma", "exact gelu", without(activation="gelu")),
    ("gemma2", "no window", NO_WINDOW), ("gemma2", "window one longer", one_longer),
    ("gemma2", "scores not capped", without(score_cap=None)), ("gemma2", "logits not capped", without(logit_cap=None)),
    ("gemma2", "scores scaled as usual", without(score_scale=None)),
    ("gemma2", "no norm after attention", lost("attention_post_norm")),
    ("gemma2", "no norm after the MLP", lost("mlp_post_norm")),
    ("gemma3", "one base for all layers", one_rope), ("gemma3", "no norm of keys", lost("k_norm")),
    ("gemma3, own ropes", "not stretched", plain_rope), ("gemma3, own ropes", "no window", NO_WINDOW),
    ("olmo2", "no norm of queries", lost("q_norm")), ("olmo2", "no norm after attention", lost("attention_post_norm")),
    ("olmo3", "one rope for all layers", one_rope), ("olmo3", "no window", NO_WINDOW),
    ("phi3", "no window", NO_WINDOW), ("phi3, longrope on a part", "not stretched", plain_rope),
    ("phi3, longrope on a part", "no amplitude", amplitude_lost),
    ("gpt2", "no positions", no_positions), ("gpt2", "exact gelu", without(activation="gelu")),
    ("gpt2", "mean not taken off", without(norm="rms")), ("gpt2", "no bias", no_bias("down")),
    ("gpt2, untied, wide", "scores scaled as usual", without(score_scale=None)),
    ("gpt_neox", "in sequence", without(parallel=False)), ("gpt_neox", "no bias", no_bias("out")),
    ("gpt_neox, in sequence, no bias", "in parallel", without(parallel=True)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "what", "mutate"), MUTANTS, ids=[f"{name}: {what}" for name, what, _ in MUTANTS])
def test_each_feature_matters(name: str, what: str, mutate: Callable[[DecoderConfig, Params], Model]) -> None:
    """Law: without the feature the log-probabilities are off by more than 1e-3 (ten tolerances)."""
    config, params, expected = case_of(name)
    changed = mutate(config, params)
    assert np.abs(direct(*changed, 24) - expected).max() > 1e-3, what
