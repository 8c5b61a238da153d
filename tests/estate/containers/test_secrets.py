"""A variable is told to hold a secret by its name or its value, and settings about secrets are none."""

import pytest

from estate.containers.secrets import why_secret


@pytest.mark.parametrize(
    ("name", "value", "because"),
    [
        ("DB_PASSWORD", "x", "name"),
        ("dbPassword1", "1234", "name"),
        ("AWS_SECRET_ACCESS_KEY", "w", "name"),
        ("SECRET_KEY_BASE", "w", "name"),
        ("MYSQL_PWD", "w", "name"),
        ("URL", "redis://:sesame@cache/0", "password-in-url"),
        ("NOTE", "-----BEGIN RSA PRIVATE KEY-----", "private-key"),
        ("A", "AKIAIOSFODNN7EXAMPLE", "aws-access-key"),
    ],
)
def test_a_secret_is_told(name, value, because):
    assert why_secret(name, value) == because


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("DB_PASSWORD", ""), ("DB_PASSWORD_FILE", "x"), ("DB_PASSWORD", "/run/secrets/db"), ("DB_PASSWORD", "${DB}")),
        *(("PWD", "/app"), ("GPG_KEY", "A035C8C1"), ("MAX_TOKEN", "4096"), ("BYPASS", "x"), ("SSH_PUBLIC_KEY", "x")),
        *(("URL", "redis://cache:6379/0"), ("URL", "https://host/a:b@c"), ("URL", "redis://:${PASS}@cache")),
    ],
)
def test_what_only_sounds_like_a_secret_is_none(name, value):
    assert why_secret(name, value) == ""
