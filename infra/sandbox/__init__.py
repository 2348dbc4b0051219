"""Both upstreams simulated over real HTTP, to try the service with and to break on purpose."""
