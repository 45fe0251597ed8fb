import json
import subprocess
import sys
import time
from types import SimpleNamespace
from urllib.parse import parse_qs

import numpy as np
import pytest
from tests.callbacks.remote_monitor.servers import thread_names, train, wait_until

from onfit.callbacks.callback_list import CallbackList
from onfit.callbacks.remote_monitor import RemoteMonitor
from onfit.core import Run
from onfit.core.hooks import HOOKS
from onfit.errors import ArgumentError, MissingPackageError, OnfitWarning

# --- what is sent --------------------------------------------------------------------------


def test_an_epoch_goes_out_as_json_in_a_form_field(server):
    train(RemoteMonitor(server.root), {"loss": 0.5, "acc": 1}, {"loss": 0.25})
    first, second = server.requests
    assert first.path == "/publish/epoch/end/"
    assert first.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert json.loads(parse_qs(first.body)["data"][0]) == {"epoch": 0, "loss": 0.5, "acc": 1}
    assert json.loads(parse_qs(second.body)["data"][0]) == {"epoch": 1, "loss": 0.25}


def test_an_epoch_goes_out_as_json_itself(server):
    train(RemoteMonitor(server.root, send_as_json=True), {"loss": 0.5})
    assert server.requests[0].headers["Content-Type"] == "application/json"
    assert server.events == [{"epoch": 0, "loss": 0.5}]


def test_path_field_and_headers_are_used(server):
    headers = {"Accept": "application/json", "X-Run": "7"}
    train(RemoteMonitor(server.root, "/here", "what", headers), {"loss": 0.5})
    request = server.requests[0]
    assert request.path == "/here"
    assert parse_qs(request.body).keys() == {"what"}
    assert (request.headers["Accept"], request.headers["X-Run"]) == ("application/json", "7")


def test_values_become_what_json_can_say(server):
    logs = {
        "float32": np.float32(0.5),
        "int64": np.int64(3),
        "zero_d": np.array(1.5),
        "array": np.array([[1.0, np.nan], [2.0, np.inf]]),
        "nan": float("nan"),
        "inf": -np.inf,
        "flag": True,
        "none": None,
        "text": "abc",
        "nested": {"a": (1, np.float64(2.0))},
        "other": SimpleNamespace(x=1),
    }
    train(RemoteMonitor(server.root, send_as_json=True), logs)
    assert server.events == [
        {
            "epoch": 0,
            "float32": 0.5,
            "int64": 3,
            "zero_d": 1.5,
            "array": [[1.0, None], [2.0, None]],
            "nan": None,
            "inf": None,
            "flag": True,
            "none": None,
            "text": "abc",
            "nested": {"a": [1, 2.0]},
            "other": "namespace(x=1)",
        }
    ]


def test_a_form_holds_no_nan_either(server):
    train(RemoteMonitor(server.root), {"loss": float("nan")})
    assert parse_qs(server.requests[0].body)["data"] == ['{"epoch": 0, "loss": null}']


def test_an_epoch_is_sent_as_it_was_then(server):
    server.gate.clear()
    callback, logged = RemoteMonitor(server.root, send_as_json=True), [1.0]
    with Run(SimpleNamespace(), callback, epochs=2) as run:
        for epoch in run.epochs():  # the first occupies the sender
            run.log({"loss": logged} if epoch else {})
        logged.append(2.0)
        server.gate.set()
    assert server.events[1] == {"epoch": 1, "loss": [1.0]}


def test_a_whole_run_is_sent_and_a_second_one_too(server):
    callback = RemoteMonitor(server.root, send_as_json=True)
    for _ in range(2):
        with Run(SimpleNamespace(), callback, epochs=3) as run:
            for epoch in run.epochs():
                run.log(loss=epoch / 2)
    assert server.events == [{"epoch": n, "loss": n / 2} for n in range(3)] * 2


