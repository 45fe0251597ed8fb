"""Servers for the tests of RemoteMonitor."""

import socket

import pytest
from tests.callbacks.remote_monitor.servers import serving


@pytest.fixture
def server():
    with serving() as server:
        yield server


@pytest.fixture
def nobody():
    """An address of this machine at which no server listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{unused.getsockname()[1]}"
