"""Where the time of one decode step goes, against what the machine could do.

    python -m benchmarks.roofline [MODEL_FOLDER] [--rows 8 32 128] [--own 8] [--repeats 50]

A step feeds one token to each of N rows, which share a prompt of 20 tokens (the trunk) and have `own` tokens of their
own, and draws the next. For the step and each of its parts: floating-point operations (2 for each multiply-add of a
product; what is done element by element is not counted), bytes, milliseconds, the share of the float32 matmul peak and
of the memory bandwidth that these make, and its share of the step. Bytes are the least that a part must move, each
operand once: its weights, the keys and values that its shapes cover, the logits. "bound" is the roofline (Williams et
al. 2009): the larger of operations / peak and bytes / bandwidth, in milliseconds. Bandwidth is that of memory; where
the weights stay in the processor's cache between two steps, a part can be faster than its bound.

The peak is that of a product of two 1024 x 1024 matrices, the bandwidth that of x + 1 in place over 256 MB, read and
written (also printed: over as many bytes as the weights take), by the same compiler. These and the
parts of a step, each alone in a compiled program of its own, take turns with the whole step:

- products: the four products of every layer, fed by each other; attention: writing keys and values, scores, softmax,
  weighted sums; head: logits and their normaliser; pointwise: the whole of `programs.feed` less these three (norms,
  rotations, activations, residual sums, and what starting many small operations costs);
- draw: `programs.draw_rows`; host: `Decoder.draw` less the two programs (bookkeeping, dispatch, the readback).

Everything is the best of the repeats: on a shared machine that is the least disturbed one.
"""

from __future__ import annotations

import argparse

import jax
import jax.numpy as jnp

from benchmarks.decode_step import Cost, Run, Step
from benchmarks.turns import best
from steersman.models.decoder import Decoder
from steersman.models.decoder.attention import HIGHEST
from steersman.models.load import EMBEDDED

SIDE, FAR = 1024, 1 << 26


def machine(working_set: int) -> dict[str, Run]:
    """What peak and bandwidths are measured by."""
    a = jnp.ones((SIDE, SIDE))
    dot = jax.jit(lambda a: jnp.dot(a, a, precision=HIGHEST))
    add = jax.jit(lambda x: x + 1, donate_argnums=0)  # in place: a fresh array would measure the system's page faults
    arrays = {"far": jnp.ones(FAR), "near": jnp.ones(working_set // 4)}

    def run(name: str) -> Run:
        def once() -> None:
            arrays[name] = add(arrays[name])
            arrays[name].block_until_ready()

        return once

    return {"dot": lambda: dot(a).block_until_ready(), "far": run("far"), "near": run("near")}


def table(step: Step, t: dict[str, float], peak: float, bandwidth: float) -> None:
    """Print the parts of one step from their seconds."""
    costs = step.costs()
    costs["feed"] = Cost(*map(sum, zip(*(costs[p] for p in ("products", "attention", "head")), strict=True)))
    costs["whole"] = Cost(*map(sum, zip(costs["feed"], costs["draw"], strict=True)))
    t["pointwise"] = t["feed"] - t["products"] - t["attention"] - t["head"]
    t["host"] = t["whole"] - t["feed"] - t["draw"]
    print(
        f"\n{step.rows} rows: {step.rows / t['whole']:.0f} tokens/s; cache of {step.depth} own positions, trunk of "
        f"{step.trunk_size}"
    )
    print("part         MFLOP      MB       ms  % of step  GFLOP/s  % of peak   GB/s  % of bandwidth  bound ms")
    for part in ("products", "attention", "head", "pointwise", "draw", "host", "whole"):
        seconds = t[part]
        start = f"{part:<10}"
        if part not in costs:
            print(f"{start} {'':>7} {'':>7} {seconds * 1e3:>8.3f} {100 * seconds / t['whole']:>10.0f}")
            continue
        flops, size = costs[part]
        bound = max(flops / peak, size / bandwidth)
        print(
            f"{start} {flops / 1e6:>7.1f} {size / 1e6:>7.2f} {seconds * 1e3:>8.3f} {100 * seconds / t['whole']:>10.0f} "
            f"{flops / seconds / 1e9:>8.1f} {100 * flops / seconds / peak:>10.0f} {size / seconds / 1e9:>6.1f} "
            f"{100 * size / seconds / bandwidth:>15.0f} {bound * 1e3:>9.3f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description="Where the time of one decode step goes, against the machine.")
    parser.add_argument("model", nargs="?", default=str(EMBEDDED))
    parser.add_argument("--rows", type=int, nargs="+", default=[8, 32, 128])
    parser.add_argument("--own", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=50)
    args = parser.parse_args()
    decoder = Decoder.from_folder(args.model)
    device = decoder._engine.device
    if device.depth(args.own) != device.depth(args.own + args.repeats + 2):
        parser.error(f"{args.repeats} steps from {args.own} own tokens on make the cache deepen; take fewer of either")
    weights = sum(a.nbytes for a in jax.tree.leaves(device.params))
    references = machine(weights)
    steps = [Step(decoder, rows, args.own) for rows in args.rows]
    seconds = [best(step.runs() | references, args.repeats) for step in steps]
    dot, far, near = (min(t[name] for t in seconds) for name in references)
    peak, bandwidth = 2 * SIDE**3 / dot, 8 * FAR / far
    print(
        f"peak {peak / 1e9:.0f} GFLOP/s; memory {bandwidth / 1e9:.1f} GB/s, over {weights / 1e6:.0f} MB (as the "
        f"weights) {2 * weights / near / 1e9:.1f} GB/s"
    )
    for step, t in zip(steps, seconds, strict=True):
        table(step, t, peak, bandwidth)


if __name__ == "__main__":
    main()
