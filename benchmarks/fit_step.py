"""What learning costs: one step of `fit` beside drawing as many tokens without it.

    python -m benchmarks.fit_step [--draws 16] [--tokens 32] [--steps 6] [--rank 8]

Embedded model. The program draws a text and weighs it; the guide is the same model with a trainable part, fitted by the
ELBO. A step draws `draws` texts of up to `tokens` tokens from the guide, scores them under the program, and takes the
gradient. In turns with it, so that all see the same machine: the bare decode loop of the base, and `Importance` with
the guide (which draws and scores, and learns nothing). Per token that was drawn, the best of `steps`:

- `bare`: step / bare loop; `infer`: step / Importance;
- `compiled`: programs that JAX compiled in the first two steps, and in all later ones. The second number must be 0.
  Steps whose texts end earlier than before may need one more size; with `--tokens` below about 40 nearly none end.
"""

from __future__ import annotations

import argparse
import time

import jax

from benchmarks.decode import decode
from steersman import models
from steersman.inference import Importance, infer
from steersman.inference.run import Run
from steersman.inference.run.schedule import run_together
from steersman.inference.variational import Guide, elbo
from steersman.inference.variational.training import training
from steersman.models import AdaptedLM, LogitBias, LoRA, NeuralLM, SoftPrompt
from steersman.ppl import Key, factor, program, sample

PROMPT = "Once upon a time there was a little girl. She lived in a house by the sea."
WARM = 2

compiled = [0]


def _count(event: str, _: float, **__: object) -> None:
    compiled[0] += event == "/jax/core/compile/backend_compile_duration"


@program
async def story(lm: NeuralLM, tokens: int) -> int:
    text = await sample(lm.text(PROMPT, max_tokens=tokens), "text")
    await factor(0.1 * text.count("a"))
    return len(text.tokens)


@program
async def telling(lm: AdaptedLM, tokens: int) -> None:
    await sample(lm.text(PROMPT, max_tokens=tokens), "text")


def measure(base: NeuralLM, lm: AdaptedLM, draws: int, tokens: int, steps: int) -> str:
    """One line of the table."""
    guide, model = Guide(telling(lm, tokens), lm), story(base, tokens)
    work, prompt = training(guide, elbo, 0.001, draws, None), base.context(PROMPT).tokens
    seconds: dict[str, list[float]] = {"step": [], "bare": [], "infer": []}
    counts: list[int] = []

    async def run_steps() -> None:
        run, key = Run(model, 0), Key(0)
        for _ in range(WARM + steps):
            base.decoder.clear()
            before, start = compiled[0], time.perf_counter()
            found = await work.step(run, key)
            jax.block_until_ready(lm.params)
            drawn = sum(len(e.trace["text"].tokens) for those in found.draws for e in those)
            seconds["step"].append((time.perf_counter() - start) / drawn)
            counts.append(compiled[0] - before)
            others()

    def others() -> None:
        base.decoder.clear()
        start = time.perf_counter()
        decode(base.decoder, draws, tokens, len(counts), prompt)
        seconds["bare"].append((time.perf_counter() - start) / (draws * tokens))
        base.decoder.clear()
        start = time.perf_counter()
        posterior = infer(model, Importance(draws, proposal=guide), seed=len(counts))
        seconds["infer"].append((time.perf_counter() - start) / sum(posterior.values))

    run_together([run_steps()])
    step, bare, inferred = (min(seconds[name][WARM:]) for name in ("step", "bare", "infer"))
    name = " + ".join(type(a).__name__ for a in lm.adapters)
    return (f"{name:30} {draws * tokens * step:8.3f} s {step / bare:7.2f} {step / inferred:7.2f}   "
            f"{sum(counts[:WARM])}+{sum(counts[WARM:])}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in (("draws", 16), ("tokens", 32), ("steps", 6), ("rank", 8)):
        parser.add_argument(f"--{name}", type=int, default=value)
    args = parser.parse_args()
    jax.monitoring.register_event_duration_secs_listener(_count)
    base = models.load()
    print(f"{args.draws} texts of {args.tokens} tokens a step; per token, a step takes so many times as long as\n"
          f"{'':30}       step    bare   infer   compiled")
    low, soft, bias = LoRA(args.rank), SoftPrompt(16), LogitBias()
    for adapters in ((bias,), (low,), (soft,), (low, soft, bias)):
        print(measure(base, base.adapted(*adapters), args.draws, args.tokens, args.steps), flush=True)


if __name__ == "__main__":
    main()
