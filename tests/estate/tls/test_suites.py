import pytest

from estate.tls import suites
from estate.tls.evidence import Suite


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("TLS_AES_128_GCM_SHA256", {"is_tls13", "is_aead", "is_forward_secret"}),
        ("TLS_AES_128_CCM_8_SHA256", {"is_tls13", "is_aead", "is_forward_secret"}),
        ("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", {"is_aead", "is_forward_secret"}),
        ("TLS_DHE_RSA_WITH_AES_128_CBC_SHA", {"is_forward_secret", "is_cbc"}),
        ("TLS_RSA_WITH_AES_128_CCM", {"is_aead"}),
        ("TLS_RSA_WITH_3DES_EDE_CBC_SHA", {"has_small_blocks", "is_cbc"}),
        ("TLS_RSA_WITH_DES_CBC_SHA", {"has_small_blocks", "is_cbc"}),
        ("TLS_RSA_WITH_IDEA_CBC_SHA", {"has_small_blocks", "is_cbc"}),
        ("TLS_RSA_EXPORT_WITH_DES40_CBC_SHA", {"has_small_blocks", "is_cbc", "is_export"}),
        ("TLS_RSA_EXPORT_WITH_RC4_40_MD5", {"is_rc4", "is_export"}),
        ("TLS_RSA_EXPORT_WITH_RC2_CBC_40_MD5", {"has_small_blocks", "is_cbc", "is_export"}),
        ("TLS_ECDHE_RSA_WITH_RC4_128_SHA", {"is_rc4", "is_forward_secret"}),
        ("TLS_ECDH_RSA_WITH_AES_128_GCM_SHA256", {"is_aead"}),
        ("SSL_CK_DES_192_EDE3_CBC_WITH_SHA", {"has_small_blocks", "is_cbc"}),
        ("TLS_DH_anon_WITH_AES_128_GCM_SHA256", {"is_aead"}),
    ],
)
def test_a_name_tells_what_a_suite_is(name, kinds):
    every = (
        *("is_tls13", "is_aead", "is_forward_secret", "is_rc4"),
        *("has_small_blocks", "is_cbc", "is_export"),
    )
    assert {kind for kind in every if getattr(suites, kind)(name)} == kinds


@pytest.mark.parametrize(
    ("name", "bits", "worth"),
    [
        ("TLS_RSA_WITH_3DES_EDE_CBC_SHA", 168, 112),
        ("TLS_RSA_WITH_NULL_SHA256", 128, 0),
        ("TLS_RSA_WITH_AES_256_CBC_SHA", 256, 256),
        ("TLS_RSA_WITH_DES_CBC_SHA", 56, 56),
    ],
)
def test_strength_is_what_an_attacker_must_guess(name, bits, worth):
    assert suites.strength(Suite(name, bits)) == worth


@pytest.mark.parametrize(
    ("curve", "bits", "rsa"),
    [
        ("x25519", 253, 3072),
        ("X25519", 253, 3072),
        ("secp192r1", 192, 1536),
        ("prime256v1", 256, 3072),
        ("secp384r1", 384, 7680),
        ("secp521r1", 521, 15360),
        ("sect163k1", 163, 1024),
        ("brainpoolP256r1", 256, 3072),
        ("X25519MLKEM768", 256, 3072),
    ],
)
def test_curves_are_weighed_in_bits_of_rsa(curve, bits, rsa):
    assert suites.curve_bits(curve) == bits
    assert suites.in_rsa_bits(bits) == rsa


def test_a_curve_that_nobody_knows_has_no_size():
    assert suites.curve_bits("curve9000") is None


@pytest.mark.parametrize(
    ("version", "suite", "bits"),
    [
        ("TLS1.2", Suite("TLS_RSA_WITH_AES_128_CBC_SHA", 128), 0),
        ("TLS1.2", Suite("TLS_DHE_RSA_WITH_AES_128_CBC_SHA", 128, dh_bits=1024), 1024),
        ("TLS1.2", Suite("TLS_DHE_RSA_WITH_AES_128_CBC_SHA", 128), None),
        ("TLS1.2", Suite("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", 128, curve_bits=192), 1536),
        ("TLS1.2", Suite("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", 128, curve="secp384r1"), 7680),
        ("TLS1.2", Suite("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", 128), None),
        ("TLS1.3", Suite("TLS_AES_128_GCM_SHA256", 128), 0),
    ],
)
def test_an_ephemeral_key_has_a_size_or_was_not_told(version, suite, bits):
    assert suites.ephemeral(version, suite) == bits
