"""Profiles are data: what is wrong with one is said at once, with the line and a way out."""

from pathlib import Path

import pytest

from alertd.errors import ConfigError
from alertd.event.profile import load_profile

SMALL = """\
id = "door"
key = ["id"]
[record]
parents = ["", "log"]
[record.fields]
id = ["door.id"]
result = ["answers.{action}"]
[document.fields]
id = ["event.id"]
[original]
path = "event.original"
"""


def problems_of(path: Path, text: str) -> list[str]:
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_profile(str(path))
    return [str(problem).removeprefix(str(path.parent) + "/") for problem in caught.value.problems]


@pytest.mark.parametrize("name", ["cloudtrail", "gcp-audit"])
def test_the_built_in_profiles_load_by_their_name(name: str) -> None:
    """Event keys begin with the profile's id: it must be the name that people know."""
    assert name == load_profile(name).id


def test_a_profile_of_ones_own_is_given_by_its_path(tmp_path: Path) -> None:
    """First the record below each parent, then the document; an action's place is asked for as a whole."""
    (tmp_path / "door.toml").write_text(SMALL)
    profile = load_profile(str(tmp_path / "door.toml"))
    assert ("door.id", "log.door.id", "event.id") == profile.key_fields
    assert ("door.id", "log.door.id", "event.id", "answers", "log.answers", "event.original") == profile.fields
    assert (("door", "id"), ("log", "door", "id"), ("event", "id")) == profile.paths["id"]


def test_a_name_that_is_none_gets_the_nearest_one() -> None:
    """The mistake of the first five minutes."""
    with pytest.raises(ConfigError) as caught:
        load_profile("cloudtrial")
    assert 'profile "cloudtrial": is no profile. Did you mean "cloudtrail"?' in str(caught.value)


def test_a_file_that_is_not_there_is_said_to_be_so(tmp_path: Path) -> None:
    """A path is taken for a path even when nothing is there."""
    with pytest.raises(ConfigError, match="cannot be read"):
        load_profile(str(tmp_path / "none.toml"))


def test_every_mistake_is_told_at_once_with_its_line(tmp_path: Path) -> None:
    """A profile is mended in one go, not mistake by mistake."""
    text = """\
id = "a profile"
key = ["account"]
key_needs = ["time"]
session = "account"
account_digits = 0
paths = 1
[record]
parents = [1]
[record.fields]
acount = ["x"]
id = "x"
time = ["a..b", "c.*"]
[original]
path = ["event.original"]
[outcome]
without_error = "fine"
"""
    found = problems_of(tmp_path / "odd.toml", text)
    expected = [
        ("odd.toml:1: id: must name the profile"),
        ('odd.toml:2: key: "account" has no paths here.'),
        ('odd.toml:3: key_needs: "time" has no paths here.'),
        ("odd.toml:4: session: must be a list of texts"),
        ("odd.toml:5: account_digits: must be a whole number"),
        ("odd.toml:6: paths: is unknown."),
        ("odd.toml:8: record.parents: must be a list of texts"),
        ('odd.toml:10: record.fields.acount: is unknown. Did you mean "account"?'),
        ("odd.toml:11: record.fields.id: must be a list of texts"),
        ('odd.toml:12: record.fields.time: "a..b" is no field'),
        ('odd.toml:12: record.fields.time: "c.*" is no field'),
        ("odd.toml:14: original.path: must be one field"),
        ("odd.toml:16: outcome.without_error: must be"),
    ]
    found.sort(key=lambda problem: int(problem.split(":")[1]))
    assert len(expected) == len(found), found
    for start, problem in zip(expected, found, strict=True):
        assert start == problem[: len(start)]


def test_a_profile_must_say_what_tells_events_apart(tmp_path: Path) -> None:
    """Without a key every document would be an event of its own, and every copy told again."""
    found = problems_of(tmp_path / "p.toml", 'id = "p"\n[record.fields]\nid = ["x"]\n')
    assert ['p.toml:1: key: must list the facts that tell events apart, for example key = ["account", "id"]'] == found


@pytest.mark.parametrize("name", ["record", "document", "original", "outcome"])
def test_a_value_in_the_place_of_a_table_is_refused(tmp_path: Path, name: str) -> None:
    """It must not pass for an empty one."""
    text = f'id = "p"\nkey = ["id"]\n{name} = 1\n'
    assert f"p.toml:3: {name}: must be a table" in problems_of(tmp_path / "p.toml", text)
