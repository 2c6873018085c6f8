"""HTTP caching as pure rules: what may be kept, for whom, for how long, and how it is confirmed.

The rules are those of RFC 9111 for a shared cache, with RFC 5861 (stale answers), RFC 9110
(conditions and ranges) and RFC 9211 (Cache-Status). ``docs/http-caching.md`` leads from each rule
to its section and its test.
"""
