"""Where a secret, or what is mailed, would go over the network for everybody to read. Pure."""

import ipaddress
from collections.abc import Iterator
from urllib.parse import urlsplit

from alertd.config.destination import EmailDestination, WebhookDestination
from alertd.config.model import Tables


def sent_in_the_clear(tables: Tables) -> Iterator[str]:
    """Each key that sends a secret, or mail, without encryption to another machine."""
    search = tables.elasticsearch
    if search.api_key or search.password:
        what = "the API key" if search.api_key else "the password"
        yield from (_told("elasticsearch.url", url, what) for url in search.url if _is_clear(url))
    if search.proxy and _has_password(search.proxy) and _is_clear(search.proxy):
        yield _told("elasticsearch.proxy", search.proxy, "its password")
    for name, table in tables.destinations.items():
        at = f"destinations.{name}"
        if isinstance(table, EmailDestination):
            # a password is refused there
            if table.security == "none" and not _is_loopback(table.host):
                yield f'{at}.security = "none": whoever is on the way reads each mail. Use "starttls" or "tls".'
            continue
        if _is_clear(table.base_url):
            yield _told(f"{at}.base_url", table.base_url, "the token")
        if isinstance(table, WebhookDestination) and _is_clear(table.url.get_secret_value()):
            yield f"{at}.url is http://: whoever is on the way reads it, and can post to the channel. Use https://."
        if table.proxy and _has_password(table.proxy) and _is_clear(table.proxy):
            yield _told(f"{at}.proxy", table.proxy, "its password")


def _told(key: str, url: str, what: str) -> str:
    parts = urlsplit(url)
    where = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    return f"{key} {where} is not encrypted: whoever is on the way reads {what}. Use https://."


def _has_password(url: str) -> bool:
    return urlsplit(url).password is not None


def _is_clear(url: str) -> bool:
    """Without encryption, and not to this machine itself."""
    parts = urlsplit(url)
    return parts.scheme == "http" and not _is_loopback(parts.hostname or "")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
