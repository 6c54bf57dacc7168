"""Validates an RO-Crate with roc-validator, in an environment of its own: ``validate_crate.py CRATE PROFILE...``.

The one address that the validator reads, RO-Crate's context, is answered from the copy that the package rocrate ships.
"""

import io
import json
import sys
from pathlib import Path

import rocrate  # type: ignore[import-not-found]
from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter
from rocrate_validator import services  # type: ignore[import-not-found]
from rocrate_validator.models import Severity, ValidationSettings  # type: ignore[import-not-found]
from rocrate_validator.utils.document_loader import install_document_loader  # type: ignore[import-not-found]
from rocrate_validator.utils.http import HttpRequester  # type: ignore[import-not-found]

CONTEXT = "https://w3id.org/ro/crate/1.1/context"


class Shipped(BaseAdapter):
    """Answers one address from a file."""

    def send(self, request: PreparedRequest, *_arguments: object, **_options: object) -> Response:
        answer = Response()
        answer.status_code, answer.request, answer.url = 200, request, CONTEXT
        answer.headers["Content-Type"] = "application/ld+json"
        answer.raw = io.BytesIO((Path(rocrate.__file__).parent / "data" / "ro-crate.jsonld").read_bytes())
        return answer

    def close(self) -> None:
        """Hold nothing."""


def main(crate: str, *profiles: str) -> None:
    """Print what is wrong, as JSON: profile and severity to check and sentence."""
    install_document_loader()
    found = []
    for profile in profiles:
        settings = ValidationSettings(
            rocrate_uri=crate, profile_identifier=profile, requirement_severity=Severity.RECOMMENDED, no_cache=True
        )
        HttpRequester().session.mount(CONTEXT, Shipped())
        result = services.validate(settings)
        found += [
            {
                "profile": profile,
                "severity": issue.severity.name,
                "check": issue.check.identifier,
                "message": issue.message,
            }
            for issue in result.get_issues()
        ]
    sys.stdout.write(json.dumps(found))


main(*sys.argv[1:])
