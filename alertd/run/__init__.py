"""The running daemon: threads, ticks, the watchdog, the orderly stop."""
