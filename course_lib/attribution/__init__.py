"""The methods, one module each. This package imports torch and nothing of ours but itself."""
