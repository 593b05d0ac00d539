"""Has a name that clears the terminal and is written from right to left."""

STUDENT = "\x1b[2J\x1b[31mred\x07\u202e"
