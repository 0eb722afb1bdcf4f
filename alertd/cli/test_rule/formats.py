"""Results of tests for people, for programs, and for the pages where pull requests are read."""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from xml.sax.saxutils import escape, quoteattr

from alertd.cli import lint, show
from alertd.message.words import counted
from alertd.rules.files import shown_path
from alertd.rules.lint import RuleWarning
from alertd.rules.model import RuleSet
from alertd.trial import Mismatch, PartResult, Result

# Of more tests those that failed are named once more at the end: the first has left the screen by then.
MOST_SEEN_AT_ONCE = 20


class Format(StrEnum):
    TEXT = "text"
    JSON = "json"
    GITHUB = "github"  # workflow commands: annotations beside the lines of the pull request
    JUNIT = "junit"
    MARKDOWN = "markdown"


def report(
    form: Format,
    sets: Sequence[RuleSet],
    results: Sequence[Result],
    warnings: Sequence[RuleWarning],
    *,
    seconds: float,
    strict: bool,
    quiet: bool = False,
) -> str:
    """`strict`: warnings fail. `quiet`, of text: only what fails."""
    match form:
        case Format.TEXT:
            shown = _failed(results) if quiet else results
            lines = [line for rule_set in sets for line in _tree(rule_set, shown, quiet=quiet)]
            told = [lint.as_line(warning) for warning in warnings if strict or not quiet]
            lines += [*told, *([""] if told else [])]
            again = _failed(results) if len(shown) > MOST_SEEN_AT_ONCE else []
            lines += [f"✗ {each.rule}: {each.test.name}  {each.test.where}" for each in again]
            return "\n".join([*lines, f"{_count(results, warnings)} in {seconds:.2f} s"])
        case Format.JSON:
            failed = _failed(results)
            plain = {"passed": len(results) - len(failed), "failed": len(failed), "tests": list(results)}
            plain["warnings"] = [lint.as_data(warning) for warning in warnings]
            return show.json_text(plain)
        case Format.GITHUB:
            told = [_warning_command(warning, strict=strict) for warning in warnings]
            return "\n".join([*(_command(result) for result in _failed(results)), *told, _count(results, warnings)])
        case Format.JUNIT:
            return "\n".join(_junit(sets, results, warnings, seconds=seconds, strict=strict))
        case Format.MARKDOWN:
            return "\n".join(_markdown(results, warnings))


def annotation(level: str, where: str, title: str, text: str) -> str:
    """A workflow command of GitHub Actions. `where`: FILE:LINE, or nothing."""
    file, _, line = where.rpartition(":")
    place = f"file={_property(file)},line={line}," if file else ""
    return f"::{level} {place}title={_property(title)}::{_data(text)}"


def cell(text: str) -> str:
    """Within a table of Markdown, whatever an event holds."""
    inert = escape(" ".join(text.split()))
    return "".join(f"\\{char}" if char in r"\`*_[]|#!@~" else char for char in inert)


def _failed(results: Sequence[Result]) -> list[Result]:
    return [result for result in results if not result.passed]


def _count(results: Sequence[Result], warnings: Sequence[RuleWarning]) -> str:
    failed = len(_failed(results))
    warned = lint.count(warnings)
    tail = f", {counted(warned, 'warning')}" if warned else ""
    return f"{len(results) - failed} passed, {failed} failed{tail}"


def _tree(rule_set: RuleSet, results: Sequence[Result], *, quiet: bool) -> Iterator[str]:
    rules = [rule for rule in rule_set.rules if not quiet or (rule_set.id, rule.id) in _rules_of(results)]
    if quiet and not rules:
        return
    yield shown_path(rule_set.path)
    for rule in rules:
        yield f"  {rule.id}" + ("" if rule.tests else "  (no tests)")
        for result in results:
            if (result.rule_set, result.rule) == (rule_set.id, rule.id):
                yield f"    {'✓' if result.passed else '✗'} {result.test.name}"
                for mismatch in result.mismatches:
                    yield from (f"        {line}" for line in explanation(mismatch))
    yield ""


def _rules_of(results: Sequence[Result]) -> frozenset[tuple[str, str]]:
    return frozenset((result.rule_set, result.rule) for result in results)


