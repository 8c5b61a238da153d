"""Configuration of common servers for each remedy, as data: what an operator pastes, with names in capitals to fill in.

Written against the manuals of nginx 1.27, Apache httpd 2.4, HAProxy 3.0 and Windows Server 2022, Azure's page on the
TLS policies of Application Gateway (predefined policies of 2022, SKU v2) and AWS' page on the security policies of
Application Load Balancers (policies of September 2025).
"""

from collections.abc import Mapping
from textwrap import dedent

PRODUCTS = ("nginx", "apache", "haproxy", "iis", "azure-application-gateway", "aws-elb")

Snippets = Mapping[str, str]

_SUITES = (
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
)
_AZURE_POLICY = (
    "az network application-gateway ssl-policy set --resource-group GROUP --gateway-name GATEWAY "
    "--policy-type Predefined --policy-name AppGwSslPolicy20220101S"
)
_AWS_POLICY = (
    "aws elbv2 modify-listener --listener-arn LISTENER --ssl-policy ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09"
)
_SCHANNEL = r"HKLM:\SYSTEM\CurrentControlSet\Control\SecurityProviders\SCHANNEL"


def _lines(text: str) -> str:
    return dedent(text).strip()


PROTOCOLS: Snippets = {
    "nginx": "ssl_protocols TLSv1.2 TLSv1.3;",
    "apache": "SSLProtocol -all +TLSv1.2 +TLSv1.3",
    "haproxy": "global\n    ssl-default-bind-options ssl-min-ver TLSv1.2",
    "iis": _lines(
        f"""
        $protocols = "{_SCHANNEL}\\Protocols"
        foreach ($old in "SSL 2.0", "SSL 3.0", "TLS 1.0", "TLS 1.1") {{
            New-Item "$protocols\\$old\\Server" -Force | New-ItemProperty -Name Enabled -Value 0 -Force
        }}
        foreach ($new in "TLS 1.2", "TLS 1.3") {{
            New-Item "$protocols\\$new\\Server" -Force | New-ItemProperty -Name Enabled -Value 1 -Force
        }}
        # Restart the machine. TLS 1.3 needs Windows Server 2022 or newer.
        """
    ),
    "azure-application-gateway": _AZURE_POLICY,
    "aws-elb": _AWS_POLICY,
}

SUITES: Snippets = {
    "nginx": f"ssl_ciphers {_SUITES};\nssl_prefer_server_ciphers off;",
    "apache": f"SSLCipherSuite {_SUITES}\nSSLHonorCipherOrder off",
    "haproxy": f"global\n    ssl-default-bind-ciphers {_SUITES}",
    "iis": _lines(
        """
        Get-TlsCipherSuite |
            Where-Object Name -NotMatch "^TLS_(AES|CHACHA20)_|^TLS_ECDHE_.*(GCM|POLY1305)" |
            ForEach-Object { Disable-TlsCipherSuite -Name $_.Name }
        """
    ),
    "azure-application-gateway": _AZURE_POLICY,
    "aws-elb": _AWS_POLICY,
}

GROUPS: Snippets = {
    "nginx": f"ssl_ecdh_curve X25519:prime256v1:secp384r1;\nssl_ciphers {_SUITES};\n# and no ssl_dhparam",
    "apache": f"SSLOpenSSLConfCmd Curves X25519:prime256v1:secp384r1\nSSLCipherSuite {_SUITES}",
    "haproxy": _lines(
        f"""
        global
            ssl-default-bind-curves X25519:P-256:P-384
            ssl-default-bind-ciphers {_SUITES}
            tune.ssl.default-dh-param 2048
        """
    ),
    "iis": _lines(
        f"""
        $dh = "{_SCHANNEL}\\KeyExchangeAlgorithms\\Diffie-Hellman"
        New-Item $dh -Force | New-ItemProperty -Name ServerMinKeyBitLength -Value 2048 -Force
        foreach ($curve in "NistP384", "NistP256", "curve25519") {{ Enable-TlsEccCurve -Name $curve -Position 0 }}
        """
    ),
    "azure-application-gateway": _AZURE_POLICY,
    "aws-elb": _AWS_POLICY,
}

