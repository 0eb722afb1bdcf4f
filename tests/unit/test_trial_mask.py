"""What is saved as a test event holds no secret, and is still the event."""

import json

import pytest

from alertd.trial.mask import MASKED, mask

KEY = "AKIA2E0A8F3B244C9986"
HIDDEN = "AKIA" + "X" * 16


@pytest.mark.parametrize(
    ("document", "kept"),
    [
        ({"userIdentity": {"accessKeyId": KEY}}, {"userIdentity": {"accessKeyId": HIDDEN}}),
        ({"credentials": {"sessionToken": "FwoGZX=="}}, {"credentials": {"sessionToken": MASKED}}),
        ({"requestParameters.login.password": "hunter2"}, {"requestParameters.login.password": MASKED}),
        ({"passwordReset": True, "tokens": ["a", 1, None]}, {"passwordReset": True, "tokens": [MASKED, 1, None]}),
        (f"{{userName=eve, secretKey=wJalr, id={KEY}}}", f"{{userName=eve, secretKey={MASKED}, id={HIDDEN}}}"),
        ("https://s3/?X-Amz-Signature=abcdef&x=1", f"https://s3/?X-Amz-Signature={MASKED}&x=1"),
        ({"eventName": "GetSecretValue", "eventID": "1"}, {"eventName": "GetSecretValue", "eventID": "1"}),
    ],
)
def test_secrets_and_the_ids_of_keys_are_masked_and_nothing_else(document: object, kept: object) -> None:
    """By the name of their field, wherever it stands; a key's id by its look, but for what tells its kind."""
    assert kept == mask(document)


def test_a_record_that_is_kept_as_text_is_masked_within() -> None:
    """Elastic's integration keeps the whole record in event.original."""
    masked = mask({"event": {"original": json.dumps({"accessKeyId": KEY, "password": "hunter2", "eventName": "x"})}})
    assert isinstance(masked, dict)
    within = json.loads(masked["event"]["original"])
    assert {"accessKeyId": HIDDEN, "password": MASKED, "eventName": "x"} == within


def test_how_an_act_ended_is_no_secret() -> None:
    """Rules ask for it: a rule for what is masked would match its own test and no event."""
    for document in (
        {"PasswordUpdated": "Failure"},
        {"response_elements": "{PasswordUpdated=Success, password=MASKED}"},
    ):
        assert document == mask(document)


def test_no_nesting_breaks_it() -> None:
    """What is too deep to look at is not kept."""
    deep: object = "hunter2"
    for _ in range(200):
        deep = {"a": deep}
    assert "hunter2" not in json.dumps(mask(deep))
