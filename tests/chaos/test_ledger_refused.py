"""The real process on a ledger that cannot be used: exit 3 with advice, nothing posted, the file as it was."""

import pytest

from tests.acceptance.installation import CHANNEL, Installation, root_event
from tests.unit.test_ledger_file import BROKEN, written


@pytest.mark.parametrize("name", BROKEN)
def test_on_a_broken_ledger_alertd_stops_and_touches_nothing(installed: Installation, name: str) -> None:
    """One sentence that says where, why and what to do; no traceback, and --init does not make a new one."""
    path = installed.folder / "alertd.db"
    written(path)
    spoil, _ = BROKEN[name]
    spoil(path)
    before = path.read_bytes()
    installed.add(root_event())
    done = installed.run("run", "--init", "--once")
    assert 3 == done.returncode, done.stderr
    assert str(path) in done.stderr
    assert "left as it" in done.stderr or "backup" in done.stderr
    assert "Traceback" not in done.stderr
    assert before == path.read_bytes()
    assert [] == installed.slack.messages(CHANNEL)
