"""Large libraries are imported when they are first used, and are the libraries then (NEW-23)."""

from __future__ import annotations

import subprocess
import sys

import pytest

# Modules that look-only commands are made of
LOOKING = (
    "cli.show.campaign",
    "cli.look.campaigns",
    "cli.look.today",
    "cli.look.outreach",
    "clinic.change.operations",
    "clinic.health.record_facts",
)
LARGE = ("pandas", "numpy", "pyarrow", "phonenumbers", "great_expectations", "prefect", "alembic")


def _says(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("module", LOOKING)
def test_what_only_looks_imports_no_large_library(module: str) -> None:
    """NEW-23: a look-only command answers soon, since it loads nothing that it does not use."""
    code = (
        f"import sys, {module}\n"
        "from clinic.later import Later\n"
        f"print([name for name in {LARGE} if not isinstance(sys.modules.get(name), Later | None)])"
    )

    assert _says(code) == "[]"


def test_a_stand_in_is_the_library_once_it_is_used() -> None:
    """NEW-23: whoever bound it before gets the library's own, also of its submodules."""
    code = (
        "import clinic, sys\n"
        "import pandas as pd, pyarrow.compute as pc, numpy as np\n"
        "before = type(sys.modules['pandas']).__name__\n"
        "frame = pd.DataFrame({'a': np.arange(3)})\n"
        "import pandas, pandas.api.types\n"
        "from pandas import DataFrame\n"
        "print(before, DataFrame is pd.DataFrame, type(frame) is pandas.DataFrame,"
        " pc.sum(frame['a'].to_numpy()).as_py(), pandas.__name__, pandas.__file__ == pd.__file__)"
    )

    assert _says(code) == "Later True True 3 pandas True"


def test_threads_that_use_it_at_once_all_get_the_whole_library() -> None:
    """NEW-23: a library is imported once, and nobody sees a half of it."""
    code = (
        "import clinic, concurrent.futures as cf\n"
        "import pandas as pd\n"
        "with cf.ThreadPoolExecutor(8) as pool:\n"
        "    made = list(pool.map(lambda n: len(pd.DataFrame({'a': range(n)})), range(40)))\n"
        "print(made == list(range(40)))"
    )

    assert _says(code) == "True"


def test_threads_that_first_use_it_in_the_same_moment_take_the_stand_in_away_once() -> None:
    """NEW-23: between the look and the removal there was a moment, in which the second had a KeyError."""
    code = (
        "import sys, threading\n"
        "from clinic import later\n"
        "class Looked(dict):\n"
        "    met = threading.Barrier(2, timeout=2)\n"
        "    def get(self, name, default=None):\n"
        "        found = super().get(name, default)\n"
        "        if name == 'colorsys':\n"
        "            try:\n"
        "                self.met.wait()\n"
        "            except threading.BrokenBarrierError:\n"
        "                pass\n"
        "        return found\n"
        "stand = later.Later('colorsys')\n"
        "modules = Looked({'colorsys': stand})\n"
        "failed = []\n"
        "def use():\n"
        "    try:\n"
        "        later._take_away(stand, modules)\n"
        "    except KeyError as error:\n"
        "        failed.append(error)\n"
        "threads = [threading.Thread(target=use) for _ in range(2)]\n"
        "[one.start() for one in threads]\n"
        "[one.join() for one in threads]\n"
        "print(failed, 'colorsys' in modules)"
    )

    assert _says(code) == "[] False"


def test_an_unknown_name_is_an_error_as_ever() -> None:
    """NEW-23: a stand-in hides no mistake."""
    code = (
        "import clinic\nimport pandas as pd\n"
        "try:\n    pd.NoSuchThing\nexcept AttributeError as error:\n    print('NoSuchThing' in str(error))"
    )

    assert _says(code) == "True"
