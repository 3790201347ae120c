"""What constraints cost: masks on the host, masks on the device, and SMC under a constraint against SMC without.

    python -m benchmarks.constraints [--particles 64] [--rounds 60] [--tokens 96] [--repeats 5]

- A round of texts under a JSON schema, with a vocabulary of 32,000 tokens (a byte-level BPE that is trained here on the
  Python standard library): milliseconds to clone and advance the states of all particles, to make their masks, to bring
  these to the device, and all of it (median and 90th percentile of the rounds; 2 ms is the goal at 64 particles), for
  particles that write different records, and for groups of particles that write the same one. masks: how many
  different ones a round had. The first records, which build the automata of the schema, are not counted. Inside a
  string of bounded length (maxLength) the engine walks the whole vocabulary for a mask; inside others it knows most
  tokens beforehand.
- Milliseconds of the compiled draw, plain and with packed masks, their way to the device included.
- Microseconds a particle and token of SMC on the embedded model: without a constraint, with one that hardly forbids
  anything, and with the schema; the ratio to the first. Runs alternate, the best of each is compared.
"""

from __future__ import annotations

import argparse
import json
import sysconfig
import time
from collections.abc import Callable, Iterator
from itertools import count, islice
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.smc import PROMPT
from steersman import models
from steersman.inference import SMC, infer
from steersman.models import HuggingFaceTokenizer, NeuralLM
from steersman.models.decoder import programs
from steersman.models.decoder.draw import split_uniforms
from steersman.models.text import StopStrings
from steersman.models.where.progress import Ends, fill
from steersman.ppl import program, sample
from steersman.ppl.constraints import Constraint, Vocabulary, regex
from steersman.ppl.constraints.json_schema import JsonSchema, json_schema
from steersman.ppl.constraints.masks import pack

KINDS = ["cat", "dog", "fox", "bear"]
SYLLABLES = ["ba", "den", "fi", "gor", "hu", "kla", "lo", "mir", "nu", "pre", "sa", "ti", "vel", "wo"]


