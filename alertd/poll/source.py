"""Where is searched."""

from dataclasses import dataclass
from datetime import timedelta

from alertd.event.profile import Profile


@dataclass(frozen=True, slots=True)
class Source:
    """Where a group of rule sets searches, and how far back."""

    name: str
    index: str
    profile: Profile
    time_fields: tuple[str, ...]
    ingest_field: str | None
    look_back: timedelta
    overlap: timedelta  # on the event's time
    ingest_overlap: timedelta  # on the time of ingest, where the source has it
    page_size: int
    timeout: timedelta
