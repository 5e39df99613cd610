"""Each of the service's operations: that it works, what it says of a resource that is not there,
and that it holds requests against the constraints of the service model.

The operations and the constraints are those that boto3 brings along, so none can be left out.
"""

import datetime
import re

import boto3
import pytest
from world import complete, refused, unique

MODEL = boto3.session.Session(region_name="us-east-1").client("swf").meta.service_model
OPERATIONS = sorted(MODEL.operation_names)
EPOCH = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)
STARTED = {"oldestDate": EPOCH}
TYPE = {"name": "type", "version": "1"}
EXECUTION = {"workflowId": "nobody", "runId": "nothing"}
LIST = {"name": "list"}
REGISTERED = {"registrationStatus": "REGISTERED"}
ARN = "arn:aws:swf:us-east-1:123456789012:/domain/"

# A request of each operation for what is not there, without the domain; and what is not there:
# "domain", "token", or "resource".
REQUESTS = {
    "CountClosedWorkflowExecutions": ({"startTimeFilter": STARTED}, "domain"),
    "CountOpenWorkflowExecutions": ({"startTimeFilter": STARTED}, "domain"),
    "CountPendingActivityTasks": ({"taskList": LIST}, "domain"),
    "CountPendingDecisionTasks": ({"taskList": LIST}, "domain"),
    "DeleteActivityType": ({"activityType": TYPE}, "domain"),
    "DeleteWorkflowType": ({"workflowType": TYPE}, "domain"),
    "DeprecateActivityType": ({"activityType": TYPE}, "domain"),
    "DeprecateDomain": ({}, "name"),
    "DeprecateWorkflowType": ({"workflowType": TYPE}, "domain"),
    "DescribeActivityType": ({"activityType": TYPE}, "domain"),
    "DescribeDomain": ({}, "name"),
    "DescribeWorkflowExecution": ({"execution": EXECUTION}, "domain"),
    "DescribeWorkflowType": ({"workflowType": TYPE}, "domain"),
    "GetWorkflowExecutionHistory": ({"execution": EXECUTION}, "domain"),
    "ListActivityTypes": (REGISTERED, "domain"),
    "ListClosedWorkflowExecutions": ({"startTimeFilter": STARTED}, "domain"),
    "ListDomains": (REGISTERED, None),
    "ListOpenWorkflowExecutions": ({"startTimeFilter": STARTED}, "domain"),
    "ListTagsForResource": ({}, "resource"),
    "ListWorkflowTypes": (REGISTERED, "domain"),
    "PollForActivityTask": ({"taskList": LIST}, "domain"),
    "PollForDecisionTask": ({"taskList": LIST}, "domain"),
    "RecordActivityTaskHeartbeat": ({}, "token"),
    "RegisterActivityType": (TYPE, "domain"),
    "RegisterDomain": ({"workflowExecutionRetentionPeriodInDays": "1"}, None),
    "RegisterWorkflowType": (TYPE, "domain"),
    "RequestCancelWorkflowExecution": ({"workflowId": "nobody"}, "domain"),
    "RespondActivityTaskCanceled": ({}, "token"),
    "RespondActivityTaskCompleted": ({}, "token"),
    "RespondActivityTaskFailed": ({}, "token"),
    "RespondDecisionTaskCompleted": ({}, "token"),
    "SignalWorkflowExecution": ({"workflowId": "nobody", "signalName": "s"}, "domain"),
    "StartWorkflowExecution": ({"workflowId": "nobody", "workflowType": TYPE}, "domain"),
    "TagResource": ({"tags": [{"key": "k"}]}, "resource"),
    "TerminateWorkflowExecution": ({"workflowId": "nobody"}, "domain"),
    "UndeprecateActivityType": ({"activityType": TYPE}, "domain"),
    "UndeprecateDomain": ({}, "name"),
    "UndeprecateWorkflowType": ({"workflowType": TYPE}, "domain"),
    "UntagResource": ({"tagKeys": ["k"]}, "resource"),
}


