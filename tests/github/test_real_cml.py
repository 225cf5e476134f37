"""The real CML, where `GATEPOST_CML` names one: it does what its stand-in is believed to do."""

import os
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from gates.github.cml import Cml
from gates.github.mark import Run
from tests.github.conftest import Desk, message
from tests.github.fake import HEAD, serve

CML = os.environ.get("GATEPOST_CML", "")
pytestmark = pytest.mark.skipif(not CML, reason="GATEPOST_CML names no CML")
FIRST, SECOND = Run(811, 1), Run(812, 1)


@pytest.fixture
def with_cml(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """CML speaks to `https://<host>/api/v3` only, so the server has a certificate of its own."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    openssl = shutil.which("openssl")
    assert openssl
    made = ("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost")
    files = ("-keyout", str(key), "-out", str(certificate))
    named = ("-addext", "subjectAltName=DNS:localhost")
    subprocess.run((openssl, *made, *files, *named), check=True, capture_output=True)
    secured = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    secured.load_cert_chain(certificate, key)
    monkeypatch.setenv("NODE_EXTRA_CA_CERTS", str(certificate))
    with serve(desk.fake, "/api/v3", secured=secured) as url:
        desk.cml = Cml(CML, f"https://{urlsplit(url).netloc}", "acme/churn", "ghs_canary")
        yield desk


def test_it_posts_and_then_updates_the_one_comment(with_cml: Desk) -> None:
    for run in (FIRST, SECOND):
        with_cml.publish(run, message(str(run)))
        (comment,) = with_cml.fake.ours()
        assert comment["body"].startswith(f"### Model gate: {run}\n")
        image = f'![](https://cml.dev/watermark.png#{HEAD} "CML watermark gatepost-main")'
        assert comment["body"].rstrip().endswith(image)
    verbs = [call.verb for call in with_cml.fake.writes() if "comments" in call.path]
    assert verbs == ["POST", "PATCH"]
    assert not [line for line in with_cml.said if "CML" in line]


def test_it_uploads_nothing_that_a_text_links_to(with_cml: Desk) -> None:
    text = message().text.replace("\n\n", "\n\n[a](/etc/hostname) ![b](/etc/hostname)\n\n", 1)
    with_cml.publish(FIRST, message()._replace(text=text))
    (comment,) = with_cml.fake.ours()
    assert "[a](/etc/hostname) ![b](/etc/hostname)" in comment["body"]
    assert not [line for line in with_cml.said if "CML" in line]
