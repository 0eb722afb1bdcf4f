"""Results of rule tests as a person reads them."""

from alertd.cli.test_rule.formats import MOST_SEEN_AT_ONCE, Format, report
from alertd.rules.model import RuleTest
from alertd.trial import Mismatch, Result


def _result(number: int, *, fails: bool) -> Result:
    test = RuleTest(f"test {number}", (), "match", f"rules/a.toml:{number}")
    return Result("a", "mine", test, (Mismatch("e.json:1", "match", "no match"),) if fails else ())


def _told(count: int) -> list[str]:
    results = [_result(number, fails=number == 1) for number in range(1, count + 1)]
    return report(Format.TEXT, [], results, [], seconds=1, strict=False).splitlines()


def test_of_many_tests_those_that_failed_are_named_last() -> None:
    """The first of them has left the screen by then; of few it is still there."""
    count = MOST_SEEN_AT_ONCE + 1
    assert ["✗ mine: test 1  rules/a.toml:1", f"{count - 1} passed, 1 failed in 1.00 s"] == _told(count)
    assert ["2 passed, 1 failed in 1.00 s"] == _told(3)