def test_nothing_is_heard_but_the_ends_of_epochs_and_validations():
    heard = {hook for hook in HOOKS if RemoteMonitor().hears(hook)}
    assert heard == {"on_train_begin", "on_epoch_end", "on_validation_end", "on_train_end"}


# --- a server that does not do its part ----------------------------------------------------


def test_a_server_that_cannot_be_reached_is_told_once_and_training_goes_on(nobody):
    with pytest.warns(OnfitWarning) as caught:
        train(RemoteMonitor(nobody), {"loss": 1.0}, {"loss": 0.5}, {"loss": 0.2})
    # Told once; a thread that was quick told of the first event before the others were lost, too.
    text = str(caught[-1].message)
    assert text.startswith(f"Could not reach RemoteMonitor root server at {nobody}: ")
    assert "refused" in text
    assert text.endswith(". RemoteMonitor lost 3 events. Training goes on")


def test_it_is_told_again_in_the_next_training(nobody):
    callback = RemoteMonitor(nobody)
    for _ in range(2):
        with pytest.warns(OnfitWarning, match="Could not reach"):
            train(callback, {"loss": 1.0})


def test_a_problem_is_told_at_the_next_epoch_not_only_at_the_end(nobody):
    callback = RemoteMonitor(nobody)
    hooks = CallbackList([callback])
    hooks.on_train_begin()
    hooks.on_epoch_end(0, {})
    wait_until(lambda: "RemoteMonitor" not in thread_names())
    with pytest.warns(OnfitWarning, match="Could not reach"):
        hooks.on_epoch_end(1, {})
    with pytest.warns(OnfitWarning, match="lost 2 events"):
        hooks.on_train_end()


@pytest.mark.parametrize(("status", "phrase"), [(400, "Bad Request"), (302, "Found")])
def test_a_refusal_is_told_once_and_counted(server, status, phrase):
    server.status = status
    with pytest.warns(OnfitWarning) as caught:
        train(RemoteMonitor(server.root), {}, {})
    assert len(server.requests) == 2
    assert str(caught[-1].message) == (
        f"The RemoteMonitor server answered {status} {phrase} to an event at "
        f"{server.root}/publish/epoch/end/. RemoteMonitor lost 2 events. Training goes on"
    )


def test_a_status_that_http_does_not_know_is_a_refusal(server):
    server.status = 799
    with pytest.warns(OnfitWarning, match=r"answered 799 \(no status of HTTP\)"):
        train(RemoteMonitor(server.root), {})


def test_a_server_that_hangs_stops_neither_epochs_nor_the_end(server):
    server.gate.clear()
    callback = RemoteMonitor(server.root, send_as_json=True, flush_timeout=0.1, max_pending=3)
    hooks = CallbackList([callback])
    started = time.monotonic()
    hooks.on_train_begin()
    hooks.on_epoch_end(0, {})
    assert server.reached.wait(5)
    for epoch in range(1, 5):
        hooks.on_epoch_end(epoch, {})
    with pytest.warns(OnfitWarning, match="More than 3 events wait .* The oldest are lost"):
        hooks.on_epoch_end(5, {})
    for epoch in range(6, 9):
        hooks.on_epoch_end(epoch, {})
    with pytest.warns(OnfitWarning) as caught:
        hooks.on_train_end()
    assert 0.1 <= time.monotonic() - started < 5
    # The one on its way, five dropped, three never sent.
    assert [str(warning.message) for warning in caught] == [
        f"RemoteMonitor lost 9 events: the server at {server.root} did not take them in time. "
        "Raise max_pending or flush_timeout to wait for a slow server."
    ]
    server.gate.set()
    time.sleep(0.05)
    assert server.events == [{"epoch": 0}]  # what was given up is not sent afterwards


