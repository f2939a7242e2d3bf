// What the browser measures of a session, reduced to a few numbers.
