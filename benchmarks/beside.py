"""What alertd and ElastAlert 2 take of a core, with one rule each: over the same minutes, beside the same server, with
the same interval, nothing to tell."""

import json
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from alertd.demo.slack import SlackStandIn
from benchmarks.faults import elastalert, ours
from benchmarks.faults.product import RUN_EVERY_SECONDS, Place, Product
from benchmarks.faults.scene import Scene, new_index
from benchmarks.measured import Row, cpu_of
from tests.servers.running import SearchServer

INTERVAL_SECONDS = 10
# The first searches are no measure of those that follow.
SETTLE_SECONDS = 30


def beside(server: SearchServer, seconds: int) -> Iterator[Row]:
    """RuntimeError where ElastAlert 2 cannot be installed."""
    elastalert.install()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="alertd-beside-")))
        scenes = [
            _started(product, folder / product.name, server.url, stack)
            for product in (ours.products()[0], elastalert.products()[0])
        ]
        time.sleep(SETTLE_SECONDS)
        before, began = [cpu_of(scene.pid) for scene in scenes], time.monotonic()
        time.sleep(seconds)
        passed = time.monotonic() - began
        own, others = (cpu_of(scene.pid) - at for scene, at in zip(scenes, before, strict=True))
    label = f"own CPU with one rule, every {INTERVAL_SECONDS} s, {own / passed:.3%} of a core"
    yield Row(f"{label}, of ElastAlert 2's {others / passed:.3%}", own / others, 1, "")


def _started(product: Product, folder: Path, url: str, stack: ExitStack) -> Scene:
    sink = stack.enter_context(SlackStandIn())
    sink.workspace.add_channel(id=ours.CHANNEL, name="aws-root")
    place = Place(folder, url, new_index(), (sink.url,), (sink.webhook_url(ours.CHANNEL),))
    folder.mkdir()
    scene = Scene(product, place, (sink,), None, threading.Event())
    stack.callback(scene.drop_indices)
    stack.callback(scene.close)
    scene.create_indices()
    product.prepare(place)
    _slow_down(folder)
    scene.start()
    return scene


def _slow_down(folder: Path) -> None:
    """Faults are tried with a search every two seconds."""
    own, others = folder / "alertd.toml", folder / "config.yaml"
    if own.exists():
        text = own.read_text("utf-8").replace(
            f'\ninterval = "{RUN_EVERY_SECONDS}s"', f'\ninterval = "{INTERVAL_SECONDS}s"'
        )
        own.write_text(text.replace('sweep_interval = "5s"\n', ""), "utf-8")
    else:
        config = json.loads(others.read_text("utf-8")) | {"run_every": {"seconds": INTERVAL_SECONDS}}
        others.write_text(json.dumps(config), "utf-8")
