"""The same faults for ElastAlert 2 and for alertd, beside each other: python -m benchmarks.faults [--only ROW ...]

Both run as processes on the same real Elasticsearch 8, each with a stand-in for Slack of its own. Exit code 1 if alertd
with a bot token lost or repeated an event, or if a row could not be run. Wants Maven, a JDK and Python 3.12 or later.
"""

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from alertd.demo.slack import SlackStandIn
from benchmarks.faults import elastalert, ours
from benchmarks.faults.node import ELASTICSEARCH, Node, node
from benchmarks.faults.product import Place, Product
from benchmarks.faults.report import Result, as_json, show_end, show_head, show_row, versions
from benchmarks.faults.rows import ROWS, Row
from benchmarks.faults.scene import Scene, new_index
from benchmarks.faults.tally import tally
from tests.servers.running import running

PRODUCTS = (*elastalert.products(), *ours.products())

# A result, and the configuration files of the product
Played = tuple[Result, dict[str, str]]


# Set when somebody interrupts the command: what was started is stopped, and nothing more is waited for.
_over = threading.Event()


def play(row: Row, product: Product, folder: Path, url: str, stopped: Node | None) -> Played:
    configuration: dict[str, str] = {}
    with ExitStack() as stack:
        try:
            sinks = tuple(stack.enter_context(_sink()) for _ in range(row.destinations))
            webhooks = tuple(sink.webhook_url(ours.CHANNEL) for sink in sinks)
            place = Place(folder, url, new_index(), tuple(sink.url for sink in sinks), webhooks)
            folder.mkdir(parents=True)
            scene = Scene(product, place, sinks, stopped, _over)
            stack.callback(scene.drop_indices)
            stack.callback(scene.close)
            scene.create_indices()
            configuration = product.prepare(place)
            row.run(scene)
            scene.drain()
        except (RuntimeError, OSError, subprocess.SubprocessError, threading.BrokenBarrierError) as error:
            if stopped:
                stopped.give_up()
            return Result(row.name, product.name, None, error=f"{type(error).__name__}: {error}"), configuration
        found = tally(list(scene.added_at), scene.payloads())
        result = Result(row.name, product.name, found, scene.restarts, scene.deleted(), scene.delay_seconds())
        return result, configuration


def _sink() -> SlackStandIn:
    sink = SlackStandIn()
    sink.workspace.add_channel(id=ours.CHANNEL, name="aws-root")
    return sink


def play_row(row: Row, products: Sequence[Product], folder: Path, url: str) -> list[Played]:
    """All products at the same time, so that the machine is as busy for one as for the other."""
    with ExitStack() as stack:
        own = stack.enter_context(node(folder / f"{row.name}-server", len(products))) if row.stops_the_server else None
        pool = stack.enter_context(ThreadPoolExecutor(len(products)))
        tasks = [
            pool.submit(play, row, product, folder / row.name / product.name, own.url if own else url, own)
            for product in products
        ]
        return [task.result() for task in tasks]


def main(arguments: Sequence[str] | None = None) -> int:
    given = _options(arguments)
    rows = [row for row in ROWS if not given.only or row.name in given.only]
    products = [product for product in PRODUCTS if not given.product or product.name in given.product]
    elastalert.install()
    known = versions()
    if not given.json:
        show_head(known, products)
    began = time.monotonic()
    played: list[Played] = []
    with ExitStack() as stack:
        folder = Path(given.keep or stack.enter_context(tempfile.TemporaryDirectory(prefix="alertd-faults-"))).resolve()
        server = stack.enter_context(running(ELASTICSEARCH))
        pool = stack.enter_context(ThreadPoolExecutor(given.jobs))
        tasks = [(row, pool.submit(play_row, row, products, folder, server.url)) for row in rows]
        stack.callback(pool.shutdown, cancel_futures=True)
        stack.callback(_over.set)
        for row, task in tasks:
            played += task.result()
            if not given.json:
                show_row(row, [result for result, _ in task.result()])
    seconds = time.monotonic() - began
    results = [result for result, _ in played]
    configurations = {product.name: files for product, (_, files) in zip(products, played, strict=False)}
    if given.json:
        print(as_json(known, results, configurations, seconds))
    else:
        show_end(rows, results, configurations, seconds)
    by_name = {product.name: product for product in products}
    return 1 if any(result.fails(by_name[result.product]) for result in results) else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    options = argparse.ArgumentParser(prog="python -m benchmarks.faults", description=__doc__)
    rows, products = [row.name for row in ROWS], [product.name for product in PRODUCTS]
    options.add_argument(
        "--only", action="append", choices=rows, metavar="ROW", help=f"one of {', '.join(rows)}; may be repeated"
    )
    options.add_argument(
        "--product",
        action="append",
        choices=products,
        metavar="PRODUCT",
        help=f"one of {', '.join(products)}; may be repeated",
    )
    options.add_argument("--jobs", type=int, default=5, help="rows at the same time (%(default)s)")
    options.add_argument("--keep", metavar="FOLDER", help="leave configurations, logs and ledgers there: a new folder")
    options.add_argument("--json", action="store_true", help="everything as JSON instead of the table")
    return options.parse_args(arguments)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
