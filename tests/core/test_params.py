"""The facts of a run: what a callback may write into them, and what is an error."""

import copy
import pickle
from types import SimpleNamespace

import pytest
from tests.core.loops import At

from onfit.core import Run
from onfit.core.walks.params import Params
from onfit.errors import ArgumentError


@pytest.mark.parametrize("name", ["epochs", "steps", "samples", "batch_size", "do_validation"])
def test_a_fact_that_would_change_nothing_is_an_error_in_mid_training(name):
    def write(callback, *args):
        callback.params[name] = 77

    run = Run(SimpleNamespace(), At("on_epoch_begin", write), params={"verbose": 0})
    with pytest.raises(ArgumentError, match=f"'{name}'.* = 77 would change nothing"), run:
        list(run.epochs())


@pytest.mark.parametrize(
    "write",
    [
        lambda params: params.update(epochs=2),
        lambda params: params.__ior__({"epochs": 2}),
        lambda params: params.pop("epochs"),
        lambda params: params.__delitem__("epochs"),
        lambda params: params.clear(),
    ],
)
def test_so_it_is_in_every_way_to_write_it(write):
    params = Params(epochs=1)
    with pytest.raises(ArgumentError, match="would change nothing"):
        write(params)
    assert params == {"epochs": 1}


def test_what_acts_and_what_is_new_may_be_written():
    params = Params(epochs=1, verbose=1)
    params.update(verbose=0, mine=[1], epochs=1)
    params["metrics"] = ["loss"]
    assert params.pop("mine") == [1]
    assert params == {"epochs": 1, "verbose": 0, "metrics": ["loss"]}


def test_a_copy_is_a_plain_dict():
    params = Params(epochs=1)
    assert type(pickle.loads(pickle.dumps(params))) is dict
    copied = copy.deepcopy(params)
    copied["epochs"] = 5
    assert params["epochs"] == 1
