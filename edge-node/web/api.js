// The HTTP API, as far as the pages need it.
