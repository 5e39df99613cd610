"""A workflow of steps, of which the list is kept by the workers of a task list."""

from simpleflow import Workflow, futures
from simpleflow.canvas import Group
from simpleflow.step.submittable import Step
from simpleflow.step.workflow import WorkflowStepMixin

from workflows import TASK_LIST, VERSION


class Steps(Workflow, WorkflowStepMixin):
    name = "python-steps"
    version = VERSION
    task_list = TASK_LIST
    execution_timeout = 250

    def get_step_bucket(self):
        return self.bucket

    def get_step_path_prefix(self):
        return self.prefix

    def get_step_activity_params(self):
        return {"task_list": self.workers}

    def run(self, bucket, prefix, workers):
        self.bucket, self.prefix, self.workers = bucket, prefix, workers
        self.add_forced_steps(["forced"], "always")
        for name in ("é.a", "forced.b"):
            futures.wait(self.submit(Step(name, Group(), emit_signal=True)))
        return "done"
