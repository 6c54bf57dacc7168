"""The modules eos and tov: every case as a bare process, and the closed forms that both stand on."""

from __future__ import annotations

import csv
import json
import math
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from _stars.check import causal_end, first_law, refuse_rows
from _stars.constants import DYN_PER_CM2
from _stars.faults import Fault
from _stars.matter import make_matter
from _stars.pieces import Polytrope, Row
from _stars.settings import Settings
from _stars.table import NEEDED
from calculation_engine.modules.cases import compare, load_case, stage
from calculation_engine.modules.catalogue import Catalogue, Module
from eos.config import load_config
from eos.fits import FITS
from eos.generate import generate
from eos.polytropes import piecewise
from tests.modules.bare import run_bare
from tov.love import _closed, _series, deformability, love_number

CATALOGUE = Catalogue()
EOS, TOV = CATALOGUE.get("eos"), CATALOGUE.get("tov")
RUNS = [
    pytest.param(module, folder, id=f"{module.manifest.name}-{folder.name}")
    for module in (EOS, TOV)
    for folder in module.cases
]
GAMMAS = st.floats(1.05, 5.0)


def config_of(folder: Path, **fields: Any) -> Any:
    (folder / "config.yaml").write_text(json.dumps(fields))
    return load_config(folder / "config.yaml", table=False)


def rows_of(folder: Path, **fields: Any) -> list[Row]:
    return generate(config_of(folder, **fields))


