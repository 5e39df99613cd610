"""Listing and counting executions, open and closed, by each filter."""

import datetime

import pytest
from world import World, complete, decision, refused, unique


class Listed:
    """Five executions, told apart by their last letter: a and b are open, c to e are closed."""

    def __init__(self, swf, domain):
        self.world = World(swf, domain)
        self.swf = swf
        self.domain = domain
        self.tag = unique("tag")
        self.type_filter = {"typeFilter": {"name": self.world.name}}
        self.runs = {}
        for letter, tags in [("a", [self.tag]), ("b", []), ("c", [self.tag]), ("d", []), ("e", [])]:
            workflow_id = f"{self.world.name}-{letter}"
            self.runs[letter] = self.world.start(workflowId=workflow_id, tagList=tags)
        self.world.terminate(self.runs["e"])
        closes = {
            "c": [complete()],
            "d": [decision("FailWorkflowExecution")],
        }
        for _ in range(4):
            task = self.world.poll()
            letter = task["workflowExecution"]["workflowId"][-1]
            self.world.respond(task, *closes.get(letter, []))

    def closed(self, time="startTimeFilter", **more):
        return {"domain": self.domain, time: since(days=1), **more}

    def open(self, **more):
        return {"domain": self.domain, "startTimeFilter": since(days=1), **more}

    def list(self, kind, request):
        """The letters of the executions, and their number as the count says it."""
        listed = getattr(self.swf, f"list_{kind}_workflow_executions")(**request)
        counted = getattr(self.swf, f"count_{kind}_workflow_executions")(**request)
        infos = listed["executionInfos"]
        assert counted["count"] == len(infos)
        assert counted["truncated"] is False
        return "".join(info["execution"]["workflowId"][-1] for info in infos)


def since(**ago):
    now = datetime.datetime.now(datetime.timezone.utc)
    return {"oldestDate": now - datetime.timedelta(**ago)}


@pytest.fixture(scope="module")
def listed(swf, domain):
    return Listed(swf, domain)


def test_executions_are_listed_from_the_latest(listed):
    by_type = listed.type_filter
    assert listed.list("open", listed.open(**by_type)) == "ba"
    assert listed.list("closed", listed.closed(**by_type)) == "edc"
    assert listed.list("closed", listed.closed("closeTimeFilter", **by_type)) == "dce"


def test_the_order_can_be_reversed(listed):
    request = listed.open(reverseOrder=True, **listed.type_filter)
    infos = listed.swf.list_open_workflow_executions(**request)["executionInfos"]
    assert [info["execution"]["workflowId"][-1] for info in infos] == ["a", "b"]


def test_executions_are_listed_by_filter(listed):
    by_id = {"executionFilter": {"workflowId": f"{listed.world.name}-d"}}
    assert listed.list("closed", listed.closed(**by_id)) == "d"
    assert listed.list("open", listed.open(**by_id)) == ""
    by_tag = {"tagFilter": {"tag": listed.tag}}
    assert listed.list("open", listed.open(**by_tag)) == "a"
    assert listed.list("closed", listed.closed(**by_tag)) == "c"
    name = listed.world.name
    for version, expected in [("1", "ba"), ("2", "")]:
        by_type = {"typeFilter": {"name": name, "version": version}}
        assert listed.list("open", listed.open(**by_type)) == expected


def test_closed_executions_are_listed_by_how_they_closed(listed):
    # Which other tests have closed is not listed: this file has a domain of its own.
    for status, expected in [("COMPLETED", "c"), ("FAILED", "d"), ("TERMINATED", "e")]:
        by_status = {"closeStatusFilter": {"status": status}}
        assert listed.list("closed", listed.closed(**by_status)) == expected
    assert listed.list("closed", listed.closed(closeStatusFilter={"status": "TIMED_OUT"})) == ""


def test_executions_are_listed_by_time(listed):
    future = {"startTimeFilter": since(days=-1)}
    assert listed.list("open", {"domain": listed.domain, **future}) == ""
    past = {**since(days=2), "latestDate": since(days=1)["oldestDate"]}
    request = {"domain": listed.domain, "closeTimeFilter": past}
    assert listed.list("closed", request) == ""


def test_a_listed_execution_says_what_it_is(listed):
    by_id = {"executionFilter": {"workflowId": listed.runs["c"]["workflowId"]}}
    request = listed.closed(**by_id)
    (info,) = listed.swf.list_closed_workflow_executions(**request)["executionInfos"]
    described = listed.world.describe(listed.runs["c"])["executionInfo"]
    assert info == described
    assert info["closeStatus"] == "COMPLETED"
    assert info["tagList"] == [listed.tag]


def test_executions_are_listed_a_page_at_a_time(listed):
    for kind, request, expected in [
        ("open", listed.open(**listed.type_filter), "ba"),
        ("closed", listed.closed(**listed.type_filter), "edc"),
    ]:
        for reverse in [False, True]:
            pages = listed.swf.get_paginator(f"list_{kind}_workflow_executions").paginate(
                **request, reverseOrder=reverse, PaginationConfig={"PageSize": 1}
            )
            pages = [page["executionInfos"] for page in pages]
            assert all(len(page) <= 1 for page in pages)
            letters = "".join(info["execution"]["workflowId"][-1] for page in pages for info in page)
            assert letters == (expected[::-1] if reverse else expected)


def test_filters_exclude_each_other(listed):
    two = {"tagFilter": {"tag": "t"}, "typeFilter": {"name": "n"}}
    message = "Cannot specify more than one exclusive filters in the same query"
    for kind, request in [("open", listed.open(**two)), ("closed", listed.closed(**two))]:
        for verb in ["list", "count"]:
            call = getattr(listed.swf, f"{verb}_{kind}_workflow_executions")
            refused("ValidationException", message, call, **request)


def test_closed_executions_are_listed_by_one_time(listed):
    both = {"startTimeFilter": since(days=1), "closeTimeFilter": since(days=1)}
    for verb in ["list", "count"]:
        call = getattr(listed.swf, f"{verb}_closed_workflow_executions")
        refused("ValidationException", "Must specify time filter", call, domain=listed.domain)
        message = "Must not specify both start and close time filters"
        refused("ValidationException", message, call, domain=listed.domain, **both)
