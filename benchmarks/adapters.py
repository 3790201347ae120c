"""What adapters cost: decoding beside the base, and one gradient.

    python -m benchmarks.adapters [--rank 8] [--rows 32] [--tokens 64] [--texts 64] [--repeats 5]

Embedded model. First tokens x rows per second of the decode loop (`benchmarks.decode`) of the base, of adapted models,
and of a decoder whose weights have LoRA merged into them, a second copy of these; runs alternate, the best of each is
shown. Then the seconds to assign parameters, and of one gradient of `texts` texts of 32 tokens behind a prompt of 20:
the first, which compiles, and the best; beside it those of scoring the texts on the decoder, nothing cached.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from benchmarks.decode import PROMPT, decode
from benchmarks.turns import best
from steersman import models
from steersman.models import AdaptedLM, LogitBias, LoRA, SoftPrompt
from steersman.models.decoder import Decoder
from steersman.ppl import Text

LENGTH = 32  # tokens of a text


def merged(lm: AdaptedLM) -> Decoder:
    """The decoder of weights W + A B, a copy of those that are adapted."""
    params = lm.decoder.params
    layers = []
    for layer in params.layers:
        parts: dict[str, Any] = {}
        for target in ("qkv", "out", "gate_up", "down"):
            by = getattr(layer, target)
            parts[target] = by._replace(weight=by.weight + by.low.a @ by.low.b, low=None)
        layers.append(layer._replace(**parts))
    return lm.base.decoder.beside(params._replace(layers=tuple(layers)))


def perturbed(lm: AdaptedLM) -> AdaptedLM:
    rng = np.random.default_rng(0)
    lm.params = jax.tree.map(lambda a: np.asarray(a) + 0.01 * rng.normal(size=a.shape), lm.params)
    return lm


def seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def decoding(base: models.NeuralLM, args: argparse.Namespace) -> None:
    low = perturbed(base.adapted(LoRA(args.rank)))
    soft, bias = perturbed(base.adapted(SoftPrompt(16))), perturbed(base.adapted(LogitBias()))
    virtual = tuple(range(base.vocab_size, base.vocab_size + 16))
    plain: tuple[int, ...] = tuple(range(2, 2 + PROMPT))
    cases = {
        "base": (base.decoder, plain), f"LoRA({args.rank})": (low.decoder, plain), "merged": (merged(low), plain),
        "LogitBias()": (bias.decoder, plain), "SoftPrompt(16)": (soft.decoder, virtual + plain),
    }

    def loop(decoder: Decoder, prompt: tuple[int, ...]) -> Callable[[], None]:
        def run() -> None:
            decoder.clear()
            decode(decoder, args.rows, args.tokens, 0, prompt)

        return run

    runs = {name: loop(*case) for name, case in cases.items()}
    found, total = best(runs, args.repeats), args.rows * args.tokens
    for name, took in found.items():
        print(f"{name:16} {total / took:8.0f} tokens/s at {args.rows} rows, {found['base'] / took:5.2f} of the base")


def gradients(lm: AdaptedLM, args: argparse.Namespace) -> None:
    rng = np.random.default_rng(1)
    pieces = lm.tokenizer.token_bytes
    words = [i for i, piece in enumerate(pieces) if piece[:1] == b" " and piece[1:].isalpha()]
    dist = lm.text(lm.context() + rng.choice(words, PROMPT - 1), max_tokens=LENGTH)
    drawn = [tuple(rng.choice(words, LENGTH).tolist()) for _ in range(args.texts)]
    values = [Text(b"".join([pieces[t] for t in tokens]).decode(), tokens) for tokens in drawn]
    members, weights = [dist] * args.texts, rng.normal(size=args.texts)

    def gradient() -> None:
        jax.block_until_ready(lm.gradient(members, values, weights))

    def score() -> None:
        lm.decoder.clear()
        type(dist).log_prob(members, values)

    def assign() -> None:
        lm.params = lm.params

    first = seconds(gradient)
    found = best({"gradient": gradient, "score": score, "assign": assign}, args.repeats)
    name = " + ".join(type(a).__name__ for a in lm.adapters)
    print(f"{name:32} first {first:6.1f} s, then {found['gradient']:6.3f} s a gradient, {found['score']:6.3f} s to "
          f"score, {found['assign'] * 1e3:5.1f} ms to assign", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in (("rank", 8), ("rows", 32), ("tokens", 64), ("texts", 64), ("repeats", 5)):
        parser.add_argument(f"--{name}", type=int, default=value)
    args = parser.parse_args()
    base = models.load()
    decoding(base, args)
    low, soft, bias = LoRA(args.rank), SoftPrompt(16), LogitBias()
    for adapters in ((low,), (soft,), (bias,), (low, soft, bias)):
        gradients(perturbed(base.adapted(*adapters)), args)


if __name__ == "__main__":
    main()
