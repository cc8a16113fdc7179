"""What a forked job needs: imported once, by the server that forks."""

import uvloop

import tests.clinic.change.applier
import tests.kill.job
import tests.kill.naive
from data_checks.gate.expectations import load

load()

__all__ = ["load", "tests", "uvloop"]
