"""The errors a user can mend."""


class InputError(ValueError):
    """What the user gave cannot be used; the message is one line and says why.

    The command line prints it as it is and exits with code 2.
    """