def call(swf, operation):
    method = re.sub(r"(?<!^)(?=[A-Z])", "_", operation).lower()
    return getattr(swf, method)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_what_is_not_there_is_unknown(swf, operation):
    request, missing = REQUESTS[operation]
    nowhere = unique("nowhere")
    if missing in ("domain", "name"):
        request = {**request, missing: nowhere}
        refused("UnknownResourceFault", f"Unknown domain: {nowhere}", call(swf, operation), **request)
    elif missing == "resource":
        request = {**request, "resourceArn": ARN + nowhere}
        message = f"Unknown resource: {ARN}{nowhere}"
        refused("UnknownResourceFault", message, call(swf, operation), **request)
    elif missing == "token":
        request = {**request, "taskToken": "no token"}
        refused("ValidationException", "Invalid token", call(swf, operation), **request)
    else:
        # Nothing has to be there.
        assert operation in ("ListDomains", "RegisterDomain")


def constraints():
    """A request for each constraint that it breaks, and the words of the refusal."""
    for operation in OPERATIONS:
        shape = MODEL.operation_model(operation).input_shape
        for member, member_shape in shape.members.items():
            if member in shape.required_members:
                message = f"Value null at '{member}' failed to satisfy constraint: Member must not be null"
                yield pytest.param(operation, member, None, message, id=f"{operation}-{member}-required")
            limits = member_shape.metadata
            if member_shape.type_name != "string":
                continue
            if "enum" in limits:
                message = (
                    f"Value 'bad' at '{member}' failed to satisfy constraint: "
                    "Member must satisfy enum value set: ["
                )
                yield pytest.param(operation, member, "bad", message, id=f"{operation}-{member}-enum")
                continue
            if "max" in limits:
                bad = "x" * (limits["max"] + 1)
                message = (
                    f"at '{member}' failed to satisfy constraint: "
                    f"Member must have length less than or equal to {limits['max']}"
                )
                yield pytest.param(operation, member, bad, message, id=f"{operation}-{member}-max")
            if limits.get("min"):
                message = (
                    f"Value '' at '{member}' failed to satisfy constraint: "
                    f"Member must have length greater than or equal to {limits['min']}"
                )
                yield pytest.param(operation, member, "", message, id=f"{operation}-{member}-min")


@pytest.mark.parametrize(("operation", "member", "value", "message"), list(constraints()))
def test_a_constraint_of_the_model_is_held(unchecked, operation, member, value, message):
    request, missing = REQUESTS[operation]
    names = {"token": "taskToken", "resource": "resourceArn", None: "name"}
    name = names.get(missing, missing)
    if name in MODEL.operation_model(operation).input_shape.members:
        request = {**request, name: unique("nowhere")}
    request = {**request, member: value}
    if value is None:
        del request[member]
    with pytest.raises(unchecked.exceptions.ClientError) as caught:
        call(unchecked, operation)(**request)
    error = caught.value.response["Error"]
    assert error["Code"] == "ValidationException", error
    assert error["Message"].startswith("1 validation error detected: "), error
    assert message in error["Message"]


def deprecated(world, kind):
    name = unique("deprecated")
    register = getattr(world.swf, f"register_{kind}_type")
    register(domain=world.domain, name=name, version="1")
    the_type = {f"{kind}Type": {"name": name, "version": "1"}}
    getattr(world.swf, f"deprecate_{kind}_type")(domain=world.domain, **the_type)
    return the_type


def deprecated_domain(world):
    name = unique("deprecated")
    world.swf.register_domain(name=name, workflowExecutionRetentionPeriodInDays="1")
    world.swf.deprecate_domain(name=name)
    return name


def activity_token(world):
    world.start()
    world.decide(world.schedule())
    return {"taskToken": world.work()["taskToken"]}


def decision_token(world):
    world.start()
    return {"taskToken": world.poll()["taskToken"], "decisions": [complete()]}


def scheduled(world):
    world.start()
    world.decide(world.schedule())
    return {"domain": world.domain, "taskList": world.activities}


def started(world, **more):
    return {"domain": world.domain, "workflowId": world.start()["workflowId"], **more}


def new_domain(world):
    name = unique("new")
    world.swf.register_domain(name=name, workflowExecutionRetentionPeriodInDays="1")
    return name


