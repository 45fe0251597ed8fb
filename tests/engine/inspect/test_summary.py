"""The table of a model's layers."""

from typing import Any

import pytest

from onfit import Input, Model, Sequential
from onfit.errors import ArgumentError
from onfit.layers import Dense, Dropout


def nested() -> Sequential:
    inner = Sequential([Dense(2, name="deep"), Dropout(0.2, name="drop")], name="inner")
    return Sequential([Dense(3, input_dim=4, name="first"), inner, Dense(1, name="last")])


def table(model: Model, **look: Any) -> list[str]:
    shown: list[str] = []
    model.summary(print_fn=shown.append, **look)
    return shown[0].splitlines()


def rows(model: Model, **look: Any) -> list[list[str]]:
    return [line.split() for line in table(model, **look)[4:-4]]


def test_what_is_not_known_yet_is_a_question_mark() -> None:
    model = Sequential([Dense(3, name="first"), Dense(1, name="last")])
    assert rows(model) == [["first", "(Dense)", "?", "?"], ["last", "(Dense)", "?", "?"]]
    model.build((None, 4))
    assert rows(model)[0] == ["first", "(Dense)", "(None,", "3)", "15"]


def test_a_subclass_shows_what_its_parts_know() -> None:
    class Own(Model):
        def __init__(self) -> None:
            super().__init__()
            self.part, self.head = nested(), Dense(1)

    assert rows(Own()) == [
        ["sequential", "(Sequential)", "(None,", "1)", "26"],
        ["head", "(Dense)", "?", "?"],
    ]


def test_the_inputs_of_a_functional_model_are_shown() -> None:
    x = Input((4,), name="given")
    assert rows(Model(x, Dense(1)(x)))[0] == ["given", "(InputLayer)", "(None,", "4)", "0"]


def test_layers_of_models_within_are_shown_if_asked_for() -> None:
    lines = table(nested(), expand_nested=True)
    assert [line.split("(")[0].rstrip() for line in lines[4:-4]] == [
        "first",
        "inner",
        "  └ deep",
        "  └ drop",
        "last",
    ]


def test_what_trains_is_shown_if_asked_for() -> None:
    model = nested()
    model.get_layer("first").trainable = False
    shown = rows(model, show_trainable=True, expand_nested=True)
    assert [row[-1] for row in shown] == ["N", "Y", "Y", "-", "Y"]


@pytest.mark.parametrize(
    ("asked", "names"),
    [(["inner", "last"], ["inner", "last"]), (["f.*", "inner"], ["first", "inner"])],
)
def test_a_range_of_layers(asked: list[str], names: list[str]) -> None:
    assert [row[0] for row in rows(nested(), layer_range=asked)] == names


def test_a_range_of_unknown_layers_is_an_error() -> None:
    with pytest.raises(ArgumentError, match=r"no layer 'lst'.*Did you mean 'last'"):
        nested().summary(layer_range=["first", "lst"])
    with pytest.raises(ArgumentError, match="two layers"):
        nested().summary(layer_range="first")


def test_the_length_of_lines_and_the_columns_can_be_set() -> None:
    lines = table(nested(), line_length=60, positions=[0.5, 0.8, 1.0])
    assert {len(line) for line in lines if "─" in line} == {60}
    assert lines[2].index("Output") == 30
    assert lines[2].index("Param") == 48
    assert table(nested(), line_length=60, positions=[30, 48, 60, 70]) == lines
    with pytest.raises(ArgumentError, match="the first one first"):
        nested().summary(positions=[1.0, 0.5, 0.2])


def test_a_table_is_printed(capsys: Any) -> None:
    nested().summary(60)
    assert "Total params: 26" in capsys.readouterr().out
