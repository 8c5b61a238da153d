from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from estate.certificates.certificate import LONGEST_CERTIFICATE, read_certificate
from estate.errors import BadReport
from estate.text import printable

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def rich(workshop):
    """A certificate that has everything."""
    w = workshop
    uri = w.tlv(0x86, b"http://ca.example/x")
    access = w.tlv(
        0x30,
        w.tlv(0x30, w.oid("1.3.6.1.5.5.7.48.1"), w.tlv(0x86, b"http://ocsp.example/")),
        w.tlv(0x30, w.oid("1.3.6.1.5.5.7.48.2"), uri),
    )
    crl = w.tlv(0x30, w.tlv(0x30, w.tlv(0xA0, w.tlv(0xA0, w.tlv(0x86, b"http://crl.example/1")))))
    stamps = b"\0\x05first" + b"\0\x06second"
    more = (
        w.extension("1.3.6.1.5.5.7.1.1", access),
        w.extension("2.5.29.31", crl),
        w.extension("1.3.6.1.5.5.7.1.24", w.tlv(0x30, w.integer(5))),
        w.extension("1.3.6.1.4.1.11129.2.4.2", w.tlv(0x04, len(stamps).to_bytes(2, "big") + stamps)),
    )
    names = ("Web.example", "*.web.example", "192.0.2.7", "2001:db8::7")
    return w.issue("web.example", w.root(), names=names, serial=0xABC, more=more, organisation="Web, Inc.")


def test_everything_that_rules_ask_is_read(rich, workshop):
    read = rich.certificate
    assert read.subject.shown == r"O=Web\, Inc.,CN=web.example"
    assert read.issuer.shown == "CN=Test Root"
    assert read.serial == "0abc"
    assert read.dns_names == ("web.example", "*.web.example")
    assert read.addresses == ("192.0.2.7", "2001:db8::7")
    assert read.wildcard
    assert (read.key.kind, read.key.bits, read.key.rsa_equivalent_bits, read.key.curve) == (
        "EC", 256, 3072, "secp256r1",
    )  # fmt: skip
    assert (read.signature.algorithm, read.signature.hash) == ("ECDSA", "sha256")
    assert read.not_after - read.not_before == 90 * DAY
    assert not read.authority
    assert read.key_usages == {"digital-signature"}
    assert read.purposes == {"server-auth"}
    assert read.ocsp_urls == ("http://ocsp.example/",)
    assert read.issuer_urls == ("http://ca.example/x",)
    assert read.crl_urls == ("http://crl.example/1",)
    assert read.must_staple
    assert read.sct_count == 2
    assert read.faults == ()


def test_the_library_reads_the_same(workshop):
    made = workshop.issue("x", workshop.root(), names=("Web.example", "*.web.example", "192.0.2.7", "2001:db8::7"))
    read = made.certificate
    theirs = x509.load_der_x509_certificate(made.der)
    assert theirs.serial_number == int(read.serial, 16)
    assert theirs.not_valid_before_utc == read.not_before
    assert theirs.not_valid_after_utc == read.not_after
    names = theirs.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert tuple(name.lower() for name in names.get_values_for_type(x509.DNSName)) == read.dns_names
    assert tuple(map(str, names.get_values_for_type(x509.IPAddress))) == read.addresses


def test_authorities_tell_how_many_may_stand_below_them(workshop):
    assert workshop.root(path_length=3).certificate.path_length == 3
    assert workshop.root().certificate.path_length is None
    assert workshop.root().certificate.authority


