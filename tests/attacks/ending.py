"""Attacks on the end of an Environment: somebody else's, a protected one, and on what protects it."""

from tests.attacks.denials import PROTECTED, TOO_LATE_TO_PROTECT, may_not_end, may_not_protect
from tests.attacks.model import SPACE, Attack, Twin, create, delete, patch
from tests.attacks.world import MALLORY
from tests.builders import manifests as make
from tests.builders.manifests import changed

OWN = Twin("developer", "deletes it: it is for them", delete("environments/env"))
HELD = Twin("admin", "deletes it, holding the verb end", delete("environments/env"))
_ON, _OFF = {"spec": {"protected": True}}, {"spec": {"protected": False}}
PROTECT = Twin("admin", "protects it, holding the verb", patch("environments/env", _ON))
_KEPT = changed(make.environment(SPACE, "fresh"), {"spec.protected": True})

ATTACKS = [
    Attack(
        "end-the-environment-of-another",
        16,
        "mallory",
        "somebody who may delete Environments, as everybody who asks may, ends that of another",
        delete("environments/env"),
        may_not_end(MALLORY, "env"),
        OWN,
    ),
    Attack(
        "end-all-environments",
        16,
        "mallory",
        "somebody ends all Environments of the namespace at once",
        delete("environments", fieldSelector="metadata.name=env"),
        may_not_end(MALLORY, "env"),
        HELD,
    ),
    Attack(
        "end-what-is-protected",
        16,
        "admin",
        "cluster-admin deletes an Environment that is protected",
        delete("environments/kept"),
        PROTECTED,
        Twin("admin", "takes the protection away first", patch("environments/kept", _OFF)),
    ),
    Attack(
        "end-own-that-is-protected",
        16,
        "developer",
        "who it is for deletes it although it is protected",
        delete("environments/kept"),
        PROTECTED,
        OWN,
    ),
    Attack(
        "protect-without-the-verb",
        7,
        "mallory",
        "somebody who may patch Environments keeps one beyond its time",
        patch("environments/env", _ON),
        may_not_protect(MALLORY),
        PROTECT,
    ),
    Attack(
        "unprotect-without-the-verb",
        16,
        "mallory",
        "somebody who may patch Environments takes the protection away",
        patch("environments/kept", {"spec": {"protected": None}}),
        may_not_protect(MALLORY),
        PROTECT,
    ),
    Attack(
        "make-it-protected",
        7,
        "mallory",
        "somebody who may create Environments makes one that nobody else can delete",
        create(_KEPT),
        may_not_protect(MALLORY),
        Twin("admin", "does so, holding the verb", create(_KEPT)),
    ),
    Attack(
        "protect-what-ends",
        16,
        "admin",
        "somebody protects an Environment whose end is on record, and it ends all the same",
        patch("environments/ending", _ON),
        TOO_LATE_TO_PROTECT,
        PROTECT,
    ),
]
