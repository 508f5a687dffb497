"""The command `cpc-keras`: its options, its console, and the codes that it leaves."""

from cpc_keras.cli.app import app, main

__all__ = ["app", "main"]
