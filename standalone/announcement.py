"""What is printed when everything is ready: where to go, and with which token."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from standalone.addresses import Address
    from standalone.first_token import FirstToken


def announce(scim_base_url: str, grpc: Address, token: FirstToken) -> None:
    """Prints to standard output: for people on a terminal, else one `name: value` a line."""
    shown = token.value if token.mark is not None and token.value is not None else None
    token_line = f"{shown} ({token.remark})" if shown else token.remark
    if sys.stdout.isatty():
        _to_terminal(scim_base_url, grpc, token_line, shown)
        return
    print(
        f"SCIM base URL: {scim_base_url}\nToken: {shown or token.remark}\ngRPC: {grpc}", flush=True
    )


def _to_terminal(scim_base_url: str, grpc: Address, token_line: str, shown: str | None) -> None:
    console = Console(soft_wrap=True, highlight=False)
    console.print("\n[bold green]Rollbook is ready.[/]  Ctrl-C stops it.\n")
    rows = {"SCIM base URL": scim_base_url, "Token": token_line, "gRPC": str(grpc)}
    for name, value in rows.items():
        console.print(Text(f"  {name:<15}", style="bold"), Text(value), sep="")
    request = f"curl -H 'Authorization: Bearer {shown or '<token>'}' '{scim_base_url}/Users'"
    console.print(Text(f"\n  {request}\n", style="dim"))
    sys.stdout.flush()
