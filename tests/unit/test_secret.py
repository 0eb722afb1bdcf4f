"""No text from outside repeats a secret, whole or in part, and a secret's file is read again when it is refused."""

import html
import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from alertd.secret import HIDDEN, Credential, Secrets
from alertd.secret.hide import MOST_QUOTED, PART

TOKEN = "kept" + "-Token/7f+3a=9c_51d2"
KEY_ID, KEY = "VuaCfGcBCdbkQm-e5aOx", "ui2lp2axTNmsyakw9tvNnw"
API_KEY = b64encode(f"{KEY_ID}:{KEY}".encode()).decode()
HOOK = "https://hooks.example.com/services/T0AB12CD3/B0EF45GH6/Xq7vN2mKd9Lr4TzWc8Ys1Pbu"

SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "repr": repr,
    "repr beside quotes": lambda text: repr(text + "'\""),
    "bytes": lambda text: repr(text.encode()),
    "json": json.dumps,
    "json in json": lambda text: json.dumps(json.dumps(text)),
    "json with escaped slashes": lambda text: json.dumps(text).replace("/", "\\/"),
    "json in units": lambda text: "".join(f"\\u{ord(mark):04X}" for mark in text),
    "percent": lambda text: quote(text, safe=""),
    "percent in small letters": lambda text: quote(text, safe="").lower(),
    "percent twice": lambda text: quote(quote(text, safe=""), safe=""),
    "each percent": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
    "path": quote,
    "form": quote_plus,
    "html": html.escape,
    "html in numbers": lambda text: "".join(f"&#{ord(mark)};" for mark in text),
    "html in hex": lambda text: "".join(f"&#x{ord(mark):X};" for mark in text),
    "header in capitals": str.upper,
    "base64": lambda text: b64encode(text.encode()).decode(),
    "base64 without padding": lambda text: b64encode(text.encode()).decode().rstrip("="),
    "base64 for addresses": lambda text: urlsafe_b64encode(text.encode()).decode(),
    "hex": lambda text: text.encode().hex(),
    "hex in capitals": lambda text: text.encode().hex().upper(),
    "request in hex": lambda text: f"GET / HTTP/1.1\r\nAuthorization: {text}\r\n\r\n".encode().hex(),
    "basic": lambda text: "Basic " + b64encode(f"elastic:{text}".encode()).decode(),
    "basic, quoted": lambda text: quote(b64encode(f"me:{text}".encode()).decode(), safe=""),
    "smtp plain": lambda text: b64encode(f"\0alertd@example.com\0{text}".encode()).decode(),
    "request in base64": lambda text: b64encode(f"GET / HTTP/1.1\r\nAuthorization: {text}\r\n\r\n".encode()).decode(),
}


def _left(text: str, secret: str) -> list[str]:
    """Parts of the secret that can still be read in any of the ways it may have been written."""
    sides: list[Callable[[str], str]] = [str, lambda part: quote(part, safe=""), lambda part: json.dumps(part)[1:-1]]
    parts = [secret[at : at + PART] for at in range(len(secret) - PART + 1)]
    return [part for part in parts for side in sides if side(part) in text]


@pytest.mark.parametrize("spelled", SPELLINGS.values(), ids=SPELLINGS.keys())
@pytest.mark.parametrize("secret", [TOKEN, API_KEY, "pass wörd 'mit' \"<allem>\" & €100%"])
def test_a_secret_is_hidden_however_an_answer_writes_it(secret: str, spelled: Callable[[str], str]) -> None:
    """And what stands around it stays."""
    hidden = Secrets([secret]).hide(f"before {spelled(secret)} after")
    assert hidden.startswith("before ")
    assert hidden.endswith(" after")
    assert HIDDEN in hidden
    rest = hidden.replace(HIDDEN, "")
    assert not _left(rest, secret)
    assert not any(part in rest for part in _parts_of(spelled(secret), secret))


def _parts_of(spelled: str, secret: str) -> list[str]:
    """Of what is all secret, each part; where something else is encoded with it, none is known."""
    length = 3 * PART
    whole = spelled.count("=") < 3 and len(spelled) > 2 * length and "Basic" not in spelled and " " not in spelled
    if not whole or len(spelled) > 7 * len(secret):
        return []
    middle = len(spelled) // 2
    return [spelled[middle - PART : middle + PART]]


@pytest.mark.parametrize("secret", [TOKEN, API_KEY])
def test_a_secret_that_an_answer_cut_is_hidden_as_far_as_it_goes(secret: str) -> None:
    """A proxy's error page shows the first characters of a header, or its last."""
    known = Secrets([secret])
    for length in range(PART, len(secret)):
        for part in (secret[:length], secret[-length:]):
            hidden = known.hide(f"Authorization: <{part}>")
            assert f"Authorization: <{HIDDEN}>" == hidden


def test_of_an_api_key_its_id_and_key_are_hidden_too() -> None:
    """What a server decodes it names in its error."""
    known = Secrets([API_KEY])
    for said in (KEY, f"{KEY_ID}:{KEY}", quote(f"{KEY_ID}:{KEY}"), json.dumps({"key": KEY})):
        hidden = known.hide(f"unable to find apikey {said}!")
        assert KEY not in hidden
        assert KEY_ID not in hidden
        assert hidden.startswith("unable to find apikey ")