def explanation(mismatch: Mismatch) -> Iterator[str]:
    yield f"expected  {mismatch.expected}"
    yield from (f"{label}{line}" for label, line in _labelled("got       ", mismatch.got))
    if mismatch.hint:
        yield mismatch.hint
    yield from (part_line(part) for part in mismatch.parts)
    yield from mismatch.diff
    yield mismatch.where


def _labelled(label: str, text: str) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(text.split("\n")):
        yield (" " * len(label) if number else label), line


def part_line(part: PartResult) -> str:
    values = ", ".join(f"{field} = {value}" for field, value in part.values)
    return f"{'  ' * part.depth}{part.text}  {'✓' if part.holds else '✗'}" + (
        f"   the event has {values}" if values else ""
    )


def _all_explained(result: Result) -> str:
    return "\n".join(line for mismatch in result.mismatches for line in explanation(mismatch))


def _command(result: Result) -> str:
    return annotation("error", result.test.where, f"{result.rule}: {result.test.name}", _all_explained(result))


def _warning_command(warning: RuleWarning, *, strict: bool) -> str:
    level = "notice" if warning.level == "note" else "error" if strict else "warning"
    return annotation(level, warning.where, warning.code, warning.text)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _junit(
    sets: Sequence[RuleSet],
    results: Sequence[Result],
    warnings: Sequence[RuleWarning],
    *,
    seconds: float,
    strict: bool,
) -> Iterator[str]:
    """Warnings are what the suite printed; where they fail, each is a case of its own."""
    failing = [warning for warning in warnings if strict and warning.level == "warning"]
    failures = len(_failed(results)) + len(failing)
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield f'<testsuites tests="{len(results) + len(failing)}" failures="{failures}" time="{seconds:.3f}">'
    for rule_set in sets:
        own = [result for result in results if result.rule_set == rule_set.id]
        mine = [warning for warning in failing if warning.rule_set == rule_set.id]
        tests, failures = len(own) + len(mine), len(_failed(own)) + len(mine)
        yield f'  <testsuite name={_attribute(shown_path(rule_set.path))} tests="{tests}" failures="{failures}">'
        for result in own:
            file, _, line = result.test.where.rpartition(":")
            where = f'file={_attribute(file)} line="{line}"'
            yield f"    <testcase classname={_attribute(result.rule)} name={_attribute(result.test.name)} {where}>"
            for mismatch in result.mismatches:
                message = _attribute(f"expected {mismatch.expected}, got {mismatch.got}")
                text = escape(_printable("\n".join(explanation(mismatch))))
                yield f"      <failure message={message}>{text}</failure>"
            yield "    </testcase>"
        yield from (line for warning in mine for line in _junit_case(warning))
        passed = [warning for warning in warnings if warning.rule_set == rule_set.id and warning not in mine]
        if passed:
            text = "\n".join(lint.as_line(warning) for warning in passed)
            yield f"    <system-out>{escape(_printable(text))}</system-out>"
        yield "  </testsuite>"
    yield "</testsuites>"


def _junit_case(warning: RuleWarning) -> Iterator[str]:
    file, _, line = warning.where.rpartition(":")
    yield (
        f"    <testcase classname={_attribute(warning.rule or warning.rule_set)} name={_attribute(warning.code)}"
        f' file={_attribute(file)} line="{line}">'
    )
    yield f"      <failure message={_attribute(warning.text)}/>"
    yield "    </testcase>"


def _attribute(text: str) -> str:
    return quoteattr(_printable(text))


def _printable(text: str) -> str:
    """XML has no way to write control characters, and an event may hold them."""
    return "".join(char if char.isprintable() or char in "\n\t" else "�" for char in text)


def _markdown(results: Sequence[Result], warnings: Sequence[RuleWarning]) -> Iterator[str]:
    yield f"### Rule tests: {_count(results, warnings)}"
    if warnings:
        yield ""
    for warning in warnings:
        yield f"- {warning.level} {warning.code}: {cell(warning.text)} ({cell(warning.where)})"
    for result in _failed(results):
        yield ""
        yield f"**{cell(result.rule)}**: {cell(result.test.name)} ({cell(result.test.where)})"
        yield ""
        # indented: no event can end such a block
        yield from (f"    {line}" for line in _all_explained(result).split("\n"))