HSTS: Snippets = {
    "nginx": 'add_header Strict-Transport-Security "max-age=63072000" always;',
    "apache": 'Header always set Strict-Transport-Security "max-age=63072000"',
    "haproxy": 'frontend FRONTEND\n    http-response set-header Strict-Transport-Security "max-age=63072000"',
    "iis": _lines(
        """
        $where = @{PSPath = "MACHINE/WEBROOT/APPHOST"; Filter = "/system.applicationHost/sites/site[@name='SITE']/hsts"}
        Set-WebConfigurationProperty @where -Name enabled -Value true
        Set-WebConfigurationProperty @where -Name max-age -Value 63072000
        # IIS 10 of Windows Server 1709 or newer.
        """
    ),
    "azure-application-gateway": _lines(
        """
        gateway="--resource-group GROUP --gateway-name GATEWAY"
        az network application-gateway rewrite-rule set create $gateway --name hsts
        az network application-gateway rewrite-rule create $gateway --rule-set-name hsts --name hsts \\
            --response-headers Strict-Transport-Security="max-age=63072000"
        az network application-gateway rule update $gateway --name RULE --rewrite-rule-set hsts
        """
    ),
    "aws-elb": (
        "aws elbv2 modify-listener-attributes --listener-arn LISTENER --attributes "
        'Key=routing.http.response.strict_transport_security.header_value,Value="max-age=63072000"'
    ),
}

COMPRESSION: Snippets = {
    "nginx": "# Nothing to set: nginx 1.3.2 and newer never compress TLS. Update nginx.",
    "apache": "SSLCompression off",
    "haproxy": "# Nothing to set: build HAProxy against an OpenSSL that is still maintained.",
    "iis": "# Schannel has no TLS compression: what answers is another machine in front.",
    "azure-application-gateway": _AZURE_POLICY,
    "aws-elb": _AWS_POLICY,
}

RENEGOTIATION: Snippets = {
    "nginx": "# Nothing to set: nginx refuses renegotiation since 0.8.23. Update nginx and OpenSSL.",
    "apache": "SSLInsecureRenegotiation off\n# and update OpenSSL",
    "haproxy": "# Nothing to set: HAProxy refuses renegotiation. Update HAProxy and OpenSSL.",
    "iis": _lines(
        f"""
        Set-ItemProperty "{_SCHANNEL}" -Name AllowInsecureRenegoClients -Value 0
        Set-ItemProperty "{_SCHANNEL}" -Name DisableRenegoOnServer -Value 1
        """
    ),
    "azure-application-gateway": _AZURE_POLICY,
    "aws-elb": _AWS_POLICY,
}

CHAIN: Snippets = {
    "nginx": "ssl_certificate FULLCHAIN.pem;  # the leaf first, then every intermediate, no root",
    "apache": "SSLCertificateFile FULLCHAIN.pem  # the leaf first, then every intermediate, no root",
    "haproxy": "bind :443 ssl crt SITE.pem  # key, leaf, then every intermediate, no root",
    "iis": _lines(
        r"""
        # A PFX that was exported with its chain:
        Import-PfxCertificate -FilePath SITE.pfx -CertStoreLocation Cert:\LocalMachine\My
        """
    ),
    "azure-application-gateway": (
        "az network application-gateway ssl-cert update --resource-group GROUP --gateway-name GATEWAY "
        "--name CERTIFICATE --cert-file SITE.pfx --cert-password PASSWORD"
    ),
    "aws-elb": (
        "aws acm import-certificate --certificate-arn CERTIFICATE --certificate fileb://LEAF.pem "
        "--private-key fileb://KEY.pem --certificate-chain fileb://INTERMEDIATES.pem"
    ),
}
