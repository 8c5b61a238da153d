"""Rules that no single look can answer: what a certificate is to the one before it, and to those of other places."""

from collections.abc import Mapping

from estate.findings import Rule

NAMESPACE = "certificates"

SAME_KEY = Rule(
    NAMESPACE,
    "same-key-after-reissue",
    "A certificate was reissued with the same key",
    "Let every renewal make a new key (cert-manager: rotationPolicy Always), so that a stolen one grows old.",
)
ISSUER_CHANGED = Rule(
    NAMESPACE,
    "issuer-changed",
    "A certificate comes from another CA than before",
    "Make sure that somebody meant this, and that CAA records name the new CA.",
    ("https://www.rfc-editor.org/rfc/rfc8659",),
)
ROLLED_BACK = Rule(
    NAMESPACE,
    "rolled-back",
    "An older certificate is served again",
    "Deploy the newest one again; an old image or a restored backup often brings the old one.",
)
KEY_REUSE = Rule(
    NAMESPACE,
    "key-reuse",
    "Several places share one private key",
    "Give each service a key of its own: one stolen key opens all of these places.",
)
WILDCARD_SPREAD = Rule(
    NAMESPACE,
    "wildcard-spread",
    "A wildcard's key lies on many machines",
    "Give each service a certificate for its own name: any of these machines can pose as every name.",
)
DEPLOYMENT_LAG = Rule(
    NAMESPACE,
    "deployment-lag",
    "A certificate was renewed, and the old one is still served here",
    "Deploy the new certificate here, and reload the service.",
)
HALF_ROLLED_OUT = Rule(
    NAMESPACE,
    "half-rolled-out",
    "Replicas behind one name show different certificates",
    "Finish the roll-out on this replica.",
)
ADDRESSES_DIFFER = Rule(
    NAMESPACE,
    "addresses-differ",
    "The addresses of one name show different certificates",
    "Finish the roll-out at the address that still shows the old one.",
)

BETWEEN_PLACES: Mapping[str, Rule] = {
    rule.name: rule for rule in (KEY_REUSE, WILDCARD_SPREAD, DEPLOYMENT_LAG, HALF_ROLLED_OUT)
}
"""What several places tell together, whichever runs looked at them."""

RELATIONS: Mapping[str, Rule] = {
    rule.name: rule
    for rule in (
        SAME_KEY,
        ISSUER_CHANGED,
        ROLLED_BACK,
        KEY_REUSE,
        WILDCARD_SPREAD,
        DEPLOYMENT_LAG,
        HALF_ROLLED_OUT,
        ADDRESSES_DIFFER,
    )
}
