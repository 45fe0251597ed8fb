"""Ctrl-C and SIGTERM let the batch end and the end hooks be called, and are raised then."""

import os
import signal
import subprocess
import sys
import threading
from types import SimpleNamespace

import pytest

from onfit.callbacks import LambdaCallback
from onfit.core.run import Run


@pytest.fixture(autouse=True)
def ctrl_c_is_heard():
    """A shell that runs the tests in the background has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def walk(*callbacks, epochs=2, batches=3):
    """A run whose steps, at each edge, say what was done."""
    seen = []
    teller = LambdaCallback(
        on_batch_end=lambda batch, logs: seen.append(f"batch {batch}"),
        on_epoch_end=lambda epoch, logs: seen.append(f"epoch {epoch}"),
        on_train_end=lambda logs: seen.append(f"end {run.outcome}"),
    )
    run = Run(SimpleNamespace(), [*callbacks, teller], epochs=epochs, params={"verbose": 0})
    return run, seen


def go(run):
    """Walk all of it."""
    with run:
        for _ in run.epochs():
            for _ in run.batches([1, 2, 3]):
                pass


def strike(number, batch=1):
    return LambdaCallback(
        on_batch_begin=lambda index, logs: os.kill(os.getpid(), number) if index == batch else None
    )


@pytest.mark.parametrize(
    ("number", "raised"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)]
)
def test_the_first_signal_ends_the_batch_and_tells_the_ends(number, raised):
    run, seen = walk(strike(number))
    with pytest.raises(raised):
        go(run)
    assert seen == ["batch 0", "batch 1", "epoch 0", "end interrupted"]


def test_sigterm_exits_as_a_shell_expects():
    run, _ = walk(strike(signal.SIGTERM))
    with pytest.raises(SystemExit) as caught:
        go(run)
    assert caught.value.code == 143


def test_the_second_ctrl_c_aborts_at_once():
    run, seen = walk(strike(signal.SIGINT), strike(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        go(run)
    assert seen == ["batch 0", "end interrupted"]


def test_ctrl_c_returns_at_a_prompt(monkeypatch):
    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)
    run, seen = walk(strike(signal.SIGINT))
    go(run)
    assert seen[-1] == "end interrupted"
    assert run.stopped_by == "Ctrl-C"


def test_handlers_are_put_back():
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    run, _ = walk(strike(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        go(run)
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_a_program_with_a_handler_of_its_own_keeps_it():
    heard = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: heard.append(number))
    try:
        run, seen = walk(strike(signal.SIGTERM), epochs=1)
        go(run)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert heard == [signal.SIGTERM]
    assert seen[-1] == "end completed"


def test_an_inner_run_leaves_the_signals_to_the_outer_one():
    outcomes = []

    def train_another(batch, logs):
        inner, _ = walk()
        go(inner)
        outcomes.append(inner.outcome)

    outer, seen = walk(LambdaCallback(on_batch_end=train_another), strike(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        go(outer)
    assert seen[-1] == "end interrupted"
    assert outcomes == ["completed", "completed"]


def test_a_run_in_a_thread_leaves_the_signals_alone():
    outcomes = []

    def work():
        run, _ = walk()
        with run:
            pass
        outcomes.append(run.outcome)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert outcomes == ["completed"]


def test_a_killed_program_reports_143_to_its_shell():
    program = (
        "import os, signal\nfrom types import SimpleNamespace\nfrom onfit.core.run import Run\n"
        "with Run(SimpleNamespace(), params={'verbose': 1}) as run:\n"
        "    for _ in run.epochs():\n"
        "        for _ in run.batches([1, 2]):\n"
        "            os.kill(os.getpid(), signal.SIGTERM)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 143
    assert done.stdout == "Stopped after epoch 1 by SIGTERM.\n"


def test_a_stop_says_who_and_why(capsys):
    run, _ = walk()
    run.params["verbose"] = 1
    with run:
        for _ in run.epochs():
            run.stop("the target is reached")
    assert run.stopped_by == "the training loop"
    assert capsys.readouterr().out == (
        "Stopped after epoch 1 by the training loop: the target is reached.\n"
    )
