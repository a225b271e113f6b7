"""How a command reaches the service: the options of the connection, once for all commands.

A command is an async function of a `Session` and its own options; `command` adds the options of
the connection, opens the client and turns errors into messages and exit codes.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
from dataclasses import dataclass
from pathlib import Path  # noqa: TC003  typer reads annotations
from typing import TYPE_CHECKING, Annotated, Any, Concatenate, Final, ParamSpec

import typer

from rollbook.cli.failures import ExitCode, advice, describe, exit_code
from rollbook.cli.output import Output
from rollbook.client import TLS, RollbookClient
from rollbook.errors import RollbookError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    P = ParamSpec("P")

_PANEL: Final = "Connection"


@dataclass(frozen=True)
class Session:
    """What a command works with: the client, its address, and where results go."""

    client: RollbookClient
    address: str
    output: Output


def open_session(
    *,
    address: Annotated[
        str,
        typer.Option(
            metavar="HOST:PORT",
            envvar=["ROLLBOOK_ADDRESS", "ROLLBOOK_GRPC_LISTEN"],
            rich_help_panel=_PANEL,
            help="The service's gRPC address; also dns:///name:port or unix:/path.",
        ),
    ] = "127.0.0.1:50051",
    token: Annotated[
        str | None,
        typer.Option(
            envvar=["ROLLBOOK_TOKEN", "ROLLBOOK_BOOTSTRAP_TOKEN"],
            rich_help_panel=_PANEL,
            help="The access token. Everyone on this machine can read it in the list of "
            "processes: rather use the environment or --token-file.",
        ),
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            rich_help_panel=_PANEL,
            help="A file that holds the token; goes before --token.",
        ),
    ] = None,
    tls: Annotated[
        bool,
        typer.Option(
            "--tls",
            envvar="ROLLBOOK_TLS",
            rich_help_panel=_PANEL,
            help="Encrypt. The files below imply it.",
        ),
    ] = False,
    tls_ca: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            envvar="ROLLBOOK_TLS_CA",
            rich_help_panel=_PANEL,
            help="PEM of the authorities to trust instead of the system's.",
        ),
    ] = None,
    tls_cert: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            envvar="ROLLBOOK_TLS_CERT",
            rich_help_panel=_PANEL,
            help="PEM of this client's certificate, with --tls-key.",
        ),
    ] = None,
    tls_key: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            envvar="ROLLBOOK_TLS_KEY",
            rich_help_panel=_PANEL,
            help="PEM of its private key.",
        ),
    ] = None,
    timeout: Annotated[
        float,
        typer.Option(
            metavar="SECONDS",
            envvar="ROLLBOOK_TIMEOUT",
            min=0.001,
            rich_help_panel=_PANEL,
            help="How long one call may take.",
        ),
    ] = 10.0,
    tenant: Annotated[
        str | None,
        typer.Option(
            metavar="TENANT",
            envvar="ROLLBOOK_TENANT",
            rich_help_panel=_PANEL,
            help="The tenant to act in, by name or id, with the scope platform; else one's own.",
        ),
    ] = None,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json", rich_help_panel=_PANEL, help="Print JSON, one object a line, for programs."
        ),
    ] = False,
) -> Session:
    """Open a session; its client connects with the first call. Raises BadParameter."""
    address = _dialable(address)
    try:
        client = RollbookClient(
            address,
            token=_token(token, token_file),
            tls=_tls(enabled=tls, files=(tls_ca, tls_cert, tls_key)),
            timeout=timeout,
            tenant=tenant,
        )
    except (OSError, ValueError) as error:
        raise typer.BadParameter(str(error)) from error
    return Session(client, address, Output(as_json=as_json))


def _dialable(address: str) -> str:
    """Where to reach a service that listens on every interface."""
    host, _, port = address.rpartition(":")
    return f"127.0.0.1:{port}" if host in {"0.0.0.0", "[::]"} else address  # noqa: S104


def _token(token: str | None, file: Path | None) -> str | None:
    text = file.read_text("utf-8") if file else token
    if text is None:
        return None
    words = text.split()
    # As it is pasted from a header or a terminal.
    return words[1] if len(words) == 2 and words[0].lower() == "bearer" else text.strip()  # noqa: PLR2004


def _tls(*, enabled: bool, files: tuple[Path | None, Path | None, Path | None]) -> TLS | None:
    return TLS.from_files(*files) if enabled or any(files) else None


_CONNECTION: Final = inspect.signature(open_session, eval_str=True).parameters


def command(
    app: typer.Typer, name: str, *, examples: str = ""
) -> Callable[[Callable[Concatenate[Session, P], Awaitable[None]]], Callable[..., None]]:
    """Make an async function of a session a command of the app; its docstring is the help."""

    def decorate(
        function: Callable[Concatenate[Session, P], Awaitable[None]],
    ) -> Callable[..., None]:
        @functools.wraps(function)
        def run(context: typer.Context, **given: Any) -> None:
            options = {option: given.pop(option) for option in _CONNECTION}
            session = open_session(**(options | _options_before_command(context)))
            _run(session, functools.partial(function, **given))

        _show_parameters(run, function)
        epilog = f"[bold]Examples[/bold]\n{examples}" if examples else None
        app.command(name, epilog=epilog)(run)
        return run

    return decorate


def connection_callback(app: typer.Typer) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a function the app's callback, so that the options of the connection may stand before
    the name of the command too."""

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(function)
        def run(context: typer.Context, **given: Any) -> None:
            options = {option: given.pop(option) for option in _CONNECTION}
            context.obj = {
                option: value for option, value in options.items() if _is_written(context, option)
            }
            function(**given)

        _show_parameters(run, function)
        app.callback()(run)
        return run

    return decorate


def _options_before_command(context: typer.Context) -> dict[str, Any]:
    """The options that stand before the command's name and not after it as well."""
    written: dict[str, Any] = context.find_root().obj or {}
    return {option: value for option, value in written.items() if not _is_written(context, option)}


def _is_written(context: typer.Context, option: str) -> bool:
    """Whether an option stands on the command line, rather than in the environment."""
    source = context.get_parameter_source(option)
    return source is not None and source.name == "COMMANDLINE"


def _show_parameters(run: Callable[..., None], function: Callable[..., Any]) -> None:
    """Let typer see the function's own parameters, with the connection's after them."""
    own = inspect.signature(function, eval_str=True).parameters.values()
    context = inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
    shown = [one for one in own if one.annotation is not Session]
    run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            one.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            for one in (context, *shown, *_CONNECTION.values())
        ]
    )
    run.__annotations__ = {}


def _run(session: Session, function: Callable[[Session], Awaitable[None]]) -> None:
    """Run a command to its end. Raises Exit with its exit code."""

    async def connected() -> None:
        async with session.client:
            await function(session)

    try:
        asyncio.run(connected())
    except RollbookError as error:
        session.output.error(describe(error), advice(error))
        raise typer.Exit(exit_code(error)) from error
    except KeyboardInterrupt as interrupt:
        raise typer.Exit(ExitCode.INTERRUPTED) from interrupt
