"""The real process, a real search server, the real slack-sdk: what the README promises."""

import json
import random
import signal
import time
from datetime import timedelta

import pytest

from alertd.demo.slack import Fault
from tests.acceptance.installation import CHANNEL, Installation, event_id, root_event
from tests.chaos.log_replay import replay
from tests.chaos.slack_process import seen_of

HOURS, DAYS = timedelta(hours=1), timedelta(days=1)


def test_each_root_event_is_told_once_in_either_shape_however_late_or_often(installed_anywhere: Installation) -> None:
    """Raw and ECS, delivered twice, six hours late, among noise: one message each."""
    alertd = installed_anywhere
    assert 0 == alertd.run("init").returncode
    with alertd.daemon() as daemon:
        daemon.wait_until_started()
        alertd.wait_for(
            lambda: '"kind": "sweep"' in alertd.log or alertd.run("status", "--check").returncode == 0, "alive"
        )
        events = [root_event(ecs=number % 2 == 0) for number in range(6)]
        late = [root_event(ago=6 * HOURS, ecs=True), root_event(ago=20 * DAYS)]
        noise = {**root_event("DescribeInstances"), "userIdentity": {"type": "AssumedRole"}}
        alertd.add(*events, noise, *events[:2])
        alertd.add(*late, events[0])
        alertd.wait_for_events({event_id(event) for event in [*events, *late]})
    assert {event_id(event): 1 for event in [*events, *late]} == dict(alertd.told())
    assert 8 == len(alertd.slack.messages(CHANNEL))


def test_a_message_tells_what_else_its_address_did(installed: Installation) -> None:
    """By anybody, whether a rule takes it or not."""
    with installed.daemon("--init") as daemon:
        daemon.wait_until_started()
        installed.wait_for(lambda: installed.run("status", "--check").returncode == 0, "alive")
        other = {**root_event("CreateAccessKey"), "userIdentity": {"type": "IAMUser"}}
        installed.add(other)
        event = root_event(ago=-timedelta(seconds=1))  # after the start, whatever its second
        installed.add(event)
        installed.wait_for_events({event_id(event)})
    [message] = installed.slack.messages(CHANNEL)
    assert "1 event from this address in ±10 min: CreateAccessKey" in message.payload


def test_what_happened_before_the_first_start_is_listed_in_one_digest(installed: Installation) -> None:
    """Not sent one by one, not absorbed in silence."""
    old = [root_event(ago=days * DAYS) for days in range(1, 13)]
    installed.add(*old)
    with installed.daemon("--init"):
        installed.wait_for_events({event_id(event) for event in old})
    [digest] = installed.slack.messages(CHANNEL)
    assert "12 times" in digest.payload


def test_what_happened_while_alertd_was_down_is_alerted_at_the_next_start(installed: Installation) -> None:
    """Catching up is the ordinary scan."""
    with installed.daemon("--init") as daemon:
        daemon.wait_until_started()
        first = root_event()
        installed.add(first)
        installed.wait_for_events({event_id(first)})
    missed = [root_event(ago=timedelta(seconds=number)) for number in range(5)]
    installed.add(*missed)
    with installed.daemon():
        installed.wait_for_events({event_id(event) for event in missed})
    assert {1} == set(installed.told().values())
    assert 6 == len(installed.slack.messages(CHANNEL))


def test_a_burst_is_told_in_digests_that_name_every_event(installed: Installation) -> None:
    """The first twenty singly, the rest in as few messages as it takes."""
    with installed.daemon("--init") as daemon:
        daemon.wait_until_started()
        installed.wait_for(lambda: installed.run("status", "--check").returncode == 0, "alive")
        events = [root_event() for _ in range(150)]
        installed.add(*events)
        installed.wait_for_events({event_id(event) for event in events})
    assert {1} == set(installed.told().values())
    assert len(installed.slack.messages(CHANNEL)) < 30


def test_sigterm_finishes_the_post_under_way(installed: Installation) -> None:
    """Exit 0 within 15 s, the message told once and recorded as sent."""
    with installed.daemon("--init") as daemon:
        daemon.wait_until_started()
        installed.wait_for(lambda: installed.run("status", "--check").returncode == 0, "alive")
        event = root_event()
        installed.slack.faults.next("chat.postMessage", Fault("hang", stores=True, delay_seconds=1))
        installed.add(event)
        installed.wait_for(lambda: "chat.postMessage" in installed.slack.requests, "the post")
        began = time.monotonic()
        daemon.process.send_signal(signal.SIGTERM)
        assert 0 == daemon.process.wait(20)
        assert time.monotonic() - began < 15
    assert '"event": "stopped"' in installed.log
    with installed.daemon():
        installed.wait_for(lambda: "found" in installed.log, "read-back")
    assert 1 == len(installed.slack.messages(CHANNEL))


def test_a_second_alertd_stops_at_once_and_says_who_is_there(installed: Installation) -> None:
    """Exit 4; the first goes on."""
    with installed.daemon("--init") as daemon:
        daemon.wait_until_started()
        second = installed.run("run")
        assert 4 == second.returncode
        assert f"pid {daemon.process.pid}" in second.stderr
        assert daemon.process.poll() is None


