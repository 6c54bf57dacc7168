"""Coupled models as a fixed-point problem: find x with g(x) = x in few evaluations of g.

Pure numerics: numpy in, numpy out. Nothing here knows of jobs, files or time.
"""

from calculation_engine.coupling.options import Options
from calculation_engine.coupling.points import Evaluation
from calculation_engine.coupling.report import Jump, Report, Worst
from calculation_engine.coupling.scheme import Scheme
from calculation_engine.coupling.variables import Group
from calculation_engine.coupling.words import SUCCESSES, Caution, Word

__all__ = ["SUCCESSES", "Caution", "Evaluation", "Group", "Jump", "Options", "Report", "Scheme", "Word", "Worst"]
