//go:build !race

package lockout

// hundreds is how many applies there are of each row.
const hundreds = 200
