"""Each kind knows the flow that brings it to its end, and that flow takes no other kind."""

from __future__ import annotations

from pathlib import Path

import yaml

from clinic.change.kinds.table import KINDS, UNDO, flow_of

ROOT = Path(__file__).parents[4]


def test_the_flow_of_each_kind_is_deployed_and_is_of_that_kind() -> None:
    entries = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
    deployed = {entry["name"].split(" ")[0]: entry["entrypoint"] for entry in entries}
    for kind in (*KINDS, UNDO):
        flow = flow_of(kind)
        module, _, function = deployed[flow].rpartition(".")
        source = (ROOT / module.replace(".", "/")).with_suffix(".py").read_text()
        assert f'name="{flow}"' in source
        assert f"def {function}(operation_id: int)" in source
        assert f'(operation_id, "{kind}")' in source
