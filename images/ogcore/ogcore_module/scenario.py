"""A scenario of a baseline: an economy that begins with the wealth and the debt that the baseline begins with.

OG-Core calls it a reform. It reads what the baseline left from files, and knows no other way than pickles; they are
written below the run's scratch folder and go with it.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np

from ogcore import aggregates
from ogcore_module.faults import Fault
from ogcore_module.guess import Guess, fingerprint

#: What OG-Core's time path reads of the baseline's: output, and the first values of debt and public capital.
_PATH = ("Y", "D", "K_g", "TR", "G")


def is_baseline(baseline: Guess | None, specifications: Any) -> bool:
    """Return whether a run is its own baseline: all its parameters are equal.

    Such a run is solved as the baseline was, from OG-Core's own start and not from the baseline's wealth, so that its
    numbers are the baseline's to the last bit. Begun elsewhere they would differ by what the path is iterated to.
    """
    return baseline is not None and baseline.parameters == fingerprint(specifications)


def begin_like(baseline: Guess, specifications: Any, folder: Path, *, path: bool) -> None:
    """Make a run begin as its baseline does.

    Households' wealth and the government's debt of the first period are the baseline's, and so is the factor between
    model units and money. Without it a run begins in the wealth of its own steady state.

    Args:
        baseline: the baseline's solution.
        specifications: of the run; changed in place.
        folder: scratch of the run.
        path: whether the time path is solved too.

    Raises:
        Fault: the baseline has other sizes, or a steady state only.
    """
    unfit = baseline.misfit(specifications, path=path)
    if unfit:
        raise Fault(f"baseline.npz does not fit: {unfit}; give the `guess` of a baseline of the same sizes")
    place = folder / "baseline"
    shape = (specifications.S, specifications.J)
    wealth, labour = (baseline.steady_state[name].reshape(shape) for name in ("b_sp1", "n"))
    total = aggregates.get_B(wealth, specifications, "SS", False)
    numbers = {name: float(baseline.steady_state[name]) for name in ("r_p", "r", "w", "Y", "TR", "factor")}
    arrays = {name: np.atleast_1d(baseline.steady_state[name]) for name in ("p_m", "BQ", "theta")}
    _keep(place / "SS" / "SS_vars.pkl", {**numbers, **arrays, "b_sp1": wealth, "n": labour, "B": total})
    if path:
        _keep(place / "TPI" / "TPI_vars.pkl", {name: baseline.path[name] for name in _PATH})
    specifications.baseline = False
    specifications.baseline_dir = str(place)
    specifications.reform_use_baseline_solution = False  # the module chooses where its solvers start


def _keep(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(content))
