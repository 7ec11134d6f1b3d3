//go:build race

package lockout

// appliesPerRow is fewer here: the race detector makes each apply several times as
// slow, and a race shows in the first ones, which all want to log in.
const appliesPerRow = 40

// appliesOfWrongTable are fewer too.
const appliesOfWrongTable = 60
