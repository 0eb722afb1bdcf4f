"""alertd with shorter pauses: a second between posts would leave nothing to kill most of the time.

Only how long it waits is changed, never what it does. `python -m tests.chaos.hurried run` is `alertd run`, hurried.
"""

from datetime import timedelta

from alertd.cli.main import main
from alertd.deliver import batch, verdict
from alertd.deliver import courier as deliver

_MILLISECONDS = timedelta(milliseconds=1)


def hurry() -> None:
    verdict.PACE = 4 * _MILLISECONDS
    verdict.FIRST_PAUSE = 10 * _MILLISECONDS
    verdict.LONGEST_PAUSE = 100 * _MILLISECONDS
    verdict.READ_GAP = 20 * _MILLISECONDS
    verdict.REFUSED_PLAIN_PAUSE = verdict.PROBE = 200 * _MILLISECONDS
    verdict.SWEEPS = (100 * _MILLISECONDS, 200 * _MILLISECONDS, 400 * _MILLISECONDS)
    batch.SESSION_GATHER = 50 * _MILLISECONDS
    deliver.LOOK = 5 * _MILLISECONDS


if __name__ == "__main__":
    hurry()
    main()
