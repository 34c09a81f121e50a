"""Planted bugs."""
def plant(name: str) -> None:
    pass
