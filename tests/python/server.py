"""The server under test: one that runs somewhere, or one that is started here."""

import contextlib
import os
import shlex
import signal
import socket
import subprocess
import sys

from waiting import eventually


@contextlib.contextmanager
def running_server():
    """The URL of the server, which is stopped at the end if it was started here.

    SIMPLEFLOW_TEST_ENDPOINT is the URL of one that runs. Without it SIMPLEFLOW_SERVER_COMMAND says
    how to start one; `{listen}` in it becomes the address to listen on, and `{port}` its port.
    """
    endpoint = os.environ.get("SIMPLEFLOW_TEST_ENDPOINT")
    if endpoint:
        yield endpoint
        return
    command = os.environ.get("SIMPLEFLOW_SERVER_COMMAND")
    if not command:
        sys.exit("set SIMPLEFLOW_TEST_ENDPOINT or SIMPLEFLOW_SERVER_COMMAND")
    port = free_port()
    listen = f"127.0.0.1:{port}"
    words = [
        word.replace("{listen}", listen).replace("{port}", str(port))
        for word in shlex.split(command)
    ]
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL)

    def listens():
        assert process.poll() is None, f"{command}: ended with {process.returncode}"
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True

    try:
        eventually(listens, retry=OSError)
        yield f"http://{listen}"
    finally:
        stop(process)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def stop(process, patience=30):
    """Stops a process as an operator would, and by force if it does not listen."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
