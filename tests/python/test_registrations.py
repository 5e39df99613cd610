"""Domains, types and tags: what can be registered, deprecated, deleted and listed."""

import pytest
from world import refused, unique

KINDS = ["workflow", "activity"]


class Types:
    """One of the two kinds of types, in a domain."""

    def __init__(self, swf, domain, kind):
        self.swf = swf
        self.domain = domain
        self.kind = kind
        self.title = f"{kind.capitalize()}Type"

    def register(self, name, version="1", **more):
        call = getattr(self.swf, f"register_{self.kind}_type")
        return call(domain=self.domain, name=name, version=version, **more)

    def call(self, verb, name, version="1"):
        operation = getattr(self.swf, f"{verb}_{self.kind}_type")
        the_type = {f"{self.kind}Type": {"name": name, "version": version}}
        return operation(domain=self.domain, **the_type)

    def list(self, status="REGISTERED", **more):
        call = getattr(self.swf, f"list_{self.kind}_types")
        return call(domain=self.domain, registrationStatus=status, **more)

    def names(self, **more):
        infos = self.list(**more)["typeInfos"]
        types = [info[f"{self.kind}Type"] for info in infos]
        return [(one["name"], one["version"]) for one in types]

    def text(self, name, version="1"):
        return f"{self.title}=[name={name}, version={version}]"


@pytest.fixture(params=KINDS)
def types(request, swf, domain):
    return Types(swf, domain, request.param)


def test_a_type_is_registered_once(types):
    name = unique("type")
    types.register(name)
    types.register(name, "2")
    refused("TypeAlreadyExistsFault", types.text(name), types.register, name=name)
    types.call("deprecate", name)
    refused("TypeAlreadyExistsFault", types.text(name), types.register, name=name)


def test_a_type_is_deprecated_brought_back_and_deleted(types):
    name = unique("type")
    types.register(name, description="d")
    message = "The type is currently registered and cannot be deleted in its current state"
    refused("TypeNotDeprecatedFault", message, types.call, verb="delete", name=name)
    refused(
        "TypeAlreadyExistsFault", types.text(name), types.call, verb="undeprecate", name=name
    )

    types.call("deprecate", name)
    refused("TypeDeprecatedFault", types.text(name), types.call, verb="deprecate", name=name)
    info = types.call("describe", name)["typeInfo"]
    assert info["status"] == "DEPRECATED"
    assert info["description"] == "d"
    assert info["deprecationDate"] >= info["creationDate"]
    assert types.names(name=name) == []
    assert types.names(name=name, status="DEPRECATED") == [(name, "1")]

    types.call("undeprecate", name)
    info = types.call("describe", name)["typeInfo"]
    assert info["status"] == "REGISTERED"
    assert "deprecationDate" not in info

    types.call("deprecate", name)
    types.call("delete", name)
    message = f"Unknown type: {types.text(name)}"
    for verb in ["describe", "deprecate", "undeprecate", "delete"]:
        refused("UnknownResourceFault", message, types.call, verb=verb, name=name)


def test_types_are_listed_by_name_a_page_at_a_time(types):
    prefix = unique("page")
    expected = [(f"{prefix}-{number}", "1") for number in range(5)]
    for name, _ in reversed(expected):
        types.register(name)
    for reverse, wanted in [(False, expected), (True, expected[::-1])]:
        listed, token = [], None
        while True:
            more = {"nextPageToken": token} if token else {}
            page = types.list(maximumPageSize=2, reverseOrder=reverse, **more)
            assert len(page["typeInfos"]) <= 2
            listed += [info[f"{types.kind}Type"] for info in page["typeInfos"]]
            token = page.get("nextPageToken")
            if not token:
                break
        names = [(one["name"], one["version"]) for one in listed]
        assert [name for name in names if name[0].startswith(prefix)] == wanted
        assert names == sorted(names, reverse=reverse)


def test_a_bad_page_token_is_refused(types):
    refused("ValidationException", "Invalid token", types.list, nextPageToken="nonsense")


def test_the_defaults_of_a_workflow_type_are_described(swf, domain):
    name = unique("type")
    defaults = {
        "defaultTaskStartToCloseTimeout": "10",
        "defaultExecutionStartToCloseTimeout": "20",
        "defaultTaskList": {"name": "list"},
        "defaultTaskPriority": "-3",
        "defaultChildPolicy": "ABANDON",
        "defaultLambdaRole": "arn:aws:iam::123456789012:role/r",
    }
    swf.register_workflow_type(domain=domain, name=name, version="1", **defaults)
    described = swf.describe_workflow_type(
        domain=domain, workflowType={"name": name, "version": "1"}
    )
    assert described["configuration"] == defaults


def test_the_defaults_of_an_activity_type_are_described(swf, domain):
    name = unique("type")
    defaults = {
        "defaultTaskStartToCloseTimeout": "10",
        "defaultTaskHeartbeatTimeout": "NONE",
        "defaultTaskList": {"name": "list"},
        "defaultTaskPriority": "7",
        "defaultTaskScheduleToStartTimeout": "30",
        "defaultTaskScheduleToCloseTimeout": "40",
    }
    swf.register_activity_type(domain=domain, name=name, version="1", **defaults)
    described = swf.describe_activity_type(
        domain=domain, activityType={"name": name, "version": "1"}
    )
    assert described["configuration"] == defaults


