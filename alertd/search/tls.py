"""Whom TLS trusts, and how a failure of it is told: the reason and the file. It is never weakened."""

import ssl
from dataclasses import dataclass
from pathlib import Path

from alertd.errors import AlertdError, PermanentError, RetryError

# OpenSSL's codes for a chain that ends at nobody who is trusted here
_UNTRUSTED = frozenset({2, 18, 19, 20, 21})
# What a plain HTTP answer looks like to OpenSSL, by its version.
_PLAIN = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"})

_OLD = frozenset({"TLSV1_ALERT_PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL", "NO_PROTOCOLS_AVAILABLE"})


@dataclass(frozen=True, slots=True)
class Tls:
    """The files that matter; without a ca_file, whom this machine trusts."""

    ca_file: Path | None = None
    client_cert_file: Path | None = None
    client_key_file: Path | None = None

    def context(self) -> ssl.SSLContext:
        """PermanentError that names the file which cannot be used."""
        try:
            context = ssl.create_default_context(cafile=str(self.ca_file) if self.ca_file else None)
        except OSError as error:
            raise PermanentError(f"elasticsearch.ca_file {self.ca_file} cannot be used: {_said(error)}.") from error
        if self.client_cert_file:
            try:
                # an empty password, because OpenSSL would ask for one on the terminal
                context.load_cert_chain(self.client_cert_file, self.client_key_file, password="")
            except OSError as error:
                files = " with client_key_file ".join(
                    str(file) for file in (self.client_cert_file, self.client_key_file) if file
                )
                raise PermanentError(
                    f"elasticsearch.client_cert_file {files} cannot be used: {_said(error)}."
                ) from error
        return context

    def failure(self, error: ssl.SSLError, where: str) -> AlertdError:
        if isinstance(error, ssl.SSLCertVerificationError):
            refused = f"{where}: its TLS certificate is refused: {error.verify_message.rstrip('.')}."
            return PermanentError(f"{refused} {self._trusted()}" if error.verify_code in _UNTRUSTED else refused)
        reason = error.reason or ""
        if reason in _PLAIN:
            return PermanentError(
                f"{where} does not speak TLS: check whether elasticsearch.url should begin with http://."
            )
        if reason in _OLD:
            return PermanentError(f"{where} speaks no TLS 1.2 or newer ({_said(error)}), and alertd nothing older.")
        if "ALERT" in reason:
            sent = (
                f"elasticsearch.client_cert_file {self.client_cert_file}"
                if self.client_cert_file
                else "no client certificate"
            )
            return PermanentError(f"{where} refuses the TLS connection: {_said(error)}. alertd showed it {sent}.")
        if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)) or not reason:
            hint = "" if self.client_cert_file else ". Does it want a client certificate?"
            return RetryError(f"{where}: the TLS connection broke: {_said(error)}{hint}")
        return PermanentError(f"{where}: no TLS connection: {_said(error)}.")

    def _trusted(self) -> str:
        if self.ca_file:
            return f"Trusted are the authorities in elasticsearch.ca_file {self.ca_file}."
        return "Trusted are this machine's authorities: name another in elasticsearch.ca_file."


def _said(error: OSError) -> str:
    """OpenSSL's reason in words, without its source file and line."""
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.replace("_", " ").lower()
    return error.strerror or str(error)
