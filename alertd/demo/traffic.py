"""A stream of CloudTrail as an index sees it: mostly noise, some root, some late, some twice, in both shapes."""

import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

ACCOUNTS = {
    "111122223333": ("payments-prod", "@team-payments", "production"),
    "444455556666": ("data-lake", "@team-data", "production"),
    "777788889999": ("sandbox-7", "@platform", "sandbox"),
}
_ADDRESSES = ("203.0.113.7", "198.51.100.23", "192.0.2.44", "2001:db8::17")
_BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
_CLI = "aws-cli/2.31.4 md/awscrt#0.27.6 ua/2.1 os/linux#6.12.0"

# (weight, event source, event name, read only)
_ROOT_ACTS = (
    (6, "signin.amazonaws.com", "ConsoleLogin", False),
    (2, "iam.amazonaws.com", "CreateAccessKey", False),
    (2, "iam.amazonaws.com", "DeactivateMFADevice", False),
    (2, "s3.amazonaws.com", "PutBucketPolicy", False),
    (1, "supportplans.amazonaws.com", "StartSupportPlanUpdate", False),
    (1, "route53domains.amazonaws.com", "TransferDomainToAnotherAwsAccount", False),
    (1, "signin.amazonaws.com", "PasswordRecoveryRequested", False),
)
_NOISE = (
    ("ec2.amazonaws.com", "DescribeInstances"),
    ("s3.amazonaws.com", "GetObject"),
    ("sts.amazonaws.com", "AssumeRole"),
)

# Of the root events: how many come late, how many CloudTrail delivers twice, how many are in Elastic's shape.
LATE, TWICE, ECS = 0.2, 0.15, 0.4
LONGEST_LATE = timedelta(minutes=50)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One document on its way into the index."""

    index: str
    document_id: str
    document: dict[str, object]


@dataclass(slots=True)
class Traffic:
    """Makes documents, and counts what a perfect alerting would have to say."""

    dice: random.Random
    by_root: set[str] = field(default_factory=set)  # event ids
    documents: int = 0
    late: int = 0
    twice: int = 0

    def noise(self, now: datetime) -> Delivery:
        source, name = self.dice.choice(_NOISE)
        record = self._record(now, source, name, identity={"type": "AssumedRole"}, read_only=True)
        return self._deliver(record, ecs=self.dice.random() < ECS)

    def root(self, now: datetime) -> Iterator[Delivery]:
        """One act by root; more than one document when CloudTrail delivers it twice."""
        _, source, name, read_only = self.dice.choices(_ROOT_ACTS, [weight for weight, *_ in _ROOT_ACTS])[0]
        happened = now
        if self.dice.random() < LATE:
            happened -= self.dice.random() * LONGEST_LATE
            self.late += 1
        record = self._record(happened, source, name, identity={"type": "Root"}, read_only=read_only)
        self.by_root.add(str(record["eventID"]))
        shape = self.dice.random() < ECS
        yield self._deliver(record, ecs=shape)
        if self.dice.random() < TWICE:
            self.twice += 1
            yield self._deliver(record, ecs=shape)

    def _deliver(self, record: dict[str, object], *, ecs: bool) -> Delivery:
        self.documents += 1
        document = _as_ecs(record) if ecs else {**record, "@timestamp": record["eventTime"]}
        return Delivery(
            "cloudtrail-ecs" if ecs else "cloudtrail-raw", uuid.UUID(int=self.dice.getrandbits(128)).hex, document
        )

    def _record(
        self, when: datetime, source: str, name: str, *, identity: dict[str, object], read_only: bool
    ) -> dict[str, object]:
        account = self.dice.choice(tuple(ACCOUNTS))
        sign_in = name == "ConsoleLogin"
        record: dict[str, object] = {
            "eventVersion": "1.11",
            "eventID": str(uuid.UUID(int=self.dice.getrandbits(128), version=4)),
            "eventTime": f"{when:%Y-%m-%dT%H:%M:%SZ}",
            "eventSource": source,
            "eventName": name,
            "eventType": "AwsConsoleSignIn" if source == "signin.amazonaws.com" else "AwsApiCall",
            "awsRegion": "us-east-1",
            "sourceIPAddress": self.dice.choice(_ADDRESSES),
            "userAgent": _BROWSER if sign_in else _CLI,
            "userIdentity": {
                **identity,
                "accountId": account,
                "arn": f"arn:aws:iam::{account}:root"
                if identity["type"] == "Root"
                else f"arn:aws:sts::{account}:assumed-role/ci/ci",
            },
            "readOnly": read_only,
            "recipientAccountId": account,
        }
        if sign_in:
            record["responseElements"] = {
                "ConsoleLogin": self.dice.choice(("Success", "Success", "Success", "Failure"))
            }
            record["additionalEventData"] = {"MFAUsed": self.dice.choice(("Yes", "Yes", "No"))}
        return record


def _as_ecs(record: dict[str, object]) -> dict[str, object]:
    """The same as Elastic's integration stores it."""
    identity = record["userIdentity"]
    assert isinstance(identity, dict)  # noqa: S101 made above
    cloudtrail: dict[str, object] = {
        "event_type": record["eventType"],
        "user_identity": {"type": identity["type"], "arn": identity["arn"]},
        "recipient_account_id": record["recipientAccountId"],
        "read_only": record["readOnly"],
    }
    extra, response = record.get("additionalEventData"), record.get("responseElements")
    failed = isinstance(response, dict) and "Failure" in response.values()
    if isinstance(extra, dict):
        cloudtrail["console_login"] = {"additional_eventdata": {"mfa_used": extra["MFAUsed"] == "Yes"}}
        cloudtrail["flattened"] = {"additional_eventdata": extra, "response_elements": response}
    return {
        "@timestamp": record["eventTime"],
        "event": {
            "id": record["eventID"],
            "action": record["eventName"],
            "provider": record["eventSource"],
            "outcome": "failure" if failed else "success",
        },
        "cloud": {"account": {"id": record["recipientAccountId"]}, "region": record["awsRegion"]},
        "source": {"address": record["sourceIPAddress"], "ip": record["sourceIPAddress"]},
        "user_agent": {"original": record["userAgent"]},
        "aws": {"cloudtrail": cloudtrail},
    }
