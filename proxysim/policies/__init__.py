"""Pure decisions: who is asked, what is kept, whether a request may pass. No clock, no socket."""
