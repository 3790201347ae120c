"""A run is a function of its seed: company, structure, forks and replays change no bit."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from exhaustive import Table, coin
from hypothesis import given, settings
from hypothesis import strategies as st
from programs import ALL, JUDGE, LM

from steersman.ppl import (
    Invocation,
    Key,
    Particle,
    Trace,
    advance,
    batched,
    call,
    factor,
    observe,
    program,
    sample,
    twist,
    unfold,
)
from steersman.ppl.frames import ProgramFrame


def outcome(p: Particle) -> Any:
    """Everything that a finished particle knows, to the bit."""
    return p.slot, p.killed_by, p.log_weight, None if p.trace is None else p.trace.to_json()


def run(model: Invocation[Any], slots: list[int], key: Key) -> list[Any]:
    particles = [Particle(model, slot) for slot in slots]
    advance(particles, key)
    return [outcome(p) for p in particles]


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(ALL), st.integers(0, 2**32), st.lists(st.integers(0, 99), min_size=1, max_size=8, unique=True))
def test_company_does_not_matter(model: Invocation[Any], seed: int, slots: list[int]) -> None:
    """Batched = one by one = in another order, bit for bit; and twice the same seed gives twice the same run."""
    together = run(model, slots, Key(seed))
    assert together == [run(model, [slot], Key(seed))[0] for slot in slots]
    assert together == run(model, slots[::-1], Key(seed))[::-1]


def test_other_programs_are_no_company_either() -> None:
    """Particles of several programs in one request draw what they draw alone."""
    mixed = [Particle(model, slot) for slot, model in enumerate(ALL)]
    advance(mixed, Key(5))
    assert [outcome(p) for p in mixed] == [run(model, [slot], Key(5))[0] for slot, model in enumerate(ALL)]


def test_masks_and_temperatures_of_others_change_no_bit() -> None:
    """A plain token distribution scores the same to the bit beside tempered and masked ones."""
    plain = [LM.next(p) for p in ("", "a", "ab", "bb")]
    beside = [*plain, LM.next("a", temperature=1.3), LM.next("b").masked([1])]
    for value in range(3):
        alone = [type(d).log_prob([d], [value])[0] for d in plain]
        assert type(plain[0]).log_prob(beside, [value] * 5 + [1])[:4].tolist() == alone
    keys = Key(9).split(list(range(6)))
    tokens, log_q = type(plain[0]).draw(beside, keys)
    for i, d in enumerate(beside):
        one, lq = type(d).draw([d], Key(9).split([i]))
        assert (one[0], lq[0]) == (tokens[i], log_q[i])


@program
async def flat(n: int) -> str:
    out = ""
    for _ in range(n):
        out += await sample(Table(a=0.5, b=0.3, c=0.2), "letter")
        await factor(0.1 * out.count("a"), "likes")
    return out


@program
async def one_step(out: str) -> str:
    out += await sample(Table(a=0.5, b=0.3, c=0.2), "letter")
    await factor(0.1 * out.count("a"), "likes")
    return out


@program
async def by_sub_programs(n: int) -> str:
    out = ""
    for _ in range(n):
        out = await one_step(out)
    return out


@program
async def by_unfold(n: int) -> str:
    return await unfold(one_step, "", lambda s: len(s) == n)


@pytest.mark.parametrize("n", [0, 1, 7])
def test_flat_equals_sub_program_equals_unfold(n: int) -> None:
    """The same effects in other scopes: same draws, same weights, bit for bit."""
    runs = []
    for form in (flat, by_sub_programs, by_unfold):
        particles = [Particle(form(n), slot) for slot in range(16)]
        advance(particles, Key(11))
        runs.append([(p.value, p.log_weight, p.trace.log_joint) for p in particles])  # type: ignore[union-attr]
    assert runs[0] == runs[1] == runs[2]


@batched
def lengths(words: list[str]) -> list[int]:
    return [len(w) for w in words]


@program
async def random_program(shape: tuple[int, ...], out: str = "") -> str:
    """A program for every tuple of small integers: each opens another kind of site."""
    for i, kind in enumerate(shape):
        if kind == 0:
            out += await sample(Table(a=0.6, b=0.4), "letter")
        elif kind == 1:
            out += await sample(LM.text(out[-2:].replace("c", "a"), max_tokens=3, stop="ab"), "text")
        elif kind == 2:
            out += await sample(
                JUDGE.text("a", max_tokens=2), "judged", proposal=LM.text("b", max_tokens=1, temperature=0.7)
            )
        elif kind == 3:
            await factor(-0.2 * len(out))
            await twist(0.5 * out.count("a"))
        elif kind == 4:
            out = await random_program(shape[i + 1 :][:2], out)
        elif kind == 5:
            end = len(out) + 2
            out = await unfold(one_step, out, lambda s, end=end: len(s) >= end, "more")
        elif kind == 6:
            out += "c" * (await call(lengths, out) % 3)
        else:
            await observe(coin(0.9), "heads" if out else "tails")
    return out


shapes = st.lists(st.integers(0, 7), min_size=1, max_size=6).map(tuple)


@settings(max_examples=60, deadline=None)
@given(shapes, st.integers(0, 2**32), st.integers(1, 15), st.booleans())
def test_a_fork_is_the_original(shape: tuple[int, ...], seed: int, where: int, first: bool) -> None:
    """Fork anywhere, go on with the same keys: identical to the bit, whichever of the two runs first; and the fork
    does not disturb the original, which ends as it would have without it."""

    def to_the_fork() -> Particle:
        particle = Particle(random_program(shape), 3)
        left = [where]

        def stop(p: Particle, effect: Any) -> bool:
            left[0] -= 1
            return left[0] == 0

        advance([particle], Key(seed), stop=stop)
        return particle

    original, undisturbed = to_the_fork(), to_the_fork()
    child = original.fork()
    grandchild = child.fork(slot=4)
    for p in (child, original) if first else (original, child):
        advance([p], Key(seed + 1))
    advance([undisturbed], Key(seed + 1))
    assert outcome(child) == outcome(original) == outcome(undisturbed)
    grandchild.slot = 3
    advance([grandchild], Key(seed + 1))
    assert outcome(grandchild) == outcome(original)


@settings(max_examples=30, deadline=None)
@given(shapes, st.integers(0, 2**32), st.integers(1, 15))
def test_forks_share_nothing_that_changes(shape: tuple[int, ...], seed: int, where: int) -> None:
    """After a fork, running one of the two to its end leaves the trace, weight and place of the other alone."""
    particle = Particle(random_program(shape), 0)
    left = [where]

    def stop(p: Particle, effect: Any) -> bool:
        left[0] -= 1
        return left[0] == 0

    advance([particle], Key(seed), stop=stop)
    child = particle.fork()
    before = place(child)
    mine, yours = containers(particle), containers(child)
    assert not {id(c) for c in mine} & {id(c) for c in yours}
    advance([particle], Key(seed + 1))
    assert place(child) == before


def place(p: Particle) -> Any:
    return p.partial_trace().to_json(), p.log_weight, None if p.done else p.address


def containers(particle: Particle) -> list[Any]:
    """The lists and dicts that a suspended particle writes to."""
    found: list[Any] = [particle.frames, particle.answered]
    for frame in particle.frames:
        holders = [frame, getattr(frame, "machine", None)]
        slots = [getattr(h, s, None) for h in holders if h is not None for s in type(h).__slots__]
        found += [x for x in slots if isinstance(x, (list, dict))]
    return found


def replayed(particle: Particle) -> int:
    """How many recorded sites a fork of this particle sends through a coroutine."""
    return sum(len(f.sites()) for f in particle.frames if isinstance(f, ProgramFrame))


def stopped_after(model: Invocation[Any], letters: int) -> Particle:
    particle = Particle(model)
    seen = [0]

    def stop(p: Particle, effect: Any) -> bool:
        seen[0] += effect.name in ("letter", "token")
        return seen[0] == letters

    advance([particle], Key(2), stop=stop)
    assert not particle.done
    return particle


def test_what_a_fork_replays() -> None:
    """A flat program replays every site; returned sub-programs are one site each; inside an unfold or a text the cost
    of a fork does not grow."""

    @program
    async def long_text() -> str:
        from steersman.models import TableLM

        return await sample(TableLM.random(3, eos=None).text("", max_tokens=10_000), "line")

    calls: list[int] = []

    @program
    async def counted(n: int) -> str:
        out = ""
        for _ in range(n):
            out += await sample(coin(), "letter")
            calls.append(0)  # counts, and changes nothing that the program sees
        return out

    for n in (10, 40):
        assert replayed(stopped_after(flat(99), n)) == 2 * n - 1
        assert replayed(stopped_after(by_sub_programs(99), n)) == n
        assert replayed(stopped_after(by_unfold(99), n)) == 1
        assert replayed(stopped_after(long_text(), n)) == 0
        particle = stopped_after(counted(99), n)
        calls.clear()
        particle.fork()
        assert len(calls) == n


def test_a_replay_calls_nothing() -> None:
    """Recorded calls, draws and scores are not made again."""
    asked: list[str] = []

    @batched
    def costly(words: list[str]) -> list[str]:
        asked.extend(words)
        return words

    @program
    async def model() -> str:
        word = await call(costly, "word")
        letter = await sample(coin(), "letter")
        await observe(coin(), letter)
        return word + letter + await sample(coin(), "letter")

    particle = stopped_after(model(), 1)
    Table.calls.clear()
    child = particle.fork()
    assert asked == ["word"] and Table.calls == []
    advance([child], Key(0))
    assert asked == ["word"] and child.value.startswith("word")


def test_another_process_gives_the_same_run() -> None:
    """No hash seed, no process state: the same seed in another interpreter gives the same traces."""
    script = (
        "import json; from programs import ALL; from steersman.ppl import Key, Particle, advance\n"
        "ps = [Particle(m, i) for i, m in enumerate(ALL)]; advance(ps, Key(8))\n"
        "print(json.dumps([p.trace and p.trace.to_json() for p in ps]))"
    )
    import json
    import os

    env = {**os.environ, "PYTHONHASHSEED": "77", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=env, check=True)
    mine = [Particle(m, i) for i, m in enumerate(ALL)]
    advance(mine, Key(8))
    assert json.loads(done.stdout) == [p.trace and p.trace.to_json() for p in mine]
    assert isinstance(Trace.from_json(json.loads(done.stdout)[0]), Trace)
