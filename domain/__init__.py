"""What is true: values, facts, decisions and rules. No I/O, no clock, no framework."""
