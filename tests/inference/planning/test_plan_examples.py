"""The programs that a planner learns from are right: they are checked, formatted and run."""

from __future__ import annotations

import pytest

from steersman import models
from steersman.inference import SMC
from steersman.inference.planning import write_program
from steersman.inference.planning.prompt import card, examples
from steersman.ppl.language import check, format_source, parse
from steersman.ppl.language.library import FUNCTIONS
from steersman.ppl.language.nodes import Definition

SOURCES = {"card.steer": card(), **examples()}


def test_there_are_examples() -> None:
    """Three tasks, each with its doc string."""
    assert len(examples()) == 3
    assert all(parse(source).doc is not None for source in examples().values())


@pytest.mark.parametrize("name", SOURCES)
def test_nothing_is_wrong_with_them(name: str) -> None:
    """No error and no warning, in the standard layout, with a `main` without arguments and a check."""
    source = SOURCES[name]
    assert check(source, name) == [] and format_source(source) == source
    definitions = {d.name: d for d in parse(source).statements if isinstance(d, Definition)}
    assert definitions["main"].parameters == () and len(definitions["check"].parameters) == 1


def test_they_show_what_is_advised() -> None:
    """A proposal beside its target, a hint of what is left, a stop and a check by built-ins."""
    whole = "".join(examples().values())
    assert all(part in whole for part in (" using ", ".favouring(", "{left}", "stop=", "words_of", "condition "))
    assert {"words_of", "sentences_of", "contains_any"} <= FUNCTIONS.keys()


@pytest.mark.slow
@pytest.mark.parametrize("name", examples())
def test_they_do_their_tasks(name: str) -> None:
    """On the embedded model, as a planner's own program: results pass the check."""
    method = SMC(384, resample_at="factor")
    plan = write_program(lambda prompt: examples()[name], name, models=models.load(), attempts=1, passing=0.0,
                         method=method)
    assert plan.source == examples()[name] and plan.verdict.weight > 0
