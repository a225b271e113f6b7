"""The log of the process: lines for people on a terminal, JSON for programs, on standard error."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Final

import structlog

if TYPE_CHECKING:
    from gateway.settings import Settings

# Traces are without the values of variables, which hold bodies and credentials.
_TRACES: Final = structlog.processors.ExceptionRenderer(
    structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
)


def configure_logs(settings: Settings) -> None:
    """Sets up structlog and gives it what libraries log.

    Nothing is ever bound to a line but identifiers, codes and counts: bodies, filters and
    credentials are personal or secret (RFC 7643 §9.3, RFC 7644 §7.5).
    """
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_renderers(settings),
            ],
        )
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("gateway").setLevel(level)


def _renderers(settings: Settings) -> tuple[structlog.typing.Processor, ...]:
    automatic = "console" if sys.stderr.isatty() else "json"
    if (automatic if settings.log_format == "auto" else settings.log_format) == "console":
        plain = structlog.dev.plain_traceback
        return (structlog.dev.ConsoleRenderer(exception_formatter=plain),)
    return (_TRACES, structlog.processors.JSONRenderer())
