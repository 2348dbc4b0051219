"""The transparency log: integrated from the event log, signed, witnessed, and shown as evidence."""
