"""TensorBoard's embeddings, in the files that its projector reads."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from tests.callbacks.tensorboard.event_reader import train

from onfit.callbacks.tensorboard import TensorBoard
from onfit.errors import ArgumentError, CapabilityError, OnfitWarning


@pytest.fixture
def logs(tmp_path):
    return tmp_path / "logs"


class Model(SimpleNamespace):
    """Two embeddings and a dense layer; what it puts out for x grows from epoch to epoch."""

    def __init__(self):
        super().__init__(batches=[])
        self.tables = {"words": np.arange(6.0).reshape(3, 2), "tags/all": np.ones((2, 2))}

    def named_embeddings(self):
        return list(self.tables.items())

    def named_activations(self, x, names):
        self.batches.append(len(x[0] if isinstance(x, tuple) else x))
        known = {"words": x, "tags/all": x, "dense": np.stack([x, -x], axis=-1)}
        for name in names:
            if name not in {*known, "unused"}:
                raise ArgumentError(f"there is no layer called {name!r}")
        return [(name, [known[name], None]) for name in names if name in known]


def shown(logs):
    """Tensor name -> (table, labels) as the projector's configuration names them."""
    from google.protobuf import text_format
    from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig

    folder = logs / "train"
    config = ProjectorConfig()
    text_format.Parse((folder / "projector_config.pbtxt").read_text(), config)
    return {
        info.tensor_name: (
            np.loadtxt(folder / info.tensor_path, delimiter="\t", ndmin=2).tolist(),
            (folder / info.metadata_path).read_text() if info.metadata_path else None,
        )
        for info in config.embeddings
    }


# --- tables --------------------------------------------------------------------------------


def test_the_tables_of_all_embedding_layers_are_written(logs):
    train(TensorBoard(logs, embeddings_freq=1), [{}], Model())
    assert shown(logs) == {
        "words": ([[0, 1], [2, 3], [4, 5]], None),
        "tags/all": ([[1, 1], [1, 1]], None),
    }


@pytest.mark.parametrize("names", [["words"], ("words",), "words"])
def test_only_the_layers_named_are_written(logs, names):
    train(TensorBoard(logs, embeddings_freq=1, embeddings_layer_names=names), [{}], Model())
    assert list(shown(logs)) == ["words"]


def test_they_are_written_every_so_many_epochs_and_the_last_ones_stay(logs):
    model, written = Model(), []

    class Board(TensorBoard):
        def on_epoch_end(self, epoch, logs=None):
            model.tables["words"] = np.full((1, 1), float(epoch))
            super().on_epoch_end(epoch, logs)
            written.append(shown(Path(self.log_dir))["words"][0])

    train(Board(logs, embeddings_freq=2), [{}] * 4, model)
    assert written == [[[0]], [[0]], [[2]], [[2]]]


def test_nothing_is_written_by_default(logs):
    train(TensorBoard(logs), [{"loss": 1.0}], Model())
    assert sorted(path.name[:6] for path in logs.rglob("*")) == ["events", "train"]


def test_numbers_come_back_as_they_were(logs):
    model, values = Model(), np.float32([[1 / 3, 1e-20], [-12345.678, 3e30]])
    model.tables = {"words": values}
    train(TensorBoard(logs, embeddings_freq=1), [{}], model)
    assert np.allclose(shown(logs)["words"][0], values, rtol=1e-6, atol=0)


# --- data ----------------------------------------------------------------------------------


def test_what_layers_make_of_data_is_written_row_by_row(logs):
    model, data = Model(), np.arange(5.0)
    board = TensorBoard(
        logs, batch_size=2, embeddings_freq=1,
        embeddings_layer_names=["dense"], embeddings_data=data,
    )  # fmt: skip
    train(board, [{}], model)
    assert shown(logs) == {"dense": ([[0, 0], [1, -1], [2, -2], [3, -3], [4, -4]], None)}
    assert model.batches == [1, 2, 2, 1]  # first one, to find out whether it will do


def test_outputs_of_several_axes_become_one_row_for_each_sample(logs):
    data = np.arange(12.0).reshape(2, 3, 2)
    board = TensorBoard(logs, embeddings_freq=1, embeddings_data=data)
    train(board, [{}], Model())
    assert shown(logs)["words"][0] == [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 10, 11]]
    assert list(shown(logs)) == ["words", "tags/all"]


def test_a_list_of_arrays_is_for_several_inputs(logs):
    seen = []
    model = Model()
    model.named_activations = lambda x, names: seen.append(x) or [("words", [x[1]])]
    board = TensorBoard(
        logs, embeddings_freq=1, embeddings_layer_names=["words"],
        embeddings_data=[np.zeros(3), np.arange(3)],
    )  # fmt: skip
    train(board, [{}], model)
    assert [part.tolist() for part in seen[0]] == [[0], [0]]
    assert shown(logs)["words"][0] == [[0], [1], [2]]


