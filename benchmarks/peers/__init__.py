"""Steersman beside other libraries: the same tasks on the same checkpoint and machine (`make bench-peers`)."""
