"""Images with boxes: files, tiles, augmentation and batches."""
