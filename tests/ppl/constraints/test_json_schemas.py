"""The schemas in `benchmarks/schemas` and the script that reads them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from jsonschema.validators import validator_for

from steersman.ppl.constraints.vocabulary import Vocabulary

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT))
from benchmarks import json_schemas  # noqa: E402

# Keywords that cannot be enforced while a text is written.
REFUSED = {
    "contains", "huge-integer", "if-then", "lookahead", "not", "overlapping-one-of", "two-further-properties",
    "unevaluated", "unique-items",
}
# Valid instances outside of the language: properties in another order, characters that only \u escapes can write.
REJECTED = {
    ("other-order-of-properties", '{"b":2,"a":1}'),
    ("other-order-of-properties", '{"b": 2, "a": 1}'),
    ("control-characters", '"bell \\u0007"'),
    ("control-characters", '"delete \x7f"'),
}


class Letters:
    """The bytes, an end of text and a few longer pieces, longest match first."""

    token_bytes = (b"", *(bytes([b]) for b in range(256)), b"{\"", b"\":", b"\": ", b"\",", b"\"}", b"}]", b"12", b"0.")

    def encode(self, text: str) -> tuple[int, ...]:
        data, at, out = text.encode(), 0, []
        while at < len(data):
            size = next(n for n in (4, 3, 2, 1) if data[at:at + n] in self.token_bytes)
            out.append(self.token_bytes.index(data[at:at + size]))
            at += size
        return tuple(out)


def test_labels_are_right() -> None:
    """Every instance is valid, or not, as its file says, by a validator that checks formats; each file has both."""
    files = sorted(json_schemas.SCHEMAS.glob("*.json"))
    assert len(files) >= 60
    for path in files:
        content: dict[str, Any] = json.loads(path.read_text())
        validator = validator_for(content["schema"], default=Draft202012Validator)
        validator.check_schema(content["schema"])
        judge = validator(content["schema"], format_checker=validator.FORMAT_CHECKER)
        for test in content["tests"]:
            assert judge.is_valid(test["data"]) == test["valid"], (path.stem, test["data"])
        assert {test["valid"] for test in content["tests"]} == {True, False}, path.stem


def test_our_schemas() -> None:
    """No invalid instance is accepted; every valid one is, or its schema is refused; the exceptions are known."""
    report = json_schemas.run(json_schemas.SCHEMAS, Vocabulary(Letters()))
    assert report.invalid_accepted == []
    assert report.unreadable == {}
    assert set(report.refused) == REFUSED
    assert set(report.valid_rejected) == REJECTED
    assert all("#" in why for why in report.refused.values())
    assert report.texts[True] > 300
    assert report.texts[False] > 250


def test_the_script_fails_where_an_invalid_instance_is_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A label that the constraint contradicts gives exit status 1 and is shown; files in another format are counted."""
    monkeypatch.setattr(json_schemas, "tokenizer_of", lambda folder: Vocabulary(Letters()))
    monkeypatch.setattr(sys, "argv", ["json_schemas", str(tmp_path)])
    content = {"schema": {"type": "integer"}, "tests": [{"data": 3, "valid": True}, {"data": "x", "valid": False}]}
    (tmp_path / "a.json").write_text(json.dumps(content))
    (tmp_path / "b.json").write_text("[")
    assert json_schemas.main() == 0
    content["tests"] = [{"data": 4, "valid": False}]
    (tmp_path / "c.json").write_text(json.dumps(content))
    assert json_schemas.main() == 1
    assert "invalid accepted: c: 4" in capsys.readouterr().out
