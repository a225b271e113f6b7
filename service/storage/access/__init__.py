"""Roles, who has them, and who had them."""
