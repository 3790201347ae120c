"""Self-steering: a planner writes the inference program of a task, small models run it.

    plan = write_program(planner, "Write a sentence about the sea of exactly eight words.", models=models.load())
    print(plan.source, plan.run(SMC(256), budget=Budget(tokens=100_000)).summary())

Source: Grand et al. 2025, "Self-Steering Language Models".
"""

from .attempt import Attempt, PlanningFailed, Stage
from .plan import Plan
from .planner import Planner
from .verdict import Verdict
from .write import write_program

__all__ = ["Attempt", "Plan", "Planner", "PlanningFailed", "Stage", "Verdict", "write_program"]
