"""What people and machines look at: tables, status, exports."""
