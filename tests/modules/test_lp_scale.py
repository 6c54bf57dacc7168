"""Factors on the data of the linear-programming modules, and the parameters that they were solved with."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from calculation_engine.modules.cases import load_case, stage
from calculation_engine.modules.catalogue import Module
from tests.modules.bare import run_bare
from tests.modules.test_lp_behaviour import CATALOGUE, EVERY_MODULE, Answer, solve

HIGHS = CATALOGUE.get("highs")
#: Echoes its parameters, which the data give in every form that the language has.
FORMS_MODEL = """set I; set J; set K; param Scalar; param Plain{i in I, j in J}; param Sliced{i in I, j in J, k in K};
param Transposed{i in I, j in J}; param First{i in I}; param Second{i in I}; param Filled{i in I, j in J}, default 5;
param Tabbed{i in I}; param Limit{i in I}; param Twice{i in I, h in I};
var x >= 0; minimize z: x; s.t. c: x >= 1; solve;
table t1 {i in I, j in J} OUT "CSV" "results/Plain.csv": i~I, j~J, Plain[i,j]~VALUE;
table t2 {i in I, j in J, k in K} OUT "CSV" "results/Sliced.csv": i~I, j~J, k~K, Sliced[i,j,k]~VALUE;
table t3 {i in I, j in J} OUT "CSV" "results/Transposed.csv": i~I, j~J, Transposed[i,j]~VALUE;
table t4 {i in I} OUT "CSV" "results/First.csv": i~I, First[i]~VALUE;
table t5 {i in I} OUT "CSV" "results/Second.csv": i~I, Second[i]~VALUE;
table t6 {i in I, j in J} OUT "CSV" "results/Filled.csv": i~I, j~J, Filled[i,j]~VALUE;
table t7 {i in I} OUT "CSV" "results/Tabbed.csv": i~I, Tabbed[i]~VALUE;
table t8 {i in I} OUT "CSV" "results/Limit.csv": i~I, Limit[i]~VALUE;
table t9 {i in I, h in I} OUT "CSV" "results/Twice.csv": i~I, h~_I, Twice[i,h]~VALUE;
table t0 {i in 1..1} OUT "CSV" "results/Scalar.csv": Scalar~VALUE;
"""
FORMS_DATA = """# 'a comment; with marks
set I := 'north; upper' south; set J := 2020, 2021; set K := k1 k2;
param Scalar := 4;
param Plain := 'north; upper' 2020 1, "north; upper" 2021.0 2
  south 2020 3 /* 'not; this' */ south 2021 4e0;
param Sliced default 0 := ['north; upper',*,*] : k1 k2 := 2020 1 2 2021 . 4
  [*,2020,k1] south 7 [south,2021,*] k1 8, k2 9;
