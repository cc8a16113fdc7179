"""What a forked job needs: imported once, by the server that forks."""

import great_expectations.expectations
import uvloop

import tests.clinic.change.applier
import tests.kill.job
import tests.kill.naive

__all__ = ["great_expectations", "tests", "uvloop"]
