"""What the rows came to: lines while they end, a table of all, JSON for programs."""

import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from benchmarks.faults import elastalert
from benchmarks.faults.node import ELASTICSEARCH
from benchmarks.faults.product import Product
from benchmarks.faults.rows import Row
from benchmarks.faults.scene import DRAIN_SECONDS, QUIET_SECONDS
from benchmarks.faults.tally import Tally
from tests.servers.running import SERVERS

# Product → file name → text
Configurations = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Result:
    row: str
    product: str
    tally: Tally | None  # None: `error` says why there is none
    restarts: int = 0
    deleted: int = 0  # copies that the product took back: people saw them
    delay_seconds: float | None = None
    error: str | None = None

    def fails(self, product: Product) -> bool:
        if self.tally is None:
            return True
        return product.must_be_clean and not (self.tally.is_clean and self.deleted == 0)


def versions() -> dict[str, str]:
    return {
        "alertd": f"{version('alertd')} ({_revision()})",
        "alertd's Python": platform.python_version(),
        "slack-sdk": version("slack-sdk"),
        **elastalert.versions(),
        "Elasticsearch": SERVERS[ELASTICSEARCH][0][1],
        "system": f"{platform.system()} {platform.release()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}",
    }


def show_head(known: Mapping[str, str], products: Sequence[Product]) -> None:
    for name, value in known.items():
        print(f"{name:<24} {value}")
    print(f"{'drained for':<24} {QUIET_SECONDS} s without news after the fault, {DRAIN_SECONDS} s at most")
    print(f"{'products':<24} {', '.join(product.name for product in products)}\n")
    print(f"{'':<42} {'events':>6} {'once':>6} {'lost':>6} {'repeated':>8} {'marked':>6} {'delay':>7}", flush=True)


def show_row(row: Row, results: Sequence[Result]) -> None:
    print(f"{row.name}: {row.what}")
    for result in results:
        print(f"    {result.product:<38} {_line(result)}", flush=True)


def show_end(rows: Sequence[Row], results: Sequence[Result], configurations: Configurations, seconds: float) -> None:
    print(f"\n{seconds / 60:.1f} minutes. Lost / repeated, and + repeated with a mark that says so:\n")
    by_place = {(result.row, result.product): result for result in results}
    products = list(configurations)
    print(f"| row | {' | '.join(products)} |\n|---|{'---|' * len(products)}")
    for row in rows:
        cells = [_cell(by_place[row.name, product]) for product in products]
        print(f"| {row.name}: {row.what} | {' | '.join(cells)} |")
    print("\nConfigurations, of one row:")
    for product, files in configurations.items():
        for name, text in files.items():
            print(f"\n--- {product}: {name}\n{text.rstrip()}")


def as_json(known: Mapping[str, str], results: Sequence[Result], configurations: Configurations, seconds: float) -> str:
    return json.dumps(
        {
            "versions": known,
            "seconds": round(seconds, 1),
            "quiet_seconds": QUIET_SECONDS,
            "drain_seconds": DRAIN_SECONDS,
            "configurations": configurations,
            "results": [asdict(result) for result in results],
        },
        indent=2,
    )


def _line(result: Result) -> str:
    found = result.tally
    if found is None:
        return f"NOT RUN: {result.error}"
    delay = "-" if result.delay_seconds is None else f"{result.delay_seconds:.1f} s"
    notes = f"  ended and was started again {result.restarts} times" if result.restarts else ""
    notes += f"  took back {result.deleted} copies" if result.deleted else ""
    counts = f"{found.events:>6} {found.once:>6} {found.lost:>6} {found.repeated:>8} {found.marked:>6}"
    return f"{counts} {delay:>7}{notes}"


def _cell(result: Result) -> str:
    found = result.tally
    if found is None:
        return "not run"
    return f"{found.lost} / {found.repeated}" + (f" + {found.marked}" if found.marked else "")


def _revision() -> str:
    command = ["git", "describe", "--always", "--dirty"]
    here = Path(__file__).parent
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=here).stdout.strip() or "no git"