@pytest.mark.parametrize(
    ("member", "value", "problem"),
    [
        ("name", "a:b", "at 'name'"),
        ("name", "arn", "at 'name'"),
        ("version", "a/b", "at 'version'"),
        ("defaultTaskStartToCloseTimeout", "abc", "at 'defaultTaskStartToCloseTimeout'"),
        ("defaultTaskPriority", "high", "at 'defaultTaskPriority'"),
    ],
)
def test_a_type_that_cannot_be_is_refused(types, member, value, problem):
    request = {"name": unique("type"), "version": "1", member: value}
    with pytest.raises(types.swf.exceptions.ClientError) as caught:
        types.register(**request)
    error = caught.value.response["Error"]
    assert error["Code"] == "ValidationException"
    assert problem in error["Message"]


def test_a_domain_is_registered_once(swf):
    name = unique("domain")
    days = {"workflowExecutionRetentionPeriodInDays": "7"}
    swf.register_domain(name=name, description="d", **days)
    refused("DomainAlreadyExistsFault", name, swf.register_domain, name=name, **days)
    described = swf.describe_domain(name=name)
    assert described["configuration"] == days
    info = described["domainInfo"]
    assert info["name"] == name
    assert info["status"] == "REGISTERED"
    assert info["description"] == "d"
    assert info["arn"].startswith("arn:aws:swf:us-east-1:")
    assert info["arn"].endswith(f":/domain/{name}")


@pytest.mark.parametrize("days", ["91", "-1", "soon"])
def test_a_retention_that_cannot_be_is_refused(swf, days):
    with pytest.raises(swf.exceptions.ClientError) as caught:
        swf.register_domain(name=unique("d"), workflowExecutionRetentionPeriodInDays=days)
    assert caught.value.response["Error"]["Code"] == "ValidationException"


def test_nothing_new_begins_in_a_deprecated_domain(swf):
    name = unique("domain")
    swf.register_domain(name=name, workflowExecutionRetentionPeriodInDays="1")
    old = {"name": "old", "version": "1"}
    swf.register_workflow_type(
        domain=name,
        **old,
        defaultTaskStartToCloseTimeout="60",
        defaultExecutionStartToCloseTimeout="60",
        defaultTaskList={"name": "list"},
        defaultChildPolicy="TERMINATE",
    )
    refused("DomainAlreadyExistsFault", name, swf.undeprecate_domain, name=name)
    swf.start_workflow_execution(domain=name, workflowId="before", workflowType=old)

    swf.deprecate_domain(name=name)
    refused("DomainDeprecatedFault", name, swf.deprecate_domain, name=name)
    new = {"domain": name, "name": "new", "version": "1"}
    refused("DomainDeprecatedFault", name, swf.register_workflow_type, **new)
    refused("DomainDeprecatedFault", name, swf.register_activity_type, **new)
    assert swf.describe_domain(name=name)["domainInfo"]["status"] == "DEPRECATED"
    listed = swf.list_domains(registrationStatus="DEPRECATED")["domainInfos"]
    assert name in [info["name"] for info in listed]
    # Its types are deprecated with it; what runs goes on.
    described = swf.describe_workflow_type(domain=name, workflowType=old)
    assert described["typeInfo"]["status"] == "DEPRECATED"
    task = swf.poll_for_decision_task(domain=name, taskList={"name": "list"})
    assert task["workflowExecution"]["workflowId"] == "before"

    swf.undeprecate_domain(name=name)
    assert swf.describe_domain(name=name)["domainInfo"]["status"] == "REGISTERED"
    swf.register_workflow_type(**new)


def test_domains_are_listed_a_page_at_a_time(swf):
    prefix = unique("page")
    expected = [f"{prefix}-{number}" for number in range(3)]
    for name in expected:
        swf.register_domain(name=name, workflowExecutionRetentionPeriodInDays="1")
    for reverse in [False, True]:
        pages = list(
            swf.get_paginator("list_domains").paginate(
                registrationStatus="REGISTERED",
                reverseOrder=reverse,
                PaginationConfig={"PageSize": 2},
            )
        )
        assert all(len(page["domainInfos"]) <= 2 for page in pages)
        names = [info["name"] for page in pages for info in page["domainInfos"]]
        assert names == sorted(names, reverse=reverse)
        assert set(expected) <= set(names)


def test_a_domain_has_tags(swf):
    name = unique("domain")
    swf.register_domain(
        name=name,
        workflowExecutionRetentionPeriodInDays="1",
        tags=[{"key": "a", "value": "1"}],
    )
    arn = swf.describe_domain(name=name)["domainInfo"]["arn"]

    def tags():
        listed = swf.list_tags_for_resource(resourceArn=arn)["tags"]
        return sorted((tag["key"], tag.get("value")) for tag in listed)

    assert tags() == [("a", "1")]
    swf.tag_resource(resourceArn=arn, tags=[{"key": "a", "value": "2"}, {"key": "b", "value": ""}])
    assert tags() == [("a", "2"), ("b", "")]
    swf.untag_resource(resourceArn=arn, tagKeys=["a", "unknown"])
    assert tags() == [("b", "")]
    many = [{"key": f"k{number}", "value": "v"} for number in range(50)]
    refused("TooManyTagsFault", None, swf.tag_resource, resourceArn=arn, tags=many)
    assert tags() == [("b", "")]
