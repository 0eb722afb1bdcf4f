"""`alertd test-rule` as it is typed most: the tests in rule files, on the embedded server."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import typer

from alertd.cli import show
from alertd.cli.lint import count
from alertd.cli.test_rule.drawing import Drawing
from alertd.cli.test_rule.fields import tested_fields
from alertd.cli.test_rule.formats import Format, report
from alertd.cli.test_rule.given import Given, given, read_mapping
from alertd.clock import SystemClock
from alertd.errors import ConfigError, Problem
from alertd.rules.lint import lint
from alertd.rules.mappings import for_flavor
from alertd.rules.model import RuleSet
from alertd.rules.named import asked_fields
from alertd.search import SearchClient
from alertd.search.connect import connect
from alertd.search.connection import Connection
from alertd.search.embedded import EmbeddedServer, RefusedIndexError, embedded_server
from alertd.trial import Result, run_tests

FAILED = 1
FLAVOR = "opensearch"  # of the embedded server


def run_rule_tests(
    files: Sequence[Path],
    config: Path | None,
    *,
    form: Format,
    mapping: Path | None = None,
    update: bool = False,
    strict: bool = False,
    quiet: bool = False,
) -> int:
    """Exit code. Without a configuration any source and destination a rule names will do."""
    clock = SystemClock()
    began = clock.elapsed_seconds()
    asked = given(files, config, secrets=False)
    fields = read_mapping(mapping)
    sets = asked.rule_sets()
    try:
        with embedded_server() as server, _searching(server) as search:
            results = _results(sets, asked, server, search, for_flavor(fields, flavor=FLAVOR) if fields else None)
            known = tested_fields(sets, asked, server, search, mapping=fields, name=str(mapping or ""))
    except RefusedIndexError as error:
        raise ConfigError([Problem(str(mapping), f"the embedded server refuses this mapping: {error}")]) from error
    if update:
        written = [_update(result) for result in results if _is_outdated(result)]
        if written:
            typer.echo("\n".join(f"wrote {name}" for name in dict.fromkeys(written)), err=form is not Format.TEXT)
            return run_rule_tests(files, config, form=form, mapping=mapping, strict=strict, quiet=quiet)
    warned = lint(sets, now=clock.now(), known=known)
    seconds = clock.elapsed_seconds() - began
    told = report(form, sets, results, warned, seconds=seconds, strict=strict, quiet=quiet)
    match form:
        case Format.JSON:
            typer.echo(told)
        case Format.TEXT:
            show.folded(told)
        case _:
            show.text(told)
    failed = any(not result.passed for result in results) or (strict and count(warned))
    return FAILED if failed else 0


def tested(sets: Sequence[RuleSet], asked: Given) -> list[Result]:
    """The results of all tests, on a server of their own."""
    with embedded_server() as server, _searching(server) as search:
        return _results(sets, asked, server, search, None)


@contextmanager
def _searching(server: EmbeddedServer) -> Iterator[SearchClient]:
    search = connect(Connection(urls=(server.url,)), flavor=FLAVOR)
    try:
        yield search
    finally:
        search.close()


def _results(
    sets: Sequence[RuleSet],
    asked: Given,
    server: EmbeddedServer,
    search: SearchClient,
    mapping: Mapping[str, object] | None,
) -> list[Result]:
    results: list[Result] = []
    for rule_set in sets:
        drawing = Drawing(asked.profile(rule_set), asked.style)
        results += run_tests(
            rule_set,
            search,
            fill_index=server.fill_index,
            fields=asked_fields(drawing.profile, rule_set),
            render=drawing.message,
            happened=drawing.happened,
            mapping=mapping,
        )
    return results


def _is_outdated(result: Result) -> bool:
    """A snapshot is only written for events that turned out as the test expects."""
    snapshot = result.test.snapshot
    return snapshot is not None and result.snapshot is not None and snapshot.text != result.snapshot


def _update(result: Result) -> str:
    snapshot = result.test.snapshot
    if snapshot is None or result.snapshot is None:
        raise ValueError("a test without a snapshot cannot be updated")
    path = Path(snapshot.path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(result.snapshot, "utf-8")
    except OSError as error:
        what = f"{snapshot.where} cannot be written: {error.strerror}"
        raise ConfigError([Problem(result.test.where, what)]) from error
    return str(path)
