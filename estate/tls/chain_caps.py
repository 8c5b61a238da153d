"""Which facts of a certificate chain decide a grade: untrusted is T, the wrong name M, and weak keys cap the rest."""

from collections.abc import Callable

from estate.certificates.verdicts import HARMLESS_TO_TRUST, ChainVerdict, Problem
from estate.tls.case import Answer, Blind, Case

_OF_TRUST = frozenset(Problem) - HARMLESS_TO_TRUST - {Problem.MD5}
"""MD5 breaks the path as well, but the guide has an F for it."""


def problem(wanted: Problem) -> Callable[[Case], Answer]:
    """The rule for one thing that is wrong with the chain."""

    def applies(case: Case) -> Answer:
        if case.chain is None:
            return _unseen(case)
        return _told(case.chain, wanted) if wanted in case.chain.problems else ""

    return applies


def expired(case: Case) -> Answer:
    """Expired when it was judged, or since."""
    if case.chain is None:
        return _unseen(case)
    if Problem.EXPIRED in case.chain.problems:
        return _told(case.chain, Problem.EXPIRED)
    ends = case.chain.expires
    return f"expired on {ends:%Y-%m-%d %H:%M} UTC" if ends is not None and ends <= case.now else ""


def revoked(case: Case) -> Answer:
    """By the chain's own judge, or by what the issuer says today."""
    if case.chain is not None and Problem.REVOKED in case.chain.problems:
        return _told(case.chain, Problem.REVOKED)
    revocation = case.evidence.revocation
    if revocation.state == "revoked":
        return f"revoked, says {revocation.how or 'the issuer'}"
    if revocation.state == "blind":
        return Blind("revocation", revocation.reason)
    return _unseen(case) if case.chain is None else ""


def untrusted(case: Case) -> Answer:
    """Untrusted for a reason that has no name here."""
    if case.chain is None:
        return _unseen(case)
    named = case.chain.problems & _OF_TRUST or case.chain.problems == {Problem.MD5}
    return "" if case.chain.trusted or named else "no valid path to a root that we trust"


def name_mismatch(case: Case) -> Answer:
    """The certificate is for somebody else."""
    if case.chain is None:
        return _unseen(case)
    if case.chain.name_matches and Problem.NAME_MISMATCH not in case.chain.problems:
        return ""
    return _told(case.chain, Problem.NAME_MISMATCH)


def broken_signature(case: Case) -> Answer:
    """A certificate signed over MD2 or MD5, which anybody can forge."""
    if case.chain is None:
        return _unseen(case)
    if case.chain.signature_hash.lower() in {"md2", "md4", "md5"}:
        return f"signed over {case.chain.signature_hash.upper()}"
    return _told(case.chain, Problem.MD5) if Problem.MD5 in case.chain.problems else ""


def insecure_key(case: Case) -> Answer:
    """A key of less than 1024 bits, with the exponent 1, or that is known to be weak at any length."""
    chain = case.chain
    if chain is None or unmeasured(chain):
        return _unseen(case)
    if chain.rsa_equivalent_bits < 1024:
        return f"a key of {chain.key_bits} bits ({chain.key_kind})"
    if chain.rsa_exponent == 1:
        return "an RSA key with the exponent 1"
    known = Problem.WEAK_KEY in chain.problems and chain.rsa_equivalent_bits >= 2048
    return _told(chain, Problem.WEAK_KEY) if known else ""


def weak_key(case: Case) -> Answer:
    """A key between that and 2048 bits."""
    if case.chain is None or unmeasured(case.chain):
        return _unseen(case)
    weak = 1024 <= case.chain.rsa_equivalent_bits < 2048
    return f"a key of {case.chain.key_bits} bits ({case.chain.key_kind})" if weak else ""


def unmeasured(chain: ChainVerdict) -> bool:
    """Whether the key is of a kind that nobody here can weigh."""
    return chain.key_kind.lower() in {"unknown", ""}


def _unseen(case: Case) -> Answer:
    if case.shows_no_certificate:
        return ""
    if case.chain is not None:
        return Blind("certificate key", "of a kind that we do not know")
    return Blind("certificates", case.evidence.certificates.reason)


def _told(chain: ChainVerdict, wanted: Problem) -> str:
    return dict(chain.explained).get(wanted) or wanted.value.replace("-", " ")
