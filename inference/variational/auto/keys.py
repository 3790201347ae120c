"""What the parameters of a site are called where guides are saved."""

from __future__ import annotations

from steersman.ppl.address import Address, format_address, parse_address


def key_of(address: Address, what: object = ()) -> str:
    """The address of a site as text, and the shape (or another mark) of its values where there is one: "mu", "w[3]",
    "step#1/mu". What differs in address or mark differs here."""
    text = format_address(address)
    if parse_address(text) != address or "[" in text:
        text = repr(address)
    mark = str(list(what)) if isinstance(what, tuple) else f"[{what}]"
    return text if mark == "[]" else text + mark
