"""A publisher of data sets on loopback."""

import contextlib
import gzip
import hashlib
import io
import struct
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np


class Publisher:
    """Offers `files`; notes what was asked for.

    Attributes:
        files: contents by name; a name that is missing is not found.
        asked: the names asked for, in order.
        url: where it is, with a slash at the end.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.url = ""


@contextlib.contextmanager
def publishing() -> Iterator[Publisher]:
    """A publisher that works as long as the block does."""
    publisher = Publisher()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.removeprefix("/")
            publisher.asked.append(name)
            content = publisher.files.get(name)
            self.send_response(404 if content is None else 200)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    publisher.url = f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield publisher
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def idx(array: np.ndarray[Any, Any]) -> bytes:
    """An array of bytes in the format of MNIST's files, compressed."""
    header = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return gzip.compress(header + array.astype(np.uint8).tobytes(), 1)


def npz(**arrays: np.ndarray[Any, Any]) -> bytes:
    """Arrays as one file of numpy's."""
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def md5(content: bytes) -> str:
    """A checksum as `Published` has it."""
    return f"md5:{hashlib.md5(content, usedforsecurity=False).hexdigest()}"


def sha256(content: bytes) -> str:
    """A checksum as `Published` has it."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