@pytest.mark.parametrize(
    "said",
    [
        "Cannot POST /services/T0AB12CD3/B0EF45GH6/Xq7vN2mKd9Lr4TzWc8Ys1Pbu",
        "no route for %2Fservices%2FT0AB12CD3%2FB0EF45GH6%2FXq7vN2mKd9Lr4TzWc8Ys1Pbu",
        "no route for %2fservices%2ft0ab12cd3%2fb0ef45gh6%2fxq7vn2mkd9lr4tzwc8ys1pbu",
        "T0AB12CD3/B0EF45GH6/Xq7vN2mKd9Lr4TzWc8Ys1Pbu does not exist",
        '["services", "T0AB12CD3", "B0EF45GH6", "Xq7vN2mKd9Lr4TzWc8Ys1Pbu"]',
        "hook Xq7vN2mKd9Lr4TzWc8Ys1Pbu is gone",
        "hook Xq7vN2mKd9Lr4Tz… is gone",
        f"<a href='{HOOK}'>",
        json.dumps(HOOK).replace("/", "\\/"),
    ],
)
def test_of_a_webhook_the_path_and_its_pieces_are_hidden(said: str) -> None:
    """Whoever has them can post; words such as "services" are no secret."""
    hidden = Secrets([HOOK]).hide(said)
    assert HIDDEN in hidden
    assert "Xq7vN2mK" not in hidden
    assert "xq7vn2mk" not in hidden
    assert "B0EF45GH6" not in hidden


def test_what_is_no_secret_is_left_alone() -> None:
    """An error that says nothing helps nobody."""
    known = Secrets([TOKEN, API_KEY, HOOK])
    for said in (
        "404 no such index [cloudtrail-*] (POST /_search)",
        "https://hooks.example.com does not answer: Connection refused",
        "404 page not found: services",
        "Certificate of hooks.example.com has expired; 100%25 sure \\u00e9 &amp; so on",
        "",
    ):
        assert said == known.hide(said)


@example("a b", quote_plus)
@example("a/b", quote)
@given(st.text(min_size=3), st.sampled_from([str, repr, json.dumps, quote, quote_plus, SPELLINGS["json in json"]]))
def test_any_secret_is_hidden_however_it_was_quoted(secret: str, quoted: Callable[[str], str]) -> None:
    """Whatever its characters."""
    try:
        spelled = quoted(f"<{secret}>")
    except UnicodeEncodeError:
        return
    assert HIDDEN in Secrets([f"<{secret}>"]).hide(f"before {spelled} after")


@given(st.text(), st.text(min_size=1))
def test_hiding_fails_on_nothing(text: str, secret: str) -> None:
    """Neither on what an answer holds nor on what a secret is made of."""
    assert secret not in Secrets([secret]).hide(f"{text}{secret}{text}").replace(HIDDEN, "")


def test_what_is_quoted_is_one_line_and_short() -> None:
    """Five megabytes of an answer are not a reason; a secret at the cut is hidden before."""
    known = Secrets([TOKEN])
    assert f"a b {HIDDEN}" == known.quote(f"a\n\n b\t{TOKEN}\n")
    long = known.quote("x" * (MOST_QUOTED - 3) + TOKEN + "y" * 5_000_000)
    assert len(long) <= MOST_QUOTED + 1
    assert TOKEN[:3] not in long
    assert "{'a': 1}" == known.quote({"a": 1})


# Renewal


def test_a_file_that_changed_is_read_again_and_both_values_stay_hidden(tmp_path: Path) -> None:
    """Answers to the old one may be yet to come."""
    file = tmp_path / "token"
    file.write_text("the-first-one\n")
    token = Credential("the-first-one", file)
    known = Secrets([token])
    file.write_text("the-second-one\n")
    assert token.renew("the-first-one")
    assert "the-second-one" == token.value
    assert f"{HIDDEN} {HIDDEN}" == known.hide("the-first-one the-second-one")


def test_a_file_that_did_not_change_is_not_read_again(tmp_path: Path) -> None:
    """Refusals come every few seconds; the reason tells that the file was looked at."""
    file = tmp_path / "token"
    file.write_text("the-first-one\n")
    token = Credential("the-first-one", file)
    file.chmod(0o000)
    file.chmod(0o600)
    assert not token.renew("the-first-one")
    assert "the-first-one" == token.value
    assert f"{file} was read again" == token.renewal
    assert not token.renew("the-first-one")
    assert f"{file} still holds the one that is refused" == token.renewal
    assert not Credential("from-the-environment").renew("from-the-environment")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "No such file or directory"),
        (b"", "the file is empty"),
        (b"\xff\xfe", "the file is not UTF-8 text"),
        (b"two\nlines", "what it holds now is no such secret"),
        (b"unfit", "what it holds now is no such secret"),
        (b"x" * 20_000, "the file is too long for a secret"),
    ],
)
def test_a_file_that_holds_no_secret_changes_nothing_and_is_tried_again(
    tmp_path: Path, content: bytes | None, reason: str
) -> None:
    """Somebody may be writing it."""
    file = tmp_path / "token"
    file.write_text("the-first-one\n")
    token = Credential("the-first-one", file)
    file.unlink() if content is None else file.write_bytes(content)
    assert not token.renew("the-first-one", fits=lambda value: value != "unfit")
    assert "the-first-one" == token.value
    assert f"{file} was read again: {reason}" == token.renewal
    file.write_text("the-second-one\n")
    assert token.renew("the-first-one")
    assert token.renew("the-first-one"), "another thread was refused with the old one"
    assert "the-second-one" == token.value
    assert "one" not in repr(token)