param Transposed (tr) : 'north; upper' south := 2020 1 2 2021 3 4;
param default 7 : First Second := south 1 . , 'north; upper', 3, 4;
param Filled := south 2020 6;
param default 3 : Tabbed := south 2;
param Limit default -1 := south 8;
param Twice : south 'north; upper' := south 1 2 'north; upper' 3 4;
end;
"""


def echoed(folder: Path, scale: str) -> dict[str, dict[tuple[object, ...], float]]:
    files = {"model.txt": FORMS_MODEL, "data.txt": FORMS_DATA} | ({"scale.csv": scale} if scale else {})
    answer = solve(HIGHS, folder, files)
    assert answer.status["code"] == 200, answer.status["message"]
    tables = {path.stem: pd.read_csv(path) for path in (answer.output / "results").glob("*.csv")}
    return {name: {tuple(row[:-1]): row[-1] for row in table.to_numpy().tolist()} for name, table in tables.items()}


def utopia() -> str:
    return (next(folder for folder in HIGHS.cases if folder.name == "utopia") / "data.txt").read_text()


def super_simple(module: Module, folder: Path, table: str, **config: object) -> Answer:
    data = (next(f for f in module.cases if f.name == "super_simple") / "data.txt").read_text()
    return solve(module, folder, {"data.txt": data} | ({"scale.csv": table} if table else {}), **config)


def test_every_form_of_data_is_scaled_where_it_is_selected_and_only_there(tmp_path: Path) -> None:
    names = ["Plain", "Sliced", "Transposed", "First", "Second", "Filled", "Tabbed", "Limit", "Twice"]
    scale = "PARAMETER,I,FACTOR\n" + "".join(f"{name},south,3\n" for name in names) + "Scalar,,0.25\n"

    before, after = echoed(tmp_path / "before", ""), echoed(tmp_path / "after", scale)

    assert after.pop("Scalar") == {(): 1}
    assert before.pop("Scalar") == {(): 4}
    assert {name: len(table) for name, table in before.items()} == {
        "Plain": 4, "Sliced": 8, "Transposed": 4, "First": 2, "Second": 2, "Filled": 4, "Tabbed": 2, "Limit": 2,
        "Twice": 4,
    }  # fmt: skip
    for name, table in before.items():
        assert after[name] == {key: value * (3 if key[0] == "south" else 1) for key, value in table.items()}, name


def test_defaults_other_than_zero_are_scaled_and_negative_ones_stand_for_none(tmp_path: Path) -> None:
    after = echoed(tmp_path, "PARAMETER,I,J,FACTOR\nFilled,,2020,2\nTabbed,,,10\nLimit,,,2\n")

    assert after["Filled"] == {
        ("north; upper", 2020): 10, ("north; upper", 2021): 5, ("south", 2020): 12, ("south", 2021): 5,
    }  # fmt: skip
    assert after["Tabbed"] == {("north; upper",): 30, ("south",): 20}
    assert after["Limit"] == {("north; upper",): -1, ("south",): 16}


def test_rows_multiply_and_a_set_that_occurs_twice_has_an_underscore(tmp_path: Path) -> None:
    after = echoed(tmp_path, "PARAMETER,I,_I,FACTOR\nTwice,south,,2\nTwice,,south,5\nTwice,,,1\n")

    north = "north; upper"
    assert after["Twice"] == {("south", "south"): 10, ("south", north): 4, (north, "south"): 15, (north, north): 4}


@EVERY_MODULE
def test_scaled_utopia_costs_what_the_published_formulation_says(module: Module, tmp_path: Path) -> None:
    # CapacityFactor of RHO has its default of 1 only; VariableCost is given.
    scale = """PARAMETER,TECHNOLOGY,FUEL,YEAR,FACTOR
