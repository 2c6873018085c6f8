"""What is asked, by whom and when: arrivals, objects, sizes, demands, or an access log.

One workload serves every world: the same seed gives the same requests to the simulation and to
the sockets. Everything is drawn in blocks, so memory does not grow with the run.

===============  ==========================================================================
``streams``      a random stream for every component and purpose
``distributions``  service demands, think times, sizes
``arrivals``     when an open group's requests come
``popularity``   which of a site's objects they ask for
``catalogue``    what those objects are
``draws``        all of it put together: the requests of each group of clients
``traces``       access logs, read
===============  ==========================================================================
"""
