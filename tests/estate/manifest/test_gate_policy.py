import pytest

from estate.errors import BadInput
from estate.manifest.gate_policy import load_policy

WHOLE = """
registries = ["Registry.Example.org/team", "127.0.0.1:5000"]
latest = "refuse"
maximum_age_days = 90
labels = ["org.opencontainers.image.source"]
secrets = "refuse"
end_of_life = "warn"
unknown_system = "allow"
checks = ["DS002"]

[signatures]
keys = ["keys/release.pub"]

[vulnerabilities]
fail_on = "medium"
fixable_only = false
exploited = "refuse"

[database]
maximum_age_hours = 48
[database.override]
reason = "the mirror is down"
by = "ada"
until = 2030-01-01

[[ignore]]
cve = "CVE-2023-4911"
package = "libc6"
reason = "no SUID program in the image"
until = "2030-01-01T12:00:00Z"

[[logins]]
host = "registry.example.org"
user_env = "REGISTRY_USER"
password_env = "REGISTRY_PASSWORD"
"""


def test_every_setting_is_read():
    policy = load_policy(WHOLE, "gate.toml")
    assert policy.registries == ("registry.example.org/team", "127.0.0.1:5000")
    assert policy.signatures is not None
    assert policy.database.override is not None
    assert policy.ignore[0].cve == "CVE-2023-4911"
    assert load_policy("", "gate.toml").vulnerabilities.fail_on == "high"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('\nlatst = "warn"', "gate.toml, line 2: latst: there is no such setting; did you mean latest?"),
        ('[vulnerabilities]\nfail_on = "hgh"', "gate.toml, line 2: vulnerabilities.fail_on: input should be"),
        ('[[ignore]]\ncve = "CVE-2023-4911"\nreason = "x"', "gate.toml, line 1: ignore[0].until: is missing"),
        ('[[ignore]]\ncve = "CVE-2023-4911"\nuntil = 2030-01-01', "gate.toml, line 1: ignore[0].reason: is missing"),
        ('[[ignore]]\ncve = "*"\nreason = "x"\nuntil = 2030-01-01', "line 2: ignore[0].cve"),
        ('[database.override]\nreason = "x"\nby = "ada"', "line 1: database.override.until: is missing"),
        ('registries = ["*"]', "line 1: registries[0]: '*' is no registry"),
        ('registries = ["registry.ex\u0430mple.org"]', "line 1: registries[0]"),
        ("[signatures]\nkeys = []", "line 2: signatures.keys"),
        ("maximum_age_days = 0", "line 1: maximum_age_days"),
        ('[[logins]]\nhost = "a.example"\nuser_env = "A"\npassword_env = "s3cret!"', "line 4: logins[0].password_env"),
        ("latest = ", "gate.toml, line 1"),
    ],
)
def test_every_mistake_is_named_with_file_line_and_field(text, said):
    with pytest.raises(BadInput) as error:
        load_policy(text, "gate.toml")
    assert said in str(error.value)
    assert "s3cret" not in str(error.value)


def test_a_registry_has_one_login():
    twice = '[[logins]]\nhost = "a.example"\nuser_env = "A"\npassword_env = "B"\n' * 2
    with pytest.raises(BadInput, match="twice"):
        load_policy(twice, "gate.toml")
