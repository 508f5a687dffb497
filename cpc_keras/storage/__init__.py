"""What every long work keeps: files that appear whole, finished results, digests."""
