"""`python -m cpc_keras.cli`, by which workers are started."""

from cpc_keras.cli.app import main

if __name__ == "__main__":
    main()
