"""The bare batched decode loop: what every inference method's overhead is measured against.

    python benchmarks/decode.py MODEL_FOLDER [--rows 8 32 128] [--tokens 64] [--repeats 3]

For each number of rows it prints, all from one process:

- tokens x rows per second of `Decoder.draw`, one call and one readback a token, drawing on the device;
- the same for the compiled programs alone, fed with ready-made arrays; the difference is host overhead;
- programs compiled by the first run and by the repeats (which must be 0), and the seconds the first run took;
- the time to copy a slot, which is what a fork costs.

The best of the repeats is reported: on a shared machine that is the least disturbed one.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import jax
import numpy as np

from steersman.models.decoder import Decoder, programs
from steersman.models.decoder.attention import Trunk
from steersman.models.decoder.draw import split_uniforms
from steersman.models.decoder.forward import Feed

PROMPT = 20  # tokens


def seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def decode(
    decoder: Decoder, rows: int, tokens: int, seed: int, prompt: tuple[int, ...] = tuple(range(2, 2 + PROMPT))
) -> None:
    """The loop itself: one draw for every row, one readback a token."""
    rng = np.random.default_rng(seed)
    contexts = [prompt] * rows
    for _ in range(tokens):
        drawn, _, _ = decoder.draw(contexts, rng.uniform(size=rows))
        contexts = [(*c, t) for c, t in zip(contexts, drawn.tolist(), strict=True)]


def bare(decoder: Decoder, rows: int, tokens: int) -> Callable[[], None]:
    """The two programs of a step, without any of our bookkeeping."""
    device = decoder._engine.device
    depth, config = device.depth(tokens), decoder.config
    size = 1 << (PROMPT - 1).bit_length()
    one = programs.allocate(config=config, slots=1, depth=size, dtype=device.dtype)
    trunk = Trunk(*programs.as_trunk(one.cache))
    slots, ones = np.arange(rows, dtype=np.int32), np.ones(rows, np.int32)

    def run() -> None:
        state = programs.allocate(config=config, slots=rows, depth=depth, dtype=device.dtype)
        uniforms = split_uniforms(np.random.default_rng(0).uniform(size=rows))
        found = np.zeros((4, rows), np.float32)
        for k in range(tokens):
            feed = Feed(slots, ones * k, ones, ones * PROMPT, found[0].astype(np.int32)[:, None])
            state = programs.feed(device.params, state, trunk, feed, config=config, whole=True)
            found = np.asarray(programs.draw_rows(state.logits, state.log_z, slots, uniforms, None, None))

    run()
    return run


def copy_time(decoder: Decoder, rows: int, tokens: int) -> float:
    """Seconds to copy one slot, when half of them are copied at once."""
    device = decoder._engine.device
    state = programs.allocate(config=decoder.config, slots=rows, depth=device.depth(tokens), dtype=device.dtype)
    half = np.arange(rows // 2, dtype=np.int32)
    times = []
    for _ in range(12):
        start = time.perf_counter()
        state = programs.move(state, half, half + rows // 2, np.int32(len(half)))
        jax.block_until_ready(state)
        times.append(time.perf_counter() - start)
    return min(times) / len(half)


def main() -> None:
    parser = argparse.ArgumentParser(description="The bare batched decode loop.")
    parser.add_argument("model")
    parser.add_argument("--rows", type=int, nargs="+", default=[8, 32, 128])
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    decoder = Decoder.from_folder(args.model)
    stats = decoder.stats
    print(" rows  tokens/s  programs  host ms/step  compiled  first s  copy ms")
    for rows in args.rows:
        decoder.clear()
        stats.reset()
        first = seconds(lambda rows=rows: decode(decoder, rows, args.tokens, 0))
        compiled = stats.compiles
        stats.reset()
        loop = bare(decoder, rows, args.tokens)
        best = alone = np.inf
        for repeat in range(args.repeats):  # in turn, so that both see the same disturbance
            decoder.clear()
            best = min(best, seconds(lambda rows=rows, seed=repeat: decode(decoder, rows, args.tokens, seed)))
            alone = min(alone, seconds(loop))
        total = rows * args.tokens
        print(
            f"{rows:>5} {total / best:>9.0f} {total / alone:>9.0f} {(best - alone) / args.tokens * 1e3:>13.2f} "
            f"{compiled:>5}+{stats.compiles:<3} {first:>8.1f} {copy_time(decoder, rows, args.tokens) * 1e3:>8.3f}"
        )


if __name__ == "__main__":
    main()
