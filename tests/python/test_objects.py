"""Objects and binaries in S3, which is moto here, and objects in the server in the box.

SIMPLEFLOW_UNDER_TEST is the path of the command.
"""

import hashlib
import json
import os
import subprocess
from datetime import UTC, datetime

import pytest
from aws import s3_client
from botocore.exceptions import ClientError
from commands import done
from world import unique

# Where the activities of the command have their program.
BUCKET, KEY = "simpleflow-tools", "v1/greet"

PROGRAM = '#!/bin/sh\necho "hello $1"\n'


@pytest.fixture(scope="module")
def s3(s3):
    """A client, with the program in its bucket."""
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=PROGRAM.encode())
    s3.create_bucket(Bucket="results")
    return s3


@pytest.fixture
def directory(tmp_path):
    return tmp_path / "binaries"


@pytest.fixture
def simpleflow(rust, moto_url, directory, tmp_path):
    """Runs the command: what came of it."""
    environment = {
        **os.environ,
        "AWS_ENDPOINT_URL_S3": moto_url,
        "AWS_ACCESS_KEY_ID": "AKIDTEST",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "SIMPLEFLOW_BINARIES_DIRECTORY": str(directory),
        "SIMPLEFLOW_DATA_DIR": str(tmp_path / "data"),
    }
    environment.pop("SWF_DOMAIN", None)

    return lambda *arguments, **more: done([*rust, *arguments], {**environment, **more})


def test_a_binary_is_downloaded_to_where_the_original_has_it(s3, simpleflow, directory):
    location = f"s3://{BUCKET}/{KEY}"
    done = simpleflow("binaries.download", f"greet={location}", f"again={location}")
    assert done.returncode == 0, done.stderr
    suffix = hashlib.md5(location.encode()).hexdigest()
    files = [directory / f"{name}-{suffix}" / name for name in ("greet", "again")]
    assert done.stdout.split() == [str(file) for file in files]
    said = subprocess.run([files[0], "you"], text=True, capture_output=True, check=True)
    assert said.stdout == "hello you\n"
    # One that is there is not downloaded again, so it need not be there any more either.
    files[0].write_text("#!/bin/sh\necho another\n")
    assert simpleflow("binaries.download", f"greet={location}").returncode == 0
    assert "another" in files[0].read_text()


@pytest.mark.parametrize(
    ("location", "problem"),
    [
        ("s3://no-such-bucket/greet", "there is no bucket no-such-bucket"),
        (f"s3://{BUCKET}/none", "there is none"),
    ],
)
def test_a_binary_that_is_not_there_is_told(s3, simpleflow, directory, location, problem):
    done = simpleflow("binaries.download", f"greet={location}")
    assert done.returncode == 1
    assert problem in done.stderr
    assert [file for file in directory.rglob("greet") if file.is_file()] == []


@pytest.mark.parametrize("command", [["workflow.start", "--local"], ["standalone"]])
def test_activities_have_their_binaries_and_objects(s3, simpleflow, command):
    place = f"s3://results/{command[0]}"
    done = simpleflow(
        *command,
        "greetings",
        "--input",
        '["you"]',
        "--objects",
        place,
        SIMPLEFLOW_S3_SSE="true",
    )
    assert done.returncode == 0, done.stderr
    said = "hello you, hello you"
    assert json.loads(done.stdout.splitlines()[-1]) == said
    kept = s3.get_object(Bucket="results", Key=f"{command[0]}/greetings/it.json")
    assert kept["Body"].read().decode() == said
    assert kept["ServerSideEncryption"] == "AES256"
    assert kept["ContentType"] == "application/json"


