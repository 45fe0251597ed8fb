"""TensorBoard(write_graph=True): of models that describe themselves and of those that must run."""

import os
from types import SimpleNamespace

import pytest
from tests.callbacks.tensorboard.event_reader import config, read, train, train_batches

from onfit.callbacks.tensorboard import TensorBoard
from onfit.core import Callback

LAYERS = {
    "class_name": "Sequential",
    "config": {
        "name": "mine",
        "layers": [
            {"class_name": "InputLayer", "config": {"name": "input"}},
            {"class_name": "Dense", "config": {"name": "dense", "dtype": "float32"}},
            {
                "class_name": "Sequential",
                "config": {
                    "name": "inner",
                    "layers": [{"class_name": "Dense", "config": {"name": "dense"}}],
                },
            },
        ],
    },
}


@pytest.fixture
def logs(tmp_path):
    return str(tmp_path / "logs")


class Tracer:
    """Knows the graph once the model was called."""

    def __init__(self):
        self.called = self.closed = False
        self.asked = 0

    def graph_def(self):
        self.asked += 1
        return graph_of("net") if self.called else None

    def close(self):
        self.closed = True


def graph_of(node):
    from tensorboard.compat.proto.graph_pb2 import GraphDef

    graph = GraphDef()
    graph.node.add(name=node)
    return graph.SerializeToString()


def described(config):
    return SimpleNamespace(graph_config=lambda: config, graph_tracer=None)


def traced(tracer):
    return SimpleNamespace(graph_config=lambda: None, graph_tracer=lambda: tracer)


