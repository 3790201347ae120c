"""`python -m steersman.cli`: the `steersman` command."""

from .app import app

app(prog_name="steersman")