def large_tokenizer(size: int = 32_000) -> HuggingFaceTokenizer:
    """A byte-level BPE of the Python standard library; token 0 ends a text."""
    from tokenizers import Tokenizer, pre_tokenizers, trainers
    from tokenizers.models import BPE
    from transformers import PreTrainedTokenizerFast

    folder = Path(sysconfig.get_path("stdlib"))
    files = [str(p) for p in sorted([*folder.glob("*.py"), *folder.glob("[a-m]*/*.py")])]
    bpe = Tokenizer(BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    bpe.train(files, trainers.BpeTrainer(
        vocab_size=size, special_tokens=["<eos>"], initial_alphabet=alphabet, show_progress=False))
    return HuggingFaceTokenizer(PreTrainedTokenizerFast(tokenizer_object=bpe, eos_token="<eos>"), size)


def schema(**string: int) -> JsonSchema:
    """A record about a character of a story. string: what is asked of its strings."""
    words = {"type": "string", **string}
    properties = {
        "name": words,
        "age": {"type": "integer", "minimum": 1, "maximum": 120},
        "kind": {"enum": KINDS},
        "friends": {"type": "array", "items": words, "maxItems": 3},
    }
    return json_schema(
        {"type": "object", "properties": properties, "required": [*properties], "additionalProperties": False},
        whitespace="compact",
    )


def record(rng: np.random.Generator) -> str:
    """A text of the schema, of words of at most 9 letters."""

    def word() -> str:
        return "".join(rng.choice(SYLLABLES, 4))[: rng.integers(3, 10)].capitalize()

    friends = [word() for _ in range(rng.integers(4))]
    value = {"name": word(), "age": int(rng.integers(1, 121)), "kind": str(rng.choice(KINDS)), "friends": friends}
    return json.dumps(value, separators=(",", ":"))


def rounds(ends: Ends, n: int, groups: int, seed: int) -> Iterator[tuple[float, float, float, int]]:
    """Seconds to advance, to make masks and to upload them, and different masks, of each round, for ever.

    n texts in groups of equal ones; where one has ended the next begins.
    """
    rng = np.random.default_rng(seed)
    texts = [iter(()) for _ in range(groups)]
    states = [ends.start()] * groups
    while True:
        for g in range(groups):
            token = next(texts[g], None)
            if token is None:
                texts[g] = iter(ends.vocabulary.encode(record(rng)))
                states[g], token = ends.start(), next(texts[g])
            states[g] = states[g].advance(token)
        members = [states[i * groups // n] for i in range(n)]
        begin = time.perf_counter()
        assert not any(m.state.dead for m in members)  # asked, they read their tokens
        advanced = time.perf_counter()
        masks = fill(members)
        filled = time.perf_counter()
        jax.device_put(masks).block_until_ready()
        yield advanced - begin, filled - advanced, time.perf_counter() - filled, len({m.tobytes() for m in masks})


def host_side(particles: int, measured: int) -> None:
    vocabulary = Vocabulary.of(large_tokenizer())
    print(f"JSON, {vocabulary.size} tokens, {particles} particles")
    print("  strings      different texts   masks  clone+advance ms  masks ms  upload ms   total ms  90 %")
    for name, where in (("any length", schema()), ("maxLength 9", schema(maxLength=9))):
        ends = Ends(where, vocabulary, frozenset({0}), StopStrings(()), 200)
        for _ in islice(rounds(ends, particles, particles, 0), 100):
            pass
        for groups in sorted({particles, max(1, particles // 8), 1}, reverse=True):
            found = np.array(list(islice(rounds(ends, particles, groups, groups), measured)))
            parts = 1e3 * np.median(found[:, :3], 0)
            total = 1e3 * found[:, :3].sum(1)
            print(f"  {name:<12} {groups:>15} {found[:, 3].mean():>7.1f} {parts[0]:>17.2f} {parts[1]:>9.2f} "
                  f"{parts[2]:>10.3f} {np.median(total):>10.2f} {np.quantile(total, 0.9):>5.2f}")


def best_of(jobs: dict[str, Callable[[], int]], repeats: int) -> dict[str, float]:
    """The fewest seconds for one of the things that each job does (it says how many), run in turn, after one run that
    is not counted."""
    best = dict.fromkeys(jobs, np.inf)
    for repeat in range(repeats + 1):
        for name, job in jobs.items():
            begin = time.perf_counter()
            done = job()
            if repeat:
                best[name] = min(best[name], (time.perf_counter() - begin) / done)
    return best


def device_side(size: int, particles: int, repeats: int) -> None:
    rng = np.random.default_rng(0)
    logits = jnp.asarray(3 * rng.normal(size=(particles, size)), jnp.float32)
    log_z = jax.nn.logsumexp(logits, axis=-1)
    rows, uniforms = np.arange(particles, dtype=np.int32), split_uniforms(rng.uniform(size=particles))
    masks = pack(rng.uniform(size=(particles, size)) < 0.5)

    def draw(packed: np.ndarray[tuple[int, ...], np.dtype[np.uint32]] | None) -> int:
        np.asarray(programs.draw_rows(logits, log_z, rows, uniforms, None, packed))
        return 1

    best = best_of({"plain": lambda: draw(None), "masked": lambda: draw(masks)}, 20 * repeats)
    print(f"  {size:>6} tokens   plain {1e3 * best['plain']:.2f}   masked {1e3 * best['masked']:.2f}   "
          f"ratio {best['masked'] / best['plain']:.2f}")


@program
async def text(lm: NeuralLM, where: Constraint | None, tokens: int) -> None:
    await sample(lm.text(PROMPT, max_tokens=tokens, where=where), "text")


def in_smc(particles: int, tokens: int, repeats: int) -> None:
    lm = models.load()
    seeds = count()

    def run(where: Constraint | None) -> int:
        return infer(text(lm, where, tokens), SMC(particles), seed=next(seeds), progress=False).cost.tokens

    letters = regex(r"[A-Za-z ,.!?;:'\x22\n-]*")
    bounded = schema(maxLength=9)
    jobs = {"without": lambda: run(None), "letters": lambda: run(letters), "schema": lambda: run(bounded)}
    best = best_of(jobs, repeats)
    for name, seconds in best.items():
        print(f"  {name:<8} {1e6 * seconds:>6.0f} us   {seconds / best['without']:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description="What constraints cost.")
    parser.add_argument("--particles", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--tokens", type=int, default=96)
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    host_side(args.particles, args.rounds)
    print("milliseconds a draw on the device")
    for size in (4096, 32_000):
        device_side(size, args.particles, args.repeats)
    print(f"SMC, {args.particles} particles: microseconds a particle and token, ratio to SMC without a constraint")
    in_smc(args.particles, args.tokens, args.repeats)


if __name__ == "__main__":
    main()
