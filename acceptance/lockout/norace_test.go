//go:build !race

package lockout

// appliesPerRow is how many applies there are of each row.
const appliesPerRow = 200
