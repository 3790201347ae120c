"""The formatter: it changes no program, loses no comment, and does nothing twice."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, given, settings
from programs_strategy import file_shape, files, remarked, remarks_of

from steersman.ppl.language import format_source, nodes, parse
from steersman.ppl.language.format import format_file

FAST = settings(max_examples=60, phases=[Phase.generate], deadline=None, derandomize=True, database=None,
                suppress_health_check=list(HealthCheck))


@FAST
@given(files())
def test_a_tree_survives_its_text(file: nodes.File) -> None:
    """parse(format(tree)) is the tree, but for places and quotes."""
    assert file_shape(parse(format_file(file))) == file_shape(file)


@FAST
@given(remarked())
def test_formatting_keeps_the_program_and_its_comments(source: str) -> None:
    """Comments, blank lines and odd margins strewn in: the same tree, the same comments in their order, and the second
    formatting changes nothing."""
    once = format_source(source)
    assert file_shape(parse(once)) == file_shape(parse(source))
    assert remarks_of(once) == remarks_of(source)
    assert format_source(once) == once
