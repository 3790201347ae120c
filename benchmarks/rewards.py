"""Scoring texts by a reward model: all in one batch against one by one.

    python -m benchmarks.rewards [--texts 128] [--repeats 5]

The reward model is the embedded checkpoint with a random classification head. Texts of a few lengths, alone or behind a
prompt that all share, as the texts of one round do: texts per second in one batch and one by one, and their ratio (10
is the goal for 128 texts); runs alternate and the best of each is compared. One by one, a text is padded to the next
power of two, which the prompts are chosen to nearly fill, and no rows are added. Then programs compiled by the
first run and by the repeats (the second must be 0), and by how much the rewards differ. The last line is a token reward
in JAX, where nothing but dispatch is shared.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from safetensors.numpy import load_file, save_file

from benchmarks.turns import best
from steersman import models
from steersman.models.load import EMBEDDED
from steersman.models.rewards import HeadReward, Reward


def classifier(folder: Path) -> HeadReward:
    """The embedded model with a random head of one label."""
    shutil.copytree(EMBEDDED, folder, dirs_exist_ok=True)
    config = json.loads((folder / "config.json").read_text())
    config |= {"architectures": ["LlamaForSequenceClassification"], "id2label": {"0": "good"}}
    (folder / "config.json").write_text(json.dumps(config))
    tensors = load_file(folder / "model.safetensors")
    rng = np.random.default_rng(0)
    tensors["score.weight"] = rng.normal(size=(1, config["hidden_size"])).astype(np.float32)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    return models.load_reward(folder)


def some_texts(lm: models.NeuralLM, n: int, prompt: int, least: int, most: int) -> list[str]:
    """n texts of `least` to `most` tokens (nearly: they are words, encoded anew) behind the same `prompt` of tokens."""
    rng = np.random.default_rng(1)
    words = [i for i, piece in enumerate(lm.tokenizer.token_bytes) if piece[:1] == b" " and piece[1:].isalpha()]
    before = rng.choice(words, prompt).tolist()
    lengths = np.linspace(least, most, n).round().astype(int)
    return [lm.tokenizer.decode([*before, *rng.choice(words, k).tolist()]) for k in rng.permutation(lengths)]


def compare(name: str, reward: Reward, stats: Any, texts: list[str], repeats: int) -> None:
    def together() -> Any:
        return reward.scores(texts)

    def alone() -> Any:
        return np.array([reward(text) for text in texts])

    before = stats.compiles
    apart = float(np.abs(together() - alone()).max())
    first = stats.compiles
    seconds = best({"batch": together, "one by one": alone}, repeats)
    n, ratio = len(texts), seconds["one by one"] / seconds["batch"]
    print(f"{name:30} {n / seconds['batch']:10.0f} {n / seconds['one by one']:12.0f} {ratio:6.1f}x "
          f"{first - before:9} {stats.compiles - first:6}   {apart:.0e}", flush=True)


def mean_token(tokens: Any, lengths: Any) -> Any:
    at = jnp.arange(tokens.shape[1])
    return jnp.where(at < lengths[:, None], tokens, 0).sum(1) / jnp.maximum(lengths, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    lm = models.load()
    heads = f"{'batch/s':>10} {'one by one/s':>12} {'ratio':>7} {'compiled':>9} {'again':>6}   differ by"
    print(f"{options.texts} texts".ljust(30), heads)
    with tempfile.TemporaryDirectory() as folder:
        reward = classifier(Path(folder))
        for prompt, least, most in ((0, 6, 14), (0, 24, 56), (46, 6, 14), (110, 6, 14), (238, 6, 14)):
            texts = some_texts(lm, options.texts, prompt, least, most)
            name = f"head, {prompt} + {least} to {most} tokens"
            compare(name, reward, reward.head.stats, texts, options.repeats)
    plain = models.token_reward(mean_token, lm)
    texts = some_texts(lm, options.texts, 0, 24, 56)
    compare("token function", plain, plain.stats, texts, options.repeats)


if __name__ == "__main__":
    main()
