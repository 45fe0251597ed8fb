"""TensorBoard with everything it can write, beside a real training."""

import numpy as np
import pytest
import torch
from tests.callbacks.tensorboard.event_reader import config, histograms, read
from torch import nn

from onfit.callbacks import TensorBoard
from onfit.errors import OnfitWarning
from onfit.layers import BatchNormalization, Concatenate, Dense, Dropout, Embedding, Flatten, Input
from onfit.models import Model

DRAW = np.random.default_rng(0)
WORDS = DRAW.integers(0, 10, (24, 3))
NUMBERS = DRAW.normal(size=(24, 4)).astype("float32")
Y = DRAW.normal(size=(24, 1)).astype("float32")


class Net(nn.Module):
    """Takes words and numbers, as the functional model does."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(10, 2)
        self.drop = nn.Dropout(0.5)
        self.out = nn.Linear(10, 1)

    def forward(self, words, numbers):
        return self.out(self.drop(torch.cat([self.table(words).flatten(1), numbers], 1)))


def functional():
    words, numbers = Input((3,), dtype="int64", name="words"), Input((4,), name="numbers")
    table = Embedding(10, 2, name="table")(words)
    both = Concatenate(name="both")([Flatten()(table), BatchNormalization()(numbers)])
    return Model([words, numbers], Dense(1, name="out")(Dropout(0.5)(both)))


def trained(make, *callbacks):
    torch.manual_seed(1)
    model = make()
    model.compile("adam", "mse", metrics=["mae"])
    history = model.fit(
        [WORDS, NUMBERS], Y, batch_size=4, epochs=2, validation_split=0.25, verbose=0,
        callbacks=list(callbacks),
    )  # fmt: skip
    return model, history


def everything(logs):
    return TensorBoard(
        logs, histogram_freq=1, batch_size=2, write_grads=True, write_images=True,
        embeddings_freq=1, embeddings_data=[WORDS, NUMBERS], update_freq="batch", profile_batch=2,
    )  # fmt: skip


@pytest.mark.parametrize("make", [functional, lambda: Model(Net())], ids=["functional", "torch"])
def test_all_is_written_and_the_training_is_as_without(make, tmp_path):
    plain, history = trained(make)
    watched, watched_history = trained(make, everything(tmp_path))
    assert watched_history.history == history.history
    for mine, other in zip(watched.get_weights(), plain.get_weights(), strict=True):
        assert (mine == other).all()

    events, counted = read(tmp_path / "train"), histograms(tmp_path / "train")
    names = {name for name, _ in watched.named_weights()}
    trainable = {name for name, weight in watched.named_weights() if weight.requires_grad}
    outputs = {name for name in counted if name.endswith("_out")}
    assert {"table_out", "out_out"} < outputs
    assert counted.keys() == names | {f"{name}_grad" for name in trainable} | outputs
    assert counted["table_out"][0][-1] == 2 * 3 * 2  # two samples of three words of two numbers
    tensors = set(events.Tags()["tensors"])
    assert tensors - {"keras"} == {f"{name}/image" for name in names}
    assert len(events.Scalars("batch_loss")) == 2 * 5
    (trace,) = (tmp_path / "plugins" / "profile").iterdir()
    assert trace.name.endswith(".pt.trace.json")
    table = np.loadtxt(tmp_path / "train/embeddings/table.tsv", delimiter="\t")
    assert table.shape == (24, 6)
    if make is functional:
        names = [
            layer["config"]["name"] for layer in config(tmp_path / "train")["config"]["layers"]
        ]
        assert names[:3] == ["words", "numbers", "table"]
    else:
        assert "aten::embedding" in {node.op for node in events.Graph().node}


def test_validation_from_a_loader_leaves_activations_out_with_a_word(tmp_path):
    data = torch.utils.data.TensorDataset(torch.tensor(NUMBERS), torch.tensor(Y))
    loader = torch.utils.data.DataLoader(data, 8)
    model = Model(nn.Linear(4, 1))
    model.compile("sgd", "mse")
    with pytest.warns(OnfitWarning, match="<layer>_out are left out"):
        model.fit(
            loader, epochs=1, validation_data=loader, verbose=0,
            callbacks=TensorBoard(tmp_path, histogram_freq=1),
        )  # fmt: skip
    assert set(histograms(tmp_path / "train")) == {"weight", "bias"}
