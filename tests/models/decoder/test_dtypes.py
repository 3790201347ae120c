"""Weights stored small: how far log-probabilities move on the embedded model, and what is read from the files."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
from llama_reference import SMALL, Reference, write_folder
from safetensors.numpy import save_file

from steersman import models
from steersman.models.decoder import Decoder
from steersman.models.decoder.families import read
from steersman.models.errors import ModelError

TEXT = (
    "Once upon a time there was a little girl who lived with her mother at the edge of a great wood. One day her "
    "mother said to her, take this basket to your grandmother, and do not stop on the way. The girl put on her red "
    "cloak and ran down the path, and before long she met a wolf."
)


@cache
def scores(dtype: str) -> tuple[np.ndarray, np.ndarray]:
    """log p of every token of TEXT, and of every next token in its middle, on the embedded model."""
    lm = models.load(dtype=dtype)
    assert lm.bos is not None
    tokens = tuple(lm.tokenizer.encode(TEXT))
    middle = (lm.bos, *tokens[: len(tokens) // 2])
    return lm.decoder.score_sequences([(lm.bos,)], [tokens])[0], lm.decoder.log_probs([middle])[0]


@pytest.mark.slow
@pytest.mark.parametrize(("dtype", "error", "divergence"), [("bfloat16", 0.02, 1e-4), ("int8", 0.05, 2e-3)])
def test_stated_error(dtype: str, error: float, divergence: float) -> None:
    """Law: the mean error of the log p of a token, and KL(float32 | stored) of a next token, in nats, are within four
    times what docs/architectures.md states; and neither type is float32 by another name.
    """
    (exact, whole), (found, rough) = scores("float32"), scores(dtype)
    assert 1e-4 < np.abs(found - exact).mean() < error
    assert 0 < np.sum(np.exp(whole) * (whole - rough)) < divergence


def test_int8_is_to_the_nearest(tmp_path: Path) -> None:
    """Law: each weight is within half a step of its channel, the largest of a channel is exact, a channel of zeros
    stays zero; and int8 weights take a byte each.
    """
    tensors = write_folder(tmp_path, SMALL)
    tensors["model.layers.0.mlp.down_proj.weight"][3] = 0.0
    save_file(tensors, tmp_path / "model.safetensors")
    _, params = read(tmp_path, "int8")
    down, scale = params.layers[0].down.weight, params.layers[0].down.scale
    assert down.dtype == jnp.int8 and scale is not None
    want = tensors["model.layers.0.mlp.down_proj.weight"].T
    off = np.abs(np.asarray(down, np.float32) * np.asarray(scale) - want)
    assert (off <= 0.5001 * np.asarray(scale)).all() and (off[:, 3] == 0).all()
    np.testing.assert_allclose(off[np.abs(want).argmax(0), np.arange(32)], 0, atol=1e-6)
    step = np.asarray(params.embed.scale)[:, None]
    rows = np.asarray(params.embed.weight, np.float32) * step - tensors["model.embed_tokens.weight"]
    assert (np.abs(rows) <= 0.5001 * step).all()


@pytest.mark.parametrize("stored", [np.float16, ml_dtypes.bfloat16, np.float64])
def test_types_of_files(stored: type, tmp_path: Path) -> None:
    """Law: whatever floating type the files hold, the model is the one with these numbers."""
    tensors = {k: v.astype(stored) for k, v in write_folder(tmp_path, SMALL).items()}
    save_file(tensors, tmp_path / "model.safetensors")
    text = tuple(range(3, 23))
    expected = Reference(SMALL, tensors).next(text)
    np.testing.assert_allclose(Decoder.from_folder(tmp_path).log_probs([text])[0], expected, rtol=0, atol=2e-5)


def test_integers_are_no_weights(tmp_path: Path) -> None:
    """Law: quantised tensors are refused even where config.json does not mention them."""
    tensors = write_folder(tmp_path, SMALL)
    name = "model.layers.1.self_attn.o_proj.weight"
    save_file(tensors | {name: tensors[name].astype(np.int8)}, tmp_path / "model.safetensors")
    with pytest.raises(ModelError, match=f"'{name}' is of type int8; supported: float64, float32"):
        Decoder.from_folder(tmp_path)


def test_a_head_beside_a_tied_one(tmp_path: Path) -> None:
    """Law: a copy of the embedding under the name of the head is the tied head; another head is refused."""
    tensors = write_folder(tmp_path, SMALL)
    head = tensors["model.embed_tokens.weight"].copy()
    save_file(tensors | {"lm_head.weight": head}, tmp_path / "model.safetensors")
    assert read(tmp_path, "float32")[1].head is None
    save_file(tensors | {"lm_head.weight": head * 2}, tmp_path / "model.safetensors")
    with pytest.raises(ModelError, match=r"tie_word_embeddings is true, .* 'lm_head.weight' of its own; set it to"):
        read(tmp_path, "float32")


def test_weights_that_nobody_uses(tmp_path: Path) -> None:
    """Law: a checkpoint with weights that its config.json does not account for is refused; stored constants are not."""
    tensors = write_folder(tmp_path, SMALL)
    constants = {"model.layers.0.self_attn.rotary_emb.inv_freq": np.ones(4, np.float32)}
    save_file(tensors | constants, tmp_path / "model.safetensors")
    read(tmp_path, "float32")
    extra = {"model.layers.0.self_attn.q_proj.bias": np.ones(32, np.float32)}
    save_file(tensors | extra, tmp_path / "model.safetensors")
    with pytest.raises(ModelError, match=r"does not use tensors .*: model.layers.0.self_attn.q_proj.bias"):
        read(tmp_path, "float32")
