"""The command line."""

import subprocess
import sys

import pytest

from onfit.cli import main

LOG = "epoch,loss,val_acc,val_loss\n" + "".join(
    f"{epoch},1.0,0.5,{value}\n" for epoch, value in enumerate([0.9, 0.5, 0.4, 0.6, 0.5, 0.3])
)


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text(LOG)
    return str(path)


def test_it_says_what_callbacks_would_have_decided(log, capsys):
    options = ["--early-stopping", "patience=2", "--checkpoint", "--reduce-lr", "patience=1"]
    assert main(["replay", log, *options, "--learning-rate", "0.1"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "EarlyStopping would have stopped after epoch 5 (row 5 of 6): "
        "val_loss has not improved on 0.4 for 2 epochs.",
        "The best is epoch 3.",
        "A model would have been saved after epoch 1, 2, 3.",
        "The learning rate would have been 0.1 from epoch 1 on, then 0.01 from epoch 5 on.",
    ]


def test_values_are_python_s_or_text(log, capsys):
    options = ['monitor=["val_loss", "val_acc"]', "rule=any", "patience=20 steps", "mode=auto"]
    assert main(["replay", log, "--early-stopping", *options, "--steps-per-epoch", "10"]) == 0
    assert "val_acc has not improved on 0.5 for 20 steps" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "no callback is named"),
        (["--early-stopping", "5"], "write name=value"),
        (["--early-stopping", "patience=soon"], "'30 minutes'"),
        (["--early-stopping", "patienc=5"], "Did you mean 'patience'"),
    ],
)
def test_what_makes_no_sense_is_said_and_the_status_is_2(log, capsys, options, said):
    assert main(["replay", log, *options]) == 2
    assert said in capsys.readouterr().out


def test_it_is_a_module_that_loads_no_framework(log):
    code = (
        "import runpy, sys\n"
        f"sys.argv = ['onfit', 'replay', {log!r}, '--early-stopping', 'patience=2']\n"
        "try: runpy.run_module('onfit', run_name='__main__')\n"
        "except SystemExit as end: assert not end.code\n"
        "assert not {'torch', 'numpy', 'keras'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "would have stopped after epoch 5" in done.stdout


def test_a_list_needs_no_quotes(log, capsys):
    options = ["--early-stopping", "monitor=[val_loss, loss]", "rule=any", "patience=2"]
    assert main(["replay", log, *options]) == 0
    assert "would have stopped after epoch 3 (row 3 of 6): loss" in capsys.readouterr().out
