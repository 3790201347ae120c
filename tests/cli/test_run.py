"""`steersman run` on programs whose posterior is known."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from steersman import models
from steersman.cli import app
from steersman.inference import Enumerate, Posterior, infer
from steersman.models import ModelError, TableLM
from steersman.ppl import program, sample
from tests.models.checkpoints import write_checkpoint
from tests.models.rewards.head_checkpoints import write_head

HEADS = '''\
"""Tosses of a coin, of which at least one is a head."""

program heads(p: float = 0.5, n: int = 3):
    total = 0
    for i in range(n):
        x ~ Bernoulli(p)
        total += x
    condition total > 0 as "some head"
    return {"heads": total, "n": n}
'''


@pytest.fixture
def heads(tmp_path: Path) -> str:
    return _file(tmp_path, HEADS)


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command loads table models: "table:SEED" is one over <eos>, a, b, c."""

    def load(name: str | None = None) -> TableLM:
        if name is None or not name.startswith("table:"):
            raise ModelError(f"{name!r} is not a folder")
        return TableLM.random(4, seed=int(name.removeprefix("table:")))

    monkeypatch.setattr(models, "load", load)


def _file(folder: Path, source: str, name: str = "p.steer") -> str:
    path = folder / name
    path.write_text(source, encoding="utf-8")
    return str(path)


def call(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, ["run", *arguments], input=stdin, catch_exceptions=False)


def _refuse(name: str) -> None:
    raise AssertionError(f"{name} is not JSON")


def loads(source: str) -> Any:
    return json.loads(source, parse_constant=_refuse)


def test_enumeration_is_exact(heads: str) -> None:
    """P(a head) = 1 - (1 - p)^n; parameters arrive by their types, values and weights match."""
    done = call(heads, "--method", "enumerate", "--json", "--set", "p=0.25", "--set", "n=2")
    assert done.exit_code == 0 and done.stderr == ""
    found = loads(done.stdout)
    assert math.isclose(found["log_evidence"], math.log(1 - 0.75**2)) and found["log_evidence_error"] == 0
    assert (found["program"], found["arguments"]) == ("heads", {"p": 0.25, "n": 2})
    assert found["method"] == "Enumerate()"
    two = sum(w for v, w in zip(found["values"], found["weights"], strict=True) if v == {"heads": 2, "n": 2})
    assert math.isclose(two, 0.25**2 / (1 - 0.75**2))


def test_the_table(heads: str) -> None:
    """For people: values with probabilities, then log Z, ESS and cost, without colours in a pipe."""
    done = call(heads, "--method", "importance", "--particles", "500", "--top", "2")
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["p", "value"] and len([line for line in lines if "heads" in line]) == 2
    assert "... and 1 more" in done.stdout and "\x1b" not in done.stdout
    assert lines[-1].startswith("Importance(500): log Z = -0.") and "ESS" in lines[-1] and "LM calls" in lines[-1]


def test_seeds(heads: str) -> None:
    """Equal seeds give equal results, others do not."""
    same, again, other = (loads(call(heads, "--json", "--seed", s).stdout) for s in ("5", "5", "6"))
    for record in (same, again, other):
        del record["cost"]["seconds"]
    assert same == again and same["values"] != other["values"] and same["method"] == "SMC(64)"


def test_the_file_is_the_same_as_the_posterior(heads: str, tmp_path: Path) -> None:
    """--out writes what Posterior.load reads: the run of `infer` itself."""
    from steersman.inference import SMC
    from steersman.ppl.language import load

    out = tmp_path / "posterior.json"
    assert call(heads, "--seed", "3", "--particles", "20", "--out", str(out)).exit_code == 0
    direct = infer(load(heads, models={}).programs["heads"](), SMC(20), seed=3)
    saved = Posterior.load(out)
    assert saved.values == direct.values and saved.log_evidence == direct.log_evidence
    for bad in ("/no/such/folder/x.json", str(tmp_path)):
        assert call(heads, "--out", bad).exit_code == 2


@pytest.mark.parametrize("method", ["importance", "mh", "particle-gibbs", "rejection", "best-of", "tempered-smc"])
def test_methods_agree(heads: str, method: str) -> None:
    """Any method runs any program from the command line; means agree with enumeration."""
    options = {"mh": ["-n", "40", "--option", "steps=60"], "particle-gibbs": ["--option", "sweeps=60"]}
    done = call(heads, "-m", method, "--json", "--seed", "1", *options.get(method, ["-n", "400"]))
    assert done.exit_code == 0, done.stderr
    found = loads(done.stdout)
    mean = sum(w * v["heads"] for v, w in zip(found["values"], found["weights"], strict=True) if w)
    assert method == "best-of" or abs(mean - 1.5 / (1 - 0.125)) < 0.35


