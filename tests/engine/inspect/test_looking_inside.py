"""What a model shows of itself: gradients, activations, embeddings, its graph; without a trace."""

import json
import warnings

import numpy as np
import pytest
import torch
from torch import nn

from onfit.errors import ArgumentError, NotReadyError, ShapeError
from onfit.layers import (
    LSTM,
    BatchNormalization,
    Concatenate,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Input,
    TorchModule,
)
from onfit.models import Model, Sequential

DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(6, 4)).astype("float32")
Y = DRAW.integers(0, 3, 6)
WORDS = DRAW.integers(0, 10, (6, 5))


def dense_model():
    model = Sequential([Dense(5, "relu", input_dim=4, name="first"), Dropout(0.5), Dense(3)])
    model.compile("adam", "mse", metrics=["mae"])
    return model


class Words(nn.Module):
    """Looks words up, in one of several towers."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(10, 2)
        self.towers = nn.ModuleList([nn.Linear(10, 3), nn.Linear(3, 3)])
        self.unused = nn.Linear(1, 1)

    def forward(self, x):
        x = self.table(x).flatten(1)
        for tower in self.towers:
            x = tower(x)
        return {"out": self.towers[1](x)}


def shapes(pairs):
    return {name: [tuple(output.shape) for output in outputs] for name, outputs in pairs}


# --- gradients -----------------------------------------------------------------------------


def test_gradients_are_those_of_the_loss_in_evaluation():
    model, y = dense_model(), np.ones((6, 3), "float32")
    weight = np.arange(6.0)
    gradients = dict(model.named_gradients(X, y, weight))
    model.eval()
    error = (model(torch.tensor(X)) - torch.tensor(y)).square().mean(-1)
    (error * torch.arange(6)).mean().backward()
    expected = {name: tensor.grad for name, tensor in model.named_weights()}
    assert gradients.keys() == expected.keys() == {
        "first.kernel", "first.bias", "dense.kernel", "dense.bias"
    }  # fmt: skip
    for name, gradient in gradients.items():
        assert torch.allclose(gradient, expected[name], atol=1e-6), name


def test_frozen_and_unused_weights_have_no_gradient():
    model = Model(Words())
    model.compile("sgd", lambda y, pred: pred["out"].square().mean(-1))
    model.net.towers[0].requires_grad_(False)
    names = [name for name, _ in model.named_gradients(WORDS, Y)]
    assert names == ["table.weight", "towers.1.weight", "towers.1.bias"]


def test_gradients_of_several_inputs_and_recurrent_layers():
    words, numbers = Input((5,), dtype="int64", name="words"), Input((4,), name="numbers")
    both = Concatenate()([LSTM(3)(Embedding(10, 2)(words)), numbers])
    model = Model([words, numbers], Dense(1)(both))
    model.compile("sgd", "mse")
    gradients = dict(model.named_gradients((WORDS, X), Y[:, None]))
    assert len(gradients) == len(model.named_weights())
    assert all(gradient.abs().sum() > 0 for gradient in gradients.values())


def test_without_a_loss_there_is_no_gradient():
    with pytest.raises(NotReadyError, match="not compiled"):
        Model(nn.Linear(4, 1)).named_gradients(X, Y)
    model = Model(nn.Linear(4, 1))
    model.compile("sgd")
    with pytest.raises(NotReadyError, match="without a loss"):
        model.named_gradients(X, Y)


# --- activations ---------------------------------------------------------------------------


def test_activations_are_what_layers_put_out_in_evaluation():
    model = dense_model()
    outputs = dict(model.named_activations(X))
    assert list(outputs) == ["first", "dropout", "dense"]
    (first,), (dropped,), (last,) = outputs.values()
    assert torch.equal(first, dropped)
    assert np.allclose(last.numpy(), model.predict(X, verbose=0), atol=1e-6)
    assert not any(output.requires_grad for (output,) in outputs.values())


def test_a_layer_that_is_called_twice_has_two_outputs():
    x, dense = Input((4,)), Dense(4)
    model = Model(x, Flatten()(dense(dense(x))))
    assert shapes(model.named_activations(X)) == {"dense": [(6, 4), (6, 4)], "flatten": [(6, 4)]}


def test_the_layers_of_a_torch_module_are_its_children_and_those_in_lists():
    assert shapes(Model(Words()).named_activations(WORDS)) == {
        "table": [(6, 5, 2)], "towers.0": [(6, 3)], "towers.1": [(6, 3), (6, 3)],
    }  # fmt: skip
    assert shapes(Model(nn.Linear(4, 2)).named_activations(X)) == {"linear": [(6, 2)]}


def test_every_tensor_of_an_output_counts():
    outputs = Model(nn.Sequential(nn.LSTM(4, 2))).named_activations(X[None])
    assert shapes(outputs) == {"0": [(1, 6, 2), (1, 6, 2), (1, 6, 2)]}


def test_some_layers_may_be_named_deeper_ones_too():
    net = nn.Sequential(nn.Sequential(nn.Linear(4, 3), nn.ReLU()), nn.Linear(3, 1))
    assert shapes(Model(net).named_activations(X, ["0.0"])) == {"0.0": [(6, 3)]}
    inner = Sequential([TorchModule(net, name="net"), Dense(2)])
    inner(torch.tensor(X))
    assert shapes(inner.named_activations(X, ["net", "net.net.1"])) == {
        "net": [(6, 1)], "net.net.1": [(6, 1)],
    }  # fmt: skip


def test_an_unknown_layer_is_named():
    with pytest.raises(ArgumentError, match=r"no layer called 'frist'.*Did you mean 'first'"):
        dense_model().named_activations(X, ["frist"])


# --- embeddings ----------------------------------------------------------------------------


def test_embeddings_are_found_wherever_they_are():
    bag = nn.EmbeddingBag(4, 3)
    model = Sequential([Embedding(10, 2, input_length=5, name="words"), Flatten()])
    assert [(n, tuple(t.shape)) for n, t in model.named_embeddings()] == [("words", (10, 2))]
    assert [name for name, _ in Model(Words()).named_embeddings()] == ["table"]
    assert [name for name, _ in Model(nn.Sequential(bag)).named_embeddings()] == ["0"]
    (pair,) = Sequential([TorchModule(bag, name="bag")]).named_embeddings()
    assert pair[0] == "bag"
    assert pair[1] is bag.weight
    assert Sequential([Embedding(10, 2)]).named_embeddings() == []  # no table yet
    assert dense_model().named_embeddings() == []
    (alone,) = Model(nn.Embedding(4, 3)).named_embeddings()
    assert alone[0] == "embedding"
    assert Model(nn.Embedding(4, 3)).named_activations(WORDS % 4, ["embedding"])


# --- graphs that models describe -----------------------------------------------------------


def edges(model):
    """Node -> its inputs, as TensorBoard draws them."""
    from tensorboard.plugins.graph.keras_util import keras_model_to_graph_def

    config = json.loads(json.dumps(model.graph_config()))
    return {node.name: list(node.input) for node in keras_model_to_graph_def(config).node}


def test_a_stack_is_drawn_from_its_input_on():
    model = Sequential([Dense(5, input_dim=4), nn.Tanh(), Dense(1)], name="net")
    assert edges(model) == {
        "net/input": [],
        "net/dense": ["net/input"],
        "net/tanh": ["net/dense"],
        "net/dense_1": ["net/tanh"],
    }
    layers = model.graph_config()["config"]["layers"]
    assert [layer["class_name"] for layer in layers] == ["InputLayer", "Dense", "Tanh", "Dense"]
    assert layers[0]["config"] == {"name": "input", "dtype": "float32", "batch_shape": [None, 4]}
    assert layers[1]["config"] == {"name": "dense", "dtype": "float32"}


def test_branches_are_drawn():
    a, b = Input((4,), name="a"), Input((4,), name="b")
    shared = Dense(3, name="shared")
    left, right = shared(a), shared(b)
    model = Model([a, b], [Dense(1, name="out")(Concatenate(name="both")([left, right])), left])
    model.name = "net"
    assert edges(model) == {
        "net/a": [],
        "net/b": [],
        "net/shared": ["net/a", "net/b"],
        "net/both": ["net/shared", "net/shared"],
        "net/out": ["net/both"],
    }
    config = model.graph_config()["config"]
    assert config["input_layers"] == ["a", "b"]
    assert config["output_layers"] == [["out", 0, 0], ["shared", 0, 0]]


def test_models_in_models_are_drawn_with_their_layers():
    inner = Sequential([Dense(3, input_dim=4, name="deep")], name="inner")
    assert edges(Sequential([Dense(4, input_dim=4, name="front"), inner], name="net")) == {
        "net/input": [],
        "net/front": ["net/input"],
        "net/inner/input": ["net/front"],
        "net/inner/deep": ["net/inner/input"],
    }
    x = Input((4,), name="x")
    model = Model(x, Dense(1, name="out")(Model(x, Dense(4, name="deep")(x), name="part")(x)))
    model.name = "net"
    assert edges(model) == {
        "net/x": [],
        "net/part/x": ["net/x"],
        "net/part/deep": ["net/part/x"],
        "net/out": ["net/part/deep"],
    }


def test_models_of_several_inputs_or_in_a_stack_are_drawn_too():
    a, b = Input((4,), name="a"), Input((4,), name="b")
    part = Model([a, b], Concatenate(name="both")([a, b]), name="part")
    x, y = Input((4,), name="x"), Input((4,), name="y")
    model = Model([x, y], part([y, x]), name="net")
    assert edges(model) == {
        "net/x": [],
        "net/y": [],
        "net/part/a": ["net/y"],
        "net/part/b": ["net/x"],
        "net/part/both": ["net/part/a", "net/part/b"],
    }
    z = Input((4,), name="z")
    part = Model(z, Dense(3, name="deep")(z), name="part")
    assert edges(Sequential([Dense(4, input_dim=4, name="front"), part], name="net")) == {
        "net/input": [],
        "net/front": ["net/input"],
        "net/part/z": ["net/front"],
        "net/part/deep": ["net/part/z"],
    }


def test_what_has_code_of_its_own_does_not_describe_itself():
    class Twice(Sequential):
        def forward(self, x):
            return super().forward(x) * 2

    assert Twice([Dense(3, input_dim=4)]).graph_config() is None
    assert Model(Words()).graph_config() is None
    assert Sequential([Dense(3)]).graph_config() is None  # it knows no input yet


# --- graphs that are found by running ------------------------------------------------------


def traced_ops(model, *args, **kwargs):
    from tensorboard.compat.proto.graph_pb2 import GraphDef

    tracer = model.graph_tracer()
    assert tracer.graph_def() is None
    with warnings.catch_warnings(action="error"):
        model._inside(*args, **kwargs)
        graph = tracer.graph_def()
    return {node.op for node in GraphDef.FromString(graph).node}


def test_the_graph_of_a_module_is_traced_as_it_was_called(capsys):
    assert {"aten::embedding", "aten::linear"} <= traced_ops(Model(Words()), torch.tensor(WORDS))
    assert "aten::relu" in traced_ops(Model(nn.ReLU()), torch.tensor(X))
    assert capsys.readouterr().out == ""


def test_named_arguments_and_such_that_are_no_tensors_do_no_harm():
    class Net(nn.Module):
        def forward(self, x, *, scale, shift=None):
            assert scale == 3
            return torch.relu(x["a"] * scale)

    x = {"a": torch.tensor(X)}
    assert {"aten::mul", "aten::relu"} <= traced_ops(Model(Net()), x, scale=3, shift=None)


def test_a_compiled_module_is_traced_as_what_it_was():
    ops = traced_ops(Model(torch.compile(nn.ReLU(), backend="eager")), torch.tensor(X))
    assert "aten::relu" in ops


def test_modules_with_layers_in_them_are_traced():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.dense = Dense(3)

        def forward(self, x):
            return torch.relu(self.dense(x))

    class Own(Model):
        def __init__(self):
            super().__init__()
            self.net = Net()

        def forward(self, x):
            return self.net(x)

    assert {"aten::addmm", "aten::relu"} <= traced_ops(Own(), torch.tensor(X))


def test_only_the_next_call_is_noted_and_no_data_kept():
    model = Model(nn.Linear(4, 2))
    tracer = model.graph_tracer()
    for rows in (6, 3):
        model(torch.tensor(X[:rows]))
    (noted,), _ = tracer._call
    assert noted.shape == (6, 4)
    assert noted.untyped_storage().nbytes() == 4
    assert not model.net._forward_pre_hooks


def test_a_tracer_that_is_closed_watches_no_longer():
    model = Model(nn.Linear(4, 2))
    model.graph_tracer().close()
    assert not model.net._forward_pre_hooks


def test_what_speaks_against_tracing_is_raised_not_printed(capsys):
    class Stubborn(nn.Module):
        def forward(self, x):
            if torch.jit.is_tracing():
                raise RuntimeError("not me")
            return x

    tracer = (model := Model(Stubborn())).graph_tracer()
    model(torch.tensor(X))
    with pytest.raises(RuntimeError, match="not me"):
        tracer.graph_def()
    assert capsys.readouterr().out == ""


def test_odd_arguments_end_no_training():
    class Odd(tuple):
        def __new__(cls, *items):
            return super().__new__(cls, items)

    class Net(nn.Module):
        def forward(self, x):
            return x[0]

    tracer = (model := Model(Net())).graph_tracer()
    model.net(Odd(torch.tensor(X), torch.tensor(X)))
    with pytest.raises(Exception):  # noqa: B017, PT011 - whatever it is, it comes now
        tracer.graph_def()


# --- profiles ------------------------------------------------------------------------------


def test_a_profile_is_a_trace_that_names_operations(tmp_path):
    with Model(nn.ReLU()).profiled(str(tmp_path / "profile")):
        torch.relu(torch.ones(3))
    (trace,) = (tmp_path / "profile").glob("*.pt.trace.json")
    names = {event.get("name") for event in json.loads(trace.read_text())["traceEvents"]}
    assert "aten::relu" in names


# --- without a trace -----------------------------------------------------------------------


def test_looking_leaves_no_trace():
    model = Sequential([Dense(5, input_dim=4), BatchNormalization(), Dropout(0.5), Dense(3)])
    model.compile("adam", "mse", metrics=["mae"])
    model.train()
    model.layers[1].eval()
    y = np.ones((6, 3), "float32")

    def state():
        return (
            [module.training for module in model.modules()],
            torch.get_rng_state().tolist(),
            [weight.tolist() for weight in model.get_weights()],
            [parameter.grad for parameter in model.parameters()],
            [len(module._forward_hooks) + len(module._forward_pre_hooks)
             for module in model.modules()],
            torch.is_grad_enabled(),
            torch.backends.cudnn.enabled,
        )  # fmt: skip

    tracer = model.graph_tracer()
    model.eval()(torch.tensor(X))
    model.train()
    model.layers[1].eval()
    before = state()
    model.named_gradients(X, y)
    model.named_activations(X)
    model.named_activations(X, ["dense"])
    tracer.graph_def()
    assert state() == before
    with pytest.raises(ShapeError):
        model.named_activations(X[:, :2])
    assert state() == before
