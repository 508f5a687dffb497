"""Ways to compute what a processor is slow at, with what each gains where."""
