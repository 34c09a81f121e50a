"""Start-up refuses to be unsafe."""
