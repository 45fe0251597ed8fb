"""RemoteMonitor and servers that are gone, come back, or do harm."""

import socket
import threading
import time
import zlib
from contextlib import contextmanager
from types import SimpleNamespace
from urllib.parse import urlsplit

import numpy as np
import pytest
from tests.callbacks.remote_monitor.servers import serving, train

from onfit.callbacks import RemoteMonitor
from onfit.callbacks.callback_list import CallbackList
from onfit.callbacks.remote_monitor import delivery
from onfit.core import Run
from onfit.errors import ArgumentError, ArgumentTypeError, OnfitWarning


def send(monitor, *epochs):
    for epoch, logs in enumerate(epochs):
        monitor.on_epoch_end(epoch, logs)


@contextmanager
def answering(letters, pause=0.0):
    """A server that answers with `letters`, one by one with a pause before each."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        over = threading.Event()

        def answer(connection):
            with connection:
                connection.recv(65536)
                try:
                    for at in range(len(letters) if pause else 1):
                        if over.wait(pause):
                            return
                        connection.sendall(letters[at : at + 1] if pause else letters)
                except OSError:
                    return

        def accept():
            while not over.is_set():
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                threading.Thread(target=answer, args=[connection], daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        over.set()


# --- what an answer can do -------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_a_refusal_and_secrets_reach_no_other_host(server, status):
    server.status = status
    with serving() as other:
        server.headers = {"Location": other.root}
        with pytest.warns(OnfitWarning, match=f"answered {status}"):
            train(RemoteMonitor(server.root, headers={"X-Api-Key": "secret"}), {})
        assert (len(server.requests), len(other.requests)) == (1, 0)


@pytest.mark.parametrize("first", ["200 OK", "307 Temporary Redirect\r\nLocation: /elsewhere"])
@pytest.mark.filterwarnings("ignore::onfit.errors.OnfitWarning")
def test_an_answer_is_not_read(monkeypatch, first):
    monkeypatch.setattr(zlib, "decompressobj", lambda *args: pytest.fail("it is unpacked"))
    head = f"HTTP/1.1 {first}\r\nContent-Encoding: gzip\r\nContent-Length: 9999999\r\n\r\n"
    begin = time.monotonic()
    with answering(head.encode() + b"\x1f\x8b") as root:
        train(RemoteMonitor(root), {})  # reading on would last until the timeout
    assert time.monotonic() - begin < 5


def test_an_answer_that_never_ends_is_given_up(monkeypatch):
    monkeypatch.setattr("onfit.callbacks.remote_monitor.callback._deadline", lambda timeout: 0.3)
    with answering(b"HTTP/1.1 200 OK\r\n" + b"X" * 999, pause=0.05) as root:
        monitor = RemoteMonitor(root, timeout=1, flush_timeout=0.1)
        begin = time.monotonic()
        send(monitor, {})
        time.sleep(0.1)  # its thread began a little later than the wait for it
        with pytest.warns(OnfitWarning, match="took more than 0 s. An event is lost"):
            send(monitor, {})
        with pytest.warns(OnfitWarning, match="lost 2 events"):
            monitor.on_train_end()
    assert time.monotonic() - begin < 5


def test_what_a_server_says_is_shown_short_and_in_one_line():
    letters = b"\x1b[2J" + b"A" * 60000 + b"\r\n\r\n"
    with answering(letters) as root, pytest.warns(OnfitWarning, match="Could not reach") as told:
        train(RemoteMonitor(root), {})
    text = str(told[0].message)
    assert len(text) < 600
    assert text.isprintable()


# --- what is lost ----------------------------------------------------------------------------


def test_events_wait_for_a_server_that_comes_back(server):
    server.status = 503
    monitor = RemoteMonitor(server.root, send_as_json=True)
    with pytest.warns(OnfitWarning, match="answered 503 .*will try again") as told:
        send(monitor, {}, {})
    assert len(told) == 1
    server.requests.clear()
    server.status = 200
    monitor.on_train_end()
    assert [event["epoch"] for event in server.events] == [0, 1]


def test_a_server_that_is_gone_is_left_alone_for_a_while(server):
    server.status = 503
    monitor = RemoteMonitor(server.root)
    with pytest.warns(OnfitWarning, match="will try again"):
        send(monitor, *[{}] * 20)
    assert len(server.requests) == 1
    server.status = 200
    monitor.on_train_end()
    assert len(server.requests) == 21


def test_an_event_that_a_server_never_takes_does_not_hold_up_the_others(server, monkeypatch):
    monkeypatch.setattr(delivery, "_FIRST_PAUSE", 0.0)
    server.status = 500
    monitor = RemoteMonitor(server.root, send_as_json=True)
    with pytest.warns(OnfitWarning, match="answered 500") as told:
        send(monitor, *[{}] * 3)
    with pytest.warns(OnfitWarning, match="lost"):
        monitor.on_train_end()
    assert len(told) == 1
    assert [event["epoch"] for event in server.events[:5]] == [0] * 5


def test_a_second_training_counts_its_own_losses(server):
    server.status = 400
    monitor = RemoteMonitor(server.root)
    for _ in range(2):
        with pytest.warns(OnfitWarning, match="lost 1 event"):
            train(monitor, {})


# --- values that cannot be sent --------------------------------------------------------------


class NoText:
    def __str__(self):
        raise RuntimeError("no text")


def within_itself():
    found = [1.0]
    found.append(found)
    return found


ODD = {"no text": NoText(), "in it": {"a": NoText()}, "itself": within_itself(), "huge": 10**5000}


@pytest.mark.parametrize("value", ODD.values(), ids=ODD)
def test_a_value_that_cannot_be_sent_is_left_out_and_named_once(server, value):
    with pytest.warns(OnfitWarning, match="RemoteMonitor leaves out 'odd': ") as told:
        train(RemoteMonitor(server.root, send_as_json=True), *[{"loss": 0.5, "odd": value}] * 3)
    assert len(told) == 1
    assert server.events == [{"epoch": epoch, "loss": 0.5} for epoch in range(3)]


def test_an_array_that_changes_later_is_sent_as_it_was(server):
    server.gate.clear()
    monitor, array = RemoteMonitor(server.root, send_as_json=True), np.zeros(2)
    hooks = CallbackList([monitor])
    hooks.on_train_begin()
    for epoch in range(2):
        hooks.on_epoch_end(epoch, {"array": array, "nested": {"a": array}})
        array += 1
    server.gate.set()
    hooks.on_train_end()
    assert [event["array"] for event in server.events] == [[0.0, 0.0], [1.0, 1.0]]
    assert [event["nested"]["a"] for event in server.events] == [[0.0, 0.0], [1.0, 1.0]]


# --- secrets ---------------------------------------------------------------------------------


def with_secrets(address):
    return f"http://me:hunter2%21@{urlsplit(address).netloc}"


def test_no_message_shows_user_password_query_or_headers(nobody, server):
    server.status = 400
    said = []
    for address in (nobody, server.root):
        monitor = RemoteMonitor(
            with_secrets(address), "/in?token=t0k3n", headers={"Key": "s3cret", "Bad": "b4d\n"}
        )
        if address == server.root:
            monitor.headers = {"Key": "s3cret"}
        with pytest.warns(OnfitWarning) as told:
            train(monitor, {}, {})
        said += [str(each.message) for each in told]
        assert "hunter2" not in repr(monitor)
    text = " ".join(said)
    assert all(urlsplit(address).netloc in text for address in (nobody, server.root))
    assert not [each for each in ("hunter2", "me:", "t0k3n", "s3cret", "b4d") if each in text]
    assert server.requests[0].headers["Authorization"].startswith("Basic ")


@pytest.mark.parametrize("root", ["ftp://me:hunter2@host", "me:hunter2@host", "http://me:hunter2@"])
def test_the_error_about_an_address_shows_no_password(root):
    with pytest.raises(ArgumentError) as error:
        RemoteMonitor(root)
    assert "hunter2" not in str(error.value)


def test_an_address_with_an_open_bracket_is_refused():
    with pytest.raises(ArgumentError, match="root is the address"):
        RemoteMonitor("http://[::1")


def test_a_path_that_is_no_text_is_refused():
    with pytest.raises(ArgumentTypeError, match=r"RemoteMonitor\(path=9\)"):
        RemoteMonitor(path=9)


def test_losses_are_counted_in_a_run_too(nobody):
    def training():
        with Run(SimpleNamespace(), RemoteMonitor(nobody), epochs=3) as run:
            for _ in run.epochs():
                run.log(loss=1.0)

    with pytest.warns(OnfitWarning) as told:
        training()
    assert "lost 3 events" in str(told[-1].message)
