"""TensorBoard's arguments: what is refused before training, and what is warned of."""

import re

import numpy as np
import pytest
from tests.callbacks.tensorboard.event_reader import read, train

from onfit.callbacks.tensorboard import TensorBoard
from onfit.errors import ArgumentError, OnfitWarning


@pytest.fixture
def logs(tmp_path):
    return str(tmp_path / "logs")


def test_every_default_is_silent(logs):
    TensorBoard(logs)
    TensorBoard(logs, 0, 64, False, False, False, 0, [], {}, None, "epoch", 0)


@pytest.mark.parametrize(
    ("arguments", "how_often"),
    [
        ({"write_grads": True}, "histogram_freq"),
        ({"write_images": True}, "histogram_freq"),
        ({"embeddings_layer_names": ["e"], "embeddings_metadata": "m.tsv"}, "embeddings_freq"),
        ({"embeddings_data": np.zeros(2)}, "embeddings_freq"),
        ({"embeddings_data": np.zeros(0)}, "embeddings_freq"),
    ],
)
def test_what_is_written_at_no_epoch_is_named_and_the_run_goes_on(logs, arguments, how_often):
    names = ", ".join(f"{name}=..." for name in arguments)
    text = f"TensorBoard({names}): written only with {how_often}, and that is 0."
    with pytest.warns(OnfitWarning, match=re.escape(text)) as caught:
        callback = TensorBoard(logs, **arguments)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    train(callback, [{"loss": 1.0}])
    assert len(read(f"{logs}/train").Scalars("epoch_loss")) == 1


@pytest.mark.parametrize("argument", ["histogram_freq", "embeddings_freq"])
def test_a_flag_where_a_number_belongs_is_an_error_that_says_where_keras_3_has_it(logs, argument):
    with pytest.raises(ArgumentError, match=rf"TensorBoard\({argument}=True\): .* 0 is never"):
        TensorBoard(logs, **{argument: True})


@pytest.mark.parametrize("write_graph", [True, False])
def test_arguments_in_the_order_of_keras_3_are_refused(logs, write_graph):
    with pytest.raises(ArgumentError) as caught:
        TensorBoard(logs, 1, write_graph)
    assert str(caught.value) == (
        f"TensorBoard(batch_size={write_graph}): batch_size is a number of samples from 1 on such "
        "as 32; None is all. Without names, arguments have the order of Keras 2; Keras 3 has "
        f"write_graph in this place. Write write_graph={write_graph} if you mean that."
    )
    with pytest.raises(ArgumentError, match=r"write_images='batch'.* Write update_freq='batch' if"):
        TensorBoard(logs, 1, 32, True, False, "batch")


@pytest.mark.parametrize(
    "arguments",
    [
        {"histogram_freq": "1"},
        {"histogram_freq": 1.5},
        {"embeddings_freq": None},
        {"embeddings_freq": False},
        {"batch_size": 0},
        {"batch_size": "all"},
        {"write_graph": None},
        {"write_graph": 32},
        {"write_grads": "yes"},
        {"write_images": np.array([1])},
        {"profile_batch": True},
        {"update_freq": True},
        {"log_dir": ""},
        {"log_dir": None},
    ],
)
def test_an_argument_of_another_kind_is_refused(logs, arguments):
    (name,) = arguments
    with pytest.raises(ArgumentError, match=rf"^TensorBoard\({name}=.*\)") as caught:
        TensorBoard(**{"log_dir": logs, **arguments})
    assert "Keras 3" not in str(caught.value)


def test_numbers_and_flags_of_numpy_are_numbers_and_flags(logs):
    board = TensorBoard(logs, np.int64(1), np.int32(8), np.True_, 1, np.False_)
    assert (board.histogram_freq, board.batch_size) == (1, 8)
    assert (board.write_graph, board.write_grads, board.write_images) == (True, True, False)


@pytest.mark.parametrize("argument", ["histogram_freq", "embeddings_freq"])
def test_a_negative_frequency_is_refused(logs, argument):
    with pytest.raises(ArgumentError, match=rf"TensorBoard\({argument}=-1\): .* 0 is never"):
        TensorBoard(logs, **{argument: -1})


@pytest.mark.parametrize("argument", ["embeddings_freq", "profile_batch"])
def test_what_goes_to_folders_only_is_refused_elsewhere(argument):
    with pytest.raises(ArgumentError, match=rf"log_dir='s3://a/b', {argument}=1\): .* folders"):
        TensorBoard("s3://a/b", **{argument: 1})
    TensorBoard("s3://a/b", histogram_freq=1)


def test_a_misspelt_update_freq_is_refused(logs):
    with pytest.raises(ArgumentError, match=r"TensorBoard\(update_freq='epok'\).*Did you mean"):
        TensorBoard(logs, update_freq="epok")
