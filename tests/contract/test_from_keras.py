"""docs/from-keras.md says what is so."""

import importlib

import pytest
from tests.contract.from_keras import PAGE, ROOMS, lacking, page, unexplained
from tests.contract.ops_stub import STUB, stub
from tests.twin.keras_twin import tolerant_of_keras

pytestmark = tolerant_of_keras


def test_the_page_is_what_the_contract_makes_of_it() -> None:
    assert PAGE.read_text(encoding="utf-8") == page()


def test_every_name_that_is_missing_has_advice_and_no_other_name_has() -> None:
    assert unexplained() == {}


@pytest.mark.parametrize("room", ROOMS)
def test_a_missing_name_says_what_the_page_says(room: str) -> None:
    module = importlib.import_module("onfit.keras" if room == "keras" else f"onfit.{room}")
    for name in lacking(room):
        with pytest.raises(AttributeError, match=rf"'{name}'\. Write \S"):
            getattr(module, name)


def test_editors_read_the_same_names_and_arguments_of_ops() -> None:
    assert STUB.read_text(encoding="utf-8") == stub()
