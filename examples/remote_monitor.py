"""Send each epoch's logs to a server; here to one of ten lines, in the same script."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np

from onfit import Sequential
from onfit.callbacks import RemoteMonitor
from onfit.layers import Dense

received: list[tuple[str, dict[str, float]]] = []


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        received.append((self.path, json.loads(body)))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format, *args):  # noqa: A002 - the name that the base class has for it
        """Stay silent."""


server = HTTPServer(("127.0.0.1", 0), Receiver)
threading.Thread(target=server.serve_forever, daemon=True).start()
address = f"http://127.0.0.1:{server.server_port}"

x = np.random.default_rng(0).normal(size=(200, 4))
model = Sequential([Dense(1, input_dim=4)])
model.compile(optimizer="sgd", loss="mse")

# Without send_as_json the same JSON comes in the field `data` of a form.
monitor = RemoteMonitor(root=address, send_as_json=True)
model.fit(x, x.sum(axis=1), epochs=4, verbose=0, callbacks=[monitor])

server.shutdown()
for path, event in received:
    print(f"{path} epoch {event['epoch']}: loss {event['loss']:.4f}")
