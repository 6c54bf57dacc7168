"""Whether a document could run as a job: every fault at once, and nothing is stored."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from calculation_engine.engine.intake.submission import Submission
from calculation_engine.engine.intake.unreadable import unreadable
from calculation_engine.errors import Fault
from calculation_engine.schemas.job import JobRequest


def document_faults(submission: Submission, document: dict[str, Any], owner: str) -> list[Fault]:
    """Return all that is wrong with a document, each with its path in the job that is written out.

    Files that come with a request, inputs of type ``part``, count as given; their content is not looked at.

    Raises:
        InvalidInput: the document is no job; what is wrong in the parts that can be read is said with that.
    """
    try:
        request = JobRequest.model_validate(document)
    except ValidationError as error:
        raise unreadable(submission, document, error, owner) from error
    return submission.faults(request, owner)
