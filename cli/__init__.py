"""The `steersman` command: run, check and format .steer programs; list methods and models.

    steersman run story.steer --method smc --particles 64 --set 'words=["dog", "park"]'
"""

from .app import app

__all__ = ["app"]
