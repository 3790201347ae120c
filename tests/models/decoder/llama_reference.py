"""A second Llama, written from the definition in float64 numpy without any cache, to hold the runtime against."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

SMALL: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "vocab_size": 61,
    "max_position_embeddings": 128,
    "rms_norm_eps": 1e-5,
    "tie_word_embeddings": True,
    "bos_token_id": 0,
    "eos_token_id": 1,
    "rope_theta": 10000.0,
}


def random_tensors(config: dict[str, Any], seed: int = 0) -> dict[str, np.ndarray]:
    """Random weights under their Hugging Face names, large enough that the distributions are far from uniform."""
    rng = np.random.default_rng(seed)
    H, I, V = config["hidden_size"], config["intermediate_size"], config["vocab_size"]
    D = config["head_dim"]
    n, k = config["num_attention_heads"] * D, config["num_key_value_heads"] * D

    def w(*shape: int, scale: float = 1.0) -> np.ndarray:
        return (rng.normal(size=shape) * scale / np.sqrt(shape[-1])).astype(np.float32)

    tensors = {"model.embed_tokens.weight": w(V, H, scale=3.0), "model.norm.weight": 1 + w(H)}
    if not config["tie_word_embeddings"]:
        tensors["lm_head.weight"] = w(V, H, scale=2.0)
    for i in range(config["num_hidden_layers"]):
        base = f"model.layers.{i}."
        shapes = {"self_attn.q": (n, H), "self_attn.k": (k, H), "self_attn.v": (k, H), "self_attn.o": (H, n)}
        shapes |= {"mlp.gate": (I, H), "mlp.up": (I, H), "mlp.down": (H, I)}
        for name, shape in shapes.items():
            tensors[f"{base}{name}_proj.weight"] = w(*shape, scale=1.5)
            if config.get("attention_bias" if "attn" in name else "mlp_bias"):
                tensors[f"{base}{name}_proj.bias"] = w(shape[0])
        tensors[base + "input_layernorm.weight"] = 1 + w(H)
        tensors[base + "post_attention_layernorm.weight"] = 1 + w(H)
    return tensors


def write_folder(folder: Path, config: dict[str, Any], seed: int = 0, shards: int = 1) -> dict[str, np.ndarray]:
    """A Hugging Face folder with random weights; returns the tensors."""
    tensors = random_tensors(config, seed)
    (folder / "config.json").write_text(json.dumps(config))
    if shards == 1:
        save_file(tensors, folder / "model.safetensors")
        return tensors
    names = sorted(tensors)
    index = {}
    for s in range(shards):
        part = {n: tensors[n] for n in names[s::shards]}
        save_file(part, folder / f"model-{s}.safetensors")
        index |= dict.fromkeys(part, f"model-{s}.safetensors")
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": index}))
    return tensors


class Reference:
    """log p of every next token after every prefix of a text, computed from scratch."""

    def __init__(self, config: dict[str, Any], tensors: dict[str, np.ndarray]) -> None:
        self.config = config
        self.t = {k: v.astype(np.float64) for k, v in tensors.items()}
        self._known: dict[tuple[int, ...], np.ndarray] = {}

    def next(self, prefix: tuple[int, ...]) -> np.ndarray:
        """Log-probabilities [V] after a prefix."""
        if prefix not in self._known:
            self._known[prefix] = self.all(prefix)[-1]
        return self._known[prefix]

    def all(self, text: tuple[int, ...]) -> np.ndarray:
        """Log-probabilities [len, V] after each token of a text."""
        c, t = self.config, self.t
        N, K, D = c["num_attention_heads"], c["num_key_value_heads"], c["head_dim"]
        n = len(text)
        x = t["model.embed_tokens.weight"][list(text)]
        f = c["rope_theta"] ** (-np.arange(0, D, 2) / D)
        turn = np.exp(1j * np.arange(n)[:, None] * f)[:, None]  # rotation as complex multiplication

        def norm(x: np.ndarray, name: str) -> np.ndarray:
            return x / np.sqrt((x**2).mean(-1, keepdims=True) + c["rms_norm_eps"]) * t[name + ".weight"]

        def linear(x: np.ndarray, name: str) -> np.ndarray:
            return x @ t[name + ".weight"].T + t.get(name + ".bias", 0.0)

        def rotate(x: np.ndarray) -> np.ndarray:
            z = (x[..., : D // 2] + 1j * x[..., D // 2 :]) * turn
            return np.concatenate([z.real, z.imag], -1)

        causal = np.where(np.tri(n, dtype=bool), 0.0, -np.inf)
        for i in range(c["num_hidden_layers"]):
            base = f"model.layers.{i}."
            h = norm(x, base + "input_layernorm")
            q = rotate(linear(h, base + "self_attn.q_proj").reshape(n, N, D))
            k = rotate(linear(h, base + "self_attn.k_proj").reshape(n, K, D)).repeat(N // K, 1)
            v = linear(h, base + "self_attn.v_proj").reshape(n, K, D).repeat(N // K, 1)
            s = np.einsum("anD,bnD->nab", q, k) / np.sqrt(D) + causal
            e = np.exp(s - s.max(-1, keepdims=True))
            a = np.einsum("nab,bnD->anD", e / e.sum(-1, keepdims=True), v).reshape(n, N * D)
            x = x + linear(a, base + "self_attn.o_proj")
            h = norm(x, base + "post_attention_layernorm")
            g = linear(h, base + "mlp.gate_proj")
            x = x + linear(g / (1 + np.exp(-g)) * linear(h, base + "mlp.up_proj"), base + "mlp.down_proj")
        head = t["model.embed_tokens.weight" if c["tie_word_embeddings"] else "lm_head.weight"]
        logits = norm(x, "model.norm") @ head.T
        peak = logits.max(-1, keepdims=True)
        return logits - peak - np.log(np.exp(logits - peak).sum(-1, keepdims=True))

    def score(self, prefix: tuple[int, ...], tail: tuple[int, ...]) -> np.ndarray:
        rows = self.all(prefix + tail)
        return np.array([rows[len(prefix) - 1 + k, token] for k, token in enumerate(tail)])
