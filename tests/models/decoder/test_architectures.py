"""Every architecture against the PyTorch reference of `transformers`, on small random checkpoints.

Log-probabilities agree to 1e-4 in float32 however the text came in.
"""

from __future__ import annotations

from pathlib import Path

import jax
import numpy as np
import pytest
from random_checkpoints import CASES, TEXT, case_of, direct, log_probs, write_random
from safetensors.numpy import load_file, save_file

from steersman.models.decoder import Decoder
from steersman.models.decoder.families import read

pytest.importorskip("torch")
pytestmark = pytest.mark.slow  # PyTorch, and a compilation for each architecture
CLOSE: dict[str, float] = {"rtol": 0, "atol": 1e-4}
FIRST = {CASES[name][0]: name for name in reversed(CASES)}
"""Of each family, its first case."""


@pytest.mark.parametrize("name", CASES)
def test_forward_pass(name: str) -> None:
    """Law: the forward pass, first without and then with a trunk before the own cache, is the reference's."""
    config, params, expected = case_of(name)
    np.testing.assert_allclose(direct(config, params, 24), expected, **CLOSE)


@pytest.mark.parametrize("name", CASES)
def test_runtime(name: str, tmp_path: Path) -> None:
    """Law: so is what the decoder answers, from a sharded checkpoint: a shared prompt as trunk, single steps, forks,
    rows of different lengths in one batch, a population drawn token by token, teacher forcing, and no cache at all.
    """
    model = write_random(tmp_path, name, shard="20KB")
    assert len(list(tmp_path.glob("model-*.safetensors"))) > 1
    decoder = Decoder.from_folder(tmp_path)
    prompt, tail = TEXT[:20], TEXT[20:]
    expected = log_probs(model, [TEXT])[0]
    np.testing.assert_allclose(decoder.log_probs([prompt] * 3)[0], expected[19], **CLOSE)
    assert decoder._engine.banks._banks[0].table.trunk == prompt
    for k in range(1, 28):
        np.testing.assert_allclose(decoder.log_probs([prompt + tail[:k]])[0], expected[19 + k], **CLOSE)
    forks = [(*prompt, *tail[:2], 7), (*prompt, *tail[:2], 9, 4), (*prompt, 11), (*prompt, *TEXT[:25])]
    for got, row in zip(decoder.log_probs(forks), log_probs(model, forks), strict=True):
        np.testing.assert_allclose(got, row[-1], **CLOSE)
    scored = decoder.score_sequences([prompt, prompt], [tail, tail[:9]])
    np.testing.assert_allclose(scored[0], expected[np.arange(19, 47), tail], **CLOSE)
    np.testing.assert_allclose(scored[1], scored[0][:9], **CLOSE)
    rows, log_p = [(*prompt, 5), prompt, prompt, (*prompt, 5, 6)], []
    for u in np.random.default_rng(1).uniform(size=(16, 4)):
        tokens, _, now = decoder.draw(rows, u)
        rows = [(*row, t) for row, t in zip(rows, tokens.tolist(), strict=True)]
        log_p.append(now)
    for i, (row, every) in enumerate(zip(rows, log_probs(model, rows), strict=True)):
        at = np.arange(len(row) - 16, len(row))
        np.testing.assert_allclose([now[i] for now in log_p], every[at - 1, [row[k] for k in at]], **CLOSE)
    decoder.clear()
    np.testing.assert_allclose(decoder.log_probs([TEXT])[0], expected[-1], **CLOSE)


@pytest.mark.parametrize("name", FIRST.values())
def test_other_head(name: str, tmp_path: Path) -> None:
    """Law: the same where the head is tied if it was not, and untied if it was."""
    tied = not case_of(name)[0].tied
    model = write_random(tmp_path, name, tie_word_embeddings=tied)
    config, params = read(tmp_path, "float32")
    assert config.tied == tied == (params.head is None)
    np.testing.assert_allclose(direct(config, params, 24), log_probs(model, [TEXT])[0], **CLOSE)


@pytest.mark.parametrize("name", FIRST.values())
def test_small_types(name: str, tmp_path: Path) -> None:
    """Law: stored in bfloat16 or int8 the model is nearly the same, on weights large enough to make the most of every
    error: KL below 0.004 and 0.03 nats a token; and it is not float32 by another name.
    """
    model = write_random(tmp_path, name)
    expected = log_probs(model, [TEXT])[0]
    for dtype, bound in (("bfloat16", 0.004), ("int8", 0.03)):
        found = direct(*read(tmp_path, dtype), 24)
        assert np.sum(np.exp(expected) * (expected - found), 1).mean() < bound, dtype
        assert np.abs(found - expected).max() > 1e-2, dtype


@pytest.mark.parametrize(
    ("name", "rename"), [("gpt2", ("transformer.", "")), ("gpt_neox", ("embed_out.", "lm_head."))]
)
def test_other_names(name: str, rename: tuple[str, str], tmp_path: Path) -> None:
    """Law: checkpoints under other names that versions of transformers gave, with masks beside the weights, are the
    same.
    """
    write_random(tmp_path, name)
    _, params = read(tmp_path, "float32")
    written = load_file(tmp_path / "model.safetensors")
    tensors = {k.replace(*rename): v for k, v in written.items()}
    assert set(tensors) != set(written)
    layer = "h.0.attn" if name == "gpt2" else "gpt_neox.layers.0.attention"
    masks = {f"{layer}.bias": np.ones((1, 1, 8, 8), np.uint8), f"{layer}.masked_bias": np.float32([-1e9])}
    save_file(tensors | masks, tmp_path / "model.safetensors")
    _, again = read(tmp_path, "float32")
    assert jax.tree.all(jax.tree.map(np.array_equal, params, again))
