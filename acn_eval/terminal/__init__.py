"""What commands share: options, console, progress bars and tables."""