def test_a_proposal_of_the_file(tmp_path: Path) -> None:
    """`proposal=NAME` names another program of the file, and draws come from it: nine in ten meet the condition."""
    path = _file(tmp_path, "program guide():\n    x ~ Bernoulli(0.9)\n    return x\n\n"
                           "program main():\n    x ~ Bernoulli(0.1)\n    condition x == 1\n    return x\n")
    found = loads(call(path, "-m", "importance", "--option", "proposal=guide", "-n", "1000", "--json").stdout)
    assert abs(found["ess"] - 900) < 60 and abs(found["log_evidence"] - math.log(0.1)) < 0.06


@pytest.mark.slow
@pytest.mark.parametrize("method", [["nuts", "-n", "4"], ["vi", "--option", "particles=4000"],
                                    ["importance", "-n", "4000"]], ids=lambda m: m[0])
def test_continuous_programs(tmp_path: Path, method: list[str]) -> None:
    """x ~ N(0, 1) observed as 1 with unit noise has mean 1/2; a guide is made from the program."""
    path = _file(tmp_path, "program p():\n    x ~ Normal(0, 1)\n    observe 1.0 ~ Normal(x, 1)\n    return x\n")
    done = call(path, "--json", "--seed", "1", "-m", *method)
    assert done.exit_code == 0, done.stderr
    found = loads(done.stdout)
    mean = sum(w * v for v, w in zip(found["values"], found["weights"], strict=True))
    assert abs(mean - 0.5) < 0.15


def test_several_programs(tmp_path: Path) -> None:
    """`main` runs, or the last one, or the one that is named; arguments of another are wrong usage."""
    source = HEADS + "\nprogram last(word: str):\n    return word\n"
    path = _file(tmp_path, source)
    assert loads(call(path, "--json", "--set", "word=07").stdout)["values"][0] == "07"
    assert loads(call(path, "--program", "heads", "--json").stdout)["program"] == "heads"
    for bad in (["--program", "tails"], ["--set", "word=a", "--set", "p=1"], []):
        done = call(path, *bad)
        assert done.exit_code == 2 and done.stderr.startswith("error: ")
    path = _file(tmp_path, "def f(x):\n    return x\n")
    done = call(path)
    assert done.exit_code == 2 and "no program" in done.stderr


def test_mistakes_of_the_program(tmp_path: Path) -> None:
    """Diagnostics on standard error, as data with --json, status 1: before it runs and while it does."""
    before = _file(tmp_path, HEADS.replace("range(n)", "rnage(n)"))
    done = call(before, "--json")
    [found] = loads(done.stdout)["diagnostics"]
    assert done.exit_code == 1 and found["line"] == 5 and "range" in found["hint"] and "^^^^^" in done.stderr
    during = _file(tmp_path, HEADS.replace("total += x", "total += [1][n - 1]"))
    done = call(during, "--json")
    [found] = loads(done.stdout)["diagnostics"]
    assert done.exit_code == 1 and found["line"] == 7 and "Traceback" not in done.stderr


def test_all_dead(tmp_path: Path) -> None:
    """Status 3, the histogram of the killing sites, log Z = -inf in strict JSON, and the posterior is saved."""
    path, out = _file(tmp_path, HEADS.replace("total > 0", "total > n")), tmp_path / "dead.json"
    done = call(path, "--json", "--out", str(out), "-n", "30")
    assert done.exit_code == 3 and "some head" in done.stderr and "30" in done.stderr
    found = loads(done.stdout)
    assert found["log_evidence"] == "-inf" and sum(found["killed"].values()) == 30
    assert Posterior.load(out).log_evidence == -math.inf
    assert call(path, "-m", "mh", "--json").exit_code == 3


@pytest.mark.usefixtures("tables")
def test_budget(tmp_path: Path) -> None:
    """Tokens are never exceeded; the result says why it stopped."""
    path = _file(tmp_path, "program story():\n    text ~ lm.text(\"a\", max_tokens=30)\n    return text\n")
    done = call(path, "--model", "lm=table:3", "-n", "80", "--budget-tokens", "100", "--json")
    found = loads(done.stdout)
    assert done.exit_code == 0 and found["cost"]["tokens"] <= 100 and found["stopped"].startswith("budget")
    assert call(path, "--budget-seconds", "-1").exit_code == 2


CRITIC = """\
model critic

program story():
    text ~ lm.text("", max_tokens=4)
    observe text ~ critic.text("", max_tokens=4)
    return text
"""