CapitalCost,E01,,,1.5
VariableCost,IMPDSL1,,,2
VariableCost,IMPOIL1,,,2
VariableCost,IMPOIL1,,2005,1.1
SpecifiedAnnualDemand,,RL,2000,1.2
AccumulatedAnnualDemand,,,,0.9
CapacityFactor,RHO,,,0.5
"""
    answer = solve(module, tmp_path, {"data.txt": utopia(), "scale.csv": scale})

    # osemosys.txt and utopia.txt of OSeMOSYS_GNU_MathProg 95202686, the factors written into the model's equations.
    assert answer.solution["objective"] == pytest.approx(38764.271357, rel=1e-8)
    cost = answer.table("parameters/VariableCost.csv").set_index(["TECHNOLOGY", "MODE_OF_OPERATION", "YEAR"])["VALUE"]
    assert cost[("IMPOIL1", 1, 2005)] == pytest.approx(cost[("IMPOIL1", 1, 2004)] * 1.1)


def test_factors_on_csv_tables_do_what_editing_the_tables_does(tmp_path: Path) -> None:
    objectives = []
    for name in ("scaled", "edited"):
        stage(load_case(next(f for f in HIGHS.cases if f.name == "simplicity_csv")), HIGHS.manifest, tmp_path / name)
        if name == "scaled":
            (tmp_path / name / "input" / "scale.csv").write_text("PARAMETER,TECHNOLOGY,FACTOR\nVariableCost,IMPDSL,2\n")
        else:
            path = tmp_path / name / "input" / "csv" / "VariableCost.csv"
            table = pd.read_csv(path)
            table.loc[table["TECHNOLOGY"] == "IMPDSL", "VALUE"] *= 2
            path.unlink()
            table.to_csv(path, index=False)
        answer = run_bare(HIGHS, tmp_path / name)
        assert answer.exit_code == 0, answer.log
        objectives.append(pd.read_json(answer.output / "solution.json", typ="series")["objective"])

    assert objectives[0] == objectives[1]
    assert objectives[0] > 4498  # of the case without factors


def test_a_factor_of_one_gives_the_same_results_to_the_last_bit(tmp_path: Path) -> None:
    plain = solve(HIGHS, tmp_path / "plain", {"data.txt": utopia()})
    scale = "PARAMETER,FACTOR\nCapitalCost,1\nCapacityFactor,1\nSpecifiedAnnualDemand,1.0\n"
    scaled = solve(HIGHS, tmp_path / "scaled", {"data.txt": utopia(), "scale.csv": scale})

    for path in (plain.output / "results").glob("*.csv"):
        assert path.read_bytes() == (scaled.output / "results" / path.name).read_bytes(), path.name


def test_the_data_section_of_a_model_is_scaled_too(tmp_path: Path) -> None:
    model = """set I; param A{i in I}; var x >= 0; minimize z: x; s.t. c{i in I}: x >= A[i];
    data; set I := a; param A := a 2; end;"""

    answer = solve(HIGHS, tmp_path, {"model.txt": model, "scale.csv": "PARAMETER,I,FACTOR\nA,a,2.5\n"})

    assert answer.solution["objective"] == 5


def test_a_fault_in_scaled_data_is_told_with_the_line_of_the_users_file(tmp_path: Path) -> None:
    model = "set I; param A{i in I} <= 5; var x >= 0; minimize z: x; s.t. c{i in I}: x >= A[i]; end;"
    data = "set I := a;\nparam A :=\n a 2;\nparam B := 1;\nend;\n"

    answer = solve(HIGHS, tmp_path, {"model.txt": model, "data.txt": data, "scale.csv": "PARAMETER,FACTOR\nA,2\n"})

    assert answer.status["code"] == 400
    assert "data.txt, line 4" in answer.status["message"]


@pytest.mark.parametrize(
    ("scale", "expected"),
    [
        ("PARAMETER,FACTOR\nVariableCosts,2\n", "line 2: the model has no parameter 'VariableCosts'; is"),
        ("PARAMETER,FUEL,FACTOR\nSpecifiedAnnualDemand,power,2\n", "line 2: the set FUEL has no member 'power'"),
        ("PARAMETER,FUEL,FACTOR\nSpecifiedAnnualDemand,natural_gas,2\n", "zero or no value for FUEL natural_gas"),
        ("PARAMETER,FACTOR\nEmissionsPenalty,2\n", "line 2: EmissionsPenalty has only zero or no value"),
        ("PARAMETER,FACTOR\nDiscountRateIdv,2\n", "DiscountRateIdv has only zero, no value, or a negative one"),
        ("PARAMETER,FUEL,FACTOR\nVariableCost,electricity,2\n", "OPERATION, YEAR: leave FUEL blank"),
        ("PARAMETER,FACTOR\nRateIdv,2\n", "line 2: RateIdv is computed by the model"),
        ("PARAMETER,FACTOR\nVariableCost,-1\n", "line 2: expected a finite number >= 0 in the column FACTOR, got '-1'"),
        ("PARAMETER,FACTOR\nVariableCost,nan\n", "got 'nan'"),
        ("PARAMETER,FACTOR\nVariableCost,1e999\n", "got '1e999'"),
        ("PARAMETER,FACTOR\nVariableCost,\n", "got ''"),
        ("PARAMETER,FACTOR\n,2\n", "line 2: the column PARAMETER is blank"),
        ("PARAMETER,FACTOR\nVariableCost,2,3\n", "line 2: expected 2 values, got 3"),
        ("PARAMETER,FACTOR,FACTOR\nVariableCost,2,2\n", "line 1: the column 'FACTOR' is there 2 times"),
        ("PARAMETER,FACTR\nVariableCost,2\n", "line 1: there is no column FACTOR: add it"),
        ("PARAMETER,FUELS,FACTOR\nVariableCost,x,2\n", "line 1: no parameter has an index called 'FUELS'"),
        ("", "line 1: there is no column PARAMETER: add it"),
    ],
)  # fmt: skip
def test_a_factor_that_cannot_be_meant_is_refused_with_its_line(scale: str, expected: str, tmp_path: Path) -> None:
    data = (next(f for f in HIGHS.cases if f.name == "super_simple") / "data.txt").read_text()

    answer = solve(HIGHS, tmp_path, {"data.txt": data, "scale.csv": scale})

    assert answer.status["code"] == 400
    assert expected in answer.status["message"]
    assert answer.status["message"].startswith("scale.csv, ")


def test_all_faults_of_table_and_config_come_in_one_answer(tmp_path: Path) -> None:
    entries = [
        {"parameter": "FixedCost", "technology": ["gas_plant", "coal"], "factor": 2},
        {"parameter": "FixedCost", "technology": False, "factor": "2"},
        {"parameter": "FixedCost", "planet": "x", "factor": 2},
        {"factor": 2},
    ]

    answer = super_simple(HIGHS, tmp_path, "PARAMETER,FACTOR\nA,2\nVariableCost,x\n", scale=entries)

    faults = answer.status["message"].splitlines()
    places = [
        "scale.csv, line 3",
        "scale[1].technology",
        "scale[1].factor",
        "scale[2].planet",
        "scale[3]",
        "line 2",
        "scale[0]",
    ]
    assert len(faults) == len(places)
    for fault, place in zip(faults, places, strict=True):
        assert place in fault


@EVERY_MODULE
def test_rows_in_the_config_do_what_the_table_does(module: Module, tmp_path: Path) -> None:
    table = "PARAMETER,TECHNOLOGY,MODE_OF_OPERATION,YEAR,FACTOR\nVariableCost,gas_plant,1,2016,2\n"
    row = {"parameter": "VariableCost", "technology": "gas_plant", "mode_of_operation": 1, "year": [2016], "factor": 2}

    by_table = super_simple(module, tmp_path / "table", table)
    by_config = super_simple(module, tmp_path / "config", "", scale=[row])

    assert by_table.solution["objective"] == by_config.solution["objective"] > 60


def test_factors_on_a_finished_problem_are_refused(tmp_path: Path) -> None:
    problem = "Minimize\n z: x\nSubject To\n c: x >= 1\nEnd\n"

    by_table = solve(HIGHS, tmp_path / "table", {"model.lp": problem, "scale.csv": "PARAMETER,FACTOR\nA,2\n"})
    by_config = solve(HIGHS, tmp_path / "config", {"model.lp": problem}, scale=[{"parameter": "A", "factor": 2}])

    assert "takes no scale" in by_table.status["message"]
    assert "config.scale is given, but input lp is a finished problem" in by_config.status["message"]


def test_the_parameters_of_a_solved_model_are_complete_where_small_and_without_zeros_elsewhere(tmp_path: Path) -> None:
    answer = solve(HIGHS, tmp_path, {"data.txt": utopia()})

    life = answer.table("parameters/OperationalLife.csv")
    assert len(life) == 21
    assert life.set_index("TECHNOLOGY")["VALUE"][["E31", "RIV"]].tolist() == [100, 1]
    assert (answer.table("parameters/DiscountRateIdv.csv")["VALUE"] == 0.05).all()
    assert (answer.table("parameters/CapitalCost.csv")["VALUE"] != 0).all()
    assert answer.table("parameters/YEAR.csv")["VALUE"].tolist() == list(range(1990, 2011))
    assert set(answer.table("parameters/SpecifiedAnnualDemand.csv")["FUEL"]) == {"RH", "RL"}


def test_a_model_of_ones_own_has_no_parameters_folder(tmp_path: Path) -> None:
    answer = solve(HIGHS, tmp_path, {"model.txt": "var x >= 2;\nminimize z: x;\nend;\n"})

    assert not (answer.output / "parameters").exists()
