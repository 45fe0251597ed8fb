"""LambdaCallback."""

import inspect
import json
from types import SimpleNamespace

import pytest

from onfit.callbacks.lambda_callback import LambdaCallback
from onfit.core import Run
from onfit.core.hooks import ALL_NAMES, CLASSIC, HOOKS, heard
from onfit.errors import ArgumentError, ArgumentTypeError


@pytest.mark.parametrize("name", ALL_NAMES)
def test_every_hook_can_be_given_by_its_name(name):
    def function(*arguments):
        return arguments

    callback = LambdaCallback(**{name: function})
    told = next((newer for newer, older in CLASSIC.items() if older == name), name)
    assert heard(callback, told) is function
    assert [hook for hook in HOOKS if callback.hears(hook)] == [told]


def test_what_is_not_given_is_not_heard():
    callback = LambdaCallback(on_epoch_end=None, on_test_end=None)
    assert [hook for hook in HOOKS if callback.hears(hook)] == []


def test_the_first_six_may_be_given_by_position_in_keras_order():
    names = list(inspect.signature(LambdaCallback).parameters)[:6]
    assert names == [
        "on_epoch_begin",
        "on_epoch_end",
        "on_batch_begin",
        "on_batch_end",
        "on_train_begin",
        "on_train_end",
    ]
    functions = [lambda *arguments, name=name: name for name in names]
    callback = LambdaCallback(*functions)
    assert [getattr(callback, name)() for name in names] == names


def test_a_run_calls_the_functions_by_position():
    told = []
    callback = LambdaCallback(
        on_train_begin=lambda logs: told.append("train begin"),
        on_epoch_begin=lambda epoch, logs: told.append(("epoch begin", epoch)),
        on_batch_begin=lambda batch, logs: told.append(("batch begin", batch, logs["size"])),
        on_batch_end=lambda batch, logs: told.append(("batch end", batch, logs["loss"])),
        on_epoch_end=lambda epoch, logs: told.append(("epoch end", epoch, logs["loss"])),
        on_train_end=lambda logs: told.append("train end"),
    )
    with Run(SimpleNamespace(), callback, epochs=1) as run:
        for _ in run.epochs():
            for batch in run.batches([[0.5, 0.5]]):
                run.log(loss=batch[0])
    assert told == [
        "train begin",
        ("epoch begin", 0),
        ("batch begin", 0, 2),
        ("batch end", 0, 0.5),
        ("epoch end", 0, 0.5),
        "train end",
    ]


def test_a_json_log_is_written_and_closed_as_the_documents_show(tmp_path):
    json_log = open(tmp_path / "loss_log.json", mode="w", buffering=1)  # noqa: SIM115
    callback = LambdaCallback(
        on_epoch_end=lambda epoch, logs: json_log.write(
            json.dumps({"epoch": epoch, "loss": logs["loss"]}) + "\n"
        ),
        on_train_end=lambda logs: json_log.close(),
    )
    with Run(SimpleNamespace(), callback, epochs=2) as run:
        for epoch in run.epochs():
            run.log(loss=0.5 * epoch)
    assert json_log.closed
    assert (tmp_path / "loss_log.json").read_text() == (
        '{"epoch": 0, "loss": 0.0}\n{"epoch": 1, "loss": 0.5}\n'
    )


def test_a_misspelt_hook_is_refused_with_the_nearest_name():
    with pytest.raises(ArgumentError, match=r"no hook 'on_epoch_ends'\. Did you mean") as caught:
        LambdaCallback(on_epoch_ends=print)
    assert "on_predict_batch_end" in str(caught.value)


def test_a_misspelt_hook_is_refused_even_when_it_is_none():
    with pytest.raises(ArgumentError, match="no hook 'on_epoch'"):
        LambdaCallback(on_epoch=None)


def test_something_that_cannot_be_called_is_refused():
    with pytest.raises(ArgumentTypeError, match=r"on_epoch_end=3\).*of type int"):
        LambdaCallback(on_epoch_end=3)


@pytest.mark.parametrize(("newer", "older"), CLASSIC.items())
def test_a_hook_given_under_both_its_names_is_refused(newer, older):
    with pytest.raises(ArgumentError, match="two names of one hook"):
        LambdaCallback(**{newer: print, older: print})


def test_two_instances_share_nothing():
    LambdaCallback(on_epoch_end=print)
    assert not LambdaCallback().hears("on_epoch_end")
