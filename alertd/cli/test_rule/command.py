"""Which of its jobs `alertd test-rule` was asked to do, and whether the options go together."""

from alertd.cli.test_rule.asked import Asked
from alertd.cli.test_rule.formats import Format
from alertd.errors import ConfigError, Problem
from alertd.toml.file import suggest


def test_rules(asked: Asked) -> int:
    """Exit code."""
    form = _form(asked)
    if problems := _contradictions(asked, form):
        raise ConfigError(problems)
    if asked.against is not None:
        from alertd.cli.test_rule.compare import compare_versions

        return compare_versions(asked, asked.against, form)
    if asked.live:
        from alertd.cli.test_rule.live_report import search_live

        return search_live(asked, form)
    from alertd.cli.test_rule.offline import run_rule_tests

    return run_rule_tests(
        asked.files,
        asked.config,
        form=form,
        mapping=asked.mapping,
        update=asked.update,
        strict=asked.strict,
        quiet=asked.quiet,
    )


def _form(asked: Asked) -> Format:
    names = [form.value for form in Format]
    if asked.form not in names:
        what = f'unknown format "{asked.form}". {suggest(asked.form, names)}'
        raise ConfigError([Problem("--format", what)])
    return Format(asked.form)


def _contradictions(asked: Asked, form: Format) -> list[Problem]:
    of_live = {"--slack-preview": asked.slack_preview, "--post": asked.post, "--save": asked.save}
    looks = asked.live and asked.against is None
    problems = [
        Problem(name, "goes with --live, and not with --against")
        for name, given in of_live.items()
        if given and not looks
    ]
    if asked.slack_preview and form is Format.JSON:
        problems.append(Problem("--slack-preview", "does not go with --json: each prints JSON of its own"))
    if asked.update and (asked.live or asked.against is not None):
        problems.append(Problem("--update", "goes with the tests in rule files, not with --live or --against"))
    if asked.mapping and asked.live:
        problems.append(Problem("--mapping", "does not go with --live: the cluster has its own"))
    if asked.events and asked.against is None:
        problems.append(Problem("--events", "goes with --against"))
    if asked.events and asked.live:
        problems.append(Problem("--events", "does not go with --live: compare on one or the other"))
    if asked.quiet and (asked.live or asked.against is not None or form is not Format.TEXT):
        problems.append(
            Problem("--quiet", "goes with the tests in rule files and with text: it leaves out what passes")
        )
    if asked.strict and asked.against is not None:
        problems.append(Problem("--strict", "does not go with --against: a comparison does not warn"))
    if looks and form not in {Format.TEXT, Format.JSON}:
        problems.append(Problem("--format", f"{form.value} does not go with --live: text or json"))
    if asked.against is not None and form is Format.JUNIT:
        problems.append(Problem("--format", "junit does not go with --against: a comparison neither passes nor fails"))
    return problems
