"""Which images to label next, a page to label them in, and what is odd about images and labels."""
