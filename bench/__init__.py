"""Benchmarks: what requests cost through the gateway and straight over gRPC, beside ceilings that
the same machine sets in the same run."""
