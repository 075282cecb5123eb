"""What the pages show, as plain data: each function reads the store and the processes' answers, and computes no HTML."""