@pytest.mark.parametrize(
    ("octets", "spelled", "fault"),
    [
        (b"\x05", "05", ""),
        (b"\0\x80", "80", ""),
        (b"\xfb", "-05", "a negative serial number"),
        (b"\x80" + b"\0" * 20, "-80" + "00" * 20, "a negative serial number"),
        (b"\0", "00", "serial number zero"),
        (b"\x7f" * 21, "7f" * 21, "a serial number of 21 bytes"),
        (b"\x7f" * 9000, "7f" * 64 + "…", "a serial number of 9000 bytes"),
        (b"\xff" * 9000, "ff" * 64 + "…", "a negative serial number"),
    ],
)
def test_odd_serial_numbers_are_spelled_and_named(workshop, octets, spelled, fault):
    read = workshop.issue("web.example", None, serial_octets=octets).certificate
    assert read.serial == spelled
    assert (fault in read.faults) is bool(fault)


def test_hostile_names_act_nowhere_and_match_nothing(workshop):
    hostile = (b"good.example\0.evil.example", b"a\nb.example", b"<script>x</script>", b"\x1b[2Jx", b"\xff\xfe")
    read = workshop.issue("a\nb\x1b[2J\0<b>\u202e", workshop.root(), names=hostile).certificate
    everything = "".join((*read.names, read.subject.shown, str(read)))
    assert everything.isprintable()
    assert read.dns_names[0] == "good.example\\x00.evil.example"
    assert not any(read.is_for(name) for name in ("good.example", "good.example\0.evil.example", "a\nb.example"))


def test_a_megabyte_of_names_is_read_in_a_second_or_two_and_shown_short(workshop):
    names = tuple(f"host-{number:06}.example" for number in range(50_000))
    began = datetime.now(UTC)
    read = workshop.issue("many", workshop.root(), names=names).certificate
    assert (datetime.now(UTC) - began).total_seconds() < 20
    assert len(read.der) > 1_000_000
    assert read.is_for("host-049999.example")
    assert not read.is_for("host-050000.example")


def test_one_long_name_is_cut(workshop):
    read = workshop.issue("long", workshop.root(), names=(b"x" * 1_000_000,)).certificate
    assert len(read.dns_names[0]) <= 300


def test_an_extension_that_comes_twice_counts_once_and_is_a_fault(workshop):
    twice = workshop.extension("2.5.29.17", workshop.alternative_names("evil.example"))
    read = workshop.issue("web.example", workshop.root(), more=(twice,)).certificate
    assert read.dns_names == ("evil.example",)
    assert read.faults == ("extension alternative names twice",)


def test_an_extension_of_garbage_costs_only_what_it_says(workshop):
    odd = (workshop.extension("2.5.29.31", b"\xff\xff"), workshop.extension("2.5.29.30", b"\x30\x82"))
    read = workshop.issue("web.example", workshop.root(), more=odd).certificate
    assert read.dns_names == ("web.example",)
    assert any(fault.startswith("extension crl places: ") for fault in read.faults)
    # Name constraints that cannot be read must not permit what they forbid.
    assert read.unknown_critical == ("2.5.29.30",)


@pytest.mark.parametrize(
    ("begin", "end", "what"),
    [
        (b"261332120000Z", b"270101000000Z", "notBefore: '261332120000Z' is not a day of the calendar"),
        (b"260101000000Z", b"yesterday", "notAfter: 'yesterday' is not a time"),
        (b"260101000000Z", b"\0" * 4000, "notAfter"),
        (b"260101000000Z", b"00000101000000Z", "notAfter"),
    ],
)
def test_dates_that_no_calendar_has_are_refused_by_name(workshop, begin, end, what):
    dates = workshop.tlv(0x30, workshop.tlv(0x17, begin), workshop.tlv(0x17, end))
    with pytest.raises(BadReport, match=what.replace("(", r"\(")):
        read_certificate(workshop.issue("web.example", None, dates=dates).der)


@pytest.mark.parametrize(
    ("spelled", "year"),
    [("99991231235959Z", 9999), ("00010101000000Z", 1), ("19000101000000Z", 1900), ("20500101000000+0100", 2049)],
)
def test_dates_far_away_are_dates(workshop, spelled, year):
    w = workshop
    dates = w.tlv(0x30, w.tlv(0x17, b"260101000000Z"), w.tlv(0x18, spelled.encode()))
    assert w.issue("web.example", None, dates=dates).certificate.not_after.year == year


