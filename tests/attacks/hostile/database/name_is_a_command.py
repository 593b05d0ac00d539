"""Has a name that is a command to the database."""

STUDENT = "Robert'); DROP TABLE student;--"
