"""`steersman check` and `steersman fmt`."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from steersman.cli import app
from steersman.ppl.language import format_source

GOOD = 'program p(n: int = 2):\n    x ~ Bernoulli(0.5)  # a coin\n    return x + n\n'
UGLY = 'program p( n:int=2 ):\n   x~Bernoulli( 0.5 ) # a coin\n   return x+n\n'
BAD = "program p():\n    x ~ Bernouli(0.5)\n    y = lenght(x)\n    return z\n"
BROKEN = "program p(:\n    return 1\n"


def call(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, list(arguments), input=stdin, catch_exceptions=False)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    found = {}
    for name, source in {"good": GOOD, "ugly": UGLY, "bad": BAD, "broken": BROKEN}.items():
        found[name] = tmp_path / f"{name}.steer"
        found[name].write_text(source, encoding="utf-8")
    return found


def test_check_of_good_files(files: dict[str, Path]) -> None:
    """Nothing to say, status 0."""
    done = call("check", str(files["good"]), str(files["ugly"]))
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "")
    assert json.loads(call("check", "--json", str(files["good"])).stdout) == []


def test_check_finds_all_mistakes_of_all_files(files: dict[str, Path]) -> None:
    """Every mistake of every file, each with its line and a caret; status 1."""
    done = call("check", *(str(files[n]) for n in ("good", "bad", "broken")))
    assert done.exit_code == 1
    for place in ("bad.steer:2:9", "bad.steer:3:9", "bad.steer:4:12", "broken.steer:1:"):
        assert place in done.stdout
    assert "did you mean" in done.stdout and "^^^^^^^^" in done.stdout and "errors" in done.stderr


def test_check_as_json(files: dict[str, Path]) -> None:
    """The same as data, for editors; standard input too."""
    found = json.loads(call("check", "--json", str(files["bad"])).stdout)
    assert [(d["line"], d["column"]) for d in found if d["severity"] == "error"] == [(2, 9), (3, 9), (4, 12)]
    assert "Bernoulli" in found[0]["hint"] and found[0]["source"] == "    x ~ Bernouli(0.5)"
    done = call("check", "-", "--json", stdin=BROKEN)
    assert done.exit_code == 1 and json.loads(done.stdout)[0]["file"] == "<stdin>"


def test_fmt_rewrites(files: dict[str, Path]) -> None:
    """In place, comments and mode kept, links kept; a file in the standard layout is not touched."""
    files["ugly"].chmod(0o640)
    link = files["ugly"].with_name("link.steer")
    link.symlink_to(files["ugly"])
    before = files["good"].stat().st_mtime_ns
    done = call("fmt", str(link), str(files["good"]))
    assert done.exit_code == 0 and "reformatted" in done.stderr and done.stdout == ""
    assert files["ugly"].read_text(encoding="utf-8") == format_source(UGLY) == GOOD
    assert link.is_symlink() and stat.S_IMODE(files["ugly"].stat().st_mode) == 0o640
    assert files["good"].stat().st_mtime_ns == before
    assert sorted(p.name for p in link.parent.iterdir()) == [
        "bad.steer", "broken.steer", "good.steer", "link.steer", "ugly.steer"]


def test_fmt_check_and_diff_write_nothing(files: dict[str, Path]) -> None:
    """--check has status 1 where something would change; --diff shows it."""
    done = call("fmt", "--check", "--diff", str(files["ugly"]))
    assert done.exit_code == 1 and "-   x~Bernoulli( 0.5 ) # a coin\n" in done.stdout
    assert "+    x ~ Bernoulli(0.5)  # a coin\n" in done.stdout
    assert call("fmt", "--diff", str(files["ugly"])).exit_code == 0
    assert files["ugly"].read_text(encoding="utf-8") == UGLY
    assert call("fmt", "--check", str(files["good"])).exit_code == 0


def test_fmt_leaves_what_does_not_parse(files: dict[str, Path]) -> None:
    """The broken file is reported, the others are formatted; status 1."""
    done = call("fmt", str(files["broken"]), str(files["ugly"]))
    assert done.exit_code == 1 and "broken.steer:1:" in done.stderr
    assert files["broken"].read_text(encoding="utf-8") == BROKEN
    assert files["ugly"].read_text(encoding="utf-8") == GOOD


def test_fmt_of_standard_input() -> None:
    """- goes from standard input to standard output."""
    assert call("fmt", "-", stdin=UGLY).stdout == GOOD
    done = call("fmt", "-", stdin=BROKEN)
    assert (done.exit_code, done.stdout) == (1, "") and "<stdin>:1:" in done.stderr
