"""Which channel is posted to and read. The configuration alone says it: an answer may be odd, or another's."""

from alertd.destination import Outcome, Sent, Unknown


class Channel:
    """A channel as it is configured, by id or by name, and the id behind a name once that is known.

    It is known where Slack's list of channels has the name or, without the scope to read that, where two answers to
    posts agree. An answer that names another channel than is known puts a name to the question again.
    """

    def __init__(self, configured: str) -> None:
        self.configured = configured
        self._is_id = configured[:1] in {"C", "G", "D"} and configured.isalnum() and configured.isupper()
        self.id = configured if self._is_id else None
        self._named: tuple[str, ...] = ()  # by answers to posts, while the id behind a name is in question

    def vouch(self, outcome: Outcome) -> Outcome:
        """An answer to a post that names another channel says nothing of the one that was posted to."""
        if not isinstance(outcome, Sent) or not outcome.channel:
            return outcome
        said, known = outcome.channel, (self.id,) if self.id else self._named
        if said in known:
            self.id = said
            return outcome
        if not self._is_id:
            self.id, self._named = None, (*known, said)[-2:]
        if not known:
            return outcome
        meant = self.configured if self._is_id else f"{self.configured}, which was {known[-1]}"
        return Unknown(f"ok, but Slack says that it went to the channel {said}, not to {meant}", is_astray=True)