def write(path: Path, rows: list[Row]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([NEEDED, *rows])


def stars(folder: Path, rows: list[Row], **config: Any) -> dict[str, Any]:
    """Run tov on rows and return its report."""
    (folder / "input").mkdir(parents=True)
    (folder / "output").mkdir()
    (folder / "input" / "config.yaml").write_text(json.dumps(config))
    write(folder / "input" / "eos.csv", rows)
    ended = run_bare(TOV, folder)
    assert ended.exit_code == 0, ended.log
    report: dict[str, Any] = json.loads((ended.output / "summary.json").read_text())
    return report


@pytest.mark.parametrize(("module", "folder"), RUNS)
def test_a_case_gives_what_it_promises_as_a_bare_process(module: Module, folder: Path, tmp_path: Path) -> None:
    case = load_case(folder)
    stage(case, module.manifest, tmp_path)
    run_without_packages(module, tmp_path) if module.requirements is None else run_bare(module, tmp_path)

    assert compare(case, tmp_path / "output") == []


def run_without_packages(module: Module, folder: Path) -> None:
    command = [sys.executable, str(module.folder / "run.py")]
    environment = {"PYTHONPATH": str(module.folder.parent), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run(command, cwd=folder, env=environment, check=False, capture_output=True, timeout=60)


@pytest.mark.parametrize("name", FITS)
def test_each_named_fit_has_a_case_with_the_table_that_eos_writes(name: str, tmp_path: Path) -> None:
    folder = TOV.folder / "cases" / f"fit_{name.lower()}"
    with (folder / "eos.csv").open(newline="") as file:
        stored = [Row(*map(float, row)) for row in list(csv.reader(file))[1:]]

    made = rows_of(tmp_path, fit=name, rows_per_decade=0)

    for one, other in zip(stored, made, strict=True):
        assert one == pytest.approx(other, rel=1e-12)


def test_the_schemas_names_are_the_fits() -> None:
    assert EOS.config_schema["properties"]["fit"]["enum"] == list(FITS)


@pytest.mark.parametrize("name", FITS)
def test_the_pieces_of_a_fit_meet_without_a_step_of_the_pressure(name: str) -> None:
    for one, other in pairwise(piecewise(FITS[name])):
        assert one.pressure_at(other.begin) == pytest.approx(other.pressure_at(other.begin), rel=1e-12)


@pytest.mark.parametrize("rows_per_decade", [0, 3, 50])
def test_a_piecewise_polytrope_is_found_again_from_its_rows(rows_per_decade: int, tmp_path: Path) -> None:
    rows = rows_of(tmp_path, fit="SLy", rows_per_decade=rows_per_decade)
    pieces = make_matter(rows).pieces

    gammas = [piece.gamma for piece in pieces if isinstance(piece, Polytrope)]

    assert gammas == pytest.approx([1.58425, 1.28733, 0.62223, 1.35692, 3.005, 2.988, 2.851], rel=1e-12)
    assert first_law(rows).residual < 1e-13


@given(gamma=st.floats(0.05, 5.0), step=st.floats(1e-4, 0.5), stiff=st.floats(1e-6, 0.2))
def test_a_polytropes_pressure_follows_from_the_pseudo_enthalpy_by_its_definition(
    gamma: float, step: float, stiff: float
) -> None:
    """That is dp = (e + p) dh and de = slope dh; and enthalpy() undoes row()."""
    piece = Polytrope(0.1, Row(0.1, 94.0, 94.0 * stiff), gamma)
    if gamma < 1:
        step *= 0.1 * stiff
    here, h = piece.state(0.1 + step), 1e-4 * step
    up, down = piece.state(0.1 + step + h), piece.state(0.1 + step - h)

    assert (up.pressure - down.pressure) / (2 * h) == pytest.approx(here.pressure + here.energy_density, rel=1e-3)
    assert (up.energy_density - down.energy_density) / (2 * h) == pytest.approx(here.slope, rel=1e-3, abs=1e-3)
    assert piece.enthalpy(here.pressure) == pytest.approx(0.1 + step, rel=1e-9)


@given(kappa=st.floats(1.0, 1e4), gamma=GAMMAS)
def test_a_polytrope_is_acausal_where_its_sound_speed_passes_one(kappa: float, gamma: float) -> None:
    piece = Polytrope(0.0, Row(1.0, 1.0 + 1e-9 * kappa / (gamma - 1), 1e-9 * kappa), gamma)
    rows = [piece.row(piece.enthalpy(1e-9 * kappa * 10.0 ** (i / 4))) for i in range(80)]
    matter = make_matter(rows)

    end = causal_end(matter)

    if end is None:
        assert matter.sound_speed_squared(matter.end) <= 1 + 1e-9
    else:
        assert matter.sound_speed_squared(end * (1 + 1e-9)) == pytest.approx(1, rel=1e-6)


@given(y=st.floats(-0.9, 1.9))
def test_series_and_closed_form_of_the_love_number_agree_where_both_are_exact(y: float) -> None:
    assert _series(0.1, y) * 0.1**5 == pytest.approx(_closed(0.1, y), rel=1e-8)


@given(y=st.floats(-0.9, 1.9))
def test_the_love_number_of_a_light_star_is_newtons(y: float) -> None:
    assert love_number(1e-8, y) == pytest.approx((2 - y) / (2 * (3 + y)), rel=1e-6)
    assert deformability(0.1, y) == pytest.approx(2 / 3 * love_number(0.1, y) / 0.1**5, rel=1e-12)


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([Row(0.1, 94.0, 0.5)], "too short a table"),
        ([Row(0.1, 94.0, 0.5), Row(0.2, math.nan, 5.0)], "row 2: energy_density: expected a finite number"),
        ([Row(0.1, 94.0, -0.5), Row(0.2, 190.0, 5.0)], "row 1: expected a pressure of at least 0"),
        ([Row(0.1, 94.0, 0.5), Row(0.2, 190.0, 0.4)], "row 2: the pressure falls"),
        ([Row(0.1, 94.0, 0.5), Row(0.2, 90.0, 5.0)], "row 2: the energy density falls"),
        ([Row(0.1, 94.0, 0.5), Row(0.1, 94.0, 0.5)], "row 2: the row before it again"),
        ([Row(1e14, 1.7e14, 0.5), Row(2e14, 4e14, 5.0)], "MeV for each baryon"),
        ([Row(0.1, 94.0, 0.5), Row(0.2, 190.0, 1e33)], "breaks the first law"),
    ],
)
def test_a_table_that_is_no_matter_is_refused_with_its_place(rows: list[Row], told: str) -> None:
    with pytest.raises(Fault, match=told):
        refuse_rows(rows, [f"row {i}" for i in range(1, len(rows) + 1)], "table")


