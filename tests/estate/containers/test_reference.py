import pytest

from estate.containers.reference import is_in, is_loopback, read_allowed, read_reference, same_owner
from estate.errors import BadTarget

HEX = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "host", "repository", "tag", "printed"),
    [
        ("nginx", "docker.io", "library/nginx", "latest", "nginx:latest"),
        ("lab/app:1", "docker.io", "lab/app", "1", "lab/app:1"),
        ("docker.io/library/nginx:1", "docker.io", "library/nginx", "1", "nginx:1"),
        ("index.docker.io/library/nginx:1", "docker.io", "library/nginx", "1", "nginx:1"),
        ("127.0.0.1:5000/team/app:v2", "127.0.0.1:5000", "team/app", "v2", "127.0.0.1:5000/team/app:v2"),
        ("Registry.Example.org:443/a:1", "registry.example.org", "a", "1", "registry.example.org/a:1"),
        ("localhost/a__b/c-d.e:1", "localhost", "a__b/c-d.e", "1", "localhost/a__b/c-d.e:1"),
        (f"nginx@{HEX}", "docker.io", "library/nginx", "", f"nginx@{HEX}"),
        (f"[::1]:5000/a:1@{HEX}", "[::1]:5000", "a", "1", f"[::1]:5000/a:1@{HEX}"),
    ],
)
def test_a_name_is_read_as_engines_read_it(text, host, repository, tag, printed):
    found = read_reference(text)
    assert (found.host, found.repository, found.tag, str(found)) == (host, repository, tag, printed)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-v",
        "NGINX",
        "a//b",
        "a/../b",
        "a:b:c",
        "a:-x",
        "nginx@sha256:12",
        "registry.ex\u0430mple.org/app:1",
        "registry.example.org./app:1",
        "user@registry.example.org/app",
        "registry.example.org:99999/app",
        "registry.example.org:/app",
        "a b",
        "nginx:1\n",
        "http://registry.example.org/app",
        "x" * 600,
    ],
)
def test_what_is_no_name_is_refused(text):
    with pytest.raises(BadTarget):
        read_reference(text)


@pytest.mark.parametrize(
    ("name", "allowed", "inside"),
    [
        ("registry.example.org/app:1", "registry.example.org", True),
        ("registry.example.org/team/app:1", "registry.example.org/team", True),
        ("registry.example.org/team:1", "registry.example.org/team/", True),
        ("registry.example.org/teams/app:1", "registry.example.org/team", False),
        ("registry.example.org.evil.example/app:1", "registry.example.org", False),
        ("xregistry.example.org/app:1", "registry.example.org", False),
        ("registry.example.org:5000/app:1", "registry.example.org", False),
        ("registry-example.org/app:1", "registry.example.org", False),
        ("evil.example/registry.example.org/app:1", "registry.example.org", False),
        ("registry.example.org/app:1", "REGISTRY.example.org:443", True),
        ("nginx:1", "docker.io/library", True),
        ("nginx:1", "index.docker.io", True),
        ("lab/app:1", "docker.io/library", False),
    ],
)
def test_a_registry_is_compared_whole(name, allowed, inside):
    assert is_in(read_reference(name), read_allowed(allowed)) is inside


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("registry-1.docker.io", "auth.docker.io", True),
        ("registry.gitlab.com", "gitlab.com", True),
        ("gitlab.example.org", "registry.gitlab.example.org", True),
        ("ghcr.io", "ghcr.io:443", True),
        ("127.0.0.1:5000", "127.0.0.1:6000", True),
        ("127.0.0.1:5000", "127.0.0.2:5000", False),
        ("registry.example.org", "example.org.evil.example", False),
        ("registry.example.co.uk", "evil.co.uk", False),
        ("example.co.uk", "evil.co.uk", False),
        ("mine.azurecr.io", "yours.azurecr.io", False),
        ("1.dkr.ecr.eu-west-1.amazonaws.com", "2.dkr.ecr.eu-west-1.amazonaws.com", False),
        ("example.org", "evil.org", False),
        ("ghcr.io", "evil.io", False),
        ("localhost:5000", "evil.example", False),
    ],
)
def test_credentials_go_to_the_registrys_owner_only(one, other, same):
    assert same_owner(one, other) is same


def test_only_this_machine_is_this_machine():
    assert all(is_loopback(host) for host in ("127.0.0.1:5000", "[::1]:5000", "localhost", "127.9.9.9"))
    assert not any(is_loopback(host) for host in ("127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1:5000"))
