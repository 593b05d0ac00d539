"""Has a name that is a pattern for files, an option and a formula for a spreadsheet."""

STUDENT = "=HYPERLINK([!a]*,--help)"
