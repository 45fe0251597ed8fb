"""What TensorBoard itself serves of the files that the callback writes."""

import json
import re
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request

import numpy as np
import pytest
from tests.callbacks.tensorboard.event_reader import train

from onfit.callbacks.tensorboard import TensorBoard

PATIENCE = 90  # seconds, for a busy machine; two or three are usual


class Model:
    """Answers what the callback asks, with numbers that differ from each other."""

    stop_training = False

    def named_weights(self):
        return [("dense.kernel", np.array([[0.0, 1.0], [2.0, 4.0]]))]

    def named_activations(self, x, names=None):
        return [("dense", [x])]

    def named_gradients(self, x, y, sample_weight=None):
        return [("dense.kernel", y)]

    def named_embeddings(self):
        return [("words", np.array([[0.5, 1.5], [2.5, 3.5], [4.5, 5.5]]))]

    def graph_config(self):
        layers = [
            {"class_name": "InputLayer", "config": {"name": "input"}},
            {"class_name": "Dense", "config": {"name": "dense"}},
        ]
        return {"class_name": "Sequential", "config": {"name": "net", "layers": layers}}


@pytest.fixture(scope="module")
def ask(tmp_path_factory):
    """A function that asks a TensorBoard over two epochs of a training."""
    logs = tmp_path_factory.mktemp("logs")
    (logs / "first").mkdir()
    (logs / "first" / "labels.tsv").write_text("one\ntwo\nthree\n")
    board = TensorBoard(
        logs / "first", histogram_freq=1, write_grads=True, write_images=True,
        embeddings_freq=1, embeddings_metadata="labels.tsv",
    )  # fmt: skip
    epochs = [{"loss": 2.0, "val_loss": 3.0}, {"loss": 1.0, "val_loss": 2.5}]
    train(board, epochs, Model(), validation_data=[np.arange(3.0), np.ones(3)])
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(logs), "--port", "0"]
    server = subprocess.Popen(
        [*command, "--host", "127.0.0.1", "--load_fast", "false"],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    giving_up = threading.Timer(PATIENCE, server.kill)
    giving_up.start()
    reader = threading.Thread(target=server.stderr.read)  # so that it never waits for us to read
    with server:
        try:
            address = _address(server.stderr)
            reader.start()
            _wait_until_loaded(address)
            yield lambda path, **query: _get(address, path, **query)
        finally:
            giving_up.cancel()
            server.kill()
            if reader.ident:
                reader.join()


def _address(lines):
    said = []
    for line in lines:
        said.append(line)
        if found := re.search(r"http://127\.0\.0\.1:\d+", line):
            return found[0]
    raise AssertionError(f"TensorBoard did not start:\n{''.join(said)}")


def _get(address, path, **query):
    url = f"{address}/data/plugin/{path}?{urllib.parse.urlencode(query)}"
    with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
        return answer.read()


def _wait_until_loaded(address):
    deadline = time.monotonic() + PATIENCE
    while {"first/train", "first/validation"} - json.loads(_get(address, "scalars/tags")).keys():
        assert time.monotonic() < deadline, "TensorBoard found no curves"
        time.sleep(0.1)


def test_curves_of_both_folders(ask):
    for run, values in (("first/train", [2.0, 1.0]), ("first/validation", [3.0, 2.5])):
        points = json.loads(ask("scalars/scalars", run=run, tag="epoch_loss"))
        assert [point[1:] for point in points] == list(map(list, enumerate(values)))


def test_histograms_of_weights_activations_and_gradients(ask):
    tags = json.loads(ask("histograms/tags"))["first/train"]
    assert set(tags) == {"dense.kernel", "dense_out", "dense.kernel_grad"}
    out = json.loads(ask("histograms/histograms", run="first/train", tag="dense_out"))
    assert [step for _, step, _ in out] == [0, 1]
    assert sum(count for _, _, count in out[0][2]) == 3


def test_images(ask):
    run = {"run": "first/train", "tag": "dense.kernel/image", "sample": 0}
    assert json.loads(ask("images/tags"))["first/train"]["dense.kernel/image"]["samples"] == 1
    first, _ = json.loads(ask("images/images", **run))
    image = ask("images/individualImage?" + first["query"])
    assert image.startswith(b"\x89PNG")


def test_the_graph(ask):
    info = json.loads(ask("graphs/info"))["first/train"]
    assert info["tags"]["keras"]["conceptual_graph"]
    graph = ask("graphs/graph", run="first/train", tag="keras", conceptual="true").decode()
    assert re.search(r'name: "net/dense"\s+input: "net/input"', graph)


def test_the_graph_of_a_run_with_which_the_page_opens(ask):
    assert json.loads(ask("graphs/info"))["first/train"]["run_graph"]
    graph = ask("graphs/graph", run="first/train").decode()
    assert re.search(r'name: "dense"\s+op: "Dense"\s+input: "input"', graph)


def test_the_projector(ask):
    run = {"run": "first/train"}
    assert json.loads(ask("projector/runs")) == ["first/train"]
    (words,) = json.loads(ask("projector/info", **run))["embeddings"]
    assert (words["tensorName"], words["tensorShape"]) == ("words", [3, 2])
    table = np.frombuffer(ask("projector/tensor", name="words", **run), np.float32)
    assert table.tolist() == [0.5, 1.5, 2.5, 3.5, 4.5, 5.5]
    assert ask("projector/metadata", name="words", **run) == b"one\ntwo\nthree\n"
