//go:build acceptance

package leak

// whole says whether the whole hunt is run, which takes minutes.
const whole = true