def test_the_oldest_of_too_many_are_dropped(server):
    server.gate.clear()
    callback = RemoteMonitor(server.root, send_as_json=True, max_pending=2)
    hooks = CallbackList([callback])
    hooks.on_train_begin()
    hooks.on_epoch_end(0, {})
    assert server.reached.wait(5)
    for epoch in range(1, 4):
        hooks.on_epoch_end(epoch, {})
    server.gate.set()
    with pytest.warns(OnfitWarning, match="lost 1 event: .*Raise max_pending"):
        hooks.on_train_end()
    assert [event["epoch"] for event in server.events] == [0, 2, 3]


# --- hooks that a loop calls by hand ---------------------------------------------------------


def test_without_a_run_an_event_is_sent_at_once(server):
    callback = RemoteMonitor(server.root, send_as_json=True)
    callback.on_epoch_end(0, {"loss": 0.5})
    assert server.events == [{"epoch": 0, "loss": 0.5}]
    callback.on_epoch_end(1, {"loss": 0.25})
    assert server.events[1:] == [{"epoch": 1, "loss": 0.25}]
    wait_until(lambda: "RemoteMonitor" not in thread_names())


def test_without_a_run_a_problem_is_told_at_once_and_once(nobody):
    callback = RemoteMonitor(nobody)
    with pytest.warns(OnfitWarning, match="Could not reach"):
        callback.on_epoch_end(0, {})
    callback.on_epoch_end(1, {})  # a second warning would be an error


LISTED = "hooks = CallbackList([callback])"
BEGUN = f"{LISTED}; hooks.on_train_begin()"


@pytest.mark.parametrize("begins", ["hooks = callback", LISTED, BEGUN])
def test_a_program_that_ends_without_the_last_hook_loses_no_event(server, begins):
    program = f"""
from onfit.callbacks import CallbackList, RemoteMonitor
callback = RemoteMonitor({server.root!r}, send_as_json=True)
{begins}
for epoch in range(3):
    hooks.on_epoch_end(epoch, {{}})
"""
    subprocess.run([sys.executable, "-c", program], timeout=60, check=True)
    assert server.events == [{"epoch": 0}, {"epoch": 1}, {"epoch": 2}]


@pytest.mark.parametrize("as_json", [False, True])
def test_a_silent_server_is_given_up_after_the_timeout(server, as_json):
    server.gate.clear()
    with pytest.warns(OnfitWarning, match="Could not reach .*timed out"):
        train(RemoteMonitor(server.root, send_as_json=as_json, timeout=0.05), {})


def test_no_thread_stays_behind(server):
    train(RemoteMonitor(server.root), {}, {})
    wait_until(lambda: "RemoteMonitor" not in thread_names())


def test_an_end_without_an_epoch_is_no_matter():
    callback = RemoteMonitor()
    callback.on_train_begin()
    callback.on_train_end()


# --- arguments -----------------------------------------------------------------------------


def test_a_root_without_a_scheme_is_refused():
    with pytest.raises(ArgumentError) as error:
        RemoteMonitor("localhost:9000")
    assert "RemoteMonitor(root='localhost:9000')" in str(error.value)
    assert "Did you mean 'http://localhost:9000'?" in str(error.value)


@pytest.mark.parametrize("root", ["", "ftp://host", "http://", None, 9000])
def test_what_is_no_address_is_refused(root):
    with pytest.raises(ArgumentError, match="beginning with http:// or https://"):
        RemoteMonitor(root)


@pytest.mark.parametrize("root", ["http://host", "https://host:1/sub"])
def test_addresses_are_taken(root):
    assert RemoteMonitor(root).root == root


def test_a_queue_holds_at_least_one():
    with pytest.raises(ArgumentError, match="max_pending=0"):
        RemoteMonitor(max_pending=0)
    RemoteMonitor(max_pending=1)


def test_a_missing_requests_library_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "requests", None)
    monkeypatch.setattr("onfit.callbacks.remote_monitor.callback.find_spec", lambda name: None)
    with pytest.raises(MissingPackageError, match="pip install requests"):
        RemoteMonitor()
