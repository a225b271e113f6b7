"""Filters, orders and pages as SQL."""
