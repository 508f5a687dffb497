"""`python -m cpc_keras`: the command `cpc-keras`."""

from cpc_keras.cli.app import main

if __name__ == "__main__":
    main()
