"""Make the certificates of this folder again: `python tests/evidence/certificates/make.py` from the checkout.

Keys are new each time, so that every file changes; what is special about each is in README.md beside this file.
"""

import importlib.util
import sys
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs7,
    pkcs12,
)

HERE = Path(__file__).parent
DAY = timedelta(days=1)


def load_workshop():
    place = HERE.parents[1] / "estate" / "certificates" / "conftest.py"
    spec = importlib.util.spec_from_file_location("workshop", place)
    module = importlib.util.module_from_spec(spec)
    sys.modules["workshop"] = module
    spec.loader.exec_module(module)
    return module.Workshop()


def main() -> None:
    from estate.certificates.reading import spell_pem

    w = load_workshop()

    def pem(*found) -> str:
        return "".join(spell_pem(one.certificate) for one in found)

    def key(made) -> str:
        return made.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    root = w.root("Lab Root")
    middle = w.issue("Lab Middle", root, authority=True, end=w.now + 900 * DAY)
    web = w.issue("web.example", middle, names=("web.example", "www.web.example"))
    (HERE / "root.pem").write_text(pem(root))
    (HERE / "sound_chain.pem").write_text(pem(web, middle))
    (HERE / "with_key.pem").write_text(key(web) + pem(web, middle))
    (HERE / "only_key.pem").write_text(key(web))
    (HERE / "leaf.der").write_bytes(web.der)
    (HERE / "cut_off.pem").write_text(pem(web, middle)[:-200])
    theirs = [x509.load_der_x509_certificate(made.der) for made in (web, middle)]
    (HERE / "chain.p7b").write_bytes(pkcs7.serialize_certificates(theirs, Encoding.DER))
    locked = BestAvailableEncryption(b"lab")
    (HERE / "store.p12").write_bytes(
        pkcs12.serialize_key_and_certificates(b"web", web.key, theirs[0], theirs[1:], locked)
    )

    begin = w.now - 95 * DAY
    (HERE / "expired.pem").write_text(pem(w.issue("web.example", middle, begin=begin, end=begin + 90 * DAY), middle))
    again = w.issue("web.example", middle, names=("web.example", "www.web.example"), begin=w.now - DAY, key_label="x")
    before = w.issue("web.example", middle, names=("web.example",), begin=w.now - 60 * DAY, key_label="x")
    (HERE / "renewed_before.pem").write_text(pem(before))
    (HERE / "renewed_with_same_key.pem").write_text(pem(again))

    old_root = w.root("Old Root", kind="rsa2048")
    (HERE / "sha1_rsa1024.pem").write_text(
        pem(w.issue("web.example", old_root, kind="rsa1024", hash="sha1", end=w.now + 800 * DAY))
    )
    names = (b"web.example\0.evil.example", b"a\nb.example", b"<script>alert(1)</script>", b"\x1b[2J\xff")
    (HERE / "hostile_names.pem").write_text(pem(w.issue("a\n<b>\x1b[31m\u202egnp.exe", middle, names=names)))
    twice = w.extension("2.5.29.17", w.alternative_names("first.example"))
    (HERE / "names_twice_serial_negative.pem").write_text(pem(w.issue("web.example", middle, serial=-7, more=(twice,))))


if __name__ == "__main__":
    sys.path.insert(0, str(HERE.parents[2]))
    main()
