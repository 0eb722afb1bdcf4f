"""`alertd new-rule`: from one event a rule for its like, with tests that pass. Overwrites nothing."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import typer

from alertd import compose
from alertd.cli import show
from alertd.cli.test_rule.formats import explanation
from alertd.cli.test_rule.given import Given
from alertd.cli.test_rule.live import EVERY_FIELD
from alertd.cli.test_rule.offline import tested
from alertd.config import Settings, load_settings
from alertd.errors import ConfigError, Problem
from alertd.event.document import Document
from alertd.event.profile import Profile, load_profile
from alertd.rules.compile import window
from alertd.rules.model import Severity
from alertd.rules.samples import SampleError, read_samples
from alertd.search import Search
from alertd.toml.file import suggest
from alertd.trial.draft import Draft, DraftError, as_toml, draft
from alertd.trial.mask import mask

NO_MATCH = "no match"
# Where there is no configuration: names of sources as people give them, and their profiles.
_BUILT_IN = {"cloudtrail": "cloudtrail", "gcp": "gcp-audit"}


def write_rule(
    file: Path, config: Path | None, *, source: Path | None, event_id: str | None, rule_id: str | None, severity: str
) -> int:
    """Exit code. ConfigError where there is no such event, or something would be overwritten."""
    if (source is None) == (event_id is None):
        raise ConfigError([Problem("new-rule", "give one event: --from FILE, or --event ID to look in the cluster")])
    settings = (
        load_settings(config, secrets=event_id is not None)
        if event_id or config or Path("alertd.toml").exists()
        else None
    )
    document, name, profile = _of_file(source, settings) if source else _of_cluster(event_id or "", settings)
    made = _draft(document, profile, rule_id=rule_id, severity=severity)
    place = _place(file, made, settings, source=name)
    try:
        _new(place.event, made.event)
        _new(place.near_miss, made.near_miss)
        expect = _write(place, made, NO_MATCH)
        if expect != NO_MATCH:
            # another rule of the file takes what is not this one's: that is right, and the test says so
            _write(place, made, expect)
    except BaseException:
        place.take_back()
        raise
    show.text(f"wrote rule {made.id} to {file}, with its events in {place.event.parent}\n    {made.query}")
    typer.echo(f"Next: read the query, then  alertd test-rule {file}  and  --live --since 31d")
    return 0


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the rule goes. None of its files but the rule file may be there before."""

    asked: Given
    file: Path
    before: str | None  # what the rule file holds already
    heading: str  # of a new rule file
    event: Path
    near_miss: Path

    def take_back(self) -> None:
        if self.before is None:
            self.file.unlink(missing_ok=True)
        else:
            self.file.write_text(self.before, "utf-8")
        self.event.unlink(missing_ok=True)
        self.near_miss.unlink(missing_ok=True)


def _of_file(path: Path, settings: Settings | None) -> tuple[Mapping[str, object], str, Profile]:
    """The event, the name of its source, and how to read it."""
    try:
        samples = list(read_samples(path, str(path)))
    except SampleError as error:
        raise ConfigError([Problem("--from", str(error))]) from error
    if len(samples) > 1:
        raise ConfigError([Problem("--from", f"{path} holds {len(samples)} events: a rule is made from one")])
    names = {name: table.profile for name, table in settings.sources.items()} if settings else _BUILT_IN
    profiles = {name: load_profile(profile) for name, profile in names.items()}
    document = samples[0].document
    # of those that find in it all that they need to know an event, the one that needs most; else the first
    whole = [name for name, profile in profiles.items() if _knows(profile, document)] or list(profiles)[:1]
    name = max(whole, key=lambda name: len(profiles[name].key_needs))
    return document, name, profiles[name]


def _knows(profile: Profile, document: Mapping[str, object]) -> bool:
    return all(any(Document(document, {}).values(profile.paths[fact])) for fact in profile.key_needs)


def _of_cluster(event_id: str, settings: Settings | None) -> tuple[Mapping[str, object], str, Profile]:
    if settings is None:
        raise ConfigError([Problem("--event", "needs a configuration: --config FILE, or alertd.toml here")])
    client = compose.searching.search_client(settings.elasticsearch)
    try:
        for name, table in settings.sources.items():
            profile = load_profile(table.profile, times=table.time_fields)
            ids = [{"match_phrase": {".".join(path): event_id}} for path in profile.paths.get("id", ())]
            query = {
                "bool": {"filter": [window(table.time_fields, table.look_back)], "must": [{"bool": {"should": ids}}]}
            }
            for page in client.pages(Search(table.index, query, EVERY_FIELD, 10, settings.elasticsearch.timeout)):
                if page:
                    return page[0].source, name, profile
    finally:
        client.close()
    where = ", ".join(table.index for table in settings.sources.values())
    raise ConfigError([Problem("--event", f"no event {event_id} is in {where} within look_back")])


def _draft(document: Mapping[str, object], profile: Profile, *, rule_id: str | None, severity: str) -> Draft:
    names = [member.value for member in Severity]
    if severity not in names:
        raise ConfigError([Problem("--severity", f'"{severity}" is none. {suggest(severity, names)}')])
    masked = mask(document)
    if not isinstance(masked, dict):
        raise TypeError("a masked document is a document")
    try:
        return draft(masked, profile, rule_id=rule_id, severity=Severity(severity))
    except DraftError as error:
        raise ConfigError([Problem("new-rule", str(error))]) from error


def _place(file: Path, made: Draft, settings: Settings | None, *, source: str) -> _Place:
    """ConfigError where something would be overwritten."""
    asked = Given(settings, (file,))
    folder = file.parent / "events"
    paths = folder / f"{made.id}.json", folder / f"{made.id}-near-miss.json"
    taken = [path for path in paths if path.exists()]
    problems = [Problem(str(path), "is there already, and is not overwritten: --id NAME") for path in taken]
    rules = [rule for rule_set in asked.rule_sets() for rule in rule_set.rules] if file.exists() else []
    same = [rule for rule in rules if rule.id == made.id]
    problems += [Problem(rule.where, f'has the id "{made.id}" already: --id NAME') for rule in same]
    if problems:
        raise ConfigError(problems)
    before = file.read_text("utf-8") if file.exists() else None
    heading = f'source = "{source}"\n\n' if settings and len(settings.sources) > 1 else ""
    return _Place(asked, file, before, heading, *paths)


def _new(path: Path, document: Mapping[str, object]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")
    except OSError as error:
        raise ConfigError([Problem(str(path), f"cannot be written: {error.strerror}")]) from error


def _write(place: _Place, made: Draft, expect: str) -> str:
    """What the near miss should expect. ConfigError where the tests of the new rule do not pass."""
    event, near_miss = (f"events/{path.name}" for path in (place.event, place.near_miss))
    table = as_toml(made, event=event, near_miss=near_miss, near_miss_expect=expect)
    place.file.write_text(f"{place.before.rstrip()}\n\n{table}" if place.before else place.heading + table, "utf-8")
    sets = place.asked.rule_sets()
    own = [result for result in tested(sets, place.asked) if result.rule == made.id]
    match, miss = own
    got = miss.mismatches[0].got if miss.mismatches else expect
    if match.passed and (miss.passed or got in {rule.id for each in sets for rule in each.rules}):
        return got
    lines = [line for result in own for mismatch in result.mismatches for line in explanation(mismatch)]
    what = "\n    ".join(["the new rule does not do in this file, so nothing was kept:", *lines])
    raise ConfigError([Problem(str(place.file), what)])
