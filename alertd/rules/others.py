"""Keys of other rule formats, Elastic's above all, and what there is here in their place."""

from collections.abc import Mapping

_QUERY = 'the language is part of the key: query.lucene = "…", query.kql or query.dsl'
_LEFT_OUT = "leave it out:"
OTHERS_KEYS: Mapping[str, str] = {
    "language": _QUERY,
    "type": f"every rule is one query, {_QUERY}; eql, threshold, new_terms and the like are not known here",
    "filter": "write it into the query",
    "filters": 'write them into the query, or as query.dsl = { bool = { filter = [ … ] } }; "meta" and "$state" go',
    "threshold": 'alertd tells each event and counts none: query one of them; deliver = "session" lists many',
    "new_terms": "alertd does not compare with the past: write the query for what is never right",
    "risk_score": 'write severity = "high", or info, low, medium, critical',
    "risk_score_mapping": 'write severity = "high", or info, low, medium, critical',
    "severity_mapping": "a rule has one severity: write one rule for each, the gravest first",
    "rule_id": "write id, in small letters: the ledger hangs on it",
    "name": "write title",
    "index": 'which index is searched, [sources.NAME] of alertd.toml says: source = "NAME" at the top of the file',
    "data_view_id": "which index is searched, [sources.NAME] of alertd.toml says",
    "from": f"{_LEFT_OUT} look_back of [sources.NAME] in alertd.toml says how far back is searched",
    "to": f"{_LEFT_OUT} alertd searches up to now",
    "interval": f"{_LEFT_OUT} interval of [sources.NAME] in alertd.toml says how often is searched",
    "schedule": f"{_LEFT_OUT} interval of [sources.NAME] in alertd.toml says how often is searched",
    "max_signals": f"{_LEFT_OUT} every event is told",
    "timestamp_override": "time_fields of [sources.NAME] in alertd.toml says which times count",
    "enabled": "take the rule out of the file, or the file out of [rules] paths",
    "note": "write description, or a page that runbook leads to",
    "setup": "write description, or a page that runbook leads to",
    "actions": 'write notify = ["NAME"] with a [destinations.NAME] of alertd.toml',
    "throttle": f"{_LEFT_OUT} many events at once are told in digests",
    "exceptions_list": "write [[rules.exceptions]] with query, reason and until",
    "tags": "write references, or nothing",
    "threat": "write references",
    "author": f"{_LEFT_OUT} git knows it",
    "rule": "a rule is a [[rules]] table of a file: its keys stand there",
    "detection": 'alertd reads no Sigma: write the query as query.lucene = "…"',
    "logsource": "which index is searched, [sources.NAME] of alertd.toml says",
}
