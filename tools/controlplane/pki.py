"""The certificates of one control plane: its own authority, and what each server shows and checks.

Every plane has its own, so that no other process on the machine, and no other plane, can talk to its etcd or pass for
its API server. Called by plane.py, once per directory; an existing set is kept.
"""

import ipaddress
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tools.controlplane.files import write_private

_NAMES = ("localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc")
ADDRESSES = ("127.0.0.1", "10.0.0.1")  # loopback, and the Service `kubernetes`
_LIFETIME = timedelta(days=3650)
_BOTH = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)


def ensure_certificates(folder: Path, addresses: Sequence[str] = ADDRESSES) -> None:
    """Make ca, apiserver, etcd, kubelet-client (each .crt and .key) and the key pair that signs ServiceAccount tokens."""
    if (folder / ".complete").exists():
        return
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority = _certificate(_called("pratique-control-plane"), authority_key, None, authority_key)
    _write(folder, "ca", authority, authority_key)
    for name in ("apiserver", "etcd"):
        key = ec.generate_private_key(ec.SECP256R1())
        _write(folder, name, _certificate(_called(name), key, authority, authority_key, addresses), key)
    key = ec.generate_private_key(ec.SECP256R1())
    client = _called("apiserver-kubelet-client", "system:masters")  # kubelet asks the API server whether it may
    _write(folder, "kubelet-client", _certificate(client, key, authority, authority_key), key)
    signer = ec.generate_private_key(ec.SECP256R1())
    write_private(folder / "serviceaccounts.key", _pem(signer))
    public = signer.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    write_private(folder / "serviceaccounts.pub", public)
    write_private(folder / ".complete", b"")


def _called(common_name: str, organization: str | None = None) -> x509.Name:
    names = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization)] if organization else []
    return x509.Name([*names, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _certificate(
    name: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Certificate | None,
    issuer_key: ec.EllipticCurvePrivateKey,
    addresses: Sequence[str] = ADDRESSES,
) -> x509.Certificate:
    """Issue a certificate; without an issuer it is an authority that signs itself."""
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer.subject if issuer else name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + _LIFETIME)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
        .add_extension(_usage(authority=issuer is None), critical=True)
    )
    if issuer is not None:
        alternatives: list[x509.GeneralName] = [x509.DNSName(value) for value in _NAMES]
        alternatives += [x509.IPAddress(ipaddress.ip_address(value)) for value in addresses]
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        builder = builder.add_extension(x509.ExtendedKeyUsage(_BOTH), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _write(folder: Path, name: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
    write_private(folder / f"{name}.crt", certificate.public_bytes(serialization.Encoding.PEM))
    write_private(folder / f"{name}.key", _pem(key))


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    # The traditional form: it is the only one that both the API server and the controller manager read for EC keys.
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
