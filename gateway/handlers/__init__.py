"""One HTTP request is one RPC: parse, call, render."""
