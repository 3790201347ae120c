"""The command as a process: pipes, statuses, signals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ENV = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p), "HF_HUB_OFFLINE": "1"}
COMMAND = [sys.executable, "-m", "steersman.cli"]
PROGRAM = "program p(n: int = 3):\n    total = 0\n    for i in range(n):\n        x ~ Bernoulli(0.5)\n" \
          "        total += x\n    condition total > 0\n    return total\n"
STORY = '''program story(words: list):
    context = lm.context()
    for word in words:
        text = lm.text(context, stop=".", max_tokens=20)
        sentence ~ text using text.favouring(" " + word, 5.0)
        condition sentence.finish == "stop" and word in words_of(sentence) as "says it"
        context = context + sentence + "."
    return str(context)
'''


def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], input=stdin, capture_output=True, text=True, env=ENV, check=False)


def test_a_pipe() -> None:
    """Program in, one strict JSON object out, nothing else; no JAX is needed for a program without distributions of
    its own."""
    done = run("run", "-", "--method", "enumerate", "--json", stdin=PROGRAM)
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout, parse_constant=lambda name: pytest.fail(name))
    assert found["file"] == "-" and len(found["values"]) == 7 and done.stdout.count("\n") == 1


def test_statuses() -> None:
    """0 fine, 1 the program, 2 the command line, 3 all dead."""
    assert run("check", "-", stdin=PROGRAM).returncode == 0
    done = run("run", "-", "--json", stdin=PROGRAM.replace("total +=", "totl +="))
    assert done.returncode == 1 and json.loads(done.stdout)["diagnostics"] and "<stdin>:5:" in done.stderr
    assert run("run", "-", "--method", "smcc", stdin=PROGRAM).returncode == 2
    done = run("run", "-", stdin=PROGRAM.replace("total > 0", "total < 0"))
    assert done.returncode == 3 and done.stdout == "" and "condition" in done.stderr


def test_a_reader_that_leaves() -> None:
    """`steersman run ... | head -1`: no traceback."""
    process = subprocess.Popen([*COMMAND, "methods", "mh"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENV)
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    errors = process.stderr.read().decode()
    process.stderr.close()
    process.wait(timeout=60)
    assert "Traceback" not in errors


def test_interrupted(tmp_path: Path) -> None:
    """Ctrl-C: the posterior so far is printed and written, the status is 130."""
    out = tmp_path / "posterior.json"
    for seconds in (2.5, 10.0, 25.0, 60.0):  # on a busy machine it may not have begun
        process = subprocess.Popen(
            [*COMMAND, "run", "-", "--json", "-m", "mh", "-n", "2", "--option", "steps=1000000", "--out", str(out)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENV, text=True)
        assert process.stdin is not None
        process.stdin.write(PROGRAM)
        process.stdin.close()
        process.stdin = None
        time.sleep(seconds)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)
        if stdout:
            break
    assert process.returncode == 130 and "Traceback" not in stderr
    found = json.loads(stdout)
    assert found["stopped"].startswith("interrupted") and out.exists() and "interrupted" in stderr


@pytest.mark.parametrize("arguments", [("check", "-"), ("fmt", "-")], ids=lambda a: a[0])
def test_checking_needs_no_jax(arguments: tuple[str, str]) -> None:
    """`check` and `fmt` start without JAX, NumPyro, transformers or llguidance."""
    script = ("import sys\nfrom steersman.cli import app\ntry:\n    app(sys.argv[1:])\nexcept SystemExit as e:\n"
              "    assert not e.code\nprint('LOADED', *{m.split('.')[0] for m in sys.modules})")
    done = subprocess.run([sys.executable, "-c", script, *arguments], input=STORY, capture_output=True, text=True,
                          env=ENV, check=True)
    loaded = set(done.stdout.rpartition("LOADED")[2].split())
    assert "lark" in loaded and not loaded & {"jax", "jaxlib", "numpyro", "transformers", "llguidance", "torch"}


@pytest.mark.slow
def test_the_embedded_model(tmp_path: Path) -> None:
    """A story with its words, from the command line, with page and posterior: every value with weight says them."""
    path, page, out = tmp_path / "story.steer", tmp_path / "story.html", tmp_path / "story.json"
    path.write_text(STORY, encoding="utf-8")
    done = run("run", str(path), "--set", 'words=["dog", "park"]', "--option", "resample_at=factor", "-n", "128",
               "--json", "--out", str(out), "--report", str(page))
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    kept = [v for v, w in zip(found["values"], found["weights"], strict=True) if w > 0]
    assert kept and all("dog" in v and "park" in v for v in kept) and found["log_evidence"] < -2
    assert "<html" in page.read_text(encoding="utf-8") and out.stat().st_size > 1000
