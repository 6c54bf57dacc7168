"""What a module finds in its working folder."""

import json

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from calculation_engine.engine.steps.spec import config_text

#: Texts that YAML can hold unescaped: control characters are no part of it.
TEXTS = st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]))
NUMBERS = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=6)


@settings(max_examples=50)
@given(st.dictionaries(TEXTS, VALUES))
def test_a_config_is_the_same_for_readers_of_json_and_of_yaml(config: dict[str, object]) -> None:
    text = config_text(config)

    assert json.loads(text) == config
    assert yaml.safe_load(text) == config


def test_a_small_number_stays_a_number_and_a_text_that_looks_like_one_stays_a_text() -> None:
    config = {"gap": 1e-05, "more": [1.5e-07, -3e22], "1e-05": 'he said "1e-05" 1e+5'}

    assert yaml.safe_load(config_text(config)) == config
