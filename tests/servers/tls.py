"""Certificates for the test servers: one authority, one certificate for `localhost`, and an authority nobody trusts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Certificates:
    """PEM files. The certificate names `localhost` only, so that `127.0.0.1` is a wrong host name."""

    ca: Path
    """The authority that signed the servers' certificate."""
    stranger_ca: Path
    """An authority that signed nothing: verification against it must fail."""
    certificate: Path
    key: Path


def make_certificates(folder: Path) -> Certificates:
    """Write a new authority, a certificate of it and a foreign authority into `folder`."""
    names = ("ca.pem", "stranger.pem", "server.pem", "server.key")
    files = Certificates(*(folder / name for name in names))
    authority_key, server_key, stranger_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
    authority = _authority("VYA test authority", authority_key)
    files.ca.write_bytes(_pem(authority))
    files.stranger_ca.write_bytes(_pem(_authority("a stranger", stranger_key)))
    files.certificate.write_bytes(_pem(_server(server_key, authority, authority_key)))
    files.key.write_bytes(
        server_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return files


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _named(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _draft(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
    )


def _authority(name: str, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    draft = _draft(_named(name), _named(name), key).add_extension(x509.BasicConstraints(True, 0), critical=True)
    return draft.add_extension(_usage(signs_certificates=True), critical=True).sign(key, hashes.SHA256())


def _server(
    key: ec.EllipticCurvePrivateKey, authority: x509.Certificate, authority_key: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    draft = _draft(_named("localhost"), authority.subject, key)
    draft = draft.add_extension(x509.BasicConstraints(False, None), critical=True)
    draft = draft.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    draft = draft.add_extension(_usage(signs_certificates=False), critical=True)
    return draft.sign(authority_key, hashes.SHA256())


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
