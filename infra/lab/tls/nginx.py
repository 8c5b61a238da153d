"""The cases that one nginx serves: a block for each, in one configuration that can be loaded anew."""

from collections.abc import Sequence
from pathlib import Path

from infra.lab.tls.case import Case, Plan

AEAD = "ECDHE+AESGCM:ECDHE+CHACHA20"
_FRAME = """\
daemon off;
worker_processes 1;
worker_shutdown_timeout 1s;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log error;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  server_tokens off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  keepalive_timeout 2s;
  ssl_prefer_server_ciphers on;
{servers}
}}
"""


def configuration(running: Sequence[tuple[Plan, Case]], folder: Path) -> str:
    """The text of nginx.conf."""
    blocks = "\n".join(_block(plan, case, folder / plan.name) for plan, case in running)
    return _FRAME.format(folder=folder, servers=blocks)


def _block(plan: Plan, case: Case, folder: Path) -> str:
    settings = plan.settings
    lines = [
        f"listen {case.endpoint} ssl;",
        f"server_name {plan.served};",
        f"ssl_protocols {settings.get('protocols', 'TLSv1.2 TLSv1.3')};",
        f"ssl_ciphers {settings.get('ciphers', AEAD)}:@SECLEVEL=0;",
        f"ssl_certificate {folder}/chain.pem;",
        f"ssl_certificate_key {folder}/key.pem;",
    ]
    if (folder / "chain2.pem").exists():
        lines += [f"ssl_certificate {folder}/chain2.pem;", f"ssl_certificate_key {folder}/key2.pem;"]
    if (folder / "staple.der").exists():
        lines += ["ssl_stapling on;", f"ssl_stapling_file {folder}/staple.der;"]
    lines += [f"add_header Strict-Transport-Security '{value}' always;" for value in plan.hsts or ()]
    if "dh" in settings:
        lines.append(f"ssl_dhparam {settings['dh'].format(folder=folder.parent)};")
    if "directives" in settings:
        lines.append(settings["directives"].format(folder=folder))
    lines.append("""location / { return 200 "lab\\n"; }""")
    text = "  server {\n    " + "\n    ".join(lines) + "\n  }"
    if "refuse-unknown" in settings:
        # Versions are settled before the name is known, so by the default server's word.
        versions, suites = lines[2:4]
        text += (
            f"\n  server {{ listen {case.endpoint} ssl default_server; {versions} {suites} ssl_reject_handshake on; }}"
        )
    return text
