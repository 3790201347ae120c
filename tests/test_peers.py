"""The comparison with other libraries: that all sides are given the same work, and that other work does not count."""

from __future__ import annotations

import re
import sys
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.peers.checkpoint import END, never_ending
from benchmarks.peers.rows import OURS, Row, WrongWork, check
from benchmarks.peers.short_words import END as BETWEEN
from benchmarks.peers.short_words import PATTERN, advance, masks
from benchmarks.peers.table import Times, goals, show
from benchmarks.peers.work import Job
from benchmarks.peers.worker import Failed, Worker
from steersman import models
from steersman.models import NeuralLM


def test_the_automaton_of_short_words_accepts_what_its_regex_matches() -> None:
    """Two spellings of one language, which different sides use: equal on all short strings of a small alphabet."""
    for length in range(9):
        for text in product(b"a .", repeat=length):
            piece = bytes(text)
            assert (advance(BETWEEN, piece) is not None) == bool(re.fullmatch(PATTERN, piece.decode()))
    for piece in (b" a\n", " é".encode(), b" a-b", b" abcdef"):
        assert advance(BETWEEN, piece) is None and not re.fullmatch(PATTERN, piece.decode())


def test_masks_hold_the_tokens_that_the_automaton_survives() -> None:
    """Of every state; tokens without bytes are in none."""
    pieces = [b"", b" a", b"bcd", b"!", b" "]
    found = masks(pieces)
    assert found[BETWEEN] == {1, 4} and found[1] == {1, 2, 3, 4} and found[4] == {1, 3, 4} and found[6] == {2}


def test_the_checkpoint_without_end_is_the_embedded_one(tmp_path: Path) -> None:
    """Same prompt, same log-probabilities; only the token of the byte 0 ends a text."""
    mine, embedded = models.load(never_ending(tmp_path)), models.load()
    assert isinstance(mine, NeuralLM) and isinstance(embedded, NeuralLM)
    (end,) = mine.eos
    assert end not in embedded.eos and embedded.tokenizer.token_bytes[end] == b"\0" and END == "Ā"
    prompt = embedded.context("A cat").tokens
    assert mine.context("A cat").tokens == prompt
    ours, theirs = (lm.next_log_probs([prompt], None, None) for lm in (mine, embedded))
    assert np.abs(ours - theirs).max() < 1e-4 and ours[0, end] < -10  # rounding depends on the shape of a batch


@pytest.mark.parametrize(("change", "message"), [
    ({"prompt": [2]}, "continued the tokens"), ({"drawn": 5}, "drew 5 tokens, not 4"),
    ({"texts": [[1, 2], [1]]}, "a text has 1 tokens"), ({"texts": [[1, 2], [1, 9]]}, "a long word"),
    ({"texts": None}, "left no text"),
])
def test_other_work_than_was_asked_does_not_count(change: dict[str, Any], message: str) -> None:
    """Another prompt, fewer tokens, a text that breaks the constraint."""
    job = Job("constrained", "x", particles=2, tokens=2, seed=0)
    answer: dict[str, Any] = {"prompt": [1], "drawn": 4, "texts": [[1, 2], [1, 2]]}

    def decode(tokens: list[int]) -> str:
        return "".join({1: " cat", 2: ".", 9: "erpillar"}[t] for t in tokens)

    check(job, answer, [1], decode)
    with pytest.raises(WrongWork, match=message):
        check(job, answer | change, [1], decode)


def test_a_peer_that_is_not_installed_says_so() -> None:
    """Where the interpreter or the library is absent: a reason for the table, no traceback."""
    with pytest.raises(Failed, match="not installed"):
        Worker("no-such-python", "in_llamppl", Path("nowhere"))
    with pytest.raises(Failed, match=r"not installed: No module named '(torch|llamppl)'"):
        Worker(sys.executable, "in_llamppl", Path("nowhere"))


def test_the_table_compares_medians_and_shows_what_is_missing() -> None:
    """Ours to bare decode, a peer's to ours; a bound, a single run and a failure are marked as such."""
    bare, smc, peer, slow = Row(OURS, "bare"), Row(OURS, "smc"), Row("LLaMPPL", "smc"), Row("genlm-control", "smc")
    absent = Row("transformers", "bare")
    results = {
        (bare, 64, 32): Times([1.0, 9.0, 2.0], drawn=2048), (smc, 64, 32): Times([2.0, 3.0, 2.2], drawn=2048),
        (peer, 64, 32): Times([22.0], drawn=2048), (slow, 64, 32): Times(drawn=2048, bound=50.0),
        (absent, 64, 32): Times(failure="not installed"),
    }
    table = show(results, [bare, smc, peer, slow, absent], [64], [32])
    assert re.search(r"bare decode +977\n", table) and re.search(r"SMC +1074 1\.10x", table)
    assert re.search(r"10742\* 10\.00x", table) and re.search(r">24414 >22\.73x", table)
    assert re.search(r"failed\n", table) and table.endswith("transformers, bare decode: not installed")
    lines = goals(results, [64], [32]).splitlines()
    assert [line.split()[-2] == "NOT" for line in lines] == [False, False, True]
    assert all(line.endswith("met") for line in lines)
