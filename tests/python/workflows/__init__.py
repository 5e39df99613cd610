"""Workflows of the Python simpleflow, to be run to completion on the server under test."""

TASK_LIST = "deciders"
VERSION = "test"
