"""Makes and reads certificates: the webhook's, which are stored, and that of /metrics, which is not.

Keys come from here and from nowhere else; `core.operating.certificates` decides when.
"""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pratique.core.operating.certificates import Life, Step, Stored, Terms, life

_PEM = serialization.Encoding.PEM


@dataclass(frozen=True)
class Material:
    """What is kept in the Secret, as PEM: the trusted authorities, newest first, and two keys."""

    bundle: str = ""
    authority_key: str = ""
    certificate: str = ""
    key: str = ""

    @classmethod
    def of(cls, data: Mapping[str, str]) -> "Material":
        """Return what a Secret holds; what it does not is empty."""
        return cls(*(data.get(name, "") for name in _KEYS))

    def data(self) -> dict[str, str]:
        """Return it as the Secret's data, decoded."""
        return dict(zip(_KEYS, (self.bundle, self.authority_key, self.certificate, self.key), strict=True))


_KEYS = ("ca.crt", "ca.key", "tls.crt", "tls.key")


def read(material: Material, names: tuple[str, ...]) -> Stored:
    """Return what steps depend on; a certificate without its key counts as absent."""
    authorities = _certificates(material.bundle)
    newest = _with_key(authorities[:1], material.authority_key)
    serving = _with_key(_certificates(material.certificate)[:1], material.key)
    return Stored(
        authority=_life(newest),
        serving=_life(serving),
        signed_by_newest=newest is not None and serving is not None and _issued(serving, newest),
        names_fit=serving is not None and _names(serving) == set(names),
        trusts_older=len(authorities) > 1,
    )


def carry_out(step: Step, material: Material, names: tuple[str, ...], now: datetime, terms: Terms) -> Material:
    """Return the material after a step."""
    match step:
        case Step.CREATE:
            return _renewed(_new_authority(Material(), now, terms), names, now, terms)
        case Step.ROTATE:
            return _new_authority(material, now, terms)
        case Step.RENEW:
            return _renewed(material, names, now, terms)
        case Step.RETIRE:
            newest = _text(_certificates(material.bundle)[0])
            return Material(newest, material.authority_key, material.certificate, material.key)
        case _:
            return material


def ends(material: Material) -> datetime | None:
    """Return when the certificate ends; None if there is none."""
    serving = _with_key(_certificates(material.certificate)[:1], material.key)
    return serving.not_valid_after_utc if serving else None


def _new_authority(material: Material, now: datetime, terms: Terms) -> Material:
    key = ec.generate_private_key(ec.SECP256R1())
    # the name says which one it is: two authorities of one name would be tried one for the other
    name = _subject(f"pratique-webhook-ca-{now:%Y%m%d%H%M%S}")
    builder = _builder(name, name, key.public_key(), life(now, terms.authority, terms))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(authority=True), critical=True)
    bundle = _text(builder.sign(key, hashes.SHA256())) + material.bundle
    return Material(bundle, _key_text(key), material.certificate, material.key)


def _renewed(material: Material, names: tuple[str, ...], now: datetime, terms: Terms) -> Material:
    authority = _certificates(material.bundle)[0]
    signer = serialization.load_pem_private_key(material.authority_key.encode(), None)
    if not isinstance(signer, ec.EllipticCurvePrivateKey):
        raise TypeError("the authority's key is not one of ours")
    key = ec.generate_private_key(ec.SECP256R1())
    lasts = life(now, terms.serving, terms, _life(authority))
    builder = _builder(_subject(names[0]), authority.subject, key.public_key(), lasts)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(authority=False), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    builder = builder.add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
    signed = builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
    ).sign(signer, hashes.SHA256())
    return Material(material.bundle, material.authority_key, _text(signed), _key_text(key))


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, lasts: Life
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(lasts.begins)
        .not_valid_after(lasts.ends)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _certificates(text: str) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(text.encode())
    except ValueError:
        return []


def _with_key(found: list[x509.Certificate], key: str) -> x509.Certificate | None:
    """Return the certificate if `key` is its key."""
    try:
        loaded = serialization.load_pem_private_key(key.encode(), None)
    except (ValueError, TypeError):
        return None
    ours = isinstance(loaded, ec.EllipticCurvePrivateKey)
    return found[0] if ours and found and loaded.public_key() == found[0].public_key() else None


def _issued(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _life(certificate: x509.Certificate | None) -> Life | None:
    return Life(certificate.not_valid_before_utc, certificate.not_valid_after_utc) if certificate else None


def _names(certificate: x509.Certificate) -> set[str]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return set()
    return {str(name.value) for name in found}


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])


def _text(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(_PEM).decode()


def _key_text(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
