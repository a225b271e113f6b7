"""`python -m gateway`: answers SCIM over HTTP by calling the identity service over gRPC."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from textwrap import fill, indent
from typing import TYPE_CHECKING

import uvloop
from pydantic import ValidationError

from gateway.logs import configure_logs
from gateway.settings import (
    MAX_WORKERS,
    Settings,
    SettingsError,
    load_settings,
)
from gateway.supervisor import Supervisor, reserve_port
from gateway.worker import serve
from rollbook.settings_file import (
    DEFAULT_FILE,
    ENVIRONMENT_PREFIX,
    SettingsFileError,
    faults_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_DESCRIPTION = """\
The SCIM 2.0 gateway of Rollbook. It answers identity providers over HTTP, keeps no state and
needs nothing but the identity service (python -m service), which it calls over gRPC.
"""

_EXAMPLES = f"""\
Settings are environment variables, or the same names in lower case without {ENVIRONMENT_PREFIX}
in a YAML file. The environment goes before the file.

{{settings}}

Examples:
  python -m gateway
  ROLLBOOK_GRPC_TARGET=unix:/run/rollbook.sock python -m gateway
  ROLLBOOK_HTTP_LISTEN=0.0.0.0:8080 ROLLBOOK_HTTP_PUBLIC_URL=https://id.acme.example \\
    python -m gateway --workers 4

GET /healthz says whether the process is alive, GET /readyz whether it can serve. SIGTERM and
Ctrl-C let running requests finish.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the gateway until it is stopped; the exit code."""
    options = _parser().parse_args(arguments)
    try:
        settings = load_settings(options.config)
        configure_logs(settings)
        _run(settings, options.workers or settings.http_workers)
    except ValidationError as error:
        return _fail("\n".join(faults_of(error)))
    except (SettingsError, SettingsFileError) as error:
        return _fail(str(error))
    return 0


def _run(settings: Settings, workers: int) -> None:
    if workers == 1:
        uvloop.run(serve(settings))
        return
    address, holder = reserve_port(settings.http_address)
    shared = settings.model_copy(update={"http_listen": str(address)})
    with holder:
        Supervisor(
            workers, lambda parent: uvloop.run(serve(shared, share_port=True, parent=parent))
        ).run()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m gateway",
        description=_DESCRIPTION,
        epilog=_EXAMPLES.format(settings="\n".join(_settings_help())),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help=f"the YAML file; {DEFAULT_FILE} in the working directory, if there is one",
    )
    parser.add_argument(
        "--workers",
        type=_worker_count,
        metavar="N",
        help="processes that share the port; one for each core at most",
    )
    return parser


def _worker_count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MAX_WORKERS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {MAX_WORKERS}")
    return int(text)


def _settings_help() -> Iterator[str]:
    for name, field in Settings.model_fields.items():
        default = "" if field.default is None else f" [{str(field.default).lower()}]"
        yield f"  {ENVIRONMENT_PREFIX}{name.upper()}{default}"
        yield indent(fill(field.description or "", 90), " " * 6)


def _fail(message: str) -> int:
    print(f"gateway: {message}", file=sys.stderr)  # noqa: T201 - the user's terminal
    return 2


if __name__ == "__main__":
    sys.exit(main())