def test_samples_may_be_plain_lists(logs):
    data = [[1.0, 2.0], [3.0, 4.0]]
    board = TensorBoard(logs, 0, embeddings_freq=1, embeddings_data=data)
    model = Model()
    model.named_activations = lambda x, names: [(name, [np.array(x)]) for name in names]
    train(board, [{}], model)
    assert shown(logs)["words"][0] == data


# --- layers that are not there -------------------------------------------------------------


def test_a_layer_without_a_table_is_an_error_before_training(logs):
    board = TensorBoard(logs, embeddings_freq=1, embeddings_layer_names=["word"])
    with pytest.raises(ArgumentError, match=r"no embedding layer .* words.*Did you mean 'words'"):
        train(board, [{}], Model())
    assert not (logs / "train").exists()


def test_a_layer_that_is_not_there_is_an_error_before_training(logs):
    board = TensorBoard(
        logs, embeddings_freq=1, embeddings_layer_names=["nix"], embeddings_data=np.ones(2)
    )
    with pytest.raises(ArgumentError, match="no layer called 'nix'"):
        train(board, [{}], Model())


def test_a_layer_that_the_model_does_not_use_is_an_error_before_training(logs):
    board = TensorBoard(
        logs, embeddings_freq=1, embeddings_layer_names=["unused"], embeddings_data=np.ones(2)
    )
    with pytest.raises(ArgumentError, match=r"\['unused'\].*does not use"):
        train(board, [{}], Model())


@pytest.mark.parametrize("data", [None, np.ones(2)])
def test_a_model_without_embeddings_is_warned_of_once(logs, data):
    model = Model()
    model.tables = {}
    with pytest.warns(OnfitWarning, match="no embedding layers, so nothing is written") as caught:
        train(TensorBoard(logs, embeddings_freq=1, embeddings_data=data), [{}] * 2, model)
    assert len(caught) == 1
    assert not (logs / "train").exists()


@pytest.mark.parametrize(
    ("arguments", "lacks"),
    [
        ({}, "named_embeddings"),
        ({"embeddings_data": np.ones(1)}, "named_embeddings"),
        ({"embeddings_data": np.ones(1), "embeddings_layer_names": ["a"]}, "named_activations"),
    ],
)
def test_a_model_that_cannot_tell_is_an_error_before_training(logs, arguments, lacks):
    with pytest.raises(CapabilityError, match=rf"\(embeddings_freq=2\) needs {lacks}"):
        train(TensorBoard(logs, embeddings_freq=2, **arguments), [])


# --- labels --------------------------------------------------------------------------------


def labelled(logs, metadata, model=None):
    board = TensorBoard(logs, embeddings_freq=1, embeddings_metadata=metadata)
    train(board, [{}] * 2, model or Model())
    return {name: labels for name, (_, labels) in shown(logs).items()}


def test_labels_in_the_log_folder_are_for_all_layers(logs):
    logs.mkdir()
    (logs / "labels.tsv").write_text("a\nb\n")
    assert labelled(logs, "labels.tsv") == {"words": "a\nb\n", "tags/all": "a\nb\n"}


def test_a_dict_has_labels_for_some_layers(logs, tmp_path):
    (tmp_path / "words.tsv").write_text("a\n")
    metadata = {"words": str(tmp_path / "words.tsv")}
    assert labelled(logs, metadata) == {"words": "a\n", "tags/all": None}


def test_labels_are_found_from_the_current_folder_too(logs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("labels.tsv").write_text("here\n")
    assert labelled(logs, {"words": "labels.tsv"})["words"] == "here\n"
    (logs / "labels.tsv").write_text("there\n")
    assert labelled(logs, {"words": "labels.tsv"})["words"] == "there\n"


def test_labels_that_are_not_there_are_named_once_and_taken_when_they_come(logs):
    with pytest.warns(OnfitWarning, match=r"no file 'labels.tsv'.*'words' have no") as caught:
        assert labelled(logs, "labels.tsv") == {"words": None, "tags/all": None}
    assert len(caught) == 1

    class Late(Model):
        def named_embeddings(self):
            (logs / "late.tsv").write_text("late\n")
            return super().named_embeddings()

    assert labelled(logs, "late.tsv", Late())["words"] == "late\n"


def test_labels_for_a_layer_that_is_not_written_are_an_error_before_training(logs):
    with pytest.raises(ArgumentError, match=r"\{'word': ...\}.*words.*Did you mean 'words'"):
        labelled(logs, {"word": "labels.tsv"})
