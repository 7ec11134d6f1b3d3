package upstream

// Names that the tests, which are outside the package, look into.
var (
	Do         = do
	NewLimiter = newLimiter
	RetryAfter = retryAfter
)
