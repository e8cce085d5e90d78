"""The Faust side: consuming with acknowledgement that loses nothing."""
