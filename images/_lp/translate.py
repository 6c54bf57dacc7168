"""Brings a MathProg model and its data before the translator: tables converted, factors applied, defaults added."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from _lp.config import Config
from _lp.data_section import DataText, data_start
from _lp.declarations import declared_indices, declared_parameters, parameters_mentioned, results_path
from _lp.factors import read_factors
from _lp.faults import Fault
from _lp.inputs import OSEMOSYS_DEFAULTS, Inputs
from _lp.mathprog import Translator
from _lp.otoole import data_text
from _lp.problem import Problem
from _lp.scaling import scale
from _lp.terminal import Transcript

RESULTS = "results"


@dataclass(frozen=True)
class _Source:
    """A text that the translator reads."""

    path: Path
    name: str  #: what the user calls it

    def text(self) -> str:
        """Return the text; bytes that are no UTF-8 survive a copy."""
        return self.path.read_text(encoding="utf-8", errors="surrogateescape")

    def copied(self, folder: Path, text: str) -> _Source:
        """Return a source with another text under the same name."""
        path = folder / f"scaled_{self.path.name}"
        path.write_text(text, encoding="utf-8", errors="surrogateescape")
        return replace(self, path=path)


def translate(
    inputs: Inputs, config: Config, said: Transcript, scratch: Path, output_dir: Path
) -> tuple[Translator, Problem, Path]:
    """Return the translator, the problem that it made, and the folder that the model writes its tables to.

    Raises:
        Fault: model, data or factors are wrong.
    """
    assert inputs.model is not None
    model = _Source(inputs.model, inputs.model.name)
    data = [_Source(inputs.data, inputs.data.name)] if inputs.data else []
    if inputs.csv:
        converted = scratch / "csv_data.txt"
        declared = declared_indices(model.text(), "param")
        converted.write_text(data_text(inputs.csv, inputs.csv_config, declared, inputs.own))
        data = [_Source(converted, "data made of csv")]
    data_section = data[0].text() if data else ""
    if inputs.own:
        defaults = scratch / "defaults.txt"
        defaults.write_text(_defaults_beside(data_section))
        data.append(_Source(defaults, "defaults"))
    folder = _make_results_folder(output_dir, model.text(), data_section)
    if inputs.scale or config.scale is not None:
        model, data = _scaled(model, data, inputs.scale, config, scratch)
    translator = Translator(said, {str(source.path): source.name for source in (model, *data)})
    translator.read(model.path, [source.path for source in data])
    return translator, translator.generate(), folder


def _scaled(
    model: _Source, data: list[_Source], table: Path | None, config: Config, scratch: Path
) -> tuple[_Source, list[_Source]]:
    """Return model and data with the factors applied; data in the model's own text count when there are no others."""
    text = model.text()
    start = data_start(text)
    parameters = declared_parameters(text if start is None else text[:start])
    if not data and start is None:
        raise Fault("factors are given, but the model has no data: give data or csv, or a data section in the model")
    columns = {index for parameter in parameters.values() for index in parameter.indices}
    rows, faults = read_factors(table, config.scale, columns)
    sections = [DataText(source.name, source.text()) for source in data] or [DataText(model.name, text, start or 0)]
    texts, counts = scale(sections, rows, parameters, _markers(), faults)
    for name, count in counts.items():
        print(f"scaled {count} values of {name}", flush=True)
    if not data:
        return model.copied(scratch, texts[0]), []
    return model, [source.copied(scratch, text) for source, text in zip(data, texts, strict=True)]


def _markers() -> dict[str, float]:
    """Return the parameters of OSeMOSYS whose default is negative, which stands for none in every formulation."""
    words = (line.split() for line in OSEMOSYS_DEFAULTS.read_text().splitlines() if line.startswith("param "))
    return {word[1]: float(word[3]) for word in words if float(word[3]) < 0}


def _defaults_beside(data: str) -> str:
    """Return the defaults of OSeMOSYS's parameters that the data do not mention."""
    mentioned = parameters_mentioned(data)
    lines = OSEMOSYS_DEFAULTS.read_text().splitlines()
    wanted = [line for line in lines if line.startswith("param ") and line.split()[1] not in mentioned]
    return "\n".join([*wanted, "end;", ""])


def _make_results_folder(output_dir: Path, model: str, data: str) -> Path:
    """Make the folder that the model writes its tables to, and return it; GLPK makes none."""
    named = output_dir / results_path(model, data)
    folder = named if named.resolve().is_relative_to(output_dir) and named != output_dir else output_dir / RESULTS
    folder.mkdir(parents=True, exist_ok=True)
    return folder
