"""A story character as a JSON record that a schema accepts.

The story has places where a quotation or a number stands: 'Its mom shouted, "Tom"'. Each is a text under the
`json_schema` of one field; together they are a record of the whole schema. (One text for the whole record is possible,
but a model that never saw a brace has no opinion about records.) Masks alone choose a word by how it begins and cannot
see how unlikely the rest is; `text.proposal`, as a target of its own, is that other distribution. Expect records that
all differ in what the animal says, another mixture of names from masks alone, and log Z near -41: the log-probability
(nats) that the model itself fills all places with JSON of the schema.
"""

import json
from typing import Any

from steersman import models
from steersman.inference import SMC, Importance, Posterior, infer
from steersman.models import LanguageModel
from steersman.ppl import json_schema, program, regex, sample

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"enum": ["Ben", "Jack", "Lily", "Max", "Sam", "Spot", "Tom"]},
        "animal": {"enum": ["bear", "bird", "cat", "dog", "fox", "frog", "rabbit"]},
        "age": {"type": "integer", "minimum": 3, "maximum": 12},
        "says": {
            "type": "array", "minItems": 1, "maxItems": 3,
            "items": {"type": "string", "pattern": "^(I|You|We|They) [a-z]{1,8}( [a-z]{1,8}){1,4}!$"},
        },
    },
    "required": ["name", "animal", "age", "says"],
    "additionalProperties": False,
}
BEGINNING = "Once upon a time there was a little animal who lived in the forest."
PLACES = (
    ("name", " Its mom shouted,", "\n"), ("animal", "On its house was a sign with the word", "."),
    ("age", " It was", " years old."), ("says", " One day, it said,", "\n"), ("says", "Then it said,", "\n"),
)
VALUES = {
    field: regex(" ").then(json_schema(schema.get("items", schema)))
    for field, schema in SCHEMA["properties"].items()
}


@program
async def record(lm: LanguageModel, weighted: bool = True) -> str:
    """The record of a character, as JSON. weighted=False: what masks alone would draw."""
    context = lm.context(BEGINNING)
    found: dict[str, list[Any]] = {field: [] for field in VALUES}
    for field, before, after in PLACES:
        text = lm.text(context + before, where=VALUES[field], stop=after, max_tokens=40)
        value = await sample(text if weighted else text.proposal, field)
        found[field].append(json.loads(value))
        context = context + before + value + after
    return json.dumps({field: some if field == "says" else some[0] for field, some in found.items()})


def shares(posterior: Posterior, field: str) -> str:
    """The probabilities of the values of a field, as a line."""
    found = posterior.probabilities(lambda text: json.loads(text)[field])
    return ", ".join(f"{value} {p:.2f}" for value, p in found.items())


def main() -> None:
    lm = models.load()
    given = infer(record(lm), SMC(384, resample_at=tuple(VALUES)), seed=1)
    masked = infer(record(lm, weighted=False), Importance(256), seed=1)
    print(given.summary(4), end="\n\n")
    for field in ("name", "animal", "age"):
        print(f"{field:6}  given the schema: {shares(given, field)}\n        masks alone:      {shares(masked, field)}")


if __name__ == "__main__":
    main()