@pytest.mark.parametrize(
    ("kind", "shown", "equivalent", "weak"),
    [
        ("rsa1024", "RSA 1024", 1024, True),
        ("rsa2048", "RSA 2048", 2048, False),
        ("ec192", "EC secp192r1", 1024, True),
        ("ec224", "EC secp224r1", 2048, False),
        ("ec384", "EC secp384r1", 7680, False),
        ("ed25519", "Ed25519 256", 3072, False),
    ],
)
def test_keys_are_measured_in_rsa_bits(workshop, kind, shown, equivalent, weak):
    key = workshop.issue("web.example", None, kind=kind).certificate.key
    assert (str(key), key.rsa_equivalent_bits, key.weak) == (shown, equivalent, weak)


def test_keys_that_no_library_loads_are_measured_all_the_same(workshop):
    w = workshop
    curve = w.tlv(0x30, w.tlv(0x30, w.oid("1.2.840.10045.2.1"), w.oid("1.3.132.0.6")), w.tlv(0x03, b"\0\x04"))
    read = w.issue("web.example", w.root(), public_key=curve).certificate
    assert (read.key.curve, read.key.bits, read.key.weak) == ("secp112r1", 112, True)
    numbers = w.tlv(0x30, w.integer((1 << 383) + 1), w.integer(1))
    rsa = w.tlv(0x30, w.tlv(0x30, w.oid("1.2.840.113549.1.1.1"), b"\x05\0"), w.tlv(0x03, b"\0", numbers))
    read = w.issue("web.example", w.root(), public_key=rsa).certificate
    assert (read.key.kind, read.key.bits, read.key.exponent, read.key.weak) == ("RSA", 384, 1, True)
    alien = w.tlv(0x30, w.tlv(0x30, w.oid("1.2.3.4")), w.tlv(0x03, b"\0abc"))
    read = w.issue("web.example", w.root(), public_key=alien).certificate
    assert (read.key.kind, read.key.bits, read.key.weak) == ("unknown", 0, False)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "nothing there"),
        (b"hello", "bytes announced"),
        (b"\x30\x00", "0 parts where a certificate has 3"),
        (b"\x30\x80\x00\x00", "a length that DER does not know"),
        (b"\x30\x03\x02\x01\x05", "1 parts where a certificate has 3"),
    ],
)
def test_what_is_no_certificate_is_refused_by_name(data, what):
    with pytest.raises(BadReport, match=f"not a certificate: .*{what}"):
        read_certificate(data)


def test_too_many_bytes_are_refused_unread():
    with pytest.raises(BadReport, match="over the limit"):
        read_certificate(b"\x30" * (LONGEST_CERTIFICATE + 1))


def test_bytes_after_a_certificate_are_no_part_of_it(rich):
    with pytest.raises(BadReport, match="3 bytes too many"):
        read_certificate(rich.der + b"xyz")


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_mutilation_is_ever_a_crash(rich, data):
    der = bytearray(rich.der)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(der) - 1))
        match data.draw(st.sampled_from(("flip", "cut", "insert"))):
            case "flip":
                der[at] = data.draw(st.integers(0, 255))
            case "cut":
                del der[at : at + data.draw(st.integers(1, 40))]
                der = der or bytearray(b"\0")
            case _:
                der[at:at] = data.draw(st.binary(max_size=20))
    try:
        read = read_certificate(bytes(der))
        told = "".join((*read.names, *read.faults, read.subject.shown, read.issuer.shown, read.serial))
    except BadReport as error:
        told = str(error)
    # Not `isprintable`: what a new Unicode adds is no control, and nothing of it acts.
    assert printable(told, 10 * len(told) + 1) == told


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_no_noise_is_ever_a_crash(noise):
    with pytest.raises(BadReport):
        read_certificate(b"\x30" + noise)
