"""The console: a page to watch the simulator and to make things happen, through the control API."""
