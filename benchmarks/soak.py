"""How the daemon's memory, open files and own CPU go over time: python -m benchmarks.soak [--seconds 1200]

On the embedded server, with events at a steady rate amid noise; then at rest. Prints a sample every so often, and each
limit beside what was measured; exit code 1 if one is missed.
"""

import argparse
import itertools
import random
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from alertd.search.embedded import embedded_server
from benchmarks.daemon import installed, recorded
from benchmarks.measured import Row, cpu_of, memory_of, show
from tests.acceptance.installation import Installation, root_event
from tests.servers.running import SearchServer

# The first sweeps, the first messages and the libraries' caches are no growth.
WARM_SECONDS = 60
SAMPLE_SECONDS = 30


def soak(made: Installation, pid: int, seconds: int, per_second: float, dice: random.Random) -> Iterator[Row]:
    began, samples = time.monotonic(), list[float]()
    for number in itertools.count():
        time.sleep(max(0.0, began + number / per_second - time.monotonic()))
        passed = time.monotonic() - began
        if passed >= WARM_SECONDS + SAMPLE_SECONDS * len(samples):
            samples.append(memory_of(pid, "VmRSS"))
            files = len(list(Path(f"/proc/{pid}/fd").iterdir()))
            print(f"{passed:6.0f} s  {samples[-1]:.1f} MB  {files} files  {recorded(made)} events", flush=True)
        if passed >= WARM_SECONDS + seconds:
            break
        somebody = {**root_event("ListBuckets"), "userIdentity": {"type": "IAMUser", "accountId": "111122223333"}}
        with suppress(TimeoutError):  # on a machine that is busy with something else
            made.add(*([somebody] * 5), root_event(ecs=dice.random() < 0.5))
    # one sample may meet a sweep: the ends are each the lower of two
    yield Row(f"RSS growth over {seconds} s", min(samples[-2:]) - min(samples[:2]), 5, "MB")


def idle(pid: int, seconds: int) -> Iterator[Row]:
    before, began = cpu_of(pid), time.monotonic()
    time.sleep(seconds)
    yield Row("own CPU at rest", (cpu_of(pid) - before) / (time.monotonic() - began) * 100, 0.5, "% of a core")


def main(arguments: Sequence[str] | None = None) -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=int, default=1200, help="under load, after a minute of warming up")
    options.add_argument("--idle", type=int, default=60, help="at rest")
    options.add_argument("--rate", type=float, default=2, help="events by root a second")
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args(arguments)
    missed = 0
    with (
        embedded_server() as server,
        installed(SearchServer("embedded", "opensearch", server.url), interval=10) as made,
        made.daemon() as daemon,
    ):
        daemon.wait_until_started()
        time.sleep(5)
        rows = itertools.chain(
            idle(daemon.process.pid, given.idle) if given.idle else (),
            soak(made, daemon.process.pid, given.seconds, given.rate, random.Random(given.seed))
            if given.seconds
            else (),
        )
        for row in rows:
            show(row)
            missed += not row.is_met
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
