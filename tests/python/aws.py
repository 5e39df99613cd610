"""AWS as the tests have it, which is moto."""

import contextlib
import subprocess
import sys
from urllib.error import URLError
from urllib.request import urlopen

import boto3
from botocore.config import Config
from commands import background
from server import free_port
from waiting import eventually
from world import REGION


@contextlib.contextmanager
def moto_server(log):
    """The URL of moto's server, which runs until the end."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with background(command, None, log, stdout=subprocess.DEVNULL) as process:

        def listens():
            assert process.poll() is None, log.read_text()
            with urlopen(f"{url}/moto-api/", timeout=5):
                return True

        eventually(listens, retry=(URLError, ConnectionError))
        yield url


def s3_client(url):
    return boto3.client(
        "s3",
        endpoint_url=url,
        aws_access_key_id="AKIDTEST",
        aws_secret_access_key="secret",
        region_name=REGION,
        config=Config(s3={"addressing_style": "path"}),
    )