# What to ask of each operation so that it does what it is for, and a member of its answer; None
# where the answer is empty.
SUCCESSES = {
    "CountClosedWorkflowExecutions": (
        lambda w: {"domain": w.domain, "startTimeFilter": STARTED},
        "count",
    ),
    "CountOpenWorkflowExecutions": (
        lambda w: {"domain": w.domain, "startTimeFilter": STARTED},
        "count",
    ),
    "CountPendingActivityTasks": (
        lambda w: {"domain": w.domain, "taskList": w.activities},
        "count",
    ),
    "CountPendingDecisionTasks": (
        lambda w: {"domain": w.domain, "taskList": w.decisions},
        "count",
    ),
    "DeleteActivityType": (lambda w: {"domain": w.domain, **deprecated(w, "activity")}, None),
    "DeleteWorkflowType": (lambda w: {"domain": w.domain, **deprecated(w, "workflow")}, None),
    "DeprecateActivityType": (
        lambda w: {"domain": w.domain, "activityType": w.activity_type},
        None,
    ),
    "DeprecateDomain": (lambda w: {"name": new_domain(w)}, None),
    "DeprecateWorkflowType": (
        lambda w: {"domain": w.domain, "workflowType": w.workflow_type},
        None,
    ),
    "DescribeActivityType": (
        lambda w: {"domain": w.domain, "activityType": w.activity_type},
        "configuration",
    ),
    "DescribeDomain": (lambda w: {"name": w.domain}, "domainInfo"),
    "DescribeWorkflowExecution": (
        lambda w: {"domain": w.domain, "execution": w.start()},
        "openCounts",
    ),
    "DescribeWorkflowType": (
        lambda w: {"domain": w.domain, "workflowType": w.workflow_type},
        "configuration",
    ),
    "GetWorkflowExecutionHistory": (
        lambda w: {"domain": w.domain, "execution": w.start()},
        "events",
    ),
    "ListActivityTypes": (lambda w: {"domain": w.domain, **REGISTERED}, "typeInfos"),
    "ListClosedWorkflowExecutions": (
        lambda w: {"domain": w.domain, "startTimeFilter": STARTED},
        "executionInfos",
    ),
    "ListDomains": (lambda w: REGISTERED, "domainInfos"),
    "ListOpenWorkflowExecutions": (
        lambda w: {"domain": w.domain, "startTimeFilter": STARTED},
        "executionInfos",
    ),
    "ListTagsForResource": (lambda w: {"resourceArn": w.arn}, "tags"),
    "ListWorkflowTypes": (lambda w: {"domain": w.domain, **REGISTERED}, "typeInfos"),
    "PollForActivityTask": (scheduled, "taskToken"),
    "PollForDecisionTask": (
        lambda w: w.start() and {"domain": w.domain, "taskList": w.decisions},
        "taskToken",
    ),
    "RecordActivityTaskHeartbeat": (activity_token, "cancelRequested"),
    "RegisterActivityType": (
        lambda w: {"domain": w.domain, "name": unique("new"), "version": "1"},
        None,
    ),
    "RegisterDomain": (
        lambda w: {"name": unique("new"), "workflowExecutionRetentionPeriodInDays": "NONE"},
        None,
    ),
    "RegisterWorkflowType": (
        lambda w: {"domain": w.domain, "name": unique("new"), "version": "1"},
        None,
    ),
    "RequestCancelWorkflowExecution": (started, None),
    "RespondActivityTaskCanceled": (activity_token, None),
    "RespondActivityTaskCompleted": (activity_token, None),
    "RespondActivityTaskFailed": (activity_token, None),
    "RespondDecisionTaskCompleted": (decision_token, None),
    "SignalWorkflowExecution": (lambda w: started(w, signalName="s"), None),
    "StartWorkflowExecution": (
        lambda w: {"domain": w.domain, "workflowId": "w", "workflowType": w.workflow_type},
        "runId",
    ),
    "TagResource": (lambda w: {"resourceArn": w.arn, "tags": [{"key": "k"}]}, None),
    "TerminateWorkflowExecution": (started, None),
    "UndeprecateActivityType": (lambda w: {"domain": w.domain, **deprecated(w, "activity")}, None),
    "UndeprecateDomain": (lambda w: {"name": deprecated_domain(w)}, None),
    "UndeprecateWorkflowType": (lambda w: {"domain": w.domain, **deprecated(w, "workflow")}, None),
    "UntagResource": (lambda w: {"resourceArn": w.arn, "tagKeys": ["k"]}, None),
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_works(world, operation):
    request, member = SUCCESSES[operation]
    answer = call(world.swf, operation)(**request(world))
    metadata = answer.pop("ResponseMetadata")
    assert metadata["HTTPStatusCode"] == 200
    assert metadata["RequestId"]
    if member is None:
        assert answer == {}
        assert metadata["HTTPHeaders"].get("content-length") == "0"
    else:
        assert member in answer