@pytest.mark.usefixtures("tables")
def test_models_by_name(tmp_path: Path) -> None:
    """Each name gets its model: sum_x p(x) q(x), exactly. Declared models must be given, given ones declared."""
    path = _file(tmp_path, CRITIC)
    done = call(path, "--model", "lm=table:1", "--model", "critic=table:2", "-m", "enumerate", "--json")

    @program
    async def texts(lm: TableLM) -> str:
        return str(await sample(lm.text("", max_tokens=4), "text"))

    p, q = (infer(texts(TableLM.random(4, seed=s)), Enumerate()).probabilities() for s in (1, 2))
    assert done.exit_code == 0 and math.isclose(
        loads(done.stdout)["log_evidence"], math.log(sum(w * q.get(x, 0.0) for x, w in p.items())), rel_tol=1e-9)
    lacking = call(path, "--model", "lm=table:1")
    assert lacking.exit_code == 2 and "--model critic=PATH" in lacking.stderr
    unread = call(path, "--model", "lm=table:1", "--model", "critic=/no/such")
    assert unread.exit_code == 1 and "--model critic=/no/such: " in unread.stderr
    plain = _file(tmp_path, HEADS, "plain.steer")
    undeclared = call(plain, "--model", "judge=table:1")
    assert undeclared.exit_code == 2 and "does not declare it" in undeclared.stderr


@pytest.mark.slow
def test_a_checkpoint_and_a_reward(tmp_path: Path) -> None:
    """Folders of a model and of a sequence classifier, by name; a label that there is not is an error."""
    lm = write_checkpoint(tmp_path / "lm")
    head = write_head(tmp_path / "head")
    path = _file(tmp_path, "program p():\n    text ~ lm.text(\"a\", max_tokens=3)\n"
                           "    factor reward(\"mood\", text)\n    return text\n")
    done = call(path, "--model", f"lm={lm}", "--reward", f"mood={head}#label 1", "-n", "8", "--json")
    assert done.exit_code == 0, done.stderr
    assert loads(done.stdout)["cost"]["rewards"] == 8
    assert call(path, "--model", f"lm={lm}", "--reward", f"mood={head}#angry").exit_code == 1
    assert call(path, "--model", f"lm={lm}").exit_code == 1


def test_standard_input() -> None:
    """- is standard input."""
    done = call("-", "-m", "enumerate", "--json", stdin=HEADS)
    assert done.exit_code == 0 and math.isclose(loads(done.stdout)["log_evidence"], math.log(7 / 8))
    done = call("-", stdin="program p(:\n")
    assert done.exit_code == 1 and "<stdin>:1:" in done.stderr


def test_imports_stand_beside_the_file(tmp_path: Path) -> None:
    """`import` looks in the folder of the file, wherever the command is called."""
    _file(tmp_path, "def double(x):\n    return 2 * x\n", "helpers.steer")
    path = _file(tmp_path, "import helpers\n\nprogram p():\n    return helpers.double(21)\n")
    assert loads(call(path, "--json").stdout)["values"][0] == 42


def test_files_that_are_no_text(tmp_path: Path) -> None:
    """Bytes that are not UTF-8 have a line, a folder is wrong usage; a mark at the beginning is no matter."""
    path = tmp_path / "p.steer"
    path.write_bytes(b"# fine\n# \xff\n")
    done = call(str(path))
    assert done.exit_code == 1 and ":2: not UTF-8" in done.stderr
    assert call(str(tmp_path)).exit_code == 2
    path.write_bytes(b"\xef\xbb\xbf" + HEADS.replace("\n", "\r\n").encode())
    assert call(str(path), "-m", "enumerate").exit_code == 0


def test_enumerate_agrees_with_python(heads: str) -> None:
    """The run of the command is the run of the library."""
    from steersman.ppl.language import load

    found = loads(call(heads, "-m", "enumerate", "--json").stdout)
    exact = infer(load(heads, models={}).main(), Enumerate())
    assert found["weights"] == exact.weights.tolist() and found["values"] == exact.values


@pytest.mark.parametrize(("body", "message"), [
    ("y ~ Bernoulli((x + 6) / 2)", "Bernoulli"), ("observe x ~ Normal(0, -1 - x)", "Normal"),
    ("y = 1 // (x - x)", "zero"),
])
def test_a_failing_run_shows_its_line(tmp_path: Path, body: str, message: str) -> None:
    """A mistake that only a run can find has status 1, its line and a caret."""
    file = _file(tmp_path, f"program p():\n    x ~ Poisson(2)\n    {body}\n    return x\n")
    result = call(file, "--method", "importance")
    assert result.exit_code == 1
    assert f"{file}:3:" in result.stderr
    assert f"  3 |     {body}\n" in result.stderr
    assert "    ^" in result.stderr
    assert message in result.stderr


def test_nothing_commands_the_terminal(tmp_path: Path) -> None:
    """Escape characters in values and names of sites are spelled out, in the table and among the errors; other
    characters, tabs and ends of lines stay."""
    source = ('program p(x: int):\n    b ~ Bernoulli(0.5)\n    condition b < x as "a\\u001b[2J"\n'
              '    return "é\\u001b[31m\\u202e\\n日"\n')
    path = _file(tmp_path, source)
    shown = call(path, "-n", "2", "--set", "x=9", "--quiet").output
    assert "é\\x1b[31m\\u202e\n" in shown
    assert "日" in shown
    dead = call(path, "-n", "2", "--set", "x=-1")
    assert dead.exit_code == 3
    assert "a\\x1b[2J" in dead.output
    assert "\x1b" not in shown + dead.output
