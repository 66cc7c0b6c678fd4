"""How operations go backward."""
