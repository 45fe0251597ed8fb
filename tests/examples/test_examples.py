"""Each example runs as a user would run it, leaves its files in one folder, and can run again."""

import csv
import json
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from onfit import Model, load_model

EXAMPLES = Path(__file__).parents[2] / "examples"

# What a person sees, line by line.
SAYS = {
    "activation_logger": [
        r"^epoch_0\.npz: \d+% of 32 units at work, a \d with \d+%$",
        r"^epoch_4\.npz: ",
    ],
    "checkpoints": [
        r"^Epoch 00001: val_loss improved from inf to \d\.\d+, saving model to runs/checkpoints/",
        r"^runs/checkpoints/best\.h5$",
        r"^runs/checkpoints/weights\.10-[01]\.\d\d\.h5$",
        r"^the newest weights are the model's: True$",
        r"^the best from its file: val_loss 0\.\d+, val_acc [01]\.\d{3}$",
    ],
    "csv_log": [r"^epoch, acc, loss, val_acc, val_loss$", r"^0 \d", r"^7 \d\.\d+ [01]\.\d+$"],
    "demo": [
        r"\AA net learns .* from 1,437 images, .*\n.*\n.* go to runs/demo\.\n\nEpoch 1/100$",
        r"^1149/1149 \[={30}\] - .* - loss: .* - acc: .* - val_loss: .* - val_acc: ",
        r"^The best of \d+ epochs, read back from its file, knows (9[6-9]\.\d|100\.0)% of the$",
        r"runs/demo/best\.h5 ",
        r"runs/demo/history\.png ",
        r"runs/demo/log\.csv ",
        r"tensorboard --logdir runs/demo/tensorboard$",
    ],
    "fashion_like": [
        r"^Epoch 5/5$",
        r"^1500/1500 \[={30}\] - .*us/sample - loss: 0\.\d{4} - accuracy: 0\.\d{4}$",
        r"^\{'loss': \[.*\], 'accuracy': \[.*\]\}$",
        r"^acc:( 0\.\d{3}){5}$",
        r"^test accuracy: 0\.[5-9]\d\d$",
    ],
    "find_learning_rate": [
        r"^(\d\d|100) rates, of which \d\.\de-0[1-4] is suggested$",
        r"^after five epochs val_acc is 0\.[89]\d$",
    ],
    "lambda_trio": [
        r"^batch 2: 20 samples$",
        r'^\{"epoch": 2, "loss": \d+\.\d+\}$',
        r"^helpers still alive: 0$",
    ],
    "learning_rate_schedules": [
        r"^of the epoch: 0\.05 0\.05 0\.05 0\.05 0\.04524 .* 0\.02247$",
        r"^of epoch and rate: 0\.01 0\.01 0\.01 0\.005 .* 0\.00125$",
        r"^on a plateau: 0\.01 0\.01 .*0\.002 .*0\.0001$",
    ],
    "loss_history": [r"^50 batches$", r"^the loss fell from 1\.\d+ to \d\.\d+$"],
    "moons": [
        r"^Epoch \d{5}: early stopping$",
        r"^stopped after \d+ of 4000 epochs$",
        r"^accuracy of the best: \d\.\d{3} in training, 0\.9\d\d in validation$",
    ],
    "own_loop": [
        r"^Epoch 1/40$",
        r"^1400/1400 \[={30}\] - .* - loss: .* - val_loss: .* - val_acc: ",
        r"^(stopped|completed) after \d+ epochs$",
        r"^best val_acc: 0\.[5-9]\d\d$",
    ],
    "remote_monitor": [rf"^/publish/epoch/end/ epoch {epoch}: loss \d+\." for epoch in range(4)],
    "wrapped_module": [
        r"^1200/1200 .* - loss: .* - acc: .* - val_loss: .* - val_acc: ",
        r"^test accuracy: 0\.[5-9]\d\d$",
        r"^0\.weight, 0\.bias, 4\.weight, 4\.bias$",
    ],
}


# What must be true of the files after another run in the same folder, given that run's names.


def checkpoints(names):
    losses = names["model"].history.history["val_loss"]
    assert names["loss"] == pytest.approx(min(losses), abs=1e-6)
    assert len(list(Path("runs/checkpoints").glob("weights.*.h5"))) == 5


def csv_log(names):
    with open("runs/csv_log/log.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == [str(epoch) for epoch in range(8)]
    assert float(rows[-1]["loss"]) == names["model"].history.history["loss"][-1]


def demo(names):
    history = names["history"].history
    held_out = names["x_train"][1149:], names["y_train"][1149:]
    loss, _ = load_model("runs/demo/best.h5").evaluate(*held_out, verbose=0)
    assert loss == pytest.approx(min(history["val_loss"]), abs=1e-6)
    with open("runs/demo/log.csv", newline="") as file:
        written = [float(row["val_loss"]) for row in csv.DictReader(file)]
    assert written == history["val_loss"]
    assert Path("runs/demo/history.png").read_bytes().startswith(b"\x89PNG")


def lambda_trio(names):
    lines = Path("runs/lambda_trio/losses.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [0, 1, 2]


def moons(names):
    history = names["history"].history
    epoch = int(np.argmax(history["val_accuracy"]))  # the first of the best
    saved = load_model("runs/moons/best.h5").evaluate(names["x_valid"], names["y_valid"], verbose=0)
    expected = [history["val_loss"][epoch], history["val_accuracy"][epoch]]
    assert saved == pytest.approx(expected, abs=1e-6)


def own_loop(names):
    net = names["net"]
    at_the_end = [tensor.clone() for tensor in net.state_dict().values()]
    Model(net).load_weights("runs/own_loop/best.h5")
    for restored, saved in zip(at_the_end, net.state_dict().values(), strict=True):
        assert restored.equal(saved)


# A file that is the same after another run, byte for byte, and a line which that run prints.
SAME_AGAIN = {"demo": ("log.csv", "this one starts anew and replaces them.")}

AFTER_ANOTHER_RUN = {
    check.__name__: check for check in (checkpoints, csv_log, demo, lambda_trio, moons, own_loop)
}


def run(script, folder):
    return subprocess.run(
        [sys.executable, script],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_every_example_is_among_those_tested():
    assert sorted(path.stem for path in EXAMPLES.glob("*.py")) == sorted(SAYS)


@pytest.mark.parametrize("name", SAYS)
def test_an_example_runs_and_another_run_takes_its_place(name, tmp_path, monkeypatch, capsys):
    script = EXAMPLES / f"{name}.py"
    done = run(script, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    for pattern in SAYS[name]:
        assert re.search(pattern, done.stdout, re.MULTILINE), (pattern, done.stdout)
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.glob("*/*")}
    assert left <= {f"runs/{name}"}

    if name in AFTER_ANOTHER_RUN:
        monkeypatch.chdir(tmp_path)
        same, line = SAME_AGAIN.get(name, ("", ""))
        before = Path(f"runs/{name}/{same}").read_bytes() if same else b""
        AFTER_ANOTHER_RUN[name](runpy.run_path(str(script), run_name="__main__"))
        if same:
            assert Path(f"runs/{name}/{same}").read_bytes() == before
            said = capsys.readouterr().out
            assert line in said
            assert "ModelCheckpoint" not in said  # no word of the model that is replaced
