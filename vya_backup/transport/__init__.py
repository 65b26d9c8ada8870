"""The effects: connections, child processes, streams, files and locks. Each dangerous thing has one owner here."""
