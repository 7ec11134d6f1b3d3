//go:build !race

package lockout

// appliesPerRow is how many applies there are of each row.
const appliesPerRow = 200

// appliesOfWrongTable is how many there are of each error table that is wrong.
const appliesOfWrongTable = 1000
