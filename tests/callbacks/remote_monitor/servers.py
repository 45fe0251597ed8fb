"""A server that keeps what it is sent, and trainings that send to it."""

import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

from onfit.callbacks.callback_list import CallbackList


class Server:
    """Keeps what it is sent. `gate` holds its answers back until it is set."""

    def __init__(self, root):
        self.root = root
        self.requests = []
        self.status = 200
        self.headers = {}
        self.gate = threading.Event()
        self.gate.set()
        self.reached = threading.Event()

    def answer(self, handler):
        body = handler.rfile.read(int(handler.headers["Content-Length"])).decode()
        self.requests.append(SimpleNamespace(path=handler.path, headers=handler.headers, body=body))
        self.reached.set()
        self.gate.wait(10)
        handler.send_response(self.status)
        for name, value in self.headers.items():
            handler.send_header(name, value)
        handler.end_headers()

    @property
    def events(self):
        """What was sent as JSON."""
        return [json.loads(request.body) for request in self.requests]


@contextmanager
def serving():
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            server.answer(self)

        def log_message(self, *args):
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server = Server(f"http://127.0.0.1:{http.server_port}")
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.gate.set()
        http.shutdown()
        thread.join()
        http.server_close()


def train(callback, *epochs):
    hooks = CallbackList([callback])
    hooks.on_train_begin({})
    for epoch, logs in enumerate(epochs):
        hooks.on_epoch_end(epoch, logs)
    hooks.on_train_end({})


def thread_names():
    return [thread.name for thread in threading.enumerate()]


def wait_until(true):
    deadline = time.monotonic() + 5
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)
