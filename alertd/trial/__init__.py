"""Tries rules on events before anybody is told: the tests in rule files, and one version of the rules beside another.

Asks a search server the daemon's own questions, but for the window. How a message looks is not known here.
"""

from alertd.trial.result import Mismatch, PartResult, Result
from alertd.trial.run import index_name, run_tests

__all__ = ["Mismatch", "PartResult", "Result", "index_name", "run_tests"]
