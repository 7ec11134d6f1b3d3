package upstream

// Names that the tests, which are outside the package, look into.
var (
	NewLimiter = newLimiter
	RetryAfter = retryAfter
)
