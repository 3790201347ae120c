"""Steersman beside LLaMPPL, genlm-control and `transformers`, on the embedded checkpoint: one table.

    make bench-peers                       (installs the peers into .venv-peers first)
    python -m benchmarks.peers [--python .venv-peers/bin/python] [--particles 8 32 128] [--tokens 64 256]
                               [--repeats 3] [--limit 300] [--only Steersman ...]

Every side is a process of its own, in float32, which loads the checkpoint once and then does one run at a time, in turn
with the others: the same prompt, as many tokens, particles and a seed. Caches are emptied before each run, a run
includes the prompt, and what each draws is checked. A cell is the time of a run over the tokens that it drew, in
microseconds: the median of the repeats, after a run that is not counted (the whole job for us, whose programs it
compiles; eight tokens for peers). A * marks a cell of one run, for runs longer than a tenth of the limit are not
repeated; a > one whose run was stopped at the limit, so that it takes longer than the figure. x: ours to our bare
decode, a peer's to ours at the same task.

Tasks: bare decode; SMC, every token weighed; constrained SMC (words of at most five letters); SMC guided by a reward of
the text so far; MH, four steps that draw the second half of the text anew (counted with the texts it starts from).
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from benchmarks.peers.checkpoint import never_ending
from benchmarks.peers.rows import MODULES, OURS, ROWS, Row, WrongWork, check, expected
from benchmarks.peers.table import Cell, Times, goals, show
from benchmarks.peers.work import Job
from benchmarks.peers.worker import Failed, TooSlow, Worker
from benchmarks.smc import PROMPT
from steersman import models

WARM = 8
"""Tokens of a peer's run that is not counted."""


def measure(row: Row, worker: Worker, times: Times, tokens: int, particles: int, seed: int, limit: float) -> None:
    """One run of a cell, and before the first one a run that is not counted. Repeats of long runs are left out."""
    if times.failure or times.bound or (times.seconds and times.seconds[0] > limit / 10):
        return
    job = Job(row.task, PROMPT, particles, tokens, seed)
    lm = models.load()
    prompt = list(lm.context(PROMPT).tokens)
    times.drawn = expected(job)
    try:
        if not times.seconds:
            first = Job(row.task, PROMPT, particles, tokens if row.side == OURS else WARM, 99)
            times.first_compiled = worker.run(first, limit)["compiled"]
        answer = worker.run(job, limit)
        check(job, answer, prompt, lm.tokenizer.decode)
    except TooSlow:
        times.bound = limit
    except (Failed, WrongWork) as error:
        times.failure = str(error)
    else:
        print(f"  {row.side} {row.task}: {answer['seconds']:.2f} s", file=sys.stderr, flush=True)
        times.seconds.append(answer["seconds"])
        times.later_compiled += answer["compiled"]


def start(sides: list[str], python: str, folder: Path) -> dict[str, Worker | str]:
    """A process for each side, or why there is none."""
    found: dict[str, Worker | str] = {}
    for side in sides:
        try:
            found[side] = Worker(sys.executable if side == OURS else python, MODULES[side], folder)
        except Failed as error:
            found[side] = str(error)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="Steersman beside its peers.")
    parser.add_argument("--python", default=".venv-peers/bin/python", help="the interpreter that has the peers")
    parser.add_argument("--particles", type=int, nargs="+", default=[8, 32, 128])
    parser.add_argument("--tokens", type=int, nargs="+", default=[64, 256])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--limit", type=float, default=300.0, help="seconds that one run may take")
    parser.add_argument("--only", nargs="+", default=[*MODULES], choices=[*MODULES], metavar="SIDE")
    args = parser.parse_args()
    load = os.getloadavg()[0]
    rows = [row for row in ROWS if row.side in args.only]
    results: dict[Cell, Times] = {(r, t, n): Times() for r in rows for t in args.tokens for n in args.particles}
    with tempfile.TemporaryDirectory() as folder:
        workers = start(args.only, args.python, never_ending(Path(folder)))
        try:
            for tokens in args.tokens:
                for particles in args.particles:
                    print(f"{tokens} tokens, N = {particles}", file=sys.stderr, flush=True)
                    for seed in range(args.repeats):
                        for row in rows:
                            times, worker = results[row, tokens, particles], workers[row.side]
                            if isinstance(worker, str):
                                times.failure = worker
                            else:
                                measure(row, worker, times, tokens, particles, seed, args.limit)
        finally:
            for worker in workers.values():
                if isinstance(worker, Worker):
                    worker.close()
    print("microseconds for a token of a particle, and ratios: ours to our bare decode, a peer's to ours")
    print(f"processes that ran or waited for a core when it began (0 on a quiet machine): {load:.1f}\n")
    print(show(results, rows, args.tokens, args.particles))
    print()
    print(goals(results, args.tokens, args.particles))


if __name__ == "__main__":
    main()