def test_a_table_that_cannot_end_in_a_surface_is_refused() -> None:
    with pytest.raises(Fault, match="leads to no surface"):
        make_matter([Row(0.1, 94.0, 0.5), Row(0.2, 188.3, 0.6)])


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"fit": "Sly"}, "config.fit: expected one of .*did you mean SLy"),
        ({"fits": "SLy"}, "config.fits: no such field; did you mean fit"),
        ({"polytrope": {"gamma": 1, "kappa_geometric": 100}}, "config.polytrope.gamma: expected a number above 1"),
        ({"acausal": "drop"}, "config.acausal: expected one of keep, cut, refuse"),
        ({"rows_per_decade": True}, "config.rows_per_decade: expected a whole number"),
    ],
)
def test_a_config_with_a_fault_is_refused_with_its_field(fields: dict[str, Any], told: str, tmp_path: Path) -> None:
    with pytest.raises(Fault, match=told):
        config_of(tmp_path, **fields)


def test_a_core_that_does_not_meet_the_crust_is_refused(tmp_path: Path) -> None:
    core = {"log10_p1": 32, "gamma1": 3, "gamma2": 3, "gamma3": 3}
    with pytest.raises(Fault, match="the core does not meet the crust"):
        rows_of(tmp_path, piecewise_polytrope=core)


def test_all_faults_of_a_config_are_told_at_once() -> None:
    settings = Settings({"a": -1, "b": "x", "c": 1}, "config")
    settings.known(("a", "b"))
    settings.number("a", above=0)
    settings.number("b", above=0)
    with pytest.raises(Fault, match="3 faults"):
        settings.finish()


@pytest.mark.parametrize(("floor_dyn_per_cm2", "metres"), [(1e24, 11), (1e28, 151)])
def test_what_a_pressure_floor_would_cut_off_is_told_in_metres(
    floor_dyn_per_cm2: float, metres: float, tmp_path: Path
) -> None:
    """The published effect of a floor on SLy at 1.4 solar masses; the crust's own pieces go on below it, so R stays."""
    matter = make_matter(rows_of(tmp_path, fit="SLy", rows_per_decade=0))
    floor = floor_dyn_per_cm2 * DYN_PER_CM2
    first = matter.at(matter.enthalpy(floor))
    rows = [first, *(row for row in rows_of(tmp_path, fit="SLy", rows_per_decade=0) if row.pressure > floor)]

    report = stars(tmp_path / "cut", rows)

    (warning,) = [each for each in report["warnings"] if "the table begins at" in each]
    told = float(warning.split("outermost ")[1].split(" m")[0])
    assert told == pytest.approx(metres, rel=0.1)


def test_a_sharp_phase_transition_is_the_limit_of_a_steep_one(tmp_path: Path) -> None:
    """The step of the density has the tidal term that a continuous rise of the same height has."""
    soft = Polytrope(0.0, Row(0.1, 94.0, 0.8), 2.5)
    envelope = [soft.row(soft.enthalpy(0.8 * 30.0 ** (i / 10))) for i in range(11)]
    top = envelope[-1]
    potential = (top.energy_density + top.pressure) / top.density
    dense = Row(1.3 * top.density, potential * 1.3 * top.density - top.pressure, top.pressure)
    core = Polytrope(0.0, dense, 3.0)
    above = [core.row(core.enthalpy(dense.pressure * 40.0 ** (i / 10))) for i in range(1, 11)]
    steep = dense._replace(pressure=dense.pressure * (1 + 1e-6))
    sharp = stars(
        tmp_path / "sharp", [*envelope, dense, *above], central_pressures_mev_per_fm3=[200.0], maximum_required=False
    )
    rising = stars(
        tmp_path / "steep", [*envelope, steep, *above], central_pressures_mev_per_fm3=[200.0], maximum_required=False
    )

    one, other = sharp["stars"][0], rising["stars"][0]
    assert one["mass_solar"] == pytest.approx(other["mass_solar"], rel=1e-5)
    assert one["tidal_deformability"] == pytest.approx(other["tidal_deformability"], rel=1e-4)


def test_the_labels_of_the_two_modules_make_a_chain() -> None:
    outputs = {slot.label: slot.path for slot in EOS.manifest.outputs}
    (wanted,) = TOV.manifest.inputs
    assert outputs[wanted.label] == wanted.path
    names = {column.name for slot in EOS.manifest.outputs for column in slot.columns}
    assert {column.name for column in wanted.columns} <= names


def test_eos_runs_without_any_input() -> None:
    assert EOS.manifest.default_run
    assert not any(slot.required for slot in EOS.manifest.inputs)
