"""How long `alertd test-rule --against` takes over many events, and how much memory.

    python benchmarks/compare_versions.py

The other version leaves root out, so that every event by root is added: one in a hundred.
"""

import argparse
import json
import random
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

RULES = Path(__file__).parents[1] / "rules" / "aws-root-user.toml"
SERVICES = ("s3", "sts", "ec2", "kms")
ACTIONS = ("AssumeRole", "GetObject", "DescribeInstances", "PutObject", "Decrypt", "ListBuckets", "CreateUser")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--events", type=int, default=1_000_000)
    options.add_argument("--seed", type=int, default=1)
    asked = options.parse_args()
    with TemporaryDirectory() as name:
        folder = Path(name)
        roots = write_events(folder / "events.ndjson", asked.events, random.Random(asked.seed))
        (folder / "old").mkdir()
        old = RULES.read_text().replace("userIdentity.type:Root OR aws", "userIdentity.type:Nobody OR aws", 1)
        (folder / "old" / RULES.name).write_text(old)
        command = [sys.executable, "-m", "alertd", "test-rule", str(RULES), "--against", "old"]
        started = time.monotonic()
        with (folder / "found.json").open("w") as output:
            process = subprocess.Popen([*command, "--events", "events.ndjson", "--json"], stdout=output, cwd=folder)
            peaks = dict(peak_megabytes(process))
        found = json.loads((folder / "found.json").read_text())
        print(f"{asked.events:,} events, {roots:,} by root, seed {asked.seed}: adds {found['adds']:,}")
        print(
            f"{time.monotonic() - started:.1f} s; most memory: {peaks['all']:.0f} MB, first half {peaks['half']:.0f} MB"
        )


def write_events(path: Path, count: int, dice: random.Random) -> int:
    """How many of them are by root."""
    roots = 0
    with path.open("w") as file:
        for number in range(count):
            by_root = dice.random() < 0.01
            roots += by_root
            file.write(json.dumps(event(number, dice, by_root=by_root)) + "\n")
    return roots


def event(number: int, dice: random.Random, *, by_root: bool) -> dict[str, object]:
    role = {"type": "AssumedRole", "accessKeyId": f"ASIA{number % 5000:016}"}
    return {
        "eventID": str(uuid.UUID(int=dice.getrandbits(128), version=4)),
        "eventTime": f"2026-11-{number % 20 + 1:02}T{number % 24:02}:{number % 60:02}:00Z",
        "eventName": dice.choice(ACTIONS),
        "eventSource": f"{dice.choice(SERVICES)}.amazonaws.com",
        "awsRegion": "eu-north-1",
        "sourceIPAddress": f"203.0.113.{number % 250}",
        "userAgent": "aws-cli/2.15.0 Python/3.11.6",
        "userIdentity": {
            **({"type": "Root"} if by_root else role),
            "accountId": "111122223333",
            "arn": f"arn:aws:sts::111122223333:assumed-role/deploy/{number}",
        },
        "requestParameters": {"bucketName": f"b{number % 1000}", "key": f"k/{number}"},
        "readOnly": dice.random() < 0.5,
        "eventType": "AwsApiCall",
        "recipientAccountId": "111122223333",
    }


def peak_megabytes(process: subprocess.Popen[bytes]) -> Iterator[tuple[str, float]]:
    """Of alertd and its embedded server together, over the whole time and over the first half."""
    samples = []
    while process.poll() is None:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        pids = [str(process.pid), *(children.read_text().split() if children.exists() else [])]
        samples.append(sum(map(resident, pids)))
        time.sleep(0.2)
    yield "all", max(samples)
    yield "half", max(samples[: len(samples) // 2 + 1])


def resident(pid: str) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS")), 0)


if __name__ == "__main__":
    main()