def test_a_model_that_describes_itself_is_written_before_its_first_batch(logs):
    class Looks(Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.files = os.listdir(f"{board.log_dir}/train")

    board, looks = TensorBoard(logs), Looks()
    train([board, looks], [{}], described(LAYERS))
    assert len(looks.files) == 1
    assert config(f"{logs}/train") == LAYERS
    assert read(f"{logs}/train").SummaryMetadata("keras").plugin_data.content == b"1"


def test_it_is_written_once_in_each_training(logs):
    board = TensorBoard(logs)
    train(board, [{}] * 3, described(LAYERS))
    assert len(read(f"{logs}/train").Tensors("keras")) == 1
    train(board, [{}] * 2, described(LAYERS))
    assert len(read(f"{logs}/train").Tensors("keras")) == 1
    assert len(read(f"{logs}/fit_2/train").Tensors("keras")) == 1


def test_layers_are_nodes_of_a_graph_too_which_is_the_one_that_the_page_opens_with(logs):
    train(TensorBoard(logs), [{}], described(LAYERS))
    nodes = read(f"{logs}/train").Graph().node
    assert [(node.name, node.op, list(node.input)) for node in nodes] == [
        ("input", "InputLayer", []),
        ("dense", "Dense", ["input"]),
        ("inner/dense", "Dense", ["dense"]),
    ]


def test_one_line_says_that_a_description_cannot_be_drawn_and_the_run_goes_on(logs, capsys):
    empty = {"class_name": "Sequential", "config": {"name": "mine", "layers": []}}
    train(TensorBoard(logs), [{"loss": 1.0}], described(empty))
    assert capsys.readouterr().out == (
        "TensorBoard(write_graph=True): SimpleNamespace cannot be drawn, so there is no graph of "
        "it (ValueError: layer is not a model.). The rest is written.\n"
    )
    assert len(read(f"{logs}/train").Scalars("epoch_loss")) == 1


def test_a_model_that_must_run_is_traced_after_the_epoch_in_which_it_did(logs):
    tracer = Tracer()
    model = traced(tracer)

    class Calls(Callback):
        def on_epoch_begin(self, epoch, logs=None):
            tracer.called = epoch == 1

    train([TensorBoard(logs), Calls()], [{}, {}, {}], model)
    assert [node.name for node in read(f"{logs}/train").Graph().node] == ["net"]
    assert tracer.closed
    assert tracer.asked == 4  # around the first epoch and the second; never again


def test_a_model_that_never_ran_is_watched_no_longer(logs):
    tracer = Tracer()
    train(TensorBoard(logs), [{"loss": 1.0}], traced(tracer))
    assert tracer.closed
    assert not read(f"{logs}/train").Tags()["graph"]


def test_one_line_says_that_a_model_cannot_be_traced_and_the_run_goes_on(logs, capsys):
    class Untraceable(Tracer):
        def graph_def(self):
            self.asked += 1
            raise RuntimeError("data-dependent\nand much more")

    tracer = Untraceable()
    train(TensorBoard(logs), [{"loss": 1.0}] * 3, traced(tracer))
    assert capsys.readouterr().out == (
        "TensorBoard(write_graph=True): SimpleNamespace cannot be traced, so there is no graph of "
        "it (RuntimeError: data-dependent). The rest is written.\n"
    )
    assert (tracer.asked, tracer.closed) == (1, True)
    assert len(read(f"{logs}/train").Scalars("epoch_loss")) == 3


def test_no_graph_is_asked_for_where_none_is_wanted(logs):
    train(TensorBoard(logs, write_graph=False), [{}], SimpleNamespace(graph_config=None))
    assert os.listdir(logs) == []


def test_a_model_without_a_graph_is_no_problem(logs):
    train(TensorBoard(logs), [{}])
    assert os.listdir(logs) == []


# --- profiles ------------------------------------------------------------------------------


class Profiled(SimpleNamespace):
    """Notes during which of its steps it was recorded."""

    def __init__(self):
        super().__init__(steps=0, recorded=[], folders=[], recording=False)

    def profiled(self, folder):
        self.folders.append(folder)
        return self

    def __enter__(self):
        self.recording = True

    def __exit__(self, *error):
        self.recording = False

    def step(self):
        self.steps += 1
        if self.recording:
            self.recorded.append(self.steps)


@pytest.mark.parametrize(
    ("profile_batch", "recorded"),
    [
        (1, [1]),
        (2, [2]),
        ((2, 4), [2, 3, 4]),
        ([2, 4], [2, 3, 4]),
        ("2,4", [2, 3, 4]),
        ("3", [3]),
        ((5, 90), [5, 6]),  # ends with the training
        (7, []),
    ],
)
def test_batches_are_recorded_from_the_first_to_the_last(logs, profile_batch, recorded):
    model = Profiled()
    board = TensorBoard(logs, profile_batch=profile_batch)
    train_batches(board, 3, epochs=2, model=model, step=model.step)
    assert model.recorded == recorded
    assert not model.recording
    assert model.folders == ([f"{logs}/plugins/profile"] if recorded else [])


def test_batches_are_counted_without_a_run_too(logs):
    model, board = Profiled(), TensorBoard(logs, profile_batch=(2, 3))
    board.set_model(model)
    for _ in range(2):
        model.steps = 0
        board.on_train_begin()
        for batch in range(4):
            board.on_train_batch_begin(batch, {})
            model.step()
            board.on_train_batch_end(batch, {})
        board.on_train_end()
    assert model.recorded == [2, 3, 2, 3]


def test_a_run_that_goes_on_in_the_midst_of_them_records_the_rest(logs):
    model = Profiled()

    class GoesOn(Callback):
        def on_train_begin(self, logs=None):
            self.run.progress.step = 3

    board = TensorBoard(logs, profile_batch=(2, 5))
    train_batches([GoesOn(), board], 4, model=model, step=model.step)
    assert model.recorded == [1, 2]  # the fourth and the fifth of all


def test_a_training_that_fails_leaves_what_was_recorded(logs):
    model = Profiled()

    def fail():
        raise KeyError("step")

    with pytest.raises(KeyError):
        train_batches(TensorBoard(logs, profile_batch=1), 3, model=model, step=fail)
    assert model.folders
    assert not model.recording


def test_a_batch_costs_nothing_unless_it_is_to_be_recorded(logs):

    for hook in ("on_train_batch_begin", "on_train_batch_end"):
        assert not TensorBoard(logs, histogram_freq=1, embeddings_freq=1).hears(hook)
        assert TensorBoard(logs, profile_batch=1).hears(hook)
    assert not TensorBoard(logs, update_freq="batch").hears("on_train_batch_begin")


@pytest.mark.parametrize(
    "wrong", [-1, (3, 2), (0, 2), "a", "1,2,3", (1, 2, 3), (), "", 1.5, None, [[1], [2]]]
)
def test_what_says_no_batches_is_refused(logs, wrong):
    from onfit.errors import ArgumentError

    with pytest.raises(ArgumentError, match=r"profile_batch=.*counted from 1"):
        TensorBoard(logs, profile_batch=wrong)


def test_a_model_that_cannot_be_profiled_is_an_error_before_training(logs):
    from onfit.errors import CapabilityError

    with pytest.raises(CapabilityError, match=r"\(profile_batch=\(1, 2\)\) needs profiled"):
        train(TensorBoard(logs, profile_batch=(1, 2)), [])
