"""What boto3 hides: headers, statuses, bodies that no SDK would send."""

import http.client
import json
import re
from urllib.parse import urlsplit

import pytest
from world import SIGNED

MODEL = "com.amazonaws.swf.base.model#"
SERVICE = "com.amazon.coral.service#"


@pytest.fixture
def ask(endpoint):
    """Sends a request as it is given; the status, the headers and the body."""
    connection = http.client.HTTPConnection(urlsplit(endpoint).netloc, timeout=20)

    def ask(target, body, method="POST", path="/", **headers):
        headers = {
            "X-Amz-Target": target,
            "X-Amz-Date": "20260101T000000Z",
            "Authorization": SIGNED,
            "Content-Type": "application/x-amz-json-1.0",
            **headers,
        }
        if not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return response.status, response.headers, response.read()

    yield ask
    connection.close()


def operation(name):
    return f"SimpleWorkflowService.{name}"


def test_an_answer_has_a_request_id_of_its_own(ask):
    ids = set()
    for _ in range(3):
        status, headers, body = ask(operation("ListDomains"), {"registrationStatus": "REGISTERED"})
        assert status == 200
        assert headers["Content-Type"] == "application/x-amz-json-1.0"
        assert "domainInfos" in json.loads(body)
        assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", headers["x-amzn-RequestId"])
        ids.add(headers["x-amzn-RequestId"])
    assert len(ids) == 3


def test_a_fault_has_a_namespace_and_a_request_id(ask):
    status, headers, body = ask(operation("DescribeDomain"), {"name": "nowhere"})
    assert status == 400
    assert headers["x-amzn-RequestId"]
    assert json.loads(body) == {
        "__type": f"{MODEL}UnknownResourceFault",
        "message": "Unknown domain: nowhere",
    }


def test_times_are_seconds(ask, world):
    run = world.start()
    body = {"domain": world.domain, "execution": run}
    _, _, body = ask(operation("DescribeWorkflowExecution"), body)
    started = json.loads(body)["executionInfo"]["startTimestamp"]
    assert isinstance(started, float) or isinstance(started, int)
    assert 1.6e9 < started < 1e10


def test_the_older_header_dialect_is_understood(ask):
    target = f"com.amazonaws.swf.service.model.{operation('ListDomains')}"
    status, _, body = ask(
        target,
        {"registrationStatus": "REGISTERED"},
        **{"Content-Type": "application/json; charset=UTF-8", "Content-Encoding": "amz-1.0"},
    )
    assert status == 200
    assert "domainInfos" in json.loads(body)


@pytest.mark.parametrize("body", ["", "{", "[]", "null", b"\xff\xfe", '{"name": 1}'])
def test_a_body_that_is_no_request_is_refused(ask, body):
    status, headers, answer = ask(operation("DescribeDomain"), body)
    assert status == 400
    assert headers["x-amzn-RequestId"]
    kind = json.loads(answer)["__type"]
    assert kind.endswith(("#SerializationException", "#ValidationException")), kind


@pytest.mark.parametrize("target", [operation("FlyToTheMoon"), "DynamoDB_20120810.ListTables", ""])
def test_an_unknown_operation_is_refused(ask, target):
    status, headers, answer = ask(target, {})
    assert status == 400
    assert headers["x-amzn-RequestId"]
    assert json.loads(answer)["__type"] == f"{SERVICE}UnknownOperationException"


def test_a_body_of_more_than_a_megabyte_is_refused(ask):
    body = {"name": "x" * 1_100_000}
    try:
        status, _, answer = ask(operation("DescribeDomain"), body)
    except (BrokenPipeError, ConnectionResetError):
        # It was refused before it was read to the end.
        return
    assert status == 413
    assert json.loads(answer)["__type"] == f"{SERVICE}RequestEntityTooLargeException"


def test_unknown_members_are_passed_over(ask):
    status, _, _ = ask(
        operation("ListDomains"), {"registrationStatus": "REGISTERED", "colour": {"deep": ["blue"]}}
    )
    assert status == 200


def test_texts_of_any_script_are_kept(world):
    text = "naïve – 日本語 – \U0001f40c – \"quoted\" \\ \x7f"
    run = world.start(input=text)
    assert world.history(run)[0]["workflowExecutionStartedEventAttributes"]["input"] == text
    # A length is in characters.
    world.start(input="é" * 32768)
