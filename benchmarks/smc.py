"""What inference costs on top of decoding: SMC against the bare batched decode loop, in one process.

    python -m benchmarks.smc [--particles 8 32 128] [--tokens 64] [--repeats 3]

The program draws a text of exactly `tokens` tokens and weighs every one, and SMC compares its particles at every token:
every round has bookkeeping, a decision, and now and then a resampling. For each number of particles:

- tokens x particles per second of SMC and of the bare loop (`Decoder.draw` on the same prompt, one readback a token),
  and their ratio in time (1.25 is the goal from 32 particles on); runs alternate and the best of each is compared;
- resamplings and forks of a run, engine milliseconds a round (SMC less bare), microseconds for one fork;
- programs compiled by the first run and by the repeats (the second number must be 0).

At the end the peak memory of the process.
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np

from benchmarks.decode import decode
from steersman import models
from steersman.inference import SMC, Posterior, infer
from steersman.models import NeuralLM
from steersman.ppl import Key, Particle, advance, factor, program, sample

PROMPT = "Once upon a time there was a little girl. She lived in a house by the sea."


@program
async def weighed(lm: NeuralLM, tokens: int) -> int:
    """A text of so many tokens; each is weighed, mildly, so that particles differ and are resampled sometimes."""
    context, even = lm.context(PROMPT), 0
    for _ in range(tokens):
        token = await sample(lm.next(context), "token")
        context = context + token
        even += token % 2 == 0
        await factor(0.4 * (token % 2 == 0))
    return even


def forks(posterior: Posterior) -> tuple[int, int]:
    """Resamplings of a run, and children that were not the first of their parent."""
    genealogy = posterior.genealogy
    assert genealogy is not None
    born = [t for t in range(1, len(genealogy)) if genealogy.resampled(t)]
    return len(born), sum(genealogy.sizes[t] - len(np.unique(genealogy.parents(t))) for t in born)


def fork_time(lm: NeuralLM, tokens: int) -> float:
    """Seconds to fork one particle after half of its tokens."""
    particle, drawn = Particle(weighed(lm, tokens)), [0]

    def stop(p: Particle, effect: object) -> bool:
        drawn[0] += 1
        return drawn[0] == tokens

    advance([particle], Key(0), stop=stop)
    times = []
    for _ in range(30):
        start = time.perf_counter()
        particle.fork()
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    parser = argparse.ArgumentParser(description="SMC against the bare decode loop.")
    parser.add_argument("--particles", type=int, nargs="+", default=[8, 32, 128])
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    lm = models.load()
    stats = lm.decoder.stats
    prompt = lm.context(PROMPT).tokens
    print(f"{args.tokens} tokens; tokens x particles per second")
    print("   N     SMC    bare  time ratio  resampled  forks  engine ms/round  fork us  compiled")
    for n in args.particles:
        method = SMC(n)
        lm.decoder.clear()
        stats.reset()
        infer(weighed(lm, args.tokens), method, seed=99)
        decode(lm.decoder, n, args.tokens, 99, prompt)
        first = stats.compiles
        stats.reset()
        smc = bare = np.inf
        for repeat in range(args.repeats):
            lm.decoder.clear()
            start = time.perf_counter()
            decode(lm.decoder, n, args.tokens, repeat, prompt)
            bare = min(bare, time.perf_counter() - start)
            lm.decoder.clear()
            start = time.perf_counter()
            posterior = infer(weighed(lm, args.tokens), method, seed=repeat)
            smc = min(smc, time.perf_counter() - start)
        resampled, forked = forks(posterior)
        total = n * args.tokens
        print(f"{n:>4} {total / smc:>7.0f} {total / bare:>7.0f} {smc / bare:>11.2f} {resampled:>10} {forked:>6} "
              f"{(smc - bare) / args.tokens * 1e3:>16.2f} {fork_time(lm, args.tokens) * 1e6:>8.0f}  "
              f"{first}+{stats.compiles}")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
