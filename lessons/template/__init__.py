"""Say in one sentence what a student does here: it becomes a row of README's table."""
