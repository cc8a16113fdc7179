"""Where Prefect's runs are: processes of a machine, or containers."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from clinic.settings.section import Section


class Runs(Section):
    """What runs are started as, and with what (docs/deploying.md). In containers a run has what stands here."""

    pool: Literal["process", "docker", "kubernetes"] = Field(
        default="process",
        description="process: by Cohort's own workers, on each machine that has one; docker, kubernetes: "
        "a container each, by Prefect's worker of that type",
    )
    image: str = Field(default="", description="The image that a run is started from")
    volume: str = Field(
        default="",
        description="What every container has at /srv/practice: cohort.toml, the home and files with secrets. "
        "docker: a volume's name, or a folder of that machine; "
        "kubernetes: a PersistentVolumeClaim (ReadWriteMany)",
    )
    secret: str = Field(
        default="",
        description="kubernetes: the Secret whose keys are variables of each run, such as COHORT_RECORD_URL; "
        "docker: leave it empty, and name files of the volume (record_url_file …)",
    )
    namespace: str = Field(default="default", description="kubernetes: where its jobs are")
    network: str = Field(
        default="", description="docker: the network of each container; empty: Docker's own"
    )
    memory: str = Field(default="2Gi", description="Most memory of a container: 2Gi, 512Mi")

    @model_validator(mode="after")
    def _can_be_started(self) -> Runs:
        if self.pool != "process" and (
            missing := [n for n in ("image", "volume") if not getattr(self, n)]
        ):
            raise ValueError(f"pool = {self.pool!r} needs also {' and '.join(missing)}")
        if self.pool == "docker" and self.secret:
            raise ValueError(
                "secret is of kubernetes; with docker put secrets into files of the volume, and name them: "
                "record_url_file, sms.token_file …"
            )
        return self
