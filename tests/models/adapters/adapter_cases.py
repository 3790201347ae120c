"""Small random models to adapt, and what an adapted Llama is in float64, without any of our code: merged weights, rows
of embedding in the text, added logits.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jax
import numpy as np

from steersman.models import LanguageModel, NeuralLM, SymbolTokenizer
from steersman.models.adapters import AdaptedLM
from steersman.models.decoder import Decoder
from steersman.models.decoder.families import architecture_of
from steersman.models.decoder.weights import Tensors
from steersman.ppl import Text
from tests.models.decoder.llama_reference import SMALL, Reference, write_folder
from tests.models.decoder.random_checkpoints import CASES, MODELS

V = 61
N, K = 4 * 8, 2 * 8  # columns of the queries and of the keys of SMALL


def language_model(decoder: Decoder) -> NeuralLM:
    """A decoder of 61 tokens, the first two of which begin and end a text, as a language model."""
    lm = object.__new__(NeuralLM)
    LanguageModel.__init__(lm)
    lm.decoder, lm.name = decoder, "small"
    lm.vocab_size, lm.max_length = decoder.vocab_size, decoder.max_length
    lm.bos, lm.eos = decoder.bos_id, frozenset(decoder.eos_ids)
    lm.tokenizer = SymbolTokenizer([f"<{i}>" for i in range(V)], special=(0, 1))
    return lm


def small_llama(dtype: str = "float32") -> tuple[NeuralLM, dict[str, Any]]:
    """A tiny random Llama, and its tensors."""
    with TemporaryDirectory() as folder:
        tensors = write_folder(Path(folder), SMALL)
        return language_model(Decoder.from_folder(folder, max_rows=16, dtype=dtype)), tensors


class RandomTensors(Tensors):
    """Every tensor that is asked for, at random."""

    def has(self, name: str) -> bool:
        return True

    def take(self, name: str, *shape: int) -> Any:
        rng = np.random.default_rng([len(name), *name.encode()])
        plain = len(shape) == 1
        scale = 0.4 if plain else 1.6 / np.sqrt(32)
        return (rng.normal(size=shape) * scale + (plain and "norm" in name)).astype(np.float32)


def of_family(case: str) -> NeuralLM:
    """A model of one of the cases of the tests of architectures, with other random weights."""
    family, settings = CASES[case]
    name = MODELS.get(family, f"{family}ForCausalLM")
    raw = {"architectures": [name], **settings}
    how = architecture_of(raw)
    config = how.config(raw)
    params = how.params(RandomTensors({}, config, "float32"), config)
    return language_model(Decoder(config, params, bos_id=0, eos_ids=(1,), max_rows=8))


def perturb(lm: AdaptedLM, scale: float = 0.2, seed: int = 0) -> None:
    """Parameters away from where they begin, so that every one of them counts."""
    rng = np.random.default_rng(seed)
    lm.params = jax.tree.map(lambda a: np.asarray(a) + scale * rng.normal(size=a.shape).astype(np.float32), lm.params)


def drawn(*tokens: int) -> Text:
    """The text of these tokens, ended by its length, or by the end-of-text token."""
    pieces = "".join(f"<{t}>" for t in tokens if t != 1)
    return Text(pieces, tokens, finish="eos" if tokens[-1] == 1 else "length")


def random_tokens(seed: int, n: int) -> tuple[int, ...]:
    return tuple(np.random.default_rng(seed).integers(2, V, n).tolist())


PROMPT = random_tokens(0, 20)
TAILS = [random_tokens(s, n) for s, n in ((1, 6), (2, 3), (3, 11))]
WEIGHTS = np.array([0.7, -1.3, 0.4])


def merged(tensors: dict[str, Any], theta: Any, scale: float) -> dict[str, Any]:
    """The tensors of a Llama with W + scale A B in place of every W."""
    out = {name: a.astype(np.float64) for name, a in tensors.items()}
    cuts = {
        "qkv": (("self_attn.q", 0, N), ("self_attn.k", N, N + K), ("self_attn.v", N + K, N + 2 * K)),
        "out": (("self_attn.o", 0, None),),
        "gate_up": (("mlp.gate", 0, 48), ("mlp.up", 48, 96)),
        "down": (("mlp.down", 0, None),),
    }
    for i, layer in theta.get("lora", {}).items():
        for target, pair in layer.items():
            delta = scale * np.asarray(pair["a"], np.float64) @ np.asarray(pair["b"], np.float64)
            for name, begin, end in cuts[target]:
                key = f"model.layers.{i}.{name}_proj.weight"
                out[key] = out[key] + delta[:, begin:end].T
    return out


def reference(
    tensors: dict[str, Any], theta: Any, text: tuple[int, ...], scale: float = 1.0, temperature: float = 1.0
) -> Any:
    """log q of every next token after each prefix of a text but the empty one, [len, V]; the text begins with bos."""
    weights = merged(tensors, theta, scale)
    rows = np.asarray(theta.get("prompt", np.zeros((0, 32))), np.float64)
    key = "model.embed_tokens.weight"
    weights[key] = np.concatenate([weights[key], rows])
    led = text[:1] + tuple(range(V, V + len(rows))) + text[1:]
    log_p = Reference(SMALL, weights).all(led)[len(rows) :, :V]
    log_p = (log_p + np.asarray(theta.get("bias", 0.0), np.float64)) / temperature
    peak = log_p.max(-1, keepdims=True)
    return log_p - peak - np.log(np.exp(log_p - peak).sum(-1, keepdims=True))


def score(
    tensors: dict[str, Any], theta: Any, context: tuple[int, ...], tail: tuple[int, ...], temperature: float = 1.0
) -> float:
    """log q of a tail after a context."""
    rows = reference(tensors, theta, context + tail, temperature=temperature)
    return float(sum(rows[len(context) - 1 + k, t] for k, t in enumerate(tail)))


def texts(lm: AdaptedLM, temperature: float = 1.0, prompt: tuple[int, ...] = PROMPT) -> tuple[list[Any], list[Any]]:
    """Distributions of texts behind a prompt, and the texts of TAILS."""
    start = lm.context() + prompt
    members = [lm.text(start, max_tokens=len(t), temperature=temperature) for t in TAILS]
    return members, [drawn(*t) for t in TAILS]


def moved_by(tree: Any, steps: dict[str, Any], at: str = "") -> Any:
    """The tree with a step added to each leaf, by path."""
    if not isinstance(tree, dict):
        return tree + steps[at]
    return {k: moved_by(v, steps, f"{at}/{k}" if at else k) for k, v in tree.items()}
