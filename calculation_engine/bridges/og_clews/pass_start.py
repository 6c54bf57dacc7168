"""The pass ``start``: checks the config against both baselines, and names the exchange variables."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from calculation_engine.bridges.base import EXCHANGE, VARIABLES, Status
from calculation_engine.bridges.exchange import ExchangeTable, write_exchange
from calculation_engine.bridges.og_clews.channels import overrides_of
from calculation_engine.bridges.og_clews.clews import Tables
from calculation_engine.bridges.og_clews.config import Config
from calculation_engine.bridges.og_clews.cost import account_of, notes_of
from calculation_engine.bridges.og_clews.economy import Parameters, read_run
from calculation_engine.bridges.og_clews.pass_costs import shapes_of, warnings_of
from calculation_engine.bridges.og_clews.response import GROUP, driver_ratio, exchange_variables
from calculation_engine.bridges.variables import VariableGroup, write_groups
from calculation_engine.errors import Fault, InvalidInput

#: Error of the answered ratios over OG-Core's own tolerance, as it is at the reference scenario [-].
NOISE_SHARE = 0.3


def run(config: Config, input_dir: Path, output_dir: Path) -> Status:
    """Write ``exchange.csv`` and ``variables.json``.

    Raises:
        InvalidInput: config and baselines do not fit; every fault with its path.
    """
    tables, economy = Tables(input_dir / "energy_baseline", "energy baseline"), input_dir / "economy_baseline"
    baseline = read_run(economy, "economy baseline")
    variables = exchange_variables(config, tables.demand(), baseline.calendar.start)

    def channels() -> None:
        account = account_of(tables, config.cost_scope)
        unchanged = dict.fromkeys(map(int, account.cost.index), 1.0)
        parameters = Parameters(input_dir / "economy_given")
        overrides_of(
            config.channels, config.energy_industry, unchanged, account, account, parameters, shapes_of(baseline)
        )

    def drivers(number: int) -> Callable[[], object]:
        row = config.demand[number]
        return lambda: driver_ratio(row, baseline, baseline, f"bridge.config.demand[{number}].{row.driver}")

    _all_faults([channels, *(drivers(number) for number in range(len(config.demand)))])
    exchange = ExchangeTable(tuple(variables), (config.exchange.start,) * len(variables))
    (output_dir / EXCHANGE).write_text(write_exchange(exchange), encoding="utf-8", newline="")
    settings = config.exchange
    noise = settings.noise
    if noise is None:
        noise = NOISE_SHARE * float(Parameters(input_dir / "economy_given").table("mindist_TPI").max())
    group = VariableGroup(positive=True, scale=1.0, lower=settings.lower, upper=settings.upper, noise=noise)
    write_groups({GROUP: group}, output_dir / VARIABLES)
    calendar, years = baseline.calendar, [int(variable.index) for variable in variables]
    text = (
        f"{len(variables)} demand ratios, {min(years)} to {max(years)}; the economy has {calendar.periods} periods of"
        f" {calendar.length:g} years from {calendar.start:g}"
    )
    notes = [*notes_of(tables, config.cost_scope), *warnings_of(config)]
    return Status(200, "\n".join([text, *(f"note: {note}" for note in notes)]))


def _all_faults(checks: list[Callable[[], object]]) -> None:
    faults: list[Fault] = []
    for check in checks:
        try:
            check()
        except InvalidInput as error:
            faults += error.faults or [Fault("", error.message, error.hint)]
    if faults:
        raise InvalidInput("the bridge's config does not fit the two baselines", faults=faults)