def test_an_activity_whose_binary_is_not_there_fails(s3, simpleflow):
    s3.delete_object(Bucket=BUCKET, Key=KEY)
    try:
        done = simpleflow("workflow.start", "--local", "greetings", "--input", '["you"]')
    finally:
        s3.put_object(Bucket=BUCKET, Key=KEY, Body=PROGRAM.encode())
    assert done.returncode == 1
    assert "binary greet" in done.stderr
    assert "there is none" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "settings", "bucket", "prefix"),
    [
        (["--objects", "s3://results/by-place"], {}, "results", "by-place/"),
        ([], {"STEP_BUCKET": "s3.amazonaws.com/step_bucket"}, "step_bucket", ""),
    ],
)
def test_a_second_run_skips_the_steps_of_the_first(
    s3, simpleflow, arguments, settings, bucket, prefix
):
    s3.create_bucket(Bucket=bucket)
    command = ["standalone", "examples.step.StepWorkflow", "--workflow-id", "it", *arguments]
    results = []
    for _ in range(2):
        done = simpleflow(*command, **settings)
        assert done.returncode == 0, done.stderr
        results.append(json.loads(done.stdout.splitlines()[-1]))
    assert len(results[0]) == 4
    assert results[1] == ["my_step_force"]
    listed = s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]
    assert sorted(it["Key"] for it in listed) == sorted(
        f"{prefix}it/steps/{step}" for step in results[0]
    )


@pytest.fixture(scope="module")
def box(endpoint):
    """A client of the server in the box, as anybody would make it."""
    return s3_client(endpoint)


def code_of(call, **arguments):
    """The code of the error that a call ends with."""
    with pytest.raises(ClientError) as error:
        call(**arguments)
    return error.value.response["Error"]["Code"]


def test_the_server_in_the_box_is_a_bucket_to_boto3(box):
    prefix = unique("reports") + "/"
    began = datetime.now(UTC).replace(microsecond=0)
    put = {}
    for name, value in [("a b&c.csv", b"a,b\n"), ("long", bytes(5 << 20)), ("sub/empty", b"")]:
        put[prefix + name] = box.put_object(Bucket="objects", Key=prefix + name, Body=value)
        got = box.get_object(Bucket="objects", Key=prefix + name)
        assert got["Body"].read() == value
        head = box.head_object(Bucket="objects", Key=prefix + name)
        assert head["ContentLength"] == len(value)
        for answer in (got, head):
            assert answer["ETag"] == put[prefix + name]["ETag"]
            assert began <= answer["LastModified"] <= datetime.now(UTC)
    part = box.get_object(Bucket="objects", Key=prefix + "a b&c.csv", Range="bytes=2-")
    assert part["Body"].read() == b"b\n"
    for call in ("list_objects", "list_objects_v2"):
        pages = box.get_paginator(call).paginate(
            Bucket="objects", Prefix=prefix, PaginationConfig={"PageSize": 2}
        )
        listed = [it for page in pages for it in page["Contents"]]
        assert {it["Key"]: it["ETag"] for it in listed} == {
            key: answer["ETag"] for key, answer in put.items()
        }
        assert all(began <= it["LastModified"] <= datetime.now(UTC) for it in listed)
    level = box.list_objects_v2(Bucket="objects", Prefix=prefix, Delimiter="/")
    assert [it["Prefix"] for it in level["CommonPrefixes"]] == [f"{prefix}sub/"]
    for key in put:
        box.delete_object(Bucket="objects", Key=key)
    assert "Contents" not in box.list_objects_v2(Bucket="objects", Prefix=prefix)
    assert code_of(box.get_object, Bucket="objects", Key=prefix + "long") == "NoSuchKey"


def test_one_writer_alone_makes_an_object(box):
    lock = {"Bucket": "objects", "Key": unique("lock")}
    etag = box.put_object(**lock, Body=b"1", IfNoneMatch="*")["ETag"]
    assert code_of(box.put_object, **lock, Body=b"2", IfNoneMatch="*") == "PreconditionFailed"
    box.put_object(**lock, Body=b"3", IfMatch=etag)
    assert code_of(box.put_object, **lock, Body=b"4", IfMatch=etag) == "PreconditionFailed"
    assert box.get_object(**lock)["Body"].read() == b"3"


def test_files_go_to_the_server_in_the_box_and_come_back(box, tmp_path):
    sent, got = tmp_path / "sent", tmp_path / "got"
    sent.write_bytes(os.urandom(3 << 20))
    key = unique("file")
    box.upload_file(str(sent), "objects", key)
    box.download_file("objects", key, str(got))
    assert got.read_bytes() == sent.read_bytes()
