"""Access logs, read into columns: common and combined, Squid's native format, CSV; also gzipped."""

from proxysim.workload.traces.reading import FORMATS, read_trace
from proxysim.workload.traces.trace import Entry, Skipped, Trace

__all__ = ["FORMATS", "Entry", "Skipped", "Trace", "read_trace"]
