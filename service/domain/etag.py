"""Entity tags: how clients name the version of a resource they know (RFC 7644 §3.14)."""

from __future__ import annotations

from rollbook.v1.error_reason_pb2 import ErrorReason
from service.domain.errors import DomainError


def of_version(version: int) -> str:
    """The weak tag of a version, e.g. `W/"3"`."""
    return f'W/"{version}"'


def matches(condition: str, version: int) -> bool:
    """Whether a tag, a comma-separated list of tags or `*` names the version.

    Tags are compared weakly, although RFC 9110 §13.1.1 asks If-Match for a strong comparison:
    under that no weak tag would ever match, and SCIM's own examples send weak ones. A tag
    without quotes is understood too.
    """
    tags = (tag.strip() for tag in condition.split(","))
    current = str(version)
    return any(tag == "*" or tag.removeprefix("W/").strip('"') == current for tag in tags)


def require(condition: str, version: int) -> None:
    """Raise ETAG_MISMATCH unless the condition is empty or names the version."""
    if condition and not matches(condition, version):
        raise DomainError(
            ErrorReason.ERROR_REASON_ETAG_MISMATCH,
            f"The resource has changed since: its version is {of_version(version)}. "
            "Read it again and repeat the change.",
            metadata={"currentEtag": of_version(version)},
        )
