"""`steersman methods`, `models`, `--help`, `--version`: what they say, and what they must not import."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from steersman.cli import app
from steersman.cli.catalogue import all_methods
from steersman.models.facts import facts
from tests.models.checkpoints import CONFIG, tensors, write_checkpoint

HEAVY = {"jax", "jaxlib", "numpyro", "transformers", "torch", "llguidance"}


def call(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run([sys.executable, "-m", "steersman.cli", *arguments], capture_output=True, text=True, env=env,
                          input=stdin, check=False)


def loaded_by(*arguments: str) -> set[str]:
    """The top-level packages that a command imports, in a fresh interpreter."""
    script = ("import sys\nfrom steersman.cli import app\ntry:\n    app(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
              "print('LOADED', *{m.split('.')[0] for m in sys.modules})")
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, env=env,
                          check=True)
    return set(done.stdout.rpartition("LOADED")[2].split())


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["--version"], []], ids=str)
def test_help_is_cheap(arguments: list[str]) -> None:
    """Help needs neither JAX nor NumPy, nor the package itself."""
    assert not loaded_by(*arguments) & (HEAVY | {"numpy", "lark"})


def test_help_says_the_exit_codes() -> None:
    """Every status stands in the help of the command and of each sub-command."""
    for arguments in ([], ["run"], ["check"], ["fmt"]):
        told = call(*arguments, "--help").stdout
        assert all(code in told for code in ("0 fine", "1 the program", "2 wrong usage", "130 interrupted"))


def test_module_and_version() -> None:
    """`python -m steersman.cli` is the command."""
    done = run("--version")
    assert done.returncode == 0 and done.stdout.startswith("steersman ") and done.stderr == ""


def test_wrong_usage_has_status_2() -> None:
    """Unknown commands and options, and files that do not exist."""
    for arguments in (["walk"], ["run"], ["run", "x.steer", "--fast"], ["run", "/no/such.steer"], ["check"],
                      ["run", "/no/such.steer", "--particles", "0"]):
        assert call(*arguments).exit_code == 2, arguments


def test_methods_table() -> None:
    """Every method is listed with its options; one by name with its documentation."""
    listed = call("methods").stdout
    assert all(m.name in listed for m in all_methods())
    one = call("methods", "smc").stdout
    assert "Z_hat" in one and "  resample_at: StopSpec = weight" in one and "  particles: int = 64" in one
    assert call("methods", "slow").exit_code == 2


def test_completion() -> None:
    """The shell is told the methods that begin as what was typed, without anything large being imported."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "_STEERSMAN_COMPLETE": "complete_bash",
           "COMP_WORDS": "steersman run x.steer --method par", "COMP_CWORD": "4"}
    done = subprocess.run([sys.executable, "-m", "steersman.cli"], capture_output=True, text=True, env=env, check=False)
    assert done.stdout.split() == ["particle-gibbs", "particle-marginal-mh", "parallel-tempering"]


def test_methods_as_json() -> None:
    """The same as data: every option with its type, and which of them --particles sets."""
    found = {m["name"]: m for m in json.loads(call("methods", "--json").stdout)}
    assert set(found) == {m.name for m in all_methods()}
    assert found["mh"]["population"] == "chains" and found["enumerate"]["population"] is None
    assert {"name": "expand", "type": "int", "required": False, "default": 1} in found["smc"]["options"]
    assert [o["name"] for o in found["gibbs"]["options"] if o["required"]] == ["kernels"]


def test_facts_of_the_embedded_model() -> None:
    """As its card says."""
    found = json.loads(call("models", "--json").stdout)
    assert found["architecture"] == "LlamaForCausalLM" and found["use"] == "language model"
    assert found["parameters"] == 7_344_384 and found["context"] == 512 and found["vocabulary"] == 4096
    assert "BPE" in found["tokenizer"] and found["dtype"] == "BF16"
    assert "7,344,384" in call("models").stdout


def test_facts_of_a_folder(tmp_path: Path) -> None:
    """Parameters are those of the weights that lie there; a folder that is none is an error with status 1."""
    folder = write_checkpoint(tmp_path / "tiny")
    found = facts(folder)
    assert found["parameters"] == sum(t.size for t in tensors(CONFIG, 0).values())
    assert (found["layers"], found["width"], found["context"]) == (2, 32, 64)
    odd = facts(write_checkpoint(tmp_path / "odd", architectures=["OddForCausalLM"]))
    assert "not supported" in odd["use"] and odd["parameters"] == found["parameters"]
    head = facts(write_checkpoint(tmp_path / "head", architectures=["LlamaForSequenceClassification"],
                                  id2label={"0": "sad", "1": "happy"}))
    assert head["use"] == "reward" and head["labels"] == "sad, happy"
    (folder / "model.safetensors").write_bytes(b"nothing")
    for bad in (folder, tmp_path, tmp_path / "none"):
        done = call("models", str(bad))
        assert done.exit_code == 1 and done.stderr.startswith("error: ") and "Traceback" not in done.stderr


@pytest.mark.slow
def test_bench() -> None:
    """One row for each size: tokens a second of SMC and of the bare loop, and their ratio in time."""
    done = call("bench", "-n", "2", "-n", "4", "--tokens", "4", "--repeats", "1")
    rows = [[float(x.replace(",", "")) for x in line.split()] for line in done.stdout.splitlines()[2:]]
    assert done.exit_code == 0 and [row[0] for row in rows] == [2, 4]
    assert all(smc > 0 and abs(bare / smc - ratio) < 0.02 * ratio + 0.01 for _, smc, bare, ratio in rows)
