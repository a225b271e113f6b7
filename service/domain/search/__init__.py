"""Filters, orders and positions in lists: what they mean."""
