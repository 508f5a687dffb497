"""The commands, by what they are about; each imports what it takes when it is called."""