def test_status_tells_whether_alertd_runs_without_standing_in_its_way(installed: Installation) -> None:
    """Whoever asks takes no lock: an alertd that starts in that moment must not stop."""
    assert 0 == installed.run("init").returncode
    assert "not running" in installed.run("status").stdout
    with installed.daemon() as daemon:
        daemon.wait_until_started()
        assert f"running, pid {daemon.process.pid} on " in installed.run("status").stdout
        installed.wait_for(lambda: "ready\n" in installed.run("status").stdout, "ready")
    assert "not running" in installed.run("status").stdout


def test_without_a_ledger_nothing_starts(installed: Installation) -> None:
    """Exit 3, and both ways out are named."""
    done = installed.run("run")
    assert 3 == done.returncode
    assert "alertd init" in done.stderr
    assert "--after-loss" in done.stderr
    assert not (installed.folder / "alertd.db").exists()


def test_a_server_that_is_down_at_the_start_is_waited_for(installed: Installation) -> None:
    """Neither Slack nor the search server need be there first."""
    right = installed.config.read_text()
    installed.config.write_text(right.replace(installed.server.url, "http://127.0.0.1:9"))
    with installed.daemon("--init"):
        installed.wait_for(lambda: '"scan_failed"' in installed.log, "a failed scan")
    installed.config.write_text(right)
    installed.slack.stop()
    event = root_event()
    installed.add(event)
    with installed.daemon():
        installed.wait_for(lambda: '"NotSent"' in installed.log, "an attempt without Slack")
        installed.slack.start()
        installed.wait_for_events({event_id(event)})
    assert 1 == len(installed.slack.messages(CHANNEL))


def test_a_missing_index_is_a_trouble_and_not_an_empty_result(installed: Installation) -> None:
    """And it is over when the index is there."""
    installed.config.write_text(installed.config.read_text().replace(installed.index, "nosuch"))
    with installed.daemon("--init"):
        installed.wait_for(lambda: '"trouble_began"' in installed.log, "trouble")
    assert "nosuch" in installed.log


@pytest.mark.parametrize("seed", [1, 2])
def test_killed_again_and_again_while_slack_misbehaves_nothing_is_lost_or_repeated(
    installed: Installation, seed: int
) -> None:
    """SIGKILL at random instants; Slack drops answers before and after it stored. Each event: one message."""
    dice = random.Random(seed)
    print(f"seed {seed}")
    installed.slack.faults.random(seed, 0.3, kinds=("fin", "reset", "status", "word", "truncated", "throttle"))
    installed.run("init")
    ids: set[str] = set()
    for _ in range(8):
        process = installed.start()
        events = [root_event(ecs=dice.random() < 0.5) for _ in range(2)]
        time.sleep(dice.uniform(0.5, 2.5))
        installed.add(*events)
        ids |= {event_id(event) for event in events}
        time.sleep(dice.uniform(0.1, 1.5))
        process.kill()
        process.wait()
    installed.slack.faults.random(seed, 0.0)
    with installed.daemon():
        installed.wait_for_events(ids)
        installed.wait_for(lambda: _settled(installed), "no message in doubt")
    assert {1} == set(installed.told().values()), f"seed {seed}"
    assert ids == installed.told().keys()
    assert [] == replay(installed.log.splitlines(), seen_of(installed.slack)), f"seed {seed}"


def test_a_full_disk_stops_sending_and_loses_nothing(installed: Installation) -> None:
    """No post without its durable record. A new start with room makes up for it."""
    pytest.importorskip("resource")
    installed.run("init")
    size = (installed.folder / "alertd.db").stat().st_size
    events = [root_event(ago=HOURS) for _ in range(100)]
    limited = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size})); "
    script = (
        limited
        + "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); from alertd.cli.main import main; main()"
    )
    installed.add(*events)
    done = _python(installed, script, "run", "--once")
    assert 0 != done
    assert [] == installed.slack.messages(CHANNEL)
    with installed.daemon():
        installed.wait_for(lambda: installed.slack.messages(CHANNEL), "the digest of what is older than the rules")
    explained = installed.run("explain", event_id(events[0]))
    assert "sent to security" in explained.stdout


def test_explain_tells_the_life_of_an_event(installed: Installation) -> None:
    """From the ledger alone, while the daemon runs."""
    with installed.daemon("--init") as daemon:
        daemon.wait_until_started()
        installed.wait_for(lambda: installed.run("status", "--check").returncode == 0, "alive")
        event = root_event()
        installed.add(event)
        installed.wait_for_events({event_id(event)})
        installed.wait_for(lambda: "sent to security" in installed.run("explain", event_id(event)).stdout, "sent")
        life = installed.run("explain", event_id(event), "--json")
    assert "aws-root-any-write" == json.loads(life.stdout)[0]["told"][0]["rule"]
    assert 1 == installed.run("explain", "ffffffff").returncode


def _settled(installed: Installation) -> bool:
    status = json.loads(installed.run("status", "--json").stdout)
    return all(place["queue"] == 0 and place["unknown"] == 0 for place in status["destinations"])


def _python(installed: Installation, script: str, *arguments: str) -> int:
    import os
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env={**os.environ, "ALERTD_CONFIG": str(installed.config)},
        cwd=installed.folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    installed.outputs += [done.stdout, done.stderr]
    return done.returncode
