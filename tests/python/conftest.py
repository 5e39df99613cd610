"""What the tests share: the server, clients of it, and domains."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from aws import moto_server, s3_client
from server import running_server
from world import REGION, World, client, unique

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def endpoint():
    with running_server() as url:
        yield url


@pytest.fixture(scope="session")
def swf(endpoint):
    return client(endpoint)


@pytest.fixture(scope="session")
def unchecked(endpoint):
    """A client that does not check what it sends."""
    return client(endpoint, parameter_validation=False)


@pytest.fixture(scope="session")
def environment(endpoint):
    """Where the commands find the server."""
    return {
        **os.environ,
        "AWS_ENDPOINT_URL_SWF": endpoint,
        "AWS_ACCESS_KEY_ID": "AKIDTEST",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "LOG_LEVEL": "WARNING",
        "PYTHONPATH": str(HERE),
    }


@pytest.fixture(scope="session")
def rust():
    """The command under test."""
    path = os.environ.get("SIMPLEFLOW_UNDER_TEST")
    assert path, "set SIMPLEFLOW_UNDER_TEST to the path of the command"
    return [path]


@pytest.fixture(scope="session")
def moto_url(tmp_path_factory):
    with moto_server(tmp_path_factory.mktemp("moto") / "moto.log") as url:
        yield url


@pytest.fixture(scope="session")
def s3(moto_url):
    return s3_client(moto_url)


@pytest.fixture(scope="module")
def domain(swf):
    """One for each file of tests: there may be a hundred."""
    name = unique("domain")
    swf.register_domain(name=name, workflowExecutionRetentionPeriodInDays="1")
    return name


@pytest.fixture
def world(swf, domain):
    return World(swf, domain)


@pytest.fixture
def threads():
    """For calls that wait while the test goes on."""
    with ThreadPoolExecutor(max_workers=8) as executor:
        yield executor


@pytest.fixture(scope="session", autouse=True)
def idle_polls(endpoint):
    """Two polls that get nothing. They begin with the first test, because they take a minute."""
    from test_waiting import idle_polls as begin

    with begin(endpoint) as polls:
        yield polls
