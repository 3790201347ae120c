"""Hugging Face folders: parity with the PyTorch reference, and one clear line for whatever is wrong with a folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from llama_reference import SMALL, Reference, write_folder

from steersman.models.decoder import Decoder
from steersman.models.decoder.families.llama import llama
from steersman.models.decoder.rope import Rope, frequencies
from steersman.models.errors import ModelError

CASES: dict[str, dict[str, Any]] = {
    "grouped heads, tied": {},
    "all heads, untied, llama3 rope": {
        "num_key_value_heads": 4, "tie_word_embeddings": False,
        "rope_parameters": {
            "rope_type": "llama3", "rope_theta": 10000.0, "factor": 4.0, "low_freq_factor": 1.0,
            "high_freq_factor": 4.0, "original_max_position_embeddings": 32,
        },
    },
    "one key head, wide heads, biases, linear rope": {
        "num_key_value_heads": 1, "head_dim": 16, "attention_bias": True, "mlp_bias": True,
        "rope_parameters": {"rope_type": "linear", "rope_theta": 500.0, "factor": 2.0},
    },
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_parity_with_transformers(case: str, tmp_path: Path) -> None:
    """Law: log-probabilities within 1e-4 of `transformers` in float32: prefill with a trunk, step decode, forked slots,
    teacher forcing; the tied case is written as shards.
    """
    torch = pytest.importorskip("torch")
    from transformers import LlamaConfig, LlamaForCausalLM

    known = {k: v for k, v in SMALL.items() if k != "rope_theta"}
    torch.manual_seed(0)
    config = LlamaConfig(**{**known, "initializer_range": 0.3, **CASES[case]})
    model = LlamaForCausalLM(config).eval()
    with torch.no_grad():
        for name, p in model.named_parameters():
            if name.endswith("bias"):  # initialised to zero, which would test nothing
                p.normal_(0, 0.3)
    model.save_pretrained(tmp_path, max_shard_size="10KB" if config.tie_word_embeddings else "1GB")

    def expected(rows: list[tuple[int, ...]]) -> np.ndarray:
        with torch.no_grad():
            return np.stack([model(torch.tensor([r])).logits[0, -1].log_softmax(-1).numpy() for r in rows])

    decoder = Decoder.from_folder(tmp_path)
    rng = np.random.default_rng(0)
    prompt = tuple(rng.integers(2, 61, 40).tolist())
    np.testing.assert_allclose(decoder.log_probs([prompt]), expected([prompt]), rtol=0, atol=1e-4)
    forks = [(*prompt, 7), (*prompt, 9), (*prompt, 9, 4), (*prompt, 9, 5)]
    np.testing.assert_allclose(decoder.log_probs(forks[:2]), expected(forks[:2]), rtol=0, atol=1e-4)
    np.testing.assert_allclose(decoder.log_probs(forks), expected(forks), rtol=0, atol=1e-4)
    tail = tuple(rng.integers(2, 61, 30).tolist())
    steps = expected([prompt + tail[:k] for k in range(30)])
    scored = decoder.score_sequences([prompt], [tail])[0]
    np.testing.assert_allclose(scored, steps[np.arange(30), tail], rtol=0, atol=1e-4)


def test_reference_without_torch(tmp_path: Path) -> None:
    """Law: the same against the numpy reference, untied and with biases; weights in two shards."""
    config = {**SMALL, "tie_word_embeddings": False, "attention_bias": True, "mlp_bias": True}
    reference = Reference(config, write_folder(tmp_path, config, seed=3, shards=2))
    p = tuple(range(3, 23))
    np.testing.assert_allclose(Decoder.from_folder(tmp_path).log_probs([p])[0], reference.next(p), rtol=0, atol=2e-5)


def test_special_tokens(tmp_path: Path) -> None:
    """Law: ends named by either file count; sizes come from config.json."""
    write_folder(tmp_path, SMALL)
    (tmp_path / "generation_config.json").write_text(json.dumps({"eos_token_id": [5, 1]}))
    decoder = Decoder.from_folder(tmp_path)
    assert (decoder.bos_id, decoder.eos_ids) == (0, (5, 1))
    assert (decoder.vocab_size, decoder.max_length) == (61, 128)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"architectures": ["MambaForCausalLM"]}, "'MambaForCausalLM' is not supported; supported: .*LlamaForCausalLM"),
        ({"rope_scaling": {"rope_type": "ntk", "factor": 2.0}}, "'ntk' is not supported"),
        ({"rope_scaling": {"type": "linear"}}, "needs factor"),
        ({"hidden_act": "mish"}, "hidden_act 'mish'"),
        ({"num_hidden_layers": 3}, r"no tensor 'model.layers.2"),
        ({"intermediate_size": 40}, r"has shape \[48, 32\]; config.json asks for \[40, 32\]"),
        ({"num_key_value_heads": 3}, "evenly"),
        ({"vocab_size": None}, "vocab_size must be a positive integer"),
    ],
)
def test_wrong_configuration(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    """Law: one line, naming what is wrong."""
    write_folder(tmp_path, SMALL)
    (tmp_path / "config.json").write_text(json.dumps({**SMALL, **change}))
    with pytest.raises(ModelError, match=message) as e:
        Decoder.from_folder(tmp_path)
    assert "\n" not in str(e.value)


def test_missing_and_corrupt_files(tmp_path: Path) -> None:
    """Law: the error names the file."""
    with pytest.raises(ModelError, match="nowhere: no such folder"):
        Decoder.from_folder(tmp_path / "nowhere")
    with pytest.raises(ModelError, match=r"config\.json: no such file"):
        Decoder.from_folder(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ModelError, match=r"config\.json: not readable as JSON"):
        Decoder.from_folder(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(SMALL))
    with pytest.raises(ModelError, match=r"no \*.safetensors"):
        Decoder.from_folder(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"\x08\x00\x00\x00\x00\x00\x00\x00garbage!")
    with pytest.raises(ModelError, match=r"model\.safetensors: not readable"):
        Decoder.from_folder(tmp_path)
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": "gone.safetensors"}}))
    with pytest.raises(ModelError, match=r"gone\.safetensors: no such file"):
        Decoder.from_folder(tmp_path)
    with pytest.raises(ModelError, match="dtype 'int4'"):
        Decoder.from_folder(tmp_path, dtype="int4")


def test_non_finite_logits(tmp_path: Path) -> None:
    """Law: NaN in the weights is reported with the length of the prefix, by every question; nothing bad is kept."""
    from safetensors.numpy import load_file, save_file

    write_folder(tmp_path, SMALL)
    tensors = load_file(tmp_path / "model.safetensors")
    tensors["model.embed_tokens.weight"][9] = np.nan  # tied: poisons every distribution
    save_file(tensors, tmp_path / "model.safetensors")
    decoder = Decoder.from_folder(tmp_path)
    for ask in (
        lambda: decoder.draw([(3, 4, 5)], [0.5]),
        lambda: decoder.score([(3, 4, 5)], [1]),
        lambda: decoder.log_probs([(3, 4, 5)]),
        lambda: decoder.top([(3, 4, 5)]),
        lambda: decoder.log_mass([(3, 4, 5)], np.ones((1, 61), bool)),
        lambda: decoder.score_sequences([(3, 4, 5)], [(1, 2)]),
    ):
        with pytest.raises(ModelError, match="non-finite logits after prefixes of 3"):
            ask()
    assert decoder.stats.slots == 0


def test_old_and_new_rope_keys_agree() -> None:
    """Law: `rope_scaling` with `rope_theta` means what `rope_parameters` means."""
    spec = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
    spec["original_max_position_embeddings"] = 64
    old = llama({**SMALL, "rope_theta": 77.0, "rope_scaling": spec})
    new = llama({**SMALL, "rope_parameters": {**spec, "rope_theta": 77.0}})
    assert old.ropes == new.ropes == (Rope(77.0, "llama3", 8.0, 1.0, 4.0, 64),)


def test_llama3_frequencies() -> None:
    """Law: fast waves are kept, slow ones divided by the factor, the ones between lie between."""
    rope = Rope(10000.0, "llama3", 8.0, 1.0, 4.0, 64)
    plain, scaled = frequencies(Rope(), 32), frequencies(rope, 32)
    waves = 2 * np.pi / plain
    np.testing.assert_allclose(scaled[waves < 16], plain[waves < 16])
    np.testing.assert_allclose(scaled[waves > 64], plain[waves > 64] / 8)
    assert ((scaled <= plain) & (scaled >= plain / 8 * 0.999)).all()
