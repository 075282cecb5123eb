"""What the servers of `manage.py faults` have, and no others: commands that workloads bring, and the control."""

import os

from django.apps import AppConfig


class FaultsConfig(AppConfig):
    name = "tests.faults"

    def ready(self) -> None:
        from realtime.registry import handlers
        from tests.faults import control
        from tests.faults.workload import find_workloads

        for workload in find_workloads().values():
            handlers().update(workload.commands())
        if os.environ.get("FAULTS_CONTROL") == "1":
            control.switch_off_repair()
