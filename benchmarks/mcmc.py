"""What a step of MCMC costs: as many language-model tokens as it draws, whatever the length of the text before the cut.

    python -m benchmarks.mcmc [--chains 32] [--tokens 128] [--steps 12] [--new 8 32 64 128]

A text of exactly `tokens` tokens is moved by `suffix` with the cut always k tokens before its end. For each k:

- tokens in the ledger for each step and chain (k, for the beginning is not computed again), and positions that the
  decoder really computed for each: k, and what rejected proposals made it feed again, one token for every fork;
- milliseconds a step, and the same of the bare decode loop that draws k tokens in as many rows behind contexts that are
  already in the cache, and their ratio;
- programs compiled by the first steps and by the measured ones (the second number must be 0).

Then `block` in the middle of the text: the tokens that follow are scored in one pass, whose time is given as a share of
the time that drawing them would take. Runs alternate, the best of each is compared.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from benchmarks.decode import decode
from benchmarks.smc import PROMPT
from steersman import models
from steersman.inference import MH, Kernel, block, infer, suffix
from steersman.models import NeuralLM
from steersman.ppl import Trace, factor, program, sample


@program
async def story(lm: NeuralLM, tokens: int) -> int:
    """A text of so many tokens, weighed mildly."""
    text = await sample(lm.text(PROMPT, max_tokens=tokens), "text")
    await factor(0.1 * sum(t % 2 == 0 for t in text.tokens))
    return len(text.tokens)


def cut_at(new: int, tokens: int) -> Kernel:
    """The suffix move that draws the last `new` tokens."""

    def at(trace: Trace) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        weights = np.zeros(len(trace["text"].tokens))
        weights[min(tokens - new, len(weights) - 1)] = 1.0
        return weights

    return suffix(at=at)


def measure(lm: NeuralLM, tokens: int, move: Kernel, chains: int, steps: int) -> tuple[float, float, float, str]:
    """(tokens in the ledger a step and chain, positions computed, best seconds a step, programs compiled)."""
    stats = lm.decoder.stats
    lm.decoder.clear()
    stats.reset()
    task = story(lm, tokens)  # one call: the executions of another one would be scored again at the start
    start = infer(task, MH(chains, steps, move, warmup=0), seed=99)
    first = stats.compiles
    stats.reset()
    best = np.inf
    for repeat in range(2):
        begin = time.perf_counter()
        posterior = infer(task, MH(chains, steps, move, warmup=0, init=start), seed=repeat)
        best = min(best, (time.perf_counter() - begin) / steps)
    each = chains * steps
    return posterior.cost.tokens / each, stats.positions / each / 2, best, f"{first}+{stats.compiles}"


def bare(lm: NeuralLM, new: int, chains: int) -> float:
    """Seconds to draw `new` tokens in as many rows, their contexts cached."""
    prompt = lm.context(PROMPT).tokens
    best = np.inf
    for repeat in range(3):
        begin = time.perf_counter()
        decode(lm.decoder, chains, new, repeat, prompt)
        best = min(best, time.perf_counter() - begin)
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description="MCMC steps against the bare decode loop.")
    parser.add_argument("--chains", type=int, default=32)
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--new", type=int, nargs="+", default=[8, 32, 64, 128])
    args = parser.parse_args()
    lm = models.load()
    print(f"{args.chains} chains, texts of {args.tokens} tokens")
    print("  move       k   ledger tokens/step  computed/step  ms/step  bare ms  ratio  compiled")
    for new in args.new:
        ledger, positions, seconds, compiled = measure(
            lm, args.tokens, cut_at(new, args.tokens), args.chains, args.steps)
        loop = bare(lm, new, args.chains)
        print(f"  suffix {new:>5} {ledger:>20.1f} {positions:>14.1f} {seconds * 1e3:>8.1f} {loop * 1e3:>8.1f} "
              f"{seconds / loop:>6.2f}  {compiled}")
    move = block(length=4)
    ledger, positions, seconds, compiled = measure(lm, args.tokens, move, args.chains, args.steps)
    loop = bare(lm, args.tokens // 2, args.chains)
    print(f"  block      4 {ledger:>20.1f} {positions:>14.1f} {seconds * 1e3:>8.1f} {loop * 1e3:>8.1f} "
          f"{seconds / loop:>6.2f}  {compiled}   (bare: half of the text drawn)")


if __name__ == "__main__":
    main()
