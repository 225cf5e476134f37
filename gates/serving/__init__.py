"""A model while it serves: started beside its baseline, asked by the clock, broken on purpose.

`measured.py` is the boundary to the judge, `schedule.py` and `faults.py` are pure; all other
modules run the repository's own service and belong to the job without a token.
"""

from typing import Final

SERVING: Final = "serving.json"  # the file of evidence
